/* SPDX-License-Identifier: Apache-2.0 */
/*
 * done.h - which results in a folder were made from which recordings, and how: the file DIR/.tingxie-done, a line for each
 * result written, in the order of writing; of several lines for one result the last counts.
 *
 *     result<TAB>size<TAB>time<TAB>recording<TAB>size<TAB>time<TAB>options<NEWLINE>
 *
 * result is a name below DIR, recording an absolute path (or -), both with \n, \t, \\ and \xHH for what would break a line;
 * time is that of the last change, seconds and nanoseconds. Lines are appended, each in one call, after its result stands
 * whole on the disk: what was interrupted has none. Lines that are not of this form are passed over.
 */
#ifndef TING_CLI_DONE_H
#define TING_CLI_DONE_H

#include "base/err.h"

#include <stdint.h>

typedef struct ting_file_mark { /* size -1: there is no such file */
    int64_t size, seconds;
    long nanoseconds;
} ting_file_mark;

ting_file_mark ting_file_mark_of(const char *path);

typedef struct ting_done {
    char *folder;
    int fd; /* for appending; -1 none */
    struct ting_done_line *lines; /* sorted by result, one each */
    int count;
    size_t room;
} ting_done;

/* Reads what is there and keeps the file open for appending; close with ting_done_close. Errors: io, memory, cancelled. */
ting_err ting_done_open(const char *folder, ting_done *out);
void ting_done_close(ting_done *done);

typedef enum ting_done_state {
    TING_DONE_NOT,     /* no such result */
    TING_DONE_SAME,    /* of this recording as it is now, made with these options */
    TING_DONE_OTHERWISE, /* of this recording, but it or the options have changed since: to be made again */
    TING_DONE_ANOTHER, /* of another recording */
    TING_DONE_FOREIGN, /* not written by this program, or changed since */
} ting_done_state;

/* What stands at `result` (below the folder) for a recording. *owner, if not NULL, gets the path of the recording it was made
 * of, or NULL; borrows until close. */
ting_done_state ting_done_look(const ting_done *done, const char *result, const char *recording, ting_file_mark mark,
                               const char *options, const char **owner);

/* The result was written. Any thread. Errors: io, memory. */
ting_err ting_done_note(const ting_done *done, const char *result, const char *recording, ting_file_mark mark,
                        const char *options);

#endif
