/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_conformer_wenet.c - WeNet's Conformer encoder with a CTC head: full context (out.full.*), the chunk mask that the
 * loss was taken with (out.*, gradients), chunk masks of other limits (out.chunk<n>.left<m>.*), and streams
 * (out.stream<n>.left<m>.*), there with one chunk a call and again with several, which must be the same bits. Files with
 * out.losses hold a training of some steps (steps.c).
 */
#include "golden/golden.h"

#include "loss/ctc.h"
#include "model/conformer.h"
#include "model/ctc_head.h"

#include <stdio.h>
#include <string.h>

struct run {
    ting_golden *g;
    ting_params *params;
    ting_conformer_config config;
    ting_conformer *model;
    ting_ctc_head head;
    ting_tensor x; /* [T, features] of all utterances, normalised */
    ting_segments segments, out;
    const ting_real *scale; /* [features]: of the normalisation, or NULL */
};

static void read_config(ting_golden *g, ting_conformer_config *c)
{
    const bool relative = strcmp(ting_golden_string(g, "pos_enc_layer_type"), "rel_pos") == 0;
    *c = (ting_conformer_config){
        .features = (int)ting_golden_int(g, "input_size"),
        .subsampling = strstr(ting_golden_string(g, "input_layer"), "6") != NULL   ? 6
                       : strstr(ting_golden_string(g, "input_layer"), "8") != NULL ? 8
                                                                                   : 4,
        .dim = (int)ting_golden_int(g, "output_size"),
        .heads = (int)ting_golden_int(g, "attention_heads"),
        .layers = (int)ting_golden_int(g, "num_blocks"),
        .feedforward = (int)ting_golden_int(g, "linear_units"),
        .macaron = ting_golden_bool(g, "macaron_style"),
        .kernel = (int)ting_golden_int(g, "cnn_module_kernel"),
        .causal = ting_golden_bool(g, "causal"),
        .norm = strcmp(ting_golden_string(g, "cnn_module_norm"), "batch_norm") == 0 ? TING_CONV_BATCH_NORM
                                                                                    : TING_CONV_LAYER_NORM,
        .positions = relative ? TING_POSITIONS_RELATIVE : TING_POSITIONS_ABSOLUTE,
        .act = strcmp(ting_golden_string(g, "activation_type"), "relu") == 0 ? TING_ACT_RELU : TING_ACT_SILU,
    };
}

/* The padded batch in.x [B, T, F] as segments, normalised by the file's mean and deviation; x gets a gradient. */
static void read_input(struct run *r)
{
    ting_golden *g = r->g;
    const int batch = ting_golden_dim(g, "in.x", 0), frames = ting_golden_dim(g, "in.x", 1);
    const int features = ting_golden_dim(g, "in.x", 2);
    const ting_real *x = ting_golden_reals(g, "in.x", NULL), *mean = NULL;
    const int *lens = ting_golden_ints(g, "in.x_lens", NULL);
    int *start = ting_ctx_ints(&g->ctx, batch + 1);
    start[0] = 0;
    for (int b = 0; b < batch; b++)
        start[b + 1] = start[b] + lens[b];
    if (ting_golden_has(g, "w.encoder.global_cmvn.mean")) {
        mean = ting_golden_reals(g, "w.encoder.global_cmvn.mean", NULL);
        r->scale = ting_golden_reals(g, "w.encoder.global_cmvn.istd", NULL);
    }
    g->ctx.tape = &g->tape; /* only for the gradient's memory */
    r->x = ting_ctx_output(&g->ctx, start[batch], features);
    g->ctx.tape = NULL;
    for (int b = 0; b < batch && r->x.data != NULL; b++)
        for (int t = 0; t < lens[b]; t++)
            for (int f = 0; f < features; f++) {
                const ting_real value = x[((size_t)b * (size_t)frames + (size_t)t) * (size_t)features + (size_t)f];
                ting_row(r->x, start[b] + t)[f] = mean != NULL ? (value - mean[f]) * r->scale[f] : value;
            }
    r->segments = (ting_segments){batch, start};
}

