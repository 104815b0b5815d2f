/* SPDX-License-Identifier: Apache-2.0 */
/* cases_general.c - cases of the ops that work row by row, and of the losses. */
#include "grad/grad.h"

#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"

static void one_output(ting_grad_problem *p, ting_tensor y)
{
    p->output[0] = y;
    p->outputs = 1;
}

static ting_tensor frames(ting_grad_problem *p, int cols)
{
    return ting_grad_add_input(p, TING_ROWS_OF_FRAMES, p->segments.start[p->segments.count], cols);
}

static int width(ting_grad_problem *p)
{
    return p->large ? ting_grad_between(p, 60, 90) : ting_grad_between(p, 1, 9);
}

/* ---- linear: with and without bias, with and without activation ---- */

static void linear_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int k = width(p), n = width(p);
    frames(p, k);
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){n, k});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){n});
}

static void linear_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_linear(ctx, p->input[0].t, p->param[0], p->variant % 2 == 0 ? p->param[1] : NULL,
                              p->variant < 2 ? TING_ACT_NONE : TING_ACT_SILU));
}

const ting_grad_case ting_case_linear = {4, linear_setup, linear_forward};

/* ---- feed_forward: the mask depends on the row, or the segment, in the batch, so segments alone differ with dropout ---- */

static void feed_forward_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int k = width(p), n = width(p), m = width(p);
    frames(p, k);
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){n, k});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){n});
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){m, n});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){m});
    p->row_factor = p->variant == 0 ? 1 : 0;
}

static void feed_forward_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    if (p->variant == 2)
        one_output(p, ting_feed_forward_shared(ctx, p->input[0].t, p->segments, p->param[0], p->param[1], TING_ACT_SWOOSH_L, 0.25,
                                               p->param[2], p->param[3]));
    else
        one_output(p, ting_feed_forward(ctx, p->input[0].t, p->param[0], p->param[1], TING_ACT_SILU,
                                        p->variant == 1 ? (ting_real)0.25 : 0, p->param[2], p->param[3]));
}

const ting_grad_case ting_case_feed_forward = {3, feed_forward_setup, feed_forward_forward};

/* ---- add: equal rows, one row for all, the same tensor twice ---- */

static void add_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), cols = width(p);
    frames(p, cols);
    bool row = p->variant == 1;
    ting_grad_add_input(p, row ? TING_ROWS_FREE : TING_ROWS_OF_FRAMES, row ? 1 : rows, cols);
}

static void add_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_add(ctx, p->input[0].t, p->input[p->variant == 2 ? 0 : 1].t));
}

const ting_grad_case ting_case_add = {3, add_setup, add_forward};

static void pair_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int cols = width(p);
    frames(p, cols);
    frames(p, cols);
}

static void mul_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_mul(ctx, p->input[0].t, p->input[p->variant == 1 ? 0 : 1].t));
}

const ting_grad_case ting_case_mul = {2, pair_setup, mul_forward};

static void single_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    frames(p, width(p));
}

static void scale_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_scale(ctx, p->input[0].t, (ting_real)-1.75));
}

const ting_grad_case ting_case_scale = {1, single_setup, scale_forward};

/* ---- activations: a variant is a kind ---- */

static void act_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    ting_grad_avoid_zero(frames(p, width(p)));
}

static void act_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_activate(ctx, (ting_act)p->variant, ting_scale(ctx, p->input[0].t, 1)));
}

const ting_grad_case ting_case_act = {TING_ACT_COUNT, act_setup, act_forward};

static void mul_act_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int cols = p->variant == TING_ACT_TANH ? 600 : width(p); /* wider than one piece */
    frames(p, cols);
    ting_grad_avoid_zero(frames(p, cols));
}

static void mul_act_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_mul_act(ctx, (ting_act)p->variant, p->input[0].t, p->input[1].t));
}

const ting_grad_case ting_case_mul_act = {TING_ACT_COUNT, mul_act_setup, mul_act_forward};

/* ---- layer norm ---- */

static void layer_norm_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int cols = 2 + width(p);
    frames(p, cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){cols});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){cols});
}

static void layer_norm_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_layer_norm(ctx, p->input[0].t, p->param[0], p->param[1],
                                  p->variant == 0 ? (ting_real)1e-5 : (ting_real)0.3));
}

const ting_grad_case ting_case_layer_norm = {3, layer_norm_setup, layer_norm_forward};

/* ---- batch norm: of the batch with a small and a large eps, with running statistics ---- */

static void batch_norm_setup(ting_grad_problem *p)
{
    while (ting_grad_segments(p) < 5) /* few rows are all near one deviation from their mean: hardly a gradient */
        continue;
    int cols = width(p);
    frames(p, cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &cols);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &cols);
    ting_grad_add_statistics(p, cols);
    ting_grad_add_statistics(p, cols);
    p->row_factor = p->variant == 2; /* rows depend on each other through the batch */
}

