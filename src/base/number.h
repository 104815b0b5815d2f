/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h - numbers to text and back with a decimal point, whatever the host program's setlocale chose.
 *
 * strtod and printf follow the locale of the process: under de_DE "0.97" reads as 0 and prints as "0,97", which no
 * model file, recipe, JSON or CTM means. Every real number that the libraries read or print goes through here, also by
 * way of base/str.h, base/err.h and base/log.h. The locale is changed for the calling thread only (uselocale) and only
 * during the call.
 */
#ifndef TING_BASE_NUMBER_H
#define TING_BASE_NUMBER_H

#include "base/err.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ting_number_scope {
    locale_t plain, before;
} ting_number_scope;

/* The "C" locale is there without memory on glibc and musl; where it could not be had, the call goes on with the host's. */
static inline ting_number_scope ting_number_enter(void)
{
    ting_number_scope scope = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
    if (scope.plain != (locale_t)0)
        scope.before = uselocale(scope.plain);
    return scope;
}

static inline void ting_number_leave(ting_number_scope scope)
{
    if (scope.plain == (locale_t)0)
        return;
    uselocale(scope.before);
    freelocale(scope.plain);
}

/* strtod. */
static inline double ting_number_read(const char *text, char **end)
{
    ting_number_scope scope = ting_number_enter();
    double value = strtod(text, end);
    ting_number_leave(scope);
    return value;
}

/* vsnprintf, snprintf, fprintf. */
static inline int ting_number_vprint(char *out, size_t room, const char *format, va_list args) TING_PRINTF(3, 0);
static inline int ting_number_vprint(char *out, size_t room, const char *format, va_list args)
{
    ting_number_scope scope = ting_number_enter();
    int length = vsnprintf(out, room, format, args);
    ting_number_leave(scope);
    return length;
}

static inline int ting_number_print(char *out, size_t room, const char *format, ...) TING_PRINTF(3, 4);
static inline int ting_number_print(char *out, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = ting_number_vprint(out, room, format, args);
    va_end(args);
    return length;
}

static inline int ting_number_fprint(FILE *out, const char *format, ...) TING_PRINTF(2, 3);
static inline int ting_number_fprint(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ting_number_scope scope = ting_number_enter();
    int length = vfprintf(out, format, args);
    ting_number_leave(scope);
    va_end(args);
    return length;
}

#endif