/* Compares segment after segment with a padded [B, T, D], if the file has it. */
static void compare_padded(struct run *r, const char *prefix, const char *name, ting_tensor got, ting_segments segments)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    if (!ting_golden_has(r->g, full))
        return;
    const size_t padded = (size_t)ting_golden_dim(r->g, full, 1) * (size_t)ting_golden_dim(r->g, full, 2);
    for (int s = 0; s < segments.count; s++)
        ting_golden_compare_tensor(r->g, full, (size_t)s * padded,
                                   ting_rows(got, segments.start[s], segments.start[s + 1] - segments.start[s]));
}

static ting_tensor encode(struct run *r, int chunk, int left, const char *prefix)
{
    int *out = ting_ctx_ints(&r->g->ctx, r->segments.count + 1);
    ting_tensor y = ting_conformer_forward(&r->g->ctx, r->model, r->x, r->segments,
                                           &(ting_conformer_mode){.chunk = chunk, .left = left}, out);
    r->out = (ting_segments){r->segments.count, out};
    if (r->g->ctx.err == TING_OK)
        compare_padded(r, prefix, "encoder", y, r->out);
    return y;
}

/* The gradient of the file is that of the values before the normalisation. */
static void compare_input_gradient(struct run *r)
{
    ting_tensor g = r->x;
    g.data = g.grad;
    for (int t = 0; t < g.rows; t++)
        for (int f = 0; r->scale != NULL && f < g.cols; f++)
            ting_row(g, t)[f] *= r->scale[f];
    compare_padded(r, "grad.", "x", g, r->segments);
}

static void compare_statistics(struct run *r)
{
    for (int i = 0; i < ting_params_count(r->params); i++) {
        const ting_param *p = ting_params_at(r->params, i);
        char name[160];
        snprintf(name, sizeof name, "out.%s", p->name);
        if (ting_golden_has(r->g, name))
            ting_golden_compare_tensor(r->g, name, 0, ting_param_row(p));
    }
}

static ting_tensor ctc_of(struct run *r, ting_tensor logits)
{
    ting_golden *g = r->g;
    const int *target_lens = ting_golden_ints(g, "in.target_lens", NULL), *padded = ting_golden_ints(g, "in.targets", NULL);
    const int width = ting_golden_dim(g, "in.targets", 1);
    int *start = ting_ctx_ints(&g->ctx, r->out.count + 1), *targets = ting_ctx_ints(&g->ctx, r->out.count * width + 1);
    if (start == NULL || targets == NULL)
        return (ting_tensor){0};
    start[0] = 0;
    for (int s = 0; s < r->out.count; s++) {
        start[s + 1] = start[s] + target_lens[s];
        memcpy(targets + start[s], padded + s * width, (size_t)target_lens[s] * sizeof *targets);
    }
    ting_tensor sum = ting_ctc_loss(&g->ctx, logits, r->out, targets, (ting_segments){r->out.count, start}, NULL);
    return ting_scale(&g->ctx, sum, 1 / (ting_real)r->out.count);
}

/* With the chunks that the loss and the gradients were taken with: logits. */
static ting_tensor logits_of(struct run *r, ting_tensor *encoded)
{
    const int chunk = (int)ting_golden_int(r->g, "loss_chunk_size");
    *encoded = encode(r, chunk > 0 ? chunk : 0, (int)ting_golden_int(r->g, "loss_left_chunks"), "out.");
    return ting_ctc_head_logits(&r->g->ctx, &r->head, *encoded);
}

/* The loss alone, for a training. */
static ting_tensor loss(void *self)
{
    ting_tensor encoded;
    return ctc_of(self, logits_of(self, &encoded));
}

