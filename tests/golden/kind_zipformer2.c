/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_zipformer2.c - the whole encoder with a CTC head. Non-causal files: full context. Causal files: with the chunk
 * mask (out.chunk.*, whose gradients the file holds), without chunks (out.full.*), and streamed (out.stream.*), there
 * with one chunk a call and again with all chunks in one call, which must be the same bits. With batch_count among the settings
 * all gradients are those of training. Files with out.losses hold a training of some steps (steps.c).
 */
#include "golden/golden.h"

#include "loss/ctc.h"
#include "model/ctc_head.h"
#include "model/zipformer_parts.h"

#include <stdio.h>
#include <string.h>

struct run {
    ting_golden *g;
    ting_params *params;
    ting_zipformer *model;
    ting_ctc_head head;
    ting_tensor x; /* [T, features] of all utterances */
    ting_segments segments;
    ting_segments rows, out; /* after the subsampling, of the encoder */
    const char *prefix;      /* "out.", "out.chunk.", ... */
};

/* A setting that is a list, or one number for all stacks. */
static int of_stack(ting_golden *g, const char *name, int i)
{
    int length = ting_golden_list_length(g, name);
    return (int)(length == 0 ? ting_golden_int(g, name)
                             : ting_golden_list_int(g, name, length == 1 ? 0 : i));
}

static int setting_or(ting_golden *g, const char *name, int otherwise)
{
    return ting_golden_has_setting(g, name) ? (int)ting_golden_int(g, name) : otherwise;
}

static void read_config(ting_golden *g, ting_zipformer_config *config)
{
    *config = (ting_zipformer_config){.features = setting_or(g, "feature_dim", 80),
                                      .pos_dim = (int)ting_golden_int(g, "pos_dim"),
                                      .output_downsampling =
                                          setting_or(g, "output_downsampling_factor", 2),
                                      .causal = ting_golden_bool(g, "causal"),
                                      .stacks = ting_golden_list_length(g, "downsampling_factor")};
    for (int i = 0; i < 3; i++)
        config->embed_channels[i] = (int)ting_golden_list_int(g, "embed_channels", i);
    if (config->causal) {
        config->chunk = (int)ting_golden_int(g, "chunk_size");
        config->left = (int)ting_golden_int(g, "left_context_frames");
    }
    if (config->stacks > TING_ZIPFORMER_MAX_STACKS)
        config->stacks = TING_ZIPFORMER_MAX_STACKS;
    for (int i = 0; i < config->stacks; i++)
        config->stack[i] =
            (ting_zipformer_stack_config){.layers = of_stack(g, "num_encoder_layers", i),
                                          .dim = of_stack(g, "encoder_dim", i),
                                          .heads = of_stack(g, "num_heads", i),
                                          .query_dim = of_stack(g, "query_head_dim", i),
                                          .value_dim = of_stack(g, "value_head_dim", i),
                                          .pos_head_dim = of_stack(g, "pos_head_dim", i),
                                          .feedforward = of_stack(g, "feedforward_dim", i),
                                          .kernel = of_stack(g, "cnn_module_kernel", i),
                                          .downsampling = of_stack(g, "downsampling_factor", i)};
}

/* The padded batch in.x [B, T, F] as segments; x gets a gradient. */
static void read_input(struct run *r)
{
    ting_golden *g = r->g;
    int batch = ting_golden_dim(g, "in.x", 0), frames = ting_golden_dim(g, "in.x", 1);
    int features = ting_golden_dim(g, "in.x", 2);
    const ting_real *x = ting_golden_reals(g, "in.x", NULL);
    const int *lens = ting_golden_ints(g, "in.x_lens", NULL);
    int *start = ting_ctx_ints(&g->ctx, batch + 1), *rows = ting_ctx_ints(&g->ctx, batch + 1);
    int *out = ting_ctx_ints(&g->ctx, batch + 1);
    start[0] = rows[0] = out[0] = 0;
    for (int b = 0; b < batch; b++) {
        start[b + 1] = start[b] + lens[b];
        rows[b + 1] = rows[b] + (lens[b] - 7) / 2;
    }
    g->ctx.tape = &g->tape; /* only for the gradient's memory */
    r->x = ting_ctx_output(&g->ctx, start[batch], features);
    g->ctx.tape = NULL;
    for (int b = 0; b < batch && r->x.data != NULL; b++)
        memcpy(ting_row(r->x, start[b]), x + (size_t)b * (size_t)frames * (size_t)features,
               (size_t)lens[b] * (size_t)features * sizeof *x);
    r->segments = (ting_segments){batch, start};
    r->rows = (ting_segments){batch, rows};
    r->out = (ting_segments){batch, out};
}

