/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op.h - the ops: coarse, eager, each with a hand-written backward in bwd/.
 *
 * Every function returns a new tensor in the context's arena, shapes in brackets, rows x columns. Weights
 * are parameters (param.h) in torch layout. Failure is sticky in the context (ctx.h): wrong shapes are
 * TING_ERR_INTERNAL with both shapes in the message. T is the total number of rows of a ragged batch.
 */
#ifndef TING_NN_OP_H
#define TING_NN_OP_H

#include "nn/ctx.h"
#include "nn/param.h"
#include "nn/tensor.h"

/* ---- any network ---- */

/* act(x W^T + b): [T, k] -> [T, n]; W [n, k]; b [n] or NULL. Uses the packed weight if there is one. */
ting_tensor ting_linear(ting_ctx *ctx, ting_tensor x, const ting_param *w, const ting_param *b,
                        ting_act act);

/* dropout(act(x W1^T + b1)) W2^T + b2: [T, k] -> [T, m]; W1 [n, k], W2 [m, n]. Row by row, in blocks whose inside never
 * leaves the cache: less memory and time than the parts. */
ting_tensor ting_feed_forward(ting_ctx *ctx, ting_tensor x, const ting_param *w1, const ting_param *b1, ting_act act,
                              ting_real dropout, const ting_param *w2, const ting_param *b2);

/* The same with one mask for all rows of a segment, as ting_dropout_shared (nn/steer.h). */
ting_tensor ting_feed_forward_shared(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w1,
                                     const ting_param *b1, ting_act act, double dropout, const ting_param *w2,
                                     const ting_param *b2);

ting_tensor ting_add(ting_ctx *ctx, ting_tensor a, ting_tensor b); /* b may have one row: broadcast */
ting_tensor ting_mul(ting_ctx *ctx, ting_tensor a, ting_tensor b);
ting_tensor ting_scale(ting_ctx *ctx, ting_tensor x, ting_real factor);

/* Over x's own gradient, and without a tape over its values: for an op's output that nobody else reads. */
ting_tensor ting_activate(ting_ctx *ctx, ting_act kind, ting_tensor x);

/* a f(b): gated linear unit with SIGMOID, Zipformer's non-linear attention with TANH. */
ting_tensor ting_mul_act(ting_ctx *ctx, ting_act kind, ting_tensor a, ting_tensor b);

/* Layer normalisation over the columns (Ba 2016); gamma and beta [cols]. */
ting_tensor ting_layer_norm(ting_ctx *ctx, ting_tensor x, const ting_param *gamma,
                            const ting_param *beta, ting_real eps);

typedef struct ting_batch_norm_weights { /* [cols] each */
    const ting_param *gamma, *beta;
    const ting_param *mean, *variance; /* running, TING_PARAM_STATISTICS; they start at 0 and 1 */
} ting_batch_norm_weights;

/* Batch normalisation of each column (Ioffe 2015): (x - mean) / sqrt(variance + eps) gamma + beta. While training, mean
 * and variance are those of all rows, and a tenth of each (of the variance with n - 1) goes into the running ones, but
 * for a run that repeats one (ctx->again). Otherwise, with a single row, or where gamma is frozen, they are the running
 * ones. */
ting_tensor ting_batch_norm(ting_ctx *ctx, ting_tensor x, const ting_batch_norm_weights *weights, ting_real eps);

/* What it is then: x scale + shift, [cols] each, to be folded into a convolution before it. */
void ting_batch_norm_fold(const ting_batch_norm_weights *weights, ting_real eps, ting_real *scale, ting_real *shift);

/* Rows of the table [V, d]; a negative id gives a zero row. ids [T] are copied when recording. */
ting_tensor ting_embedding(ting_ctx *ctx, const int *ids, int count, const ting_param *table);

/* Zeroes each element with the given probability and scales the rest (Srivastava 2014); identity unless
 * ctx->training. The mask is regenerated from the counter in backward. */
ting_tensor ting_dropout(ting_ctx *ctx, ting_tensor x, ting_real probability);

/* The same over x's own values and gradient: for an x that nobody else reads, the output of ting_linear, ting_scale or
 * ting_add, or ting_feed_forward, whose backward does without it. */
ting_tensor ting_dropout_in_place(ting_ctx *ctx, ting_tensor x, ting_real probability);

