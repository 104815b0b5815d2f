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

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *g = ting_grad_row(job->x, r);
        job->kern->add(job->x.cols, g, ting_grad_row(job->y, r), g);
    }
}

void ting_bwd_scope(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scope *rec = saved;
    for (struct ting_scope_room *piece = rec->pieces; piece != NULL; piece = piece->before)
        ting_rows_run(ctx->pool, (int)((piece->count + LINE - 1) / LINE), LINE, zero_lines, piece);
    struct job job = {ctx->kern, rec->x, rec->y};
    if (rec->x.grad != NULL) /* added: the output may be what the scope was given */
        ting_rows_run(ctx->pool, rec->x.rows, rec->x.cols, add_rows, &job);
}
