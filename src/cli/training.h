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

/* For ting_train_options: a bar or lines, and a sentence at each measurement. */
void ting_training_report(void *self, const ting_train_report *report);
int ting_training_stop(void *self);
void ting_training_end(ting_training_session *session);

/* Whether the exported file is none of those that are read (others [count], NULL for none) nor one that the training writes
 * into the folder. Errors: argument, memory. */
ting_err ting_training_check_export(const char *export_path, const char *folder, const char *const *others,
                                    size_t count);

#endif
