/* SPDX-License-Identifier: Apache-2.0 */
/* zipformer_parts.h - the modules of a Zipformer layer and their caches: internal to the zipformer files. */
#ifndef TING_MODEL_ZIPFORMER_PARTS_H
#define TING_MODEL_ZIPFORMER_PARTS_H

#include "model/linear.h"
#include "model/zipformer.h"
#include "nn/steer.h"

typedef struct ting_zip_module { /* in -> something -> out */
    ting_linear_params in, out;
} ting_zip_module;

typedef struct ting_zip_conv_module {
    ting_linear_params in, out;
    ting_chunk_conv_weights conv;
} ting_zip_conv_module;

typedef struct ting_zip_layer {
    const ting_zipformer_stack_config *config;
    ting_linear_params attention; /* queries, keys, positions */
    const ting_param *pos; /* [heads dp, pos_dim], or the table [left + 2 chunk - 1, heads dp] */
    ting_zip_module attend[2];
    ting_zip_module feedforward[3];
    ting_zip_module nonlin;
    ting_zip_conv_module conv[2];
    const ting_param *norm_bias, *norm_scale;
    const ting_param *bypass, *bypass_mid;
    ting_real *pos_table; /* [left + 2 chunk - 1, heads dp] of the stack's rows: streaming; owned */
} ting_zip_layer;

typedef struct ting_zip_stack {
    ting_zip_layer *layers;
    const ting_param *downsample, *combine; /* NULL without downsampling */
} ting_zip_stack;

typedef struct ting_zip_embed {
    const ting_param *conv_w[3], *conv_b[3];
    const ting_param *depthwise_w, *depthwise_b;
    ting_linear_params pointwise[2];
    ting_linear_params out; /* weight [dim, C, 1, F]: its columns are channel by channel, ours frequency by frequency */
    const ting_param *norm_bias, *norm_scale;
} ting_zip_embed;

struct ting_zipformer {
    ting_zipformer_config config;
    ting_zip_embed embed;
    ting_zip_stack stack[TING_ZIPFORMER_MAX_STACKS];
    const ting_param *downsample;
};

/* ---- caches of a stream: rows in time order, the newest last ---- */

enum {
    TING_ZIP_NEXT_PAD = 3,    /* rows that ConvNeXt looks back and ahead */
    TING_ZIP_FRAMES_KEPT = 7, /* frames that the next call's first row needs again */
    TING_ZIP_FIRST_EXTRA = 13 /* frames that the first call needs beyond 2 a row */
};

typedef enum ting_zip_cache {
    TING_ZIP_KEY,
    TING_ZIP_NONLIN,
    TING_ZIP_VAL1,
    TING_ZIP_VAL2, /* [left, ...] */
    TING_ZIP_CONV1,
    TING_ZIP_CONV2, /* [kernel / 2, dim] */
    TING_ZIP_CACHES
} ting_zip_cache;

struct ting_zipformer_state {
    const ting_zipformer *model;
    size_t values;     /* in the block */
    ting_real *frames; /* [7, features] */
    ting_real *rows;   /* [6, F C]: 3 before and the 3 ahead, already convolved */
    ting_real *(*layer)[TING_ZIP_CACHES]; /* of all layers of all stacks, in order */
    long processed;                       /* rows at 50 Hz */
};

/* ---- one forward ---- */

/* What is the same for all layers of a stack. */
typedef struct ting_zip_run {
    const ting_zipformer *model;
    ting_segments segments; /* of the stack's rows */
    ting_attention attention;
    int chunk;       /* rows, 0 for none */
    int left;        /* rows of cache, streaming only */
    ting_tensor pos; /* [distances, pos_dim], zero rows when the layers' tables are used */
    int pos_zero;
    ting_zipformer_state *const *states; /* or NULL */
    int layer;                           /* index over all stacks of the current layer */
    ting_real less_chance;
    ting_ramp skip;                      /* rate at which training leaves the current layer out */
    const ting_real *mask;               /* training: [segments, dim], 0 for columns left out; NULL: none */
} ting_zip_run;

/* The rate at which something is dropped or skipped now, less a share of it; and that of dropout behind the subsampling and in
 * the feed-forward modules. */
double ting_zip_rate_now(const ting_ctx *ctx, const ting_ramp *rate, ting_real less);
double ting_zip_dropout_now(const ting_ctx *ctx, ting_real less);

/* original + scale (x - original), the scale held within limits that grow with the training. */
ting_tensor ting_zip_bypass(ting_ctx *ctx, ting_tensor original, ting_tensor x, const ting_param *scale);

/* BiasNorm, its log_scale held within -1.5 .. 1.5. */
ting_tensor ting_zip_norm(ting_ctx *ctx, ting_tensor x, const ting_param *bias, const ting_param *log_scale);

ting_tensor ting_zip_embed_forward(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                                   ting_segments segments, const ting_zipformer_mode *mode, int *out_start);
ting_tensor ting_zip_layer_forward(ting_ctx *ctx, const ting_zip_layer *layer,
                                   const ting_zip_run *run, ting_tensor x);

/* Each column from the latest stack that has it; at most TING_ZIPFORMER_MAX_STACKS outputs. */
ting_tensor ting_zip_widest(ting_ctx *ctx, const ting_tensor *outputs, int stacks);

/* The modules of a layer. weights as ting_attn_softmax returns them. */
ting_tensor ting_zip_feedforward(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run, ting_tensor x);
ting_tensor ting_zip_attention_weights(ting_ctx *ctx, const ting_zip_layer *layer,
                                       const ting_zip_run *run, ting_tensor x);
ting_tensor ting_zip_attend(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x, ting_zip_cache cache);
ting_tensor ting_zip_nonlin(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x);
ting_tensor ting_zip_convolve(ting_ctx *ctx, const ting_zip_conv_module *module,
                              const ting_zip_run *run, ting_tensor x, ting_zip_cache cache);

/* Declaring modules; name of the module without the final dot. The last linear layer starts `out_scale` times as large as
 * torch has it (ting_init_scaled). */
ting_zip_module ting_zip_declare_module(ting_params *params, int in_n, int out_k, int dim, double out_scale,
                                        const char *name);
ting_zip_conv_module ting_zip_declare_conv(ting_params *params, int dim, int kernel, bool causal,
                                           const char *name);

/* Sizes of one layer's caches, rows and columns. */
void ting_zip_cache_size(const ting_zipformer_config *config, int stack, ting_zip_cache cache,
                         int *rows, int *cols);

/* Streaming: for each segment its cache (`rows` of them) followed by x's rows; afterwards the cache
 * holds the last rows. Without states: x itself. */
ting_tensor ting_zip_with_cache(ting_ctx *ctx, const ting_zip_run *run, ting_zip_cache cache,
                                int rows, ting_tensor x);

/* Streaming: the caches of all segments under each other, [segments rows, cols], then moved on by x.
 * Without states: zero rows. */
ting_tensor ting_zip_take_cache(ting_ctx *ctx, const ting_zip_run *run, ting_zip_cache cache,
                                int rows, ting_tensor x);

/* Frequencies after the three convolutions. */
int ting_zip_embed_width(int features);

#endif
