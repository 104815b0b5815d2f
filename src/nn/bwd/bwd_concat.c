/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_concat.c - gradients go back to where the rows and columns came from. docs/derive/concat.md */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"

struct cols_job {
    const ting_kern *kern;
    const struct ting_rec_concat_cols *rec;
};

static void concat_cols_rows(void *arg, ting_row_block block)
{
    const struct cols_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *gy = ting_grad_row(job->rec->y, r);
        for (int i = 0; i < job->rec->count; i++) {
            const ting_tensor part = job->rec->parts[i];
            if (part.grad != NULL)
                job->kern->add(part.cols, ting_grad_row(part, r), gy, ting_grad_row(part, r));
            gy += part.cols;
        }
    }
}

void ting_bwd_concat_cols(ting_ctx *ctx, const void *saved)
{
    struct cols_job job = {.kern = ctx->kern, .rec = saved};
    ting_rows_run(ctx->pool, job.rec->y.rows, job.rec->y.cols, concat_cols_rows, &job);
}

/* Row `at` of gy and the rows after it to rows first .. first + count - 1 of the gradient of `to`. */
static void add_rows(const ting_kern *kern, ting_tensor to, int first, int count, ting_tensor y, int at)
{
    for (int r = 0; to.grad != NULL && r < count; r++)
        kern->add(y.cols, ting_grad_row(to, first + r), ting_grad_row(y, at + r), ting_grad_row(to, first + r));
}

void ting_bwd_concat_time(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_concat_time *rec = saved;
    for (int s = 0; s < rec->a_segments.count; s++) {
        int a0 = rec->a_segments.start[s], a1 = rec->a_segments.start[s + 1];
        int b0 = rec->b_segments.start[s], b1 = rec->b_segments.start[s + 1];
        add_rows(ctx->kern, rec->a, a0, a1 - a0, rec->y, a0 + b0);
        add_rows(ctx->kern, rec->b, b0, b1 - b0, rec->y, a1 + b0);
    }
}

void ting_bwd_fit_cols(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_fit_cols *rec = saved;
    ting_tensor y = rec->y;
    y.cols = rec->x.cols < y.cols ? rec->x.cols : y.cols;
    add_rows(ctx->kern, rec->x, 0, y.rows, y, 0);
}
