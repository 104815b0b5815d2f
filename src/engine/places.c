/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - see places.h. */
#define _GNU_SOURCE /* dladdr */
#include "engine/places.h"

#include "engine/tool_places.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/public.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ting_paths_free(ting_paths *paths)
{
    for (int i = 0; i < paths->count; i++)
        ting_free(paths->items[i]);
    ting_free(paths->items);
    *paths = (ting_paths){0};
}

ting_err ting_paths_add(ting_paths *paths, const char *path)
{
    if (ting_reserve(&paths->items, (size_t)paths->count, 1, &paths->room, sizeof *paths->items) != TING_OK)
        return TING_ERR_MEMORY;
    char *copy = ting_strdup(path);
    if (copy == NULL)
        return TING_ERR_MEMORY;
    paths->items[paths->count++] = copy;
    return TING_OK;
}

/* The folder of the running program, without the last slash; false when the system does not tell. */
static bool program_folder(char *out, size_t room)
{
    ssize_t length = readlink("/proc/self/exe", out, room - 1);
    if (length <= 0)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* The folder of the shared library that this code is in, without the last slash; false where it is part of the program. */
static bool library_folder(char *out, size_t room)
{
    static const char inside = 0;
    Dl_info found;
    if (dladdr(&inside, &found) == 0 || found.dli_fname == NULL || strstr(found.dli_fname, ".so") == NULL)
        return false;
    const char *slash = strrchr(found.dli_fname, '/');
    const size_t length = slash != NULL ? (size_t)(slash - found.dli_fname) : 0;
    if (length == 0 || length >= room)
        return false;
    memcpy(out, found.dli_fname, length);
    out[length] = '\0';
    return true;
}

/* "<root>/models" when the program stands in <root>/build or below; else "". */
static void beside_build_tree(ting_str *out)
{
    char folder[PATH_MAX];
    if (!program_folder(folder, sizeof folder))
        return;
    for (char *slash; (slash = strrchr(folder, '/')) != NULL; *slash = '\0') {
        if (strcmp(slash, "/build") == 0) {
            ting_str_addf(out, "%.*s/models", (int)(slash - folder), folder);
            return;
        }
    }
}

static void users_data_folder(ting_str *out)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data != NULL && data[0] == '/')
        ting_str_addf(out, "%s/tingxie/models", data);
    else if (home != NULL && home[0] == '/')
        ting_str_addf(out, "%s/.local/share/tingxie/models", home);
}

static ting_err add_if_there(ting_paths *places, ting_str *path)
{
    ting_err err = TING_OK;
    if (!ting_str_ok(path))
        err = TING_ERR_MEMORY;
    else if (path->length > 0 && ting_file_is_folder(path->text))
        err = ting_paths_add(places, path->text);
    ting_str_clear(path);
    return err;
}

ting_err ting_places(const char *folder, ting_paths *out)
{
    ting_err err = TING_OK;
    ting_str path = {0};
    const char *named = getenv("TING_MODELS");
    char program[PATH_MAX];
    *out = (ting_paths){0};
    if (folder != NULL) {
        TRY(ting_paths_add(out, folder));
        goto out;
    }
    if (named != NULL && named[0] != '\0')
        TRY(ting_paths_add(out, named));
    beside_build_tree(&path);
    TRY(add_if_there(out, &path));
    if (program_folder(program, sizeof program))
        ting_str_addf(&path, "%s/../share/tingxie/models", program);
    TRY(add_if_there(out, &path));
    if (library_folder(program, sizeof program)) {
        ting_str_addf(&path, "%s/../share/tingxie/models", program);
        TRY(add_if_there(out, &path));
        ting_str_addf(&path, "%s/../../share/tingxie/models", program); /* lib/x86_64-linux-gnu */
        TRY(add_if_there(out, &path));
    }
    users_data_folder(&path);
    TRY(add_if_there(out, &path));
out:
    ting_str_free(&path);
    if (err != TING_OK)
        ting_paths_free(out);
    return err;
}

char *ting_tool_place_for_new(void)
{
    ting_str path = {0};
    const char *named = getenv("TING_MODELS");
    if (named != NULL && named[0] != '\0')
        ting_str_add(&path, named);
    else
        beside_build_tree(&path);
    if (path.length == 0)
        users_data_folder(&path);
    if (path.length > 0 && ting_str_ok(&path))
        return path.text;
    ting_str_free(&path);
    return NULL;
}

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), e = strlen(ending);
    return n > e && strcmp(name + n - e, ending) == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static ting_err add_place(const char *place, ting_paths *files, ting_paths *folders)
{
    ting_err err = TING_OK;
    char *path = NULL;
    DIR *entries = opendir(place);
    if (entries == NULL)
        goto out; /* a place that is not there holds nothing */
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        ting_free(path);
        path = ting_path_join(place, entry->d_name);
        if (path == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        if (has_ending(entry->d_name, ".gguf"))
            TRY(ting_paths_add(files, path));
        else if (ting_file_is_folder(path) && ting_public_kind_of(path) != TING_PUBLIC_NONE)
            TRY(ting_paths_add(folders, path));
    }
out:
    if (entries != NULL)
        closedir(entries);
    ting_free(path);
    return err;
}

static ting_err append_sorted(ting_paths *from, ting_paths *to)
{
    ting_err err = TING_OK;
    if (from->count > 0)
        qsort(from->items, (size_t)from->count, sizeof *from->items, by_bytes);
    for (int i = 0; i < from->count; i++)
        TRY(ting_paths_add(to, from->items[i]));
out:
    ting_paths_free(from);
    return err;
}

ting_err ting_places_candidates(const ting_paths *places, ting_paths *out)
{
    ting_err err = TING_OK;
    ting_paths files = {0}, folders = {0};
    *out = (ting_paths){0};
    for (int i = 0; i < places->count; i++) {
        if (ting_public_kind_of(places->items[i]) != TING_PUBLIC_NONE)
            TRY(ting_paths_add(&folders, places->items[i]));
        TRY(add_place(places->items[i], &files, &folders));
        TRY(append_sorted(&files, out));
        TRY(append_sorted(&folders, out));
    }
out:
    ting_paths_free(&files);
    ting_paths_free(&folders);
    if (err != TING_OK)
        ting_paths_free(out);
    return err;
}

const char *ting_places_named(const ting_paths *candidates, const char *name)
{
    const size_t length = strlen(name);
    for (int i = 0; i < candidates->count; i++) {
        const char *base = ting_path_name(candidates->items[i]);
        if (strncmp(base, name, length) == 0 && (base[length] == '\0' || strcmp(base + length, ".gguf") == 0))
            return candidates->items[i];
    }
    return NULL;
}
