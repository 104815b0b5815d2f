/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_recompute.c - runs a part again with a tape of its own and walks that. docs/NN.md, nn/recompute.h */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor from, to;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *g = ting_grad_row(job->to, r);
        job->kern->add(job->to.cols, g, ting_grad_row(job->from, r), g);
    }
}

void ting_bwd_recompute(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_recompute *rec = saved;
    const ting_ctx outside = *ctx;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_arena_mark gradients = {0};
    if (ctx->gradients != NULL)
        gradients = ting_arena_tell(ctx->gradients);
    ting_tape tape = {0};
    ctx->tape = &tape;
    ctx->tap = NULL;
    ctx->rng = rec->rng;
    ctx->training = rec->training;
    ctx->again = true;
    struct job job = {.kern = ctx->kern, .from = rec->y, .to = rec->part.run(ctx, rec->part.self, rec->inputs)};
    /* added, not copied: a part may return what it was given */
    if (ctx->err == TING_OK && job.to.grad != NULL)
        ting_rows_run(ctx->pool, job.to.rows, job.to.cols, add_rows, &job);
    ting_err err = ting_tape_backward(ctx, &tape);
    *ctx = outside;
    ctx->err = err;
    ting_arena_rewind(ctx->arena, mark);
    if (ctx->gradients != NULL)
        ting_arena_rewind(ctx->gradients, gradients);
}
