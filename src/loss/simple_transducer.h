/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simple_transducer.h - the loss of a transducer whose joiner is a plain sum: the cheap half of pruned RNN-T (Kuang
 * 2022; k2 rnnt_loss_smoothed), a loss that records itself.
 *
 *     log p(v | t, u) = am[t][v] + lm[u][v] - log sum_w exp(am[t][w] + lm[u][w])
 *     loss = sum over utterances of -log sum over alignments of the product of p along them
 *
 * am is a linear head on the encoder's rows, lm one on the predictor's. The normaliser of all (t, u) is one product of
 * the matrices of exponentials, so no tensor of frames x states x classes is ever made. Smoothing replaces log p by
 *
 *     (1 - lm_only - am_only) log p(v | t, u) + lm_only log softmax(lm[u])[v] + am_only log p_am(v | t),
 *     p_am(v | t) in proportion to exp(am[t][v]) w[v],   w = the mean of softmax(lm[u]) over all u of the batch
 *
 * which keeps either head from leaning on the other one. With the expected passages of the arcs, ting_prune_ranges
 * (prune.h) finds the few states of each frame that the real joiner has to look at:
 *
 *     ting_arcs arcs;
 *     ting_simple_options options = {.lm_only = 0.25, .arcs = &arcs};
 *     simple = ting_simple_transducer_loss(ctx, am, lm, &targets, &options);
 *     ting_prune_ranges(&targets, &arcs, 5, first, width);
 *     targets.first = first, targets.width = width;
 *     ting_transducer_pairs(&targets, ia, ib);
 *     logits = joiner(ting_pair_add(ctx, encoder, ia, predictor, ib, ting_transducer_rows(&targets)));
 *     pruned = ting_transducer_loss(ctx, logits, &targets, NULL, NULL);
 *
 * The caller weighs the two. icefall's recipe, with W = 2000 of its batches of warm-up after n of them, r = min(1, n / W):
 *     (1 - 0.5 r) simple + (0.1 + 0.9 r) pruned
 * since the ranges mean little until the simple loss has learnt to align.
 */
#ifndef TING_LOSS_SIMPLE_TRANSDUCER_H
#define TING_LOSS_SIMPLE_TRANSDUCER_H

#include "loss/transducer_loss.h"

/* Expected passages of the arcs of all states, utterance by utterance [frames, labels + 1]: rows in the order of
 * ting_transducer_rows of the whole lattice. */
typedef struct ting_arcs {
    const ting_real *blanks, *labels;
} ting_arcs;

typedef struct ting_simple_options {
    ting_real lm_only, am_only; /* each >= 0, together <= 1; icefall: 0.25 and 0 */
    ting_arcs *arcs;            /* NULL, or gets the passages; they live in the arena like an output */
    ting_real *each;            /* [utterances], or NULL */
    int *impossible;            /* NULL, or gets the number of utterances without a path */
} ting_simple_options;

/* am [frames, V], lm [labels + utterances, V]: the predictor has a row more than labels in each utterance. targets: the
 * whole lattice, first and width NULL. -> the sum of the finite losses, one element. An utterance
 * without a path (labels but no frame) is infinite in `each`, left out of the sum, and has no gradient. NULL options:
 * no smoothing. What `targets` points to must live until the tape has been walked. A label that is blank or outside 0
 * .. V - 1: TING_ERR_ARGUMENT. docs/derive/simple_transducer.md */
ting_tensor ting_simple_transducer_loss(ting_ctx *ctx, ting_tensor am, ting_tensor lm,
                                        const ting_transducer_targets *targets, const ting_simple_options *options);

#endif
