/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rec.h - what each op leaves on the tape for its backward: struct ting_rec_<op>, one for each line of
 * ops.def.
 *
 * A record holds views of the op's inputs and outputs and whatever else backward cannot recompute more
 * cheaply. Everything it points to lives in the arena of the forward pass, in the parameters, or with the
 * caller of the op (segments, spans), until the tape has been walked.
 */
#ifndef TING_NN_REC_H
#define TING_NN_REC_H

#include "kern/kern.h"
#include "nn/dropout.h"
#include "nn/op.h"
#include "nn/param.h"
#include "nn/recompute.h"
#include "nn/recurrence.h"
#include "nn/tensor.h"

struct ting_rec_linear {
    ting_tensor x, y; /* [T, k], [T, n]; y before the activation, which is a record of its own */
    const ting_param *w, *b;
};

struct ting_rec_feed_forward {
    ting_tensor x, y;   /* [T, d], [T, d'] */
    ting_tensor before; /* [T, n]: before the activation, no gradient; no data: computed again */
    const ting_param *w1, *b1, *w2, *b2;
    ting_act act;
    ting_mask mask; /* of what stands behind the activation */
    ting_segments segments; /* whose rows share a row of the mask; a count of 0: each row has its own */
};

struct ting_rec_add {
    ting_tensor a, b, y; /* b: same rows, or one */
};

struct ting_rec_mul {
    ting_tensor a, b, y;
};

struct ting_rec_scale {
    ting_tensor x, y;
    ting_real factor;
};

struct ting_rec_act {
    ting_tensor x, y; /* with one gradient, changed in place */
    ting_act kind;
};

struct ting_rec_mul_act {
    ting_tensor a, b, y;
    ting_act kind;
};

struct ting_rec_layer_norm {
    ting_tensor x, y;
    const ting_param *gamma, *beta;
    ting_real *mean, *rstd; /* [T] */
};

struct ting_rec_batch_norm {
    ting_tensor x, y;
    const ting_param *gamma, *beta;
    ting_real *mean, *rstd; /* [cols]; as forward used them */
    bool of_batch;          /* they depend on x */
};

struct ting_rec_embedding {
    const int *ids; /* [T] */
    ting_tensor y;
    const ting_param *table;
};

struct ting_rec_dropout {
    ting_tensor x, y; /* the same when it was done in place */
    ting_mask mask;
};

struct ting_rec_residual {
    ting_tensor x, y; /* y is the output too */
    ting_real factor;
    ting_mask mask;
};

struct ting_rec_segment_mul {
    ting_tensor x, y;
    ting_segments segments;
    const ting_real *factor; /* [segments, cols] */
};

struct ting_rec_segment_pick {
    ting_tensor a, b, y;
    ting_segments segments;
    const bool *second; /* [segments] */
};

struct ting_rec_segment_add {
    ting_tensor x, y; /* y has the gradient of what is added */
    ting_segments segments;
    const bool *kept; /* [segments], or NULL */
};

struct ting_rec_concat_cols {
    const ting_tensor *parts;
    int count;
    ting_tensor y;
};

struct ting_rec_concat_time {
    ting_tensor a, b, y;
    ting_segments a_segments, b_segments;
};

/* Where row `row` of y comes from: row *from of a (true) or of b. *segment, at most that of the row, is moved to it. */
static inline bool ting_concat_time_source(const struct ting_rec_concat_time *rec, int row, int *segment, int *from)
{
    const int *a = rec->a_segments.start, *b = rec->b_segments.start;
    while (row >= a[*segment + 1] + b[*segment + 1])
        ++*segment;
    bool of_a = row - b[*segment] < a[*segment + 1];
    *from = row - (of_a ? b[*segment] : a[*segment + 1]);
    return of_a;
}

struct ting_rec_fit_cols {
    ting_tensor x, y;
};

struct ting_rec_gather {
    const ting_tensor *parts;
    int count;
    ting_tensor y;
    const ting_row_place *from; /* [rows of y] */
};

struct ting_rec_conv1d {
    ting_tensor x, y;
    ting_segments segments;
    const ting_param *w, *b;
    int left, groups, taps;
};

struct ting_rec_depthwise {
    ting_tensor x, y;
    ting_segments segments, out;
    int before, after;
    const ting_param *w, *b;
};

struct ting_rec_pair_add {
    ting_tensor a, b, y;
    const int *ia, *ib; /* [rows of y] */
};

struct ting_rec_attn_scores {
    ting_attention geometry;
    ting_tensor q, k, p, pos, y;
    int pos_zero; /* or TING_POSITIONS_OF_KEYS */
    ting_real factor;
};

struct ting_rec_attn_softmax {
    ting_attention geometry;
    ting_tensor x, y;
};

struct ting_rec_attn_apply {
    ting_attention geometry;
    ting_tensor weights, v, y;
    int heads_used;
};

struct ting_rec_attn_additive {
    ting_attention geometry;
    ting_tensor q, k, y;
    const ting_param *v;
};

struct ting_rec_attend {
    ting_attention geometry;
    ting_tensor q, k, v, p, pos, y;
    ting_tensor weights; /* no gradient */
    ting_real factor;
};

struct ting_rec_rnn {
    ting_recurrence of; /* its gates are y */
};

