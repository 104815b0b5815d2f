/* SPDX-License-Identifier: Apache-2.0 */
/* test_augment_channel.c - filters, rooms, noises, band limits, telephone, volume, clipping: by their own definitions.
 */
#include "support/support.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "data/augment.h"
#include "data/augment_filter.h"
#include "feat/fft.h"

#include <math.h>
#include <string.h>

static const double TURN = 6.283185307179586;
enum { RATE = TING_SOUND_RATE, LENGTH = 4 * RATE };

static void apply(ting_augment_plan plan, uint64_t seed, ting_sound *sound)
{
    ting_augment *augment;
    ting_rng rng = ting_rng_new(seed, 1);
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    assert_ok(ting_augment_channel(augment, &rng, sound));
    ting_augment_free(augment);
}

static void white(ting_sound *s, double deviation, size_t count, uint64_t seed)
{
    ting_rng rng = ting_rng_new(seed, 9);
    assert_ok(ting_sound_reserve(s, count));
    s->count = count;
    for (size_t i = 0; i < count; i++)
        s->samples[i] = (float)(deviation * ting_rng_normal(&rng));
}

/* ---- filters ---- */

static void filters_are_convolutions(void **state)
{
    (void)state;
    static const struct {
        size_t taps, delay, count;
    } cases[] = {{1, 0, 1}, {1, 0, 5000}, {7, 3, 4}, {7, 6, 1000}, {200, 199, 700}, {300, 0, 3000}, {511, 255, 2500}, {3000, 40, 100}};
    ting_filters filters;
    ting_sound x = {0}, h = {0};
    assert_ok(ting_filters_make(&filters));
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        white(&x, 1, cases[c].count, 1);
        white(&h, 1, cases[c].taps, 2);
        float *want = ting_alloc(cases[c].count, sizeof *want);
        for (size_t t = 0; t < cases[c].count; t++) {
            double sum = 0;
            for (size_t k = 0; k < cases[c].taps; k++)
                if (t + cases[c].delay >= k && t + cases[c].delay - k < cases[c].count)
                    sum += (double)h.samples[k] * (double)x.samples[t + cases[c].delay - k];
            want[t] = (float)sum;
        }
        assert_ok(ting_filter_run(&filters, h.samples, cases[c].taps, cases[c].delay, x.samples, cases[c].count));
        ting_assert_close(x.samples, want, cases[c].count, 1e-5 * sqrt((double)cases[c].taps), "filtered");
        ting_free(want);
    }
    ting_filters_free(&filters);
    ting_sound_free(&x);
    ting_sound_free(&h);
}

/* ---- noise ---- */

/* Words: a tone of amplitude 0.1 in half of the time, true silence in between. Its power while it sounds is 0.005. */
static void words(ting_sound *s)
{
    assert_ok(ting_sound_reserve(s, LENGTH));
    s->count = LENGTH;
    for (size_t i = 0; i < LENGTH; i++)
        s->samples[i] = i / 8000 % 2 == 0 ? (float)(0.1 * sin(TURN * 440 * (double)i / RATE)) : 0;
}

static void pauses_do_not_count(void **state)
{
    (void)state;
    ting_sound s = {0};
    words(&s);
    assert_true(fabs(ting_sound_active_power(s.samples, s.count) - 0.005) < 1e-6);
    assert_true(fabs(ting_sound_power(s.samples, s.count) - 0.0025) < 1e-6);
    for (size_t i = 0; i < s.count; i++) /* a faint hiss in the pauses changes nothing */
        s.samples[i] += i % 2 == 0 ? 1e-4F : -1e-4F;
    assert_true(fabs(ting_sound_active_power(s.samples, s.count) - 0.005) < 1e-6);
    assert_true(ting_sound_active_power(s.samples, 0) == 0);
    ting_sound_free(&s);
}

/* dB of the words over what the channel added. */
static double snr_of(ting_augment_plan plan, uint64_t seed)
{
    ting_sound s = {0}, clean = {0};
    words(&s);
    words(&clean);
    apply(plan, seed, &s);
    double noise = 0;
    for (size_t i = 0; i < LENGTH; i++) {
        const double gap = (double)s.samples[i] - (double)clean.samples[i];
        noise += gap * gap;
    }
    ting_sound_free(&s);
    ting_sound_free(&clean);
    return 10 * log10(0.005 / (noise / LENGTH));
}

