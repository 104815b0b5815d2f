/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_task.h - what the trainer asks of an acoustic network: parameters, the loss of a batch, errors on what is held out.
 *
 *     recipe + data folder (+ teacher) -> tokens, utterances, augmentation, batches made ahead, network
 *
 * am_task.c puts it together, am_task_view.c is what the trainer sees of it, am_loss.c computes the loss of a batch, am_measure.c
 * decodes what is held out.
 */
#ifndef TING_TRAIN_AM_TASK_H
#define TING_TRAIN_AM_TASK_H

#include "data/speech_batch.h"
#include "train/am_recipe.h"
#include "train/am_teacher.h"
#include "train/am_tokens.h"
#include "train/trainer.h"
#include "train/watch.h"

typedef enum ting_am_term {
    TING_AM_CTC,
    TING_AM_TRANSDUCER,
    TING_AM_SIMPLE,
    TING_AM_CONSISTENCY,
    TING_AM_ROWS,
    TING_AM_HINTS,
    TING_AM_POSTERIORS,
    TING_AM_ATTENTION,
    TING_AM_TERMS
} ting_am_term;

typedef struct ting_am_terms { /* sums over the batches since the trainer last asked */
    double loss[TING_AM_TERMS];
    bool computed[TING_AM_TERMS];
    double units, seconds;
    long batches, left_out, impossible;
    int impossible_here; /* of the batch at hand: an utterance counts once, in however many terms and views it has no path */
} ting_am_terms;

enum { TING_MOST_NAMED = 50 }; /* utterances that a run names */

typedef struct ting_am_task {
    const ting_am_recipe *recipe;
    const ting_log *log, *own_log;
    ting_watch *watch; /* NULL: nobody stops it */
    ting_texts tokens;
    ting_lexicon *lexicon;
    ting_labeller *labeller;
    ting_manifest *manifests[2 * TING_MOST_SOURCES];
    int manifest_count;
    ting_speech *train, *held; /* held NULL: nothing is measured */
    ting_epoch_group groups[TING_MOST_SOURCES];
    ting_cmvn cmvn;
    ting_augment *augment; /* NULL: none */
    ting_speech_batches *batches;
    double data_bytes; /* see ting_task */
    ting_am_net *net;
    ting_am_teacher *teacher; /* NULL: none */
    ting_str from, taught_by; /* for the record, see ting_task; empty: nobody */
    ting_am_terms terms, terms_before; /* ... the last batch */
    char why[256];                     /* the last utterance was left out; "": none was */
    uint64_t named[TING_MOST_NAMED];   /* hashes of what was said of utterances that were left out */
    int named_count;
    ting_str samples; /* of the last measurement, lines as in train/curves.h */
} ting_am_task;

typedef struct ting_am_files {
    const char *data;    /* folder that relative manifests start from; NULL: the working directory */
    const char *teacher; /* a recogniser's file or folder; NULL: none */
    const char *folder;  /* of the training */
    const char *from;    /* the model that it starts from; NULL: none */
    const ting_ranks *ranks; /* among which batches are divided; NULL: alone */
    const ting_log *own_log; /* of this rank's share; the other log is of what all ranks see. NULL: silence */
    ting_watch *watch;   /* borrowed; asked while files are opened and what is held out is measured. NULL: nobody */
    bool to_train;       /* false: the network only, to load a checkpoint into */
} ting_am_files;

/* Reads everything and makes the network with its first values. Borrows recipe and logs. Free with ting_am_task_free.
 * Errors: io, format, model, argument (a recipe that wants a teacher and has none), memory, cancelled. */
ting_err ting_am_task_make(ting_am_task *task, const ting_am_recipe *recipe, const ting_am_files *files,
                           const ting_log *log);
void ting_am_task_free(ting_am_task *task);

/* The task as the trainer sees it; borrows. A unit is a row of the encoder's output. */
ting_err ting_am_task_view(ting_am_task *task, ting_task *out);

/* ---- parts ---- */

/* The loss of a batch, its terms added to task->terms. Failures of ops stay in ctx->err. */
ting_err ting_am_loss_of(ting_am_task *task, ting_ctx *ctx, const ting_speech_batch *batch, ting_tensor *sum,
                         double *units);

/* Token error rate on what is held out, greedily decoded; says a few sentences and keeps some more as samples. < 0 when there is
 * nothing, or the watch says stop. Resets the context's arena. */
ting_err ting_am_measure(ting_am_task *task, ting_ctx *ctx, double *errors);

#endif