struct ting_rec_lstm {
    ting_recurrence of; /* its gates: i, f, g, o after their activations */
    ting_tensor c0, cn;
    ting_real *cell;    /* [T, h] */
};

struct ting_rec_gru {
    ting_recurrence of; /* its gates: r, z, n after their activations */
    ting_real *inner;   /* [T, h]: h W_hn^T + b_hn */
};

struct ting_rec_conv2d {
    ting_tensor x, y; /* y before the activation, which is a record of its own */
    ting_segments segments, out;
    ting_conv2d_shape shape;
    const ting_param *w, *b;
};

struct ting_rec_depthwise2d {
    ting_tensor x, y;
    ting_segments segments, out;
    ting_conv2d_shape shape;
    const ting_param *w, *b;
};

struct ting_rec_chunk_conv {
    ting_tensor x, y;
    ting_segments segments;
    int chunk;
    ting_chunk_conv_weights weights;
};

struct ting_rec_bias_norm {
    ting_tensor x, y;
    const ting_param *bias, *log_scale;
    const ting_real *rrms; /* [T]: 1 / rms(x - bias) */
};

struct ting_rec_bypass {
    ting_tensor original, x, y;
    const ting_param *scale;
};

struct ting_rec_downsample {
    ting_tensor x, y;
    ting_segments segments, out;
    const ting_param *bias;
    int factor;
    const ting_real *weights; /* [factor]: softmax(bias) */
};

struct ting_rec_upsample {
    ting_tensor x, y;
    ting_segments segments, like;
    int factor;
};

struct ting_rec_balancer {
    ting_tensor x;
    ting_balancer_limits limits;
};

struct ting_rec_whiten {
    ting_tensor x;
    int groups;
    ting_real limit, grad_scale;
};

struct ting_rec_scale_grad {
    ting_tensor x;
    ting_real factor;
};

struct ting_rec_excess {
    ting_tensor x;
    ting_real limit, penalty;
};

struct ting_rec_limit {
    const ting_param *param, *alias;
    ting_real least, most;
};

struct ting_rec_recompute {
    ting_part part;            /* self: a copy */
    const ting_tensor *inputs;
    ting_tensor y;
    ting_rng rng;              /* as the part found it */
    bool training;
    ting_arena_mark gradients; /* what was made behind it is dead when the part runs again */
    struct ting_scope_room *pieces; /* in the scopes around, before the part */
};

struct ting_rec_scope {
    ting_tensor x, y;          /* the output: inside, and as the outside sees it */
    struct ting_scope_room *pieces, *around; /* the gradients made inside begin with the one, and end before the other */
};

struct ting_rec_cross_entropy {
    ting_tensor logits, loss; /* [T, classes], [1, 1] */
    const int *targets;       /* [T], < 0: ignored */
    const ting_real *factor;  /* [T]: weight of the row in the loss, 0 when ignored */
    const ting_real *log_sum; /* [T]: log sum exp of the row */
    ting_real smoothing;
};

struct ting_rec_ctc {
    ting_tensor logits, loss; /* [T, V], [1, 1] */
    ting_segments frames, labels;
    const int *targets;
    int blank;
    const ting_real *log_sum; /* [T]: log sum exp of the row */
    const bool *counted;      /* [segments]: takes part in the loss */
    const ting_real *gamma;   /* utterance after utterance [frames, labels + 1]: share of the blank, of each label */
    const size_t *at;         /* [segments + 1]: where an utterance's gamma begins */
};

struct ting_rec_transducer {
    ting_tensor logits, loss; /* [rows, V], [1, 1] */
    const ting_real *log_sum; /* [rows]: log sum exp of the row */
    const ting_real *blanks, *labels; /* [rows]: expected passages of the blank and the label arc */
    const int *target;        /* [rows]: the label, -1: none */
    int blank;
};

struct ting_simple_part; /* loss/simple_transducer.c */

struct ting_rec_simple_transducer {
    ting_tensor loss; /* [1, 1] */
    const struct ting_simple_part *parts; /* [count], an utterance each */
    int count, classes, blank;
    ting_real lm_only, am_only;
    const ting_real *unigram; /* [classes]: mean probability over the predictor's rows; NULL when am_only is 0 */
};

struct ting_rec_consistency {
    ting_tensor a, b, loss;        /* [T, V] twice, [1, 1] */
    const ting_real *log_a, *log_b; /* [T]: log sum exp of the rows */
};

struct ting_rec_regression {
    ting_tensor x, target, loss; /* [T, D] twice, [1, 1] */
    const ting_real *inverse;    /* [D]: 1 / scale, or NULL */
};

struct ting_rec_soft_entropy {
    ting_tensor logits, loss;      /* [T, V], [1, 1] */
    const ting_real *targets;      /* [T, V] */
    const ting_real *weight;       /* [T], or NULL */
    ting_real *log_sum, *mass;     /* [T]: log sum exp of the row, sum of its targets */
};

struct ting_choice; /* loss/choice_entropy.h */

struct ting_rec_choice_entropy {
    ting_tensor x, loss; /* [T, d], [1, 1] */
    const ting_param *w, *b;
    const struct ting_choice *choices; /* [T] */
    const int *offset;                 /* [T + 1] places of the rows in g */
    ting_real *g;                      /* d loss / d logit, choice after choice */
    ting_real smoothing;
};

#endif
