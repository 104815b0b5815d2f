/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_teacher.h - a recogniser whose rows another network learns to give (distillation). It hears each utterance as it came from
 * the speaker, the pupil hears it as the channel spoilt it.
 */
#ifndef TING_TRAIN_AM_TEACHER_H
#define TING_TRAIN_AM_TEACHER_H

#include "data/speech_batch.h"
#include "nn/ctx.h"
#include "train/am_hints.h"

typedef struct ting_am_teacher ting_am_teacher;

/* A model file, or a folder with a public model (engine/am.h), that has a transducer. Returns owned in *out, free with
 * ting_am_teacher_free. Errors: those of opening; model (no transducer); memory. */
ting_err ting_am_teacher_open(const char *path, ting_precision precision, ting_am_teacher **out);
void ting_am_teacher_free(ting_am_teacher *teacher);

const ting_feature_config *ting_am_teacher_features(const ting_am_teacher *teacher); /* borrows */
int ting_am_teacher_width(const ting_am_teacher *teacher);                           /* columns of its rows */

/* Whether both hear the same: rows as often, of features that one mean and variance has normalised (cmvn: the pupil's; of no
 * dimension: none). Errors: model (not so). */
ting_err ting_am_teacher_hears(const ting_am_teacher *teacher, const ting_encoder_config *pupil, const ting_cmvn *cmvn);

/* Which of the pupil's tokens is which of the teacher's, by their text; *shared: how many are, beside the blank. Needed before the
 * teacher says what it hears. Errors: model (none is the same), memory. */
ting_err ting_am_teacher_agree(ting_am_teacher *teacher, const ting_texts *tokens, int blank, int *shared);

/* From now on it shows its hints too, to a network of these settings: they have as many columns as its maps, or as its stacks.
 * Errors: model (they do not fit). */
ting_err ting_am_teacher_hints(ting_am_teacher *teacher, const ting_am_config *pupil);

typedef struct ting_am_taught {
    ting_tensor rows; /* for the joiner: [rows in all, width] */
    ting_am_hints hints; /* after ting_am_teacher_hints: rows at 50 Hz */
    /* what it says, greedily, at most a token a row; only if asked for: */
    ting_segments said; /* of each utterance */
    const int *tokens;  /* the pupil's; -1: one that the pupil lacks */
    const int *state;   /* [rows in all] tokens said before this row, in its utterance */
    ting_real *posteriors; /* [rows in all, pupil's tokens] of what comes at this row after them; tokens that the pupil lacks
                            * are left out of the sum to 1 */
    ting_real *known; /* [rows in all] how much of the teacher's posterior that was; 0 where it is less than half */
} ting_am_taught;

/* Hears the batch's `clean` utterances; rows: the rows that the pupil has of each. What it returns is valid until the next call.
 * Uses the context's pool and kernels; a failure becomes ctx's. One thread at a time. */
ting_am_taught ting_am_teach(ting_am_teacher *teacher, ting_ctx *ctx, const ting_speech_batch *batch,
                             ting_segments rows, bool speaks);

#endif
