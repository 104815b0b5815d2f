/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gradients.c - every backward against central differences, in double (and coarsely in float).
 *
 * With random weights G on the outputs, L = sum(G y). For each input and parameter x and several random
 * directions d of length 1, the derivative of L along d is (8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12h,
 * L(t) taken at x + t d, and must equal <gradient, d>.
 */
#include "grad/grad.h"

#include "nn/gradient.h"
#include "support/support.h"

#include <float.h>
#include <math.h>
#include <string.h>

/*
 * The formula's own error is h^4 / 30 L^(5); rounding adds about 1.5 u S / h, where u is the unit
 * roundoff, S = sum |G y|, times a small factor for the sums inside the op.
 *   double: h = 2e-3: 5e-13 L^(5) and 2e-13 S; allowed 1e-8 |gradient| + 1e-11 S.
 *   float:  h = 0.05: 2e-7 L^(5) and 4e-6 S;   allowed 2e-3 |gradient| + 4e-5 S.
 */
static const struct limits {
    double step, relative, floor;
} LIMITS[2] = {{0.05, 2e-3, 4e-5}, {2e-3, 1e-8, 1e-11}};

enum { DIRECTIONS = 3 };

static const struct limits *limits(void)
{
    return &LIMITS[sizeof(ting_real) == sizeof(double)];
}

static ting_ctx new_ctx(ting_tape *tape)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect()), .tape = tape};
}

/* The weight of element (r, c) of output o. */
static ting_real weight(int o, int r, int c)
{
    uint64_t bits = ting_rng_at(77 + (uint64_t)o, (uint64_t)r * 4096 + (uint64_t)c);
    return (ting_real)((double)(bits >> 11) * 0x1p-52 - 1);
}

/* L, and S if wanted, without recording. */
static double value(ting_grad_problem *p, const ting_grad_case *of, double *magnitude)
{
    ting_ctx ctx = new_ctx(NULL);
    ting_grad_forward(p, of, &ctx);
    double sum = 0, absolute = 0;
    for (int o = 0; o < p->outputs; o++) {
        for (int r = 0; r < p->output[o].rows; r++) {
            for (int c = 0; c < p->output[o].cols; c++) {
                double term = (double)weight(o, r, c) * (double)ting_row(p->output[o], r)[c];
                sum += term;
                absolute += fabs(term);
            }
        }
    }
    if (magnitude != NULL)
        *magnitude = absolute;
    ting_arena_free(ctx.arena);
    return sum;
}

/* Forward with a tape, the weights as gradients of the outputs, backward: adds into all gradients. */
static void run_backward(ting_grad_problem *p, const ting_grad_case *of)
{
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    ting_grad_forward(p, of, &ctx);
    assert_true(tape.count > 0);
    for (int o = 0; o < p->outputs; o++) {
        for (int r = 0; r < p->output[o].rows; r++)
            for (int c = 0; c < p->output[o].cols; c++)
                ting_grad_row(p->output[o], r)[c] += weight(o, r, c);
    }
    assert_ok(ting_tape_backward(&ctx, &tape));
    ting_arena_free(ctx.arena);
}

/* Everything that may have a gradient: the inputs, then the parameters. */
static int targets(const ting_grad_problem *p)
{
    return p->inputs + p->param_count;
}

static ting_tensor target(const ting_grad_problem *p, int index)
{
    return index < p->inputs ? p->input[index].t : p->param[index - p->inputs]->t;
}

static void zero_gradients(ting_grad_problem *p)
{
    for (int i = 0; i < p->inputs; i++) {
        ting_tensor t = p->input[i].t;
        if (t.grad != NULL)
            memset(t.grad, 0, (size_t)t.rows * (size_t)t.ld * sizeof *t.grad);
    }
    ting_params_zero_gradients(p->params);
}

/* A random direction of length 1: element (r, c) is scale * unit(...). */
static double unit(uint64_t key, int r, int c)
{
    return (double)(ting_rng_at(key, (uint64_t)r * 4096 + (uint64_t)c) >> 11) * 0x1p-52 - 1;
}

static double value_along(ting_grad_problem *p, const ting_grad_case *of, ting_tensor x,
                          const ting_real *saved, uint64_t key, double distance)
{
    for (int r = 0; r < x.rows; r++)
        for (int c = 0; c < x.cols; c++)
            ting_row(x, r)[c] = (ting_real)((double)saved[(size_t)r * (size_t)x.ld + (size_t)c] +
                                            distance * unit(key, r, c));
    double result = value(p, of, NULL);
    memcpy(x.data, saved, ((size_t)(x.rows - 1) * (size_t)x.ld + (size_t)x.cols) * sizeof *x.data);
    return result;
}

