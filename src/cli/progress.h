/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - how far a long command is: a bar with rate and time left when standard error is a
 * terminal, otherwise a plain line every ten seconds; nothing with --quiet.
 *
 *     ting_progress bar;
 *     ting_progress_begin(&bar, cli, "transcribe", total, "files");
 *     ...ting_progress_update(&bar, done, "12 errors");
 *     ting_progress_end(&bar);
 *
 * One thread at a time, and one bar at a time per command.
 */
#ifndef TING_CLI_PROGRESS_H
#define TING_CLI_PROGRESS_H

#include "cli/cli.h"

typedef struct ting_progress {
    ting_cli *cli;
    const char *what, *unit; /* borrow until end */
    double total;            /* 0: not known, no bar and no time left */
    double started, shown;   /* seconds of the monotonic clock */
    double first;            /* units done when it began, which took none of that time; 0 unless set after begin */
    bool terminal, drawn;
} ting_progress;

void ting_progress_begin(ting_progress *bar, ting_cli *cli, const char *what, double total,
                         const char *unit);

/* `done` of `total` units; `note` (may be NULL) is put at the end. Draws at most ten times a second. */
void ting_progress_update(ting_progress *bar, double done, const char *note);

/* The same for ting_options.progress, whose self is the bar: a total above 0 becomes the bar's. Returns 1 after Ctrl-C. */
int ting_progress_watch(void *self, double done, double total);

/* Takes the bar off the terminal. */
void ting_progress_end(ting_progress *bar);

/* Wipes the bar's line so that something else can be written; the next update draws it again. */
void ting_progress_wipe(ting_progress *bar);

/* Seconds of a clock that never goes back. */
double ting_clock(void);

#endif
