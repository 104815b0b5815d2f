/* SPDX-License-Identifier: Apache-2.0 */
/* test_augment_voice.c - speed, tempo, pitch, formants, silence at the ends: measured on tones and made-up vowels. */
#include "support/support.h"

#include "base/mem.h"
#include "data/augment.h"
#include "data/stretch.h"

#include <math.h>
#include <string.h>

static const double TURN = 6.283185307179586;
enum { RATE = TING_SOUND_RATE };

static void tone(ting_sound *s, double hz, size_t count)
{
    assert_ok(ting_sound_reserve(s, count));
    s->count = count;
    for (size_t i = 0; i < count; i++)
        s->samples[i] = (float)(0.5 * sin(TURN * hz * (double)i / RATE));
}

/* Amplitude of a sine at `hz` in [first, first + count), seen through Hann's window. */
static double level(const ting_sound *s, double hz, size_t first, size_t count)
{
    double re = 0, im = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        const double window = 0.5 - 0.5 * cos(TURN * (double)i / (double)count), turn = TURN * hz * (double)i / RATE;
        re += window * (double)s->samples[first + i] * cos(turn);
        im += window * (double)s->samples[first + i] * sin(turn);
        all += window;
    }
    return 2 * sqrt(re * re + im * im) / all;
}

/* The frequency with the highest level in [low, high], to `step`. */
static double strongest(const ting_sound *s, double low, double high, double step)
{
    double best = low, most = 0;
    for (double hz = low; hz <= high; hz += step) {
        const double here = level(s, hz, 3 * s->count / 8, s->count / 4);
        if (here > most) {
            most = here;
            best = hz;
        }
    }
    return best;
}

static ting_augment *made(ting_augment_plan plan)
{
    ting_augment *augment;
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    return augment;
}

static void apply(ting_augment_plan plan, uint64_t seed, ting_sound *sound)
{
    ting_augment *augment = made(plan);
    ting_rng rng = ting_rng_new(seed, 1);
    assert_ok(ting_augment_voice(augment, &rng, sound));
    ting_augment_free(augment);
}

static void speed_changes_length_and_pitch(void **state)
{
    (void)state;
    static const double speeds[] = {0.5, 0.9, 1.1, 1.2345, 2};
    ting_sound s = {0};
    for (size_t i = 0; i < 5; i++) {
        tone(&s, 400, 16001);
        apply((ting_augment_plan){.speeds = 1, .speed = {speeds[i]}}, 1, &s);
        /* 1.2345 * 16000 is a whole number: the speed is exact */
        assert_int_equal(s.count, (size_t)floor(16001 / speeds[i] + 0.5));
        const double found = strongest(&s, 150, 900, 2);
        assert_true(fabs(found - 400 * speeds[i]) <= 2);
        assert_true(fabs(level(&s, 400 * speeds[i], s.count / 4, s.count / 2) - 0.5) < 0.005);
    }
    ting_sound_free(&s);
}

static void every_speed_is_drawn(void **state)
{
    (void)state;
    ting_augment *augment = made((ting_augment_plan){.speeds = 3, .speed = {0.9, 1, 1.1}});
    ting_sound s = {0};
    int seen[3] = {0};
    ting_rng rng = ting_rng_new(1, 2);
    for (int i = 0; i < 300; i++) {
        tone(&s, 400, 990);
        assert_ok(ting_augment_voice(augment, &rng, &s));
        seen[s.count == 1100 ? 0 : s.count == 990 ? 1 : 2]++;
        assert_true(s.count == 1100 || s.count == 990 || s.count == 900);
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(seen[i], 100 - 41, 100 + 41); /* five deviations of sqrt(300 x 2 / 9) */
    ting_augment_free(augment);
    ting_sound_free(&s);
}

static void tempo_keeps_the_pitch(void **state)
{
    (void)state;
    static const double tempos[] = {0.5, 0.85, 1.2, 2}, tones[] = {90, 237, 1000};
    ting_sound s = {0};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 3; k++) {
            tone(&s, tones[k], 24000);
            apply((ting_augment_plan){.tempo = {1, {tempos[i], tempos[i]}}}, 1, &s);
            assert_int_equal(s.count, lround(24000 / tempos[i]));
            assert_true(fabs(strongest(&s, 60, 1100, 2) - tones[k]) <= 2);
            /* where windows meet they are in phase to one sample: 1 - cos(2 pi 1000 / 32000) = 2 % at most */
            assert_true(fabs(level(&s, tones[k], s.count / 4, s.count / 2) - 0.5) < 0.02);
        }
    ting_sound_free(&s);
}

static void pitch_keeps_the_tempo(void **state)
{
    (void)state;
    static const double semitones[] = {-12, -3, 4, 7.5};
    ting_sound s = {0};
    for (size_t i = 0; i < 4; i++) {
        const double wanted = 300 * exp2(semitones[i] / 12);
        tone(&s, 300, 24000);
        apply((ting_augment_plan){.pitch = {1, {semitones[i], semitones[i]}}}, 1, &s);
        assert_in_range(s.count, 23999, 24001); /* two roundings */
        assert_true(fabs(strongest(&s, 100, 700, 2) - wanted) <= 2);
        assert_true(fabs(level(&s, wanted, s.count / 4, s.count / 2) - 0.5) < 0.02);
    }
    ting_sound_free(&s);
}

