/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment_line.c - microphone and line: the gains of equaliser, band limits and telephone are one curve over frequency
 * and one filter; a telephone then goes by way of 8 kHz and mu-law (ITU-T G.711).
 */
#include "data/augment_parts.h"

#include <math.h>

static const double HZ = (double)TING_SOUND_RATE / 2 / TING_FIR_BINS; /* of a bin of the curve */

/* A gain in dB at 62.5 Hz, 125 Hz, ... 8 kHz, straight lines between them over the logarithm of frequency. */
static void equalise(ting_rng *rng, double most, double *curve)
{
    enum { POINTS = 8 };
    double points[POINTS];
    for (int i = 0; i < POINTS; i++)
        points[i] = most * (2 * ting_rng_uniform(rng) - 1);
    for (int k = 0; k <= TING_FIR_BINS; k++) {
        const double place = fmax(0, log2(fmax(k * HZ, 1) / 62.5));
        const int below = (int)place < POINTS - 2 ? (int)place : POINTS - 2;
        const double gain = points[below] + (place - below) * (points[below + 1] - points[below]);
        curve[k] *= pow(10, gain / 20);
    }
}

static void limit_band(double low, double high, double *curve)
{
    for (int k = 0; k <= TING_FIR_BINS; k++)
        if (k * HZ < low || k * HZ > high)
            curve[k] = 0;
}

static ting_err apply(const ting_filters *filters, const double *curve, ting_sound *sound)
{
    float taps[TING_FIR_TAPS];
    ting_err err = ting_fir_make(filters, curve, taps);
    if (err != TING_OK)
        return err;
    return ting_filter_run(filters, taps, TING_FIR_TAPS, TING_FIR_HALF, sound->samples, sound->count);
}

/* y = sign(x) ln(1 + 255 |x|) / ln 256, to 256 steps, and back: the curve that G.711's eight segments follow. */
static float mu_law(float x)
{
    const float size = fminf(1, fabsf(x)), steps = nearbyintf(127 * log1pf(255 * size) / logf(256));
    return copysignf(expm1f(steps / 127 * logf(256)) / 255, x);
}

/* Nothing is left above 3.6 kHz: every other sample is the telephone's signal at 8 kHz. Zeros between its samples and
 * the same limit again, with twice the gain, bring 16 kHz back. */
static ting_err telephone(const ting_filters *filters, ting_sound *sound)
{
    double curve[TING_FIR_BINS + 1];
    for (int k = 0; k <= TING_FIR_BINS; k++)
        curve[k] = 2;
    limit_band(0, 3400, curve);
    for (size_t t = 0; t < sound->count; t++)
        sound->samples[t] = t % 2 == 0 ? mu_law(sound->samples[t]) : 0;
    return apply(filters, curve, sound);
}

ting_err ting_channel_line(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    ting_err err = TING_OK;
    const ting_augment_plan *plan = &augment->plan;
    double curve[TING_FIR_BINS + 1];
    const bool equalised = ting_chance(rng, plan->equaliser.share), limited = ting_chance(rng, plan->band.share);
    const bool called = ting_chance(rng, plan->telephone);
    for (int k = 0; k <= TING_FIR_BINS; k++)
        curve[k] = 1;
    if (equalised)
        equalise(rng, ting_draw(rng, plan->equaliser.by), curve);
    if (limited) {
        const double low = ting_draw(rng, plan->band.low), high = ting_draw(rng, plan->band.high);
        limit_band(low, high, curve);
    }
    if (called)
        limit_band(300, 3400, curve);
    if (sound->count == 0 || !(equalised || limited || called))
        return TING_OK;
    TRY(apply(&augment->filters, curve, sound));
    if (called)
        TRY(telephone(&augment->filters, sound));
out:
    return err;
}
