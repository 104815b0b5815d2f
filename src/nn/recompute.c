/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recompute.c - the first run of a part; see recompute.h. The output's room is taken before the part runs, so that
 * everything after it can be given back.
 */
#include "nn/recompute.h"

#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

static ting_tensor run_part(ting_ctx *ctx, const ting_part *part, const ting_tensor *inputs, int rows, int cols)
{
    ting_tensor y = part->run(ctx, part->self, inputs);
    if (ctx->err == TING_OK && (y.rows != rows || y.cols != cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "recompute: the part gives [%d, %d], expected [%d, %d]", y.rows, y.cols,
                      rows, cols);
    return ctx->err == TING_OK ? y : (ting_tensor){0};
}

struct copy {
    ting_tensor from, to;
};

static void copy_rows(void *arg, ting_row_block block)
{
    const struct copy *copy = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        memcpy(ting_row(copy->to, r), ting_row(copy->from, r), (size_t)copy->to.cols * sizeof *copy->to.data);
}

/* The part and its inputs, copied into the arena, and where the random numbers stand. */
static void record(ting_ctx *ctx, const ting_part *part, const ting_tensor *inputs, int count, ting_tensor y)
{
    struct ting_rec_recompute *rec = ting_tape_push(ctx, TING_OP_recompute, sizeof *rec);
    void *self = ting_arena_take(ctx->arena, part->bytes);
    ting_tensor *kept = ting_arena_take(ctx->arena, (size_t)count * sizeof *kept);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    memcpy(kept, inputs, (size_t)count * sizeof *kept);
    if (part->bytes > 0)
        memcpy(self, part->self, part->bytes);
    *rec = (struct ting_rec_recompute){
        .part = {part->run, self, part->bytes}, .inputs = kept, .y = y, .rng = ctx->rng, .training = ctx->training,
        .pieces = ctx->pieces};
    if (ctx->gradients != NULL)
        rec->gradients = ting_arena_tell(ctx->gradients);
}

ting_tensor ting_recompute(ting_ctx *ctx, const ting_part *part, const ting_tensor *inputs, int count, int rows,
                           int cols)
{
    struct ting_tape *tape = ctx->tape;
    if (tape == NULL)
        return run_part(ctx, part, inputs, rows, cols);
    struct copy copy = {.to = ting_ctx_output(ctx, rows, cols)};
    record(ctx, part, inputs, count, copy.to);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ctx->tape = NULL;
    copy.from = run_part(ctx, part, inputs, rows, cols);
    ctx->tape = tape;
    ting_rows_run(ctx->pool, copy.from.rows, cols, copy_rows, &copy);
    ting_arena_rewind(ctx->arena, mark);
    return ctx->err == TING_OK ? copy.to : (ting_tensor){0};
}
