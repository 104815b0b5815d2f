/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - strict UTF-8, one code point at a time (RFC 3629: no overlong forms, no surrogates). */
#ifndef TING_BASE_UTF8_H
#define TING_BASE_UTF8_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reads one code point from `size` bytes at text. Returns its length in bytes (1 to 4) and stores it; 0
 * when size is 0; -1 when the bytes are not UTF-8. */
int ting_utf8_decode(const char *text, size_t size, uint32_t *out);

/* Writes 1 to 4 bytes and no terminator; returns how many. 0 for surrogates and values over 0x10FFFF. */
int ting_utf8_encode(uint32_t code_point, char out[4]);

/* Number of code points, or -1 when the bytes are not UTF-8. */
long ting_utf8_count(const char *text, size_t size);

/* Whether a line of a file is text: all UTF-8, no byte 0. Errors: format, naming file, line and what to do. */
ting_err ting_utf8_check(const char *file, long line, const char *text, size_t size);

/* Bytes of the byte order mark at the beginning of a text: 3, or 0 where there is none. */
static inline size_t ting_utf8_mark(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* Han ideographs: the unified blocks with all extensions, compatibility ideographs, and U+3007. */
bool ting_utf8_is_hanzi(uint32_t code_point);

/* An ASCII letter or digit, in every locale: isalnum of the host's may take a byte of a hanzi for a letter. */
static inline bool ting_ascii_is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

#endif
