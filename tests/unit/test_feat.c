/* SPDX-License-Identifier: Apache-2.0 */
/* test_feat.c - the filterbank against a direct double computation and in every chunking; log-mel; CMVN; settings. */
#include "support/support.h"

#include "support/failing.h"

#include "audio/audio.h"
#include "feat/cmvn.h"
#include "feat/fbank.h"
#include "feat/fft.h"
#include "feat/feature.h"
#include "feat/logmel.h"
#include "feat/mel.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* Noise of amplitude 0.1 on a sweep, as 16-bit steps. */
static float *make_sound(size_t count)
{
    float *samples = ting_alloc(count, sizeof *samples);
    ting_rng rng = ting_rng_new(7, 1);
    for (size_t i = 0; i < count; i++) {
        double x = 0.3 * sin(2 * PI * (200 + 0.02 * (double)i) * (double)i / 16000) +
                   0.1 * ting_rng_normal(&rng);
        samples[i] = (float)(floor(x * 32768) / 32768);
    }
    return samples;
}

/* ---- an independent filterbank: Kaldi's formulas, a DFT by its definition, everything in double ---- */

static double direct_window(const char *type, int i, int n)
{
    double x = 2 * PI * i / (n - 1);
    if (strcmp(type, "povey") == 0)
        return pow(0.5 - 0.5 * cos(x), 0.85);
    if (strcmp(type, "hamming") == 0)
        return 0.54 - 0.46 * cos(x);
    return 1;
}

static double direct_mel(double hz)
{
    return 1127 * log(1 + hz / 700);
}

struct direct {
    const char *window;
    int n, shift, fft, bins, rate, mirror;
    double scale, low, high;
};

static void direct_fbank(const struct direct *d, const float *x, int count, int frame, double *out)
{
    double *y = ting_alloc((size_t)d->n, sizeof *y),
           *power = ting_alloc((size_t)d->fft, sizeof *power), mean = 0;
    for (int i = 0; i < d->n; i++) {
        int at = frame * d->shift + i + (d->mirror ? d->shift / 2 - d->n / 2 : 0);
        at = at < 0 ? -at - 1 : at >= count ? 2 * count - 1 - at : at;
        y[i] = (double)x[at] * d->scale;
        mean += y[i] / d->n;
    }
    for (int i = d->n - 1; i >= 0; i--)
        y[i] = ((y[i] - mean) - 0.97 * (y[i > 0 ? i - 1 : 0] - mean)) *
               direct_window(d->window, i, d->n);
    for (int k = 0; k <= d->fft / 2; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < d->n; i++) {
            re += y[i] * cos(2 * PI * ((long)i * k % d->fft) / d->fft);
            im -= y[i] * sin(2 * PI * ((long)i * k % d->fft) / d->fft);
        }
        power[k] = re * re + im * im;
    }
    double low = direct_mel(d->low), step = (direct_mel(d->high) - low) / (d->bins + 1);
    for (int b = 0; b < d->bins; b++) {
        double sum = 0;
        for (int k = 0; k < d->fft / 2; k++) {
            double m =
                (direct_mel((double)k * d->rate / d->fft) - low) / step - b; /* 0, 1, 2: corners */
            sum += power[k] * fmax(0, fmin(m, 2 - m));
        }
        out[b] = log(fmax(sum, 1.1920928955078125e-07));
    }
    ting_free(y);
    ting_free(power);
}

