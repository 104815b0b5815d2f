/* SPDX-License-Identifier: Apache-2.0 */
/* score.c - see score.h. Steps: text -> units and sounds, alignment, kinds of the substitutions, sums. */
#include "text/score.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/g2p.h"
#include "text/syllable.h"

#include <stdint.h>
#include <stdlib.h>

typedef struct side {
    ting_units units;
    ting_g2p_line readings;
    int *ids, *sounds, *bases; /* [room]; ids of syllables */
    int count, room;
} side;

typedef struct pairs { /* open hash from (ref, hyp) to its count */
    ting_confusion *slots; /* count 0: free; at most half full */
    size_t room;
    int count;
    ting_confusion *sorted;
} pairs;

struct ting_scorer {
    const ting_lexicon *lexicon;
    ting_score_options options;
    ting_words_table *words;
    ting_words line;
    side ref, hyp;
    ting_alignment alignment, toneless_alignment;
    ting_score_counts totals, toneless;
    pairs pairs;
};

const char *ting_score_kind_name(ting_score_kind kind)
{
    static const char *const names[TING_SCORE_KINDS] = {"homophone", "tone", "initial", "final", "several", "unread"};
    return names[kind];
}

ting_score_kind ting_score_kind_of(int ref, int hyp)
{
    if (ref == TING_PINYIN_NONE || hyp == TING_PINYIN_NONE)
        return TING_SCORE_UNREAD;
    bool tone = ting_pinyin_tone(ref) != ting_pinyin_tone(hyp);
    bool initial = ting_pinyin_initial(ref) != ting_pinyin_initial(hyp);
    bool final = ting_pinyin_final(ref) != ting_pinyin_final(hyp);
    if (tone + initial + final > 1)
        return TING_SCORE_SEVERAL;
    return tone ? TING_SCORE_TONE : initial ? TING_SCORE_INITIAL : final ? TING_SCORE_FINAL : TING_SCORE_HOMOPHONE;
}

double ting_score_rate(const ting_score_counts *counts)
{
    long errors = counts->substitutions + counts->deletions + counts->insertions;
    if (counts->units == 0)
        return errors > 0 ? 1 : 0;
    return (double)errors / (double)counts->units;
}

ting_scorer *ting_scorer_new(const ting_lexicon *lexicon, const ting_score_options *options)
{
    ting_scorer *scorer = ting_alloc(1, sizeof *scorer);
    if (scorer == NULL)
        return NULL;
    scorer->lexicon = lexicon;
    scorer->options = *options;
    scorer->words = ting_words_table_new();
    if (scorer->words == NULL) {
        ting_free(scorer);
        return NULL;
    }
    return scorer;
}

static void side_free(side *s)
{
    ting_units_free(&s->units);
    ting_g2p_line_free(&s->readings);
    ting_free(s->ids);
    ting_free(s->sounds);
    ting_free(s->bases);
}

void ting_scorer_free(ting_scorer *scorer)
{
    if (scorer == NULL)
        return;
    ting_words_table_free(scorer->words);
    ting_words_free(&scorer->line);
    side_free(&scorer->ref);
    side_free(&scorer->hyp);
    ting_alignment_free(&scorer->alignment);
    ting_alignment_free(&scorer->toneless_alignment);
    ting_free(scorer->pairs.slots);
    ting_free(scorer->pairs.sorted);
    ting_free(scorer);
}

/* ---- one side ---- */

static ting_err side_room(side *s, int count)
{
    if (s->room >= count)
        return TING_OK;
    ting_free(s->ids);
    ting_free(s->sounds);
    ting_free(s->bases);
    s->room = 0;
    s->ids = ting_alloc((size_t)count, sizeof *s->ids);
    s->sounds = ting_alloc((size_t)count, sizeof *s->sounds);
    s->bases = ting_alloc((size_t)count, sizeof *s->bases);
    if (s->ids == NULL || s->sounds == NULL || s->bases == NULL)
        return TING_ERR_MEMORY;
    s->room = count;
    return TING_OK;
}

/* One sound for each unit from the lexicon; offsets of units and of readings both rise. */
static ting_err sounds_from_lexicon(const ting_scorer *scorer, side *s)
{
    ting_err err = TING_OK;
    const ting_g2p_options options = {0};
    TRY(ting_g2p_read(scorer->lexicon, &options, s->units.text.text, s->units.text.length, &s->readings));
    for (int i = 0, k = 0; i < s->units.count; i++) {
        while (k < s->readings.count && s->readings.items[k].offset < s->units.offsets[i])
            k++;
        if (k < s->readings.count && s->readings.items[k].offset == s->units.offsets[i])
            s->sounds[i] = s->readings.items[k].id;
    }
out:
    return err;
}

static bool is_hanzi_unit(int unit)
{
    return unit < TING_FIRST_WORD && ting_utf8_is_hanzi((uint32_t)unit);
}

