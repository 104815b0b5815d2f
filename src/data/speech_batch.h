/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speech_batch.h - utterances -> batches of a budget in seconds of sound: decoded, augmented, as features, made ahead by
 * threads.
 *
 *     item -> sound -> voice [-> line] -----------------> features            `clean`: what a teacher hears
 *                       |-> channel -> features -> masks  view 1  |
 *                       '-> channel -> features -> masks  view 2  |  `heard`: what is trained
 *
 * A batch is a function of (seed, epoch, place), an utterance in it of these and its place in the batch: a share of a batch
 * (deal.h) holds the same sound as the whole. All views of an utterance have the same frames. Utterances whose sound
 * cannot be read, or that have fewer rows than their tokens need, are left out and counted.
 */
#ifndef TING_DATA_SPEECH_BATCH_H
#define TING_DATA_SPEECH_BATCH_H

#include "base/rng.h"
#include "data/deal.h"
#include "data/epoch.h"
#include "data/speech.h"
#include "feat/cmvn.h"
#include "feat/feature.h"
#include "nn/tensor.h"

enum { TING_MOST_VIEWS = 2 };

typedef enum ting_clean { /* what a batch's `clean` features are made of */
    TING_CLEAN_NONE,
    TING_CLEAN_VOICE, /* ting_augment_voice */
    TING_CLEAN_LINE   /* then ting_augment_line, as in the first view: before its level and its masks */
} ting_clean;

typedef struct ting_speech_batch {
    int views, utterances; /* of each view: the labelled ones come first */
    int labelled;
    ting_segments frames; /* views x utterances, view after view; of 0 utterances when none is left or dealt */
    float *heard;         /* [frames in all, dim] */
    float *clean;         /* [frames of one view, dim]; NULL when not wanted */
    ting_segments labels; /* [labelled] */
    const int *label_ids;
    const uint32_t *items; /* [utterances] of the speech */
    double seconds;        /* of sound, one view */
    ting_rng chance;       /* for what is drawn once a batch: the same in all of its shares */
    int left_out;
    const char *why; /* of the last one left out; NULL: none */
} ting_speech_batch;

typedef struct ting_speech_batches_options {
    const ting_epoch_group *groups; /* of the speech's items; copied */
    int group_count;
    double seconds; /* of a batch, at most (a longer utterance stands alone) */
    int window;     /* utterances sorted together by length */
    uint64_t seed;
    int views; /* 1 or 2 */
    ting_clean clean;
    ting_timing timing;
    const ting_augment *augment; /* NULL: sound as it is */
    ting_feature_config features;
    const ting_cmvn *cmvn;                     /* with TING_CMVN_GLOBAL */
    int (*rows)(const void *self, int frames); /* rows of the network for so many frames */
    const void *rows_self;
    ting_share share;   /* of each batch */
    int threads, ahead; /* of the loader */
} ting_speech_batches_options;

typedef struct ting_speech_batches ting_speech_batches;

/* Borrows the speech and what the options point to. Returns owned in *out, free with ting_speech_batches_free. Errors: argument,
 * memory. */
ting_err ting_speech_batches_new(ting_speech *speech, const ting_speech_batches_options *options,
                                 ting_speech_batches **out);
void ting_speech_batches_free(ting_speech_batches *batches);

/* Makes the order of an epoch current; *count gets its number of batches. Errors: memory; argument, when nothing is left. */
ting_err ting_speech_batches_epoch(ting_speech_batches *batches, int epoch, size_t *count);

/* The place of the batch of the epoch that takes the most memory to learn from: frames, and their squares for attention. */
size_t ting_speech_batches_largest(const ting_speech_batches *batches);

/* Batch `place` of the epoch; quick when places are asked for in order. Borrows until the next call. Errors: memory, internal. */
ting_err ting_speech_batches_take(ting_speech_batches *batches, size_t place, const ting_speech_batch **out);

#endif