static void fbank_equals_the_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        struct direct direct;
    } cases[] = {
        {"icefall", {"povey", 400, 160, 512, 80, 16000, 1, 1, 20, 7600}},
        {"wenet", {"povey", 400, 160, 512, 80, 16000, 0, 32768, 20, 8000}},
        {"icefall bins=40 window_type=hamming high=0 rate=8000 window=200 shift=80 fft=256",
         {"hamming", 200, 80, 256, 40, 8000, 1, 1, 20, 4000}},
        {"wenet fft=400 bins=23 window_type=rectangular low=60 high=7000",
         {"rectangular", 400, 160, 400, 23, 16000, 0, 32768, 60, 7000}},
        {"wenet window=275 shift=110 fft=275 bins=30 rate=11025 low=0", /* an odd FFT */
         {"povey", 275, 110, 275, 30, 11025, 0, 32768, 0, 5512.5}},
    };
    float *sound = make_sound(4000);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        ting_feature_config config;
        float *got = NULL;
        size_t frames = 0;
        double want[80];
        assert_ok(ting_feature_parse(cases[c].settings, &config));
        assert_ok(ting_feature_compute(&config, NULL, sound, 4000, &got, &frames));
        const struct direct *d = &cases[c].direct;
        assert_int_equal(frames, d->mirror ? (4000 + d->shift / 2) / d->shift
                                           : 1 + (4000 - d->n) / d->shift);
        for (size_t t = 0; t < frames; t++) {
            direct_fbank(d, sound, 4000, (int)t, want);
            /* Both sides work in double; what differs is the rounding of results below 32 to float:
             * half of 2^-19 = 9.6e-7. */
            for (int b = 0; b < d->bins; b++)
                if (!(fabs((double)got[(int)t * d->bins + b] - want[b]) < 1e-6))
                    fail_msg("%s: frame %zu, bin %d: %.7g, want %.7g", cases[c].settings, t, b,
                             (double)got[(int)t * d->bins + b], want[b]);
        }
        ting_free(got);
    }
    ting_free(sound);
}

static void fft_of_every_size(void **state)
{
    (void)state;
    static const int sizes[] = {1,  2,  3,  4,   5,   6,   7,   8,   9,   10,  12,  15,  16,  26,
                                30, 49, 64, 121, 128, 200, 254, 256, 275, 400, 512, 551, 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n = sizes[i];
        ting_fft *fft = NULL;
        ting_rng rng = ting_rng_new(3, (uint64_t)n);
        double x[1024], re[513], im[513];
        for (int t = 0; t < n; t++)
            x[t] = ting_rng_normal(&rng);
        assert_ok(ting_fft_new(n, &fft));
        ting_fft_run(fft, x, re, im);
        for (int k = 0; k <= n / 2; k++) {
            double want_re = 0, want_im = 0;
            for (int t = 0; t < n; t++) {
                want_re += x[t] * cos(2 * PI * ((long)t * k % n) / n);
                want_im -= x[t] * sin(2 * PI * ((long)t * k % n) / n);
            }
            /* The sums by definition err by n 1e-16 at most, as |x| is about 1; ten times that. */
            if (!(fabs(re[k] - want_re) < 1e-15 * n + 1e-14) ||
                !(fabs(im[k] - want_im) < 1e-15 * n + 1e-14))
                fail_msg("%d points, bin %d: %.17g %.17g, want %.17g %.17g", n, k, re[k], im[k],
                         want_re, want_im);
        }
        ting_fft_free(fft);
    }
    ting_fft *fft = NULL;
    assert_fails(TING_ERR_ARGUMENT, "of 0 values", ting_fft_new(0, &fft));
    assert_fails(TING_ERR_ARGUMENT, "of 1048577 values", ting_fft_new((1 << 20) + 1, &fft));
}

