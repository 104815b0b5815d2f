/* SPDX-License-Identifier: Apache-2.0 */
/* remarks.h - the caller's remarks (tingxie_train.h) as the library's log. */
#ifndef TING_DATA_REMARKS_H
#define TING_DATA_REMARKS_H

#include "base/log.h"
#include "tingxie_train.h"

static inline void ting_remarks_write(void *self, ting_log_level level, const char *sentence)
{
    const ting_remarks *remarks = self;
    (void)level;
    if (remarks->say != NULL)
        remarks->say(remarks->self, sentence);
}

/* Borrows the remarks. */
static inline ting_log ting_remarks_log(ting_remarks *remarks)
{
    return (ting_log){ting_remarks_write, remarks};
}

#endif
