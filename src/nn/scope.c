/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - see scope.h. */
#include "nn/scope.h"

#include "nn/rec.h"
#include "nn/tape.h"

#include <string.h>

ting_scope ting_scope_open(ting_ctx *ctx, int rows, int cols)
{
    ting_scope scope = {0};
    if (ctx->tape == NULL || ctx->gradients == NULL || ctx->err != TING_OK)
        return scope;
    scope.y = (ting_tensor){.rows = rows, .cols = cols, .ld = cols};
    ting_ctx_gradient(ctx, &scope.y);
    scope.mark = ting_arena_tell(ctx->gradients);
    scope.around = ctx->pieces;
    scope.open = true;
    ctx->scopes++;
    return scope;
}

/* The values of y with lines as long as those of the output's gradient. */
static ting_tensor in_whole_lines(ting_ctx *ctx, ting_tensor y)
{
    if (ctx->err != TING_OK || y.ld == y.cols)
        return y;
    ting_tensor copy = ting_ctx_constant(ctx, y.rows, y.cols);
    for (int r = 0; r < copy.rows; r++)
        memcpy(ting_row(copy, r), ting_row(y, r), (size_t)y.cols * sizeof *y.data);
    return copy;
}

ting_tensor ting_scope_close(ting_ctx *ctx, const ting_scope *scope, ting_tensor y)
{
    if (!scope->open)
        return y;
    struct ting_rec_scope *rec = ting_tape_push(ctx, TING_OP_scope, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_scope){.x = y, .y = scope->y, .pieces = ctx->pieces, .around = scope->around};
    if (!ting_arena_failed(ctx->gradients))
        ting_arena_share(ctx->gradients, scope->mark);
    ctx->pieces = scope->around;
    ctx->scopes--;
    if (ctx->err == TING_OK && (y.rows != scope->y.rows || y.cols != scope->y.cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "scope: the output is [%d, %d], expected [%d, %d]", y.rows, y.cols, scope->y.rows,
                      scope->y.cols);
    y = in_whole_lines(ctx, y);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    y.grad = scope->y.grad;
    return y;
}