static void any_chunking_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const settings[] = {"icefall", "wenet", "icefall window=100 fft=128",
                                           "wenet shift=600", "icefall shift=500"};
    static const size_t pieces[] = {1, 2, 79, 80, 159, 160, 161, 400, 1000, 100000};
    static const size_t lengths[] = {0, 1, 79, 80, 120, 399, 400, 401, 559, 560, 3333};
    float *sound = make_sound(3333);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            ting_feature_config config;
            ting_fbank *fbank = NULL;
            float *whole = NULL;
            size_t frames = 0, dim = 80;
            assert_ok(ting_feature_parse(settings[s], &config));
            assert_ok(ting_feature_compute(&config, NULL, sound, lengths[l], &whole, &frames));
            assert_int_equal(frames, ting_feature_frames(&config, lengths[l]));
            float *got = ting_alloc((frames + 1) * dim, sizeof *got);
            assert_ok(ting_fbank_new(&config, &fbank));
            for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
                size_t read = 0;
                ting_fbank_reset(fbank);
                for (size_t at = 0; at < lengths[l]; at += pieces[p]) {
                    size_t piece = lengths[l] - at < pieces[p] ? lengths[l] - at : pieces[p];
                    assert_ok(ting_fbank_accept(fbank, sound + at, piece));
                    if (p % 2 == 0) /* else everything waits until the end */
                        read += ting_fbank_read(fbank, got + read * dim, frames + 1 - read);
                }
                ting_fbank_finish(fbank);
                assert_int_equal(ting_fbank_ready(fbank), frames - read);
                while (ting_fbank_ready(fbank) > 0)
                    read += ting_fbank_read(fbank, got + read * dim, 1);
                assert_int_equal(read, frames);
                assert_memory_equal(got, whole, frames * dim * sizeof *got);
                assert_fails(TING_ERR_ARGUMENT, "was finished", ting_fbank_accept(fbank, sound, 1));
            }
            ting_fbank_free(fbank);
            ting_free(got);
            ting_free(whole);
        }
    ting_free(sound);
}

static void frames_come_as_soon_as_they_can(void **state)
{
    (void)state;
    ting_feature_config config;
    ting_fbank *fbank = NULL;
    float zeros[400] = {0};
    assert_ok(ting_feature_preset("icefall", &config));
    assert_ok(ting_fbank_new(&config, &fbank));
    assert_ok(ting_fbank_accept(fbank, zeros, 279));
    assert_int_equal(ting_fbank_ready(fbank), 0);
    assert_ok(ting_fbank_accept(fbank, zeros, 1)); /* frame 0 covers samples -120 .. 279 */
    assert_int_equal(ting_fbank_ready(fbank), 1);
    assert_ok(ting_fbank_accept(fbank, zeros, 159));
    assert_int_equal(ting_fbank_ready(fbank), 1);
    assert_ok(ting_fbank_accept(fbank, zeros, 1));
    assert_int_equal(ting_fbank_ready(fbank), 2);
    ting_fbank_finish(fbank); /* (440 + 80) / 160 */
    assert_int_equal(ting_fbank_ready(fbank), 3);
    ting_fbank_free(fbank);
}

static void silence_is_the_floor(void **state)
{
    (void)state;
    ting_feature_config config;
    float zeros[800] = {0}, *got = NULL;
    size_t frames = 0;
    assert_ok(ting_feature_preset("wenet", &config));
    assert_ok(ting_feature_compute(&config, NULL, zeros, 800, &got, &frames));
    for (size_t i = 0; i < frames * 80; i++)
        assert_float_equal(got[i], logf(1.1920929e-07f), 1e-6);
    ting_free(got);
}

static void energy_is_a_column(void **state)
{
    (void)state;
    ting_feature_config config;
    float *sound = make_sound(400), *got = NULL;
    size_t frames = 0;
    double mean = 0, energy = 0;
    for (int i = 0; i < 400; i++)
        mean += (double)sound[i] / 400;
    for (int i = 0; i < 400; i++)
        energy += ((double)sound[i] - mean) * ((double)sound[i] - mean);
    assert_ok(ting_feature_parse("icefall edges=snip energy=first", &config));
    assert_ok(ting_feature_compute(&config, NULL, sound, 400, &got, &frames));
    assert_int_equal(ting_feature_dim(&config), 81);
    assert_float_equal(got[0], log(energy), 1e-6);
    float bin = got[1];
    ting_free(got);
    assert_ok(ting_feature_parse("icefall edges=snip energy=last energy_floor=1e6", &config));
    assert_ok(ting_feature_compute(&config, NULL, sound, 400, &got, &frames));
    assert_float_equal(got[0], bin, 0);
    assert_float_equal(got[80], log(1e6), 1e-6);
    ting_free(got);
    ting_free(sound);
}

