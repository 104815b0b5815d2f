/* SPDX-License-Identifier: Apache-2.0 */
/* cases_zipformer.c - convolutions, norms and changes of rate of Zipformer. */
#include "grad/grad.h"

#include "loss/ctc.h"
#include "loss/transducer_loss.h"
#include "support/support.h"

static void one_output(ting_grad_problem *p, ting_tensor y)
{
    p->output[0] = y;
    p->outputs = 1;
}

static ting_tensor frames(ting_grad_problem *p, int cols)
{
    return ting_grad_add_input(p, TING_ROWS_OF_FRAMES, p->segments.start[p->segments.count], cols);
}

static int *starts(ting_grad_problem *p)
{
    return ting_grad_take(p, p->segments.count + 1, sizeof(int));
}

/* ---- conv2d: strides, padding, one input channel, fused activation; depthwise ---- */

enum { FREQ = 0, IN = 1, OUT = 2, KT = 3, KF = 4, ST = 5, SF = 6, PF = 7 }; /* options */

static ting_conv2d_shape shape_of(const ting_grad_problem *p)
{
    const int *o = p->option;
    return (ting_conv2d_shape){o[FREQ], o[IN], o[OUT],    o[KT], o[KF],
                               o[ST],   o[SF], o[KT] / 2, o[PF]};
}

static void image_options(ting_grad_problem *p)
{
    int *o = p->option;
    o[FREQ] = p->large ? 17 : ting_grad_between(p, 5, 9);
    o[IN] = p->variant == 1 ? 1 : ting_grad_between(p, 2, 5);
    o[OUT] = ting_grad_between(p, 1, 6);
    o[KT] = p->variant == 2
                ? 1
                : 3; /* odd: half the kernel in padding leaves a row for the shortest segment */
    o[KF] = ting_grad_between(p, 1, 5);
    o[ST] = p->variant == 3 ? 2 : 1;
    o[SF] = p->variant >= 2 ? 2 : 1;
    o[PF] = p->variant % 2;
    p->row_factor = 0; /* as many rows as fit */
}

static void conv2d_setup(ting_grad_problem *p)
{
    ting_grad_segments_of(p, 1);
    image_options(p);
    int *o = p->option;
    if (p->large && p->variant == 0) /* products that are worth several threads */
        o[IN] = 16, o[OUT] = 80, o[KF] = 3;
    frames(p, o[FREQ] * o[IN]);
    ting_grad_add_param(p, TING_PARAM_FILTERS, 4, (int[]){o[OUT], o[IN], o[KT], o[KF]});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &o[OUT]);
}

static void conv2d_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_conv2d_shape shape = shape_of(p);
    one_output(p, ting_conv2d(ctx, p->input[0].t, p->segments, &shape, p->param[0], p->param[1],
                              p->variant == 4 ? TING_ACT_SWOOSH_R : TING_ACT_NONE, starts(p)));
}

const ting_grad_case ting_case_conv2d = {5, conv2d_setup, conv2d_forward};

static void depthwise2d_setup(ting_grad_problem *p)
{
    ting_grad_segments_of(p, 1);
    image_options(p);
    int *o = p->option;
    o[ST] = o[SF] = 1;
    o[KT] = p->variant == 1 ? 7 : 3;
    frames(p, o[FREQ] * o[IN]);
    ting_grad_add_param(p, TING_PARAM_TAPS, 4, (int[]){o[IN], 1, o[KT], o[KF]});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &o[IN]);
}

static void depthwise2d_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_conv2d_shape shape = shape_of(p);
    one_output(p, ting_depthwise2d(ctx, p->input[0].t, p->segments, &shape, p->param[0],
                                   p->param[1], starts(p)));
}

const ting_grad_case ting_case_depthwise2d = {3, depthwise2d_setup, depthwise2d_forward};

/* ---- chunk_conv: plain, one chunk, chunks shorter and longer than the kernel ---- */

static void chunk_conv_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int c = p->large ? 150 : ting_grad_between(p, 1, 6), taps = 2 * ting_grad_between(p, 1, 3) + 1;
    p->option[0] = (int[]){0, 0, 2, taps + 2, 3}[p->variant];
    frames(p, c);
    ting_grad_add_param(p, TING_PARAM_TAPS, 3, (int[]){c, 1, taps});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &c);
    if (p->variant == 0)
        return;
    ting_grad_add_param(p, TING_PARAM_TAPS, 3, (int[]){c, 1, (taps + 1) / 2});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &c);
    ting_grad_add_param(p, TING_PARAM_VALUES, 3, (int[]){2, c, taps});
}

