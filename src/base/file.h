/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - whole files in, whole files out.
 *
 * Reading maps the file; writing goes to a temporary neighbour that replaces the old file only when
 * everything is on disk, so a failed write leaves the old file.
 */
#ifndef TING_BASE_FILE_H
#define TING_BASE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct ting_file {
    const unsigned char *data; /* `size` bytes, read-only; NULL when size is 0 */
    size_t size;
} ting_file;

/* Maps a regular file. Borrowed pointers into it are valid until ting_file_unmap. Errors: io (also for
 * folders and devices). */
ting_err ting_file_map(const char *path, ting_file *out);
void ting_file_unmap(ting_file *file);

/* A file being written beside `path`. */
typedef struct ting_file_writer {
    FILE *stream; /* write here */
    char *path;
    char *temporary;
} ting_file_writer;

/* A device or pipe that stands at `path` is written directly. */
ting_err ting_file_create(const char *path, ting_file_writer *out);

/* Flushes, syncs and renames onto `path`; on any failure (full disk, say) removes the temporary file,
 * leaves what stood at `path` and returns io. */
ting_err ting_file_commit(ting_file_writer *writer);

/* Removes the temporary file; does nothing after commit or on a zeroed writer. */
void ting_file_abandon(ting_file_writer *writer);

/* Removes what writers that were killed have left in a folder of files whose names begin with `begin`: as ting_file_create
 * calls them, "<name>.<8 hexadecimal digits>". Nobody may be writing them. Errors: io, memory. */
ting_err ting_file_sweep(const char *folder, const char *begin);

/* create, write, commit. */
ting_err ting_file_save(const char *path, const void *bytes, size_t count);

/* What is read must not be what is written; "-" is standard input. Errors: argument (both names are one file). */
ting_err ting_file_apart(const char *input, const char *output);

/* Whether a file can be put at `path`, to be asked before the work whose result goes there. Errors: io (there is no such folder, it may not
 * be written, the path is a folder), memory. */
ting_err ting_file_check_place(const char *path);

/* A nameless file for reading and writing that is gone when it is closed, in the folder that TMPDIR names, else in /tmp. NULL
 * and errno on failure. */
FILE *ting_file_temporary(void);

bool ting_file_exists(const char *path);
bool ting_file_is_folder(const char *path);

/* Makes a folder and those above it; `_above` only those above a file. Folders that exist already are well. Errors: io,
 * memory. */
ting_err ting_folder_make(const char *path);
ting_err ting_folder_make_above(const char *path);

/* What stands behind the last "/" of a path that has something behind it: the name of the file or folder. Borrows. */
const char *ting_path_name(const char *path);

bool ting_path_ends(const char *path, const char *ending); /* in ".gguf", say */

/* Returns an owned "folder/name", free with ting_free; NULL when out of memory. */
char *ting_path_join(const char *folder, const char *name);

/* The same for a name that a file or a person gave: it is the whole path where it is absolute, or the folder is NULL. */
char *ting_path_under(const char *folder, const char *name);

#endif
