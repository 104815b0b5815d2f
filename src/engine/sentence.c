/* SPDX-License-Identifier: Apache-2.0 */
/* sentence.c - see sentence.h. */
#include "engine/sentence.h"

#include "base/str.h"
#include "base/utf8.h"
#include "engine/confidence.h"
#include "engine/reading.h"
#include "engine/result.h"
#include "text/g2p.h"

#include <math.h>
#include <string.h>

/* A character is given at most this much time after its last token, if no other follows sooner. */
static const double longest_tail = 0.24;

bool ting_token_is_text(const char *token)
{
    size_t length = strlen(token);
    return length > 0 && !(length > 2 && token[0] == '<' && token[length - 1] == '>');
}

/* A time of a character: what is heard in the silence behind the sound belongs to its end. */
static double within(const ting_sentence_maker *maker, double seconds)
{
    return maker->limit > 0 ? fmin(seconds, maker->limit) : seconds;
}

/* The syllable of a place as it is written beside its character; TING_PINYIN_NONE: none. */
static int written_syllable(const ting_spoken_place *p)
{
    const int id = p->syllable.id;
    uint32_t code_point = 0;
    if (id == TING_PINYIN_NONE || p->character == NULL)
        return id;
    ting_utf8_decode(p->character, strlen(p->character), &code_point);
    return ting_g2p_without_sandhi(code_point, id);
}

/* What stands at a place: the writer's character, or the token itself. */
static const char *written_text(const ting_sentence_maker *maker, const ting_spoken_place *p, char room[TING_PINYIN_ROOM])
{
    const int id = written_syllable(p);
    if (id == TING_PINYIN_NONE)
        return maker->tokens[p->syllable.token];
    if (p->character != NULL && !maker->spell)
        return p->character;
    ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
    return room;
}

/* Characters of a reading one after the other; Latin words and pinyin get spaces between. */
static const char *join_text(const ting_sentence_maker *maker, const ting_reading *r, ting_str *text, ting_arena *arena)
{
    char room[TING_PINYIN_ROOM];
    ting_str_clear(text);
    ting_str_add(text, "");
    for (int i = 0; i < r->count; i++) {
        const char *here = written_text(maker, &r->places[i], room);
        if (text->length > 0 && ting_ascii_is_alnum(text->text[text->length - 1]) && ting_ascii_is_alnum(here[0]))
            ting_str_add(text, " ");
        ting_str_add(text, here);
    }
    return ting_str_ok(text) ? ting_arena_text(arena, text->text) : NULL;
}

static const char *join_pinyin(const ting_sentence_maker *maker, const ting_reading *r, ting_str *text, ting_arena *arena)
{
    char room[TING_PINYIN_ROOM];
    ting_str_clear(text);
    ting_str_add(text, "");
    for (int i = 0; i < r->count; i++) {
        const int id = written_syllable(&r->places[i]);
        const char *here = room;
        if (id == TING_PINYIN_NONE)
            here = maker->tokens[r->places[i].syllable.token];
        else
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
        ting_str_addf(text, "%s%s", i == 0 ? "" : " ", here);
    }
    return ting_str_ok(text) ? ting_arena_text(arena, text->text) : NULL;
}