static void chunk_conv_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_chunk_conv_weights w = {.chunk_w = p->param[0], .chunk_b = p->param[1]};
    if (p->variant > 0) {
        w.causal_w = p->param[2];
        w.causal_b = p->param[3];
        w.edge_scale = p->param[4];
    }
    one_output(
        p, ting_chunk_conv(ctx, p->input[0].t, p->segments, p->option[0], &w, (ting_tensor){0}));
}

const ting_grad_case ting_case_chunk_conv = {5, chunk_conv_setup, chunk_conv_forward};

/* ---- bias norm, bypass ---- */

static void bias_norm_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int c = p->large ? 70 : ting_grad_between(p, 8, 12); /* few columns would come near rms 0 */
    frames(p, c);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &c);
    ting_grad_add_param(p, TING_PARAM_VALUES, 0, NULL);
}

static void bias_norm_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_bias_norm(ctx, p->input[0].t, p->param[0], p->param[1]));
}

const ting_grad_case ting_case_bias_norm = {2, bias_norm_setup, bias_norm_forward};

static void bypass_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    int c = p->large ? 70 : ting_grad_between(p, 1, 9);
    frames(p, c);
    frames(p, c);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &c);
}

static void bypass_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p,
               ting_bypass(ctx, p->input[0].t, p->input[p->variant == 1 ? 0 : 1].t, p->param[0]));
}

const ting_grad_case ting_case_bypass = {2, bypass_setup, bypass_forward};

/* ---- rates ---- */

static void resample_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    p->option[0] = (int[]){1, 2, 4, 3}[p->variant];
    p->row_factor = 0;
    frames(p, p->large ? 50 : ting_grad_between(p, 1, 6));
}

static void downsample_setup(ting_grad_problem *p)
{
    resample_setup(p);
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &p->option[0]);
}

static void downsample_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_downsample(ctx, p->input[0].t, p->segments, p->param[0], p->option[0],
                                  starts(p)));
}

const ting_grad_case ting_case_downsample = {4, downsample_setup, downsample_forward};

/* The last row of each segment is repeated once only. */
static void upsample_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    int factor = p->option[0], *like = starts(p);
    like[0] = 0;
    for (int s = 0; s < p->segments.count; s++)
        like[s + 1] =
            like[s] + (p->segments.start[s + 1] - p->segments.start[s]) * factor - (factor - 1);
    one_output(p, ting_upsample(ctx, p->input[0].t, p->segments, factor,
                                (ting_segments){p->segments.count, like}));
}

const ting_grad_case ting_case_upsample = {4, resample_setup, upsample_forward};

/* ---- CTC: a target for every second frame at most, repeats among them; variant 3: one for each, so that repeats make
 * some utterances impossible ---- */

static void ctc_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    frames(p, p->variant == 1 ? 3 : p->large ? 40 : ting_grad_between(p, 4, 7));
    ting_grad_add_ids(p, 1, p->input[0].t.cols);
    p->row_factor = 0;
}

static void ctc_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    int *start = starts(p), *targets = ting_grad_take(p, p->segments.start[p->segments.count], sizeof *targets);
    int count = 0;
    for (int s = 0; s < p->segments.count; s++) {
        int first = p->segments.start[s], length = p->segments.start[s + 1] - first;
        start[s] = count;
        for (int i = 0; i < (p->variant == 3 ? length : length / 2); i++)
            targets[count++] = p->ids[first + i];
    }
    start[p->segments.count] = count;
    one_output(p, ting_ctc_loss(ctx, p->input[0].t, p->segments, targets,
                                (ting_segments){p->segments.count, start}, NULL));
}

const ting_grad_case ting_case_ctc = {4, ctc_setup, ctc_forward};

/* ---- transducer: the states of a frame side by side in one row; the whole lattice, and a band that moves up ---- */

enum { LABELS = 0, VOCAB = 1 };

static void transducer_setup(ting_grad_problem *p)
{
    ting_grad_segments_of(p, 1);
    p->option[LABELS] = ting_grad_between(p, p->variant, 3);
    p->option[VOCAB] = p->large ? 70 : ting_grad_between(p, 3, 6);
    frames(p, (p->option[LABELS] + 1 - p->variant) * p->option[VOCAB]);
    p->row_factor = 0;
}

