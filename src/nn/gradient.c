/* SPDX-License-Identifier: Apache-2.0 */
/* gradient.c - which gradients of the open scopes nobody has touched; see gradient.h. A scope has some dozens: a list will do. */
#include "nn/gradient.h"

#include "nn/rows.h"

#include <string.h>

/* The piece that x's gradient lies in, if nobody has been there; NULL. */
static ting_scope_room *untouched(const ting_ctx *ctx, ting_tensor x)
{
    ting_scope_room *piece = x.grad == NULL ? NULL : ctx->pieces;
    while (piece != NULL && (x.grad < piece->whole.grad || x.grad >= ting_grad_row(piece->whole, piece->whole.rows)))
        piece = piece->before;
    return piece != NULL && piece->untouched ? piece : NULL;
}

static void zero_rows(void *arg, ting_row_block block)
{
    const ting_tensor *t = arg;
    memset(ting_grad_row(*t, block.first), 0, (size_t)block.count * (size_t)t->ld * sizeof *t->grad);
}

void ting_gradient_zero(const ting_ctx *ctx, ting_tensor x)
{
    ting_rows_run(ctx->pool, x.rows, x.ld, zero_rows, &x);
}

void ting_gradient_touch(ting_ctx *ctx, ting_tensor x)
{
    ting_scope_room *piece = untouched(ctx, x);
    if (piece == NULL)
        return;
    piece->untouched = false;
    ting_gradient_zero(ctx, piece->whole);
}

/* The same numbers in lines of another length are the whole, too, if the lines have no gaps. */
static bool is_whole(ting_tensor x, ting_tensor whole)
{
    if (x.grad != whole.grad || (size_t)x.rows * (size_t)x.ld != (size_t)whole.rows * (size_t)whole.ld)
        return false;
    return x.cols == whole.cols || (x.cols == x.ld && whole.cols == whole.ld);
}

bool ting_gradient_first(ting_ctx *ctx, ting_tensor x)
{
    ting_scope_room *piece = untouched(ctx, x);
    if (piece != NULL && is_whole(x, piece->whole)) {
        piece->untouched = false;
        return true;
    }
    ting_gradient_touch(ctx, x);
    return false;
}

void ting_gradients_enter(ting_ctx *ctx, ting_scope_room *pieces, const ting_scope_room *end)
{
    for (ting_scope_room *piece = pieces; piece != end; piece = piece->before)
        piece->untouched = true;
    ctx->pieces = pieces;
}