/* The other characters for a place: those of its row of the page, without the one that stands there. */
static ting_err fill_alternatives(const ting_sentence_maker *maker, const ting_hanzi_page *page, int row, ting_arena *arena,
                                  ting_char *out)
{
    ting_err err = TING_OK;
    const char **list = ting_arena_take_zeroed(arena, (size_t)maker->alternatives, sizeof *list);
    if (list == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for the alternatives of a character");
    for (int k = 0; k < maker->alternatives; k++) {
        const char *text = page->alternatives[(size_t)row * (size_t)maker->alternatives + (size_t)k];
        if (text[0] == '\0')
            break;
        if (strcmp(text, out->text) != 0)
            list[out->alternative_count++] = text;
    }
    out->alternatives = list;
out:
    return err;
}

/* Mean log-probability of the tokens of a place. */
static double heard_at(const ting_reading *r, int i)
{
    const ting_syllable *syllable = &r->places[i].syllable;
    return fmin(0, syllable->log_prob / syllable->hits);
}

static double heard_beside(const ting_reading *r, int i)
{
    if (r->count == 1)
        return heard_at(r, i);
    if (i == 0 || i + 1 == r->count)
        return heard_at(r, i == 0 ? 1 : i - 1);
    return 0.5 * (heard_at(r, i - 1) + heard_at(r, i + 1));
}

/* Where nothing tells which other lines there were, the probability of what was heard. */
static double confidence_at(const ting_reading *r, int i)
{
    const double share = r->places[i].share;
    return share < 0 ? exp(heard_at(r, i)) : ting_confidence(&(ting_evidence){share, heard_at(r, i), heard_beside(r, i)});
}

/* page: of the writer, whose first line the reading is; NULL: none, or another line. */
static ting_err make_chars(const ting_sentence_maker *maker, const ting_reading *r, const ting_hanzi_page *page, ting_arena *arena,
                           ting_char **out)
{
    ting_err err = TING_OK;
    char room[TING_PINYIN_ROOM];
    ting_char *chars = ting_arena_take_zeroed(arena, (size_t)r->count, sizeof *chars);
    if (chars == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", r->count);
    for (int i = 0; i < r->count; i++) {
        const ting_spoken_place *p = &r->places[i];
        const ting_syllable *syllable = &p->syllable;
        double start = syllable->start, end = syllable->end + longest_tail;
        if (i > 0) /* neighbours may be of different hypotheses */
            start = fmax(start, chars[i - 1].start);
        if (i + 1 < r->count)
            end = fmin(end, p[1].syllable.start);
        chars[i].start = within(maker, start);
        chars[i].end = within(maker, fmax(end, start));
        chars[i].confidence = (float)confidence_at(r, i);
        chars[i].log_prob = (float)syllable->log_prob;
        chars[i].text = ting_arena_text(arena, written_text(maker, p, room));
        room[0] = '\0';
        const int id = written_syllable(p);
        if (id != TING_PINYIN_NONE)
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
        chars[i].pinyin = ting_arena_text(arena, room);
        if (ting_arena_failed(arena))
            FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", r->count);
        if (page != NULL && !maker->spell && maker->alternatives > 0 && syllable->id != TING_PINYIN_NONE)
            TRY(fill_alternatives(maker, page, p->row, arena, &chars[i]));
    }
    *out = chars;
out:
    return err;
}

static ting_token make_token(const ting_sentence_maker *maker, const ting_hit *hit)
{
    const bool known = hit->token >= 0 && hit->token < maker->token_count;
    return (ting_token){known ? maker->tokens[hit->token] : "", hit->token, hit->start, (float)hit->log_prob};
}

/* The tokens of the places: of neighbours in one hypothesis also what was heard between them, before the first and behind the last. */
static ting_err make_tokens(const ting_sentence_maker *maker, const ting_reading *r, ting_arena *arena, ting_token **out, int *count)
{
    ting_err err = TING_OK;
    size_t most = 0;
    for (int i = 0; i < r->count; i++)
        most += (size_t)r->places[i].from->heard->count;
    *count = 0;
    *out = ting_arena_take_zeroed(arena, most + 1, sizeof **out);
    if (*out == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for the tokens of a sentence");
    long next = 0;
    for (int i = 0; i < r->count; i++) {
        const ting_spoken_place *p = &r->places[i];
        const ting_syllable *syllable = &p->syllable;
        if (i > 0 && p->from != p[-1].from)
            next = syllable->first_hit;
        const long end = i + 1 < r->count ? syllable->first_hit + syllable->hits : p->from->heard->count;
        for (; next < end; next++)
            (*out)[(*count)++] = make_token(maker, &p->from->heard->hits[next]);
    }
out:
    return err;
}

/* Puts the sentence together from its ranked readings. */
static ting_err assemble(const ting_sentence_maker *maker, const ting_reading *readings, int count, const ting_hanzi_page *page,
                         ting_str *text, ting_arena *arena, ting_sentence **out)
{
    ting_err err = TING_OK;
    const ting_reading *best = &readings[0];
    ting_token *tokens = NULL;
    int token_count;
    ting_sentence *sentence = ting_arena_take_zeroed(arena, 1, sizeof *sentence);
    struct ting_sentence_parts *parts = ting_arena_take_zeroed(arena, 1, sizeof *parts);
    ting_hypothesis *hypotheses = ting_arena_take_zeroed(arena, (size_t)count, sizeof *hypotheses);
    const ting_char **chars = ting_arena_take_zeroed(arena, (size_t)count, sizeof *chars);
    if (sentence == NULL || parts == NULL || hypotheses == NULL || chars == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    TRY(make_tokens(maker, best, arena, &tokens, &token_count));
    for (int i = 0; i < count; i++) {
        ting_char *made = NULL;
        TRY(make_chars(maker, &readings[i], i == 0 ? page : NULL, arena, &made));
        chars[i] = made;
        hypotheses[i].char_count = readings[i].count;
        hypotheses[i].text = join_text(maker, &readings[i], text, arena);
        hypotheses[i].pinyin = join_pinyin(maker, &readings[i], text, arena);
        hypotheses[i].score = readings[i].score;
        if (hypotheses[i].text == NULL || hypotheses[i].pinyin == NULL)
            FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    }
    double right = 0; /* characters to be expected */
    for (int i = 0; i < best->count; i++)
        right += (double)chars[0][i].confidence;
    *parts = (struct ting_sentence_parts){chars[0], tokens, hypotheses, chars};
    *sentence = (ting_sentence){
        .start = chars[0][0].start, .end = chars[0][best->count - 1].end, .text = hypotheses[0].text,
        .pinyin = hypotheses[0].pinyin, .confidence = (float)(right / best->count),
        .char_count = best->count, .token_count = token_count, .hypothesis_count = count, .parts = parts};
    *out = sentence;
out:
    return err;
}

/* Readings of which the text differs, at most `most`, in front; returns how many. */
static ting_err drop_equal(const ting_sentence_maker *maker, ting_reading *readings, int most, ting_str *text, ting_arena *arena,
                           int *count)
{
    int kept = 0;
    const char **texts = ting_arena_take(arena, (size_t)most * sizeof *texts);
    for (int i = 0; i < *count && kept < most && texts != NULL; i++) {
        texts[kept] = join_text(maker, &readings[i], text, arena);
        bool known = texts[kept] == NULL;
        for (int k = 0; k < kept && !known; k++)
            known = strcmp(texts[k], texts[kept]) == 0;
        if (!known)
            readings[kept++] = readings[i];
    }
    *count = kept;
    return ting_arena_failed(arena) || !ting_str_ok(text) ? TING_ERR_MEMORY : TING_OK;
}

/* Of lines that are spelt several have the same pinyin. */
enum { LINES_A_SPELLING = 8, LINES_MOST = 64 };

ting_err ting_sentence_make(const ting_sentence_maker *maker, const ting_heard *heard, int count,
                            ting_arena *arena, const ting_sentence **out)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    ting_sentence *sentence = NULL;
    ting_hanzi_page page;
    *out = NULL;
    const int most = maker->nbest > 1 ? maker->nbest : 1, wanted = most > 1 && maker->spell ? most * LINES_A_SPELLING : most;
    const int lines = wanted < LINES_MOST ? wanted : LINES_MOST;
    int said = 0, found = 0;
    ting_spoken *all = ting_arena_take_zeroed(arena, (size_t)count, sizeof *all);
    ting_reading *readings = ting_arena_take_zeroed(arena, (size_t)(count > lines ? count : lines), sizeof *readings);
    if (all == NULL || readings == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    for (int i = 0; i < count; i++) { /* one without a syllable has no line that would lower its score */
        TRY(ting_spoken_make(maker, &heard[i], arena, &all[said]));
        said += all[said].count > 0;
    }
    if (said == 0)
        goto out;
    if (maker->writer != NULL) {
        TRY(ting_readings_written(maker, all, said, lines, arena, readings, &found, &page));
        if (maker->spell)
            TRY(drop_equal(maker, readings, most, &text, arena, &found));
    } else {
        TRY(ting_readings_plain(all, said, arena, readings));
        found = said < most ? said : most;
    }
    if (readings[0].count > 0)
        TRY(assemble(maker, readings, found, maker->writer != NULL ? &page : NULL, &text, arena, &sentence));
    *out = sentence;
out:
    ting_str_free(&text);
    return err;
}

ting_err ting_sentence_make_keyword(const ting_sentence_maker *maker, const ting_heard *heard, const char *name,
                                    double probability, ting_arena *arena, const ting_sentence **out)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    ting_spoken s;
    *out = NULL;
    const ting_hit *last = &heard->hits[heard->count - 1];
    const double end = within(maker, last->end + longest_tail);
    ting_reading r;
    TRY(ting_spoken_make(maker, heard, arena, &s));
    TRY(ting_readings_plain(&s, 1, arena, &r));
    const char *pinyin = join_pinyin(maker, &r, &text, arena);
    if (pinyin == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a keyword");
    ting_char keyword = {.text = name, .start = within(maker, heard->hits[0].start), .end = end, .confidence = (float)probability,
                         .pinyin = pinyin, .log_prob = (float)log(probability)};
    ting_token *tokens = NULL;
    int token_count;
    TRY(make_tokens(maker, &r, arena, &tokens, &token_count));
    const ting_hypothesis hypothesis = {name, pinyin, log(probability), 1};
    const struct ting_sentence_parts parts = {&keyword, tokens, &hypothesis, NULL};
    const ting_sentence sentence = {.start = keyword.start, .end = end, .text = name, .pinyin = pinyin,
                                    .confidence = (float)probability, .char_count = 1, .token_count = token_count,
                                    .hypothesis_count = 1, .parts = &parts};
    *out = ting_sentence_copy(arena, &sentence);
    if (*out == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a keyword");
out:
    ting_str_free(&text);
    return err;
}