static void transducer_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const int labels = p->option[LABELS], vocab = p->option[VOCAB], states = labels + 1 - p->variant;
    const int count = p->segments.count, total = p->segments.start[count];
    int *start = starts(p), *targets = ting_grad_take(p, count * labels + 1, sizeof *targets);
    int *width = ting_grad_take(p, count, sizeof *width), *first = ting_grad_take(p, total, sizeof *first);
    for (int s = 0; s <= count; s++)
        start[s] = s * labels;
    for (int s = 0; s < count; s++) {
        const int f0 = p->segments.start[s], f1 = p->segments.start[s + 1];
        width[s] = states;
        for (int i = 0; i < labels; i++) /* the same in every utterance, so that one alone sees its own */
            targets[s * labels + i] = 1 + i % (vocab - 1);
        for (int f = f0; f < f1; f++)
            first[f] = p->variant == 1 && f >= (f0 + f1) / 2;
    }
    ting_transducer_targets *t = ting_grad_take(p, 1, sizeof *t);
    *t = (ting_transducer_targets){.frames = p->segments, .labels = {count, start}, .targets = targets, .blank = 0,
                                   .width = width, .first = first};
    ting_tensor x = p->input[0].t; /* [T, states V] as [T states, V] */
    x.rows *= states;
    x.cols = x.ld = vocab;
    one_output(p, ting_transducer_loss(ctx, x, t, NULL, NULL));
}

const ting_grad_case ting_case_transducer = {2, transducer_setup, transducer_forward};

/* ---- by segments: what happens to one is a function of the id of its first row, so that it is the same alone ---- */

static int id_of(const ting_grad_problem *p, int segment)
{
    const int first = p->segments.start[segment];
    return p->segments.start[segment + 1] > first ? p->ids[first] : 0;
}

static void segment_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    const int cols = p->large ? 70 : ting_grad_between(p, 1, 9);
    frames(p, cols);
    frames(p, cols);
    ting_grad_add_ids(p, 0, 4);
}

static void segment_mul_setup(ting_grad_problem *p)
{
    segment_setup(p);
    p->inputs = 1;
}

static void segment_mul_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const int cols = p->input[0].t.cols;
    ting_real *factor = ting_grad_take(p, p->segments.count * cols, sizeof *factor);
    for (int s = 0; s < p->segments.count; s++)
        for (int c = 0; c < cols; c++)
            factor[s * cols + c] = (ting_real)((id_of(p, s) + c) % 3) * (ting_real)0.75;
    one_output(p, ting_segment_mul(ctx, p->input[0].t, p->segments, factor));
}

const ting_grad_case ting_case_segment_mul = {2, segment_mul_setup, segment_mul_forward};

static void segment_pick_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    bool *second = ting_grad_take(p, p->segments.count, sizeof *second);
    for (int s = 0; s < p->segments.count; s++)
        second[s] = id_of(p, s) % 2 == 1;
    one_output(p, ting_segment_pick(ctx, p->input[0].t, p->input[p->variant == 1 ? 0 : 1].t, p->segments, second));
}

const ting_grad_case ting_case_segment_pick = {3, segment_setup, segment_pick_forward};

static void segment_add_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    bool *kept = ting_grad_take(p, p->segments.count, sizeof *kept);
    for (int s = 0; s < p->segments.count; s++)
        kept[s] = id_of(p, s) % 2 == 1;
    const ting_tensor part = ting_scale(ctx, p->input[p->variant == 1 ? 0 : 1].t, 2);
    one_output(p, ting_segment_add(ctx, p->input[0].t, part, p->segments, p->variant == 2 ? NULL : kept));
}

const ting_grad_case ting_case_segment_add = {3, segment_setup, segment_add_forward};

/* ---- balancer and whiten: within their limits they must not touch the gradient; beyond: the golden files ---- */

static void steer_setup(ting_grad_problem *p)
{
    ting_grad_segments(p);
    p->option[0] = ting_grad_between(p, 1, 3);
    frames(p, p->option[0] * (p->large ? ting_grad_between(p, 20, 30) : ting_grad_between(p, 1, 4)));
}

static void balancer_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_balancer_limits wide = {-1000, 1000, 0, 1000, (ting_real)0.1};
    one_output(p, ting_balancer(ctx, ting_scale(ctx, p->input[0].t, 1), &wide));
}

const ting_grad_case ting_case_balancer = {2, steer_setup, balancer_forward};

static void whiten_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_whiten(ctx, ting_scale(ctx, p->input[0].t, 1), p->option[0], 1000, (ting_real)0.1));
}

const ting_grad_case ting_case_whiten = {2, steer_setup, whiten_forward};

/* ---- the same of what acts element by element: a factor of 1, limits far away; the rest in test_steering.c ---- */

static void scale_grad_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_scale_grad(ctx, ting_scale(ctx, p->input[0].t, 1), 1));
}

const ting_grad_case ting_case_scale_grad = {2, steer_setup, scale_grad_forward};

static void excess_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_excess(ctx, ting_scale(ctx, p->input[0].t, 1), 1000, 1));
}

const ting_grad_case ting_case_excess = {2, steer_setup, excess_forward};

static void limit_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_bypass(ctx, p->input[0].t, p->input[1].t, ting_limit(ctx, p->param[0], -1000, 1000)));
}

const ting_grad_case ting_case_limit = {2, bypass_setup, limit_forward};
