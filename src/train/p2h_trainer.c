/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_trainer.c - the training loop of p2h_trainer.h. */
#include "train/p2h_trainer.h"

#include "base/file.h"
#include "base/mem.h"
#include "nn/tape.h"
#include "optim/schedule.h"
#include "train/checkpoint.h"
#include "train/curves.h"
#include "train/p2h_export.h"
#include "train/p2h_from.h"
#include "train/p2h_task.h"
#include "train/recipe.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { SKIPS_MAX = 50, ARENA_BLOCK = 64 << 20, MEASURE_BATCH = 100 };

typedef struct trainer {
    const ting_tool_train_options *options;
    ting_recipe recipe;
    ting_p2h_corpus corpus;
    ting_p2h_task task;
    ting_params *params; /* the task's */
    ting_p2h_sampler *sampler;
    ting_adamw *adamw;
    ting_real *average; /* [elements] */
    const ting_kern *kern;
    ting_pool *pool;
    ting_arena *arena;
    char *checkpoint_path, *curves_path;
    ting_checkpoint state; /* step, epoch, place, curve; the blocks point into params and adamw */
    size_t curve_room;
    long steps; /* the last one */
    /* since the last report */
    double loss_sum, norm_sum, seconds_before;
    long loss_steps;
    size_t tokens;
    int skips_in_a_row;
} trainer;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static ting_err make_network(trainer *t)
{
    ting_err err = TING_OK;
    TRY(ting_p2h_task_make(&t->task, &t->recipe, &t->corpus));
    t->params = t->task.model.params;
    if (t->options->from != NULL && !ting_file_exists(t->checkpoint_path)) {
        int known = 0;
        TRY(ting_p2h_from(&t->task, t->options->from, &known));
        ting_log_write(t->options->log, TING_LOG_INFO, "%s: first weights; %d of %d characters are in it",
                       t->options->from, known, t->corpus.tables.characters - TING_P2H_FIRST);
    }
    t->adamw = ting_adamw_new(t->params, &t->recipe.adamw);
    t->average = ting_alloc(ting_params_elements(t->params), sizeof *t->average);
    if (t->adamw == NULL || t->average == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    memcpy(t->average, ting_params_values(t->params), ting_params_elements(t->params) * sizeof *t->average);
out:
    return err;
}

static ting_err make_sampler(trainer *t)
{
    ting_err err = TING_OK;
    double *weights = ting_alloc((size_t)t->corpus.sources, sizeof *weights);
    if (weights == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_recipe_weights(&t->recipe, &t->corpus, weights));
    t->sampler = ting_p2h_sampler_new(&t->corpus, &(ting_p2h_sampler_options){.weight = weights,
                                                                              .tokens = t->recipe.tokens,
                                                                              .window = t->recipe.window,
                                                                              .seed = (uint64_t)t->recipe.seed,
                                                                              .spoil = t->recipe.spoil});
    err = t->sampler != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    ting_free(weights);
    return err;
}

static ting_err make_folder(trainer *t)
{
    ting_err err = TING_OK;
    const char *folder = t->options->folder;
    TRY(ting_folder_make(folder));
    t->checkpoint_path = ting_path_join(folder, "checkpoint");
    t->curves_path = ting_path_join(folder, "curves.html");
    if (t->checkpoint_path == NULL || t->curves_path == NULL)
        err = TING_ERR_MEMORY;
out:
    return err;
}

static ting_err start(trainer *t)
{
    ting_err err = TING_OK;
    TRY(ting_recipe_load(t->options->recipe, &t->recipe));
    TRY(ting_p2h_corpus_open(t->options->corpus, &t->corpus));
    TRY(make_folder(t));
    TRY(make_network(t));
    TRY(make_sampler(t));
    t->kern = ting_kern_select(ting_cpu_detect());
    t->pool = ting_pool_new(t->options->threads > 0 ? t->options->threads : ting_cpu_count());
    t->arena = ting_arena_new(ARENA_BLOCK);
    if (t->pool == NULL || t->arena == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    t->state = (ting_checkpoint){.elements = ting_params_elements(t->params),
                                 .values = ting_params_values(t->params),
                                 .mean = ting_adamw_mean(t->adamw),
                                 .square = ting_adamw_square(t->adamw),
                                 .average = t->average,
                                 .corpus_hash = t->corpus.hash,
                                 .shape_hash = t->task.shape_hash};
    t->steps = t->recipe.steps;
    if (ting_file_exists(t->checkpoint_path)) {
        TRY(ting_checkpoint_load(t->checkpoint_path, &t->state));
        t->curve_room = t->state.curve_count;
        ting_adamw_set_steps(t->adamw, (long)t->state.moments);
        ting_log_write(t->options->log, TING_LOG_INFO, "%s: going on after step %lld", t->checkpoint_path,
                       (long long)t->state.step);
    }
    if (t->options->finish > 0 && t->state.decay_steps == 0) {
        t->state.decay_from = t->state.step;
        t->state.decay_steps = t->options->finish;
    }
    if (t->state.decay_steps > 0)
        t->steps = (long)(t->state.decay_from + t->state.decay_steps);
    TRY(ting_p2h_sampler_epoch(t->sampler, (int)t->state.epoch));
    if (t->state.place >= (int64_t)ting_p2h_sampler_batches(t->sampler)) { /* the recipe's data were changed */
        t->state.place = 0;
        TRY(ting_p2h_sampler_epoch(t->sampler, (int)++t->state.epoch));
    }
    ting_log_write(t->options->log, TING_LOG_INFO,
                   "%zu parameters; %zu characters and %zu steps an epoch; %d threads, %s kernels", t->state.elements,
                   ting_p2h_sampler_tokens(t->sampler), ting_p2h_sampler_batches(t->sampler),
                   ting_pool_threads(t->pool), ting_cpu_name(t->kern->level));
out:
    return err;
}

static void stop(trainer *t)
{
    ting_free(t->state.curve);
    ting_free(t->checkpoint_path);
    ting_free(t->curves_path);
    ting_free(t->average);
    ting_arena_free(t->arena);
    ting_pool_free(t->pool);
    ting_p2h_sampler_free(t->sampler);
    ting_adamw_free(t->adamw);
    ting_p2h_task_free(&t->task);
    ting_p2h_corpus_close(&t->corpus);
    ting_recipe_free(&t->recipe);
}

/* Warm-up, then constant, then down to `final` as 1 - sqrt (Haegele 2024, "Scaling laws and compute-optimal
 * training beyond fixed training durations"): the constant part can be prolonged at any time. */
static double rate_of(const trainer *t, long step)
{
    const ting_recipe *r = &t->recipe;
    double rate = ting_rate_at(&(ting_schedule){.shape = TING_DECAY_NONE, .peak = r->rate, .warmup = r->warmup}, step);
    long from = t->steps - r->decay, length = r->decay;
    if (t->state.decay_steps > 0) {
        from = (long)t->state.decay_from;
        length = (long)t->state.decay_steps;
    }
    if (length <= 0 || step <= from)
        return rate;
    double fraction = fmin(1, (double)(step - from) / (double)length);
    return r->final + (rate - r->final) * (1 - sqrt(fraction));
}

static ting_ctx make_ctx(trainer *t, ting_tape *tape)
{
    return (ting_ctx){.arena = t->arena,
                      .pool = t->pool,
                      .kern = t->kern,
                      .tape = tape,
                      .rng = ting_rng_new((uint64_t)t->recipe.seed, 0x64726F70 + ((uint64_t)t->state.step << 32)),
                      .training = tape != NULL,
                      .multiply = t->recipe.multiply};
}

static void average_weights(trainer *t)
{
    /* a young average follows closely: as many steps as there are so far */
    double keep = fmin(t->recipe.average, (double)t->state.step / (double)(t->state.step + 10));
    const ting_real *values = ting_params_values(t->params);
    const ting_real mix = (ting_real)(1 - keep);
    for (size_t i = 0; i < t->state.elements; i++)
        t->average[i] += mix * (values[i] - t->average[i]);
}

/* One step; *finite tells whether it changed anything. */
static ting_err take_step(trainer *t, bool *finite)
{
    ting_err err = TING_OK;
    ting_p2h_batch batch;
    ting_tape tape = {0};
    ting_arena_reset(t->arena);
    TRY(ting_p2h_sampler_batch(t->sampler, (size_t)t->state.place, t->arena, &batch));
    ting_ctx ctx = make_ctx(t, &tape);
    ting_params_zero_gradients(t->params);
    ting_tensor loss = ting_p2h_task_loss(&t->task, &ctx, &batch);
    TRY(ctx.err);
    double value = (double)loss.data[0], norm = NAN;
    if (isfinite(value)) {
        loss.grad[0] = 1;
        TRY(ting_tape_backward(&ctx, &tape));
        norm = ting_clip_gradients(t->params, t->kern, t->pool, t->recipe.clip);
    }
    t->state.step++;
    *finite = isfinite(norm);
    if (!*finite) {
        t->state.skipped++;
        ting_log_write(t->options->log, TING_LOG_WARNING, "step %lld left out: loss %g, gradient norm %g",
                       (long long)t->state.step, value, norm);
        return TING_OK;
    }
    ting_adamw_step(t->adamw, t->kern, t->pool, rate_of(t, (long)t->state.step));
    average_weights(t);
    t->loss_sum += value;
    t->norm_sum += norm;
    t->loss_steps++;
    t->tokens += (size_t)batch.tokens;
out:
    return err;
}

static void swap_average(trainer *t)
{
    ting_real *values = ting_params_values(t->params);
    for (size_t i = 0; i < t->state.elements; i++) {
        ting_real kept = values[i];
        values[i] = t->average[i];
        t->average[i] = kept;
    }
}

/* Error rate of the averaged weights (of the weights, without averaging); < 0 when nothing is held out. */
static ting_err measure(trainer *t, double *errors)
{
    ting_err err = TING_OK;
    size_t wrong = 0, total = 0, left = (size_t)t->recipe.measure_lines;
    if (t->recipe.average > 0)
        swap_average(t);
    for (int i = 0; i < t->corpus.sources && left > 0; i++) {
        const ting_p2h_source *source = &t->corpus.source[i];
        size_t count = source->kind == TING_P2H_MEASURE ? (size_t)source->count : 0;
        count = count < left ? count : left;
        left -= count;
        for (size_t k = 0; k < count; k += MEASURE_BATCH) {
            ting_p2h_batch batch;
            ting_arena_reset(t->arena);
            TRY(ting_p2h_plain_batch(&t->corpus, (size_t)source->first + k,
                                     count - k < MEASURE_BATCH ? count - k : MEASURE_BATCH, t->arena, &batch));
            ting_ctx ctx = make_ctx(t, NULL);
            TRY(ting_p2h_task_errors(&t->task, &ctx, &batch, &wrong));
            total += (size_t)batch.tokens;
        }
    }
    *errors = total > 0 ? (double)wrong / (double)total : -1;
out:
    if (t->recipe.average > 0)
        swap_average(t);
    return err;
}

static ting_err add_point(trainer *t, double seconds, double errors)
{
    if (t->state.curve_count == t->curve_room) {
        size_t room = 2 * t->curve_room + 64;
        ting_curve_point *grown = ting_grow(t->state.curve, t->curve_room, room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        t->state.curve = grown;
        t->curve_room = room;
    }
    t->state.curve[t->state.curve_count++] =
        (ting_curve_point){.step = t->state.step,
                           .loss = t->loss_steps > 0 ? t->loss_sum / (double)t->loss_steps : NAN,
                           .rate = rate_of(t, (long)t->state.step),
                           .seconds = seconds,
                           .errors = errors};
    return TING_OK;
}

static ting_err save(trainer *t)
{
    ting_err err = TING_OK;
    t->state.moments = ting_adamw_steps(t->adamw);
    TRY(ting_checkpoint_save(t->checkpoint_path, &t->state));
    TRY(ting_curves_save(t->curves_path, t->options->recipe, t->state.curve, t->state.curve_count));
out:
    return err;
}

/* What is due after a step: report, measurement, checkpoint. */
static ting_err after_step(trainer *t, double *clock, bool last)
{
    ting_err err = TING_OK;
    const long step = (long)t->state.step;
    bool measures = last || step % t->recipe.measure_every == 0;
    double errors = -1;
    if (measures || step % t->recipe.log_every == 0) {
        double seconds = now() - *clock;
        double before = t->state.curve_count > 0 ? t->state.curve[t->state.curve_count - 1].seconds : 0;
        if (measures)
            TRY(measure(t, &errors));
        TRY(add_point(t, before + seconds, errors));
        const ting_curve_point *point = &t->state.curve[t->state.curve_count - 1];
        if (t->options->report != NULL)
            t->options->report(t->options->self,
                               &(ting_tool_train_report){.step = step,
                                                    .steps = t->steps,
                                                    .epoch = (int)t->state.epoch,
                                                    .loss = point->loss,
                                                    .rate = point->rate,
                                                    .norm = t->norm_sum / (double)(t->loss_steps > 0 ? t->loss_steps : 1),
                                                    .tokens_per_second = (double)t->tokens / seconds,
                                                    .errors = errors});
        t->loss_sum = t->norm_sum = 0;
        t->loss_steps = 0;
        t->tokens = 0;
        *clock = now();
    }
    if (last || step % t->recipe.save_every == 0)
        TRY(save(t));
out:
    return err;
}

static ting_err run(trainer *t)
{
    ting_err err = TING_OK;
    double clock = now();
    while (t->state.step < t->steps) {
        bool finite = true;
        if (t->options->stop != NULL && t->options->stop(t->options->self)) {
            TRY(save(t));
            FAIL(TING_ERR_CANCELLED, "stopped after step %lld; the same command goes on from %s",
                 (long long)t->state.step, t->checkpoint_path);
        }
        TRY(take_step(t, &finite));
        t->skips_in_a_row = finite ? 0 : t->skips_in_a_row + 1;
        if (t->skips_in_a_row == SKIPS_MAX)
            FAIL(TING_ERR_NUMERIC, "%d steps in a row were not finite: lower the rate, or look for bad weights",
                 (int)SKIPS_MAX);
        if (++t->state.place == (int64_t)ting_p2h_sampler_batches(t->sampler)) {
            t->state.place = 0;
            TRY(ting_p2h_sampler_epoch(t->sampler, (int)++t->state.epoch));
        }
        TRY(after_step(t, &clock, t->state.step == t->steps));
    }
out:
    return err;
}

static ting_err export_model(trainer *t)
{
    static const ting_dtype types[] = {TING_DTYPE_F32, TING_DTYPE_F16, TING_DTYPE_BF16, TING_DTYPE_I8};
    if (t->state.step == 0)
        return ting_fail(TING_ERR_ARGUMENT, "%s: there is no checkpoint to export", t->checkpoint_path);
    if (t->recipe.average > 0)
        swap_average(t);
    return ting_p2h_export_save(&(ting_p2h_export){.recipe = &t->recipe,
                                                   .corpus = &t->corpus,
                                                   .state = &t->state,
                                                   .model = &t->task.model,
                                                   .dtype = types[t->options->export_type],
                                                   .licence = t->options->export_licence},
                                t->options->export_path);
}

ting_err ting_p2h_train(const ting_tool_train_options *options)
{
    trainer *t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    t->options = options;
    ting_err err = start(t);
    if (err == TING_OK)
        err = options->export_path != NULL ? export_model(t) : run(t);
    stop(t);
    ting_free(t);
    return err;
}