static void batch_norm_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_batch_norm_weights weights = {p->param[0], p->param[1], p->statistics[0], p->statistics[1]};
    ctx->training = p->variant < 2;
    for (int c = 0; p->variant == 2 && c < weights.variance->t.rows; c++)
        weights.variance->t.data[c] = (ting_real)(0.3 + 0.1 * c);
    one_output(p, ting_batch_norm(ctx, p->input[0].t, &weights, p->variant == 1 ? (ting_real)0.3 : (ting_real)1e-5));
}

const ting_grad_case ting_case_batch_norm = {3, batch_norm_setup, batch_norm_forward};

/* ---- embedding: repeated and negative ids ---- */

static void embedding_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    ting_grad_add_ids(p, -1, 5);
    ting_grad_add_param(p, TING_PARAM_VALUES, 2, (int[]){5, p->large ? 150 : width(p)});
}

static void embedding_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_embedding(ctx, p->ids, p->segments.start[p->segments.count], p->param[0]));
}

const ting_grad_case ting_case_embedding = {2, embedding_setup, embedding_forward};

/* ---- dropout: the mask depends on the row in the batch, so segments alone differ; variant 3 in place ---- */

static void dropout_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    frames(p, p->variant == 1 ? 1030 : width(p)); /* wider than one piece */
    p->row_factor = 0;
}

static void dropout_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    if (p->variant == 3)
        one_output(p, ting_dropout_in_place(ctx, ting_scale(ctx, p->input[0].t, 2), (ting_real)0.25));
    else
        one_output(p, ting_dropout(ctx, p->input[0].t, p->variant == 2 ? (ting_real)0.9 : (ting_real)0.25));
}

const ting_grad_case ting_case_dropout = {4, dropout_setup, dropout_forward};

/* ---- residual: over the output of another op, with and without a factor and a mask ---- */

static void residual_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    const int cols = p->variant == 1 ? 1030 : width(p); /* wider than one piece */
    frames(p, cols);
    frames(p, cols);
    p->row_factor = p->variant == 0 ? 1 : 0;
}

static void residual_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_tensor y = ting_scale(ctx, p->input[1].t, 2);
    one_output(p, ting_residual(ctx, p->input[0].t, y, p->variant == 2 ? 1 : (ting_real)0.5, p->variant == 0 ? 0 : (ting_real)0.25));
}

const ting_grad_case ting_case_residual = {3, residual_setup, residual_forward};

/* ---- cross-entropy: mean and sum, smoothing, weights, ignored rows, a single class, divergence ---- */

static void cross_entropy_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), classes = p->variant == 4 ? 1 : 2 + width(p);
    frames(p, classes);
    ting_grad_add_ids(p, p->variant == 5 ? -9 : -1, p->variant == 5 ? 0 : classes);
    p->weights = ting_grad_take(p, rows, sizeof *p->weights);
    for (int r = 0; r < rows; r++)
        p->weights[r] = (ting_real)ting_rng_uniform(&p->rng);
    p->row_factor = 0;
}

static void cross_entropy_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_cross_entropy_options options = {.smoothing = p->variant % 2 == 0 ? 0 : (ting_real)0.1,
                                          .sum = p->variant >= 2,
                                          .divergence = p->variant == 3,
                                          .weight = p->variant == 3 ? p->weights : NULL};
    one_output(p, ting_cross_entropy(ctx, p->input[0].t, p->ids, p->variant == 0 ? NULL : &options));
}

const ting_grad_case ting_case_cross_entropy = {6, cross_entropy_setup, cross_entropy_forward};

/* ---- cross-entropy over choices: rows of one to four of seven classes, some rows ignored ---- */

static void choice_entropy_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int d = width(p);
    frames(p, d);
    ting_grad_add_ids(p, 0, 1 << 16);
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){7, d});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){7});
    p->row_factor = 0;
}

static void choice_entropy_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    int rows = p->segments.start[p->segments.count];
    ting_choice *choices = ting_grad_take(p, rows, sizeof *choices);
    int *classes = ting_grad_take(p, 4 * rows, sizeof *classes);
    for (int r = 0; r < rows; r++) {
        int bits = p->ids[r], count = 1 + bits % 4;
        for (int i = 0; i < 4; i++)
            classes[4 * r + i] = (bits / 4 + 2 * i) % 7; /* 0, 2, 4, 6 apart: distinct */
        choices[r] = (ting_choice){.classes = &classes[4 * r], .count = count, .target = bits / 32 % (count + 1) - 1};
    }
    static const ting_real shift[7] = {0, (ting_real)-1.5, 2, (ting_real)0.25, -3, 1, (ting_real)0.5};
    one_output(p, ting_choice_entropy(ctx, p->input[0].t, p->param[0], p->param[1], choices, p->variant == 2 ? shift : NULL,
                                      p->variant == 0 ? 0 : (ting_real)0.1));
}

const ting_grad_case ting_case_choice_entropy = {3, choice_entropy_setup, choice_entropy_forward};
