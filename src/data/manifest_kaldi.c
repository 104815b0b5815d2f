/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest_kaldi.c - a Kaldi data folder to clips; see manifest.h.
 *
 *     wav.scp    recording path        text       utterance what was said
 *     segments   utterance recording start end    (seconds; end -1: the end of the recording)
 *     utt2spk    utterance speaker     utt2dur    utterance seconds
 *
 * Without segments each recording is an utterance. All but wav.scp may be missing.
 * Reference: https://kaldi-asr.org/doc/data_prep.html
 */
#include "base/file.h"
#include "base/mem.h"
#include "data/manifest_parts.h"
#include "text/transcript.h"

#include <string.h>

typedef enum part { SCP, TEXT, SEGMENTS, SPEAKERS, LENGTHS, PARTS } part;

static const char *const part_names[PARTS] = {"wav.scp", "text", "segments", "utt2spk", "utt2dur"};

typedef struct table {
    char *path;
    ting_file file;
    ting_transcript *lines; /* id and the rest of the line; NULL: the file is not there */
} table;

static ting_err open_table(const char *folder, part which, table *out)
{
    ting_err err = TING_OK;
    out->path = ting_path_join(folder, part_names[which]);
    if (out->path == NULL)
        return TING_ERR_MEMORY;
    if (which != SCP && !ting_file_exists(out->path))
        return TING_OK;
    TRY(ting_file_map(out->path, &out->file));
    TRY(ting_transcript_read(out->path, (const char *)out->file.data, out->file.size, NULL, &out->lines));
out:
    return err;
}

static void close_table(table *t)
{
    ting_transcript_free(t->lines);
    ting_file_unmap(&t->file);
    ting_free(t->path);
}

/* What the table says of exactly this id; empty where it says nothing. */
static ting_view look_up(const table *t, ting_view id)
{
    int at = t->lines == NULL ? TING_MATCH_NONE : ting_transcript_find(t->lines, id);
    const ting_utterance *u = at < 0 ? NULL : ting_transcript_at(t->lines, at);
    bool same = u != NULL && u->id.length == id.length && memcmp(u->id.text, id.text, id.length) == 0;
    return same ? u->text : (ting_view){"", 0};
}

/* The first word of a text, which is moved behind it. */
static ting_view take_word(ting_view *text)
{
    size_t end = 0;
    *text = ting_view_trim(*text);
    while (end < text->length && !ting_is_space(text->text[end]))
        end++;
    ting_view word = {text->text, end};
    *text = (ting_view){text->text + end, text->length - end};
    return word;
}

static ting_err read_utterance(ting_manifest_reader *r, const table *tables, const ting_utterance *u)
{
    ting_err err = TING_OK;
    ting_clip_views v = {0};
    ting_view rest = u->id, *f = v.fields;
    r->line = u->line;
    take_word(&rest);
    if (rest.length > 0)
        FAIL(TING_ERR_FORMAT,
             "%s:%ld: white space in the id \"%.*s\"; are there spaces in some lines and tabs in others?", r->name,
             r->line, (int)(u->id.length < 80 ? u->id.length : 80), u->id.text);
    f[TING_CLIP_ID] = u->id;
    f[TING_CLIP_PATH] = u->text;
    if (tables[SEGMENTS].lines != NULL) {
        rest = u->text;
        ting_view recording = take_word(&rest);
        f[TING_CLIP_PATH] = look_up(&tables[SCP], recording);
        f[TING_CLIP_START] = take_word(&rest);
        f[TING_CLIP_END] = take_word(&rest);
        if (f[TING_CLIP_END].length == 0)
            FAIL(TING_ERR_FORMAT, "%s:%ld: expected an utterance, its recording, start and end", r->name, r->line);
        if (f[TING_CLIP_PATH].length == 0)
            FAIL(TING_ERR_FORMAT, "%s:%ld: the recording \"%.*s\" is not in wav.scp", r->name, r->line,
                 (int)(recording.length < 80 ? recording.length : 80), recording.text);
        if (f[TING_CLIP_END].text[0] == '-')
            f[TING_CLIP_END].length = 0;
    } else {
        f[TING_CLIP_SECONDS] = look_up(&tables[LENGTHS], u->id);
    }
    if (f[TING_CLIP_PATH].length > 0 && f[TING_CLIP_PATH].text[f[TING_CLIP_PATH].length - 1] == '|')
        FAIL(TING_ERR_FORMAT,
             "%s:%ld: \"%.*s\" is a command, and commands are not run: write its sound to a file and name that",
             r->name, r->line, (int)(f[TING_CLIP_PATH].length < 80 ? f[TING_CLIP_PATH].length : 80),
             f[TING_CLIP_PATH].text);
    f[TING_CLIP_TEXT] = look_up(&tables[TEXT], u->id);
    f[TING_CLIP_SPEAKER] = look_up(&tables[SPEAKERS], u->id);
    TRY(ting_manifest_add(r, &v));
out:
    return err;
}

ting_err ting_manifest_read_kaldi(ting_manifest_reader *r, const char *folder)
{
    ting_err err = TING_OK;
    table tables[PARTS] = {0};
    if (r->choices > 0)
        FAIL(TING_ERR_ARGUMENT, "%s: a Kaldi folder has no column \"%s\"", folder, r->column[0]);
    for (int p = 0; p < PARTS; p++)
        TRY(open_table(folder, (part)p, &tables[p]));
    const table *list = &tables[tables[SEGMENTS].lines != NULL ? SEGMENTS : SCP];
    r->name = list->path;
    for (int i = 0; i < ting_transcript_count(list->lines); i++)
        TRY(ting_manifest_settle(r, read_utterance(r, tables, ting_transcript_at(list->lines, i))));
out:
    r->name = folder;
    for (int p = 0; p < PARTS; p++)
        close_table(&tables[p]);
    return err;
}
