/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpora_prepare.c - ting_prepare_corpus of tingxie_train.h: find the folder, read the labels, open the sounds, write
 * the tables.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "data/corpora.h"
#include "data/manifest_write.h"
#include "data/sound_blocks.h"
#include "text/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_REMARKS = 10 };

/* ---- for the readers ---- */

void ting_corpus_leave_out(ting_corpus_reading *in, const char *format, ...)
{
    char sentence[1024];
    va_list args;
    if (++in->count->left_out > MOST_REMARKS || in->remarks->say == NULL)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    in->remarks->say(in->remarks->self, sentence);
}

/* Hanzi in the text; -1 when there is anything else. */
static int count_hanzi(ting_view text)
{
    int count = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t point;
        int bytes = ting_utf8_decode(text.text + at, text.length - at, &point);
        if (bytes <= 0 || !ting_utf8_is_hanzi(point))
            return -1;
        at += (size_t)bytes;
        count++;
    }
    return count;
}

/* Puts the pinyin into in->pinyin if it is a syllable for each hanzi of the text; empty otherwise. */
static ting_err fit_pinyin(ting_corpus_reading *in, ting_view text, ting_view pinyin)
{
    ting_err err = TING_OK;
    char syllable[TING_PINYIN_ROOM];
    ting_str_clear(&in->pinyin);
    if (pinyin.length == 0)
        return TING_OK;
    TRY(ting_words_read(pinyin.text, pinyin.length, &in->words));
    bool fits = in->words.count == count_hanzi(text);
    for (int i = 0; fits && i < in->words.count; i++)
        fits = in->words.items[i].id != TING_PINYIN_NONE;
    in->count->no_pinyin += !fits;
    for (int i = 0; fits && i < in->words.count; i++) {
        ting_pinyin_write(in->words.items[i].id, TING_PINYIN_NUMBERED, syllable);
        ting_str_addf(&in->pinyin, "%s%s", i > 0 ? " " : "", syllable);
    }
    if (!ting_str_ok(&in->pinyin))
        FAIL(TING_ERR_MEMORY, "no memory for %d syllables", in->words.count);
out:
    return err;
}

ting_err ting_corpus_add(ting_corpus_reading *in, ting_view id, const char *path, ting_view speaker, ting_view text,
                         ting_view pinyin)
{
    ting_err err = TING_OK;
    ting_str_clear(&in->text);
    TRY(ting_text_plain(text.text, text.length, &in->text));
    if (in->text.length == 0) {
        ting_corpus_leave_out(in, "%.*s: no text", (int)id.length, id.text);
        return TING_OK;
    }
    ting_view plain = {in->text.text, in->text.length};
    TRY(fit_pinyin(in, plain, pinyin));
    ting_clip_views views = {.fields = {[TING_CLIP_ID] = id,
                                        [TING_CLIP_PATH] = {path, strlen(path)},
                                        [TING_CLIP_TEXT] = plain,
                                        [TING_CLIP_PINYIN] = {in->pinyin.text, in->pinyin.length},
                                        [TING_CLIP_SPEAKER] = speaker}};
    err = ting_manifest_add(&in->clips, &views);
    if (err == TING_ERR_FORMAT) { /* an id or a speaker that is no text */
        ting_corpus_leave_out(in, "%s", ting_error_message());
        err = TING_OK;
    }
out:
    return err;
}

/* ---- the folder ---- */

static ting_err find_corpus(const char *name, const ting_corpus **out)
{
    ting_err err = TING_OK;
    ting_str names = {0};
    for (*out = ting_corpora; (*out)->name != NULL; ++*out)
        if (strcmp((*out)->name, name) == 0)
            return TING_OK;
    for (const ting_corpus *c = ting_corpora; c->name != NULL; c++)
        ting_str_addf(&names, "%s%s", c > ting_corpora ? ", " : "", c->name);
    FAIL(TING_ERR_ARGUMENT, "no corpus is called \"%s\"; there are %s", name, ting_str_ok(&names) ? names.text : "others");
out:
    ting_str_free(&names);
    return err;
}

static ting_err has_landmark(const ting_corpus *corpus, const char *folder, bool *out)
{
    char *path = ting_path_join(folder, corpus->landmark);
    *out = path != NULL && ting_file_exists(path);
    ting_free(path);
    return path != NULL ? TING_OK : TING_ERR_MEMORY;
}

/* The folder of the corpus, which is the one given or the one inside; *out is owned. */
static ting_err find_root(const ting_corpus *corpus, const char *folder, char **out)
{
    ting_err err = TING_OK;
    bool found;
    *out = ting_strdup(folder);
    TRY(*out != NULL ? has_landmark(corpus, *out, &found) : TING_ERR_MEMORY);
    if (found)
        return TING_OK;
    ting_free(*out);
    *out = ting_path_join(folder, corpus->inner);
    TRY(*out != NULL ? has_landmark(corpus, *out, &found) : TING_ERR_MEMORY);
    if (!found)
        FAIL(TING_ERR_FORMAT, "%s: not %s as it is unpacked (%s): neither it nor the folder %s in it holds %s", folder,
             corpus->title, corpus->source, corpus->inner, corpus->landmark);
out:
    return err;
}

