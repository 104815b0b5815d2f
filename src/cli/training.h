/* SPDX-License-Identifier: Apache-2.0 */
/* training.h - what all `tingxie train` commands share: options, progress, Ctrl-C, where an export may go. */
#ifndef TING_CLI_TRAINING_H
#define TING_CLI_TRAINING_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "tingxie_train.h"

/* Of every training's options: its struct has them as the member `common`, which starts with TING_TRAINING_DEFAULTS. */
typedef struct ting_training_fields {
    const char *folder, *from, *export_path, *licence, *authors;
    int threads, finish, mean, type; /* mean 0, type -1: not given */
} ting_training_fields;

#define TING_TRAINING_DEFAULTS {.type = -1}

#define TING_TRAINING_FIELD(options, field) offsetof(options, common) + offsetof(ting_training_fields, field)

/* The rows that every training's table of options has. */
#define TING_TRAINING_OPTIONS(options) \
    {'o', "output", TING_OPTION_FOLDER, TING_TRAINING_FIELD(options, folder), "DIR", \
     "folder of the checkpoint and the curves; one that holds a checkpoint is continued", .unset = "must be given"}, \
    {'t', "threads", TING_OPTION_INT, TING_TRAINING_FIELD(options, threads), "N", "threads", .min = 1, .max = 1024, \
     .unset = "all processors"}, \
    {0, "finish", TING_OPTION_INT, TING_TRAINING_FIELD(options, finish), "STEPS", \
     "let the learning rate fall to its end within STEPS more steps, then stop", .min = 0, .max = 1e9, \
     .unset = "the recipe's plan"}, \
    {0, "from", TING_OPTION_FILE, TING_TRAINING_FIELD(options, from), "MODEL", \
     "begin with the weights of a model file, where DIR holds no checkpoint", .unset = "random numbers"}, \
    {0, "export", TING_OPTION_FILE, TING_TRAINING_FIELD(options, export_path), "FILE", \
     "train nothing: write the checkpoint's averaged weights as a model file"}, \
    {0, "average", TING_OPTION_INT, TING_TRAINING_FIELD(options, mean), "N", \
     "with --export: the mean of the averaged weights of the last N kept checkpoints (`keep` in RECIPE)", .min = 1, \
     .max = 100000, .unset = "the last checkpoint alone"}, \
    {0, "type", TING_OPTION_CHOICE, TING_TRAINING_FIELD(options, type), "TYPE", "with --export: of the matrices", \
     .choices = "f32 f16 bf16 int8", .unset = "f32"}, \
    {0, "licence", TING_OPTION_TEXT, TING_TRAINING_FIELD(options, licence), "SPDX", \
     "with --export: the licence to state in the file, such as Apache-2.0", .unset = "none"}, \
    {0, "authors", TING_OPTION_TEXT, TING_TRAINING_FIELD(options, authors), "TEXT", \
     "with --export: who trained it, to state in the file", .unset = "nobody"}

typedef struct ting_training_session { /* the `self` of report; start with the first three */
    ting_cli *cli;
    const char *command; /* "train p2h" */
    const char *unit;    /* "characters"; for sound its own speed is shown */
    ting_progress bar;
    bool begun;
    char note[256];
} ting_training_session;

/* A bar or lines, and a sentence at each measurement; the end of the bar. */
void ting_training_report(void *self, const ting_train_report *report);
void ting_training_end(ting_training_session *session);

typedef struct ting_training_kind {
    const char *command, *unit; /* of the session */
    ting_err (*train)(const ting_train_options *options);
    ting_err (*export)(const ting_train_options *options, const char *path, ting_export_type type, const char *licence);
} ting_training_kind;

/* Trains or exports, with a bar or lines and a sentence at each measurement; Ctrl-C stops it. `options` has what is of this kind:
 * recipe, data, corpus, settings, teacher. An export is refused where it would replace a file that is read, or is not named as a
 * model, .gguf, as nothing is that a training writes into its folder. */
ting_exit ting_training_run(ting_cli *cli, const ting_training_kind *kind, const ting_training_fields *fields,
                            ting_train_options options);

#endif
