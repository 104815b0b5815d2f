/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - a text file or standard input line by line, for commands that must notice Ctrl-C while a pipe is quiet.
 *
 *     TRY(ting_text_open("-", &text));
 *     while (ting_text_next(&text, &line, &length)) ...
 *     TRY(text.err);     the end, a read that failed, or an interruption?
 *     ting_text_close(&text);
 *
 * A byte order mark at the beginning is skipped. What was printed so far is flushed before a wait, so that a program at the
 * other end of two pipes gets its answer.
 */
#ifndef TING_CLI_LINES_H
#define TING_CLI_LINES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_text { /* start with {0} */
    const char *name;      /* the path, or "standard input"; borrows the path until close */
    long number;           /* of the last line given out, from 1 */
    ting_err err;          /* why next stopped; TING_OK at the end */
    int fd;
    bool close_fd, ended;
    char *bytes; /* [room]; not given out yet: [start, end) */
    size_t start, end, room;
} ting_text;

/* "-" is standard input. Errors: io. */
ting_err ting_text_open(const char *path, ting_text *out);

/* The next line without its end (\n or \r\n), terminated by '\0' (and it may hold others); valid until the next call. False
 * at the end and on errors: io, format (a line over 64 MiB), memory, cancelled (ting_cli_interrupted). */
bool ting_text_next(ting_text *text, char **line, size_t *length);
void ting_text_close(ting_text *text);

#endif
