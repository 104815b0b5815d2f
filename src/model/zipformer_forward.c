/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zipformer_forward.c - from features to encoder rows: the stacks at their rates and what joins them.
 *
 *     embed [T', dim 0] -> for each stack: change width, down, layers, up, combine with what came in
 *       -> the widest combination -> down
 *
 * A stack's attention is a list of spans, one a chunk (or one an utterance): streaming, chunked training
 * and full context differ in the spans alone.
 */
#include "model/zipformer_parts.h"

#include "nn/op.h"
#include "nn/recompute.h"
#include "nn/scope.h"

#include <math.h>
#include <string.h>

static int longest_of(ting_segments segments)
{
    int longest = 0;
    for (int s = 0; s < segments.count; s++)
        if (segments.start[s + 1] - segments.start[s] > longest)
            longest = segments.start[s + 1] - segments.start[s];
    return longest;
}

static int chunks_in(int rows, int chunk)
{
    return chunk > 0 ? (rows + chunk - 1) / chunk : rows > 0;
}

/* One span a chunk. Streaming: keys are [cache; new rows] of each segment, all of `left` rows, of which those that
 * the stream has not computed yet are masked. Otherwise: up to `left` rows before the chunk. */
static void fill_spans(ting_zip_run *run, ting_span *spans, int downsampling)
{
    int count = 0;
    for (int s = 0; s < run->segments.count; s++) {
        int first = run->segments.start[s], end = run->segments.start[s + 1];
        int step = run->chunk > 0 ? run->chunk : end - first;
        for (int q0 = first; q0 < end; q0 += step) {
            ting_span *span = &spans[count++];
            int q1 = end - q0 < step ? end : q0 + step;
            *span = (ting_span){.q0 = q0, .q1 = q1, .k1 = q1, .first_key = run->left};
            if (run->states != NULL) {
                long known = run->states[s]->processed / downsampling + (q0 - first);
                span->k0 = q0 + s * run->left;
                span->k1 = q1 + (s + 1) * run->left;
                span->masked = known < run->left ? (int)(run->left - known) : 0;
            } else {
                span->k0 = run->chunk > 0 && q0 - first > run->left ? q0 - run->left : first;
                span->first_key = q0 - span->k0;
            }
        }
    }
    run->attention.spans = spans;
    run->attention.count = count;
}

/* Position encodings for the distances that the spans need; streaming uses the layers' own tables. */
static void set_positions(ting_ctx *ctx, ting_zip_run *run)
{
    const ting_zipformer_config *config = &run->model->config;
    int time = run->chunk > 0 ? run->chunk : longest_of(run->segments),
        left = run->chunk > 0 ? run->left : 0;
    run->pos_zero = time + left - 1;
    if (run->states != NULL || config->pos_dim == 0)
        return;
    run->pos = ting_ctx_constant(ctx, left + 2 * time - 1, config->pos_dim);
    if (run->pos.data == NULL)
        return;
    ting_zipformer_positions(time, left, config->pos_dim, 1, run->pos.data);
    run->pos = ting_dropout(ctx, run->pos, (ting_real)0.15 * (1 - run->less_chance));
    run->pos.grad = NULL; /* nobody wants it */
}

/* ---- training ---- */

/* Which utterances have the first half of a stack's columns behind its `unmasked` ones, and which of those the second half
 * too; one in eight goes without, in all stacks alike (get_feature_masks). */
typedef struct masks {
    const bool *first, *second; /* [segments]; NULL: all have it */
} masks;

static masks draw_masks(ting_ctx *ctx, int segments)
{
    const double rate = 0.125;
    masks m;
    m.first = ting_draw_segments(ctx, segments, rate);
    m.second = ting_draw_segments(ctx, segments, rate);
    return m;
}

static const ting_real *mask_columns(ting_ctx *ctx, const masks *m, const ting_zipformer_stack_config *s, int segments)
{
    const int least = s->unmasked > 0 ? s->unmasked : s->dim, middle = least + (s->dim - least) / 2;
    if (least == s->dim || (m->first == NULL && m->second == NULL))
        return NULL;
    ting_real *mask = ting_ctx_reals(ctx, (size_t)segments * (size_t)s->dim);
    for (int k = 0; mask != NULL && k < segments; k++) {
        const bool first = m->first == NULL || m->first[k], second = m->second == NULL || m->second[k];
        const int width = !first ? least : second ? s->dim : middle;
        for (int c = 0; c < s->dim; c++)
            mask[(size_t)k * (size_t)s->dim + (size_t)c] = c < width;
    }
    return mask;
}

static ting_tensor without_columns(ting_ctx *ctx, const ting_zip_run *run, ting_tensor x)
{
    return run->mask == NULL ? x : ting_segment_mul(ctx, x, run->segments, run->mask);
}

/* The stacks warm up one after the other, their layers too: at first half of the utterances go without a layer, at last
 * 0.035 sqrt(downsampling) of them. */
static ting_ramp skip_of_layer(const ting_zipformer_config *config, int i, int j)
{
    const double warmup = 4000, length = warmup / (config->stacks + 1), begin = length * (i + 1);
    const double step = length / config->stack[i].layers;
    return (ting_ramp){2, {{begin + j * step, 0.5}, {begin + (j + 1) * step, 0.035 * sqrt(config->stack[i].downsampling)}}};
}

/* ---- stacks ---- */

typedef struct layer_call {
    const ting_zip_layer *layer;
    ting_zip_run run;
} layer_call;

static ting_tensor run_layer(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const layer_call *call = self;
    return ting_zip_layer_forward(ctx, call->layer, &call->run, inputs[0]);
}

/* The layers of stack i on rows at the stack's rate. */
static ting_tensor run_layers(ting_ctx *ctx, const ting_zipformer *model, int i, ting_tensor x,
                              ting_segments segments, const ting_zipformer_mode *mode, const masks *m,
                              int first_layer)
{
    const ting_zipformer_stack_config *s = &model->config.stack[i];
    ting_zip_run run = {.model = model,
                        .segments = segments,
                        .states = mode->states,
                        .layer = first_layer,
                        .less_chance = model->config.less_chance};
    run.chunk = mode->chunk / s->downsampling;
    run.left = mode->chunk > 0 ? mode->left / s->downsampling : 0;
    int count = 0;
    for (int k = 0; k < segments.count; k++)
        count += chunks_in(segments.start[k + 1] - segments.start[k], run.chunk);
    ting_span *spans = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *spans);
    ting_ctx_check(ctx);
    if (spans == NULL || ctx->err != TING_OK)
        return (ting_tensor){0};
    run.attention.heads = s->heads;
    fill_spans(&run, spans, s->downsampling);
    set_positions(ctx, &run);
    run.mask = mask_columns(ctx, m, s, segments.count);
    x = without_columns(ctx, &run, x);
    ting_tensor kept =
        ctx->tape == NULL ? ting_ctx_constant(ctx, x.rows, x.cols) : (ting_tensor){0};
    for (int j = 0; j < s->layers; j++, run.layer++) {
        ting_arena_mark mark = ting_arena_tell(ctx->arena);
        run.skip = skip_of_layer(&model->config, i, j);
        const layer_call call = {&model->stack[i].layers[j], run};
        if (model->config.recompute) {
            x = ting_recompute(ctx, &(ting_part){run_layer, &call, sizeof call}, &x, 1, x.rows, x.cols);
        } else {
            const ting_scope scope = ting_scope_open(ctx, x.rows, x.cols);
            x = ting_scope_close(ctx, &scope, run_layer(ctx, &call, &x));
        }
        x = without_columns(ctx, &run, x);
        if (ctx->tape == NULL && ctx->err == TING_OK) { /* what the layer needed is given back */
            memcpy(kept.data, x.data, (size_t)x.rows * (size_t)x.cols * sizeof *x.data);
            x = kept;
            ting_arena_rewind(ctx->arena, mark);
        }
        ting_ctx_see(ctx, x, "encoder.encoders.%d.layers.%d", i, j);
    }
    return x;
}

