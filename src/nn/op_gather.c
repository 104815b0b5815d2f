/* SPDX-License-Identifier: Apache-2.0 */
/* op_gather.c - chosen rows of several tensors in any order: states of hypotheses, steps of a loop, neighbours in time. */
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

static void copy_rows(void *arg, ting_row_block block)
{
    const struct ting_rec_gather *op = arg;
    const size_t bytes = (size_t)op->y.cols * sizeof *op->y.data;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_row_place from = op->from[r];
        if (from.row < 0)
            memset(ting_row(op->y, r), 0, bytes);
        else
            memcpy(ting_row(op->y, r), ting_row(op->parts[from.part], from.row), bytes);
    }
}

static bool check(ting_ctx *ctx, const ting_tensor *parts, int count, const ting_row_place *from, int rows)
{
    for (int i = 0; ctx->err == TING_OK && i < count; i++)
        if (parts[i].cols != parts[0].cols)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "gather: part %d has %d columns, part 0 has %d", i, parts[i].cols,
                          parts[0].cols);
    for (int r = 0; ctx->err == TING_OK && r < rows; r++)
        if (from[r].row >= 0 && (from[r].part < 0 || from[r].part >= count || from[r].row >= parts[from[r].part].rows))
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "gather: row %d of part %d, of %d parts", from[r].row, from[r].part,
                          count);
    return ctx->err == TING_OK;
}

/* A copy in the arena, or NULL. */
static void *keep(ting_ctx *ctx, const void *items, size_t bytes)
{
    void *copy = ting_arena_take(ctx->arena, bytes + 1);
    ting_ctx_check(ctx);
    return copy == NULL || bytes == 0 ? copy : memcpy(copy, items, bytes);
}

ting_tensor ting_gather(ting_ctx *ctx, const ting_tensor *parts, int count, const ting_row_place *from, int rows)
{
    if (!check(ctx, parts, count, from, rows))
        return (ting_tensor){0};
    struct ting_rec_gather op = {.parts = parts, .count = count, .from = from,
                                 .y = ting_ctx_output(ctx, rows, count == 0 ? 0 : parts[0].cols)};
    struct ting_rec_gather *rec = ting_tape_push(ctx, TING_OP_gather, sizeof *rec);
    if (rec != NULL) {
        op.parts = keep(ctx, parts, (size_t)count * sizeof *parts);
        op.from = keep(ctx, from, (size_t)rows * sizeof *from);
        *rec = op;
    }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, rows, op.y.cols, copy_rows, &op);
    return op.y;
}
