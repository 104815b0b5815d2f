/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_transducer.c - predictor and joiner, alone and with the loss over the whole lattice and its gradients; files without
 * a model hold logits.
 */
#include "golden/golden.h"

#include "loss/transducer_loss.h"
#include "model/transducer.h"
#include "nn/op.h"

#include <stdio.h>
#include <string.h>

/* Logits of one utterance, [T, U, V]: the rows of the predictor with one encoder row at a time. */
static void compare_logits(ting_golden *g, const ting_transducer *model, int utterance,
                           ting_tensor e, ting_tensor d, int frames, int steps)
{
    size_t vocab = (size_t)ting_golden_dim(g, "out.logits", 3),
           lines = (size_t)ting_golden_dim(g, "out.logits", 2);
    size_t times = (size_t)ting_golden_dim(g, "out.logits", 1);
    for (int t = 0; t < frames; t++) {
        ting_tensor y =
            ting_transducer_join(&g->ctx, model, ting_rows(e, t, 1), ting_rows(d, 0, steps));
        if (g->ctx.err == TING_OK)
            ting_golden_compare_tensor(
                g, "out.logits", (((size_t)utterance * times + (size_t)t) * lines) * vocab, y);
    }
}

static void whole_sequences(ting_golden *g, const ting_transducer *model)
{
    int batch = ting_golden_dim(g, "in.decoder_in", 0),
        length = ting_golden_dim(g, "in.decoder_in", 1);
    int times = ting_golden_dim(g, "in.encoder_out", 1),
        dim = ting_golden_dim(g, "in.encoder_out", 2);
    const int *ids = ting_golden_ints(g, "in.decoder_in", NULL);
    const int *frames = ting_golden_ints(g, "in.encoder_lens", NULL);
    const int *labels = ting_golden_ints(g, "in.target_lens", NULL);
    ting_real *rows = ting_golden_reals(g, "in.encoder_out", NULL);
    for (int b = 0; b < batch && g->ctx.err == TING_OK; b++) {
        int start[2] = {0, labels[b] + 1};
        ting_tensor d =
            ting_transducer_predict(&g->ctx, model, ids + b * length, (ting_segments){1, start});
        if (g->ctx.err != TING_OK)
            return;
        ting_golden_compare_tensor(g, "out.decoder", (size_t)b * (size_t)length * (size_t)d.cols,
                                   d);
        ting_tensor e = {.data = rows + (size_t)b * (size_t)times * (size_t)dim,
                         .rows = frames[b],
                         .cols = dim,
                         .ld = dim};
        compare_logits(g, model, b, ting_transducer_project_encoder(&g->ctx, model, e),
                       ting_transducer_project_decoder(&g->ctx, model, d), frames[b],
                       labels[b] + 1);
    }
}

/* One step: contexts that are complete, as decoders have them, negative ids among them. */
static void single_steps(ting_golden *g, const ting_transducer *model)
{
    int count = ting_golden_dim(g, "in.step_in", 0), length = ting_golden_dim(g, "in.step_in", 1);
    const int *ids = ting_golden_ints(g, "in.step_in", NULL);
    for (int i = 0; i < count && g->ctx.err == TING_OK; i++) {
        int start[2] = {0, length};
        ting_tensor d =
            ting_transducer_predict(&g->ctx, model, ids + i * length, (ting_segments){1, start});
        if (g->ctx.err != TING_OK)
            return;
        ting_golden_compare_tensor(g, "out.decoder_step", (size_t)i * (size_t)d.cols,
                                   ting_rows(d, length - 1, 1));
    }
}

/* Runs backward from the loss; the tape began with the forward pass. */
static void backward(ting_golden *g, ting_tensor loss)
{
    if (g->ctx.err != TING_OK)
        return;
    loss.grad[0] = 1;
    ting_tape_backward(&g->ctx, &g->tape);
    g->ctx.tape = NULL;
}

/* Files of logits alone: in.logits<k> [T, U + 1, V]. */
static void losses(ting_golden *g)
{
    char name[48];
    for (int k = 0; k < ting_golden_list_length(g, "cases") && g->ctx.err == TING_OK; k++) {
        size_t labels;
        int frames[2] = {0}, starts[2] = {0};
        snprintf(name, sizeof name, "in.targets%d", k);
        const int *targets = ting_golden_ints(g, name, &labels);
        snprintf(name, sizeof name, "in.logits%d", k);
        const ting_real *values = ting_golden_reals(g, name, NULL);
        frames[1] = ting_golden_dim(g, name, 0);
        starts[1] = (int)labels;
        g->tape = (ting_tape){0};
        g->ctx.tape = &g->tape;
        ting_tensor x = ting_ctx_output(&g->ctx, frames[1] * (starts[1] + 1), ting_golden_dim(g, name, 2));
        memcpy(x.data, values, (size_t)x.rows * (size_t)x.cols * sizeof *values);
        ting_tensor loss = ting_transducer_loss(&g->ctx, x,
                                                &(ting_transducer_targets){.frames = {1, frames}, .labels = {1, starts},
                                                                           .targets = targets,
                                                                           .blank = (int)ting_golden_int(g, "blank")},
                                                NULL, NULL);
        snprintf(name, sizeof name, "out.loss%d", k);
        if (g->ctx.err == TING_OK)
            ting_golden_compare_tensor(g, name, 0, loss);
        backward(g, loss);
        x.data = x.grad;
        snprintf(name, sizeof name, "grad.logits%d", k);
        if (g->ctx.err == TING_OK)
            ting_golden_compare_tensor(g, name, 0, x);
    }
}