/* x + factor dropout(y), over y's own values and gradient: for a y as that of ting_dropout_in_place. x and y [T, cols]. */
ting_tensor ting_residual(ting_ctx *ctx, ting_tensor x, ting_tensor y, ting_real factor, ting_real dropout);

/* Each row times the factors of its segment: factor [segments, cols], constants that live as long as the tape. */
ting_tensor ting_segment_mul(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_real *factor);

/* The rows of b for the segments of `second`, those of a for the others; second [segments] lives as long as the tape. */
ting_tensor ting_segment_pick(ting_ctx *ctx, ting_tensor a, ting_tensor b, ting_segments segments, const bool *second);

/* x + part, and x for the segments that are not kept; kept [segments] lives as long as the tape, NULL: all are. The output has the
 * gradient of `part`, which nobody else adds to: an op's output whose rows follow each other. */
ting_tensor ting_segment_add(ting_ctx *ctx, ting_tensor x, ting_tensor part, ting_segments segments, const bool *kept);

/* Sinusoidal positions [T, d], restarting at each segment, as a constant (no gradient): column 2i holds
 * sin(pos / 10000^(2i / d)), column 2i + 1 the cosine (Vaswani 2017). */
ting_tensor ting_sinusoid(ting_ctx *ctx, ting_segments segments, int d);

/* The same into rows that are there: row r gets position first + step r. */
void ting_sinusoid_fill(ting_ctx *ctx, long first, int step, ting_tensor out);

ting_tensor ting_concat_cols(ting_ctx *ctx, const ting_tensor *parts, int count); /* side by side */

/* For each segment s: the rows of a's segment s, then the rows of b's segment s. Cache before chunk. */
ting_tensor ting_concat_time(ting_ctx *ctx, ting_tensor a, ting_segments a_segments, ting_tensor b,
                             ting_segments b_segments);

/* The first `cols` columns, or zero columns added on the right. */
ting_tensor ting_fit_cols(ting_ctx *ctx, ting_tensor x, int cols);

typedef struct ting_row_place { /* a row of one of several tensors */
    int part, row;
} ting_row_place;

/* Row r is row from[r].row of parts[from[r].part], zeros where that row is negative; a row may serve several times. All parts have
 * the same columns; from [rows] is copied. */
ting_tensor ting_gather(ting_ctx *ctx, const ting_tensor *parts, int count, const ting_row_place *from, int rows);

/* Convolution over time within each segment: y[t] = b + sum_j W[:, :, j] x[t + j - left], rows outside
 * the segment are zero; W [n, k, taps], groups 1 or any divisor (then W is [n, k / groups, taps]). Output
 * keeps T; left = taps - 1 is causal. */
ting_tensor ting_conv1d(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w,
                        const ting_param *b, int left, int groups);

/* Row r is a[ia[r]] + b[ib[r]]: the lattice of a transducer's joiner, whole or a band of it. ia, ib [count] are copied. */
ting_tensor ting_pair_add(ting_ctx *ctx, ting_tensor a, const int *ia, ting_tensor b, const int *ib, int count);

/* One filter per channel over time, W [C, 1, taps], a TING_PARAM_TAPS: y[t] = b + sum_j W[:, j] x[t + j - before], with
 * `before` rows of zeros before each segment and `after` behind it, both below taps; b [C] or NULL. Output rows of a segment:
 * rows + before + after + 1 - taps, new segment starts written to out_start [count + 1], which must live as long as the
 * tape. Half of taps - 1 on both sides keeps the rows; 0 on both sides is what rows from a cache want. */
ting_tensor ting_depthwise(ting_ctx *ctx, ting_tensor x, ting_segments segments, int before, int after, const ting_param *w,
                           const ting_param *b, int *out_start);

/* ---- attention in three parts, because Zipformer uses the weights three times ---- */

/* Queries q0 .. q1 - 1 look at keys k0 .. k1 - 1. Full attention is one span an utterance with equal
 * ranges; cross-attention has the encoder's range as keys; chunked attention with left context is one span a chunk. */
typedef struct ting_span {
    int q0, q1;    /* rows of the query tensor */
    int k0, k1;    /* rows of the key and value tensors */
    int masked;    /* the first `masked` keys do not exist yet (an unfilled cache) */
    int first_key; /* the key row, relative to k0, that stands at the position of query q0: with it
                      relative positions and the causal mask are counted (0 in full attention, the left
                      context in a streaming chunk) */
} ting_span;

