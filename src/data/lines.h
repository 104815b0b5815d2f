/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - a text file line by line, plain or compressed by xz (known by its first bytes, not its name).
 *
 *     TRY(ting_lines_open(path, &lines));
 *     while (ting_lines_next(&lines, &text, &length)) ...
 *     TRY(lines.err);     the end, or a broken file?
 *
 * A byte order mark at the beginning is skipped.
 */
#ifndef TING_DATA_LINES_H
#define TING_DATA_LINES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ting_lines_state;

typedef struct ting_lines {
    struct ting_lines_state *state;
    long number; /* of the last line given out, from 1 */
    ting_err err; /* why next stopped: TING_OK at the end of the file */
} ting_lines;

/* "-" is standard input. Close with ting_lines_close. Errors: io, memory. */
ting_err ting_lines_open(const char *path, ting_lines *out);

/* The next line without its end (\n or \r\n), terminated; valid until the next call. False at the end and
 * on errors (io; format: damaged xz data, a line over 1 MiB), which close to err. */
bool ting_lines_next(ting_lines *lines, const char **text, size_t *length);

/* Whether a line, or a part of it, is text: all UTF-8, no byte 0. Manifests look at their columns themselves. Errors: format, naming file
 * and line. */
ting_err ting_lines_check(const ting_lines *lines, const char *text, size_t length);
void ting_lines_close(ting_lines *lines);

#endif
