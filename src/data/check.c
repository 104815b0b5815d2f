/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - ting_check_data of tingxie_train.h: a manifest to a summary and a list of what is wrong.
 *
 *     sound_blocks.h: what is in the sounds -> in the order of the manifest: clip_label.h, problems, counts, output
 */
#include "base/number.h"
#include "base/utf8.h"
#include "data/clip_label.h"
#include "data/manifest_write.h"
#include "data/sound.h"
#include "data/sound_blocks.h"
#include "text/units.h"
#include "tingxie_train.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { FRAMES_A_SECOND = 100, RARE = 10 };

typedef struct check {
    const ting_data_options *options;
    ting_data_summary *summary;
    ting_manifest *manifest;
    ting_lexicon *lexicon;
    ting_label_reader labels;
    ting_words_table *ids, *speakers;
    ting_manifest_writer writer;
    ting_str pinyin;
    bool bad; /* the clip at hand has a problem */
} check;

const char *ting_problem_name(ting_problem problem)
{
    static const char *const names[TING_PROBLEMS] = {
        "bad line", "missing", "unreadable",     "truncated",  "wrong length", "too short",   "too long",
        "silent",   "clipped", "label too long", "no reading", "wrong pinyin", "id not alone"};
    return problem >= 0 && problem < TING_PROBLEMS ? names[problem] : "";
}

/* ---- what is wrong ---- */

TING_PRINTF(3, 4) static void problem(check *c, ting_problem kind, const char *format, ...)
{
    char sentence[512];
    va_list args;
    c->bad = true;
    if (++c->summary->problems[kind] > c->options->most || c->options->problems.say == NULL)
        return;
    va_start(args, format);
    ting_number_vprint(sentence, sizeof sentence, format, args);
    va_end(args);
    c->options->problems.say(c->options->problems.self, sentence);
}

static void check_length(check *c, const ting_clip *clip, const ting_clip_sound *sound)
{
    const char *id = clip->id;
    double end = clip->start < 0 ? -1 : clip->start + fmax(0, clip->seconds), file = sound->file_seconds;
    const double slack = ting_sound_slack(clip->seconds);
    if (end >= 0 && file >= 0 && end > file + slack)
        problem(c, TING_PROBLEM_LENGTH, "%s: ends at %.3f s, but %s has %.3f s", id, end, clip->path, file);
    else if (clip->seconds >= 0 && fabs(sound->seconds - clip->seconds) > slack)
        problem(c, TING_PROBLEM_LENGTH, "%s: %.3f s, but the manifest says %.3f s", id, sound->seconds, clip->seconds);
    if (sound->seconds < c->options->shortest)
        problem(c, TING_PROBLEM_SHORT, "%s: %.3f s, shorter than %g s", id, sound->seconds, c->options->shortest);
    if (sound->seconds > c->options->longest)
        problem(c, TING_PROBLEM_LONG, "%s: %.3f s, longer than %g s", id, sound->seconds, c->options->longest);
}

static void check_sound(check *c, const ting_clip *clip, const ting_clip_sound *sound)
{
    const double silent = 1e-3, clipped = 1e-3;
    if (sound->missing)
        problem(c, TING_PROBLEM_MISSING, "%s: %s", clip->id, sound->sentence);
    else if (sound->err != TING_OK)
        problem(c, TING_PROBLEM_UNREADABLE, "%s: %s", clip->id, sound->sentence);
    if (sound->err != TING_OK)
        return;
    if (sound->truncated)
        problem(c, TING_PROBLEM_TRUNCATED, "%s: %s ends before its header says", clip->id, clip->path);
    check_length(c, clip, sound);
    if (sound->samples == 0)
        return;
    if (sound->deviation < silent)
        problem(c, TING_PROBLEM_SILENT, "%s: silent: the standard deviation is %.2g of full scale", clip->id,
                sound->deviation);
    if ((double)sound->full > clipped * (double)sound->samples)
        problem(c, TING_PROBLEM_CLIPPED, "%s: clipped: %.2f %% of the samples stand at full scale", clip->id,
                100.0 * (double)sound->full / (double)sound->samples);
}

/* Rows of an encoder as the Zipformer counts them: Conv-Embed leaves (n - 7) / 2 of n frames, which are thinned out, rounding up. The
 * convolutions of the others leave about as many. */
static long encoder_rows(const check *c, double seconds)
{
    const long frames = lround(seconds * FRAMES_A_SECOND);
    return frames < 9 ? 0 : (long)ceil((double)((frames - 7) / 2) * c->options->rows * 2 / FRAMES_A_SECOND);
}

