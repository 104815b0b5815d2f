/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - a caller's function that gets remarks: the library never prints. */
#ifndef TING_BASE_LOG_H
#define TING_BASE_LOG_H

#include "base/err.h"

typedef enum ting_log_level { TING_LOG_WARNING, TING_LOG_INFO } ting_log_level;

typedef struct ting_log { /* NULL pointer or NULL function: silence */
    void (*write)(void *self, ting_log_level level, const char *sentence);
    void *self;
} ting_log;

void ting_log_write(const ting_log *log, ting_log_level level, const char *format, ...) TING_PRINTF(3, 4);

#endif