/* ---- log-mel ---- */

static void logmel_of_a_tone(void **state)
{
    (void)state;
    ting_feature_config config;
    float sound[1600], *got = NULL;
    size_t frames = 0;
    for (int i = 0; i < 1600; i++)
        sound[i] = (float)(0.25 * cos(2 * PI * 1000 * i / 16000));
    assert_ok(ting_feature_parse("tutorial cmvn=none preemphasis=0", &config));
    assert_ok(ting_feature_compute(&config, NULL, sound, 1600, &got, &frames));
    assert_int_equal(frames, 11);
    /* After peak normalisation the tone has amplitude 1 and stands on FFT bin 25; a periodic Hann window of 400 gives
     * amplitudes 100, 50, 50 at bins 25, 24, 26 and nothing elsewhere. */
    ting_mel_bank bank = {0};
    assert_ok(ting_mel_bank_init(&config, &bank));
    double spectrum[201] = {0}, want[80];
    spectrum[25] = 1e4;
    spectrum[24] = spectrum[26] = 2500;
    ting_mel_bank_apply(&bank, spectrum, want);
    int seen = 0;
    for (int b = 0; b < 80; b++)
        if (want[b] > 1) {
            assert_float_equal(got[5 * 80 + b], log(want[b]), 1e-5);
            seen++;
        }
    assert_in_range(seen, 2, 6);
    ting_mel_bank_free(&bank);
    ting_free(got);
}

static void slaney_triangles_have_area_one(void **state)
{
    (void)state;
    ting_feature_config config;
    ting_mel_bank bank = {0};
    /* With 8192 points a triangle is sampled finely: the sum of its weights times 16000 / 8192 Hz is its area. */
    assert_ok(ting_feature_parse("tutorial fft=8192", &config));
    assert_ok(ting_mel_bank_init(&config, &bank));
    for (int b = 0; b < 80; b++) {
        double area = 0;
        for (int i = 0; i < bank.count[b]; i++)
            area += bank.weights[bank.offset[b] + i] * 16000 / 8192;
        assert_float_equal(area, 1, 0.01);
    }
    ting_mel_bank_free(&bank);
    /* Slaney: 1000 Hz is mel 15, 6400 Hz is 27 mel higher. */
    assert_float_equal(ting_mel_from_hz(TING_MEL_SLANEY, 1000), 15, 1e-12);
    assert_float_equal(ting_mel_from_hz(TING_MEL_SLANEY, 6400), 42, 1e-12);
    assert_float_equal(ting_mel_to_hz(TING_MEL_SLANEY, 42), 6400, 1e-9);
    assert_float_equal(ting_mel_to_hz(TING_MEL_SLANEY, 7.5), 500, 1e-9);
    assert_float_equal(ting_mel_to_hz(TING_MEL_HTK, ting_mel_from_hz(TING_MEL_HTK, 440)), 440,
                       1e-9);
}

