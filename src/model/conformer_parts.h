/* SPDX-License-Identifier: Apache-2.0 */
/* conformer_parts.h - what the files of the Conformer share: its parameters, a run of the layers, the state of a stream. */
#ifndef TING_MODEL_CONFORMER_PARTS_H
#define TING_MODEL_CONFORMER_PARTS_H

#include "model/conformer.h"
#include "model/linear.h"

enum { TING_CONFORMER_CONVS = 3 };

typedef struct ting_conformer_norm_params {
    const ting_param *weight, *bias;
} ting_conformer_norm_params;

typedef struct ting_conformer_ffn {
    ting_linear_params inner, outer;
} ting_conformer_ffn;

typedef struct ting_conformer_layer {
    ting_conformer_norm_params norm_ffn_before, norm_attention, norm_conv, norm_ffn, norm_final;
    ting_conformer_ffn ffn_before, ffn;
    ting_linear_params query, key, value, out, position;
    const ting_param *bias_u, *bias_v; /* [heads, dim / heads] */
    ting_linear_params in, back;       /* pointwise convolutions: [2 dim, dim], [dim, dim] */
    const ting_param *taps, *taps_bias;
    ting_batch_norm_weights conv_norm; /* the running ones with batch norm only */
} ting_conformer_layer;

typedef struct ting_conformer_embed {
    int convs;
    ting_conv2d_shape shape[TING_CONFORMER_CONVS];
    const ting_param *w[TING_CONFORMER_CONVS], *b[TING_CONFORMER_CONVS];
    const ting_param *out_w, *out_b; /* a convolution over all frequencies */
} ting_conformer_embed;

struct ting_conformer {
    ting_conformer_config config;
    ting_conformer_embed embed;
    ting_conformer_layer *layers; /* [config.layers] */
    ting_conformer_norm_params after;
};

/* Frames that an output row of the subsampling sees, and how far the next row's begin after them. */
int ting_conformer_sight(const ting_conformer_config *config);

/* ---- the state of a stream ---- */

typedef struct ting_conformer_cache { /* of a layer */
    ting_real *key, *value; /* [rows, dim], in time order */
    ting_real *conv;        /* [kernel - 1, dim]: inputs of the depthwise convolution */
} ting_conformer_cache;

struct ting_conformer_state {
    const ting_conformer *model;
    int chunk, left;
    int room;  /* rows that keys and values have room for */
    int kept;  /* rows of them that are filled, the same in every layer */
    long rows; /* given out so far */
    ting_real *frames; /* [sight - subsampling, features]: those that the next chunk sees again */
    ting_conformer_cache *layer;
};

/* Rows of keys that stay for the next call, of `have`; left < 0: all. */
int ting_conformer_keep(const ting_conformer_state *state, int have);

/* Room for `rows` rows of keys and values in every layer. Errors: memory. */
ting_err ting_conformer_state_reserve(ting_conformer_state *state, int rows);

/* ---- parts of a forward ---- */

typedef struct ting_conformer_run { /* shared by the layers */
    const ting_conformer_mode *mode;
    ting_segments rows; /* of queries: after the subsampling */
    ting_segments keys; /* streaming: rows of the cache before those of the call */
    ting_attention attention;
    ting_tensor positions; /* RELATIVE: [keys, dim], one for each key row; SHIFTED: [2 longest - 1, dim] */
    int position_zero;     /* SHIFTED: the row of distance 0 */
} ting_conformer_run;

ting_conformer_norm_params ting_conformer_norm_declare(ting_params *params, int dim, const char *prefix, const char *name);
void ting_conformer_embed_declare(ting_params *params, const ting_conformer_config *config, ting_conformer_embed *embed);

/* [T, features] -> [T', dim], before scale and positions. */
ting_tensor ting_conformer_embed_forward(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                                         ting_conformer_state *const *states, int *out_start);

void ting_conformer_layer_declare(ting_params *params, const ting_conformer_config *config, int index,
                                  ting_conformer_layer *layer);
ting_tensor ting_conformer_layer_forward(ting_ctx *ctx, const ting_conformer *model, int index, ting_tensor x,
                                         const ting_conformer_run *run);

#endif
