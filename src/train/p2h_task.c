/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_task.c - see p2h_task.h. */
#include "train/p2h_task.h"

#include "data/p2h_layout.h"
#include "decode/s2s.h"
#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"
#include "train/p2h_init.h"

#include <stdio.h>
#include <string.h>

static uint64_t hash_layer(char *text, size_t room, int length, const ting_transformer_shape *s)
{
    length += snprintf(text + length, room - (size_t)length, " %d %d %d %d %d %g", s->width, s->heads, s->inner,
                       (int)s->norm, (int)s->act, (double)s->eps);
    return ting_p2h_hash(text, (size_t)length);
}

static ting_err make_one_to_one(ting_p2h_task *task)
{
    ting_err err = TING_OK;
    ting_p2h_shape s = task->recipe->shape;
    char text[256];
    s.syllables = task->model.tables.syllables;
    s.characters = task->model.tables.characters;
    TRY(ting_p2h_shape_check(&s));
    int length = snprintf(text, sizeof text, "%d %d %d %d %d %d %d %d %d %d %d %d", s.syllables, s.characters,
                          s.embedding, s.pair_rows, s.triple_rows, s.triple_places, s.ngram_dim, (int)s.input_act, s.layers, s.conv_taps, s.detour_dim,
                          s.map_layers);
    task->shape_hash = hash_layer(text, sizeof text, length, &s.layer);
    task->model.net = ting_p2h_net_new(&s, task->model.params);
    err = task->model.net != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err make_encoder_decoder(ting_p2h_task *task)
{
    ting_err err = TING_OK;
    const ting_recipe *r = task->recipe;
    char text[256];
    ting_s2s_shape s = {.syllables = task->model.tables.syllables,
                        .characters = task->model.tables.characters,
                        .encoder_layers = r->shape.layers,
                        .decoder_layers = r->decoder_layers,
                        .layer = r->shape.layer,
                        .tied = r->tied,
                        .input_dropout = r->shape.input_dropout};
    TRY(ting_s2s_shape_check(&s));
    int length = snprintf(text, sizeof text, "s2s %d %d %d %d %d", s.syllables, s.characters, s.encoder_layers,
                          s.decoder_layers, (int)s.tied);
    task->shape_hash = hash_layer(text, sizeof text, length, &s.layer);
    task->model.s2s = ting_s2s_net_new(&s, task->model.params);
    err = task->model.s2s != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

ting_err ting_p2h_task_make(ting_p2h_task *task, const ting_recipe *recipe, const ting_p2h_corpus *corpus)
{
    ting_err err = TING_OK;
    *task = (ting_p2h_task){.recipe = recipe, .model = {.tables = corpus->tables, .params = ting_params_new()}};
    if (task->model.params == NULL)
        return TING_ERR_MEMORY;
    TRY(recipe->kind == TING_RECIPE_ONE_TO_ONE ? make_one_to_one(task) : make_encoder_decoder(task));
    TRY(ting_params_alloc(task->model.params, true));
    ting_p2h_init(task->model.params, recipe->shape.layer.width,
                  recipe->kind == TING_RECIPE_ONE_TO_ONE ? recipe->shape.layers + recipe->shape.map_layers
                                                         : recipe->shape.layers + recipe->decoder_layers,
                  (uint64_t)recipe->seed);
out:
    return err;
}

void ting_p2h_task_free(ting_p2h_task *task)
{
    ting_p2h_net_free(task->model.net);
    ting_s2s_net_free(task->model.s2s);
    ting_params_free(task->model.params);
    *task = (ting_p2h_task){0};
}

static ting_tensor one_to_one_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch)
{
    const ting_real smoothing = (ting_real)task->recipe->smoothing;
    const ting_p2h_net *net = task->model.net;
    const int clean = batch->exact_tokens, spoiled = batch->tokens - clean;
    ting_linear_params output = ting_p2h_net_output(net);
    ting_tensor hidden = ting_p2h_net_forward(ctx, net, batch->spoken, batch->segments);
    if (ctx->err != TING_OK)
        return hidden;
    ting_tensor loss = {0};
    if (clean > 0)
        loss = ting_choice_entropy(ctx, ting_rows(hidden, 0, clean), output.weight, output.bias, batch->choices,
                                   smoothing);
    if (spoiled > 0) {
        ting_tensor logits = ting_p2h_net_logits(ctx, net, ting_rows(hidden, clean, spoiled));
        ting_tensor free_loss = ting_cross_entropy(
            ctx, logits, batch->written + clean, &(ting_cross_entropy_options){.smoothing = smoothing, .sum = true});
        loss = clean > 0 ? ting_add(ctx, loss, free_loss) : free_loss;
    }
    return ting_scale(ctx, loss, 1 / (ting_real)batch->tokens);
}

/* Each sentence with <S> before it, and the same with </S> behind it. */
static ting_tensor encoder_decoder_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch)
{
    const int count = batch->segments.count, total = batch->tokens + count;
    int *in = ting_ctx_ints(ctx, total), *want = ting_ctx_ints(ctx, total), *start = ting_ctx_ints(ctx, count + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    start[0] = 0;
    for (int s = 0; s < count; s++) {
        int at = start[s];
        in[at++] = TING_P2H_BEGIN;
        for (int t = batch->segments.start[s]; t < batch->segments.start[s + 1]; t++) {
            want[at - 1] = batch->written[t];
            in[at++] = batch->written[t] < 0 ? TING_P2H_UNKNOWN : batch->written[t];
        }
        want[at - 1] = TING_P2H_END;
        start[s + 1] = at;
    }
    ting_tensor memory = ting_s2s_encode(ctx, task->model.s2s, batch->spoken, batch->segments);
    ting_tensor hidden = ting_s2s_decode(ctx, task->model.s2s, memory, batch->segments, in,
                                         (ting_segments){count, start}, NULL);
    ting_tensor logits = ting_s2s_logits(ctx, task->model.s2s, hidden);
    return ting_cross_entropy(ctx, logits, want,
                              &(ting_cross_entropy_options){.smoothing = (ting_real)task->recipe->smoothing});
}

ting_tensor ting_p2h_task_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch)
{
    return task->model.net != NULL ? one_to_one_loss(task, ctx, batch) : encoder_decoder_loss(task, ctx, batch);
}