/* A list of three noises of different loudness, the shortest half a second long. */
static void save_noises(char **list)
{
    ting_sound s = {0};
    *list = ting_temp_path("noises.txt");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "noise%d.wav", i);
        char *path = ting_temp_path(name);
        white(&s, 0.01 * (1 << i), 8000 * (1 + (size_t)i), 10 + (uint64_t)i);
        assert_ok(ting_tiny_wav_save(path, s.samples, s.count, RATE));
        ting_free(path);
    }
    assert_ok(ting_file_save(*list, "noise0.wav\nnoise1.wav\nnoise2.wav\n", 33));
    ting_sound_free(&s);
}

static void noise_has_the_ratio_that_was_drawn(void **state)
{
    (void)state;
    static const double ratios[] = {-10, 0, 7.5, 20, 40};
    char *list;
    save_noises(&list);
    for (size_t i = 0; i < 5; i++)
        for (int source = 0; source < 3; source++) { /* made up; one of a list; babble of five */
            ting_augment_plan plan = {.noises = 1};
            plan.noise[0] = (ting_augment_noise){.source = {source > 0 ? list : NULL, NULL, 100},
                                                 .share = 1,
                                                 .snr = {ratios[i], ratios[i]},
                                                 .voices_low = source == 2 ? 5 : 1,
                                                 .voices_high = source == 2 ? 5 : 1};
            /* samples are floats of about 0.1: differences are exact to 1e-8, 30 dB below the faintest noise */
            assert_true(fabs(snr_of(plan, 5 + i) - ratios[i]) < 0.01);
        }
    ting_augment_plan two = {.noises = 2};
    two.noise[0] = two.noise[1] = (ting_augment_noise){.share = 1, .snr = {10, 10}, .voices_low = 1, .voices_high = 1};
    /* two independent noises of 10 dB: 7 dB together; their product's mean over 64,000 samples is below 2 % */
    assert_true(fabs(snr_of(two, 4) - (10 - 10 * log10(2))) < 0.3);
    ting_free(list);
}

static void noise_comes_as_often_as_its_share(void **state)
{
    (void)state;
    ting_augment_plan plan = {.noises = 1};
    plan.noise[0] = (ting_augment_noise){.share = 0.3, .snr = {0, 20}, .voices_low = 1, .voices_high = 1};
    int noisy = 0, low = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const double snr = snr_of(plan, seed);
        noisy += isfinite(snr);
        low += isfinite(snr) && snr < 10;
        assert_true(!isfinite(snr) || (snr > -0.1 && snr < 20.1));
    }
    assert_in_range(noisy, 60 - 32, 60 + 32); /* five deviations of sqrt(200 x 0.21) */
    assert_true(low > noisy / 4 && low < 3 * noisy / 4);
}

/* ---- rooms ---- */

static void assert_timing_and_power(const ting_sound *before, const ting_sound *after)
{
    double best = 0;
    int where = -1000;
    for (int lag = -400; lag <= 400; lag++) {
        double sum = 0;
        for (int i = 400; i < (int)before->count - 400; i++)
            sum += (double)before->samples[i] * (double)after->samples[i + lag];
        if (fabs(sum) > best) {
            best = fabs(sum);
            where = lag;
        }
    }
    assert_int_equal(where, 0);
    assert_true(fabs(ting_sound_power(after->samples, after->count) / ting_sound_power(before->samples, before->count) - 1) < 1e-4);
}

