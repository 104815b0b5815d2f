/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - how every floor reports failure.
 *
 * A function that can fail returns ting_err and leaves one sentence in thread-local memory. The
 * sentence says what failed, where, what was expected, what was found and, where it helps, what to do:
 *
 *     ting_err ting_thing_load(const char *path, ting_thing **out)
 *     {
 *         ting_err err = TING_OK;
 *         ting_file file = {0};
 *         TRY(ting_file_map(path, &file));
 *         if (file.size < 8)
 *             FAIL(TING_ERR_FORMAT, "%s: %zu bytes, expected at least 8: the file is truncated", path, file.size);
 *         ...
 *     out:
 *         ting_file_unmap(&file);
 *         return err;
 *     }
 *
 * TRY, TRY_IN and FAIL want a local `err` and a label `out:`; there is one exit per function.
 */
#ifndef TING_BASE_ERR_H
#define TING_BASE_ERR_H

#include "tingxie.h"

#if defined(__GNUC__)
#define TING_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define TING_PRINTF(format_index, first)
#endif

/* Stores the formatted sentence (at most 1023 bytes, cut at a UTF-8 border) and returns `code`. */
ting_err ting_fail(ting_err code, const char *format, ...) TING_PRINTF(2, 3);

/* Puts "prefix: " before the stored sentence; for callers that know the file or line. Returns `code`. */
ting_err ting_fail_in(ting_err code, const char *format, ...) TING_PRINTF(2, 3);

#define TRY(call)               \
    do {                        \
        err = (call);           \
        if (err != TING_OK)     \
            goto out;           \
    } while (0)

/* TRY for callers that know the file or line: puts "prefix: " before the sentence of a failure. */
#define TRY_IN(call, ...)                      \
    do {                                       \
        err = (call);                          \
        if (err != TING_OK) {                  \
            ting_fail_in(err, __VA_ARGS__);    \
            goto out;                          \
        }                                      \
    } while (0)

#define FAIL(code, ...)                     \
    do {                                    \
        err = ting_fail((code), __VA_ARGS__); \
        goto out;                           \
    } while (0)

#endif
