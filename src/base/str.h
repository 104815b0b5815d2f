/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - a growing byte string for writers. Failure is sticky: after an allocation failed, all
 * appends do nothing and ting_str_ok is false; check once at the end.
 */
#ifndef TING_BASE_STR_H
#define TING_BASE_STR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_str {
    char *text; /* always ends in '\0' once something was appended; NULL before */
    size_t length;
    size_t room;
    bool failed;
} ting_str; /* start with {0} */

void ting_str_add(ting_str *str, const char *text);
void ting_str_add_bytes(ting_str *str, const void *bytes, size_t count);
void ting_str_addf(ting_str *str, const char *format, ...) TING_PRINTF(2, 3);

/* Appends the text escaped for XML and HTML: & < > " and control characters. */
void ting_str_add_xml(ting_str *str, const char *text);

/* Appends the text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void ting_str_add_json(ting_str *str, const char *text);

/* Appends the text so that it stays one field of one line: \n, \t, \r and \\ for these four, \xHH for other control
 * characters. */
void ting_str_add_escaped(ting_str *str, const char *text);

/* Appends the bytes in base64 (RFC 4648), without line breaks. */
void ting_str_add_base64(ting_str *str, const void *bytes, size_t count);

void ting_str_clear(ting_str *str); /* keeps the memory */
void ting_str_free(ting_str *str);
bool ting_str_ok(const ting_str *str);

#endif