typedef struct ting_attention { /* geometry shared by the three parts; spans outlive the tape */
    const ting_span *spans;
    int count;
    int heads;
    bool causal; /* query i sees keys up to its own position only */
} ting_attention;

/* Attention weights are stored span after span, head after head, query after query: row of (span s, head
 * h, query i) = heads * q0(s) + h * (q1 - q0) + i, provided the spans tile the queries in order; columns
 * 0 .. k1 - k0 - 1 are keys, columns beyond are not used. */
static inline int ting_attention_row(const ting_attention *a, int span, int head, int query)
{
    const ting_span *s = &a->spans[span];
    return a->heads * s->q0 + head * (s->q1 - s->q0) + query;
}

/* factor * q k^T per head, plus, when pos.rows > 0, p pos^T shifted (Zipformer, Transformer-XL without
 * biases): score(i, j) += p_i . pos[pos_zero + (j - first_key - i)] per head. With pos_zero TING_POSITIONS_OF_KEYS, pos has a
 * row for each row of k, and score(i, j) += factor * p_i . pos_j.
 * q [Tq, heads dq], k [Tk, heads dq], p [Tq, heads dp], pos [distances, heads dp]; a tensor with zero
 * rows for p and pos means none. -> [heads Tq, longest span]. */
enum { TING_POSITIONS_OF_KEYS = -1 };
ting_tensor ting_attn_scores(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q, ting_tensor k,
                             ting_tensor p, ting_tensor pos, int pos_zero, ting_real factor);

/* Additive scores of a single head (Bahdanau 2015): v . tanh(q_i + k_j), q [Tq, a], k [Tk, a], v a parameter of a elements
 * -> [Tq, longest span]. */
ting_tensor ting_attn_additive(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q, ting_tensor k, const ting_param *v);

/* Attention at once, of positions of keys or none: the weighted sum of v [Tk, heads dv] by the softmax of the scores of
 * ting_attn_scores -> [Tq, heads dv]. The gradient of the weights exists for a head of a span at a time. */
ting_tensor ting_attend(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q, ting_tensor k, ting_tensor v, ting_tensor p,
                        ting_tensor pos, ting_real factor);

/* Softmax over the keys that may be seen; masked keys get weight 0 exactly. */
ting_tensor ting_attn_softmax(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores);
/* The same over the scores' own values and gradient: for scores that nobody else reads, the output of ting_attn_scores. */
ting_tensor ting_attn_softmax_in_place(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores);

/* sum_j weight(i, j) v[j] per head: v [Tk, heads dv] -> [Tq, heads dv]. heads_used 1 uses only head 0's
 * weights for all columns (Zipformer's non-linear attention); otherwise geometry->heads. */
ting_tensor ting_attn_apply(ting_ctx *ctx, const ting_attention *geometry, ting_tensor weights,
                            ting_tensor v, int heads_used);

/* ---- recurrent ---- */

typedef struct ting_recurrent_weights { /* torch layout; G gates of h rows each */
    const ting_param *w_ih; /* [G h, k] */
    const ting_param *w_hh; /* [G h, h] */
    const ting_param *b_ih, *b_hh; /* [G h] */
} ting_recurrent_weights;

/* One direction of one layer over each segment: x [T, k] -> [T, h]; reverse runs from the last to the first row of a segment.
 * h0, c0 (zero rows: start at zero) and the returned hn, cn (may be NULL): [segments, h], the state before a segment and after
 * it. The plain one is tanh(x W_ih^T + b_ih + h W_hh^T + b_hh). */
ting_tensor ting_rnn(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                     bool reverse, ting_tensor h0, ting_tensor *hn);

/* Long short-term memory; gates i, f, g, o. */
ting_tensor ting_lstm(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                      bool reverse, ting_tensor h0, ting_tensor c0, ting_tensor *hn, ting_tensor *cn);

/* Gated recurrent unit; gates r, z, n, of which r acts on h W_hn^T + b_hn. */
ting_tensor ting_gru(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                     bool reverse, ting_tensor h0, ting_tensor *hn);

/* ---- Zipformer (Yao 2024; icefall egs/librispeech/ASR/zipformer) ---- */

enum { TING_MAX_DOWNSAMPLE = 64 };

/* An image is [T, F C]: rows are frames, in a row frequency by frequency, channels innermost. */
typedef struct ting_conv2d_shape {
    int freq, in_channels, out_channels;
    int kernel_t, kernel_f;
    int stride_t, stride_f;
    int pad_t, pad_f; /* zeros on both sides */
} ting_conv2d_shape;