/* Compares segment after segment with a padded [B, T, D], if the file has it. */
static void compare_padded(struct run *r, const char *name, ting_tensor got, ting_segments segments,
                           bool gradient)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", gradient ? "" : r->prefix, name);
    if (!ting_golden_has(r->g, full))
        return;
    size_t padded = (size_t)ting_golden_dim(r->g, full, 1) * (size_t)ting_golden_dim(r->g, full, 2);
    for (int s = 0; s < segments.count; s++) {
        ting_tensor part =
            ting_rows(got, segments.start[s], segments.start[s + 1] - segments.start[s]);
        if (gradient)
            part.data = part.grad;
        ting_golden_compare_tensor(r->g, full, (size_t)s * padded, part);
    }
}

static void see(void *self, const char *name, ting_tensor value)
{
    struct run *r = self;
    int stack, rest = 0;
    char stacks[32];
    if (strcmp(name, "encoder_embed") == 0)
        compare_padded(r, "embed", value, r->rows, false);
    if (sscanf(name, "encoder.encoders.%d%n", &stack, &rest) == 1 && name[rest] == '\0') {
        snprintf(stacks, sizeof stacks, "stack%d", stack);
        compare_padded(r, stacks, value, r->rows, false);
    }
}

static ting_tensor ctc_of(struct run *r, ting_tensor logits)
{
    const int *target_lens = ting_golden_ints(r->g, "in.target_lens", NULL);
    int *target_start = ting_ctx_ints(&r->g->ctx, r->out.count + 1);
    if (target_start == NULL)
        return (ting_tensor){0};
    target_start[0] = 0;
    for (int s = 0; s < r->out.count; s++)
        target_start[s + 1] = target_start[s] + target_lens[s];
    return ting_ctc_loss(&r->g->ctx, logits, r->out, ting_golden_ints(r->g, "in.targets", NULL),
                         (ting_segments){r->out.count, target_start}, NULL);
}

/* The loss alone, for a training. */
static ting_tensor loss(void *self)
{
    struct run *r = self;
    int *out = ting_ctx_ints(&r->g->ctx, r->segments.count + 1);
    ting_tensor y = ting_zipformer_forward(&r->g->ctx, r->model, r->x, r->segments, &(ting_zipformer_mode){0}, out);
    r->out = (ting_segments){r->segments.count, out};
    return ctc_of(r, ting_ctc_head_logits(&r->g->ctx, &r->head, y));
}

/* Forward, comparison of all outputs, and the loss; with a tape, gradients too. */
static void whole(struct run *r, const char *prefix, int chunk, int left, bool gradients)
{
    ting_golden *g = r->g;
    ting_tap tap = {see, r};
    char name[64];
    r->prefix = prefix;
    g->ctx.tap = &tap;
    g->tape = (ting_tape){0};
    g->ctx.tape = gradients ? &g->tape : NULL;
    int *out = ting_ctx_ints(&g->ctx, r->segments.count + 1);
    ting_tensor y = ting_zipformer_forward(&g->ctx, r->model, r->x, r->segments,
                                           &(ting_zipformer_mode){chunk, left, NULL}, out);
    ting_tensor logits = ting_ctc_head_logits(&g->ctx, &r->head, y);
    g->ctx.tap = NULL;
    if (g->ctx.err != TING_OK)
        return;
    r->out = (ting_segments){r->segments.count, out};
    int *lens = ting_ctx_ints(&g->ctx, r->out.count);
    for (int s = 0; s < r->out.count; s++)
        lens[s] = out[s + 1] - out[s];
    snprintf(name, sizeof name, "%slens", prefix);
    ting_golden_compare_ints(g, name, 0, lens, (size_t)r->out.count);
    compare_padded(r, "encoder", y, r->out, false);
    compare_padded(r, "log_probs", ting_ctc_head_log_probs(&g->ctx, logits), r->out, false);
    ting_tensor sum = ctc_of(r, logits);
    snprintf(name, sizeof name, "%sctc_loss", prefix);
    ting_golden_compare_tensor(g, name, 0, sum);
    if (gradients && g->ctx.err == TING_OK) {
        sum.grad[0] = 1;
        ting_tape_backward(&g->ctx, &g->tape);
        ting_golden_compare_gradients(g, r->params);
        compare_padded(r, "grad.x", r->x, r->segments, true);
    }
    g->ctx.tape = NULL;
}

/* ---- streaming ---- */

/* Caches hold rows; the reference has time last in its convolutions and a leading head in its values. */
static void compare_state(struct run *r, ting_zipformer_state *state)
{
    static const char *const names[TING_ZIP_CACHES] = {"key",  "nonlin", "val1",
                                                       "val2", "conv1",  "conv2"};
    const ting_zipformer_config *config = ting_zipformer_settings(r->model);
    int layer = 0;
    for (int i = 0; i < config->stacks; i++)
        for (int j = 0; j < config->stack[i].layers; j++, layer++)
            for (int c = 0; c < TING_ZIP_CACHES; c++) {
                char name[64];
                int rows, cols;
                ting_zip_cache_size(config, i, (ting_zip_cache)c, &rows, &cols);
                snprintf(name, sizeof name, "out.stream.state%d.%s", layer, names[c]);
                if (!ting_golden_has(r->g, name))
                    continue;
                const ting_real *cache = state->layer[layer][c];
                for (int k = 0; c >= TING_ZIP_CONV1 && k < cols; k++)
                    for (int t = 0; t < rows; t++)
                        ting_golden_compare(r->g, name, (size_t)(k * rows + t),
                                            &cache[t * cols + k], 1);
                if (c < TING_ZIP_CONV1)
                    ting_golden_compare(r->g, name, 0, cache, (size_t)rows * (size_t)cols);
            }
    int width = ting_zip_embed_width(config->features), channels = config->embed_channels[2];
    for (int k = 0; k < channels; k++) /* of our six rows, the three past ones; [C, 3, F] there */
        for (int t = 0; t < TING_ZIP_NEXT_PAD; t++)
            for (int f = 0; f < width; f++)
                ting_golden_compare(r->g, "out.stream.embed_state",
                                    (size_t)((k * TING_ZIP_NEXT_PAD + t) * width + f),
                                    &state->rows[(t * width + f) * channels + k], 1);
}