static void check_label(check *c, const ting_clip *clip, const ting_clip_label *label, double seconds)
{
    char character[5] = "";
    ting_utf8_encode(label->unread, character);
    if (label->unread_count > 0)
        problem(c, TING_PROBLEM_READING, "%s: no reading for \"%s\" (U+%04X)%s", clip->id, character,
                (unsigned)label->unread, label->unread_count > 1 ? " and others" : "");
    if (label->wrong[0] != '\0')
        problem(c, TING_PROBLEM_PINYIN, "%s: \"%s\" is no syllable of Mandarin", clip->id, label->wrong);
    else if (clip->pinyin != NULL && label->hanzi >= 0 && label->count != label->hanzi)
        problem(c, TING_PROBLEM_PINYIN, "%s: %d syllables for %d hanzi", clip->id, label->count, label->hanzi);
    if (seconds >= 0 && label->frames > encoder_rows(c, seconds))
        problem(c, TING_PROBLEM_LABEL, "%s: its label needs %d frames, and %.3f s have %ld", clip->id, label->frames, seconds,
                encoder_rows(c, seconds));
}

/* ---- counts ---- */

static void count_rate(ting_data_summary *s, int rate)
{
    int at = 0;
    while (at < TING_RATES && s->rates[at] != 0 && s->rates[at] < rate)
        at++;
    if (at == TING_RATES)
        return;
    if (s->rates[at] != rate) {
        if (s->rates[TING_RATES - 1] != 0)
            return;
        memmove(s->rates + at + 1, s->rates + at, (size_t)(TING_RATES - 1 - at) * sizeof *s->rates);
        memmove(s->rate_clips + at + 1, s->rate_clips + at, (size_t)(TING_RATES - 1 - at) * sizeof *s->rate_clips);
        s->rates[at] = rate;
        s->rate_clips[at] = 0;
    }
    s->rate_clips[at]++;
}

static void count_sound(ting_data_summary *s, const ting_clip_sound *sound)
{
    if (sound->rate > 0)
        count_rate(s, sound->rate);
    if (sound->err != TING_OK)
        return;
    bool first = true;
    for (int i = 0; i < TING_LENGTH_BINS; i++)
        first = first && s->lengths[i] == 0;
    s->shortest = first ? sound->seconds : fmin(s->shortest, sound->seconds);
    s->longest = fmax(s->longest, sound->seconds);
    s->seconds += sound->seconds;
    s->lengths[(int)fmin(TING_LENGTH_BINS - 1, sound->seconds / 2)]++;
}

/* Whether the name is new to the table, of `*known` names. */
static ting_err count_name(ting_words_table *table, const char *name, size_t *known, bool *is_new)
{
    int number;
    ting_err err = ting_words_table_number(table, name, strlen(name), &number);
    *is_new = err == TING_OK && (size_t)(number - TING_FIRST_WORD) == *known;
    *known += *is_new;
    return err;
}

/* ---- one clip ---- */

static ting_err write_clip(check *c, const ting_clip *clip, const ting_clip_label *label, double seconds)
{
    ting_err err = TING_OK;
    ting_clip good = *clip;
    char syllable[TING_PINYIN_ROOM];
    ting_str_clear(&c->pinyin);
    for (int i = 0; i < label->count; i++) {
        ting_pinyin_write(label->ids[i], TING_PINYIN_NUMBERED, syllable);
        ting_str_addf(&c->pinyin, "%s%s", i > 0 ? " " : "", syllable);
    }
    if (!ting_str_ok(&c->pinyin))
        FAIL(TING_ERR_MEMORY, "no memory for the pinyin of %s", clip->id);
    good.pinyin = c->pinyin.text;
    good.seconds = seconds;
    TRY(ting_manifest_put(&c->writer, &good));
out:
    return err;
}