/* 120 Hz pulses through resonances at 700 and 2000 Hz, 100 Hz wide. */
static void vowel(ting_sound *s, size_t count)
{
    static const double peaks[] = {700, 2000};
    assert_ok(ting_sound_reserve(s, count));
    s->count = count;
    memset(s->samples, 0, count * sizeof(float));
    for (int p = 0; p < 2; p++) {
        const double r = exp(-TURN / 2 * 100 / RATE), c = 2 * r * cos(TURN * peaks[p] / RATE);
        double y1 = 0, y2 = 0, phase = 0;
        for (size_t i = 0; i < count; i++) {
            phase += 120.0 / RATE;
            const double y = (phase >= 1 ? 0.1 : 0) + c * y1 - r * r * y2;
            phase -= phase >= 1;
            y2 = y1;
            y1 = y;
            s->samples[i] += (float)y;
        }
    }
}

static void formants_move_and_the_pitch_stays(void **state)
{
    (void)state;
    static const double factors[] = {0.8, 1, 1.25};
    ting_sound s = {0};
    for (size_t i = 0; i < 3; i++) {
        vowel(&s, 16000);
        apply((ting_augment_plan){.formant = {1, {factors[i], factors[i]}}}, 1, &s);
        assert_int_equal(s.count, 16000);
        double best[2] = {0, 0}, most[2] = {0, 0}, between = 0;
        for (int h = 2; h < 30; h++) { /* harmonics of 120 Hz: which stands out below and above 1300 Hz? */
            const double hz = 120.0 * h, here = level(&s, hz, 4000, 8000);
            const int side = hz > 1300;
            if (here > most[side]) {
                most[side] = here;
                best[side] = hz;
            }
            between = fmax(between, level(&s, hz + 60, 4000, 8000));
        }
        /* the nearest harmonic is at most 60 Hz away, and an envelope as smooth as this one errs by another half of one
         */
        assert_true(fabs(best[0] - 700 * factors[i]) <= 120);
        assert_true(fabs(best[1] - 2000 * factors[i]) <= 120);
        assert_true(between < most[0] / 30);
    }
    ting_sound_free(&s);
}

static void stretching_by_one_gives_the_same(void **state)
{
    (void)state;
    ting_sound s = {0};
    static float before[5000];
    ting_rng rng = ting_rng_new(1, 3);
    for (int i = 0; i < 5000; i++)
        before[i] = (float)ting_rng_normal(&rng);
    assert_ok(ting_sound_set(&s, before, 5000));
    assert_ok(ting_sound_stretch(&s, 1));
    assert_int_equal(s.count, 5000);
    ting_assert_close(s.samples, before, 5000, 1e-6, "stretched by 1");
    ting_sound_free(&s);
}

static void lengths_are_exact(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 100, 255, 256, 257, 513, 9999};
    static const double factors[] = {0.25, 0.7, 1.001, 1.9, 4};
    ting_sound s = {0};
    for (size_t c = 0; c < 8; c++)
        for (size_t f = 0; f < 5; f++) {
            tone(&s, 200, counts[c]);
            assert_ok(ting_sound_stretch(&s, factors[f]));
            assert_int_equal(s.count, llround((double)counts[c] * factors[f]));
            for (size_t i = 0; i < s.count; i++)
                assert_true(fabsf(s.samples[i]) < 0.51F);
        }
    ting_sound_free(&s);
}

/* A hum of 30 ms is found again where the change of length says, behind the silence that was put before. */
static void what_was_heard_is_found_again(void **state)
{
    (void)state;
    static const double PAD = 0.25;
    ting_sound s = {0};
    for (uint64_t seed = 0; seed < 20; seed++) {
        tone(&s, 500, 32000);
        for (size_t i = 0; i < s.count; i++)
            if (i < 20000 || i >= 20480)
                s.samples[i] = 0;
        apply((ting_augment_plan){.speeds = 1,
                                  .speed = {1.1},
                                  .tempo = {1, {0.8, 1.25}},
                                  .pitch = {1, {-2, 2}},
                                  .formant = {1, {0.9, 1.1}},
                                  .pad = {1, {PAD, PAD}, {0, 0}}},
              seed, &s);
        double sum = 0, where = 0;
        for (size_t i = 0; i < s.count; i++) {
            const double power = (double)s.samples[i] * (double)s.samples[i];
            sum += power;
            where += power * (double)i / RATE;
        }
        const double stretch = ((double)s.count / RATE - PAD) * RATE / 32000;
        assert_true(stretch > 0.99 / (1.1 * 1.25) && stretch < 1.01 / (1.1 * 0.8));
        /* windows move by up to 12 ms, stretched by at most 1.25 */
        assert_true(fabs(where / sum - (PAD + stretch * 20240.0 / RATE)) < 0.015);
    }
    ting_sound_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speed_changes_length_and_pitch), cmocka_unit_test(every_speed_is_drawn),
        cmocka_unit_test(tempo_keeps_the_pitch),          cmocka_unit_test(pitch_keeps_the_tempo),
        cmocka_unit_test(formants_move_and_the_pitch_stays), cmocka_unit_test(stretching_by_one_gives_the_same),
        cmocka_unit_test(lengths_are_exact),              cmocka_unit_test(what_was_heard_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
