/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trainer.c - see trainer.h. A step: batch -> loss -> backward -> clip -> optimizer -> mean of the weights. What is written
 * after it is in trainer_report.c.
 */
#include "train/trainer.h"

#include "base/available.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "nn/scope.h"
#include "nn/tape.h"
#include "optim/clip.h"
#include "train/footprint.h"
#include "train/trainer_state.h"

#include <math.h>
#include <time.h>

enum { SKIPS_MAX = 50, ARENA_BLOCK = 64 << 20, AVERAGE_PIECE = 4096 };

double ting_trainer_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double ting_trainer_rate(const ting_trainer *t)
{
    const ting_train_plan *p = t->plan;
    ting_schedule schedule = {.shape = p->shape, .peak = p->rate, .final = p->final, .warmup = p->warmup,
                              .decay_from = t->steps - p->decay, .decay_steps = p->decay};
    if (t->at.decay_steps > 0)
        schedule = (ting_schedule){.peak = t->at.decay_rate, .final = p->final, .decay_from = (long)t->at.decay_from,
                                   .decay_steps = (long)t->at.decay_steps};
    else if (p->shape == TING_SCHEDULE_EDEN) {
        ting_eden eden = p->eden;
        eden.base = p->rate;
        eden.warmup = p->warmup;
        schedule.peak = ting_eden_rate(&eden, (double)t->at.step, (double)t->at.epoch);
        schedule.warmup = 0;
    }
    return ting_rate_at(&schedule, (long)t->at.step);
}

/* From where the rate is now, also in the middle of the plan's own decay. */
static ting_err begin_decay(ting_trainer *t)
{
    if (t->at.step < t->plan->warmup)
        return ting_fail(
            TING_ERR_ARGUMENT,
            "the rate of learning cannot fall yet: after %lld of the %d steps of the warm-up it still rises",
            (long long)t->at.step, t->plan->warmup);
    t->at.decay_rate = ting_trainer_rate(t);
    t->at.decay_from = t->at.step;
    t->at.decay_steps = t->options->finish;
    char steps[24];
    snprintf(steps, sizeof steps, "%ld", t->options->finish);
    ting_trainer_change(t, "--finish", NULL, steps);
    return TING_OK;
}

/* Where the rate begins to fall, and the last step. */
static ting_err plan_end(ting_trainer *t)
{
    ting_err err = TING_OK;
    t->steps = t->plan->steps;
    if (t->options->finish > 0) {
        if (t->at.decay_steps > 0)
            ting_log_write(t->options->log, TING_LOG_WARNING, "the rate falls already, from step %lld to %lld: that stays",
                           (long long)t->at.decay_from, (long long)(t->at.decay_from + t->at.decay_steps));
        else
            TRY(begin_decay(t));
    }
    if (t->at.decay_steps > 0)
        t->steps = (long)(t->at.decay_from + t->at.decay_steps);
    if (t->at.step >= t->steps)
        ting_log_write(t->options->log, TING_LOG_WARNING, "nothing to do: %lld steps are done, the plan has %ld%s",
                       (long long)t->at.step, t->steps,
                       t->at.decay_steps > 0
                           ? " since it was told to finish; what it learnt goes on in another folder (--from an export)"
                           : "");
out:
    return err;
}

/* All processors, those of this machine divided among its ranks. */
static int threads_of(const ting_trainer *t)
{
    const int each = ting_cpu_count() / t->ranks->here;
    return t->options->threads > 0 ? t->options->threads : each > 1 ? each : 1;
}

static void say_begin(const ting_trainer *t)
{
    const ting_log *log = t->options->log;
    const ting_footprint footprint = ting_footprint_of(t->task->params, t->plan, t->task->data_bytes);
    const uint64_t available = ting_memory_available("");
    ting_str parts = {0};
    ting_log_write(log, TING_LOG_INFO, "%zu parameters, %zu steps an epoch, %d threads, %s kernels", t->elements,
                   t->batches, ting_pool_threads(t->pool), ting_cpu_name(t->kern->level));
    if (t->ranks->count > 1)
        ting_log_write(log, TING_LOG_INFO, "%d ranks, %d of them on this machine: each takes its share of every batch",
                       t->ranks->count, t->ranks->here);
    ting_footprint_print(&footprint, &parts);
    if (available != UINT64_MAX)
        ting_str_addf(&parts, "; %.0f MB are available", (double)available / 1e6);
    if (ting_str_ok(&parts))
        ting_log_write(log, TING_LOG_INFO, "memory: %s; a checkpoint has %.1f MB", parts.text,
                       footprint.checkpoint / 1e6);
    ting_str_free(&parts);
}

