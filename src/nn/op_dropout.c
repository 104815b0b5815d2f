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

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    uint64_t key, counter;
    uint32_t threshold;
};

enum { PIECE = 1024 }; /* columns at a time; a multiple of 4 */

static void drop_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_real keep = (ting_real)65536 / (ting_real)(65536 - job->threshold);
    ting_real mask[PIECE];
    for (int r = block.first; r < block.first + block.count; r++) {
        uint64_t counter = job->counter + (uint64_t)r * ting_dropout_stride(job->y.cols);
        for (int first = 0; first < job->y.cols; first += PIECE) {
            int count = job->y.cols - first < PIECE ? job->y.cols - first : PIECE;
            job->kern->dropout_mask(count, job->key, counter + (uint64_t)first / 4, job->threshold, keep, mask);
            job->kern->mul(count, mask, ting_row(job->x, r) + first, ting_row(job->y, r) + first);
        }
    }
}

static ting_tensor drop(ting_ctx *ctx, ting_tensor x, ting_real probability, bool in_place)
{
    if (!(probability >= 0 && probability < 1)) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "dropout with probability %g, expected 0 to below 1",
                      (double)probability);
        return (ting_tensor){0};
    }
    uint32_t threshold = (uint32_t)(probability * 65536 + (ting_real)0.5);
    if (!ctx->training || ctx->steady || threshold == 0)
        return x;
    if (threshold > 65535)
        threshold = 65535;
    ting_tensor y = in_place ? x : ting_ctx_output(ctx, x.rows, x.cols);
    if (y.data == NULL)
        return y;
    struct job job = {.kern = ctx->kern, .x = x, .y = y, .key = ctx->rng.key, .counter = ctx->rng.counter,
                      .threshold = threshold};
    ctx->rng.counter += (uint64_t)y.rows * ting_dropout_stride(y.cols);
    struct ting_rec_dropout *rec = ting_tape_push(ctx, TING_OP_dropout, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_dropout){
            .x = x, .y = y, .key = job.key, .counter = job.counter, .threshold = threshold};
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
