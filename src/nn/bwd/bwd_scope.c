/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_scope.c - room for the gradients of a scope. docs/derive/scope.md, nn/scope.h */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

enum { LINE = 4096 }; /* numbers that are zeroed at a time */

static void zero_lines(void *arg, ting_row_block block)
{
    const struct ting_scope_room *piece = arg;
    const size_t first = (size_t)block.first * LINE, end = first + (size_t)block.count * LINE;
    memset(piece->first + first, 0, ((end < piece->count ? end : piece->count) - first) * sizeof *piece->first);
}

void ting_bwd_scope(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scope *rec = saved;
    for (struct ting_scope_room *piece = rec->pieces; piece != NULL; piece = piece->before)
        ting_rows_run(ctx->pool, (int)((piece->count + LINE - 1) / LINE), LINE, zero_lines, piece);
    ting_add_gradient(ctx, rec->y, rec->x); /* added: the output may be what the scope was given */
}
