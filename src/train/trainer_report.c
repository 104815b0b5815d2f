/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_report.c - what a training writes down: error rates, points of the curves, reports, checkpoints. See trainer_state.h. */
#include "base/available.h"
#include "base/mem.h"
#include "train/footprint.h"
#include "train/kept.h"
#include "train/trainer_state.h"

#include <math.h>

/* Error rate of the averaged weights (of the weights, without averaging). */
static ting_err measure(ting_trainer *t, double *errors)
{
    ting_trainer_swap_average(t);
    ting_arena_reset(t->arena);
    ting_ctx ctx = ting_trainer_ctx(t, NULL);
    ting_err err = t->task->measure(t->task->self, &ctx, errors);
    ting_trainer_swap_average(t);
    return err;
}

static ting_err add_point(ting_trainer *t, const ting_curve_point *point)
{
    if (t->curve_count == t->curve_room) {
        size_t room = 2 * t->curve_room + 64;
        ting_curve_point *grown = ting_grow(t->curve, t->curve_room, room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        t->curve = grown;
        t->curve_room = room;
    }
    t->curve[t->curve_count++] = *point;
    return TING_OK;
}

/* At the first report of a run, what all of it takes; reports say what steps take. */
static void say_memory(ting_trainer *t)
{
    const ting_footprint footprint = ting_footprint_of(t->task->params, t->plan, t->task->data_bytes);
    ting_str parts = {0};
    ting_footprint_print(&footprint, &parts);
    if (!t->memory_said && ting_str_ok(&parts))
        ting_log_write(t->options->log, TING_LOG_INFO, "memory: %s, %.1f MB activations, peak resident %.1f MB",
                       parts.text, (double)t->activations / 1e6, (double)ting_memory_peak() / 1e6);
    ting_str_free(&parts);
    t->memory_said = true;
}

/* The steps since the last point, which took so many seconds. */
static ting_curve_point make_point(ting_trainer *t, double seconds, double errors)
{
    const double before = t->curve_count > 0 ? t->curve[t->curve_count - 1].seconds : 0;
    const double steps = t->loss_steps > 0 ? (double)t->loss_steps : NAN;
    t->left_out += (double)t->spent.left_out;
    ting_curve_point point = {.step = t->at.step,
                              .loss = t->loss_sum / steps,
                              .rate = ting_trainer_rate(t),
                              .seconds = before + seconds,
                              .errors = errors,
                              .epoch = (double)t->at.epoch + (double)t->at.batch / (double)t->batches,
                              .norm = t->norm_sum / steps,
                              .units = t->units / seconds,
                              .sound = t->spent.sound / seconds,
                              .left_out = t->left_out,
                              .skipped = (double)t->at.skipped};
    for (int i = 0; i < TING_CURVE_TERMS; i++)
        point.terms[i] = i < t->task->term_count ? t->spent.terms[i] : NAN;
    return point;
}

/* "ctc 0.1234, simple 0.5678, 3 left out" */
static void describe_point(const ting_trainer *t, const ting_curve_point *point, double left_out, ting_str *out)
{
    for (int i = 0; i < t->task->term_count; i++)
        if (isfinite(point->terms[i]))
            ting_str_addf(out, "%s%s %.4f", out->length > 0 ? ", " : "", t->task->terms[i], point->terms[i]);
    if (left_out > 0)
        ting_str_addf(out, "%s%.0f left out", out->length > 0 ? ", " : "", left_out);
}

/* A point of the curves and a report, with a measurement or without. */
static ting_err report(ting_trainer *t, bool measures, double *clock)
{
    ting_err err = TING_OK;
    const double seconds = ting_trainer_clock() - *clock, left_out = t->left_out;
    double errors = -1;
    ting_str note = {0};
    if (measures) {
        TRY(measure(t, &errors));
        ting_str_clear(&t->samples);
        if (t->task->samples != NULL)
            t->task->samples(t->task->self, &t->samples);
    }
    const ting_curve_point point = make_point(t, seconds, errors);
    TRY(add_point(t, &point));
    describe_point(t, &point, t->left_out - left_out, &note);
    say_memory(t);
    const double pace = (ting_trainer_clock() - t->began) / (double)(t->at.step - t->began_after);
    if (t->options->report != NULL)
        t->options->report(t->options->self,
                           &(ting_train_report){.step = (long)t->at.step,
                                                .steps = t->steps,
                                                .epoch = (int)t->at.epoch,
                                                .loss = point.loss,
                                                .rate = point.rate,
                                                .norm = point.norm,
                                                .units_per_second = point.units,
                                                .sound_per_second = isfinite(point.sound) ? point.sound : -1,
                                                .seconds_left = pace * (double)(t->steps - t->at.step),
                                                .errors = errors,
                                                .error_name = t->task->error_name,
                                                .plain_errors = t->task->plain_errors,
                                                .note = note.length > 0 && ting_str_ok(&note) ? note.text : "",
                                                .activations = (double)t->activations});
    t->activations = 0;
    *clock = ting_trainer_clock();
out:
    ting_str_free(&note);
    return err;
}

/* While steps are to come a full disk stops nothing: the checkpoint before stays, and the next save point tries
 * again. *saved tells whether it worked. */
static ting_err save(ting_trainer *t, bool last, bool *saved)
{
    ting_err err = ting_trainer_save(t);
    *saved = err == TING_OK;
    if (err != TING_ERR_IO || last || t->at.step >= t->steps)
        return err;
    ting_log_write(t->options->log, TING_LOG_WARNING, "no checkpoint of step %lld, the training goes on: %s",
                   (long long)t->at.step, ting_error_message());
    return TING_OK;
}

static void keep(ting_trainer *t)
{
    if (t->plan->keep > 0 && ting_kept_add(t->options->folder, t->at.step, t->plan->keep) != TING_OK)
        ting_log_write(t->options->log, TING_LOG_WARNING, "the checkpoint of step %lld is not kept: %s",
                       (long long)t->at.step, ting_error_message());
}

/* Rank 0's part of what is due after a step. Saved before measuring too: that takes a while. */
ting_err ting_trainer_write_up(ting_trainer *t, bool measures, bool saves, double *clock)
{
    ting_err err = TING_OK;
    bool saved;
    if (measures && saves)
        TRY(save(t, false, &saved));
    if (measures || t->at.step % t->plan->log_every == 0)
        TRY(report(t, measures, clock));
    if (saves) {
        TRY(save(t, t->at.step == t->steps, &saved));
        if (saved)
            keep(t);
    }
out:
    return err;
}

ting_err ting_trainer_write_last(ting_trainer *t, double *clock)
{
    ting_err err = TING_OK;
    const int64_t reported = t->curve_count > 0 ? t->curve[t->curve_count - 1].step : 0;
    if (t->at.step > t->began_after && t->at.step > reported)
        TRY(report(t, false, clock));
    TRY(ting_trainer_save(t));
out:
    return err;
}
