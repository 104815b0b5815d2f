/* SPDX-License-Identifier: Apache-2.0 */
/* kind_rnn_bahdanau.c - the encoder and decoder with additive attention of the kind rnn-family. */
#include "golden/kind_rnn_family.h"

#include "model/bahdanau.h"

#include <stdio.h>
#include <string.h>

/* out.attention [batch, steps, longest source]: all targets have the same length, so they stand in order. */
static void see_attention(void *self, const char *name, ting_tensor value)
{
    ting_golden *g = self;
    int step;
    if (sscanf(name, "attention.%d", &step) != 1)
        return;
    const size_t steps = (size_t)ting_golden_dim(g, "out.attention", 1), longest = (size_t)ting_golden_dim(g, "out.attention", 2);
    for (int s = 0; s < value.rows; s++)
        ting_golden_compare(g, "out.attention", ((size_t)s * steps + (size_t)step) * longest, ting_row(value, s),
                            (size_t)value.cols < longest ? (size_t)value.cols : longest);
}

/* in.src [batch, longest] without its padding. */
static int *without_padding(ting_golden *g, int batch, int longest, ting_segments *segments)
{
    const int *padded = ting_golden_ints(g, "in.src", NULL), *lengths = ting_golden_ints(g, "in.src_lens", NULL);
    int *ids = ting_ctx_ints(&g->ctx, batch * longest), *start = ting_ctx_ints(&g->ctx, batch + 1);
    if (g->ctx.err != TING_OK)
        return NULL;
    start[0] = 0;
    for (int s = 0; s < batch; s++) {
        memcpy(ids + start[s], padded + s * longest, (size_t)lengths[s] * sizeof *ids);
        start[s + 1] = start[s] + lengths[s];
    }
    *segments = (ting_segments){batch, start};
    return ids;
}

static ting_err run_bahdanau(ting_golden *g, const ting_bahdanau_net *net, ting_params *params)
{
    ting_err err = TING_OK;
    const int batch = ting_golden_dim(g, "in.src", 0), longest = ting_golden_dim(g, "in.src", 1);
    ting_segments sources = {0};
    const int *source = without_padding(g, batch, longest, &sources), *target = ting_golden_ints(g, "in.tgt_in", NULL);
    const ting_segments targets = ting_golden_equal_segments(g, batch, ting_golden_dim(g, "in.tgt_in", 1));
    const ting_tap tap = {see_attention, g};
    g->ctx.tape = &g->tape;
    g->ctx.tap = &tap;
    TRY(g->ctx.err);
    ting_tensor memory = ting_bahdanau_encode(&g->ctx, net, source, sources);
    ting_tensor hidden = ting_bahdanau_decode(&g->ctx, net, memory, sources, target, targets, NULL);
    ting_tensor logits = ting_bahdanau_logits(&g->ctx, net, hidden);
    TRY(g->ctx.err);
    for (int s = 0; s < batch; s++)
        ting_golden_compare_tensor(g, "out.encoder", (size_t)s * (size_t)longest * (size_t)memory.cols,
                                   ting_rows(memory, sources.start[s], sources.start[s + 1] - sources.start[s]));
    ting_golden_compare_tensor(g, "out.logits", 0, logits);
    TRY(ting_golden_finish(g, logits, NULL, params));
out:
    g->ctx.tap = NULL;
    return err;
}

ting_err ting_golden_bahdanau(ting_golden *g)
{
    ting_err err = TING_OK;
    const ting_bahdanau_shape shape = {.syllables = (int)ting_golden_int(g, "src_vocab"),
                                       .characters = (int)ting_golden_int(g, "tgt_vocab"),
                                       .width = (int)ting_golden_int(g, "embedding_dim"),
                                       .hidden = (int)ting_golden_int(g, "hidden_size"),
                                       .attention = (int)ting_golden_int(g, "attention_dim")};
    ting_bahdanau_net *net = NULL;
    ting_params *params = ting_params_new();
    if (params == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_bahdanau_shape_check(&shape));
    net = ting_bahdanau_net_new(&shape, params);
    if (net == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for the network");
    TRY(ting_golden_load(g, params));
    TRY(run_bahdanau(g, net, params));
out:
    ting_bahdanau_net_free(net);
    ting_params_free(params);
    return err;
}