/* The largest difference between gradients and central differences, over what is allowed. */
static double worst_ratio(ting_grad_problem *p, const ting_grad_case *of)
{
    double worst = 0, magnitude;
    value(p, of, &magnitude);
    for (int i = 0; i < targets(p); i++) {
        ting_tensor x = target(p, i);
        size_t elements = (size_t)(x.rows - 1) * (size_t)x.ld + (size_t)x.cols;
        ting_real *saved = ting_arena_take(p->memory, elements * sizeof *saved);
        assert_non_null(saved);
        memcpy(saved, x.data, elements * sizeof *saved);
        for (uint64_t key = 100; key < 100 + DIRECTIONS; key++) {
            double along = 0, length = 0, gradient = 0;
            for (int r = 0; r < x.rows; r++) {
                for (int c = 0; c < x.cols; c++) {
                    double g = (double)ting_grad_row(x, r)[c], d = unit(key, r, c);
                    along += g * d;
                    gradient += g * g;
                    length += d * d;
                }
            }
            length = sqrt(length);
            along /= length;
            double h = limits()->step, t = h / length;
            double near = value_along(p, of, x, saved, key, t) - value_along(p, of, x, saved, key, -t);
            double far = value_along(p, of, x, saved, key, 2 * t) - value_along(p, of, x, saved, key, -2 * t);
            double numeric = (8 * near - far) / (12 * h);
            double allowed = limits()->relative * sqrt(gradient) + limits()->floor * magnitude + DBL_MIN;
            double ratio = fabs(numeric - along) / allowed;
            if (ratio > worst || isnan(ratio))
                worst = isnan(ratio) ? (double)INFINITY : ratio;
        }
    }
    return worst;
}

static void backward_equals_central_differences(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, false);
        run_backward(&p, of);
        double ratio = worst_ratio(&p, of);
        if (!(ratio <= 1))
            fail_msg("variant %d: the gradient is off by %.3g times the allowed error", variant, ratio);
        ting_grad_problem_free(&p);
    }
}

static ting_real *copy_gradient(ting_grad_problem *p, ting_tensor t)
{
    size_t bytes = ((size_t)(t.rows - 1) * (size_t)t.ld + (size_t)t.cols) * sizeof *t.grad;
    ting_real *copy = ting_arena_take(p->memory, bytes);
    assert_non_null(copy);
    memcpy(copy, t.grad, bytes);
    return copy;
}

static double rounding(void)
{
    return sizeof(ting_real) == sizeof(double) ? 0x1p-53 : 0x1p-24;
}

/* A gradient that starts at 1 ends at 1 more; inputs and parameters keep their values. */
static void gradients_add_up(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, false);
        run_backward(&p, of);
        ting_real *clean[2 * TING_GRAD_MOST], *data[2 * TING_GRAD_MOST];
        for (int i = 0; i < targets(&p); i++) {
            ting_tensor t = target(&p, i);
            clean[i] = copy_gradient(&p, t);
            data[i] = copy_gradient(&p, (ting_tensor){.grad = t.data, .rows = t.rows, .cols = t.cols, .ld = t.ld});
            for (int r = 0; r < t.rows; r++)
                for (int c = 0; c < t.cols; c++)
                    ting_grad_row(t, r)[c] = 1;
        }
        run_backward(&p, of);
        for (int i = 0; i < targets(&p); i++) {
            ting_tensor t = target(&p, i);
            for (int r = 0; r < t.rows; r++) {
                for (int c = 0; c < t.cols; c++) {
                    size_t at = (size_t)r * (size_t)t.ld + (size_t)c;
                    double want = 1 + (double)clean[i][at];
                    /* each of the (far fewer than 1000) terms added to it rounds once more */
                    if (!(fabs((double)t.grad[at] - want) <= 1000 * rounding() * (1 + fabs(want))))
                        fail_msg("variant %d, tensor %d [%d, %d]: %.17g, want %.17g", variant, i, r, c,
                                 (double)t.grad[at], want);
                    assert_true(t.data[at] == data[i][at]);
                }
            }
        }
        ting_grad_problem_free(&p);
    }
}

/* Without a gradient for one input or parameter, the others get the same bits. */
static void absent_gradients_are_left_alone(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, false);
        run_backward(&p, of);
        ting_real *want[2 * TING_GRAD_MOST];
        for (int i = 0; i < targets(&p); i++)
            want[i] = copy_gradient(&p, target(&p, i));
        for (int absent = 0; absent < targets(&p); absent++) {
            ting_param *param = absent < p.inputs ? NULL : ting_params_at(p.params, absent - p.inputs);
            ting_real **grad = param == NULL ? &p.input[absent].t.grad : &param->t.grad;
            ting_real *kept = *grad;
            zero_gradients(&p);
            *grad = NULL;
            run_backward(&p, of);
            *grad = kept;
            for (int i = 0; i < targets(&p); i++) {
                ting_tensor t = target(&p, i);
                for (int r = 0; i != absent && r < t.rows; r++)
                    assert_memory_equal(ting_grad_row(t, r), want[i] + (size_t)r * (size_t)t.ld,
                                        (size_t)t.cols * sizeof *t.grad);
            }
        }
        ting_grad_problem_free(&p);
    }
}