/* ---- the parts ---- */

typedef struct job {
    const ting_corpus_options *options;
    const ting_corpus *corpus;
    ting_corpus_counts *counts;
    char *root;
    ting_corpus_reading readings[TING_CORPUS_PARTS];
    ting_manifest_writer writers[TING_CORPUS_PARTS];
    size_t done, clips;
} job;

static ting_err read_part(job *j, int p)
{
    ting_err err = TING_OK;
    ting_corpus_reading *in = &j->readings[p];
    j->counts->parts[p].name = j->corpus->parts[p];
    *in = (ting_corpus_reading){.root = j->root,
                                .part = j->corpus->parts[p],
                                .validated = j->options->validated != 0,
                                .clips = {.name = j->corpus->title, .manifest = ting_manifest_new()},
                                .count = &j->counts->parts[p],
                                .remarks = &j->options->remarks};
    TRY(in->clips.manifest != NULL ? j->corpus->read(in) : TING_ERR_MEMORY);
    j->clips += ting_manifest_count(in->clips.manifest);
out:
    return err;
}

/* Opens the sounds of a part and writes the table, which waits for its place. */
static ting_err write_part(job *j, int p)
{
    ting_err err = TING_OK;
    char name[32];
    ting_corpus_reading *in = &j->readings[p];
    ting_sound_blocks blocks = {0};
    const ting_sound_plan plan = {.threads = j->options->threads, .stop = j->options->stop, .self = j->options->self};
    snprintf(name, sizeof name, "%s.tsv", in->part);
    char *path = ting_path_join(j->options->output, name);
    TRY(path != NULL ? ting_manifest_create(path, &j->writers[p]) : TING_ERR_MEMORY);
    TRY(ting_sound_blocks_start(&blocks, &plan, in->clips.manifest));
    for (;;) {
        TRY(ting_sound_blocks_next(&blocks));
        if (blocks.count == 0)
            break;
        for (size_t i = 0; i < blocks.count; i++) {
            ting_clip clip = *ting_manifest_at(in->clips.manifest, blocks.first + i);
            clip.seconds = blocks.sounds[i].seconds;
            if (blocks.sounds[i].err != TING_OK) {
                ting_corpus_leave_out(in, "%s: %s", clip.id, blocks.sounds[i].sentence);
                continue;
            }
            TRY(ting_manifest_put(&j->writers[p], &clip));
            in->count->clips++;
            in->count->seconds += clip.seconds;
        }
        if (j->options->progress != NULL)
            j->options->progress(j->options->self, j->done + blocks.first + blocks.count, j->clips);
    }
    j->done += ting_manifest_count(in->clips.manifest);
out:
    ting_sound_blocks_free(&blocks);
    ting_free(path);
    return err;
}

static ting_err write_all(job *j)
{
    ting_err err = TING_OK;
    size_t clips = 0;
    int parts = j->counts->part_count;
    TRY(ting_folder_make(j->options->output));
    for (int p = 0; p < parts; p++) {
        TRY(write_part(j, p));
        clips += j->counts->parts[p].clips;
    }
    if (clips == 0)
        FAIL(TING_ERR_FORMAT, "%s: no sentence with its sound was found", j->root);
    for (int p = 0; p < parts; p++)
        if (j->counts->parts[p].clips > 0)
            TRY(ting_manifest_commit(&j->writers[p]));
out:
    return err;
}

ting_err ting_prepare_corpus(const ting_corpus_options *options, ting_corpus_counts *counts)
{
    ting_err err = TING_OK;
    job j = {.options = options, .counts = counts};
    *counts = (ting_corpus_counts){0};
    if (options->corpus == NULL || options->folder == NULL || options->output == NULL)
        FAIL(TING_ERR_ARGUMENT, "a corpus, its folder and a folder for the manifests must be named");
    TRY(find_corpus(options->corpus, &j.corpus));
    if (options->validated && !j.corpus->has_validated)
        FAIL(TING_ERR_ARGUMENT, "%s has no list of validated clips", j.corpus->title);
    counts->title = j.corpus->title;
    counts->licence = j.corpus->licence;
    counts->source = j.corpus->source;
    TRY(find_root(j.corpus, options->folder, &j.root));
    TRY(j.corpus->ready != NULL ? j.corpus->ready(j.root) : TING_OK);
    for (; counts->part_count < TING_CORPUS_PARTS && j.corpus->parts[counts->part_count] != NULL; counts->part_count++)
        TRY(read_part(&j, counts->part_count));
    TRY(write_all(&j));
out:
    for (int p = 0; p < TING_CORPUS_PARTS; p++) {
        ting_manifest_abandon(&j.writers[p]);
        ting_manifest_free(j.readings[p].clips.manifest);
        ting_str_free(&j.readings[p].text);
        ting_str_free(&j.readings[p].pinyin);
        ting_words_free(&j.readings[p].words);
    }
    ting_free(j.root);
    return err;
}