/* Streams the first utterance, `step` chunks a call; the rows of all calls in one tensor. */
static ting_tensor stream(struct run *r, int chunks, int step, ting_zipformer_state *state)
{
    ting_ctx *ctx = &r->g->ctx;
    int rows = ting_zipformer_chunk_rows(r->model), at = 0;
    ting_tensor all = ting_ctx_constant(ctx, chunks * rows, ting_zipformer_dim(r->model));
    for (int done = 0; done < chunks && ctx->err == TING_OK; done += step) {
        int now = chunks - done < step ? chunks - done : step;
        int frames = ting_zipformer_frames(r->model, state, now);
        int start[2] = {0, frames}, out[2];
        ting_tensor y = ting_zipformer_forward(ctx, r->model, ting_rows(r->x, at, frames),
                                               (ting_segments){1, start},
                                               &(ting_zipformer_mode){.states = &state}, out);
        for (int t = 0; t < y.rows; t++)
            memcpy(ting_row(all, done * rows + t), ting_row(y, t), (size_t)y.cols * sizeof *y.data);
        at += frames;
    }
    return all;
}

static ting_err streaming(struct run *r)
{
    ting_err err = TING_OK;
    ting_golden *g = r->g;
    ting_zipformer_state *state = NULL;
    const ting_zipformer_config *config = ting_zipformer_settings(r->model);
    int length = r->segments.start[1],
        chunks = (length - TING_ZIP_FIRST_EXTRA) / (2 * config->chunk);
    TRY(ting_zipformer_prepare(r->model));
    TRY(ting_zipformer_state_new(r->model, &state));
    ting_tensor y = stream(r, chunks, 1, state);
    TRY(g->ctx.err);
    compare_state(r, state);
    ting_zipformer_state_reset(state);
    ting_tensor again = stream(r, chunks, chunks, state);
    TRY(g->ctx.err);
    if (memcmp(y.data, again.data, (size_t)y.rows * (size_t)y.cols * sizeof *y.data) != 0)
        FAIL(TING_ERR_NUMERIC, "streaming all chunks in one call differs from one chunk a call");
    ting_golden_compare_ints(g, "out.stream.chunks", 0, &chunks, 1);
    ting_golden_compare_tensor(g, "out.stream.encoder", 0, y);
    ting_golden_compare_tensor(
        g, "out.stream.log_probs", 0,
        ting_ctc_head_log_probs(&g->ctx, ting_ctc_head_logits(&g->ctx, &r->head, y)));
    err = g->ctx.err;
out:
    ting_zipformer_state_free(state);
    return err;
}

ting_err ting_golden_zipformer2(ting_golden *g)
{
    ting_err err = TING_OK;
    struct run r = {.g = g, .params = ting_params_new()};
    ting_zipformer_config config;
    read_config(g, &config);
    if (r.params == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_zipformer_new(&config, r.params, &r.model));
    r.head = ting_ctc_head_declare(r.params, "ctc_output.1", (int)ting_golden_int(g, "vocab_size"),
                                   ting_zipformer_dim(r.model));
    TRY(ting_golden_load(g, r.params));
    read_input(&r);
    if (ting_golden_has_setting(g, "batch_count")) { /* training, with all its edits of gradients and without chance */
        g->ctx.training = g->ctx.steady = true;
        g->ctx.batch_count = ting_golden_real(g, "batch_count");
    }
    if (ting_golden_has(g, "out.losses"))
        TRY(ting_golden_train(g, r.params, loss, &r));
    if (ting_golden_has(g, "out.encoder"))
        whole(&r, "out.", config.chunk, config.left, true);
    if (ting_golden_has(g, "out.full.encoder"))
        whole(&r, "out.full.", 0, 0, false);
    if (ting_golden_has(g, "out.chunk.encoder"))
        whole(&r, "out.chunk.", config.chunk, config.left, true);
    TRY(g->ctx.err);
    if (ting_golden_has(g, "out.stream.encoder"))
        TRY(streaming(&r));
out:
    ting_zipformer_free(r.model);
    ting_params_free(r.params);
    return err;
}
