/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_transformer_p2h.c - the one-to-one pinyin-to-hanzi network: encoder, detour, logits, loss per utterance and all
 * gradients. The reference pads with token 0; here the padding is cut off, which must change nothing.
 */
#include "golden/golden.h"

#include "loss/cross_entropy.h"
#include "model/transformer_p2h.h"

#include <stdio.h>
#include <string.h>

struct run {
    ting_golden *g;
    ting_segments segments;
    int padded; /* tokens of an utterance with its padding */
    int layers;
};

/* Compares segment after segment with a padded [B, T, D]. */
static void compare_padded(const struct run *r, const char *name, ting_tensor got)
{
    for (int s = 0; s < r->segments.count; s++)
        ting_golden_compare_tensor(r->g, name, (size_t)s * (size_t)r->padded * (size_t)got.cols,
                                   ting_rows(got, r->segments.start[s], r->segments.start[s + 1] - r->segments.start[s]));
}

static void see(void *self, const char *name, ting_tensor value)
{
    const struct run *r = self;
    char last[32];
    snprintf(last, sizeof last, "enc_layers.%d", r->layers - 1);
    if (strcmp(name, last) == 0)
        compare_padded(r, "out.encoder", value);
    if (strcmp(name, "bert") == 0)
        compare_padded(r, "out.bert", value);
}

static ting_p2h_shape read_shape(ting_golden *g)
{
    int layers = (int)ting_golden_int(g, "num_layers");
    return (ting_p2h_shape){.syllables = (int)ting_golden_int(g, "input_vocab_size"),
                            .characters = (int)ting_golden_int(g, "target_vocab_size"),
                            .embedding = (int)ting_golden_int(g, "embedding_dim"),
                            .input_act = TING_ACT_ELU,
                            .layers = layers,
                            .layer = {.width = (int)ting_golden_int(g, "d_model"),
                                      .heads = (int)ting_golden_int(g, "num_heads"),
                                      .inner = (int)ting_golden_int(g, "dff"),
                                      .norm = TING_NORM_AFTER,
                                      .act = TING_ACT_RELU,
                                      .eps = (ting_real)ting_golden_real(g, "layer_norm_eps")},
                            .conv_taps = 3,
                            .detour_dim = (int)ting_golden_int(g, "bert_dim"),
                            .map_layers = layers - 1};
}

/* Tokens and targets without the padding, and the weight of each place in the loss: 1 / (its utterance's targets x B). */
static bool cut_padding(struct run *r, int **ids, int **targets, ting_real **weights)
{
    ting_golden *g = r->g;
    const int *tokens = ting_golden_ints(g, "in.tokens", NULL), *wanted = ting_golden_ints(g, "in.targets", NULL);
    const int batch = ting_golden_dim(g, "in.tokens", 0);
    r->padded = ting_golden_dim(g, "in.tokens", 1);
    int *start = ting_ctx_ints(&g->ctx, batch + 1);
    *ids = ting_ctx_ints(&g->ctx, batch * r->padded);
    *targets = ting_ctx_ints(&g->ctx, batch * r->padded);
    *weights = ting_ctx_reals(&g->ctx, (size_t)batch * (size_t)r->padded);
    if (g->ctx.err != TING_OK)
        return false;
    start[0] = 0;
    for (int b = 0; b < batch; b++) {
        int at = start[b], counted = 0;
        for (int t = 0; t < r->padded && tokens[b * r->padded + t] != 0; t++, at++) {
            int target = wanted[b * r->padded + t];
            (*ids)[at] = tokens[b * r->padded + t];
            (*targets)[at] = target == 0 ? -1 : target;
            counted += target != 0;
        }
        for (int t = start[b]; t < at; t++)
            (*weights)[t] = 1 / ((ting_real)counted * (ting_real)batch);
        start[b + 1] = at;
    }
    r->segments = (ting_segments){batch, start};
    return true;
}

/* The loss of each utterance alone; with the weights of cut_padding they are B times the shares of the whole. */
static void compare_losses(struct run *r, ting_tensor logits, const int *targets, const ting_real *weights)
{
    for (int s = 0; s < r->segments.count; s++) {
        int first = r->segments.start[s], count = r->segments.start[s + 1] - first;
        ting_tensor loss = ting_cross_entropy(&r->g->ctx, ting_rows(logits, first, count), targets + first,
                                              &(ting_cross_entropy_options){.sum = true, .weight = weights + first});
        if (loss.data == NULL)
            return;
        ting_real alone = loss.data[0] * (ting_real)r->segments.count;
        ting_golden_compare(r->g, "out.loss_per_utt", (size_t)s, &alone, 1);
    }
}

ting_err ting_golden_transformer_p2h(ting_golden *g)
{
    ting_err err = TING_OK;
    const ting_p2h_shape shape = read_shape(g);
    struct run r = {.g = g, .layers = shape.layers};
    const ting_tap tap = {see, &r};
    int *ids, *targets;
    ting_real *weights;
    ting_params *params = ting_params_new();
    ting_p2h_net *net = NULL;
    TRY(ting_p2h_shape_check(&shape));
    net = params != NULL ? ting_p2h_net_new(&shape, params) : NULL;
    if (net == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_golden_load(g, params));
    if (!cut_padding(&r, &ids, &targets, &weights))
        goto out;
    g->ctx.tap = &tap;
    g->ctx.tape = &g->tape;
    ting_tensor hidden = ting_p2h_net_forward(&g->ctx, net, ids, r.segments);
    ting_tensor logits = ting_p2h_net_logits(&g->ctx, net, hidden);
    ting_tensor loss = ting_cross_entropy(&g->ctx, logits, targets,
                                          &(ting_cross_entropy_options){.sum = true, .weight = weights});
    TRY(g->ctx.err);
    compare_padded(&r, "out.logits", logits);
    ting_golden_compare(g, "out.loss", 0, loss.data, 1);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&g->ctx, &g->tape));
    ting_golden_compare_gradients(g, params);
    g->ctx.tape = NULL;
    compare_losses(&r, logits, targets, weights);
out:
    g->ctx.tap = NULL;
    g->ctx.tape = NULL;
    ting_p2h_net_free(net);
    ting_params_free(params);
    return err != TING_OK ? err : g->ctx.err;
}
