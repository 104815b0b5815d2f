/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tingxie_train.h - the training interface, beside tingxie.h: data, training, export. In libtingxie_train.
 *
 *     ting_train_options options = {.recipe = "recipes/p2h.yaml", .data = "p2h.corpus", .folder = "run"};
 *     if (ting_train_p2h(&options) != TING_OK || ting_export_p2h(&options, "p2h.gguf", TING_EXPORT_INT8, "CC0-1.0") != TING_OK)
 *         fprintf(stderr, "%s\n", ting_error_message());
 *
 * A training is a recipe (YAML), its data and a folder, which gets `checkpoint` (the whole state, replaced atomically) and
 * `curves.html`. A folder that holds a checkpoint is continued exactly where it stopped, on any number of threads.
 * Strings and callbacks are borrowed during a call. Several threads may train at once, each in a folder of its own.
 */
#ifndef TINGXIE_TRAIN_H
#define TINGXIE_TRAIN_H

#include "tingxie.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Remarks of the library, a sentence each. */
typedef struct ting_remarks {
    void (*say)(void *self, const char *sentence); /* NULL: silence */
    void *self;
} ting_remarks;

/* ---- text for a pinyin-to-hanzi network ---- */

typedef struct ting_p2h_files {
    const char *settings, *output; /* YAML that names the texts (src/data/p2h_prepare.h); the corpus file to write */
    const char *base;              /* folder that paths in the settings start from; NULL: the working directory */
    const char *lexicon;           /* folder of pinyin tables */
} ting_p2h_files;

typedef struct ting_p2h_counts {
    size_t sentences, tokens;  /* written */
    size_t excluded;           /* lines dropped because their text is held out */
    size_t rare;               /* tokens whose character fell under the cut */
    size_t readings;
    int characters, syllables; /* of the tables */
} ting_p2h_counts;

/* Text files to a corpus; a function of the files and the settings alone. Errors: io, format, memory. */
TING_API ting_err ting_prepare_p2h(const ting_p2h_files *files, const ting_remarks *remarks, ting_p2h_counts *counts);

/* ---- training ---- */

typedef struct ting_train_report { /* means since the report before */
    long step, steps;
    int epoch;
    double loss, rate, norm; /* per unit; learning rate; of the gradient before clipping */
    double units_per_second; /* characters for text */
    double errors;           /* error rate on what is held out, or < 0: not measured at this step */
    const char *note;        /* terms of the loss and the like; "" for none. Borrows during the call */
} ting_train_report;

typedef struct ting_train_options { /* start with {0} */
    const char *recipe, *data, *folder;
    int threads;      /* 0: one for each processor */
    long finish;      /* > 0: let the learning rate fall to its end within so many steps from now on, then stop */
    const char *from; /* a model file to begin with; NULL: random numbers. Not used where a checkpoint is */
    const char *teacher; /* acoustic networks: the recogniser that a recipe with a teacher learns from, a file or a folder with a
                            public model */
    ting_remarks remarks;
    void (*report)(void *self, const ting_train_report *report); /* at the recipe's intervals; NULL: none */
    int (*stop)(void *self); /* asked at each step; 1: write a checkpoint and return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_train_options;

/* Trains a pinyin-to-hanzi network to the end of its recipe, or goes on from the checkpoint in the folder. Errors: io, format
 * (recipe, corpus, checkpoint), model, memory, numeric (the training diverged), cancelled. */
TING_API ting_err ting_train_p2h(const ting_train_options *options);

typedef enum ting_export_type { TING_EXPORT_F32, TING_EXPORT_F16, TING_EXPORT_BF16, TING_EXPORT_INT8 } ting_export_type;

/* Writes the checkpoint's averaged weights as a model file, with the record of the training; `licence` is an SPDX
 * expression. Errors: argument (no checkpoint), io, format, model, memory. */
TING_API ting_err ting_export_p2h(const ting_train_options *options, const char *path, ting_export_type type,
                                  const char *licence);

/* The same for an acoustic network; `data` is the folder that the recipe's manifests start from (NULL: the working directory),
 * a unit is a row of the encoder's output. Errors: unsupported too (a teacher that cannot be run here). */
TING_API ting_err ting_train_am(const ting_train_options *options);
TING_API ting_err ting_export_am(const ting_train_options *options, const char *path, ting_export_type type,
                                 const char *licence);

#ifdef __cplusplus
}
#endif

#endif
