/* SPDX-License-Identifier: Apache-2.0 */
/* lm_parts.h - what the kinds of lm_net.h are behind their common interface; for lm_net.c and lm_<kind>.c only. */
#ifndef TING_MODEL_LM_PARTS_H
#define TING_MODEL_LM_PARTS_H

#include "model/lm_net.h"
#include "model/recurrent_stack.h"

enum { TING_LM_LAYERS = 64 };

typedef struct ting_lm_nnlm { /* the paper's letters */
    const ting_param *C;      /* [tokens, width] */
    const ting_param *H, *d;  /* [hidden, context width], [hidden] */
    const ting_param *U, *b;  /* [tokens, hidden], [tokens] */
    const ting_param *W;      /* [tokens, context width]; NULL: no direct connections */
} ting_lm_nnlm;

typedef struct ting_lm_recurrent {
    const ting_param *embedding; /* [tokens, width] */
    ting_recurrent_stack stack;
    ting_lm_output output; /* class_start is the net's */
} ting_lm_recurrent;

typedef struct ting_lm_gpt_layer {
    ting_linear_params qkv, out; /* [3 width, width], [width, width] */
    ting_linear_params inner, outer; /* [hidden, width], [width, hidden] */
    ting_linear_params norm[2];  /* of the attention, of the feed-forward */
} ting_lm_gpt_layer;

typedef struct ting_lm_gpt {
    const ting_param *tokens, *positions; /* [tokens, width], [context, width] */
    ting_lm_gpt_layer layer[TING_LM_LAYERS];
    ting_linear_params norm; /* pre-norm: behind the last layer */
    const ting_param *output; /* [tokens, width] */
} ting_lm_gpt;

struct ting_lm_net {
    ting_lm_config config; /* class_start is the net's own */
    int *class_start;
    const struct ting_lm_part *part;
    union {
        ting_lm_nnlm nnlm;
        ting_lm_recurrent recurrent;
        ting_lm_gpt gpt;
    };
};

typedef struct ting_lm_state { /* the head of a state; its data follow at ting_lm_state_data */
    int tokens;
} ting_lm_state;

enum { TING_LM_STATE_HEAD = 64 };

static inline void *ting_lm_state_data(ting_lm_state *state)
{
    return (unsigned char *)state + TING_LM_STATE_HEAD;
}

/* What a kind does. Ids have been checked; hidden and step are those of lm_net.h, as far as the kind goes. */
typedef struct ting_lm_part {
    void (*declare)(ting_lm_net *net, ting_params *params);
    ting_tensor (*hidden)(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments);
    ting_tensor (*logits)(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden);
    int (*hidden_cols)(const ting_lm_config *config);
    size_t (*state_data)(const ting_lm_config *config, int tokens); /* bytes that a state has filled after so many tokens */
    void (*start)(const ting_lm_net *net, void *data); /* fills what state_data(config, 0) says */
    ting_tensor (*step)(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_lm_state *const *states, int count);
} ting_lm_part;

extern const ting_lm_part ting_lm_nnlm_part, ting_lm_recurrent_part, ting_lm_bilstm_part, ting_lm_gpt_part;

/* x [N, hidden] -> [N, tokens]: log p of each word; without a tape (lm_output.c). */
ting_tensor ting_lm_class_log_probs(ting_ctx *ctx, const ting_lm_output *output, ting_tensor x);

/* One segment of one row for each of `count` hypotheses, in the context's arena. */
ting_segments ting_lm_single_rows(ting_ctx *ctx, int count);

#endif
