/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_rnn_family.c - language models of LSTM layers, one direction or both: embedding, layers with
 * initial states, linear, mean cross-entropy; torch's parameter names. Other cells and models of the
 * family are not built.
 */
#include "golden/golden.h"

#include "loss/cross_entropy.h"
#include "model/linear.h"
#include "nn/op.h"

#include <string.h>

enum { MAX_LAYERS = 16 };

typedef struct network {
    int layers, directions, width, hidden, classes;
    ting_params *params;
    const ting_param *table;
    ting_linear_params out;
    ting_recurrent_weights lstm[2 * MAX_LAYERS];
} network;

static void declare(network *net)
{
    static const char *const suffix[2] = {"", "_reverse"};
    ting_params *params = net->params;
    const int h = net->hidden;
    net->table = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){net->classes, net->width}, "embedding.weight");
    for (int i = 0; i < net->layers * net->directions; i++) {
        const int layer = i / net->directions;
        const char *end = suffix[i % net->directions];
        const int k = layer == 0 ? net->width : net->directions * h;
        net->lstm[i] = (ting_recurrent_weights){
            .w_ih = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){4 * h, k}, "rnn.weight_ih_l%d%s", layer, end),
            .w_hh = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){4 * h, h}, "rnn.weight_hh_l%d%s", layer, end),
            .b_ih = ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){4 * h}, "rnn.bias_ih_l%d%s", layer, end),
            .b_hh = ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){4 * h}, "rnn.bias_hh_l%d%s", layer, end)};
    }
    net->out = ting_linear_declare(params, net->classes, net->directions * h, "", "linear");
}

/* The initial states [layers directions, batch, h] as one tensor with a gradient; none when the file has none. */
static ting_tensor state(ting_golden *g, const char *name, int rows, int cols)
{
    if (!ting_golden_has(g, name))
        return (ting_tensor){0};
    ting_tensor t = ting_ctx_output(&g->ctx, rows, cols);
    size_t count;
    const ting_real *values = ting_golden_reals(g, name, &count);
    if (count != (size_t)rows * (size_t)cols)
        ting_ctx_fail(&g->ctx, TING_ERR_FORMAT, "%s has %zu elements, expected %d x %d", name, count, rows, cols);
    else if (t.data != NULL)
        memcpy(t.data, values, count * sizeof *values);
    return t;
}

static ting_tensor part(ting_tensor state, int index, int batch)
{
    return state.rows == 0 ? state : ting_rows(state, index * batch, batch);
}

static ting_tensor forward(ting_golden *g, const network *net, const int *tokens, ting_segments segments, ting_tensor h0,
                           ting_tensor c0)
{
    const int batch = segments.count;
    const size_t state_size = (size_t)batch * (size_t)net->hidden;
    ting_tensor x = ting_embedding(&g->ctx, tokens, segments.start[batch], net->table);
    for (int layer = 0; layer < net->layers; layer++) {
        ting_tensor side[2];
        for (int d = 0; d < net->directions; d++) {
            const int i = layer * net->directions + d;
            ting_tensor hn, cn;
            side[d] = ting_lstm(&g->ctx, x, segments, &net->lstm[i], d == 1, part(h0, i, batch), part(c0, i, batch), &hn,
                                &cn);
            if (g->ctx.err != TING_OK)
                return x;
            ting_golden_compare_tensor(g, "out.hn", (size_t)i * state_size, hn);
            ting_golden_compare_tensor(g, "out.cn", (size_t)i * state_size, cn);
        }
        x = net->directions == 2 ? ting_concat_cols(&g->ctx, side, 2) : side[0];
    }
    return x;
}

static ting_err run(ting_golden *g, const network *net)
{
    ting_err err = TING_OK;
    const int batch = ting_golden_dim(g, "in.tokens", 0), steps = ting_golden_dim(g, "in.tokens", 1);
    const int *tokens = ting_golden_ints(g, "in.tokens", NULL), *targets = ting_golden_ints(g, "in.targets", NULL);
    int *start = ting_ctx_ints(&g->ctx, batch + 1);
    if (start == NULL || tokens == NULL || targets == NULL)
        return g->ctx.err;
    for (int s = 0; s <= batch; s++)
        start[s] = s * steps;
    g->ctx.tape = &g->tape;
    const int states = net->layers * net->directions * batch;
    ting_tensor h0 = state(g, "in.h0", states, net->hidden), c0 = state(g, "in.c0", states, net->hidden);
    ting_tensor x = forward(g, net, tokens, (ting_segments){.count = batch, .start = start}, h0, c0);
    ting_tensor logits = ting_linear_apply(&g->ctx, x, net->out, TING_ACT_NONE);
    ting_tensor loss = ting_cross_entropy(&g->ctx, logits, targets, NULL);
    TRY(g->ctx.err);
    ting_golden_compare_tensor(g, "out.rnn", 0, x);
    ting_golden_compare_tensor(g, "out.logits", 0, logits);
    ting_golden_compare_tensor(g, "out.loss", 0, loss);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&g->ctx, &g->tape));
    ting_golden_compare_gradients(g, net->params);
    if (h0.rows > 0)
        ting_golden_compare(g, "grad.h0", 0, h0.grad, (size_t)h0.rows * (size_t)h0.cols);
    if (c0.rows > 0)
        ting_golden_compare(g, "grad.c0", 0, c0.grad, (size_t)c0.rows * (size_t)c0.cols);
out:
    return err;
}

ting_err ting_golden_rnn_family(ting_golden *g)
{
    ting_err err = TING_OK;
    network net = {0};
    if (!ting_golden_has_setting(g, "cell") || strcmp(ting_golden_string(g, "cell"), "lstm") != 0) {
        ting_golden_not_built(g);
        return TING_OK;
    }
    net.layers = ting_golden_has_setting(g, "num_layers") ? (int)ting_golden_int(g, "num_layers") : 1;
    net.directions = ting_golden_has_setting(g, "bidirectional") && ting_golden_bool(g, "bidirectional") ? 2 : 1;
    net.width = (int)ting_golden_int(g, "embedding_dim");
    net.hidden = (int)ting_golden_int(g, "hidden_size");
    net.classes = (int)ting_golden_int(g, "vocab_size");
    if (net.layers < 1 || net.layers > MAX_LAYERS)
        FAIL(TING_ERR_UNSUPPORTED, "%d layers, at most %d are tested", net.layers, MAX_LAYERS);
    net.params = ting_params_new();
    if (net.params == NULL)
        return TING_ERR_MEMORY;
    declare(&net);
    TRY(ting_golden_load(g, net.params));
    TRY(run(g, &net));
out:
    ting_params_free(net.params);
    return err;
}
