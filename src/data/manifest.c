/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - see manifest.h: the list, and what holds for a clip of every form. */
#include "data/manifest.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "data/manifest_parts.h"

#include <string.h>

enum { MOST_CLIPS = 1 << 28, MOST_SECONDS = 10000000, BLOCK_BYTES = 1 << 16 };

struct ting_manifest {
    ting_clip *clips;
    size_t count, room;
    ting_arena *texts;
};

const char *const ting_clip_names[TING_CLIP_FIELDS][TING_CLIP_NAMES] = {
    [TING_CLIP_ID] = {"id", "key", "utt"},
    [TING_CLIP_PATH] = {"path", "wav", "audio_filepath"},
    [TING_CLIP_TEXT] = {"text", "txt", "sentence", "transcript"},
    [TING_CLIP_PINYIN] = {"pinyin"},
    [TING_CLIP_SPEAKER] = {"speaker", "spk", "client_id"},
    [TING_CLIP_SECONDS] = {"seconds", "duration_s", "duration"},
    [TING_CLIP_START] = {"start", "offset"},
    [TING_CLIP_END] = {"end"},
};

/* ---- one clip ---- */

/* Seconds; *out is left alone where nothing is written. */
static ting_err read_seconds(const ting_manifest_reader *r, const char *what, ting_view view, double *out)
{
    ting_err err = TING_OK;
    char text[64], *end = text;
    bool whole = false;
    if (view.length == 0)
        return TING_OK;
    if (view.length < sizeof text) {
        memcpy(text, view.text, view.length);
        text[view.length] = '\0';
        *out = ting_number_read(text, &end);
        whole = end == text + view.length;
    }
    if (!whole || !(*out >= 0 && *out <= MOST_SECONDS))
        FAIL(TING_ERR_FORMAT, "%s:%ld: %s is \"%.*s\", expected seconds", r->name, r->line, what,
             (int)(view.length < 40 ? view.length : 40), view.text);
out:
    return err;
}

