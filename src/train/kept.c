/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - see kept.h. */
#include "train/kept.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "checkpoint-";

enum { NAME = sizeof prefix + 20, DIGITS = 18 };

char *ting_kept_path(const char *folder, int64_t step)
{
    char name[NAME];
    snprintf(name, sizeof name, "%s%" PRId64, prefix, step);
    return ting_path_join(folder, name);
}

/* The step that a file's name holds; -1: none. Only names as ting_kept_path makes them. */
static int64_t step_of(const char *name)
{
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return -1;
    const char *digits = name + sizeof prefix - 1;
    const size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > DIGITS || digits[length] != '\0' || (digits[0] == '0' && length > 1))
        return -1;
    return strtoll(digits, NULL, 10);
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

ting_err ting_kept_steps(const char *path, int64_t last, int64_t **steps, size_t *count)
{
    ting_err err = TING_OK;
    ting_folder folder = {0};
    *steps = NULL;
    *count = 0;
    TRY(ting_folder_list(path, "", &folder));
    *steps = ting_alloc(folder.count, sizeof **steps);
    if (*steps == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < folder.count; i++) {
        const int64_t step = step_of(folder.names[i]);
        if (step >= 0 && step <= last)
            (*steps)[(*count)++] = step;
    }
    qsort(*steps, *count, sizeof **steps, ascending);
out:
    ting_folder_free(&folder);
    return err;
}

static ting_err copy(const char *from, const char *to)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    TRY(ting_file_map(from, &file));
    TRY(ting_file_save(to, file.data, file.size));
out:
    ting_file_unmap(&file);
    return err;
}

static ting_err remove_old(const char *folder, int64_t step, int keep)
{
    ting_err err = TING_OK;
    int64_t *steps = NULL;
    size_t count;
    TRY(ting_kept_steps(folder, step, &steps, &count));
    for (size_t i = 0; i + (size_t)keep < count; i++) {
        char *path = ting_kept_path(folder, steps[i]);
        const bool gone = path != NULL && unlink(path) == 0;
        if (!gone && path != NULL)
            err = ting_fail(TING_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
        else if (!gone)
            err = TING_ERR_MEMORY;
        ting_free(path);
    }
out:
    ting_free(steps);
    return err;
}

/* A second name, which replaces what had it before at once; where the file system knows no such names, a copy. */
static ting_err link_or_copy(const char *from, const char *to)
{
    ting_err err = TING_OK;
    ting_str beside = {0};
    ting_str_addf(&beside, "%s.00000000", to); /* swept like any half-written file (ting_file_sweep) */
    if (!ting_str_ok(&beside))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", to);
    unlink(beside.text); /* of a training that was killed here */
    if (link(from, beside.text) != 0) {
        TRY(copy(from, to));
        goto out;
    }
    if (rename(beside.text, to) != 0)
        err = ting_fail(TING_ERR_IO, "%s: cannot be replaced: %s", to, strerror(errno));
    unlink(beside.text); /* after an error, or where `to` was the same file already: then nothing was renamed */
out:
    ting_str_free(&beside);
    return err;
}

ting_err ting_kept_add(const char *folder, int64_t step, int keep)
{
    ting_err err = TING_OK;
    char *from = ting_path_join(folder, "checkpoint"), *to = ting_kept_path(folder, step);
    if (from == NULL || to == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", folder);
    TRY(link_or_copy(from, to));
    TRY(remove_old(folder, step, keep));
out:
    ting_free(from);
    ting_free(to);
    return err;
}
