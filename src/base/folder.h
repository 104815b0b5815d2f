/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - what is in a folder, in an order that does not depend on the file system. */
#ifndef TING_BASE_FOLDER_H
#define TING_BASE_FOLDER_H

#include "base/err.h"

#include <stddef.h>

typedef struct ting_folder { /* start with {0}; free with ting_folder_free */
    char **names;            /* [count] owned, ascending by bytes; without "." and ".." */
    size_t count, room;
} ting_folder;

/* The names that end in `ending` ("" or ".wav"). Errors: io, memory. */
ting_err ting_folder_list(const char *path, const char *ending, ting_folder *out);
void ting_folder_free(ting_folder *folder);

/* Keeps a folder for this process, that exists and can be written, until ting_folder_release or its end; a file system that
 * has no locks gives it to everybody. *claim: -1 where there is nothing to release. Errors: io, when it cannot be written, or
 * another process has it. */
ting_err ting_folder_claim(const char *path, int *claim);
void ting_folder_release(int claim);

#endif