/* Outputs, loss, gradients, running statistics. */
static void with_loss(struct run *r)
{
    ting_golden *g = r->g;
    ting_tensor y;
    g->tape = (ting_tape){0};
    g->ctx.tape = &g->tape;
    g->ctx.training = ting_golden_bool(g, "training_mode");
    ting_tensor logits = logits_of(r, &y);
    if (g->ctx.err != TING_OK)
        return;
    int *lens = ting_ctx_ints(&g->ctx, r->out.count);
    for (int s = 0; s < r->out.count; s++)
        lens[s] = r->out.start[s + 1] - r->out.start[s];
    ting_golden_compare_ints(g, "out.lens", 0, lens, (size_t)r->out.count);
    compare_padded(r, "out.", "log_probs", ting_ctc_head_log_probs(&g->ctx, logits), r->out);
    ting_tensor sum = ctc_of(r, logits);
    ting_golden_compare_tensor(g, "out.ctc_loss", 0, sum);
    if (g->ctx.err == TING_OK) {
        sum.grad[0] = 1;
        ting_tape_backward(&g->ctx, &g->tape);
        ting_golden_compare_gradients(g, r->params);
        compare_input_gradient(r);
        compare_statistics(r);
    }
    g->ctx.training = false;
    g->ctx.tape = NULL;
}

/* ---- streaming ---- */

/* Streams the first utterance, `step` chunks a call and what is left in the last one; the rows of all calls. */
static ting_tensor stream(struct run *r, ting_conformer_state *state, int step)
{
    ting_ctx *ctx = &r->g->ctx;
    const int frames = r->segments.start[1], rows = ting_conformer_rows(&r->config, frames);
    ting_tensor all = ting_ctx_constant(ctx, rows, r->config.dim);
    for (int at = 0, done = 0; done < rows && ctx->err == TING_OK;) {
        int take = ting_conformer_frames(r->model, state, step), out[2];
        take = take < frames - at ? take : frames - at;
        const int start[2] = {0, take};
        ting_tensor y = ting_conformer_forward(ctx, r->model, ting_rows(r->x, at, take), (ting_segments){1, start},
                                               &(ting_conformer_mode){.states = &state}, out);
        for (int t = 0; t < y.rows; t++)
            memcpy(ting_row(all, done + t), ting_row(y, t), (size_t)y.cols * sizeof *y.data);
        at += take;
        done += y.rows;
    }
    return all;
}

static ting_err streaming(struct run *r, int chunk, int left, const char *name)
{
    ting_err err = TING_OK;
    ting_conformer_state *state = NULL;
    TRY(ting_conformer_state_new(r->model, chunk, left, &state));
    ting_tensor y = stream(r, state, 1);
    TRY(r->g->ctx.err);
    ting_golden_compare_tensor(r->g, name, 0, y);
    for (int step = 2; step < 4; step++) {
        ting_conformer_state_reset(state);
        ting_tensor again = stream(r, state, step);
        TRY(r->g->ctx.err);
        if (memcmp(y.data, again.data, (size_t)y.rows * (size_t)y.cols * sizeof *y.data) != 0)
            FAIL(TING_ERR_NUMERIC, "streaming %d chunks a call differs from one chunk a call", step);
    }
out:
    ting_conformer_state_free(state);
    return err;
}

ting_err ting_golden_conformer_wenet(ting_golden *g)
{
    ting_err err = TING_OK;
    struct run r = {.g = g, .params = ting_params_new()};
    char name[96], prefix[64];
    read_config(g, &r.config);
    if (r.params == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_conformer_new(&r.config, r.params, &r.model));
    r.head = ting_ctc_head_declare(r.params, "ctc.ctc_lo", (int)ting_golden_int(g, "vocab_size"), r.config.dim);
    TRY(ting_golden_load(g, r.params));
    read_input(&r);
    if (ting_golden_has(g, "out.losses"))
        TRY(ting_golden_train(g, r.params, loss, &r));
    else
        with_loss(&r);
    TRY(g->ctx.err);
    if (ting_golden_has(g, "out.full.encoder"))
        encode(&r, 0, 0, "out.full.");
    for (int chunk = 1; chunk <= 32; chunk++)
        for (int left = -1; left <= 8; left++) {
            snprintf(prefix, sizeof prefix, "out.chunk%d.left%d.", chunk, left);
            snprintf(name, sizeof name, "%sencoder", prefix);
            if (ting_golden_has(g, name))
                encode(&r, chunk, left, prefix);
            snprintf(name, sizeof name, "out.stream%d.left%d.encoder", chunk, left);
            if (ting_golden_has(g, name))
                TRY(streaming(&r, chunk, left, name));
        }
    err = g->ctx.err;
out:
    ting_conformer_free(r.model);
    ting_params_free(r.params);
    return err;
}