static ting_err read_times(const ting_manifest_reader *r, const ting_clip_views *v, ting_clip *clip)
{
    ting_err err = TING_OK;
    double end = -1;
    clip->start = clip->seconds = -1;
    TRY(read_seconds(r, "the length", v->fields[TING_CLIP_SECONDS], &clip->seconds));
    TRY(read_seconds(r, "the start", v->fields[TING_CLIP_START], &clip->start));
    TRY(read_seconds(r, "the end", v->fields[TING_CLIP_END], &end));
    if (end >= 0) {
        clip->start = clip->start < 0 ? 0 : clip->start;
        clip->seconds = end - clip->start;
        if (clip->seconds <= 0)
            FAIL(TING_ERR_FORMAT, "%s:%ld: the clip ends at %g s, and begins at %g s", r->name, r->line, end,
                 clip->start);
    }
    if (clip->seconds == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: a clip of 0 seconds", r->name, r->line);
out:
    return err;
}

static ting_err check_texts(const ting_manifest_reader *r, const ting_clip_views *v)
{
    ting_err err = TING_OK;
    if (v->fields[TING_CLIP_PATH].length == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: no path of a sound file", r->name, r->line);
    for (int f = TING_CLIP_ID; f <= TING_CLIP_SPEAKER; f++) {
        ting_view view = v->fields[f];
        if (view.length > 0 && (memchr(view.text, '\0', view.length) != NULL ||
                                (f >= TING_CLIP_TEXT && ting_utf8_count(view.text, view.length) < 0)))
            FAIL(TING_ERR_FORMAT, "%s:%ld: the %s is not UTF-8 text", r->name, r->line, ting_clip_names[f][0]);
    }
out:
    return err;
}

/* Puts a text with its end at *at, and moves *at behind it. NULL where there is none. */
static const char *put(char **at, ting_view view)
{
    char *text = *at;
    if (view.length == 0)
        return NULL;
    memcpy(text, view.text, view.length);
    text[view.length] = '\0';
    *at += view.length + 1;
    return text;
}

ting_err ting_manifest_add(ting_manifest_reader *r, const ting_clip_views *v)
{
    ting_err err = TING_OK;
    ting_manifest *m = r->manifest;
    const ting_view *f = v->fields;
    ting_clip clip = {0};
    TRY(check_texts(r, v));
    TRY(read_times(r, v, &clip));
    if (m->count == MOST_CLIPS)
        FAIL(TING_ERR_ARGUMENT, "%s: more than %d clips", r->name, MOST_CLIPS);
    ting_view id = f[TING_CLIP_ID].length > 0 ? f[TING_CLIP_ID] : f[TING_CLIP_PATH];
    size_t base = r->base == NULL || f[TING_CLIP_PATH].text[0] == '/' ? 0 : strlen(r->base);
    size_t bytes = id.length + 1 + base + 1 + f[TING_CLIP_PATH].length + 1;
    for (int i = TING_CLIP_TEXT; i <= TING_CLIP_SPEAKER; i++)
        bytes += f[i].length + 1;
    char *at = ting_arena_take(m->texts, bytes);
    TRY(at != NULL ? ting_reserve(&m->clips, m->count, 1, &m->room, sizeof *m->clips) : TING_ERR_MEMORY);
    clip.id = put(&at, id);
    clip.path = at;
    if (base > 0) {
        memcpy(at, r->base, base);
        at += base;
        if (r->base[base - 1] != '/')
            *at++ = '/';
    }
    put(&at, f[TING_CLIP_PATH]);
    clip.text = put(&at, f[TING_CLIP_TEXT]);
    clip.pinyin = put(&at, f[TING_CLIP_PINYIN]);
    clip.speaker = put(&at, f[TING_CLIP_SPEAKER]);
    m->clips[m->count++] = clip;
out:
    return err;
}

ting_err ting_manifest_settle(ting_manifest_reader *r, ting_err err)
{
    if (err != TING_ERR_FORMAT || r->bad == NULL)
        return err;
    ting_log_write(r->bad, TING_LOG_WARNING, "%s", ting_error_message());
    return TING_OK;
}

/* ---- the list ---- */

static char *copy_of(const char *text, size_t length)
{
    char *copy = ting_alloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

/* "split=dev,speaker=a" to columns and values. */
static ting_err read_only(ting_manifest_reader *r, const char *only)
{
    ting_err err = TING_OK;
    if (only == NULL)
        return TING_OK;
    r->chosen = copy_of(only, strlen(only));
    if (r->chosen == NULL)
        return TING_ERR_MEMORY;
    for (char *at = r->chosen; at != NULL; r->choices++) {
        char *equals = strchr(at, '='), *comma = strchr(at, ',');
        if (equals == NULL || equals == at || (comma != NULL && comma < equals) || r->choices == TING_MOST_CHOICES)
            FAIL(TING_ERR_ARGUMENT, "\"%s\" does not choose clips, expected COLUMN=VALUE, or up to %d of them with commas between",
                 only, (int)TING_MOST_CHOICES);
        r->column[r->choices] = at;
        r->value[r->choices] = equals + 1;
        *equals = '\0';
        if (comma != NULL)
            *comma++ = '\0';
        at = comma;
    }
out:
    return err;
}

/* What the path of a file has before its last "/" to *out, owned; NULL: the working directory. */
static ting_err folder_of(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    *out = slash == NULL ? NULL : copy_of(path, slash == path ? 1 : (size_t)(slash - path));
    return slash != NULL && *out == NULL ? TING_ERR_MEMORY : TING_OK;
}

ting_manifest *ting_manifest_new(void)
{
    ting_manifest *m = ting_alloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->texts = ting_arena_new(BLOCK_BYTES);
    if (m->texts == NULL) {
        ting_free(m);
        return NULL;
    }
    return m;
}

ting_err ting_manifest_read(const char *path, const ting_manifest_options *options, ting_manifest **out)
{
    ting_err err = TING_OK;
    const ting_manifest_options all = {0};
    const ting_manifest_options *o = options != NULL ? options : &all;
    bool folder = ting_file_is_folder(path);
    char *beside = NULL;
    ting_manifest *m = ting_manifest_new();
    ting_manifest_reader r = {.name = path, .base = o->base, .bad = o->bad, .manifest = m};
    *out = NULL;
    if (m == NULL)
        return TING_ERR_MEMORY;
    TRY(read_only(&r, o->only));
    TRY(folder ? TING_OK : folder_of(path, &beside));
    if (r.base == NULL)
        r.base = folder ? path : beside;
    TRY(folder ? ting_manifest_read_kaldi(&r, path) : ting_manifest_read_lines(&r));
    if (m->count == 0 && r.choices == 1)
        FAIL(TING_ERR_ARGUMENT, "%s: no clip has \"%s\" in its column \"%s\"", path, r.value[0], r.column[0]);
    if (m->count == 0 && r.choices > 1)
        FAIL(TING_ERR_ARGUMENT, "%s: no clip has all of \"%s\"", path, o->only);
    if (m->count == 0)
        FAIL(TING_ERR_FORMAT, "%s: no clip in it", path);
    *out = m;
    m = NULL;
out:
    ting_free(beside);
    ting_free(r.chosen);
    ting_manifest_free(m);
    return err;
}

void ting_manifest_free(ting_manifest *m)
{
    if (m == NULL)
        return;
    ting_arena_free(m->texts);
    ting_free(m->clips);
    ting_free(m);
}

size_t ting_manifest_count(const ting_manifest *m)
{
    return m->count;
}

const ting_clip *ting_manifest_at(const ting_manifest *m, size_t index)
{
    return &m->clips[index];
}
