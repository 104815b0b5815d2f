/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_transducer.c - predictor and joiner. The loss is not built: its tensors stay uncompared, and so do all
 * gradients of the files, which are those of the loss; files without a model are listed as not built.
 */
#include "golden/golden.h"

#include "model/transducer.h"

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

ting_err ting_golden_transducer(ting_golden *g)
{
    ting_err err = TING_OK;
    ting_transducer *model = NULL;
    if (!ting_golden_has_setting(g, "context_size")) {
        ting_golden_not_built(g);
        return TING_OK;
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
    err = g->ctx.err;
out:
    ting_transducer_free(model);
    ting_params_free(params);
    return err;
}
