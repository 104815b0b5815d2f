/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - see folder.h. */
#include "base/folder.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_wanted(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && length >= tail &&
           strcmp(name + length - tail, ending) == 0;
}

ting_err ting_folder_list(const char *path, const char *ending, ting_folder *out)
{
    ting_err err = TING_OK;
    *out = (ting_folder){0};
    DIR *stream = opendir(path);
    if (stream == NULL)
        FAIL(TING_ERR_IO, "%s: cannot be listed: %s", path, strerror(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL && errno != 0)
            FAIL(TING_ERR_IO, "%s: cannot be listed: %s", path, strerror(errno));
        if (entry == NULL)
            break;
        if (!is_wanted(entry->d_name, ending))
            continue;
        TRY(ting_reserve(&out->names, out->count, 1, &out->room, sizeof *out->names));
        out->names[out->count] = ting_strdup(entry->d_name);
        TRY(out->names[out->count] != NULL ? TING_OK : TING_ERR_MEMORY);
        out->count++;
    }
    if (out->count > 0)
        qsort(out->names, out->count, sizeof *out->names, by_name);
out:
    if (stream != NULL)
        closedir(stream);
    if (err != TING_OK)
        ting_folder_free(out);
    return err;
}

void ting_folder_free(ting_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        ting_free(folder->names[i]);
    ting_free(folder->names);
    *folder = (ting_folder){0};
}

ting_err ting_folder_claim(const char *path, int *claim)
{
    *claim = -1;
    if (access(path, W_OK) != 0)
        return ting_fail(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return ting_fail(TING_ERR_IO, "%s: %s", path, strerror(errno));
    if (flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(folder);
        return ting_fail(TING_ERR_IO, "%s: another process works in it", path);
    }
    *claim = folder;
    return TING_OK;
}

void ting_folder_release(int claim)
{
    if (claim >= 0)
        close(claim);
}
