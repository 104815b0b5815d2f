/* SPDX-License-Identifier: Apache-2.0 */
/* cases_losses.c - cases of the losses of pruned transducers, of two views, and of distillation. */
#include "grad/grad.h"

#include "loss/consistency.h"
#include "loss/regression.h"
#include "loss/simple_transducer.h"
#include "loss/soft_entropy.h"

#include <math.h>
#include <string.h>

static void one_output(ting_grad_problem *p, ting_tensor y)
{
    p->output[0] = y;
    p->outputs = 1;
}

static int rows_of(const ting_grad_problem *p)
{
    return p->segments.start[p->segments.count];
}

/* A constant tensor with the numbers of `weights`, which setup filled. */
static ting_tensor constant(const ting_grad_problem *p, int cols)
{
    return (ting_tensor){.data = p->weights, .rows = rows_of(p), .cols = cols, .ld = cols};
}

static void add_numbers(ting_grad_problem *p, int count)
{
    p->weights = ting_grad_take(p, count, sizeof *p->weights);
    for (int i = 0; i < count; i++)
        p->weights[i] = (ting_real)ting_rng_normal(&p->rng);
}

/*
 * ---- simple transducer: plain, with the predictor's share, with both shares, and with heads so far apart that
 * products of their probabilities vanish; every third utterance has no labels ----
 */

enum { LABELS = 0, VOCAB = 1, APART = 70 };

static void simple_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    const int labels = p->option[LABELS] = ting_grad_between(p, 1, 3), count = p->segments.count;
    const int vocab = p->option[VOCAB] = p->large ? 70 : ting_grad_between(p, 3, 6);
    int rows = count;
    for (int s = 0; s < count; s++)
        rows += s % 3 == 2 ? 0 : labels;
    ting_tensor am = ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows_of(p), vocab);
    ting_tensor lm = ting_grad_add_input(p, TING_ROWS_FREE, rows, vocab);
    for (int r = 0; p->variant == 3 && r < am.rows; r++)
        ting_row(am, r)[r % vocab] += APART;
    for (int r = 0; p->variant == 3 && r < lm.rows; r++)
        ting_row(lm, r)[(r + 1) % vocab] += APART;
    p->row_factor = 0;
}

static void simple_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const int count = p->segments.count;
    int *start = ting_grad_take(p, count + 1, sizeof *start);
    start[0] = 0;
    for (int s = 0; s < count; s++)
        start[s + 1] = start[s] + (s % 3 == 2 ? 0 : p->option[LABELS]);
    int *targets = ting_grad_take(p, start[count] + 1, sizeof *targets);
    for (int i = 0; i < start[count]; i++)
        targets[i] = 1 + i % (p->option[VOCAB] - 1);
    ting_transducer_targets *t = ting_grad_take(p, 1, sizeof *t);
    *t = (ting_transducer_targets){.frames = p->segments, .labels = {count, start}, .targets = targets, .blank = 0};
    const ting_simple_options options = {.lm_only = p->variant == 0 ? 0 : (ting_real)0.25,
                                         .am_only = p->variant == 2 ? (ting_real)0.125 : 0};
    one_output(p, ting_simple_transducer_loss(ctx, p->input[0].t, p->input[1].t, t, p->variant == 0 ? NULL : &options));
}

const ting_grad_case ting_case_simple_transducer = {4, simple_setup, simple_forward};

/*
 * ---- consistency: the gradient stops at the targets, so it is not that of the value. With b fixed, KL(a || b), of
 * which only the target depends on a, is taken off again; what is left, KL(b || a), has the gradient p_a - p_b. Variant
 * 1: the views change places. ----
 */

static void consistency_setup(ting_grad_problem *p)
{
    const int rows = ting_grad_segments(p), vocab = p->large ? 70 : ting_grad_between(p, 1, 7);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, vocab);
    add_numbers(p, rows * vocab);
    p->row_factor = 0;
}

static double log_sum(const ting_real *x, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp((double)x[i]);
    return log(sum);
}

/* sum over rows of KL(softmax(a) || softmax(b)) */
static double divergence(ting_tensor a, ting_tensor b)
{
    double sum = 0;
    for (int r = 0; r < a.rows; r++) {
        const ting_real *x = ting_row(a, r), *y = ting_row(b, r);
        const double lx = log_sum(x, a.cols), ly = log_sum(y, a.cols);
        for (int v = 0; v < a.cols; v++)
            sum += exp((double)x[v] - lx) * ((double)x[v] - lx - (double)y[v] + ly);
    }
    return sum;
}

static void consistency_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_tensor a = p->input[0].t, b = constant(p, a.cols);
    ting_tensor loss = p->variant == 0 ? ting_consistency_loss(ctx, a, b) : ting_consistency_loss(ctx, b, a);
    if (ctx->err == TING_OK)
        loss.data[0] = (ting_real)((double)loss.data[0] - divergence(a, b));
    one_output(p, loss);
}

const ting_grad_case ting_case_consistency = {2, consistency_setup, consistency_forward};

/* ---- regression, without and with scale ---- */

static void regression_setup(ting_grad_problem *p)
{
    const int rows = ting_grad_segments(p), channels = p->large ? 90 : ting_grad_between(p, 2, 9);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, channels);
    add_numbers(p, rows * channels);
    p->row_factor = 0;
}

static void regression_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_tensor x = p->input[0].t;
    ting_real *scale = ting_grad_take(p, x.cols, sizeof *scale);
    for (int c = 0; c < x.cols; c++)
        scale[c] = (ting_real)(1 + c % 3) / 2;
    one_output(p, ting_regression_loss(ctx, x, constant(p, x.cols), p->variant == 0 ? NULL : scale));
}

const ting_grad_case ting_case_regression = {2, regression_setup, regression_forward};

/* ---- soft entropy: cross-entropy, divergence, divergence with weights (some of them 0) ---- */

static void soft_entropy_setup(ting_grad_problem *p)
{
    const int rows = ting_grad_segments(p), vocab = p->large ? 70 : ting_grad_between(p, 2, 7);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, vocab);
    add_numbers(p, rows * vocab);
    for (int r = 0; r < rows; r++) {
        const double sum = log_sum(p->weights + r * vocab, vocab);
        for (int v = 0; v < vocab; v++)
            p->weights[r * vocab + v] = (ting_real)exp((double)p->weights[r * vocab + v] - sum);
    }
    p->row_factor = 0;
}

static void soft_entropy_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_tensor x = p->input[0].t;
    ting_real *weight = ting_grad_take(p, x.rows, sizeof *weight);
    for (int r = 0; r < x.rows; r++)
        weight[r] = (ting_real)((r + 1) % 3) / 2;
    const ting_soft_entropy_options options = {.divergence = true, .weight = p->variant < 2 ? NULL : weight};
    one_output(p, ting_soft_entropy(ctx, x, p->weights, p->variant == 0 ? NULL : &options));
}

const ting_grad_case ting_case_soft_entropy = {3, soft_entropy_setup, soft_entropy_forward};
