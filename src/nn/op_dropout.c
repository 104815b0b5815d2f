/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_dropout.c - zeroes elements at random while training (Srivastava 2014). The probability is rounded
 * to a multiple of 2^-16 and the kept elements are scaled by exactly 1 / (1 - that), so that the mean is
 * kept.
 */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

ting_mask ting_mask_draw(ting_ctx *ctx, ting_real probability, int rows, int cols)
{
    ting_mask mask = {.key = ctx->rng.key, .counter = ctx->rng.counter, .cols = cols};
    if (!(probability >= 0 && probability < 1)) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "dropout with probability %g, expected 0 to below 1",
                      (double)probability);
        return mask;
    }
    if (!ctx->training || ctx->steady)
        return mask;
    const uint32_t threshold = (uint32_t)(probability * 65536 + (ting_real)0.5);
    mask.threshold = threshold > 65535 ? 65535 : threshold;
    if (mask.threshold > 0)
        ctx->rng.counter += (uint64_t)rows * (((uint64_t)cols + 3) / 4);
    return mask;
}

void ting_mask_apply(const ting_kern *kern, const ting_mask *mask, int row, const ting_real *x, ting_real *y, bool add)
{
    enum { PIECE = 1024 }; /* columns at a time; a multiple of 4 */
    ting_real factors[PIECE];
    for (int first = 0; first < mask->cols; first += PIECE) {
        const int count = mask->cols - first < PIECE ? mask->cols - first : PIECE;
        ting_mask_row(kern, mask, row, first, count, factors);
        (add ? kern->muladd : kern->mul)(count, factors, x + first, y + first);
    }
}

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    ting_mask mask;
};

static void drop_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        ting_mask_apply(job->kern, &job->mask, r, ting_row(job->x, r), ting_row(job->y, r), false);
}

static ting_tensor drop(ting_ctx *ctx, ting_tensor x, ting_real probability, bool in_place)
{
    const ting_mask mask = ting_mask_draw(ctx, probability, x.rows, x.cols);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (mask.threshold == 0)
        return x;
    ting_tensor y = in_place ? x : ting_ctx_output(ctx, x.rows, x.cols);
    if (y.data == NULL)
        return y;
    struct job job = {.kern = ctx->kern, .x = x, .y = y, .mask = mask};
    struct ting_rec_dropout *rec = ting_tape_push(ctx, TING_OP_dropout, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_dropout){.x = x, .y = y, .mask = mask};
    ting_rows_run(ctx->pool, y.rows, 4 * y.cols, drop_rows, &job);
    return y;
}

ting_tensor ting_dropout(ting_ctx *ctx, ting_tensor x, ting_real probability)
{
    return drop(ctx, x, probability, false);
}

ting_tensor ting_dropout_in_place(ting_ctx *ctx, ting_tensor x, ting_real probability)
{
    return drop(ctx, x, probability, true);
}
