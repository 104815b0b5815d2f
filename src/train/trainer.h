/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trainer.h - the loop that trains anything: batches of a task -> loss -> gradients -> optimizer, with measuring,
 * averaging, checkpoints and exact resume.
 *
 *     ting_task (the network, its data, its loss)  +  ting_train_plan (how)  ->  ting_trainer_run
 *
 * In `folder`: checkpoint (the full state, replaced atomically), checkpoint-STEP (kept.h), curves.html
 * (train/curves.h). A folder that holds a checkpoint is continued, exactly as if it had never stopped: same
 * batches, same dropout, same numbers, on any number of threads; the curves have a point more, where it was stopped. What
 * a checkpoint does not hold is a function of the plan's seed and of (epoch, place).
 *
 * Several processes (ranks.h) train as one: a batch is divided among them, and with the same seed the numbers differ
 * from those of one process by rounding alone, chance (dropout) aside. Rank 0 measures, reports and writes; all read
 * the same folder. One training writes in a folder at a time: what a killed one has left half written is removed.
 *
 * Before its first step a training computes the gradients of its largest batch, and drops them: whether activations fit into the
 * memory that there is shows then, not after hours.
 *
 * A checkpoint that cannot be written (a full disk) is said, and tried again at the next save point; the one before
 * stays. At the end, or when stopped, it is an error.
 *
 * Steps whose loss or gradient is not finite, and those of a batch that nothing is left of, change nothing but the place
 * in the data: not the weights, not running statistics, not the optimizer. They are said and counted; many in a row stop
 * the training.
 */
#ifndef TING_TRAIN_TRAINER_H
#define TING_TRAIN_TRAINER_H

#include "base/log.h"
#include "base/str.h"
#include "base/yaml.h"
#include "nn/ctx.h"
#include "nn/param.h"
#include "train/curves.h"
#include "train/plan.h"
#include "train/ranks.h"
#include "tingxie_train.h"

typedef struct ting_spent {         /* on the steps since it was last asked */
    double terms[TING_CURVE_TERMS]; /* of the loss, per unit, without their weights; NAN: not computed */
    double sound;                   /* seconds of it; NAN: it is not sound */
    long left_out;                  /* items that could not be learnt from */
} ting_spent;

typedef struct ting_task { /* what is trained. One thread calls the functions */
    void *self;
    ting_params *params;    /* allocated with gradients */
    uint64_t settings_hash; /* of what the names and shapes of the parameters do not show: heads, activations, ... */
    uint64_t
        keys_hash; /* the same of settings that earlier versions left out: checkpoints without one have any. 0: none */
    uint64_t data_hash;     /* a checkpoint belongs to its data; 0: any, which is enough to export it */
    const char *unit;       /* what the loss is a mean over, for the curves: "character" */
    double reference_batches; /* what a step counts for in ctx->batch_count (nn/steer.h): seconds of sound a batch / 600, as
                                 icefall has it; 0: 1 */
    const char *from,
        *teacher;      /* models that the first weights and the targets come from, as JSON objects for the record
                                   (model_origin.h); NULL: none. Borrowed */
    double data_bytes; /* of memory that it takes while it trains, at most; known before the first step */
    /* Makes the order of an epoch current, a function of the seed and `epoch`; *batches >= 1 gets its length. */
    ting_err (*epoch)(void *self, int epoch, size_t *batches);
    /* Batch `place` of the current epoch, or this rank's share of it: the sum of the loss over its units, and their
     * number. Nothing to learn from: a sum of no rows, and no units. Failures of ops stay in ctx->err. */
    ting_err (*loss)(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units);
    /* The batch of the current epoch that takes the most memory; NULL: they are alike. */
    size_t (*largest)(void *self);
    /* Error rate on what is held out; < 0 when nothing is, or somebody wants to stop. May reset the context's arena. */
    ting_err (*measure)(void *self, ting_ctx *ctx, double *errors);
    const char *error_name;   /* what `measure` measures: "character error rate" */
    bool plain_errors;        /* which is a number, like perplexity, and no share to show in percent */
    const char *const *terms; /* [term_count <= TING_CURVE_TERMS] names of the terms of the loss */
    int term_count;
    void (*spend)(void *self, ting_spent *out); /* NULL: only the loss is known */
    void (*forget)(
        void *self); /* the step of the last batch was left out: the terms of its loss do not count. NULL: none do */
    const char *(*why)(void *self); /* why the last item was left out; borrowed; NULL, or a NULL function: not known */
    /* Appends what was said and heard at the last measurement, lines as in train/curves.h; NULL: nothing. */
    void (*samples)(void *self, ting_str *out);
} ting_task;

typedef struct ting_trainer_options {
    const char *folder, *title; /* title: of the curves */
    int threads;                /* 0: all processors */
    long finish;                /* see ting_train_options */
    const ting_ranks *ranks;    /* borrowed */
    const ting_yaml *recipe;    /* all that it says: the same on all ranks, kept in the checkpoint; NULL: nothing is known of it */
    const ting_log *log;
    void (*report)(void *self, const ting_train_report *report);
    int (*stop)(void *self);
    void *self;
} ting_trainer_options;

/* Trains to the end of the plan. Errors: argument (`finish` during the warm-up), io, format and model (checkpoint), memory,
 * numeric, cancelled, those of the task. */
ting_err ting_trainer_run(const ting_task *task, const ting_train_plan *plan, const ting_trainer_options *options);

typedef struct ting_training { /* what became of it, for the record in an exported model */
    int64_t step, epoch, skipped;
    int mean;                /* of so many kept checkpoints; 0: of the last one alone */
    ting_curve_point *curve; /* owned */
    size_t curve_count;
    /* owned; NULL: none, or a checkpoint of an earlier version */
    char *from, *teacher;   /* as the task had them */
    char *recipe, *changes; /* one JSON object: what the recipe said last (ting_yaml_print); a list of what it said before:
                               {"step": n, "key": k, "before": v, "after": w}, where n steps were done when it changed */
} ting_training;

/* Puts the checkpoint's averaged weights (without averaging: the last ones) into the task's parameters; with `mean` >
 * 0 the mean of those of the last so many kept checkpoints (kept.h). Free *out with ting_training_free. Errors:
 * argument (no checkpoint there), io, format, model, memory. */
ting_err ting_trainer_load(const ting_task *task, const ting_train_plan *plan, const char *folder, int mean,
                           ting_training *out);
void ting_training_free(ting_training *training);

/* How the matrices of an exported file are stored. */
ting_dtype ting_export_dtype(ting_export_type type);

/* The recipe that the folder's checkpoint was trained by, as JSON: an export goes by it, not by the one that is given, whose
 * differences are said. out->length 0: no checkpoint, or one of an earlier version. Errors: io, format, memory. */
ting_err ting_trainer_recipe(const char *folder, const ting_yaml *given, const ting_log *log, ting_str *out);

/* "lm.gguf" -> "lm.training": the folder of a training that nobody names. Owned, free with ting_free; NULL when out of memory. */
char *ting_trainer_folder_beside(const char *output);

/* Whether there is something to continue. */
bool ting_trainer_has_checkpoint(const char *folder);

#endif