/* W [out, in, kt, kf], a TING_PARAM_FILTERS; each segment alone; output rows per segment (T + 2 pad - kt) / stride
 * + 1, new segment starts written to out_start [count + 1], which must live as long as the tape. A segment too short
 * for one output row is TING_ERR_ARGUMENT. */
ting_tensor ting_conv2d(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                        const ting_conv2d_shape *shape, const ting_param *w, const ting_param *b,
                        ting_act act, int *out_start);

/* One filter per channel, W [C, 1, kt, kf], a TING_PARAM_TAPS; stride 1; pad_t may differ left and right of time
 * through rows already concatenated: output rows = rows + 2 pad_t - kt + 1 per segment. */
ting_tensor ting_depthwise2d(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                             const ting_conv2d_shape *shape, const ting_param *w, const ting_param *b,
                             int *out_start);

typedef struct ting_chunk_conv_weights { /* Zipformer ChunkCausalDepthwiseConv1d, K odd; TAPS */
    const ting_param *causal_w, *causal_b;   /* [C, 1, (K + 1) / 2], [C]; NULL: not causal, plain "same" */
    const ting_param *chunk_w, *chunk_b;     /* [C, 1, K], [C] */
    const ting_param *edge_scale;            /* [2, C, K], causal only */
} ting_chunk_conv_weights;

/* Depthwise convolution over time within chunks of `chunk` rows (chunk <= 0: the whole segment is one
 * chunk). left [segments (K / 2), C] holds the K / 2 rows before each segment (zero rows: zeros); no
 * gradient goes there. */
ting_tensor ting_chunk_conv(ting_ctx *ctx, ting_tensor x, ting_segments segments, int chunk,
                            const ting_chunk_conv_weights *weights, ting_tensor left);

/* x exp(log_scale) / rms(x - bias): bias [cols], log_scale a scalar. */
ting_tensor ting_bias_norm(ting_ctx *ctx, ting_tensor x, const ting_param *bias,
                           const ting_param *log_scale);

/* original + scale (x - original), scale [cols]. */
ting_tensor ting_bypass(ting_ctx *ctx, ting_tensor original, ting_tensor x, const ting_param *scale);

/* Weighted mean of `factor` (1 to TING_MAX_DOWNSAMPLE) rows with weights softmax(bias [factor]); the last row of a segment is
 * repeated to fill the last group. Output segment starts go to out_start. */
ting_tensor ting_downsample(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *bias,
                            int factor, int *out_start);

/* Each row `factor` times, cut to the row counts of `like`. */
ting_tensor ting_upsample(ting_ctx *ctx, ting_tensor x, ting_segments segments, int factor,
                          ting_segments like);

/* They return x: identities in forward; with a tape and ctx->training their backward edits what has reached x's gradient
 * by then, so that activations stay in range (icefall zipformer/scaling.py). For an x that nobody has read before. */
typedef struct ting_balancer_limits {
    ting_real min_mean, max_mean; /* of mean / deviation of a channel: 0.8139535143 atanh(2 p - 1) of the share p of
                                     positive values */
    ting_real min_rms, max_rms;   /* 1.25331413732 times the mean magnitude */
    ting_real grad_scale;         /* size of the edit against the gradient */
} ting_balancer_limits;

ting_tensor ting_balancer(ting_ctx *ctx, ting_tensor x, const ting_balancer_limits *limits);

/* Pulls the covariance of each group of columns towards a multiple of the unit matrix when its whitening metric (1:
 * white) is at or above the limit. */
ting_tensor ting_whiten(ting_ctx *ctx, ting_tensor x, int groups, ting_real limit, ting_real grad_scale);

/* The gradient is multiplied with `factor`. */
ting_tensor ting_scale_grad(ting_ctx *ctx, ting_tensor x, ting_real factor);

/* As if penalty * (|x| - limit) of each element beyond the limit were part of the loss, a sum: the gradient becomes
 * g + sign(x) penalty / ctx->units there. */
ting_tensor ting_excess(ting_ctx *ctx, ting_tensor x, ting_real limit, ting_real penalty);

/* A parameter with the same values and a gradient of its own, of which each element that would move a value further out of
 * least .. most changes its sign before it is added to the parameter's. It lives as long as the arena. */
const ting_param *ting_limit(ting_ctx *ctx, const ting_param *param, ting_real least, ting_real most);

#endif