/* True when the pinyin has one syllable for each hanzi; the sounds are then set. */
static ting_err sounds_from_pinyin(ting_scorer *scorer, side *s, ting_view pinyin, bool *done)
{
    ting_err err = TING_OK;
    int hanzi = 0;
    *done = false;
    for (int i = 0; i < s->units.count; i++)
        hanzi += is_hanzi_unit(s->units.ids[i]);
    TRY(ting_words_read(pinyin.text, pinyin.length, &scorer->line));
    if (hanzi == 0 || scorer->line.count != hanzi)
        return TING_OK;
    for (int i = 0, k = 0; i < s->units.count; i++)
        if (is_hanzi_unit(s->units.ids[i]))
            s->sounds[i] = scorer->line.items[k++].id;
    *done = true;
out:
    return err;
}

/* Units of text with their sounds. */
static ting_err read_units(ting_scorer *scorer, ting_view text, ting_view pinyin, side *s)
{
    ting_err err = TING_OK;
    bool done = false;
    TRY(ting_units_read(scorer->words, &scorer->options.units, text.text, text.length, &s->units));
    TRY(side_room(s, s->units.count));
    s->count = s->units.count;
    for (int i = 0; i < s->count; i++) {
        s->ids[i] = s->units.ids[i];
        s->sounds[i] = TING_PINYIN_NONE;
    }
    if (pinyin.length > 0)
        TRY(sounds_from_pinyin(scorer, s, pinyin, &done));
    if (!done && scorer->lexicon != NULL && s->count > 0)
        TRY(sounds_from_lexicon(scorer, s));
out:
    return err;
}

/* Syllables of a line of pinyin; a word that is none becomes a numbered word, equal to itself only. */
static ting_err read_pinyin(ting_scorer *scorer, ting_view text, side *s)
{
    ting_err err = TING_OK;
    TRY(ting_words_read(text.text, text.length, &scorer->line));
    TRY(side_room(s, scorer->line.count));
    s->count = scorer->line.count;
    for (int i = 0; i < s->count; i++) {
        ting_word word = scorer->line.items[i];
        s->sounds[i] = s->ids[i] = word.id;
        if (word.id == TING_PINYIN_NONE)
            TRY(ting_words_table_number(scorer->words, text.text + word.offset, word.length, &s->ids[i]));
    }
out:
    return err;
}

static ting_err read_syllables(ting_scorer *scorer, bool is_pinyin, ting_view text, ting_view pinyin, side *s)
{
    ting_err err = TING_OK;
    if (is_pinyin || pinyin.length > 0) {
        TRY(read_pinyin(scorer, is_pinyin ? text : pinyin, s));
    } else {
        TRY(read_units(scorer, text, pinyin, s));
        for (int i = 0; i < s->count; i++) /* what has no reading stays the unit it is, out of the syllables' range */
            s->ids[i] = s->sounds[i] != TING_PINYIN_NONE ? s->sounds[i]
                        : s->ids[i] < TING_FIRST_WORD    ? -2 - s->ids[i]
                                                         : s->ids[i];
    }
    for (int i = 0; i < s->count; i++)
        s->bases[i] = s->sounds[i] != TING_PINYIN_NONE ? ting_pinyin_with_tone(s->ids[i], 5) : s->ids[i];
out:
    return err;
}

/* ---- sums ---- */

static ting_score_counts counts_of(const ting_alignment *alignment, int units)
{
    ting_score_counts counts = {.units = units, .matches = alignment->matches, .substitutions = alignment->substitutions,
                                .deletions = alignment->deletions, .insertions = alignment->insertions, .utterances = 1};
    counts.wrong_utterances = counts.substitutions + counts.deletions + counts.insertions > 0;
    return counts;
}

static void add_counts(ting_score_counts *sum, const ting_score_counts *one)
{
    sum->units += one->units;
    sum->matches += one->matches;
    sum->substitutions += one->substitutions;
    sum->deletions += one->deletions;
    sum->insertions += one->insertions;
    sum->utterances += one->utterances;
    sum->wrong_utterances += one->wrong_utterances;
    for (int k = 0; k < TING_SCORE_KINDS; k++)
        sum->kinds[k] += one->kinds[k];
}

static size_t pair_place(const ting_confusion *slots, size_t room, int ref, int hyp)
{
    uint64_t h = ((uint64_t)(uint32_t)ref << 32 | (uint32_t)hyp) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(h >> 32) & (room - 1);
    while (slots[at].count != 0 && (slots[at].ref != ref || slots[at].hyp != hyp))
        at = (at + 1) & (room - 1);
    return at;
}

static ting_err count_pair(pairs *p, int ref, int hyp)
{
    if (2 * ((size_t)p->count + 1) > p->room) {
        size_t room = p->room == 0 ? 256 : 2 * p->room;
        ting_confusion *slots = ting_alloc(room, sizeof *slots);
        if (slots == NULL)
            return TING_ERR_MEMORY;
        for (size_t i = 0; i < p->room; i++)
            if (p->slots[i].count != 0)
                slots[pair_place(slots, room, p->slots[i].ref, p->slots[i].hyp)] = p->slots[i];
        ting_free(p->slots);
        p->slots = slots;
        p->room = room;
    }
    ting_confusion *slot = &p->slots[pair_place(p->slots, p->room, ref, hyp)];
    p->count += slot->count == 0;
    *slot = (ting_confusion){ref, hyp, slot->count + 1};
    return TING_OK;
}

