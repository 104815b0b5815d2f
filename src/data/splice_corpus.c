/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice_corpus.c - clips of words and syllables + sentences -> sentences that nobody said, as files with a manifest
 * (tingxie_train.h).
 *
 *     manifest -> clips by speaker, as syllables -> an index each (splice_cover.h)
 *     sentence -> syllables -> a speaker who can say it -> clips -> sound (splice.h) -> WAV
 */
#include "tingxie_train.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/clip_label.h"
#include "data/lines.h"
#include "data/manifest_write.h"
#include "data/remarks.h"
#include "data/sound_store.h"
#include "data/splice.h"
#include "data/splice_cover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 60, NAME = 32, TRIES = 50, LONGEST_CLIP = 20, MEMORY = 256 << 20 }; /* of clips: seconds; bytes to keep them */

typedef struct voice { /* one speaker */
    const char *name;
    ting_clip_index *index;
} voice;

typedef struct source { /* a clip that can be a piece */
    const ting_clip *clip;
    size_t label; /* in labels */
    int labels;
    bool bad; /* its sound cannot be had */
} source;

typedef struct splicer {
    const ting_splice_options *options;
    ting_log log;
    ting_lexicon *lexicon;
    ting_label_reader reader;
    ting_manifest *manifest;
    source *sources; /* [count] in order of speakers */
    size_t count, too_long;
    int *labels;
    size_t label_count, label_room;
    voice *voices;
    size_t voice_count;
    int *sentences; /* syllables of all sentences, one after the other */
    size_t *starts; /* [sentence_count + 1] */
    char **texts;   /* [sentence_count] */
    size_t syllable_count, syllable_room, sentence_count, start_room, text_room;
    ting_sound_store *store;    /* of the sources */
    ting_sound sounds[LONGEST]; /* of the sentence at hand */
    ting_splice_plan plan;
    ting_spliced spliced;
} splicer;

/* ---- clips ---- */

/* Whether the reading is certain: a lone character with several readings may be said either way. */
static bool is_certain(const ting_label_reader *reader, const ting_clip *clip)
{
    if (clip->pinyin != NULL && clip->pinyin[0] != '\0')
        return true;
    return reader->line.count != 1 || reader->line.items[0].source != TING_G2P_COMMONEST;
}

static ting_err add_source(splicer *s, const ting_clip *clip)
{
    ting_err err = TING_OK;
    ting_clip_label label;
    TRY(ting_label_read(&s->reader, clip, &label));
    if (label.count == 0 || label.unread_count > 0 || label.wrong[0] != '\0' || !is_certain(&s->reader, clip))
        return TING_OK;
    if (clip->seconds > LONGEST_CLIP) {
        s->too_long++;
        return TING_OK;
    }
    TRY(ting_reserve(&s->labels, s->label_count, (size_t)label.count, &s->label_room, sizeof *s->labels));
    memcpy(s->labels + s->label_count, label.ids, (size_t)label.count * sizeof *s->labels);
    s->sources[s->count++] = (source){.clip = clip, .label = s->label_count, .labels = label.count};
    s->label_count += (size_t)label.count;
out:
    return err;
}

static const char *speaker_of(const source *s)
{
    return s->clip->speaker != NULL ? s->clip->speaker : "";
}

static int by_speaker(const void *a, const void *b)
{
    const source *x = a, *y = b;
    const int order = strcmp(speaker_of(x), speaker_of(y));
    return order != 0 ? order : x->label < y->label ? -1 : 1;
}

/* An index of sources first .. end - 1. */
static ting_err add_voice(splicer *s, size_t first, size_t end)
{
    ting_err err = TING_OK;
    ting_clip_entry *entries = ting_alloc(end - first, sizeof *entries);
    if (entries == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = first; i < end; i++)
        entries[i - first] = (ting_clip_entry){s->labels + s->sources[i].label, s->sources[i].labels, (int)i};
    voice *v = &s->voices[s->voice_count];
    v->name = speaker_of(&s->sources[first]);
    TRY(ting_clip_index_new(entries, (int)(end - first), &v->index));
    s->voice_count++;
out:
    ting_free(entries);
    return err;
}

