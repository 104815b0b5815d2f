/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "base/log.h"

#include "base/number.h"

#include <stdarg.h>

void ting_log_write(const ting_log *log, ting_log_level level, const char *format, ...)
{
    if (log == NULL || log->write == NULL)
        return;
    char sentence[1024];
    va_list args;
    va_start(args, format);
    ting_number_vprint(sentence, sizeof sentence, format, args);
    va_end(args);
    log->write(log->self, level, sentence);
}
