/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - a text file or standard input line by line, plain or compressed by xz (known by its first bytes), for commands that must
 * notice Ctrl-C while a pipe is quiet.
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
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_text { /* start with {0} */
    const char *name;      /* the path, or "standard input"; borrows the path until close */
    long number;           /* of the last line given out, from 1 */
    ting_err err;          /* why next stopped; TING_OK at the end */
    int fd;
    bool close_fd, looked, ended; /* looked: whether it is compressed */
    struct ting_xz *xz;           /* NULL: it is plain */
    unsigned char *packed;        /* [PACKED] of a compressed one; not unpacked yet: [next, next + left) */
    const unsigned char *next;
    size_t left;
    char *bytes; /* [room]; not given out yet: [start, end) */
    size_t start, end, room;
} ting_text;

/* "-" is standard input. Errors: io. */
ting_err ting_text_open(const char *path, ting_text *out);

/* The next line without its end (\n or \r\n), terminated by '\0' (and it may hold others); valid until the next call. False
 * at the end and on errors: io, format (a line over 64 MiB, damaged xz data), memory, cancelled (ting_cli_interrupted). */
bool ting_text_next(ting_text *text, char **line, size_t *length);

/* All lines of a file or of standard input, checked, each with \n behind it. Errors: those of open, next and check. */
ting_err ting_text_read(const char *path, ting_str *out);

/* What it is called in a message: the path, or "standard input". */
const char *ting_text_name(const char *path);

/* Whether the line is text: all UTF-8, no byte 0. Errors: format, naming file and line. */
ting_err ting_text_check(const ting_text *text, const char *line, size_t length);
void ting_text_close(ting_text *text);

#endif
