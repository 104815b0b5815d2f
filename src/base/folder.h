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

#endif
