/* SPDX-License-Identifier: Apache-2.0 */
/* lm_task.c - see lm_task.h. */
#include "train/lm_task.h"

#include "base/available.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/ngram_table.h"
#include "train/footprint.h"

#include <math.h>

/* ---- making it ---- */

static ting_err count_words(ting_lm_task *t)
{
    t->counts = ting_alloc(t->model.words.count, sizeof *t->counts);
    for (size_t i = 0; t->counts != NULL && i < t->learnt->count; i++)
        t->counts[t->learnt->ids[i]]++;
    if (t->counts != NULL)
        t->counts[TING_NGRAM_BEGIN] = 0; /* nothing is ever asked for it */
    return t->counts != NULL ? TING_OK : TING_ERR_MEMORY;
}

/* Classes of words next to each other that share the square roots of counts evenly, as Mikolov's RNNLM has them: with words by falling
 * count the common ones stand in small classes. start [classes + 1]. */
static void divide(const ting_lm_task *t, int classes, int *start)
{
    const int words = (int)t->model.words.count;
    double all = 0, sum = 0;
    for (int w = 0; w < words; w++)
        all += sqrt((double)t->counts[w]);
    start[0] = 0;
    for (int w = 0, k = 1; k < classes; w++) {
        sum += sqrt((double)t->counts[w]);
        if (sum >= all * k / classes || words - w - 1 == classes - k) /* each gets a word at least */
            start[k++] = w + 1;
    }
    start[classes] = words;
}

static ting_err make_net(ting_lm_task *t, const ting_lm_from *from)
{
    ting_err err = TING_OK;
    ting_lm_config config = t->recipe->net;
    int *start = NULL;
    config.tokens = (int)t->model.words.count;
    if (config.classes > config.tokens)
        FAIL(TING_ERR_MODEL, "language model: %d classes of %d words", config.classes, config.tokens);
    if (config.classes > 0) {
        start = ting_alloc((size_t)config.classes + 1, sizeof *start);
        t->every = ting_alloc((size_t)config.tokens, sizeof *t->every);
        TRY(start != NULL && t->every != NULL ? TING_OK : TING_ERR_MEMORY);
        divide(t, config.classes, start);
        config.class_start = from != NULL ? ting_lm_net_config(from->model.net)->class_start : start;
        for (int w = 0; w < config.tokens; w++)
            t->every[w] = w;
    }
    TRY(ting_lm_config_check(&config));
    t->model.net = ting_lm_net_new(&config, t->model.params);
    TRY(t->model.net != NULL ? TING_OK : TING_ERR_MEMORY);
out:
    ting_free(start);
    return err;
}

ting_err ting_lm_task_make(ting_lm_task *t, const ting_lm_recipe *recipe, const ting_texts *words, const ting_lm_sentences *learnt,
                           const ting_lm_sentences *held, const ting_epoch_group *groups, int group_count, ting_lm_from *from,
                           const ting_ranks *ranks)
{
    ting_err err = TING_OK;
    *t = (ting_lm_task){.recipe = recipe,
                        .learnt = learnt,
                        .held = held,
                        .groups = groups,
                        .group_count = group_count,
                        .share = {ranks->rank, ranks->count},
                        .model = {.words = *words, .params = ting_params_new()},
                        .data_hash = ting_lm_sentences_hash(learnt)};
    TRY(t->model.params != NULL ? TING_OK : TING_ERR_MEMORY);
    if (learnt->piece_count == 0)
        FAIL(TING_ERR_ARGUMENT, "the recipe's sources hold no sentence to train on");
    TRY(count_words(t));
    TRY(make_net(t, from));
    TRY(ting_params_declared(t->model.params));
    const double data = 4.0 * (double)learnt->room + sizeof *learnt->pieces * (double)learnt->piece_room;
    const ting_footprint footprint = ting_footprint_of(t->model.params, &recipe->train, data);
    TRY(ting_footprint_fit(&footprint, ranks->here, ting_memory_available(""), "the recipe's network"));
    TRY(ting_train_parts_freeze(&recipe->train.parts, t->model.params));
    TRY(ting_params_alloc(t->model.params, true));
    TRY(ting_params_start(t->model.params, (uint64_t)recipe->train.seed));
    if (from != NULL)
        TRY(ting_lm_from_load(from, t->model.params));
    else
        ting_lm_net_start_shares(t->model.net, t->counts);
    if (recipe->samples > 0)
        TRY(ting_lm_draws_make(t->counts, (int)words->count, recipe->samples, &t->draws));
out:
    return err;
}

void ting_lm_task_free(ting_lm_task *t)
{
    ting_epoch_free(&t->epoch);
    ting_lm_net_free(t->model.net);
    ting_params_free(t->model.params);
    ting_free(t->counts);
    ting_lm_draws_free(&t->draws);
    ting_free(t->every);
    *t = (ting_lm_task){0};
}

