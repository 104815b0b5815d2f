/* SPDX-License-Identifier: Apache-2.0 */
/* add_gradient.c - the gradient of one tensor goes on to another of its shape. */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    ting_tensor from, to;
    bool first; /* nobody has added to it */
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *g = ting_grad_row(job->to, r);
        if (job->first)
            memcpy(g, ting_grad_row(job->from, r), (size_t)job->to.cols * sizeof *g);
        else
            job->kern->add(job->to.cols, g, ting_grad_row(job->from, r), g);
    }
}

void ting_add_gradient(ting_ctx *ctx, ting_tensor from, ting_tensor to)
{
    struct job job = {ctx->kern, from, to, ting_gradient_first(ctx, to)};
    if (to.grad != NULL)
        ting_rows_run(ctx->pool, to.rows, to.cols, add_rows, &job);
}