static ting_err read_clips(splicer *s)
{
    ting_err err = TING_OK;
    TRY(ting_manifest_read(s->options->manifest, &(ting_manifest_options){.only = s->options->only, .bad = &s->log},
                           &s->manifest));
    const size_t clips = ting_manifest_count(s->manifest);
    s->sources = ting_alloc(clips, sizeof *s->sources);
    s->voices = ting_alloc(clips, sizeof *s->voices);
    if (s->sources == NULL || s->voices == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for %zu clips", s->options->manifest, clips);
    for (size_t i = 0; i < clips; i++)
        TRY(add_source(s, ting_manifest_at(s->manifest, i)));
    if (s->too_long > 0)
        ting_log_write(&s->log, TING_LOG_WARNING, "left out %zu clips that last more than %d s", s->too_long,
                       (int)LONGEST_CLIP);
    qsort(s->sources, s->count, sizeof *s->sources, by_speaker);
    for (size_t first = 0, end; first < s->count; first = end) {
        for (end = first + 1;
             end < s->count && strcmp(speaker_of(&s->sources[first]), speaker_of(&s->sources[end])) == 0;)
            end++;
        TRY(add_voice(s, first, end));
    }
    if (s->voice_count == 0)
        FAIL(TING_ERR_ARGUMENT, "%s: no clip has a label that can be read", s->options->manifest);
    TRY(ting_sound_store_new(MEMORY, &s->store));
    TRY(ting_sound_store_reserve(s->store, s->count));
    ting_log_write(&s->log, TING_LOG_INFO, "%zu clips of %zu speakers", s->count, s->voice_count);
out:
    return err;
}

/* ---- sentences ---- */

static ting_err add_sentence(splicer *s, const char *text)
{
    ting_err err = TING_OK;
    ting_clip_label label;
    TRY(ting_label_read(&s->reader, &(ting_clip){.id = "", .path = "", .text = text}, &label));
    if (label.count < 2 || label.count > LONGEST || label.unread_count > 0)
        return TING_OK;
    TRY(ting_reserve(&s->sentences, s->syllable_count, (size_t)label.count, &s->syllable_room, sizeof *s->sentences));
    TRY(ting_reserve(&s->starts, s->sentence_count, 2, &s->start_room, sizeof *s->starts));
    TRY(ting_reserve(&s->texts, s->sentence_count, 1, &s->text_room, sizeof *s->texts));
    memcpy(s->sentences + s->syllable_count, label.ids, (size_t)label.count * sizeof *s->sentences);
    s->texts[s->sentence_count] = ting_strdup(text);
    if (s->texts[s->sentence_count] == NULL)
        return TING_ERR_MEMORY;
    s->starts[s->sentence_count++] = s->syllable_count;
    s->starts[s->sentence_count] = s->syllable_count += (size_t)label.count;
out:
    return err;
}

static ting_err read_sentences(splicer *s)
{
    ting_err err = TING_OK;
    ting_lines lines = {0};
    const char *text;
    size_t length;
    TRY(ting_lines_open(s->options->sentences, &lines));
    while (ting_lines_next(&lines, &text, &length))
        TRY(add_sentence(s, text));
    TRY(lines.err);
    if (s->sentence_count == 0)
        FAIL(TING_ERR_ARGUMENT, "%s: no line of 2 to %d hanzi that can be read", s->options->sentences, LONGEST);
out:
    ting_lines_close(&lines);
    return err;
}

/* ---- one sentence ---- */

static bool load(splicer *s, int at, ting_sound *sound)
{
    source *from = &s->sources[at];
    if (from->bad)
        return false;
    from->bad = ting_sound_store_load(s->store, (size_t)at, from->clip, (size_t)LONGEST_CLIP * TING_SOUND_RATE, sound) != TING_OK;
    if (from->bad)
        ting_log_write(&s->log, TING_LOG_WARNING, "left out %s: %s", from->clip->id, ting_error_message());
    return !from->bad;
}

/* Says a sentence in a random voice; *used 0 when this draw cannot be said. */
static ting_err say(splicer *s, ting_rng *rng, size_t at, const voice **by, int *used)
{
    ting_err err = TING_OK;
    int clips[LONGEST];
    ting_splice_piece pieces[LONGEST];
    *by = &s->voices[ting_rng_below(rng, (uint32_t)s->voice_count)];
    const size_t first = s->starts[at];
    TRY(ting_clip_index_cover((*by)->index, rng, s->sentences + first, (int)(s->starts[at + 1] - first), clips, used));
    for (int i = 0; i < *used; i++) {
        const source *from = &s->sources[clips[i]];
        if (!load(s, clips[i], &s->sounds[i])) {
            *used = 0;
            return TING_OK;
        }
        pieces[i] = (ting_splice_piece){s->sounds[i].samples, s->sounds[i].count, s->labels + from->label, from->labels};
    }
    if (*used > 0)
        TRY(ting_splice(&s->plan, rng, pieces, *used, &s->spliced));
out:
    return err;
}

static ting_err put(splicer *s, int number, size_t sentence, const voice *by, ting_manifest_writer *writer)
{
    ting_err err = TING_OK;
    char id[NAME], file[NAME + 4];
    ting_str pinyin = {0};
    snprintf(id, sizeof id, "spliced-%06d", number);
    snprintf(file, sizeof file, "%s.wav", id);
    char *path = ting_path_join(s->options->output, file);
    for (size_t i = 0; i < s->spliced.labels; i++) {
        char syllable[TING_PINYIN_ROOM];
        ting_pinyin_write(s->spliced.label[i], TING_PINYIN_NUMBERED, syllable);
        ting_str_addf(&pinyin, "%s%s", i > 0 ? " " : "", syllable);
    }
    if (path == NULL || !ting_str_ok(&pinyin))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", s->options->output);
    TRY(ting_wav_save(path, s->spliced.sound.samples, s->spliced.sound.count, TING_SOUND_RATE));
    TRY(ting_manifest_put(writer, &(ting_clip){.id = id,
                                               .path = path,
                                               .text = s->texts[sentence],
                                               .pinyin = pinyin.text,
                                               .speaker = by->name,
                                               .start = -1,
                                               .seconds = (double)s->spliced.sound.count / TING_SOUND_RATE}));
out:
    ting_free(path);
    ting_str_free(&pinyin);
    return err;
}

/* ---- all ---- */

static ting_err read_plan(const char *path, ting_splice_plan *plan)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    if (path != NULL)
        TRY(ting_yaml_load(path, &doc));
    TRY(ting_splice_plan_read(doc.root, plan));
out:
    ting_yaml_free(&doc);
    return err;
}

