/* SPDX-License-Identifier: Apache-2.0 */
/* simple_part.c - see simple_part.h. */
#include "loss/simple_part.h"

#include "loss/softmax_row.h"
#include "nn/rows.h"

enum { ROW_COST = 8 }; /* simple operations a class */

bool ting_simple_take_rows(ting_ctx *ctx, const struct ting_rec_simple_transducer *op, ting_real **p, ting_real **q)
{
    int frames = 0, states = 0;
    for (int s = 0; s < op->count; s++) {
        const ting_simple_part *part = &op->parts[s];
        frames = part->am.rows > frames ? part->am.rows : frames;
        states = part->lm.rows > states ? part->lm.rows : states;
    }
    *p = ting_ctx_reals(ctx, (size_t)frames * (size_t)op->classes + 1);
    *q = ting_ctx_reals(ctx, ((size_t)states + 1) * (size_t)op->classes);
    return ctx->err == TING_OK;
}

struct job {
    const ting_kern *kern;
    ting_tensor x;
    ting_real *p, *log_sum;
};

static void softmax_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *x = ting_row(job->x, r);
        ting_real *p = job->p + (size_t)r * (size_t)job->x.cols;
        if (job->log_sum != NULL)
            job->log_sum[r] = ting_softmax_row(job->kern, job->x.cols, x, p);
        else
            job->kern->softmax(job->x.cols, x, p);
    }
}

void ting_simple_softmax(const ting_ctx *ctx, ting_tensor x, ting_real *p, ting_real *log_sum)
{
    struct job job = {ctx->kern, x, p, log_sum};
    ting_rows_run(ctx->pool, x.rows, ROW_COST * x.cols, softmax_rows, &job);
}

ting_real ting_simple_direct_sum(const ting_kern *kern, const ting_simple_part *part, int t, int u, ting_real *row)
{
    kern->add(part->am.cols, ting_row(part->am, t), ting_row(part->lm, u), row);
    return kern->log_sum_exp(part->am.cols, row);
}