static ting_tensor run_stack(ting_ctx *ctx, const ting_zipformer *model, int i, ting_tensor x,
                             ting_segments segments, const ting_zipformer_mode *mode, const masks *m,
                             int first_layer)
{
    const ting_zip_stack *stack = &model->stack[i];
    int factor = model->config.stack[i].downsampling;
    if (x.cols != model->config.stack[i].dim)
        x = ting_fit_cols(ctx, x, model->config.stack[i].dim);
    if (factor == 1)
        return run_layers(ctx, model, i, x, segments, mode, m, first_layer);
    int *start = ting_ctx_ints(ctx, segments.count + 1);
    if (start == NULL)
        return (ting_tensor){0};
    ting_segments slow = {segments.count, start};
    ting_tensor y = ting_downsample(ctx, x, segments, stack->downsample, factor, start);
    y = run_layers(ctx, model, i, y, slow, mode, m, first_layer);
    y = ting_upsample(ctx, y, slow, factor, segments);
    return ting_zip_bypass(ctx, x, y, stack->combine);
}

ting_tensor ting_zip_widest(ting_ctx *ctx, const ting_tensor *outputs, int stacks)
{
    ting_tensor parts[TING_ZIPFORMER_MAX_STACKS];
    int count = 1, have = outputs[stacks - 1].cols;
    parts[0] = outputs[stacks - 1];
    for (int i = stacks - 2; i >= 0; i--)
        if (outputs[i].cols > have) {
            parts[count++] = ting_cols(outputs[i], have, outputs[i].cols - have);
            have = outputs[i].cols;
        }
    return count == 1 ? parts[0] : ting_concat_cols(ctx, parts, count);
}

