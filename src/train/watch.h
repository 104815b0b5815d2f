/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - the caller of a training (tingxie_train.h) as those see him who ask whether to stop, at places that know nothing of each
 * other: while files are opened, before a step, in the middle of a measurement.
 *
 * A wish to stop is remembered once it was uttered: a measurement that breaks off gives no figure and no error, and the trainer,
 * which asks next, hears the same answer and writes its checkpoint. One thread.
 */
#ifndef TING_TRAIN_WATCH_H
#define TING_TRAIN_WATCH_H

#include "tingxie_train.h"

#include <stdbool.h>

typedef struct ting_watch {
    const ting_train_options *options; /* borrowed; NULL: nobody */
    bool stopped;
} ting_watch;

/* With a ting_watch as `self`, which may be NULL. */
int ting_watch_stop(void *self);
void ting_watch_report(void *self, const ting_train_report *report);

#endif
