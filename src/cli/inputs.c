/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.c - see inputs.h. */
#include "cli/inputs.h"

#include "base/file.h"
#include "base/mem.h"
#include "cli/lines.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 64 }; /* folders in folders */

static const char *const endings[] = {"wav",  "flac", "ogg",  "oga", "opus", "mp3", "aif", "aiff", "aifc", "au",
                                      "snd",  "w64",  "rf64", "caf", "m4a",  "mp4", "aac", "webm", "mkv",  "mov",
                                      "3gp",  "amr",  "wma",  "sph", "mka",  "mp2"};

static bool is_sound(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && dot != name && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    }
    return false;
}

static ting_err add(ting_inputs *inputs, const char *path, const char *below)
{
    if (inputs->count == inputs->room) {
        int room = inputs->room * 2 + 16;
        ting_input_file *grown =
            ting_grow(inputs->items, (size_t)inputs->room, (size_t)room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        inputs->items = grown;
        inputs->room = room;
    }
    ting_input_file file = {ting_strdup(path), ting_strdup(below)};
    inputs->items[inputs->count++] = file; /* also when one is NULL: free finds the other */
    return file.path != NULL && file.below != NULL ? TING_OK : TING_ERR_MEMORY;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted by bytes, without "." and ".."; each owned, and the array. */
static ting_err read_folder(const char *path, char ***names, int *count)
{
    ting_err err = TING_OK;
    int room = 0;
    *names = NULL;
    *count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        FAIL(TING_ERR_IO, "%s: the folder cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (*count == room) {
            char **grown = ting_grow(*names, (size_t)room, (size_t)room * 2 + 32, sizeof *grown);
            if (grown == NULL)
                FAIL(TING_ERR_MEMORY, "%s: out of memory for its names", path);
            *names = grown;
            room = room * 2 + 32;
        }
        (*names)[*count] = ting_strdup(entry->d_name);
        if ((*names)[*count] == NULL)
            FAIL(TING_ERR_MEMORY, "%s: out of memory for its names", path);
        ++*count;
    }
    if (*count > 0)
        qsort(*names, (size_t)*count, sizeof **names, by_bytes);
out:
    if (folder != NULL)
        closedir(folder);
    return err;
}

static ting_err add_folder(ting_cli *cli, ting_inputs *inputs, const char *path, size_t root, bool any, int depth)
{
    ting_err err = TING_OK;
    char **names = NULL, *child = NULL;
    int count = 0;
    if (depth > MAX_DEPTH)
        FAIL(TING_ERR_IO, "%s: more than %d folders in each other", path, (int)MAX_DEPTH);
    TRY(read_folder(path, &names, &count));
    for (int i = 0; i < count; i++) {
        ting_free(child);
        child = ting_path_join(path, names[i]);
        if (child == NULL)
            FAIL(TING_ERR_MEMORY, "%s: out of memory for its names", path);
        struct stat own, target;
        if (lstat(child, &own) != 0)
            continue; /* gone since the folder was read */
        if (S_ISDIR(own.st_mode))
            TRY(add_folder(cli, inputs, child, root, any, depth + 1));
        else if (stat(child, &target) == 0 && S_ISREG(target.st_mode) &&
                 (is_sound(names[i]) || (any && strcmp(names[i], ".tingxie-done") != 0)))
            TRY(add(inputs, child, child + root + strspn(child + root, "/")));
    }
out:
    if (err == TING_ERR_IO) { /* this folder is lost, the others are not */
        ting_cli_say(cli, "%s", ting_error_message());
        inputs->failed++;
        err = TING_OK;
    }
    for (int i = 0; i < count; i++)
        ting_free(names[i]);
    ting_free(names);
    ting_free(child);
    return err;
}

static ting_err add_path(ting_cli *cli, ting_inputs *inputs, const char *path, bool any)
{
    if (strcmp(path, "-") != 0 && ting_file_is_folder(path)) {
        int before = inputs->count, failed = inputs->failed;
        ting_err err = add_folder(cli, inputs, path, strlen(path), any, 0);
        if (err == TING_OK && inputs->count == before && inputs->failed == failed) {
            ting_cli_say(cli, "%s: no sound file in this folder", path);
            inputs->failed++;
        }
        return err;
    }
    return add(inputs, path, ting_path_name(path));
}

static ting_err add_list(ting_cli *cli, ting_inputs *inputs, const char *path, bool any)
{
    ting_err err = TING_OK;
    ting_text list = {0};
    char *line;
    size_t length;
    TRY_IN(ting_text_open(path, &list), "list");
    while (ting_text_next(&list, &line, &length)) {
        if (strlen(line) != length)
            FAIL(TING_ERR_FORMAT, "%s: no list of paths: it holds zero bytes", path);
        if (length > 0)
            TRY(add_path(cli, inputs, line, any));
    }
    TRY_IN(list.err, "list");
out:
    if (err == TING_ERR_IO || err == TING_ERR_FORMAT) { /* this list is lost, the other inputs are not */
        ting_cli_say(cli, "%s", ting_error_message());
        inputs->failed++;
        err = TING_OK;
    }
    ting_text_close(&list);
    return err;
}

ting_err ting_inputs_expand(ting_cli *cli, bool any_ending, ting_inputs *out)
{
    ting_err err = TING_OK;
    *out = (ting_inputs){0};
    for (int i = 0; i < cli->input_count; i++) {
        const char *input = cli->inputs[i];
        if (input[0] == '@' && input[1] != '\0')
            TRY(add_list(cli, out, input + 1, any_ending));
        else
            TRY(add_path(cli, out, input, any_ending));
    }
    out->single = cli->input_count == 1 && cli->inputs[0][0] != '@' &&
                  (strcmp(cli->inputs[0], "-") == 0 || !ting_file_is_folder(cli->inputs[0]));
out:
    return err;
}

void ting_inputs_free(ting_inputs *inputs)
{
    for (int i = 0; i < inputs->count; i++) {
        ting_free(inputs->items[i].path);
        ting_free(inputs->items[i].below);
    }
    ting_free(inputs->items);
    *inputs = (ting_inputs){0};
}