/* ---- the task as the trainer sees it ---- */

static ting_err epoch(void *self, int number, size_t *batches)
{
    ting_lm_task *t = self;
    const ting_lm_recipe *r = t->recipe;
    const ting_epoch_plan plan = {.groups = t->groups,
                                  .group_count = t->group_count,
                                  .length = ting_lm_piece_length,
                                  .self = t->learnt,
                                  .budget = (size_t)r->tokens,
                                  .window = (size_t)r->window,
                                  .seed = (uint64_t)r->train.seed};
    ting_err err = ting_epoch_make(&plan, number, &t->epoch);
    *batches = t->epoch.batches;
    return err;
}

static bool sees_whole(const ting_lm_task *t)
{
    return t->recipe->net.kind == TING_LM_BILSTM;
}

static ting_err loss(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    ting_err err = TING_OK;
    ting_lm_task *t = self;
    ting_lm_batch batch;
    ting_lm_output output;
    TRY(ting_lm_batch_take(t->learnt, &t->epoch, place, t->share, sees_whole(t), ctx->arena, &batch));
    if (batch.segments.count == 0) /* fewer sentences than ranks */
        goto out;
    const ting_tensor hidden = ting_lm_net_hidden(ctx, t->model.net, batch.ids, batch.segments);
    const bool linear = ting_lm_net_output(t->model.net, &output);
    if (linear && output.class_count > 0)
        *sum = ting_lm_loss_by_classes(ctx, &output, t->every, hidden, batch.targets);
    else if (linear && t->recipe->samples > 0) {
        ting_rng rng = ting_rng_for((uint64_t)t->recipe->train.seed, TING_RNG_BATCH, (uint64_t)t->epoch.number, place);
        *sum = ting_lm_loss_of_samples(ctx, &output, &t->draws, &rng, hidden, batch.targets);
    } else
        *sum = ting_lm_loss(ctx, t->model.net, hidden, batch.targets);
    *units = batch.places;
out:
    return err;
}

ting_err ting_lm_task_measure(const ting_lm_task *t, ting_ctx *ctx, const ting_lm_sentences *sentences, size_t most,
                              int (*stop)(void *self), void *self, double *log_prob, size_t *places)
{
    ting_err err = TING_OK;
    const size_t end = most > 0 && most < sentences->piece_count ? most : sentences->piece_count;
    *log_prob = 0;
    *places = 0;
    for (size_t first = 0, count = 0; first < end; first += count) {
        ting_lm_batch batch;
        if (stop != NULL && stop(self) != 0)
            FAIL(TING_ERR_CANCELLED, "stopped while perplexity was measured");
        ting_arena_reset(ctx->arena);
        TRY(ting_lm_batch_plain(sentences, first, t->recipe->tokens, sees_whole(t), ctx->arena, &batch, &count));
        const int rows = batch.segments.start[batch.segments.count];
        double *of_rows = ting_arena_take(ctx->arena, ((size_t)rows + 1) * sizeof *of_rows);
        TRY(of_rows != NULL ? TING_OK : TING_ERR_MEMORY);
        const ting_tensor hidden = ting_lm_net_hidden(ctx, t->model.net, batch.ids, batch.segments);
        ting_lm_net_log_probs(ctx, t->model.net, hidden, batch.targets, of_rows);
        TRY(ctx->err);
        for (int r = 0; r < rows; r++)
            *log_prob += of_rows[r];
        *places += (size_t)batch.places;
    }
out:
    return err;
}

static ting_err measure(void *self, ting_ctx *ctx, double *perplexity)
{
    const ting_lm_task *t = self;
    double log_prob;
    size_t places;
    const size_t most = (size_t)t->recipe->measure_lines;
    ting_err err = most == 0 ? TING_OK : ting_lm_task_measure(t, ctx, t->held, most, NULL, NULL, &log_prob, &places);
    *perplexity = most > 0 && err == TING_OK && places > 0 ? exp(-log_prob / (double)places) : -1;
    return err;
}

ting_err ting_lm_task_view(ting_lm_task *t, ting_task *out)
{
    ting_gguf_writer *settings = ting_gguf_writer_new();
    if (settings == NULL)
        return TING_ERR_MEMORY;
    ting_lm_settings_put(settings, ting_lm_net_config(t->model.net));
    ting_gguf_put_texts(settings, "words", t->model.words.items, t->model.words.count);
    *out = (ting_task){.self = t,
                       .params = t->model.params,
                       .settings_hash = ting_gguf_keys_fingerprint(settings),
                       .data_hash = t->data_hash,
                       .from = t->from,
                       .unit = "word",
                       .error_name = "perplexity",
                       .plain_errors = true,
                       .epoch = epoch,
                       .loss = loss,
                       .measure = measure};
    ting_gguf_writer_free(settings);
    return out->settings_hash != 0 ? TING_OK : TING_ERR_MEMORY;
}
