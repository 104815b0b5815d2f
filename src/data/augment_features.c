/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment_features.c - SpecAugment (Park et al., Interspeech 2019) in the form that icefall trains with: masks filled
 * with the mean, as many masks over time as the length allows, a warp of time that bends the recording at one point.
 */
#include "data/augment_parts.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* Keys' cubic (1981) with a = -0.75, at offset u of [0, 1) behind row p of 4 rows, p - 1 .. p + 2. */
static void cubic(double u, double weights[4])
{
    static const double a = -0.75;
    const double v = 1 - u, far = 1 + u, farther = 2 - u;
    weights[0] = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;
    weights[1] = ((a + 2) * u - (a + 3)) * u * u + 1;
    weights[2] = ((a + 2) * v - (a + 3)) * v * v + 1;
    weights[3] = ((a * farther - 5 * a) * farther + 8 * a) * farther - 4 * a;
}

/* from[frames] rows to to[wanted] rows: row t of the result stands at (t + 1/2) frames / wanted - 1/2; ends repeat. */
static void resize(const float *from, int frames, float *to, int wanted, int bins)
{
    for (int t = 0; t < wanted; t++) {
        const double place = (t + 0.5) * frames / wanted - 0.5, below = floor(place);
        double weights[4];
        cubic(place - below, weights);
        float *row = to + (size_t)t * (size_t)bins;
        memset(row, 0, (size_t)bins * sizeof *row);
        for (int i = 0; i < 4; i++) {
            const int at = (int)below + i - 1, held = at < 0 ? 0 : at < frames ? at : frames - 1;
            const float *source = from + (size_t)held * (size_t)bins, weight = (float)weights[i];
            for (int b = 0; b < bins; b++)
                row[b] += weight * source[b];
        }
    }
}

ting_err ting_augment_warp(const ting_augment *augment, ting_rng *rng, float *x, int frames, int bins)
{
    const int reach = augment->plan.mask.warp;
    if (reach == 0 || bins <= 0 || frames <= 2 * reach + 1)
        return TING_OK;
    const size_t size = (size_t)frames * (size_t)bins;
    /* the frame `bend` comes to lie at `to` */
    const int bend = reach + 1 + (int)ting_rng_below(rng, (uint32_t)(frames - 2 * reach - 1));
    const int to = bend - reach + (int)ting_rng_below(rng, (uint32_t)(2 * reach + 1));
    if (to == bend)
        return TING_OK;
    float *old = ting_alloc(size, sizeof *old);
    if (old == NULL)
        return TING_ERR_MEMORY;
    memcpy(old, x, size * sizeof *old);
    resize(old, bend, x, to, bins);
    resize(old + (size_t)bend * (size_t)bins, frames - bend, x + (size_t)to * (size_t)bins, frames - to, bins);
    ting_free(old);
    return TING_OK;
}

/* A width from 0 to `widest` and a place for it within `all`; *start gets the place. */
static int draw_mask(ting_rng *rng, int widest, int all, int *start)
{
    const int most = widest < all ? widest : all, width = (int)ting_rng_below(rng, (uint32_t)(most + 1));
    *start = (int)ting_rng_below(rng, (uint32_t)(all - width + 1));
    return width;
}

static float mean_of(const float *x, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (double)x[i];
    return (float)(sum / (double)size);
}

void ting_augment_mask(const ting_augment *augment, ting_rng *rng, float *x, int frames, int bins)
{
    const ting_augment_plan *plan = &augment->plan;
    if (frames <= 0 || bins <= 0)
        return;
    const float mean = mean_of(x, (size_t)frames * (size_t)bins);
    int start;
    for (int i = 0; i < plan->mask.bands; i++) {
        const int width = draw_mask(rng, plan->mask.width, bins, &start);
        for (int t = 0; t < frames; t++)
            for (int b = start; b < start + width; b++)
                x[(size_t)t * (size_t)bins + (size_t)b] = mean;
    }
    /* no more spans than their length needs to fill the share, and each so long that together they cannot pass it */
    const double total = plan->mask.most * frames;
    const int needed = (int)ceil(total / plan->mask.length);
    const int spans = plan->mask.spans < needed ? plan->mask.spans : needed;
    const int share = spans > 0 ? (int)(total / spans) : 0;
    const int longest = plan->mask.length < share ? plan->mask.length : share;
    for (int i = 0; i < spans; i++) {
        const int length = draw_mask(rng, longest, frames, &start);
        for (size_t at = (size_t)start * (size_t)bins; at < (size_t)(start + length) * (size_t)bins; at++)
            x[at] = mean;
    }
}

ting_err ting_augment_features(const ting_augment *augment, ting_rng *rng, ting_timing timing, float *x, int frames,
                               int bins)
{
    ting_err err = TING_OK;
    if (!ting_chance(rng, augment->plan.mask.share))
        return TING_OK;
    if (timing == TING_TIMING_FREE)
        TRY(ting_augment_warp(augment, rng, x, frames, bins));
    ting_augment_mask(augment, rng, x, frames, bins);
out:
    return err;
}

ting_err ting_augment_view(const ting_augment *augment, ting_rng *rng, ting_rng warp, ting_timing timing, float *x,
                           int frames, int bins)
{
    ting_err err = TING_OK;
    const double share = augment->plan.mask.share;
    const bool bends = ting_chance(&warp, share), masks = ting_chance(rng, share);
    if (bends && timing == TING_TIMING_FREE)
        TRY(ting_augment_warp(augment, &warp, x, frames, bins));
    if (masks)
        ting_augment_mask(augment, rng, x, frames, bins);
out:
    return err;
}
