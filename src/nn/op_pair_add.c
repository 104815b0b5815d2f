/* SPDX-License-Identifier: Apache-2.0 */
/* op_pair_add.c - sums of chosen rows of two tensors: the lattice of a transducer's joiner. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    const int *ia, *ib;
};

static void some_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(job->y.cols, ting_row(job->a, job->ia[r]), ting_row(job->b, job->ib[r]), ting_row(job->y, r));
}

/* The indices in the arena; NULL and the sticky error when one is out of range. */
static const int *checked(ting_ctx *ctx, const int *rows, int count, ting_tensor x)
{
    int *copy = ting_ctx_ints(ctx, count + 1);
    for (int i = 0; copy != NULL && i < count; i++) {
        if (rows[i] < 0 || rows[i] >= x.rows) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "pair_add: row %d of %d", rows[i], x.rows);
            return NULL;
        }
        copy[i] = rows[i];
    }
    return copy;
}

ting_tensor ting_pair_add(ting_ctx *ctx, ting_tensor a, const int *ia, ting_tensor b, const int *ib, int count)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (a.cols != b.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "pair_add: [%d, %d] and [%d, %d]", a.rows, a.cols, b.rows, b.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, count, a.cols);
    struct job job = {ctx->kern, a, b, y, checked(ctx, ia, count, a), checked(ctx, ib, count, b)};
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    struct ting_rec_pair_add *rec = ting_tape_push(ctx, TING_OP_pair_add, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_pair_add){.a = a, .b = b, .y = y, .ia = job.ia, .ib = job.ib};
    ting_rows_run(ctx->pool, count, y.cols, some_rows, &job);
    return y;
}
