/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_loss.h - losses of a language model: the cross-entropy of the word behind each place, a sum over places,
 *
 *     over all words;
 *     by classes (Goodman 2001; Mikolov 2011): over the classes, and over the words of the right one;
 *     of samples (Bengio and Senecal 2008; Jean 2015): over the right word and some others, drawn for all places of a batch together, each
 *     logit less the logarithm of how often that word is expected among them.
 *
 * hidden [T, hidden cols] is that of ting_lm_net_hidden; targets [T], negative: the place is not asked. -> one element.
 */
#ifndef TING_LOSS_LM_LOSS_H
#define TING_LOSS_LM_LOSS_H

#include "base/rng.h"
#include "model/lm_net.h"

ting_tensor ting_lm_loss(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden, const int *targets);

/* every [words] is 0, 1, 2, ...: parts of it are lists of words. Borrowed until the tape has been walked. */
ting_tensor ting_lm_loss_by_classes(ting_ctx *ctx, const ting_lm_output *output, const int *every, ting_tensor hidden, const int *targets);

typedef struct ting_lm_draws { /* free with ting_lm_draws_free */
    int words, samples; /* samples at most: of few words half are drawn */
    double *until;      /* [words + 1] running shares: word w is drawn by a number from until[w] to below until[w + 1] */
} ting_lm_draws;

/* Words are drawn by their counts to the power of 0.75 (Mikolov 2013). Errors: memory. */
ting_err ting_lm_draws_make(const uint64_t *counts, int words, int samples, ting_lm_draws *out);
void ting_lm_draws_free(ting_lm_draws *draws);

ting_tensor ting_lm_loss_of_samples(ting_ctx *ctx, const ting_lm_output *output, const ting_lm_draws *draws, ting_rng *rng,
                                    ting_tensor hidden, const int *targets);

#endif
