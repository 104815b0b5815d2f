/* SPDX-License-Identifier: Apache-2.0 */
/* augment_shelf.c - lists of noises and rooms: from the names in a file to sounds in memory. */
#include "data/augment_parts.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tsv.h"
#include "data/lines.h"

#include <string.h>

void ting_shelf_free(ting_shelf *shelf)
{
    for (int i = 0; i < shelf->count; i++)
        ting_sound_free(&shelf->sounds[i]);
    ting_free(shelf->sounds);
    ting_free(shelf->powers);
    *shelf = (ting_shelf){0};
}

/* Takes the sound unless it is silent; leaves an empty one. */
static ting_err put(ting_shelf *shelf, ting_sound *sound, const char *path, const ting_log *log)
{
    ting_err err = TING_OK;
    const double power = ting_sound_power(sound->samples, sound->count);
    if (!(power > 0)) {
        ting_log_write(log, TING_LOG_WARNING, "%s: is silent and left out", path);
        return TING_OK;
    }
    const size_t count = (size_t)shelf->count;
    TRY(ting_reserve(&shelf->sounds, count, 1, &shelf->room, sizeof *shelf->sounds));
    TRY(ting_reserve(&shelf->powers, count, 1, &shelf->powers_room, sizeof *shelf->powers));
    shelf->powers[count] = power;
    ting_sound_swap(&shelf->sounds[count], sound);
    shelf->count++;
out:
    return err;
}

/* "/a/list.tsv" and "b/c.wav" -> "/a/b/c.wav"; never "-", which would be standard input. */
static ting_err beside(const char *list, ting_view name, ting_str *out)
{
    const char *slash = strrchr(list, '/');
    ting_str_clear(out);
    if (name.text[0] != '/')
        ting_str_add_bytes(out, slash != NULL ? list : "./", slash != NULL ? (size_t)(slash + 1 - list) : 2);
    ting_str_add_bytes(out, name.text, name.length);
    return ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY;
}

typedef struct reading {
    const ting_augment_source *source;
    const char *list;
    size_t longest, kept; /* kept: samples so far */
    const ting_log *log;
    ting_shelf *shelf;
    ting_str path;
    int skipped, left_out;
} reading;

static ting_err take(reading *r, ting_view name)
{
    ting_err err = TING_OK;
    ting_sound sound = {0};
    const char *only = r->source->only;
    const size_t begin = only != NULL ? strlen(only) : 0;
    if (name.length == 0 || name.length < begin || (begin > 0 && memcmp(name.text, only, begin) != 0))
        return TING_OK;
    if ((double)r->kept >= r->source->seconds * TING_SOUND_RATE) {
        r->left_out++;
        return TING_OK;
    }
    TRY(beside(r->list, name, &r->path));
    err = ting_sound_load(r->path.text, r->longest, &sound);
    if (err == TING_ERR_MEMORY)
        goto out;
    if (err != TING_OK) {
        ting_log_write(r->log, TING_LOG_WARNING, "%s; it is left out", ting_error_message());
        r->skipped++;
        err = TING_OK;
        goto out;
    }
    r->kept += sound.count;
    TRY(put(r->shelf, &sound, r->path.text, r->log));
out:
    ting_sound_free(&sound);
    return err;
}

/* A first line with a field `path` makes it a table; else every line is a path. */
static ting_err read_list(reading *r)
{
    ting_err err = TING_OK;
    ting_lines lines = {0};
    ting_tsv fields;
    const char *text;
    size_t length;
    int column = -1;
    TRY(ting_lines_open(r->list, &lines));
    while (ting_lines_next(&lines, &text, &length)) {
        const ting_view line = {text, length};
        ting_tsv_cut(line, &fields);
        if (lines.number == 1 && (column = ting_tsv_find(&fields, "path")) >= 0)
            continue;
        TRY(take(r, column >= 0 ? ting_tsv_at(&fields, column) : ting_view_trim(line)));
    }
    TRY(lines.err);
out:
    ting_lines_close(&lines);
    return err;
}

ting_err ting_shelf_load(const char *base, const ting_augment_source *source, size_t longest, const ting_log *log,
                         ting_shelf *out)
{
    ting_err err = TING_OK;
    char *path = NULL;
    reading r = {.source = source, .longest = longest, .log = log, .shelf = out};
    *out = (ting_shelf){0};
    if (source->list == NULL)
        return TING_OK;
    r.list = path = ting_path_under(base, source->list);
    if (path == NULL)
        return TING_ERR_MEMORY;
    TRY(read_list(&r));
    if (out->count == 0)
        FAIL(TING_ERR_FORMAT, "%s: names no sound that can be used%s%s, %d could not be read", r.list,
             source->only != NULL ? " under " : "", source->only != NULL ? source->only : "", r.skipped);
    ting_log_write(log, TING_LOG_INFO, "%s: %d sounds, %.0f s; %d could not be read, %d left out for length", r.list,
                   out->count, (double)r.kept / TING_SOUND_RATE, r.skipped, r.left_out);
out:
    ting_str_free(&r.path);
    ting_free(path);
    return err;
}
