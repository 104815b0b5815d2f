/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trainer_state.h - what a training is made of while it runs, how that gets into a checkpoint and out of it
 * (trainer_state.c), and what of it is reported (trainer_report.c).
 */
#ifndef TING_TRAIN_TRAINER_STATE_H
#define TING_TRAIN_TRAINER_STATE_H

#include "nn/tape.h"
#include "train/trainer.h"

typedef struct ting_place { /* where the training stands; saved as it is */
    int64_t step, epoch, batch;
    int64_t decay_from, decay_steps; /* decay_steps 0: the plan's own */
    double decay_rate;               /* what it falls from */
    int64_t skipped;                 /* steps that changed nothing */
} ting_place;

typedef struct ting_trainer {
    const ting_task *task;
    const ting_train_plan *plan;
    const ting_trainer_options *options;
    const ting_ranks *ranks;
    ting_optimizer optimizer;
    ting_real *average; /* [elements]; NULL: no averaging */
    size_t elements;
    ting_real
        *statistics; /* those of before a step (TING_PARAM_STATISTICS), one parameter after the other; NULL: none */
    const ting_kern *kern;
    ting_pool *pool;
    ting_arena *arena, *gradients; /* of a step */
    char *checkpoint_path, *curves_path;
    int claim; /* of the folder (base/folder.h); of the first rank */
    ting_place at;
    ting_curve_point *curve;
    size_t curve_count, curve_room;
    size_t batches; /* of the current epoch */
    long steps;     /* the last one */
    ting_str samples; /* of the last measurement, as train/curves.h has them */
    ting_str from, teacher; /* see ting_task; of the task, or of the checkpoint where it has none */
    ting_str recipe, changes; /* see ting_training; the changes without their brackets */
    double left_out;  /* items since the training began */
    double began;     /* seconds of the clock when this run began, after step ... */
    int64_t began_after;
    /* since the last report */
    double loss_sum, norm_sum, units;
    long loss_steps;
    int skips_in_a_row;
    ting_spent spent;
    size_t activations; /* bytes, the most of a step */
    bool memory_said;
} ting_trainer;

/* Paths, optimizer, mean of the weights, for the task and the plan in *t. Errors: memory. */
ting_err ting_trainer_make(ting_trainer *t, const char *folder);
void ting_trainer_drop(ting_trainer *t); /* frees what *t holds */

/* Checkpoint and curves. Errors: io. */
ting_err ting_trainer_save(ting_trainer *t);

/* Errors: io, format, model (another network, other data), memory. */
ting_err ting_trainer_restore(ting_trainer *t);

/* From the step at hand on a setting has another value than before (NULL: not given): said, and kept for the record. self: the
 * trainer, so that it can go over a recipe (base/yaml_text.h). */
void ting_trainer_change(void *self, const char *key, const char *before, const char *after);

/* Puts the mean of what the last `count` kept checkpoints in the folder have averaged (without averaging: of their
 * weights) into the weights. After restore. Errors: argument (fewer are kept), those of restore. */
ting_err ting_trainer_take_mean(ting_trainer *t, const char *folder, int count);

/* All ranks train the same network, by the same recipe, from the same place, on the same kernels. Errors: model. */
ting_err ting_trainer_compare(const ting_trainer *t);

/* Exchanges the weights with their mean, if one is kept. */
void ting_trainer_swap_average(ting_trainer *t);

/* What forward passes of a training change in the network, running statistics: set aside before a step, put back when
 * the step turns out to change nothing. */
void ting_trainer_keep_statistics(ting_trainer *t);
void ting_trainer_return_statistics(ting_trainer *t);

/* ---- what trainer.c and trainer_report.c ask of each other ---- */

double ting_trainer_clock(void);                 /* seconds */
double ting_trainer_rate(const ting_trainer *t); /* of learning, at this step */

/* For this step; tape NULL: no training. */
ting_ctx ting_trainer_ctx(ting_trainer *t, ting_tape *tape);

/* Rank 0's part of what is due after a step: a report, with a measurement or without, and a checkpoint. *clock is the
 * time of the report before and gets that of this one. Errors: those of the task; io, memory. */
ting_err ting_trainer_write_up(ting_trainer *t, bool measures, bool saves, double *clock);

/* And when it is stopped: a report of the steps since the last one, which the checkpoint does not hold, and the checkpoint. */
ting_err ting_trainer_write_last(ting_trainer *t, double *clock);

#endif
