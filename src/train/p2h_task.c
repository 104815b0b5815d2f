/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_task.c - see p2h_task.h. */
#include "train/p2h_task.h"

#include "base/available.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "decode/s2s.h"
#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"
#include "train/footprint.h"

static ting_err make_one_to_one(ting_p2h_task *task)
{
    ting_err err = TING_OK;
    ting_p2h_shape s = task->recipe->shape;
    s.syllables = task->model.tables.syllables;
    s.characters = task->model.tables.characters;
    TRY(ting_p2h_shape_check(&s));
    task->model.net = ting_p2h_net_new(&s, task->model.params);
    err = task->model.net != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err make_encoder_decoder(ting_p2h_task *task)
{
    ting_err err = TING_OK;
    const ting_p2h_recipe *r = task->recipe;
    ting_s2s_shape s = {.syllables = task->model.tables.syllables,
                        .characters = task->model.tables.characters,
                        .encoder_layers = r->shape.layers,
                        .decoder_layers = r->decoder_layers,
                        .layer = r->shape.layer,
                        .tied = r->tied,
                        .input_dropout = r->shape.input_dropout};
    TRY(ting_s2s_shape_check(&s));
    task->model.s2s = ting_s2s_net_new(&s, task->model.params);
    err = task->model.s2s != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err make_birnn(ting_p2h_task *task)
{
    ting_err err = TING_OK;
    ting_bahdanau_shape s = task->recipe->birnn;
    s.syllables = task->model.tables.syllables;
    s.characters = task->model.tables.characters;
    TRY(ting_bahdanau_shape_check(&s));
    task->model.birnn = ting_bahdanau_net_new(&s, task->model.params);
    err = task->model.birnn != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err make_sampler(ting_p2h_task *task, const ting_ranks *ranks)
{
    ting_err err = TING_OK;
    const ting_p2h_recipe *r = task->recipe;
    double *weights = ting_alloc((size_t)task->corpus->sources, sizeof *weights);
    if (weights == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_p2h_recipe_weights(r, task->corpus, weights));
    task->sampler =
        ting_p2h_sampler_new(task->corpus, &(ting_p2h_sampler_options){.weight = weights,
                                                                       .tokens = r->tokens,
                                                                       .window = r->window,
                                                                       .seed = (uint64_t)r->plan.seed,
                                                                       .spoil = r->spoil,
                                                                       .share = {ranks->rank, ranks->count}});
    err = task->sampler != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    ting_free(weights);
    return err;
}

/* An encoder-decoder begins with the characters' shares of its training sources, and the share of ends. */
static ting_err start_with_shares(const ting_p2h_task *task)
{
    const ting_p2h_corpus *corpus = task->corpus;
    uint64_t *counts = ting_alloc((size_t)corpus->tables.characters, sizeof *counts);
    if (counts == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < corpus->sources; i++) {
        const ting_p2h_source *source = &corpus->source[i];
        if (source->kind != TING_P2H_TRAIN)
            continue;
        for (uint32_t t = corpus->start[source->first]; t < corpus->start[source->first + source->count]; t++)
            counts[corpus->written[t]]++;
        counts[TING_P2H_END] += source->count;
    }
    ting_linear_start_shares(ting_p2h_decoder_output(&task->model).bias, counts, NULL);
    ting_free(counts);
    return TING_OK;
}

ting_err ting_p2h_task_make(ting_p2h_task *task, const ting_p2h_recipe *recipe, const ting_p2h_corpus *corpus,
                            const ting_ranks *ranks)
{
    ting_err err = TING_OK;
    *task = (ting_p2h_task){.recipe = recipe,
                            .corpus = corpus,
                            .model = {.tables = corpus->tables, .params = ting_params_new()}};
    if (task->model.params == NULL)
        return TING_ERR_MEMORY;
    TRY(recipe->kind == TING_P2H_RECIPE_ONE_TO_ONE ? make_one_to_one(task)
        : recipe->kind == TING_P2H_RECIPE_BIRNN    ? make_birnn(task)
                                                   : make_encoder_decoder(task));
    TRY(ting_params_declared(task->model.params));
    const ting_footprint footprint = ting_footprint_of(task->model.params, &recipe->plan, 0);
    TRY(ting_footprint_fit(&footprint, ranks->here, ting_memory_available(""), recipe->path != NULL ? recipe->path : "the network"));
    TRY(ting_train_parts_freeze(&recipe->plan.parts, task->model.params));
    TRY(ting_params_alloc(task->model.params, true));
    TRY(ting_params_start(task->model.params, (uint64_t)recipe->plan.seed));
    if (recipe->kind != TING_P2H_RECIPE_ONE_TO_ONE)
        TRY(start_with_shares(task));
    TRY(make_sampler(task, ranks));
out:
    return err;
}

void ting_p2h_task_free(ting_p2h_task *task)
{
    ting_p2h_sampler_free(task->sampler);
    ting_p2h_net_free(task->model.net);
    ting_s2s_net_free(task->model.s2s);
    ting_bahdanau_net_free(task->model.birnn);
    ting_params_free(task->model.params);
    *task = (ting_p2h_task){0};
}

/* Of the first `exact` rows of hidden over `choices`, of the others over all characters. */
static ting_tensor loss_of_rows(const ting_p2h_task *task, ting_ctx *ctx, ting_tensor hidden, int exact, const ting_choice *choices,
                                const int *wanted)
{
    const ting_p2h_model *model = &task->model;
    const ting_real smoothing = (ting_real)task->recipe->smoothing;
    ting_tensor loss = {0};
    if (ctx->err != TING_OK)
        return loss;
    if (exact > 0) {
        const ting_linear_params output = model->net != NULL ? ting_p2h_net_output(model->net) : ting_p2h_decoder_output(model);
        loss = ting_choice_entropy(ctx, ting_rows(hidden, 0, exact), output.weight, output.bias, choices, NULL, smoothing);
    }
    if (exact < hidden.rows) {
        const ting_tensor rest = ting_rows(hidden, exact, hidden.rows - exact);
        const ting_tensor logits =
            model->net != NULL ? ting_p2h_net_logits(ctx, model->net, rest) : ting_p2h_decoder_logits(ctx, model, rest);
        const ting_tensor all = ting_cross_entropy(ctx, logits, wanted + exact,
                                                   &(ting_cross_entropy_options){.smoothing = smoothing, .sum = true});
        loss = exact > 0 ? ting_add(ctx, loss, all) : all;
    }
    return loss;
}

static ting_tensor one_to_one_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch)
{
    ting_tensor hidden = ting_p2h_net_forward(ctx, task->model.net, batch->spoken, batch->segments);
    return loss_of_rows(task, ctx, hidden, batch->exact_tokens, batch->choices, batch->written);
}

/* Each sentence with <S> before it, and the same with </S> behind it: a row more a sentence. Where a clean one ends nobody asks. */
static ting_tensor encoder_decoder_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch)
{
    const int count = batch->segments.count, total = batch->tokens + count;
    int *in = ting_ctx_ints(ctx, total), *want = ting_ctx_ints(ctx, total), *start = ting_ctx_ints(ctx, count + 1), exact = 0;
    ting_choice *choices = ting_arena_take(ctx->arena, (size_t)total * sizeof *choices);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    start[0] = 0;
    for (int s = 0; s < count; s++) {
        int at = start[s];
        in[at++] = TING_P2H_BEGIN;
        for (int t = batch->segments.start[s]; t < batch->segments.start[s + 1]; t++) {
            choices[at - 1] = batch->choices[t];
            want[at - 1] = batch->written[t];
            in[at++] = batch->written[t] < 0 ? TING_P2H_UNKNOWN : batch->written[t];
        }
        choices[at - 1] = (ting_choice){.target = -1};
        want[at - 1] = TING_P2H_END;
        start[s + 1] = at;
        exact = batch->segments.start[s + 1] <= batch->exact_tokens ? at : exact;
    }
    ting_tensor memory = ting_p2h_encode(ctx, &task->model, batch->spoken, batch->segments);
    ting_tensor hidden = ting_p2h_run_decoder(ctx, &task->model, memory, batch->segments, in, (ting_segments){count, start}, NULL);
    return loss_of_rows(task, ctx, hidden, exact, choices, want);
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

static ting_err count_errors(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch, size_t *wrong)
{
    if (task->model.net != NULL)
        return one_to_one_errors(task, ctx, batch, wrong);
    int *characters = ting_ctx_ints(ctx, batch->tokens);
    if (characters == NULL)
        return ctx->err;
    ting_err err = ting_s2s_greedy(ctx, &task->model, batch->spoken, batch->segments, characters);
    for (int t = 0; err == TING_OK && t < batch->tokens; t++)
        *wrong += characters[t] < 0 || characters[t] != batch->written[t];
    return err;
}

/* ---- the task as the trainer sees it ---- */

/* Spoiled sentences, see encoder_decoder_loss. */
static int ends_asked_for(const ting_p2h_batch *batch)
{
    int count = 0;
    for (int s = 0; s < batch->segments.count; s++)
        count += batch->segments.start[s + 1] > batch->exact_tokens;
    return count;
}

static ting_err epoch(void *self, int number, size_t *batches)
{
    const ting_p2h_task *task = self;
    ting_err err = ting_p2h_sampler_epoch(task->sampler, number);
    *batches = ting_p2h_sampler_batches(task->sampler);
    return err;
}

static ting_err loss(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    ting_err err = TING_OK;
    const ting_p2h_task *task = self;
    ting_p2h_batch batch;
    TRY(ting_p2h_sampler_batch(task->sampler, place, ctx->arena, &batch));
    if (batch.tokens == 0) /* fewer sentences than ranks */
        goto out;
    *sum = task->model.net != NULL ? one_to_one_loss(task, ctx, &batch) : encoder_decoder_loss(task, ctx, &batch);
    *units = batch.tokens + (task->model.net != NULL ? 0 : ends_asked_for(&batch));
out:
    return err;
}

/* Sentences from `first` on, at most `most`, that together fit the budget of a batch; at least one. */
static size_t fitting(const ting_p2h_task *task, size_t first, size_t most)
{
    const uint32_t *start = task->corpus->start;
    size_t count = 1;
    while (count < most && start[first + count + 1] - start[first] <= (uint32_t)task->recipe->tokens)
        count++;
    return count;
}

static ting_err measure(void *self, ting_ctx *ctx, double *errors)
{
    ting_err err = TING_OK;
    const ting_p2h_task *task = self;
    size_t wrong = 0, total = 0, left = (size_t)task->recipe->measure_lines;
    for (int i = 0; i < task->corpus->sources && left > 0; i++) {
        const ting_p2h_source *source = &task->corpus->source[i];
        size_t count = source->kind == TING_P2H_MEASURE ? (size_t)source->count : 0;
        count = count < left ? count : left;
        left -= count;
        for (size_t k = 0, part; k < count; k += part) {
            ting_p2h_batch batch;
            const size_t first = (size_t)source->first + k;
            part = fitting(task, first, count - k);
            ting_arena_reset(ctx->arena);
            TRY(ting_p2h_plain_batch(task->corpus, first, part, ctx->arena, &batch));
            TRY(count_errors(task, ctx, &batch, &wrong));
            total += (size_t)batch.tokens;
        }
    }
    *errors = total > 0 ? (double)wrong / (double)total : -1;
out:
    return err;
}

ting_err ting_p2h_task_view(ting_p2h_task *task, ting_task *out)
{
    ting_str settings = {0};
    ting_p2h_model_settings(&task->model, &settings);
    const bool well = ting_str_ok(&settings);
    if (well)
        *out = (ting_task){.self = task,
                           .params = task->model.params,
                           .settings_hash = ting_fingerprint(settings.text, settings.length),
                           .data_hash = task->corpus->hash,
                           .from = task->from,
                           .unit = "character",
                           .error_name = "character error rate",
                           .epoch = epoch,
                           .loss = loss,
                           .measure = measure};
    ting_str_free(&settings);
    return well ? TING_OK : TING_ERR_MEMORY;
}
