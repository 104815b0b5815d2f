/* SPDX-License-Identifier: Apache-2.0 */
/* cases_recompute.c - parts that run again: one with dropout, one over segments with two inputs, one within another. */
#include "grad/grad.h"

#include "nn/recompute.h"

typedef struct call {
    const ting_grad_problem *p;
    int cols;
} call;

/* act(x W^T + b) + y, with dropout: the masks have to come again. */
static ting_tensor with_dropout(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const ting_grad_problem *p = ((const call *)self)->p;
    ting_tensor x = ting_dropout(ctx, inputs[0], (ting_real)0.25);
    x = ting_linear(ctx, x, p->param[0], p->param[1], TING_ACT_SILU);
    return ting_add(ctx, ting_dropout_in_place(ctx, x, (ting_real)0.5), inputs[1]);
}

/* A convolution in each segment, times the other input. */
static ting_tensor over_segments(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const ting_grad_problem *p = ((const call *)self)->p;
    return ting_mul(ctx, ting_conv1d(ctx, inputs[0], p->segments, p->param[2], p->param[1], 1, 1), inputs[1]);
}

/* The first, then the second, each recomputed. */
static ting_tensor nested(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const call *c = self;
    ting_tensor pair[2] = {
        ting_recompute(ctx, &(ting_part){with_dropout, c, sizeof *c}, inputs, 2, inputs[0].rows, c->cols), inputs[1]};
    return ting_recompute(ctx, &(ting_part){over_segments, c, sizeof *c}, pair, 2, inputs[0].rows, c->cols);
}

static void recompute_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), cols = p->large ? 70 : ting_grad_between(p, 2, 6);
    p->option[0] = cols;
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 2, (int[]){cols, cols});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 3, (int[]){cols, cols, 3});
    p->row_factor = p->variant == 1; /* masks depend on the place in the batch */
}

static void recompute_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    static ting_tensor (*const runs[])(ting_ctx *, const void *, const ting_tensor *) = {with_dropout, over_segments,
                                                                                         nested};
    const call c = {p, p->option[0]};
    const ting_tensor inputs[2] = {p->input[0].t, p->input[1].t};
    p->output[0] = ting_recompute(ctx, &(ting_part){runs[p->variant], &c, sizeof c}, inputs, 2, inputs[0].rows, c.cols);
    p->outputs = 1;
}

const ting_grad_case ting_case_recompute = {3, recompute_setup, recompute_forward};