static void edges_of_logmel(void **state)
{
    (void)state;
    static const char *const names[] = {"zero", "reflect", "repeat", "snip"};
    static const size_t frames[] = {1 + 7 / 4, 1 + 7 / 4, 1 + 7 / 4, 0};
    float sound[7] = {1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < 4; i++) {
        char text[160];
        ting_feature_config config;
        float *got = NULL;
        size_t count = 0;
        snprintf(text, sizeof text,
                 "tutorial cmvn=none peak=0 preemphasis=0 window=8 fft=8 shift=4 "
                 "window_type=rectangular bins=3 log=0 "
                 "mel_norm=peak edges=%s",
                 names[i]);
        assert_ok(ting_feature_parse(text, &config));
        assert_ok(ting_feature_compute(&config, NULL, sound, 7, &got, &count));
        assert_int_equal(count, frames[i]);
        /* Frame 0 holds samples -4 .. 3. Its alternating sum, squared, is the power at half the rate:
         * zeros 1-2+3-4 = -2; reflected 5-4+3-2 more = 0; repeated 1-1+1-1 more = -2. The top triangle ends there, so
         * compare the power at 0 Hz instead, through a bank of our own: the sums 10, 24, 14. */
        static const double sums[] = {10, 24, 14};
        ting_mel_bank bank = {0};
        ting_spectrum spectrum = {0};
        double want[3];
        static const float rows[3][8] = {
            {0, 0, 0, 0, 1, 2, 3, 4}, {5, 4, 3, 2, 1, 2, 3, 4}, {1, 1, 1, 1, 1, 2, 3, 4}};
        assert_ok(ting_mel_bank_init(&config, &bank));
        assert_ok(ting_spectrum_init(8, 2, &spectrum));
        if (count > 0) {
            for (int k = 0; k < 8; k++)
                spectrum.frame[k] = (double)rows[i][k];
            ting_spectrum_run(&spectrum);
            assert_float_equal(spectrum.value[0], sums[i] * sums[i], 1e-4);
            ting_mel_bank_apply(&bank, spectrum.value, want);
            for (int b = 0; b < 3; b++)
                assert_float_equal(got[b], want[b], 1e-5 * fabs(want[b]));
        }
        ting_spectrum_free(&spectrum);
        ting_mel_bank_free(&bank);
        ting_free(got);
    }
}

/* ---- CMVN ---- */

static void recordings_are_normalised(void **state)
{
    (void)state;
    ting_feature_config config;
    assert_ok(ting_feature_parse("icefall bins=3 cmvn=mean", &config));
    /* Columns 1 2 3, 4 4 4, 0 3 6: means 2, 4, 3; population deviations sqrt(2/3), 0, sqrt(6). */
    const float values[9] = {1, 4, 0, 2, 4, 3, 3, 4, 6};
    float got[9];
    memcpy(got, values, sizeof got);
    assert_ok(ting_cmvn_normalise(&config, NULL, got, 3));
    const float centred[9] = {-1, 0, -3, 0, 0, 0, 1, 0, 3};
    ting_assert_close(got, centred, 9, 1e-7, "mean");
    config.cmvn = TING_CMVN_MEAN_VARIANCE;
    memcpy(got, values, sizeof got);
    assert_ok(ting_cmvn_normalise(&config, NULL, got, 3));
    const float scaled[9] = {-1.2247449f, 0, -1.2247449f, 0, 0, 0, 1.2247449f, 0, 1.2247449f};
    ting_assert_close(got, scaled, 9, 1e-6, "mean and variance");
    config.cmvn =
        TING_CMVN_WHOLE; /* mean 3, squares 4 1 9 1 1 0 0 1 9 = 26, deviation sqrt(26 / 9) = 1.699673 */
    memcpy(got, values, sizeof got);
    assert_ok(ting_cmvn_normalise(&config, NULL, got, 3));
    assert_float_equal(got[8], 3 / 1.6996732, 1e-6);
    config.cmvn = TING_CMVN_GLOBAL;
    ting_cmvn global = {0};
    const float mean[2] = {1, 2}, scale[2] = {1, 2};
    assert_ok(ting_cmvn_init(2, mean, scale, &global));
    assert_fails(TING_ERR_MODEL, "for 2 columns, but the features have 3",
                 ting_cmvn_normalise(&config, &global, got, 3));
    float two[4] = {1, 2, 3, 4};
    ting_cmvn_apply(&global, two, 2);
    assert_float_equal(two[3], 4, 0); /* (4 - 2) 2 */
    ting_cmvn_free(&global);
    const float bad[2] = {NAN, 0};
    assert_fails(TING_ERR_NUMERIC, "column 0", ting_cmvn_init(2, bad, scale, &global));
}

