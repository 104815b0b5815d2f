/* SPDX-License-Identifier: Apache-2.0 */
/* cases_scope.c - scopes: one after the other, one within another, one that gives what it was given. */
#include "grad/grad.h"

#include "nn/scope.h"

static void scope_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), cols = p->large ? 70 : ting_grad_between(p, 2, 6);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 2, (int[]){cols, cols});
    ting_grad_add_param(p, TING_PARAM_VALUES, 3, (int[]){cols, cols, 3});
}

/* act(x W^T) + z, in a scope. */
static ting_tensor feed(ting_grad_problem *p, ting_ctx *ctx, ting_tensor x, ting_tensor z)
{
    const ting_scope scope = ting_scope_open(ctx, x.rows, x.cols);
    x = ting_add(ctx, ting_linear(ctx, x, p->param[0], NULL, TING_ACT_SILU), z);
    return ting_scope_close(ctx, &scope, x);
}

static void scope_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_tensor x = p->input[0].t;
    const ting_tensor z = p->input[1].t;
    if (ctx->tape != NULL)
        ctx->gradients = p->memory;
    if (p->variant == 0) {
        x = feed(p, ctx, feed(p, ctx, x, z), z);
    } else {
        const ting_scope scope = ting_scope_open(ctx, x.rows, x.cols);
        if (p->variant == 1)
            x = ting_mul(ctx, ting_conv1d(ctx, feed(p, ctx, x, z), p->segments, p->param[1], NULL, 1, 1), feed(p, ctx, z, x));
        x = ting_scope_close(ctx, &scope, x);
    }
    if (p->variant == 2)
        x = ting_mul(ctx, x, feed(p, ctx, p->input[0].t, z)); /* what went through is used outside, too */
    p->output[0] = x;
    p->outputs = 1;
}

const ting_grad_case ting_case_scope = {3, scope_setup, scope_forward};
