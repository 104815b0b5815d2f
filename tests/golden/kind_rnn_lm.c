/* SPDX-License-Identifier: Apache-2.0 */
/* kind_rnn_lm.c - the networks of the kind rnn-family that are language models: nnlm, gpt. */
#include "golden/kind_rnn_family.h"

#include "model/lm_net.h"

#include <string.h>

typedef ting_err (*run_lm)(ting_golden *g, const ting_lm_net *net, ting_params *params);

static ting_err with_lm(ting_golden *g, const ting_lm_config *config, run_lm run)
{
    ting_err err = TING_OK;
    ting_lm_net *net = NULL;
    ting_params *params = ting_params_new();
    if (params == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_lm_config_check(config));
    net = ting_lm_net_new(config, params);
    if (net == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for the network");
    TRY(ting_golden_load(g, params));
    g->ctx.tape = &g->tape;
    TRY(run(g, net, params));
out:
    ting_lm_net_free(net);
    ting_params_free(params);
    return err;
}

/* Each context of the file is a segment, of whose rows the last is asked. */
static ting_err run_nnlm(ting_golden *g, const ting_lm_net *net, ting_params *params)
{
    ting_err err = TING_OK;
    const int rows = ting_golden_dim(g, "in.context", 0), n = ting_golden_dim(g, "in.context", 1);
    const ting_segments segments = ting_golden_equal_segments(g, rows, n);
    const int *ids = ting_golden_ints(g, "in.context", NULL), *targets = ting_golden_ints(g, "in.targets", NULL);
    int *wanted = ting_ctx_ints(&g->ctx, rows * n);
    TRY(g->ctx.err);
    for (int r = 0; r < rows * n; r++)
        wanted[r] = r % n == n - 1 ? targets[r / n] : -1;
    ting_tensor hidden = ting_lm_net_hidden(&g->ctx, net, ids, segments);
    ting_tensor logits = ting_lm_net_logits(&g->ctx, net, hidden);
    TRY(g->ctx.err);
    const int units = ting_lm_net_config(net)->hidden;
    for (int r = 0; r < rows; r++) {
        const ting_tensor row = ting_rows(hidden, r * n + n - 1, 1);
        ting_golden_compare_tensor(g, "out.hidden", (size_t)r * (size_t)units, ting_cols(row, hidden.cols - units, units));
        ting_golden_compare_tensor(g, "out.logits", (size_t)r * (size_t)logits.cols, ting_rows(logits, r * n + n - 1, 1));
    }
    TRY(ting_golden_finish(g, logits, wanted, params));
out:
    return err;
}

ting_err ting_golden_nnlm(ting_golden *g)
{
    const ting_lm_config config = {.kind = TING_LM_NNLM,
                                   .tokens = (int)ting_golden_int(g, "vocab_size"),
                                   .width = (int)ting_golden_int(g, "embedding_dim"),
                                   .hidden = (int)ting_golden_int(g, "hidden_size"),
                                   .context = (int)ting_golden_int(g, "context"),
                                   .direct = ting_golden_has(g, "w.W")};
    return with_lm(g, &config, run_nnlm);
}

static ting_err run_gpt(ting_golden *g, const ting_lm_net *net, ting_params *params)
{
    ting_err err = TING_OK;
    const ting_segments segments =
        ting_golden_equal_segments(g, ting_golden_dim(g, "in.tokens", 0), ting_golden_dim(g, "in.tokens", 1));
    const int *ids = ting_golden_ints(g, "in.tokens", NULL);
    TRY(g->ctx.err);
    ting_tensor hidden = ting_lm_net_hidden(&g->ctx, net, ids, segments);
    ting_tensor logits = ting_lm_net_logits(&g->ctx, net, hidden);
    TRY(g->ctx.err);
    ting_golden_compare_tensor(g, "out.hidden", 0, hidden);
    ting_golden_compare_tensor(g, "out.logits", 0, logits);
    TRY(ting_golden_finish(g, logits, NULL, params));
out:
    return err;
}

ting_err ting_golden_gpt(ting_golden *g)
{
    const bool tied = !ting_golden_has_setting(g, "tied_embedding") || ting_golden_bool(g, "tied_embedding");
    const bool before = ting_golden_has_setting(g, "norm") && strcmp(ting_golden_string(g, "norm"), "post") != 0;
    const bool by_tanh = !ting_golden_has_setting(g, "gelu") || strncmp(ting_golden_string(g, "gelu"), "tanh", 4) == 0;
    const ting_lm_config config = {.kind = TING_LM_GPT,
                                   .tokens = (int)ting_golden_int(g, "vocab_size"),
                                   .width = (int)ting_golden_int(g, "d_model"),
                                   .hidden = (int)ting_golden_int(g, "d_ff"),
                                   .layers = (int)ting_golden_int(g, "n_layer"),
                                   .context = (int)ting_golden_int(g, "n_positions"),
                                   .heads = (int)ting_golden_int(g, "n_head"),
                                   .tied = tied,
                                   .norm = before ? TING_NORM_BEFORE : TING_NORM_AFTER,
                                   .act = by_tanh ? TING_ACT_GELU_TANH : TING_ACT_GELU,
                                   .eps = (ting_real)ting_golden_real(g, "layer_norm_eps")};
    return with_lm(g, &config, run_gpt);
}
