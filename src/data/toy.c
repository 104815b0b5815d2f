/* SPDX-License-Identifier: Apache-2.0 */
/* toy.c - see toy.h. */
#include "data/toy.h"

#include <math.h>
#include <string.h>

enum { DIGITS = 10 };

static const double two_pi = 6.283185307179586;

static const struct {
    const char *text, *pinyin;
    double hiss; /* centre of the initial's noise in Hz; 0: none */
    int tone;
    double from[2], to[2]; /* resonances at the start and at the end of the final, Hz */
} digits[DIGITS] = {
    {"零", "ling2", 0, 2, {300, 2300}, {300, 2700}},  {"一", "yi1", 0, 1, {280, 2400}, {280, 2400}},
    {"二", "er4", 0, 4, {600, 1200}, {500, 1500}},    {"三", "san1", 6500, 1, {800, 1300}, {700, 1700}},
    {"四", "si4", 6500, 4, {400, 1300}, {400, 1300}}, {"五", "wu3", 0, 3, {320, 700}, {320, 700}},
    {"六", "liu4", 0, 4, {300, 2200}, {450, 800}},    {"七", "qi1", 4500, 1, {280, 2400}, {280, 2400}},
    {"八", "ba1", 900, 1, {850, 1200}, {850, 1300}},  {"九", "jiu3", 4000, 3, {300, 2200}, {450, 800}},
};

typedef struct voice {
    double pitch, tract, seconds; /* Hz, factor of the resonances, of a syllable */
} voice;

static double between(ting_rng *rng, double low, double high)
{
    return low + (high - low) * ting_rng_uniform(rng);
}

/* Pitch over a syllable, t in [0, 1], as a factor. */
static double contour(int tone, double t)
{
    switch (tone) {
    case 1: return 1.3;
    case 2: return 0.95 + 0.4 * t;
    case 3: return 0.8 + 0.8 * (t - 0.5) * (t - 0.5);
    default: return 1.4 - 0.7 * t;
    }
}

/* How loud a harmonic is: two resonances of 120 Hz, the upper one at half the strength. */
static double loudness(double hz, double first, double second)
{
    const double a = (hz - first) / 120, b = (hz - second) / 120;
    return 1 / (1 + a * a) + 0.5 / (1 + b * b);
}

/* Noise around a frequency: a resonator that white noise runs through. */
static void hiss(ting_rng *rng, double hz, float *out, int count)
{
    const double radius = 0.9, angle = two_pi * hz / TING_SOUND_RATE;
    double y1 = 0, y2 = 0;
    for (int i = 0; i < count; i++) {
        const double y = 2 * radius * cos(angle) * y1 - radius * radius * y2 + ting_rng_normal(rng);
        y2 = y1;
        y1 = y;
        out[i] += (float)(0.02 * y * sin(two_pi / 2 * i / count));
    }
}

static void buzz(const voice *v, int digit, float *out, int count)
{
    enum { HARMONICS = 40, BLOCK = 80 };
    double phase = 0;
    for (int first = 0; first < count; first += BLOCK) {
        const double t = (double)first / count, pitch = v->pitch * contour(digits[digit].tone, t);
        double resonance[2], level[HARMONICS];
        for (int k = 0; k < 2; k++)
            resonance[k] = v->tract * (digits[digit].from[k] + t * (digits[digit].to[k] - digits[digit].from[k]));
        for (int h = 0; h < HARMONICS; h++)
            level[h] =
                (h + 1) * pitch < TING_SOUND_RATE / 2 ? loudness((h + 1) * pitch, resonance[0], resonance[1]) : 0;
        for (int i = first; i < first + BLOCK && i < count; i++) {
            phase += two_pi * pitch / TING_SOUND_RATE;
            /* sin((h + 1) x) = 2 cos(x) sin(h x) - sin((h - 1) x) */
            const double twice = 2 * cos(phase);
            double sum = 0, last = 0, sine = sin(phase);
            for (int h = 0; h < HARMONICS && level[h] > 0; h++) {
                const double next = twice * sine - last;
                sum += level[h] * sine;
                last = sine;
                sine = next;
            }
            out[i] += (float)(0.1 * sum * fmin(1, fmin(i, count - i) / 160.0)); /* 10 ms in and out */
        }
    }
}

ting_err ting_toy_make(ting_rng *rng, int least, int most, ting_toy *out, ting_sound *sound)
{
    ting_err err = TING_OK;
    const voice v = {between(rng, 100, 240), between(rng, 0.9, 1.15), between(rng, 0.2, 0.32)};
    const int margin = (int)(between(rng, 0.1, 0.3) * TING_SOUND_RATE), length = (int)(v.seconds * TING_SOUND_RATE);
    *out = (ting_toy){.count = least + (int)ting_rng_below(rng, (uint32_t)(most - least + 1))};
    const size_t total = 2 * (size_t)margin + (size_t)out->count * (size_t)length;
    TRY(ting_sound_reserve(sound, total));
    sound->count = total;
    for (size_t i = 0; i < total; i++)
        sound->samples[i] = (float)(0.001 * ting_rng_normal(rng));
    for (int i = 0; i < out->count; i++) {
        const int digit = (int)ting_rng_below(rng, DIGITS), onset = digits[digit].hiss > 0 ? length / 4 : 0;
        float *at = sound->samples + margin + i * length;
        out->digits[i] = digit;
        strcat(out->text, digits[digit].text);
        strcat(out->pinyin, i > 0 ? " " : "");
        strcat(out->pinyin, digits[digit].pinyin);
        if (onset > 0)
            hiss(rng, digits[digit].hiss * v.tract, at, onset);
        buzz(&v, digit, at + onset, length - onset - length / 8);
    }
out:
    return err;
}
