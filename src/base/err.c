/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - thread-local error sentence; see err.h. */
#include "base/err.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

static _Thread_local char message[MESSAGE_BYTES];

/* vsnprintf may cut a multi-byte character in two; drops the broken tail. */
static void trim_to_utf8(char *text)
{
    size_t length = strlen(text);
    if (length + 1 < MESSAGE_BYTES)
        return;
    while (length > 0 && ((unsigned char)text[length - 1] & 0xC0) == 0x80)
        length--;
    if (length > 0 && (unsigned char)text[length - 1] >= 0xC0)
        length--;
    text[length] = '\0';
}

ting_err ting_fail(ting_err code, const char *format, ...)
{
    char text[MESSAGE_BYTES]; /* the arguments may point into `message` */
    va_list args;
    va_start(args, format);
    ting_number_vprint(text, sizeof text, format, args);
    va_end(args);
    trim_to_utf8(text);
    memcpy(message, text, strlen(text) + 1);
    return code;
}

ting_err ting_fail_in(ting_err code, const char *format, ...)
{
    char prefix[MESSAGE_BYTES], text[2 * MESSAGE_BYTES + 4];
    va_list args;
    va_start(args, format);
    ting_number_vprint(prefix, sizeof prefix, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s: %s", prefix, message);
    text[MESSAGE_BYTES - 1] = '\0';
    trim_to_utf8(text);
    memcpy(message, text, strlen(text) + 1);
    return code;
}

const char *ting_error_message(void)
{
    return message;
}

const char *ting_error_name(ting_err code)
{
    switch (code) {
    case TING_OK: return "ok";
    case TING_ERR_ARGUMENT: return "argument";
    case TING_ERR_MEMORY: return "memory";
    case TING_ERR_IO: return "io";
    case TING_ERR_FORMAT: return "format";
    case TING_ERR_MODEL: return "model";
    case TING_ERR_UNSUPPORTED: return "unsupported";
    case TING_ERR_NUMERIC: return "numeric";
    case TING_ERR_CANCELLED: return "cancelled";
    case TING_ERR_NOT_FOUND: return "not found";
    case TING_ERR_INTERNAL: return "internal";
    }
    return "unknown";
}
