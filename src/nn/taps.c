/* SPDX-License-Identifier: Apache-2.0 */
/* taps.c - depthwise filters turned for the kernels. */
#include "nn/taps.h"

int ting_taps_count(const ting_param *w)
{
    int count = 1;
    for (int d = 2; d < w->dims; d++)
        count *= w->shape[d];
    return count;
}

const ting_real *ting_taps(ting_ctx *ctx, const ting_param *w)
{
    if (ctx->err != TING_OK || w->taps != NULL)
        return w->taps;
    int channels = w->shape[0], taps = ting_taps_count(w);
    ting_real *turned =
        ting_arena_take_zeroed(ctx->arena, (size_t)channels * (size_t)taps, sizeof *turned);
    if (turned == NULL) {
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "out of memory for the filter %s", w->name);
        return NULL;
    }
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < taps; j++)
            turned[(size_t)j * (size_t)channels + (size_t)c] =
                w->t.data[(size_t)c * (size_t)taps + (size_t)j];
    return turned;
}

void ting_taps_add_gradient(const ting_param *w, const ting_real *gradient)
{
    int channels = w->shape[0], taps = ting_taps_count(w);
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < taps; j++)
            w->t.grad[(size_t)c * (size_t)taps + (size_t)j] +=
                gradient[(size_t)j * (size_t)channels + (size_t)c];
}
