/* SPDX-License-Identifier: Apache-2.0 */
/* kind_transformer_s2s.c - the encoder-decoder: memory, logits, loss and all gradients of a ragged batch. */
#include "golden/golden.h"

#include "loss/cross_entropy.h"
#include "model/p2h_tables.h"
#include "model/transformer_s2s.h"

static ting_s2s_shape read_shape(ting_golden *g)
{
    return (ting_s2s_shape){
        .syllables = (int)ting_golden_int(g, "syllables"),
        .characters = (int)ting_golden_int(g, "characters"),
        .encoder_layers = (int)ting_golden_int(g, "encoder_layers"),
        .decoder_layers = (int)ting_golden_int(g, "decoder_layers"),
        .tied = ting_golden_bool(g, "tied"),
        .layer = {.width = (int)ting_golden_int(g, "width"),
                  .heads = (int)ting_golden_int(g, "heads"),
                  .inner = (int)ting_golden_int(g, "inner"),
                  .norm = ting_golden_bool(g, "norm_before") ? TING_NORM_BEFORE : TING_NORM_AFTER,
                  .act = TING_ACT_RELU,
                  .eps = (ting_real)ting_golden_real(g, "layer_norm_eps")}};
}

/* Lengths, each made `longer`, to segments. */
static ting_segments read_segments(ting_golden *g, const char *name, int longer)
{
    size_t count = 0;
    const int *lens = ting_golden_ints(g, name, &count);
    int *start = ting_ctx_ints(&g->ctx, (int)count + 1);
    if (start == NULL)
        return (ting_segments){0};
    start[0] = 0;
    for (size_t s = 0; s < count; s++)
        start[s + 1] = start[s] + lens[s] + longer;
    return (ting_segments){(int)count, start};
}

ting_err ting_golden_transformer_s2s(ting_golden *g)
{
    ting_err err = TING_OK;
    const ting_s2s_shape shape = read_shape(g);
    ting_params *params = ting_params_new();
    ting_s2s_net *net = NULL;
    TRY(ting_s2s_shape_check(&shape));
    net = params != NULL ? ting_s2s_net_new(&shape, params) : NULL;
    if (net == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_golden_load(g, params));
    const int *syllables = ting_golden_ints(g, "in.syllables", NULL);
    const int *characters = ting_golden_ints(g, "in.characters", NULL);
    ting_segments spoken = read_segments(g, "in.syllable_lens", 0), written = read_segments(g, "in.character_lens", 1);
    TRY(g->ctx.err);
    const int total = written.start[written.count];
    int *in = ting_ctx_ints(&g->ctx, total), *targets = ting_ctx_ints(&g->ctx, total);
    TRY(g->ctx.err);
    for (int s = 0; s < written.count; s++)
        for (int t = written.start[s]; t < written.start[s + 1]; t++) {
            in[t] = t == written.start[s] ? TING_P2H_BEGIN : characters[t - s - 1];
            targets[t] = t + 1 == written.start[s + 1] ? TING_P2H_END : characters[t - s];
        }
    g->ctx.tape = &g->tape;
    ting_tensor memory = ting_s2s_encode(&g->ctx, net, syllables, spoken);
    ting_tensor hidden = ting_s2s_decode(&g->ctx, net, memory, spoken, in, written, NULL);
    ting_tensor logits = ting_s2s_logits(&g->ctx, net, hidden);
    ting_tensor loss = ting_cross_entropy(&g->ctx, logits, targets, NULL);
    TRY(g->ctx.err);
    ting_golden_compare_tensor(g, "out.memory", 0, memory);
    ting_golden_compare_tensor(g, "out.logits", 0, logits);
    ting_golden_compare(g, "out.loss", 0, loss.data, 1);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&g->ctx, &g->tape));
    ting_golden_compare_gradients(g, params);
out:
    g->ctx.tape = NULL;
    ting_s2s_net_free(net);
    ting_params_free(params);
    return err;
}