/* Half a checkpoint for each time that this training was killed while it wrote one. */
static ting_err sweep(const ting_trainer *t)
{
    ting_err err = TING_OK;
    TRY(ting_file_sweep(t->options->folder, "checkpoint"));
    TRY(ting_file_sweep(t->options->folder, "curves.html"));
out:
    return err;
}

static ting_err start(ting_trainer *t)
{
    ting_err err = TING_OK;
    TRY(ting_folder_make(t->options->folder));
    if (t->ranks->rank == 0) {
        TRY(ting_folder_claim(t->options->folder, &t->claim));
        TRY(sweep(t));
    }
    TRY(ting_trainer_make(t, t->options->folder));
    t->kern = ting_kern_select(ting_cpu_detect());
    t->pool = ting_pool_new(threads_of(t));
    t->arena = ting_arena_new(ARENA_BLOCK);
    t->gradients = ting_arena_new(ARENA_BLOCK);
    if (t->pool == NULL || t->arena == NULL || t->gradients == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a training");
    if (ting_file_exists(t->checkpoint_path)) {
        TRY(ting_trainer_restore(t));
        ting_log_write(t->options->log, TING_LOG_INFO, "%s: going on after step %lld", t->checkpoint_path,
                       (long long)t->at.step);
    }
    TRY(plan_end(t));
    TRY(t->task->epoch(t->task->self, (int)t->at.epoch, &t->batches));
    if (t->at.batch >= (int64_t)t->batches) { /* the recipe's data were changed */
        t->at.batch = 0;
        TRY(t->task->epoch(t->task->self, (int)++t->at.epoch, &t->batches));
    }
    say_begin(t);
out:
    return err;
}

/* ---- steps ---- */

ting_ctx ting_trainer_ctx(ting_trainer *t, ting_tape *tape)
{
    return (ting_ctx){.arena = t->arena,
                      .gradients = t->gradients,
                      .pool = t->pool,
                      .kern = t->kern,
                      .tape = tape,
                      .rng = ting_rng_for((uint64_t)t->plan->seed, TING_RNG_DROPOUT, (uint64_t)t->at.step,
                                          (uint64_t)t->ranks->rank),
                      .training = tape != NULL,
                      .batch_count = (double)t->at.step * (t->task->reference_batches > 0 ? t->task->reference_batches : 1),
                      .multiply = t->plan->multiply};
}

struct averaging {
    const ting_trainer *trainer;
    const ting_real *values;
    ting_real share[AVERAGE_PIECE]; /* of the values in the new average, for each element */
};

static void average_piece(void *arg, int index)
{
    const struct averaging *a = arg;
    const size_t first = (size_t)index * AVERAGE_PIECE, left = a->trainer->elements - first;
    ting_real *average = a->trainer->average + first;
    a->trainer->kern->lerp((int)(left < AVERAGE_PIECE ? left : AVERAGE_PIECE), average, a->values + first, a->share, average);
}

static void average_weights(ting_trainer *t)
{
    /* a young average follows closely: as many steps as there are so far */
    const double keep = fmin(t->plan->average, (double)t->at.step / (double)(t->at.step + 10));
    struct averaging a = {.trainer = t, .values = ting_params_values(t->task->params)};
    if (t->average == NULL)
        return;
    for (int i = 0; i < AVERAGE_PIECE; i++)
        a.share[i] = (ting_real)(1 - keep);
    ting_pool_run(t->pool, (int)((t->elements + AVERAGE_PIECE - 1) / AVERAGE_PIECE), average_piece, &a);
}

/* The loss of the batch, this rank's share of it in *sum (of no rows when that is empty), value and units of all in
 * total[2]. */
static ting_err forward(ting_trainer *t, ting_ctx *ctx, ting_tensor *sum, double total[2])
{
    double units = 0;
    *sum = (ting_tensor){0};
    const ting_scope scope = ting_scope_open(ctx, 1, 1);
    ting_err err = t->task->loss(t->task->self, ctx, (size_t)t->at.batch, sum, &units);
    if (sum->rows > 0)
        *sum = ting_scope_close(ctx, &scope, *sum);
    TRY(ting_ranks_agree(t->ranks, err != TING_OK ? err : ctx->err));
    total[0] = sum->rows > 0 ? (double)sum->data[0] : 0;
    total[1] = units;
    TRY(ting_ranks_sum_doubles(t->ranks, total, 2));
out:
    return err;
}

/* The gradient of the mean over all ranks' units: each adds what comes of its share. */
static ting_err backward(ting_trainer *t, ting_ctx *ctx, ting_tape *tape, ting_tensor sum, double units)
{
    ting_err err = TING_OK;
    ctx->units = units;
    if (sum.rows > 0) {
        sum.grad[0] = (ting_real)(1 / units);
        err = ting_tape_backward(ctx, tape);
    }
    const size_t used = ting_arena_most(t->arena) + ting_arena_most(t->gradients);
    t->activations = used > t->activations ? used : t->activations;
    TRY(ting_ranks_agree(t->ranks, err));
    TRY(ting_ranks_sum(t->ranks, ting_params_gradients(t->task->params), t->elements));
out:
    return err;
}

/* What activations may still take, beside the moments of the optimizer and the task's data, which come to be used later. */
static size_t allowed(void *self)
{
    const ting_trainer *t = self;
    const ting_footprint f = ting_footprint_of(t->task->params, t->plan, t->task->data_bytes);
    const uint64_t available = ting_memory_available("");
    const double left = (double)available / t->ranks->here - f.optimizer - f.data;
    return available == UINT64_MAX ? SIZE_MAX : left > 0 ? (size_t)left : 0;
}

/* The gradients of the batch that takes the most memory, which change nothing. */
static ting_err rehearse(ting_trainer *t)
{
    ting_err err = TING_OK;
    ting_tape tape = {0};
    ting_tensor sum;
    ting_spent nobody_s;
    double total[2];
    const int64_t place = t->at.batch;
    if (t->at.step >= t->steps)
        return TING_OK;
    if (t->task->largest != NULL)
        t->at.batch = (int64_t)t->task->largest(t->task->self);
    ting_ctx ctx = ting_trainer_ctx(t, &tape);
    ting_arena_limit(t->arena, allowed, t);
    ting_arena_limit(t->gradients, allowed, t);
    ting_params_zero_gradients(t->task->params);
    ting_trainer_keep_statistics(t);
    TRY(forward(t, &ctx, &sum, total));
    if (isfinite(total[0] / total[1]))
        TRY(backward(t, &ctx, &tape, sum, total[1]));
    ting_log_write(t->options->log, TING_LOG_INFO, "memory: %.1f MB activations of the largest batch",
                   (double)t->activations / 1e6);
out:
    if (err == TING_ERR_MEMORY)
        ting_fail_in(
            err,
            "a step with the largest batch does not fit into the memory (fewer `seconds`, of text `tokens`, in the "
            "recipe's group data take less)");
    t->activations = 0;
    ting_arena_limit(t->arena, NULL, NULL);
    ting_arena_limit(t->gradients, NULL, NULL);
    ting_trainer_return_statistics(t);
    if (t->task->spend != NULL)
        t->task->spend(t->task->self, &nobody_s);
    t->at.batch = place;
    return err;
}

typedef enum outcome { STEP_TAKEN, STEP_NOT_FINITE, STEP_EMPTY } outcome;

/* The step changes nothing but what is counted. Of empty ones in a row the first is said. */
static void leave_out(ting_trainer *t, outcome what, double value, double norm)
{
    ting_trainer_return_statistics(t);
    t->at.skipped++;
    if (t->task->forget != NULL)
        t->task->forget(t->task->self);
    if (what == STEP_NOT_FINITE)
        ting_log_write(t->options->log, TING_LOG_WARNING, "step %lld left out: loss %g, gradient norm %g",
                       (long long)t->at.step, value, norm);
    else if (t->skips_in_a_row == 0)
        ting_log_write(t->options->log, TING_LOG_WARNING, "step %lld left out: nothing of its batch can be learnt from",
                       (long long)t->at.step);
}

/* One step. What decides whether it changes anything is a sum over all ranks, so that they decide alike. */
static ting_err take_step(ting_trainer *t, outcome *what)
{
    ting_err err = TING_OK;
    ting_tape tape = {0};
    ting_tensor sum;
    double total[2], norm = NAN;
    ting_arena_reset(t->arena);
    ting_arena_reset(t->gradients);
    ting_ctx ctx = ting_trainer_ctx(t, &tape);
    ting_params_zero_gradients(t->task->params);
    ting_trainer_keep_statistics(t);
    TRY(forward(t, &ctx, &sum, total));
    const double value = total[0] / total[1];
    if (isfinite(value)) {
        TRY(backward(t, &ctx, &tape, sum, total[1]));
        norm = ting_clip_gradients(t->task->params, t->kern, t->pool, t->plan->clip);
    }
    t->at.step++;
    *what = !(total[1] > 0) ? STEP_EMPTY : isfinite(norm) ? STEP_TAKEN : STEP_NOT_FINITE;
    if (*what != STEP_TAKEN) {
        leave_out(t, *what, value, norm);
        return TING_OK;
    }
    t->optimizer.step(t->optimizer.self, t->kern, t->pool, ting_trainer_rate(t));
    average_weights(t);
    t->loss_sum += value;
    t->norm_sum += norm;
    t->loss_steps++;
    t->units += total[1];
out:
    return err;
}

/* Counts steps in a row that changed nothing. Errors: numeric, io, when they are too many. */
static ting_err count_skips(ting_trainer *t, outcome what)
{
    ting_err err = TING_OK;
    t->skips_in_a_row = what == STEP_TAKEN ? 0 : t->skips_in_a_row + 1;
    if (t->skips_in_a_row < SKIPS_MAX)
        goto out;
    if (what == STEP_NOT_FINITE)
        FAIL(TING_ERR_NUMERIC, "%d steps in a row were not finite: lower the rate, or look for bad weights",
             (int)SKIPS_MAX);
    const char *why = t->task->why != NULL ? t->task->why(t->task->self) : NULL;
    FAIL(TING_ERR_IO, "nothing of %d batches in a row can be learnt from%s%s", (int)SKIPS_MAX, why != NULL ? ": " : "",
         why != NULL ? why : "");
out:
    return err;
}

/* What the steps since the last report have taken: sound and what was left out of all ranks, the terms of this rank's share. */
static ting_err add_spent(ting_trainer *t)
{
    ting_err err = TING_OK;
    t->spent = (ting_spent){.sound = NAN};
    if (t->task->spend != NULL)
        t->task->spend(t->task->self, &t->spent);
    double sums[] = {t->spent.sound, (double)t->spent.left_out};
    TRY(ting_ranks_sum_doubles(t->ranks, sums, 2));
    t->spent.sound = sums[0];
    t->spent.left_out = (long)sums[1];
out:
    return err;
}

/* What is due after a step: report, measurement, checkpoint. */
static ting_err after_step(ting_trainer *t, double *clock)
{
    ting_err err = TING_OK;
    const int64_t step = t->at.step;
    const bool last = step == t->steps, measures = last || step % t->plan->measure_every == 0;
    const bool saves = last || step % t->plan->save_every == 0, reports = measures || step % t->plan->log_every == 0;
    if (!saves && !reports)
        return TING_OK;
    if (reports)
        TRY(add_spent(t));
    TRY(ting_ranks_agree(t->ranks, t->ranks->rank == 0 ? ting_trainer_write_up(t, measures, saves, clock) : TING_OK));
    if (reports) {
        t->loss_sum = t->norm_sum = t->units = 0;
        t->loss_steps = 0;
    }
out:
    return err;
}

/* Whether any rank is asked to stop: then there is a checkpoint, and the code is cancelled. */
static ting_err stop_if_asked(ting_trainer *t, double *clock)
{
    ting_err err = TING_OK;
    double asked = t->options->stop != NULL && t->options->stop(t->options->self);
    TRY(ting_ranks_sum_doubles(t->ranks, &asked, 1));
    if (asked == 0)
        goto out;
    TRY(add_spent(t));
    TRY(ting_ranks_agree(t->ranks, t->ranks->rank == 0 ? ting_trainer_write_last(t, clock) : TING_OK));
    FAIL(TING_ERR_CANCELLED, "stopped after step %lld; the same command goes on from %s", (long long)t->at.step,
         t->checkpoint_path);
out:
    return err;
}

static ting_err run(ting_trainer *t)
{
    ting_err err = TING_OK;
    double clock = t->began = ting_trainer_clock();
    t->began_after = t->at.step;
    while (t->at.step < t->steps) {
        outcome what;
        TRY(stop_if_asked(t, &clock));
        TRY(take_step(t, &what));
        TRY(count_skips(t, what));
        if (++t->at.batch == (int64_t)t->batches) {
            t->at.batch = 0;
            TRY(ting_ranks_agree(t->ranks, t->task->epoch(t->task->self, (int)++t->at.epoch, &t->batches)));
        }
        TRY(after_step(t, &clock));
    }
out:
    return err;
}

ting_err ting_trainer_run(const ting_task *task, const ting_train_plan *plan, const ting_trainer_options *options)
{
    ting_trainer *t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    *t = (ting_trainer){.task = task,
                        .plan = plan,
                        .options = options,
                        .claim = -1,
                        .ranks = options->ranks != NULL ? options->ranks : &ting_ranks_alone};
    ting_err err = ting_ranks_agree(t->ranks, start(t));
    if (err == TING_OK)
        err = ting_trainer_compare(t);
    if (err == TING_OK)
        err = rehearse(t);
    if (err == TING_OK)
        err = run(t);
    ting_trainer_drop(t);
    ting_free(t);
    return err;
}