static ting_err one_to_one_errors(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch, size_t *wrong)
{
    ting_tensor hidden = ting_p2h_net_forward(ctx, task->model.net, batch->spoken, batch->segments);
    if (ctx->err != TING_OK)
        return ctx->err;
    ting_linear_params output = ting_p2h_net_output(task->model.net);
    for (int r = 0; r < batch->tokens; r++) {
        const ting_choice *choice = &batch->choices[r];
        int best = -1;
        ting_real best_score = 0;
        for (int i = 0; i < choice->count; i++) {
            ting_real score = output.bias->t.data[choice->classes[i]] +
                              ctx->kern->dot(hidden.cols, ting_row(hidden, r),
                                             ting_row(output.weight->t, choice->classes[i]));
            if (best < 0 || score > best_score) {
                best = i;
                best_score = score;
            }
        }
        *wrong += best < 0 || best != choice->target;
    }
    return TING_OK;
}

ting_err ting_p2h_task_errors(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch, size_t *wrong)
{
    if (task->model.net != NULL)
        return one_to_one_errors(task, ctx, batch, wrong);
    int *characters = ting_ctx_ints(ctx, batch->tokens);
    if (characters == NULL)
        return ctx->err;
    ting_err err = ting_s2s_greedy(ctx, task->model.s2s, &task->model.tables, batch->spoken, batch->segments, characters);
    for (int t = 0; err == TING_OK && t < batch->tokens; t++)
        *wrong += characters[t] < 0 || characters[t] != batch->written[t];
    return err;
}