static void rooms_keep_timing_and_power(void **state)
{
    (void)state;
    ting_sound s = {0}, clean = {0}, room = {0};
    char *list = ting_temp_path("rooms.txt"), *path = ting_temp_path("room.wav");
    /* a room whose direct sound arrives after 500 samples and is turned over, behind a faint hiss */
    white(&room, 0.001, 6000, 3);
    for (size_t i = 500; i < room.count; i++)
        room.samples[i] += 0.05F * expf(-(float)(i - 500) / 900) * (i % 3 == 0 ? 1.0F : -0.6F);
    room.samples[500] = -0.8F;
    assert_ok(ting_tiny_wav_save(path, room.samples, room.count, RATE));
    assert_ok(ting_file_save(list, "room.wav\n", 9));
    for (uint64_t seed = 0; seed < 6; seed++) {
        ting_augment_plan plan = {.rooms = {.share = 1, .decay = {0.05, 0.8}, .direct = {0, 12}}};
        plan.rooms.source = (ting_augment_source){seed % 2 ? list : NULL, NULL, 100};
        white(&s, 0.05, 20000, seed);
        white(&clean, 0.05, 20000, seed);
        apply(plan, seed, &s);
        assert_int_equal(s.count, 20000);
        assert_timing_and_power(&clean, &s);
        assert_memory_not_equal(s.samples, clean.samples, 20000 * sizeof(float));
    }
    ting_free(list);
    ting_free(path);
    ting_sound_free(&s);
    ting_sound_free(&clean);
    ting_sound_free(&room);
}

/* A click through a made-up room is the room: direct over the rest as drawn, the rest falling by 60 dB in `decay`. */
static void made_up_rooms_have_the_decay_that_was_drawn(void **state)
{
    (void)state;
    ting_sound s = {0};
    for (uint64_t seed = 0; seed < 5; seed++) {
        white(&s, 0, RATE, 1);
        s.samples[0] = 0.9F;
        apply((ting_augment_plan){.rooms = {.share = 1, .decay = {0.5, 0.5}, .direct = {3, 3}}}, seed, &s);
        const double direct = (double)s.samples[0] * (double)s.samples[0];
        const double rest = ting_sound_power(s.samples + 1, s.count - 1) * (double)(s.count - 1);
        assert_true(fabs(10 * log10(direct / rest) - 3) < 0.01);
        /* 0.3 s apart: 36 dB; 1,600 draws each: a deviation of 0.15 dB */
        const double early = ting_sound_power(s.samples + 800, 1600), late = ting_sound_power(s.samples + 800 + 4800, 1600);
        assert_true(fabs(10 * log10(early / late) - 36) < 1);
        assert_true(ting_sound_peak(s.samples + 8100, s.count - 8100) < 1e-6F);
    }
    ting_sound_free(&s);
}

/* ---- microphone and line ---- */

/* Mean power per Hz of the middle 2^15 samples, from `low` to `high` Hz. */
static double density(const ting_sound *s, double low, double high)
{
    enum { N = 1 << 15 };
    static double x[N], re[N / 2 + 1], im[N / 2 + 1];
    ting_fft *fft;
    assert_ok(ting_fft_new(N, &fft));
    for (size_t i = 0; i < N; i++)
        x[i] = (0.5 - 0.5 * cos(TURN * (double)i / N)) * (double)s->samples[(s->count - N) / 2 + i];
    ting_fft_run(fft, x, re, im);
    ting_fft_free(fft);
    double sum = 0;
    int taken = 0;
    for (int k = (int)ceil(low * N / RATE); k <= (int)(high * N / RATE); k++, taken++)
        sum += re[k] * re[k] + im[k] * im[k];
    return sum / taken;
}

static double change_in(const ting_sound *before, const ting_sound *after, double low, double high)
{
    return 10 * log10(density(after, low, high) / density(before, low, high));
}

static void a_telephone_has_its_band(void **state)
{
    (void)state;
    ting_sound s = {0}, clean = {0};
    white(&s, 0.1, LENGTH, 1);
    white(&clean, 0.1, LENGTH, 1);
    apply((ting_augment_plan){.telephone = 1}, 1, &s);
    assert_true(fabs(change_in(&clean, &s, 500, 3200)) < 0.1);
    assert_true(change_in(&clean, &s, 3700, 8000) < -60);
    /* the steps of mu-law are a noise 37 dB below any signal, also where the band has ended */
    assert_true(change_in(&clean, &s, 0, 150) < -32);
    assert_true(change_in(&clean, &s, 0, 150) > -45);
    for (size_t i = 0; i < LENGTH; i++)
        clean.samples[i] = (float)(0.3 * sin(TURN * 1000 * (double)i / RATE));
    assert_ok(ting_sound_set(&s, clean.samples, LENGTH));
    apply((ting_augment_plan){.telephone = 1}, 1, &s);
    double error = 0;
    for (size_t i = 1000; i < LENGTH - 1000; i++) /* in time and phase: the difference is the steps of mu-law, 37 dB below */
        error += pow((double)s.samples[i] - (double)clean.samples[i], 2);
    assert_true(10 * log10(error / (LENGTH - 2000) / 0.045) < -34);
    ting_sound_free(&s);
    ting_sound_free(&clean);
}

