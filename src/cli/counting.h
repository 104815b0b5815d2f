/* SPDX-License-Identifier: Apache-2.0 */
/* counting.h - progress and Ctrl-C of a library call that says how many things it has done. */
#ifndef TING_CLI_COUNTING_H
#define TING_CLI_COUNTING_H

#include "cli/progress.h"

typedef struct ting_counting { /* the `self` of show and stop */
    ting_cli *cli;
    const char *command, *unit; /* "data check", "clips" */
    ting_progress bar;
    bool begun;
} ting_counting;

void ting_counting_show(void *self, size_t done, size_t all);
int ting_counting_stop(void *self);
void ting_counting_end(ting_counting *counting);

#endif