static ting_err check_clip(check *c, const ting_clip *clip, const ting_clip_sound *sound, size_t *id_count)
{
    ting_err err = TING_OK;
    ting_data_summary *s = c->summary;
    ting_clip_label label;
    bool is_new;
    c->bad = false;
    TRY(ting_label_read(&c->labels, clip, &label));
    TRY(count_name(c->ids, clip->id, id_count, &is_new));
    if (!is_new)
        problem(c, TING_PROBLEM_DUPLICATE, "%s: an earlier clip has this id", clip->id);
    check_sound(c, clip, sound);
    check_label(c, clip, &label, sound->err == TING_OK ? sound->seconds : -1);
    count_sound(s, sound);
    s->labelled += clip->text != NULL || clip->pinyin != NULL;
    s->unnamed += clip->speaker == NULL;
    if (clip->speaker != NULL)
        TRY(count_name(c->speakers, clip->speaker, &s->speakers, &is_new));
    s->clips++;
    s->good += !c->bad;
    if (c->options->output != NULL && !c->bad)
        TRY(write_clip(c, clip, &label, sound->seconds));
out:
    return err;
}

/* ---- all of it ---- */

static ting_err check_all(check *c)
{
    ting_err err = TING_OK;
    size_t ids = 0;
    const ting_data_options *o = c->options;
    const ting_sound_plan plan = {.decode = o->decode != 0, .threads = o->threads, .stop = o->stop, .self = o->self};
    ting_sound_blocks blocks = {0};
    TRY(ting_sound_blocks_start(&blocks, &plan, c->manifest));
    for (;;) {
        TRY(ting_sound_blocks_next(&blocks));
        if (blocks.count == 0)
            break;
        for (size_t i = 0; i < blocks.count; i++)
            TRY(check_clip(c, ting_manifest_at(c->manifest, blocks.first + i), &blocks.sounds[i], &ids));
        if (o->progress != NULL)
            o->progress(o->self, blocks.first + blocks.count, ting_manifest_count(c->manifest));
    }
out:
    ting_sound_blocks_free(&blocks);
    return err;
}

static void note_line(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    problem(self, TING_PROBLEM_LINE, "%s", sentence);
}

static ting_err open_check(check *c)
{
    ting_err err = TING_OK;
    const ting_data_options *o = c->options;
    const ting_manifest_options from = {.base = o->base, .only = o->only, .bad = &(ting_log){note_line, c}};
    if (o->manifest == NULL)
        FAIL(TING_ERR_ARGUMENT, "no manifest is named");
    TRY(o->output != NULL ? ting_file_apart(o->manifest, o->output) : TING_OK);
    TRY(ting_manifest_read(o->manifest, &from, &c->manifest));
    if (o->lexicon != NULL) {
        c->labels.lexicon = c->lexicon = ting_lexicon_new();
        TRY(c->lexicon != NULL ? ting_lexicon_add_folder(c->lexicon, o->lexicon) : TING_ERR_MEMORY);
    }
    c->ids = ting_words_table_new();
    c->speakers = ting_words_table_new();
    if (c->ids == NULL || c->speakers == NULL)
        return TING_ERR_MEMORY;
    if (o->output != NULL)
        TRY(ting_manifest_create(o->output, &c->writer));
out:
    return err;
}

static void close_check(check *c)
{
    ting_manifest_abandon(&c->writer);
    ting_manifest_free(c->manifest);
    ting_lexicon_free(c->lexicon);
    ting_label_reader_free(&c->labels);
    ting_words_table_free(c->ids);
    ting_words_table_free(c->speakers);
    ting_str_free(&c->pinyin);
}

static void sum_up_labels(const ting_label_reader *labels, ting_data_summary *s)
{
    s->hanzi = labels->hanzi;
    s->different_hanzi = ting_label_reader_hanzi(labels);
    s->syllables = labels->syllables;
    for (int id = 0; id < TING_PINYIN_COUNT; id++) {
        size_t examples = labels->examples != NULL ? labels->examples[id] : 0;
        bool common = ting_pinyin_usage(id) == TING_PINYIN_COMMON;
        s->common_syllables += common;
        s->different_syllables += examples > 0;
        s->different_common += common && examples > 0;
        s->rare_syllables += common && examples > 0 && examples < RARE;
    }
}

ting_err ting_check_data(const ting_data_options *options, ting_data_summary *summary)
{
    ting_err err = TING_OK;
    ting_data_options all = *options;
    check c = {.options = &all, .summary = summary};
    *summary = (ting_data_summary){0};
    all.shortest = all.shortest > 0 ? all.shortest : 0.1;
    all.longest = all.longest > 0 ? all.longest : 30;
    all.rows = all.rows > 0 ? all.rows : 25;
    c.labels.table = all.tokens;
    TRY(open_check(&c));
    TRY(check_all(&c));
    sum_up_labels(&c.labels, summary);
    if (all.output != NULL)
        TRY(ting_manifest_commit(&c.writer));
out:
    close_check(&c);
    return err;
}