static void bands_end_where_they_should(void **state)
{
    (void)state;
    ting_sound s = {0}, clean = {0};
    white(&s, 0.1, LENGTH, 1);
    white(&clean, 0.1, LENGTH, 1);
    apply((ting_augment_plan){.band = {1, {400, 400}, {5000, 5000}}}, 1, &s);
    assert_true(fabs(change_in(&clean, &s, 550, 4850)) < 0.1);
    assert_true(change_in(&clean, &s, 5150, 8000) < -60);
    assert_true(change_in(&clean, &s, 0, 250) < -60);
    ting_sound_free(&s);
    ting_sound_free(&clean);
}

static void equalisers_keep_to_their_gain(void **state)
{
    (void)state;
    ting_sound s = {0}, clean = {0};
    double low = 0, high = 0;
    white(&clean, 0.02, LENGTH, 1);
    for (uint64_t seed = 0; seed < 8; seed++) {
        white(&s, 0.02, LENGTH, 1);
        apply((ting_augment_plan){.equaliser = {1, {6, 6}}}, seed, &s);
        for (double hz = 300; hz < 7500; hz *= 1.3) {
            const double gain = change_in(&clean, &s, hz, hz * 1.1);
            assert_true(fabs(gain) < 6.2);
            low = fmin(low, gain);
            high = fmax(high, gain);
        }
    }
    assert_true(low < -3 && high > 3);
    ting_sound_free(&s);
    ting_sound_free(&clean);
}

static void volume_and_clipping_are_in_decibels(void **state)
{
    (void)state;
    ting_sound s = {0}, clean = {0};
    words(&s);
    words(&clean);
    apply((ting_augment_plan){.volume = {1, {-20, -20}}}, 1, &s);
    for (size_t i = 0; i < LENGTH; i++)
        assert_true(fabsf(s.samples[i] - 0.1F * clean.samples[i]) < 1e-8F);
    words(&s);
    apply((ting_augment_plan){.volume = {1, {30, 30}}}, 1, &s); /* 0.1 times 31.6 would pass full scale */
    assert_true(fabsf(ting_sound_peak(s.samples, s.count) - 1) < 1e-6F);
    words(&s);
    apply((ting_augment_plan){.clipping = {1, {6.0206, 6.0206}}}, 1, &s); /* half */
    const float peak = ting_sound_peak(clean.samples, LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        assert_true(fabsf(s.samples[i] - fmaxf(-peak / 2, fminf(peak / 2, clean.samples[i]))) < 1e-6F);
    apply((ting_augment_plan){.round = true}, 1, &s);
    for (size_t i = 0; i < LENGTH; i++)
        assert_true(s.samples[i] * 32768 == rintf(s.samples[i] * 32768));
    ting_sound_free(&s);
    ting_sound_free(&clean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_convolutions),
        cmocka_unit_test(pauses_do_not_count),
        cmocka_unit_test(noise_has_the_ratio_that_was_drawn),
        cmocka_unit_test(noise_comes_as_often_as_its_share),
        cmocka_unit_test(rooms_keep_timing_and_power),
        cmocka_unit_test(made_up_rooms_have_the_decay_that_was_drawn),
        cmocka_unit_test(a_telephone_has_its_band),
        cmocka_unit_test(bands_end_where_they_should),
        cmocka_unit_test(equalisers_keep_to_their_gain),
        cmocka_unit_test(volume_and_clipping_are_in_decibels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
