/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - see watch.h. */
#include "train/watch.h"

int ting_watch_stop(void *self)
{
    ting_watch *watch = self;
    if (watch == NULL)
        return 0;
    const ting_train_options *o = watch->options;
    if (!watch->stopped && o != NULL && o->stop != NULL)
        watch->stopped = o->stop(o->self) != 0;
    return watch->stopped;
}

void ting_watch_report(void *self, const ting_train_report *report)
{
    const ting_watch *watch = self;
    if (watch->options->report != NULL)
        watch->options->report(watch->options->self, report);
}
