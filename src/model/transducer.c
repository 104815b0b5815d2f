/* SPDX-License-Identifier: Apache-2.0 */
/* transducer.c - see transducer.h. */
#include "model/transducer.h"

#include "base/mem.h"
#include "model/linear.h"
#include "nn/op.h"
#include "nn/steer.h"

struct ting_transducer {
    ting_transducer_config config;
    const ting_param *embedding, *conv; /* conv NULL with a context of 1 */
    ting_linear_params encoder, decoder, output; /* of the joiner */
};

ting_err ting_transducer_check(const ting_transducer_config *c)
{
    const int groups = c->groups == 0 ? c->decoder_dim / 4 : c->groups;
    const int sizes[] = {c->vocab, c->encoder_dim, c->decoder_dim, c->joiner_dim};
    for (int i = 0; i < 4; i++)
        if (sizes[i] < 1 || sizes[i] > 1 << 20)
            return ting_fail(TING_ERR_MODEL, "transducer: a size of %d, expected 1 to 1048576",
                             sizes[i]);
    if (c->context < 1 || c->context > TING_TRANSDUCER_MAX_CONTEXT)
        return ting_fail(TING_ERR_MODEL,
                         "transducer: a predictor that sees %d tokens, expected 1 to %d",
                         c->context, TING_TRANSDUCER_MAX_CONTEXT);
    if (c->context > 1 && (groups < 1 || c->decoder_dim % groups != 0))
        return ting_fail(TING_ERR_MODEL,
                         "transducer: %d groups do not divide the predictor's %d channels",
                         groups, c->decoder_dim);
    if (c->blank < 0 || c->blank >= c->vocab)
        return ting_fail(TING_ERR_MODEL, "transducer: blank is token %d of %d", c->blank, c->vocab);
    return TING_OK;
}

ting_err ting_transducer_new(const ting_transducer_config *config, ting_params *params,
                             ting_transducer **out)
{
    ting_err err = TING_OK;
    ting_transducer *model = NULL;
    ting_transducer_config c = *config;
    *out = NULL;
    if (c.groups == 0)
        c.groups = c.decoder_dim / 4;
    TRY(ting_transducer_check(&c));
    model = ting_alloc(1, sizeof *model);
    if (model == NULL)
        return TING_ERR_MEMORY;
    model->config = c;
    model->embedding = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){c.vocab, c.decoder_dim}, "decoder.embedding.weight"),
        ting_init_normal(1));
    if (c.context > 1) { /* with it the check looks at the groups */
        const int group = c.decoder_dim / c.groups;
        model->conv = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 3,
                                                      (int[]){c.decoder_dim, group, c.context}, "decoder.conv.weight"),
                                      ting_init_fan_in(group * c.context));
    }
    model->encoder = ting_linear_declare_scaled(params, c.joiner_dim, c.encoder_dim, 0.25, "joiner.", "encoder_proj");
    model->decoder = ting_linear_declare_scaled(params, c.joiner_dim, c.decoder_dim, 0.25, "joiner.", "decoder_proj");
    model->output = ting_linear_declare(params, c.vocab, c.joiner_dim, "joiner.", "output_linear");
    TRY(ting_params_declared(params));
    *out = model;
    model = NULL;
out:
    ting_free(model);
    return err;
}

void ting_transducer_free(ting_transducer *model)
{
    ting_free(model);
}

const ting_transducer_config *ting_transducer_settings(const ting_transducer *model)
{
    return &model->config;
}

/* Training keeps embeddings from drifting, which an average of the weights would take badly (decoder.py). */
static const ting_balance_rule balance = {TING_FLAT(0), TING_FLAT(1), TING_FLAT(0.5), TING_FLAT(1), TING_FLAT(0.05)};

ting_tensor ting_transducer_predict(ting_ctx *ctx, const ting_transducer *model, const int *ids,
                                    ting_segments segments)
{
    const ting_transducer_config *c = &model->config;
    ting_tensor y = ting_embedding(ctx, ids, segments.start[segments.count], model->embedding);
    y = ting_balance(ctx, y, &balance);
    if (c->context == 1)
        return y;
    y = ting_conv1d(ctx, y, segments, model->conv, NULL, c->context - 1, c->groups);
    return ting_balance(ctx, ting_activate(ctx, TING_ACT_RELU, y), &balance);
}

ting_tensor ting_transducer_contexts(ting_ctx *ctx, const ting_transducer *model,
                                     const int *contexts, int count)
{
    int length = model->config.context;
    int *start = ting_ctx_ints(ctx, count + 1);
    for (int i = 0; start != NULL && i <= count; i++)
        start[i] = i * length;
    if (start == NULL)
        return (ting_tensor){0};
    ting_tensor all = ting_transducer_predict(ctx, model, contexts, (ting_segments){count, start});
    if (ctx->err != TING_OK)
        return all;
    ting_tensor last =
        ting_rows(all, length - 1, count); /* of each context, the row that saw all of it */
    last.ld = length * all.ld;
    return ting_transducer_project_decoder(ctx, model, last);
}

ting_tensor ting_transducer_project_encoder(ting_ctx *ctx, const ting_transducer *model,
                                            ting_tensor rows)
{
    return ting_linear_apply(ctx, rows, model->encoder, TING_ACT_NONE);
}

ting_tensor ting_transducer_project_decoder(ting_ctx *ctx, const ting_transducer *model,
                                            ting_tensor rows)
{
    return ting_linear_apply(ctx, rows, model->decoder, TING_ACT_NONE);
}

ting_tensor ting_transducer_join(ting_ctx *ctx, const ting_transducer *model, ting_tensor e,
                                 ting_tensor d)
{
    ting_tensor sum = ting_activate(ctx, TING_ACT_TANH, ting_add(ctx, d, e));
    return ting_linear_apply(ctx, sum, model->output, TING_ACT_NONE);
}

ting_tensor ting_transducer_join_pairs(ting_ctx *ctx, const ting_transducer *model, ting_tensor e, const int *ie, ting_tensor d,
                                       const int *id, int count)
{
    ting_tensor sum = ting_activate(ctx, TING_ACT_TANH, ting_pair_add(ctx, e, ie, d, id, count));
    return ting_linear_apply(ctx, sum, model->output, TING_ACT_NONE);
}