static void statistics_are_read(void **state)
{
    (void)state;
    /* Four frames with sums 4, 8 and squares 8, 32: means 1, 2; variances 2 - 1 = 1, 8 - 4 = 4. */
    static const char *const good[] = {
        "{\"mean_stat\": [4, 8.0], \"var_stat\": [8, 32], \"frame_num\": 4}",
        " [\n  4 8 4 \n  8 32 0 ]\n",
        "global  [ 4 8 4\n8 32 0 ]",
    };
    for (size_t i = 0; i < 3; i++) {
        ting_cmvn cmvn = {0};
        char *path = ting_temp_path("global_cmvn");
        assert_ok(ting_file_save(path, good[i], strlen(good[i])));
        assert_ok(ting_cmvn_load(path, &cmvn));
        assert_int_equal(cmvn.dim, 2);
        assert_float_equal(cmvn.mean[0], 1, 0);
        assert_float_equal(cmvn.mean[1], 2, 0);
        assert_float_equal(cmvn.scale[0], 1, 1e-7);
        assert_float_equal(cmvn.scale[1], 0.5, 1e-7);
        ting_cmvn_free(&cmvn);
        ting_free(path);
    }
    static const char *const bad[] = {
        "",
        "hello",
        "{",
        "{}",
        "{\"mean_stat\": [1], \"var_stat\": [1, 2], \"frame_num\": 4}",
        "{\"mean_stat\": [1], \"var_stat\": [1], \"frame_num\": 0}",
        "{\"mean_stat\": [\"x\"], \"var_stat\": [1]}",
        "[ 1 2 3",
        "[ 1 2\n 3 ]",
        "[ 1 x\n",
        "[ ]",
        "[ 4 8 0\n 8 32 0 ]",
        "[ 4 8 -4\n 8 32 0 ]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ting_cmvn cmvn = {0};
        assert_fails(TING_ERR_FORMAT, "stats",
                     ting_cmvn_parse("stats", bad[i], strlen(bad[i]), &cmvn));
        assert_null(cmvn.mean);
    }
}

/* ---- settings ---- */

static void settings_are_read_back_exactly(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "icefall", "wenet", "tutorial", "icefall bins=40 high=-200.1 preemphasis=0.95",
        "tutorial low=33.333333333333336 log_add=1e-10 edges=reflect"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ting_feature_config first, second;
        ting_str text = {0};
        assert_ok(ting_feature_parse(lines[i], &first));
        ting_feature_print(&first, &text);
        assert_ok(ting_feature_parse(text.text, &second));
        assert_ok(ting_feature_agree(&first, "a", &second, "b"));
        ting_str_free(&text);
    }
    ting_feature_config a, b;
    assert_ok(ting_feature_parse("icefall", &a));
    assert_ok(ting_feature_parse("wenet", &b));
    assert_fails(TING_ERR_MODEL,
                 "the features of m.gguf and t.gguf differ: scale is 1 in the one and 32768",
                 ting_feature_agree(&a, "m.gguf", &b, "t.gguf"));
}

/* A real setting may exceed every int; converting it to one is undefined, which the processor reports. */
static void large_reals_are_no_integers(void **state)
{
    (void)state;
    ting_feature_config config;
    feclearexcept(FE_INVALID);
    assert_ok(ting_feature_parse("icefall energy_floor=1e12", &config));
    assert_int_equal(fetestexcept(FE_INVALID), 0);
    assert_true(config.energy_floor == 1e12);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"", "empty"},
        {"mfcc", "expected icefall, wenet or tutorial"},
        {"icefall bins", "expected name=value"},
        {"icefall bin=80", "\"bin\" is no setting"},
        {"icefall bins=0", "bins=0, expected a whole number from 3 to 1024"},
        {"icefall bins=80.5", "whole number"},
        {"icefall bins=80x", "bins=80x"},
        {"icefall low=nan", "low=nan"},
        {"icefall window_type=kaiser", "window_type=kaiser is unknown"},
        {"icefall fft=256", "expected at least the window of 400"},
        {"icefall low=7700", "no range of frequencies"},
        {"icefall high=8001", "no range of frequencies"},
        {"icefall edges=zero", "does not go with edges=zero"},
        {"tutorial edges=mirror", "does not go with edges=mirror"},
        {"tutorial energy=first", "does not go with energy=first"},
    };
    ting_feature_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ting_err err = ting_feature_parse(cases[i].line, &config);
        if (err == TING_OK || strstr(ting_error_message(), cases[i].part) == NULL)
            fail_msg("\"%s\": %s", cases[i].line,
                     err == TING_OK ? "accepted" : ting_error_message());
    }
}

