/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zipformer_stream.c - what a stream remembers between calls, in one flat block:
 *
 *     [7 frames][6 rows of the subsampling][layer 0: key, nonlin, val1, val2, conv1, conv2][layer 1: ...]...
 *
 * Every cache is rows in time order, the newest last, and starts as zeros. Rows of the attention caches that the
 * stream has not computed yet are masked (the reference adds -1000 to their scores, which leaves a weight of 0).
 */
#include "model/zipformer_parts.h"

#include "base/mem.h"

#include <string.h>

void ting_zip_cache_size(const ting_zipformer_config *config, int stack, ting_zip_cache cache,
                         int *rows, int *cols)
{
    const ting_zipformer_stack_config *s = &config->stack[stack];
    *rows = config->left / s->downsampling;
    switch (cache) {
    case TING_ZIP_KEY: *cols = s->heads * s->query_dim; break;
    case TING_ZIP_NONLIN: *cols = 3 * s->dim / 4; break;
    case TING_ZIP_VAL1:
    case TING_ZIP_VAL2: *cols = s->heads * s->value_dim; break;
    default: *rows = s->kernel / 2; *cols = s->dim;
    }
}

/* Walks all caches: gives each its place in the block (when there is one) and returns the block's size. */
static size_t lay_out(ting_zipformer_state *state, ting_real *block)
{
    const ting_zipformer_config *config = &state->model->config;
    size_t used = 0;
    int width = ting_zip_embed_width(config->features) * config->embed_channels[2], layer = 0;
    if (block != NULL) {
        state->frames = block;
        state->rows = block + (size_t)TING_ZIP_FRAMES_KEPT * (size_t)config->features;
    }
    used += (size_t)TING_ZIP_FRAMES_KEPT * (size_t)config->features;
    used += 2 * (size_t)TING_ZIP_NEXT_PAD * (size_t)width;
    for (int i = 0; i < config->stacks; i++)
        for (int j = 0; j < config->stack[i].layers; j++, layer++)
            for (int c = 0; c < TING_ZIP_CACHES; c++) {
                int rows, cols;
                ting_zip_cache_size(config, i, (ting_zip_cache)c, &rows, &cols);
                if (block != NULL)
                    state->layer[layer][c] = block + used;
                used += (size_t)rows * (size_t)cols;
            }
    return used;
}

ting_err ting_zipformer_state_new(const ting_zipformer *model, ting_zipformer_state **out)
{
    ting_err err = TING_OK;
    ting_zipformer_state *state = NULL;
    int layers = 0;
    *out = NULL;
    if (!model->config.causal)
        FAIL(TING_ERR_MODEL, "zipformer: the model is not causal, it cannot stream");
    for (int i = 0; i < model->config.stacks; i++)
        layers += model->config.stack[i].layers;
    state = ting_alloc(1, sizeof *state);
    if (state == NULL)
        return TING_ERR_MEMORY;
    state->model = model;
    state->layer = ting_alloc((size_t)layers, sizeof *state->layer);
    state->values = lay_out(state, NULL);
    ting_real *block = ting_alloc(state->values, sizeof *block);
    if (state->layer == NULL || block == NULL) {
        ting_free(block);
        ting_zipformer_state_free(state);
        return TING_ERR_MEMORY;
    }
    lay_out(state, block);
    *out = state;
out:
    return err;
}

void ting_zipformer_state_free(ting_zipformer_state *state)
{
    if (state == NULL)
        return;
    ting_free(state->frames);
    ting_free(state->layer);
    ting_free(state);
}

void ting_zipformer_state_reset(ting_zipformer_state *state)
{
    memset(state->frames, 0, state->values * sizeof *state->frames);
    state->processed = 0;
}

int ting_zipformer_frames(const ting_zipformer *model, const ting_zipformer_state *state,
                          int chunks)
{
    return 2 * model->config.chunk * chunks + (state->processed > 0 ? 0 : TING_ZIP_FIRST_EXTRA);
}

int ting_zipformer_chunk_rows(const ting_zipformer *model)
{
    return model->config.chunk / model->config.output_downsampling;
}

/* ---- caches in a forward ---- */

ting_tensor ting_zip_with_cache(ting_ctx *ctx, const ting_zip_run *run, ting_zip_cache cache,
                                int rows, ting_tensor x)
{
    if (run->states == NULL || ctx->err != TING_OK)
        return x;
    size_t line = (size_t)x.cols * sizeof *x.data, kept = (size_t)rows * line;
    ting_tensor y = ting_ctx_constant(ctx, x.rows + run->segments.count * rows, x.cols);
    ting_real *to = y.data;
    for (int s = 0; s < run->segments.count && to != NULL; s++) {
        ting_real *memory = run->states[s]->layer[run->layer][cache];
        memcpy(to, memory, kept);
        to += (size_t)rows * (size_t)x.cols;
        for (int t = run->segments.start[s]; t < run->segments.start[s + 1]; t++, to += x.cols)
            memcpy(to, ting_row(x, t), line);
        memcpy(memory, to - (size_t)rows * (size_t)x.cols, kept);
    }
    return y;
}

ting_tensor ting_zip_take_cache(ting_ctx *ctx, const ting_zip_run *run, ting_zip_cache cache,
                                int rows, ting_tensor x)
{
    if (run->states == NULL || ctx->err != TING_OK)
        return (ting_tensor){0};
    size_t line = (size_t)x.cols * sizeof *x.data;
    ting_tensor y = ting_ctx_constant(ctx, run->segments.count * rows, x.cols);
    for (int s = 0; s < run->segments.count && y.data != NULL; s++) {
        ting_real *memory = run->states[s]->layer[run->layer][cache];
        int first = run->segments.start[s], fresh = run->segments.start[s + 1] - first;
        int keep = fresh < rows ? rows - fresh : 0; /* rows of the old cache that stay */
        memcpy(ting_row(y, s * rows), memory, (size_t)rows * line);
        memmove(memory, memory + (size_t)(rows - keep) * (size_t)x.cols, (size_t)keep * line);
        for (int t = keep; t < rows; t++)
            memcpy(memory + (size_t)t * (size_t)x.cols, ting_row(x, first + fresh - rows + t),
                   line);
    }
    return y;
}
