/* SPDX-License-Identifier: Apache-2.0 */
/* training.h - what all `tingxie train` commands do beside training: progress, Ctrl-C, where an export may go. */
#ifndef TING_CLI_TRAINING_H
#define TING_CLI_TRAINING_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "tingxie_train.h"

typedef struct ting_training_session { /* the `self` of report and stop */
    ting_cli *cli;
    const char *command; /* "train p2h" */
    const char *unit;    /* "characters"; for sound its own speed is shown */
    ting_progress bar;
    bool begun;
    char note[256];
} ting_training_session;

/* The rows that every training's table of options has; `options` is a struct with folder, threads, finish, from, export_path,
 * mean, type, licence and authors. */
#define TING_TRAINING_OPTIONS(options) \
    {'o', "output", TING_OPTION_FOLDER, offsetof(options, folder), "DIR", \
     "folder of the checkpoint and the curves; one that holds a checkpoint is continued", .unset = "must be given"}, \
    {'t', "threads", TING_OPTION_INT, offsetof(options, threads), "N", "threads", .min = 1, .max = 1024, \
     .unset = "all processors"}, \
    {0, "finish", TING_OPTION_INT, offsetof(options, finish), "STEPS", \
     "let the learning rate fall to its end within STEPS more steps, then stop", .min = 0, .max = 1e9, \
     .unset = "the recipe's plan"}, \
    {0, "from", TING_OPTION_FILE, offsetof(options, from), "MODEL", \
     "begin with the weights of a model file, where DIR holds no checkpoint", .unset = "random numbers"}, \
    {0, "export", TING_OPTION_FILE, offsetof(options, export_path), "FILE", \
     "train nothing: write the checkpoint's averaged weights as a model file"}, \
    {0, "average", TING_OPTION_INT, offsetof(options, mean), "N", \
     "with --export: the mean of the averaged weights of the last N kept checkpoints (`keep` in RECIPE)", .min = 1, \
     .max = 100000, .unset = "the last checkpoint alone"}, \
    {0, "type", TING_OPTION_CHOICE, offsetof(options, type), "TYPE", "of the exported matrices", \
     .choices = "f32 f16 bf16 int8"}, \
    {0, "licence", TING_OPTION_TEXT, offsetof(options, licence), "SPDX", \
     "licence to state in the exported file, such as Apache-2.0", .unset = "none"}, \
    {0, "authors", TING_OPTION_TEXT, offsetof(options, authors), "TEXT", "who trained it, to state in the exported file", \
     .unset = "nobody"}

/* For ting_train_options: a bar or lines, and a sentence at each measurement. */
void ting_training_report(void *self, const ting_train_report *report);
int ting_training_stop(void *self);
void ting_training_end(ting_training_session *session);

/* Whether the exported file is none of those that are read (others [count], NULL for none) and is named as a model, .gguf, as
 * nothing is that the training writes into its folder. Errors: argument, memory. */
ting_err ting_training_check_export(const char *export_path, const char *const *others, size_t count);

#endif
