/* SPDX-License-Identifier: Apache-2.0 */
/* kind_rnn_family.h - the parts of the kind rnn-family: stacks of recurrent cells, and the networks that have a page of their own. */
#ifndef TING_TESTS_GOLDEN_KIND_RNN_FAMILY_H
#define TING_TESTS_GOLDEN_KIND_RNN_FAMILY_H

#include "golden/golden.h"

/* `cell`: embedding -> layers of rnn_tanh, lstm or gru with initial states -> linear. */
ting_err ting_golden_rnn_stack(ting_golden *g);

/* model/lm_net.h: `context` is nnlm, `n_positions` gpt. */
ting_err ting_golden_nnlm(ting_golden *g);
ting_err ting_golden_gpt(ting_golden *g);

/* model/bahdanau.h: `attention_dim`. */
ting_err ting_golden_bahdanau(ting_golden *g);

/* `count` segments of `steps` rows each, in the context's arena. */
ting_segments ting_golden_equal_segments(ting_golden *g, int count, int steps);

/* The mean cross-entropy of logits against in.targets (negative: ignored), compared with out.logits and out.loss; then backward,
 * and all gradients of the parameters. targets [rows of logits], NULL: in.targets as it is. */
ting_err ting_golden_finish(ting_golden *g, ting_tensor logits, const int *targets, ting_params *params);

#endif
