/* SPDX-License-Identifier: Apache-2.0 */
/* clip.c - see clip.h. */
#include "optim/clip.h"

#include <math.h>

enum { PIECE = 16384, MAX_SUMS = 1024 };

struct clip {
    const ting_kern *kern;
    ting_real *gradients;
    size_t elements, part;
    ting_real factor;
    double sums[MAX_SUMS];
};

/* Part `index`: its elements, PIECE at a time, so that a float sum never grows long. */
static void square_part(void *arg, int index)
{
    struct clip *clip = arg;
    size_t end = clip->part * ((size_t)index + 1);
    if (end > clip->elements)
        end = clip->elements;
    double sum = 0;
    for (size_t first = clip->part * (size_t)index; first < end; first += PIECE)
        sum += (double)clip->kern->sum_squares((int)(end - first < PIECE ? end - first : PIECE),
                                               clip->gradients + first);
    clip->sums[index] = sum;
}

static void scale_part(void *arg, int index)
{
    struct clip *clip = arg;
    size_t end = clip->part * ((size_t)index + 1);
    if (end > clip->elements)
        end = clip->elements;
    for (size_t first = clip->part * (size_t)index; first < end; first += PIECE)
        clip->kern->scale((int)(end - first < PIECE ? end - first : PIECE), clip->factor,
                          clip->gradients + first, clip->gradients + first);
}

double ting_clip_gradients(ting_params *params, const ting_kern *kern, ting_pool *pool, double limit)
{
    struct clip clip = {
        .kern = kern, .gradients = ting_params_gradients(params), .elements = ting_params_elements(params)};
    size_t pieces = (clip.elements + PIECE - 1) / PIECE;
    clip.part = (pieces + MAX_SUMS - 1) / MAX_SUMS * PIECE;
    if (clip.part == 0)
        return 0;
    int parts = (int)((clip.elements + clip.part - 1) / clip.part);
    ting_pool_run(pool, parts, square_part, &clip);
    double sum = 0;
    for (int i = 0; i < parts; i++)
        sum += clip.sums[i];
    double norm = sqrt(sum);
    if (limit > 0 && norm > limit && isfinite(norm)) {
        clip.factor = (ting_real)(limit / norm);
        ting_pool_run(pool, parts, scale_part, &clip);
    }
    return norm;
}