static ting_err compute_once(void *arg)
{
    ting_feature_config config;
    float sound[800] = {0}, *frames = NULL;
    size_t count = 0;
    ting_err err = ting_feature_parse(arg, &config);
    if (err == TING_OK)
        err = ting_feature_compute(&config, NULL, sound, 800, &frames, &count);
    ting_free(frames);
    return err;
}

static ting_err parse_stats_once(void *arg)
{
    ting_cmvn cmvn = {0};
    ting_err err = ting_cmvn_parse("stats", arg, strlen(arg), &cmvn);
    ting_cmvn_free(&cmvn);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    char icefall[] = "icefall", tutorial[] = "tutorial", stats[] = "[ 4 8 4\n8 32 0 ]";
    assert_true(ting_fail_each_allocation(compute_once, icefall) > 20);
    assert_true(ting_fail_each_allocation(compute_once, tutorial) > 20);
    assert_int_equal(ting_fail_each_allocation(parse_stats_once, stats),
                     4); /* the text, sums, means, scales */
}

/* ---- the public model's own features, where that folder is at hand ---- */

static void reference_clips(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS");
    char path[600];
    ting_feature_config config;
    assert_ok(ting_feature_preset("icefall", &config));
    for (int clip = 0; clip <= 4; clip += clip == 0 ? 3 : 1) {
        float *sound = NULL, *got = NULL;
        size_t count = 0, frames = 0;
        snprintf(path, sizeof path, "%s/zipformer-wenetspeech-3.3m/test_wavs/%d.wav",
                 models != NULL ? models : "../shared/models", clip);
        if (!ting_file_exists(path))
            skip_because("no %s", path);
        assert_ok(ting_audio_load(path, NULL, &sound, &count, NULL));
        assert_ok(ting_feature_compute(&config, NULL, sound, count, &got, &frames));
        assert_int_equal(frames, (count + 80) / 160);
        double want[80];
        struct direct d = {"povey", 400, 160, 512, 80, 16000, 1, 1, 20, 7600};
        for (size_t t = 0; t < frames; t += 29) {
            direct_fbank(&d, sound, (int)count, (int)t, want);
            for (int b = 0; b < 80; b++)
                if (!(fabs((double)got[t * 80 + (size_t)b] - want[b]) < 1e-6))
                    fail_msg("clip %d, frame %zu, bin %d: %.7g, want %.7g", clip, t, b,
                             (double)got[t * 80 + (size_t)b], want[b]);
        }
        ting_free(sound);
        ting_free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fft_of_every_size),
        cmocka_unit_test(fbank_equals_the_formulas),
        cmocka_unit_test(any_chunking_gives_the_same_bits),
        cmocka_unit_test(frames_come_as_soon_as_they_can),
        cmocka_unit_test(silence_is_the_floor),
        cmocka_unit_test(energy_is_a_column),
        cmocka_unit_test(logmel_of_a_tone),
        cmocka_unit_test(slaney_triangles_have_area_one),
        cmocka_unit_test(edges_of_logmel),
        cmocka_unit_test(recordings_are_normalised),
        cmocka_unit_test(statistics_are_read),
        cmocka_unit_test(settings_are_read_back_exactly),
        cmocka_unit_test(large_reals_are_no_integers),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
        cmocka_unit_test(reference_clips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