static int by_count(const void *a, const void *b)
{
    const ting_confusion *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->ref != y->ref)
        return x->ref < y->ref ? -1 : 1;
    return x->hyp < y->hyp ? -1 : x->hyp > y->hyp;
}

ting_err ting_scorer_confusions(ting_scorer *scorer, const ting_confusion **out, int *count)
{
    pairs *p = &scorer->pairs;
    ting_free(p->sorted);
    p->sorted = ting_alloc((size_t)p->count, sizeof *p->sorted);
    if (p->sorted == NULL)
        return TING_ERR_MEMORY;
    int n = 0;
    for (size_t i = 0; i < p->room; i++)
        if (p->slots[i].count != 0)
            p->sorted[n++] = p->slots[i];
    qsort(p->sorted, (size_t)n, sizeof *p->sorted, by_count);
    *out = p->sorted;
    *count = n;
    return TING_OK;
}

ting_err ting_scorer_add(ting_scorer *scorer, ting_view ref, ting_view pinyin, ting_view hyp,
                         ting_scored *out)
{
    ting_err err = TING_OK;
    const ting_view none = {"", 0};
    side *r = &scorer->ref, *h = &scorer->hyp;
    ting_alignment *alignment = &scorer->alignment;
    if (scorer->options.syllables) {
        TRY(read_syllables(scorer, scorer->options.ref_pinyin, ref, pinyin, r));
        TRY(read_syllables(scorer, scorer->options.hyp_pinyin, hyp, none, h));
        ting_alignment *toneless = &scorer->toneless_alignment;
        TRY(ting_align((ting_sequence){r->bases, r->sounds, r->count}, (ting_sequence){h->bases, h->sounds, h->count},
                       toneless));
        ting_score_counts counts = counts_of(toneless, r->count);
        add_counts(&scorer->toneless, &counts);
    } else {
        TRY(read_units(scorer, ref, pinyin, r));
        TRY(read_units(scorer, hyp, none, h));
    }
    TRY(ting_align((ting_sequence){r->ids, r->sounds, r->count}, (ting_sequence){h->ids, h->sounds, h->count},
                   alignment));
    ting_score_counts counts = counts_of(alignment, r->count);
    for (int i = 0; i < alignment->count; i++) {
        ting_edit e = alignment->edits[i];
        if (e.kind == TING_EDIT_MATCH)
            continue;
        if (e.kind == TING_EDIT_SUBSTITUTE)
            counts.kinds[ting_score_kind_of(r->sounds[e.ref], h->sounds[e.hyp])]++;
        TRY(count_pair(&scorer->pairs, e.ref < 0 ? -1 : r->ids[e.ref], e.hyp < 0 ? -1 : h->ids[e.hyp]));
    }
    add_counts(&scorer->totals, &counts);
    if (out != NULL)
        *out = (ting_scored){{r->ids, r->sounds, r->count}, {h->ids, h->sounds, h->count}, alignment, counts};
out:
    return err;
}

const ting_score_counts *ting_scorer_totals(const ting_scorer *scorer)
{
    return &scorer->totals;
}

const ting_score_counts *ting_scorer_toneless(const ting_scorer *scorer)
{
    return &scorer->toneless;
}

void ting_scorer_write_unit(const ting_scorer *scorer, int unit, ting_str *out)
{
    char bytes[TING_PINYIN_ROOM];
    if (unit >= TING_FIRST_WORD) {
        size_t length;
        const char *word = ting_words_table_word(scorer->words, unit, &length);
        ting_str_add_bytes(out, word, length);
    } else if (scorer->options.syllables && unit >= 0) {
        ting_str_add_bytes(out, bytes, ting_pinyin_write(unit, TING_PINYIN_NUMBERED, bytes));
    } else if (unit != -1) { /* a code point, or in syllable mode -2 - code point */
        ting_str_add_bytes(out, bytes, (size_t)ting_utf8_encode((uint32_t)(unit < 0 ? -2 - unit : unit), bytes));
    }
}

bool ting_transcript_is_pinyin(const ting_transcript *transcript)
{
    ting_words line = {0};
    long known = 0, words = 0;
    for (int i = 0; i < ting_transcript_count(transcript); i++) {
        const ting_utterance *u = ting_transcript_at(transcript, i);
        if (ting_words_read(u->text.text, u->text.length, &line) != TING_OK)
            break; /* out of memory: what was seen decides */
        for (int k = 0; k < line.count; k++)
            known += line.items[k].id != TING_PINYIN_NONE;
        words += line.count;
    }
    ting_words_free(&line);
    return words > 0 && 10 * known >= 9 * words;
}
