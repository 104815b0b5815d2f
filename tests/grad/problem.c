/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - random problems for the gradient tests; see grad.h. */
#include "grad/grad.h"

#include "support/support.h"

#include <math.h>
#include <string.h>

const ting_grad_case *const *ting_grad_cases(void)
{
    static const ting_grad_case *const cases[TING_OP_COUNT] = {
#define TING_OP(name) &ting_case_##name,
#include "nn/ops.def"
#undef TING_OP
    };
    return cases;
}

int ting_grad_between(ting_grad_problem *p, int first, int last)
{
    return first + (int)ting_rng_below(&p->rng, (uint32_t)(last - first + 1));
}

void *ting_grad_take(ting_grad_problem *p, int count, size_t size)
{
    void *piece = ting_arena_take(p->memory, (size_t)count * size);
    assert_non_null(piece);
    return piece;
}

int ting_grad_segments(ting_grad_problem *p)
{
    return ting_grad_segments_of(p, 0);
}

int ting_grad_segments_of(ting_grad_problem *p, int least)
{
    int count = p->large ? 23 : ting_grad_between(p, 1, 4);
    int *start = ting_grad_take(p, count + 1, sizeof *start);
    start[0] = 0;
    for (int s = 0; s < count; s++)
        start[s + 1] = start[s] + ting_grad_between(p, s == 0 && least < 1 ? 1 : least, p->large ? 60 : 7);
    p->segments = (ting_segments){.count = count, .start = start};
    return start[count];
}

ting_tensor ting_grad_add_input(ting_grad_problem *p, ting_grad_rows rows, int count, int cols)
{
    ting_tensor t = {.rows = count, .cols = cols, .ld = cols + ting_grad_between(p, 0, 3)};
    size_t elements = (size_t)t.rows * (size_t)t.ld;
    t.data = ting_arena_take(p->memory, elements * sizeof *t.data);
    t.grad = ting_arena_take_zeroed(p->memory, elements, sizeof *t.grad);
    assert_true(t.data != NULL && t.grad != NULL && p->inputs < TING_GRAD_MOST);
    for (size_t i = 0; i < elements; i++)
        t.data[i] = (ting_real)ting_rng_normal(&p->rng);
    p->input[p->inputs++] = (ting_grad_input){.t = t, .rows = rows};
    return t;
}

void ting_grad_add_param(ting_grad_problem *p, ting_param_role role, int dims, const int *shape)
{
    assert_true(p->param_count < TING_GRAD_MOST);
    const ting_param *param = ting_params_add(p->params, role, dims, shape, "param.%d", p->param_count);
    assert_non_null(param);
    p->param[p->param_count++] = param;
}

void ting_grad_add_ids(ting_grad_problem *p, int low, int high)
{
    int rows = p->segments.start[p->segments.count];
    p->ids = ting_grad_take(p, rows, sizeof *p->ids);
    for (int r = 0; r < rows; r++)
        p->ids[r] = ting_grad_between(p, low, high - 1);
}

void ting_grad_avoid_zero(ting_tensor t)
{
    for (int r = 0; r < t.rows; r++) {
        ting_real *row = ting_row(t, r);
        for (int c = 0; c < t.cols; c++) {
            if (row[c] > (ting_real)-0.1 && row[c] < (ting_real)0.1)
                row[c] += row[c] < 0 ? (ting_real)-0.1 : (ting_real)0.1;
        }
    }
}

void ting_grad_problem_make(ting_grad_problem *p, const ting_grad_case *of, int variant, bool large)
{
    *p = (ting_grad_problem){.variant = variant, .large = large, .row_factor = 1};
    p->rng = ting_rng_new(20, (uint64_t)variant);
    p->memory = ting_arena_new(1 << 16);
    p->params = ting_params_new();
    assert_true(p->memory != NULL && p->params != NULL);
    of->setup(p);
    assert_ok(ting_params_alloc(p->params, true));
    for (size_t i = 0; i < ting_params_elements(p->params); i++)
        ting_params_values(p->params)[i] = (ting_real)(0.5 * ting_rng_normal(&p->rng));
}

void ting_grad_problem_free(ting_grad_problem *p)
{
    ting_params_free(p->params);
    ting_arena_free(p->memory);
}

void ting_grad_forward(ting_grad_problem *p, const ting_grad_case *of, ting_ctx *ctx)
{
    ctx->training = true;
    ctx->rng = ting_rng_new(3, 4); /* the same masks each time */
    p->outputs = 0;
    of->forward(p, ctx);
    assert_ok(ctx->err);
    assert_in_range(p->outputs, 1, TING_GRAD_MOST);
}