static bool check_input(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                        ting_segments segments, const ting_zipformer_mode *mode)
{
    const ting_zipformer_config *config = &model->config;
    if (x.cols != config->features)
        ting_ctx_fail(ctx, TING_ERR_MODEL, "zipformer: %d features a frame, the model wants %d",
                      x.cols, config->features);
    if (mode->chunk > 0 && mode->states == NULL && (!config->causal || config->pos_dim == 0))
        ting_ctx_fail(ctx, TING_ERR_MODEL,
                      "zipformer: this model was not made for chunks of a chosen size");
    if (mode->chunk == 0 && mode->states == NULL && config->pos_dim == 0)
        ting_ctx_fail(ctx, TING_ERR_MODEL,
                      "zipformer: this file can only stream, with chunks of %d rows",
                      config->chunk);
    for (int i = 0; mode->chunk > 0 && i < config->stacks; i++)
        if (mode->chunk % config->stack[i].downsampling != 0)
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                          "zipformer: chunks of %d rows, expected a multiple of %d", mode->chunk,
                          config->stack[i].downsampling);
    if (mode->states != NULL && (ctx->tape != NULL || ctx->training))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "zipformer: a streaming forward is for hearing, not for training");
    if (mode->states != NULL && !config->causal)
        ting_ctx_fail(ctx, TING_ERR_MODEL, "zipformer: the model is not causal, it cannot stream");
    if (mode->given != NULL && mode->given[0].cols != ting_zipformer_embed_columns(config))
        ting_ctx_fail(ctx, TING_ERR_MODEL, "zipformer: the projection of the subsampling is given %d columns, it has %d",
                      mode->given[0].cols, ting_zipformer_embed_columns(config));
    for (int i = 0; i < config->stacks && mode->given != NULL; i++)
        if (mode->given[i + 1].cols != config->stack[i].dim)
            ting_ctx_fail(ctx, TING_ERR_MODEL, "zipformer: stack %d is given %d columns, it has %d", i,
                          mode->given[i + 1].cols, config->stack[i].dim);
    for (int s = 0; s < segments.count && mode->states != NULL && ctx->err == TING_OK; s++) {
        int frames = segments.start[s + 1] - segments.start[s];
        int extra = ting_zipformer_frames(model, mode->states[s], 0);
        if (frames < extra + 2 * config->chunk || (frames - extra) % (2 * config->chunk) != 0)
            ting_ctx_fail(
                ctx, TING_ERR_ARGUMENT,
                "zipformer: stream %d got %d frames, expected %d and then multiples of %d", s,
                frames, extra + 2 * config->chunk, 2 * config->chunk);
    }
    return ctx->err == TING_OK;
}

/* Training rounds the left context down to whole chunks, at least one (zipformer.py, get_chunk_info). */
static ting_zipformer_mode settle(const ting_zipformer *model, const ting_zipformer_mode *mode)
{
    ting_zipformer_mode m = *mode;
    if (m.states != NULL) {
        m.chunk = model->config.chunk;
        m.left = model->config.left;
    } else if (m.chunk > 0) {
        m.left = m.left / m.chunk * m.chunk;
        if (m.left < m.chunk)
            m.left = m.chunk;
    }
    return m;
}

ting_tensor ting_zipformer_forward(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                                   ting_segments segments, const ting_zipformer_mode *mode,
                                   int *out_start)
{
    ting_tensor outputs[TING_ZIPFORMER_MAX_STACKS] = {0};
    const ting_zipformer_mode settled = settle(model, mode);
    int layer = 0;
    if (ctx->err != TING_OK || !check_input(ctx, model, x, segments, &settled))
        return (ting_tensor){0};
    int *start = ting_ctx_ints(ctx, segments.count + 1);
    if (start == NULL)
        return (ting_tensor){0};
    ting_segments rows = {segments.count, start};
    ting_tensor y = ting_zip_embed_forward(ctx, model, x, segments, &settled, start);
    ting_ctx_see(ctx, y, "encoder_embed");
    const masks m = draw_masks(ctx, segments.count);
    for (int i = 0; i < model->config.stacks && ctx->err == TING_OK; i++) {
        if (settled.given != NULL)
            y = settled.given[i + 1];
        y = outputs[i] = run_stack(ctx, model, i, y, rows, &settled, &m, layer);
        layer += model->config.stack[i].layers;
        ting_ctx_see(ctx, y, "encoder.encoders.%d", i);
    }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    y = ting_zip_widest(ctx, outputs, model->config.stacks);
    y = ting_downsample(ctx, y, rows, model->downsample, model->config.output_downsampling,
                        out_start);
    for (int s = 0; settled.states != NULL && s < segments.count && ctx->err == TING_OK; s++)
        settled.states[s]->processed += start[s + 1] - start[s];
    ting_ctx_see(ctx, y, "encoder");
    return y;
}
