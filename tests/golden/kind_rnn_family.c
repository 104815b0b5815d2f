/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_rnn_family.c - networks of the language-model literature, told apart by their configuration, and the stacks of recurrent
 * cells among them: embedding, layers with initial states in one direction or both, linear, mean cross-entropy; torch's
 * parameter names.
 */
#include "golden/kind_rnn_family.h"

#include "loss/cross_entropy.h"
#include "model/linear.h"
#include "model/recurrent_stack.h"

#include <string.h>

ting_segments ting_golden_equal_segments(ting_golden *g, int count, int steps)
{
    int *start = ting_ctx_ints(&g->ctx, count + 1);
    for (int s = 0; start != NULL && s <= count; s++)
        start[s] = s * steps;
    return (ting_segments){start == NULL ? 0 : count, start};
}

ting_err ting_golden_finish(ting_golden *g, ting_tensor logits, const int *targets, ting_params *params)
{
    ting_err err = TING_OK;
    targets = targets == NULL ? ting_golden_ints(g, "in.targets", NULL) : targets;
    TRY(g->ctx.err);
    ting_tensor loss = ting_cross_entropy(&g->ctx, logits, targets, NULL);
    TRY(g->ctx.err);
    ting_golden_compare_tensor(g, "out.loss", 0, loss);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&g->ctx, &g->tape));
    ting_golden_compare_gradients(g, params);
out:
    return err;
}

typedef struct network {
    int classes;
    ting_params *params;
    const ting_param *table;
    ting_recurrent_stack stack;
    ting_linear_params out;
} network;

/* State `index` of [layers directions, batch, hidden], a tensor with a gradient; none when the file has none. */
static ting_tensor state(ting_golden *g, const char *name, int index, int rows, int cols)
{
    if (!ting_golden_has(g, name))
        return (ting_tensor){0};
    ting_tensor t = ting_ctx_output(&g->ctx, rows, cols);
    size_t count;
    const ting_real *values = ting_golden_reals(g, name, &count);
    const size_t size = (size_t)rows * (size_t)cols;
    if (count < ((size_t)index + 1) * size)
        ting_ctx_fail(&g->ctx, TING_ERR_FORMAT, "%s has %zu elements, too few for state %d of %d x %d", name, count, index, rows, cols);
    else if (t.data != NULL)
        memcpy(t.data, values + (size_t)index * size, size * sizeof *values);
    return t;
}

static ting_err run(ting_golden *g, const network *net)
{
    ting_err err = TING_OK;
    const int batch = ting_golden_dim(g, "in.tokens", 0), h = net->stack.shape.hidden;
    const int states = ting_recurrent_stack_states(&net->stack.shape);
    const ting_segments segments = ting_golden_equal_segments(g, batch, ting_golden_dim(g, "in.tokens", 1));
    const int *tokens = ting_golden_ints(g, "in.tokens", NULL);
    const size_t size = (size_t)batch * (size_t)h;
    ting_recurrent_state first[2 * TING_STACK_LAYERS], last[2 * TING_STACK_LAYERS];
    g->ctx.tape = &g->tape;
    for (int i = 0; i < states; i++)
        first[i] = (ting_recurrent_state){state(g, "in.h0", i, batch, h), state(g, "in.c0", i, batch, h)};
    TRY(g->ctx.err);
    ting_tensor x = ting_embedding(&g->ctx, tokens, segments.start[batch], net->table);
    x = ting_recurrent_stack_forward(&g->ctx, &net->stack, x, segments, first, last);
    ting_tensor logits = ting_linear_apply(&g->ctx, x, net->out, TING_ACT_NONE);
    TRY(g->ctx.err);
    ting_golden_compare_tensor(g, "out.rnn", 0, x);
    ting_golden_compare_tensor(g, "out.logits", 0, logits);
    for (int i = 0; i < states; i++) {
        ting_golden_compare_tensor(g, "out.hn", (size_t)i * size, last[i].h);
        if (ting_golden_has(g, "out.cn"))
            ting_golden_compare_tensor(g, "out.cn", (size_t)i * size, last[i].c);
    }
    TRY(ting_golden_finish(g, logits, NULL, net->params));
    for (int i = 0; i < states; i++) {
        if (ting_golden_has(g, "grad.h0") && first[i].h.rows > 0)
            ting_golden_compare(g, "grad.h0", (size_t)i * size, first[i].h.grad, size);
        if (ting_golden_has(g, "grad.c0") && first[i].c.rows > 0)
            ting_golden_compare(g, "grad.c0", (size_t)i * size, first[i].c.grad, size);
    }
out:
    return err;
}

static bool cell_of(const char *name, ting_cell_kind *out)
{
    static const char *const names[] = {"rnn_tanh", "lstm", "gru"};
    static const ting_cell_kind cells[] = {TING_CELL_RNN, TING_CELL_LSTM, TING_CELL_GRU};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = cells[i];
            return true;
        }
    return false;
}

ting_err ting_golden_rnn_stack(ting_golden *g)
{
    ting_err err = TING_OK;
    network net = {.params = ting_params_new()};
    const bool both = ting_golden_has_setting(g, "bidirectional") && ting_golden_bool(g, "bidirectional");
    ting_recurrent_shape shape = {.sides = both ? TING_SIDES_JOINED : TING_SIDES_ONE,
                                  .layers = ting_golden_has_setting(g, "num_layers") ? (int)ting_golden_int(g, "num_layers") : 1,
                                  .inputs = (int)ting_golden_int(g, "embedding_dim"),
                                  .hidden = (int)ting_golden_int(g, "hidden_size")};
    if (net.params == NULL)
        return TING_ERR_MEMORY;
    net.classes = (int)ting_golden_int(g, "vocab_size");
    if (!cell_of(ting_golden_string(g, "cell"), &shape.cell)) {
        ting_golden_not_built(g);
        goto out;
    }
    if (shape.layers < 1 || shape.layers > TING_STACK_LAYERS)
        FAIL(TING_ERR_UNSUPPORTED, "%d layers, at most %d are tested", shape.layers, TING_STACK_LAYERS);
    net.table = ting_params_add(net.params, TING_PARAM_VALUES, 2, (int[]){net.classes, shape.inputs}, "embedding.weight");
    ting_recurrent_stack_declare(&net.stack, &shape, net.params, "rnn.");
    net.out = ting_linear_declare(net.params, net.classes, (both ? 2 : 1) * shape.hidden, "", "linear");
    TRY(ting_golden_load(g, net.params));
    TRY(run(g, &net));
out:
    ting_params_free(net.params);
    return err;
}

ting_err ting_golden_rnn_family(ting_golden *g)
{
    static const struct {
        const char *setting;
        ting_err (*run)(ting_golden *g);
    } models[] = {
        {"cell", ting_golden_rnn_stack},
        {"attention_dim", ting_golden_bahdanau},
        {"n_positions", ting_golden_gpt},
        {"context", ting_golden_nnlm},
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (ting_golden_has_setting(g, models[i].setting))
            return models[i].run(g);
    ting_golden_not_built(g);
    return TING_OK;
}