/* An arena whose first memory holds no numbers. */
static ting_arena *spoilt_arena(void)
{
    enum { COUNT = 1 << 20 };
    ting_arena *arena = ting_arena_new(2 * COUNT * sizeof(ting_real));
    ting_real *values = ting_arena_take(arena, COUNT * sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < COUNT; i++)
        values[i] = (ting_real)NAN;
    ting_arena_reset(arena);
    return arena;
}

/* As run_backward, all of it in a scope whose room holds no numbers, the inputs' gradients too. */
static void run_backward_in_scope(ting_grad_problem *p, const ting_grad_case *of)
{
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    ting_arena *spoilt = spoilt_arena(); /* the case may choose another */
    ctx.gradients = spoilt;
    ctx.scopes = 1;
    ting_scope_room room[TING_GRAD_MOST];
    for (int i = 0; i < p->inputs; i++) {
        const ting_tensor t = p->input[i].t;
        room[i] = (ting_scope_room){.whole = t, .before = ctx.pieces};
        ctx.pieces = &room[i];
        for (int at = 0; t.grad != NULL && at < t.rows * t.ld; at++)
            t.grad[at] = (ting_real)NAN;
    }
    ting_grad_forward(p, of, &ctx);
    ctx.scopes = 0;
    ting_gradients_enter(&ctx, ctx.pieces, NULL);
    for (int o = 0; o < p->outputs; o++) {
        ting_gradient_touch(&ctx, p->output[o]);
        for (int r = 0; r < p->output[o].rows; r++)
            for (int c = 0; c < p->output[o].cols; c++)
                ting_grad_row(p->output[o], r)[c] += weight(o, r, c);
    }
    assert_ok(ting_tape_backward(&ctx, &tape));
    ctx.pieces = p->inputs > 0 ? &room[p->inputs - 1] : NULL;
    for (int i = 0; i < p->inputs; i++)
        ting_gradient_touch(&ctx, p->input[i].t); /* of which nothing came */
    ting_arena_free(spoilt);
    ting_arena_free(ctx.arena);
}

/* Whoever touches a gradient first takes care of what it holds. */
static void what_a_scope_left_is_not_read(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, false);
        run_backward(&p, of);
        ting_real *want[2 * TING_GRAD_MOST];
        for (int i = 0; i < targets(&p); i++)
            want[i] = copy_gradient(&p, target(&p, i));
        zero_gradients(&p);
        run_backward_in_scope(&p, of);
        for (int i = 0; i < targets(&p); i++) {
            const ting_tensor t = target(&p, i);
            for (int r = 0; r < t.rows; r++)
                for (int c = 0; c < t.cols; c++)
                    if (!(ting_grad_row(t, r)[c] == want[i][(size_t)r * (size_t)t.ld + (size_t)c]))
                        fail_msg("variant %d, tensor %d [%d, %d]: %.17g, want %.17g", variant, i, r, c,
                                 (double)ting_grad_row(t, r)[c], (double)want[i][(size_t)r * (size_t)t.ld + (size_t)c]);
        }
        ting_grad_problem_free(&p);
    }
}

/* A backward with one wrong element, or without one of its terms, must be caught. */
static void the_comparison_notices_mistakes(void **state)
{
    (void)state;
    const ting_grad_case *of = &ting_case_linear;
    const ting_real small = sizeof(ting_real) == sizeof(double) ? (ting_real)1e-4 : (ting_real)0.5;
    for (int i = 0; i < 3; i++) { /* x, W, b */
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, 0, false);
        run_backward(&p, of);
        assert_true(worst_ratio(&p, of) <= 1);
        ting_tensor t = target(&p, i);
        ting_grad_row(t, t.rows - 1)[0] += small;
        assert_true(worst_ratio(&p, of) > 1);
        ting_grad_row(t, t.rows - 1)[0] = (ting_real)NAN;
        assert_true(worst_ratio(&p, of) > 1);
        ting_grad_problem_free(&p);
    }
    /* layer norm whose gradient with respect to x lacks the term of the mean: each row is off by a constant */
    of = &ting_case_layer_norm;
    ting_grad_problem p;
    ting_grad_problem_make(&p, of, 0, false);
    run_backward(&p, of);
    ting_tensor x = p.input[0].t;
    for (int c = 0; c < x.cols; c++)
        ting_grad_row(x, 0)[c] += small;
    assert_true(worst_ratio(&p, of) > 1);
    ting_grad_problem_free(&p);
}

int main(void)
{
    struct CMUnitTest tests[4 * TING_OP_COUNT + 1];
    size_t count = 0;
    for (int op = 0; op < TING_OP_COUNT; op++) {
        void *of = (void *)(uintptr_t)ting_grad_cases()[op];
        const char *name = ting_op_name((ting_op)op);
        tests[count++] = (struct CMUnitTest){name, backward_equals_central_differences, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, gradients_add_up, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, absent_gradients_are_left_alone, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, what_a_scope_left_is_not_read, NULL, NULL, of};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(the_comparison_notices_mistakes);
    return _cmocka_run_group_tests("gradients", tests, count, NULL, NULL);
}