/* A padded batch [B, T, D] as ragged rows with a gradient. */
static ting_tensor ragged(ting_golden *g, const char *name, ting_segments segments)
{
    const ting_real *padded = ting_golden_reals(g, name, NULL);
    const size_t times = (size_t)ting_golden_dim(g, name, 1), dim = (size_t)ting_golden_dim(g, name, 2);
    ting_tensor x = ting_ctx_output(&g->ctx, segments.start[segments.count], (int)dim);
    for (int b = 0; b < segments.count && g->ctx.err == TING_OK; b++)
        memcpy(ting_row(x, segments.start[b]), padded + (size_t)b * times * dim,
               (size_t)(segments.start[b + 1] - segments.start[b]) * dim * sizeof *padded);
    return x;
}

/* Encoder rows and targets to the loss of the whole lattice, and all gradients. */
static void with_loss(ting_golden *g, const ting_transducer *model, ting_params *params)
{
    const int batch = ting_golden_dim(g, "in.decoder_in", 0), length = ting_golden_dim(g, "in.decoder_in", 1);
    const int width = ting_golden_dim(g, "in.targets", 1);
    const int *ids = ting_golden_ints(g, "in.decoder_in", NULL), *padded = ting_golden_ints(g, "in.targets", NULL);
    const int *frames = ting_golden_ints(g, "in.encoder_lens", NULL), *labels = ting_golden_ints(g, "in.target_lens", NULL);
    int *f = ting_ctx_ints(&g->ctx, batch + 1), *l = ting_ctx_ints(&g->ctx, batch + 1), *u = ting_ctx_ints(&g->ctx, batch + 1);
    int *targets = ting_ctx_ints(&g->ctx, batch * width + 1), *in = ting_ctx_ints(&g->ctx, batch * length + 1);
    f[0] = l[0] = u[0] = 0;
    for (int b = 0; b < batch; b++) {
        f[b + 1] = f[b] + frames[b];
        l[b + 1] = l[b] + labels[b];
        u[b + 1] = u[b] + labels[b] + 1;
        memcpy(targets + l[b], padded + b * width, (size_t)labels[b] * sizeof *targets);
        memcpy(in + u[b], ids + b * length, (size_t)(labels[b] + 1) * sizeof *in);
    }
    const ting_transducer_targets t = {.frames = {batch, f}, .labels = {batch, l}, .targets = targets,
                                       .blank = (int)ting_golden_int(g, "blank_id")};
    const int rows = ting_transducer_rows(&t);
    int *ia = ting_ctx_ints(&g->ctx, rows), *ib = ting_ctx_ints(&g->ctx, rows);
    ting_transducer_pairs(&t, ia, ib);
    g->tape = (ting_tape){0};
    g->ctx.tape = &g->tape;
    ting_tensor x = ragged(g, "in.encoder_out", t.frames);
    ting_tensor d = ting_transducer_predict(&g->ctx, model, in, (ting_segments){batch, u});
    ting_tensor logits = ting_transducer_join_pairs(&g->ctx, model, ting_transducer_project_encoder(&g->ctx, model, x), ia,
                                                    ting_transducer_project_decoder(&g->ctx, model, d), ib, rows);
    ting_real *each = ting_ctx_reals(&g->ctx, (size_t)batch);
    ting_tensor loss = ting_transducer_loss(&g->ctx, logits, &t, each, NULL);
    backward(g, loss);
    if (g->ctx.err != TING_OK)
        return;
    ting_golden_compare(g, "out.loss", 0, each, (size_t)batch);
    ting_golden_compare_gradients(g, params);
    ting_tensor grad = x;
    grad.data = x.grad;
    const size_t utterance = (size_t)ting_golden_dim(g, "grad.encoder_out", 1) * (size_t)x.cols;
    for (int b = 0; b < batch; b++)
        ting_golden_compare_tensor(g, "grad.encoder_out", (size_t)b * utterance, ting_rows(grad, f[b], frames[b]));
}

ting_err ting_golden_transducer(ting_golden *g)
{
    ting_err err = TING_OK;
    ting_transducer *model = NULL;
    if (!ting_golden_has_setting(g, "context_size")) {
        losses(g);
        return g->ctx.err;
    }
    ting_params *params = ting_params_new();
    if (params == NULL)
        return TING_ERR_MEMORY;
    ting_transducer_config config = {.vocab = (int)ting_golden_int(g, "vocab_size"),
                                     .context = (int)ting_golden_int(g, "context_size"),
                                     .encoder_dim = (int)ting_golden_int(g, "encoder_dim"),
                                     .decoder_dim = (int)ting_golden_int(g, "decoder_dim"),
                                     .joiner_dim = (int)ting_golden_int(g, "joiner_dim"),
                                     .blank = (int)ting_golden_int(g, "blank_id")};
    TRY(ting_transducer_new(&config, params, &model));
    TRY(ting_golden_load(g, params));
    whole_sequences(g, model);
    if (ting_golden_has(g, "in.step_in"))
        single_steps(g, model);
    if (ting_golden_has(g, "out.loss") && g->ctx.err == TING_OK)
        with_loss(g, model, params);
    err = g->ctx.err;
out:
    ting_transducer_free(model);
    ting_params_free(params);
    return err;
}