/* Draws sentences until one can be said; with `each` it is the one of that number, or none. */
static ting_err make_one(splicer *s, int number, ting_manifest_writer *writer)
{
    ting_err err = TING_OK;
    const ting_splice_options *o = s->options;
    ting_rng rng = ting_rng_for((uint64_t)o->seed, TING_RNG_BATCH, (uint64_t)number, 0);
    size_t sentence = (size_t)number;
    const voice *by = NULL;
    int used = 0;
    for (int tries = 0; used == 0 && tries < TRIES; tries++) {
        if (!o->each)
            sentence = ting_rng_below(&rng, (uint32_t)s->sentence_count);
        TRY(say(s, &rng, sentence, &by, &used));
    }
    if (used == 0 && !o->each)
        FAIL(TING_ERR_ARGUMENT, "%d sentences in a row cannot be said with these clips: too few syllables are there", (int)TRIES);
    if (used == 0)
        ting_log_write(&s->log, TING_LOG_WARNING, "left out \"%s\": the clips of no speaker say all of it", s->texts[sentence]);
    else
        TRY(put(s, number, sentence, by, writer));
out:
    return err;
}

static ting_err run(splicer *s)
{
    ting_err err = TING_OK;
    ting_manifest_writer writer = {0};
    const ting_splice_options *o = s->options;
    const int count = o->each ? (int)s->sentence_count : o->count;
    char *list = ting_path_join(o->output, "spliced.tsv");
    if (list == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_folder_make(o->output));
    TRY(ting_manifest_create(list, &writer));
    for (int i = 0; i < count; i++) {
        TRY(make_one(s, i, &writer));
        if (o->progress != NULL)
            o->progress(o->self, (size_t)i + 1, (size_t)count);
        if (o->stop != NULL && o->stop(o->self))
            FAIL(TING_ERR_CANCELLED, "stopped after %d sentences; no manifest was written", i + 1);
    }
    TRY(ting_manifest_commit(&writer));
out:
    ting_manifest_abandon(&writer);
    ting_free(list);
    return err;
}

ting_err ting_splice_corpus(const ting_splice_options *options)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    splicer s = {.options = options, .log = ting_remarks_log(&remarks), .lexicon = ting_lexicon_new()};
    if (s.lexicon == NULL)
        return TING_ERR_MEMORY;
    if (options->manifest == NULL || options->sentences == NULL || options->output == NULL || options->lexicon == NULL)
        FAIL(TING_ERR_ARGUMENT, "manifest, sentences, output and lexicon: one of them is not named");
    if (options->count < 1 && !options->each)
        FAIL(TING_ERR_ARGUMENT, "%d sentences", options->count);
    TRY(ting_lexicon_add_folder(s.lexicon, options->lexicon));
    s.reader.lexicon = s.lexicon;
    TRY(read_plan(options->plan, &s.plan));
    TRY(read_clips(&s));
    TRY(read_sentences(&s));
    TRY(run(&s));
out:
    for (int i = 0; i < LONGEST; i++)
        ting_sound_free(&s.sounds[i]);
    ting_sound_store_free(s.store);
    for (size_t i = 0; i < s.voice_count; i++)
        ting_clip_index_free(s.voices[i].index);
    for (size_t i = 0; i < s.sentence_count; i++)
        ting_free(s.texts[i]);
    ting_spliced_free(&s.spliced);
    ting_free(s.sources);
    ting_free(s.voices);
    ting_free(s.labels);
    ting_free(s.sentences);
    ting_free(s.starts);
    ting_free(s.texts);
    ting_label_reader_free(&s.reader);
    ting_manifest_free(s.manifest);
    ting_lexicon_free(s.lexicon);
    return err;
}
