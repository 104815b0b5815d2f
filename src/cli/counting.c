/* SPDX-License-Identifier: Apache-2.0 */
/* counting.c - see counting.h. */
#include "cli/counting.h"

#include "cli/cli.h"

void ting_counting_show(void *self, size_t done, size_t all)
{
    ting_counting *counting = self;
    if (!counting->begun)
        ting_progress_begin(&counting->bar, counting->cli, counting->command, (double)all, counting->unit);
    counting->begun = true;
    ting_progress_update(&counting->bar, (double)done, NULL);
}

int ting_counting_stop(void *self)
{
    (void)self;
    return ting_cli_interrupted();
}

void ting_counting_end(ting_counting *counting)
{
    if (counting->begun)
        ting_progress_end(&counting->bar);
}
