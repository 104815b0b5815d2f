/* SPDX-License-Identifier: Apache-2.0 */
/* sentence.c - see sentence.h. */
#include "engine/sentence.h"

#include "base/str.h"
#include "base/utf8.h"
#include "engine/result.h"
#include "text/g2p.h"

#include <math.h>
#include <string.h>

/* A character is given at most this much time after its last token, if no other follows sooner. */
static const double longest_tail = 0.24;

typedef struct spoken { /* one acoustic hypothesis as syllables */
    ting_syllable *syllables; /* [count], without dropped initials and unwritten tokens */
    int *ids;                 /* [count] */
    int count;
    double score;
    ting_hanzi_page page;
} spoken;

typedef struct candidate { /* one hypothesis of the sentence */
    const spoken *spoken;
    int line;
    double score;
} candidate;

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

static bool is_written(const ting_sentence_maker *maker, const ting_syllable *syllable)
{
    if (syllable->repair == TING_REPAIR_DROPPED)
        return false;
    if (syllable->id != TING_PINYIN_NONE)
        return true;
    return syllable->token >= 0 && syllable->token < maker->token_count &&
           ting_token_is_text(maker->tokens[syllable->token]);
}

static ting_err speak(const ting_sentence_maker *maker, const ting_heard *heard, ting_arena *arena, spoken *out)
{
    ting_err err = TING_OK;
    ting_merger merger;
    ting_syllable made[2];
    size_t most = (size_t)heard->count + 1;
    *out = (spoken){.score = heard->score};
    out->syllables = ting_arena_take_zeroed(arena, most, sizeof *out->syllables);
    out->ids = ting_arena_take_zeroed(arena, most, sizeof *out->ids);
    if (out->syllables == NULL || out->ids == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d tokens", heard->count);
    ting_merger_start(&merger, maker->parts, maker->token_count);
    for (int i = 0; i <= heard->count; i++) {
        int count = i < heard->count ? ting_merger_feed(&merger, &heard->hits[i], made)
                                     : ting_merger_finish(&merger, made);
        for (int k = 0; k < count; k++) {
            if (!is_written(maker, &made[k]))
                continue;
            out->ids[out->count] = made[k].id;
            out->syllables[out->count++] = made[k];
        }
    }
out:
    return err;
}

/* The syllable at place i as it is written beside the character of line `line`; TING_PINYIN_NONE: none. */
static int place_syllable(const ting_sentence_maker *maker, const spoken *s, int line, int i)
{
    const int id = s->syllables[i].id;
    if (id == TING_PINYIN_NONE || maker->writer == NULL)
        return id;
    const char *character = s->page.lines[line].characters[i];
    uint32_t code_point = 0;
    ting_utf8_decode(character, strlen(character), &code_point);
    return ting_g2p_without_sandhi(code_point, id);
}

/* What stands at place i of line `line`: the writer's character, or the token itself. */
static const char *place_text(const ting_sentence_maker *maker, const spoken *s, int line, int i,
                              char room[TING_PINYIN_ROOM])
{
    const int id = place_syllable(maker, s, line, i);
    if (id == TING_PINYIN_NONE)
        return maker->tokens[s->syllables[i].token];
    if (maker->writer != NULL && !maker->spell)
        return s->page.lines[line].characters[i];
    ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
    return room;
}

/* Characters of a hypothesis one after the other; Latin words and pinyin get spaces between. */
static const char *join_text(const ting_sentence_maker *maker, const spoken *s, int line, ting_str *text,
                             ting_arena *arena)
{
    char room[TING_PINYIN_ROOM];
    ting_str_clear(text);
    ting_str_add(text, "");
    for (int i = 0; i < s->count; i++) {
        const char *place = place_text(maker, s, line, i, room);
        if (text->length > 0 && ting_ascii_is_alnum(text->text[text->length - 1]) &&
            ting_ascii_is_alnum(place[0]))
            ting_str_add(text, " ");
        ting_str_add(text, place);
    }
    return ting_str_ok(text) ? ting_arena_text(arena, text->text) : NULL;
}

static const char *join_pinyin(const ting_sentence_maker *maker, const spoken *s, int line, ting_str *text,
                               ting_arena *arena)
{
    char room[TING_PINYIN_ROOM];
    ting_str_clear(text);
    ting_str_add(text, "");
    for (int i = 0; i < s->count; i++) {
        const int id = place_syllable(maker, s, line, i);
        const char *place = room;
        if (id == TING_PINYIN_NONE)
            place = maker->tokens[s->syllables[i].token];
        else
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
        ting_str_addf(text, "%s%s", i == 0 ? "" : " ", place);
    }
    return ting_str_ok(text) ? ting_arena_text(arena, text->text) : NULL;
}

/* All pairs of acoustic hypothesis and line, the best `most` of them in order (a stable insertion sort). A hypothesis
 * without a syllable has no line that would lower its score: it counts only when all are so. */
static int rank(const ting_sentence_maker *maker, const spoken *all, int count, candidate *best, int most)
{
    int kept = 0;
    bool silent = true;
    for (int i = 0; i < count; i++)
        silent = silent && all[i].count == 0;
    for (int i = 0; i < count; i++) {
        if (all[i].count == 0 && !silent)
            continue;
        int lines = maker->writer != NULL && !maker->spell && all[i].count > 0 ? all[i].page.line_count : 1;
        for (int line = 0; line < lines; line++) {
            double score = all[i].score;
            if (maker->writer != NULL && all[i].count > 0)
                score += maker->weight * all[i].page.lines[line].score;
            int at = kept;
            while (at > 0 && best[at - 1].score < score)
                at--;
            if (at >= most)
                continue;
            kept = kept < most ? kept + 1 : most;
            memmove(best + at + 1, best + at, (size_t)(kept - 1 - at) * sizeof *best);
            best[at] = (candidate){&all[i], line, score};
        }
    }
    return kept;
}

/* The other characters for place i: those of the page, without the one that stands there. */
static ting_err fill_alternatives(const ting_sentence_maker *maker, const spoken *s, int i, ting_arena *arena,
                                  ting_char *out)
{
    ting_err err = TING_OK;
    if (maker->writer == NULL || maker->spell || maker->alternatives == 0 || s->syllables[i].id == TING_PINYIN_NONE)
        goto out;
    const char **list = ting_arena_take_zeroed(arena, (size_t)maker->alternatives, sizeof *list);
    if (list == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for the alternatives of a character");
    for (int k = 0; k < maker->alternatives; k++) {
        const char *text = s->page.alternatives[(size_t)i * (size_t)maker->alternatives + (size_t)k];
        if (text[0] == '\0')
            break;
        if (strcmp(text, out->text) != 0)
            list[out->alternative_count++] = text;
    }
    out->alternatives = list;
out:
    return err;
}

static ting_err make_chars(const ting_sentence_maker *maker, const candidate *best, ting_arena *arena, ting_char **out)
{
    ting_err err = TING_OK;
    const spoken *s = best->spoken;
    char room[TING_PINYIN_ROOM];
    ting_char *chars = ting_arena_take_zeroed(arena, (size_t)s->count, sizeof *chars);
    if (chars == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", s->count);
    for (int i = 0; i < s->count; i++) {
        const ting_syllable *syllable = &s->syllables[i];
        double end = syllable->end + longest_tail;
        if (i + 1 < s->count && s->syllables[i + 1].start < end)
            end = s->syllables[i + 1].start;
        chars[i].start = within(maker, syllable->start);
        chars[i].end = within(maker, fmax(end, syllable->start));
        chars[i].confidence = (float)fmin(1, exp(syllable->log_prob / syllable->hits));
        chars[i].text = ting_arena_text(arena, place_text(maker, s, best->line, i, room));
        room[0] = '\0';
        const int id = place_syllable(maker, s, best->line, i);
        if (id != TING_PINYIN_NONE)
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, room);
        chars[i].pinyin = ting_arena_text(arena, room);
        if (ting_arena_failed(arena))
            FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", s->count);
        TRY(fill_alternatives(maker, s, i, arena, &chars[i]));
    }
    *out = chars;
out:
    return err;
}

static ting_err make_tokens(const ting_sentence_maker *maker, const ting_heard *heard, ting_arena *arena,
                            ting_token **out)
{
    ting_err err = TING_OK;
    ting_token *tokens = ting_arena_take_zeroed(arena, (size_t)heard->count + 1, sizeof *tokens);
    if (tokens == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d tokens", heard->count);
    for (int i = 0; i < heard->count; i++) {
        const ting_hit *hit = &heard->hits[i];
        bool known = hit->token >= 0 && hit->token < maker->token_count;
        tokens[i] = (ting_token){known ? maker->tokens[hit->token] : "", hit->token, hit->start, (float)hit->log_prob};
    }
    *out = tokens;
out:
    return err;
}

/* Puts the sentence together from its ranked hypotheses. */
static ting_err assemble(const ting_sentence_maker *maker, const ting_heard *heard, const spoken *all,
                         const candidate *best, int count, ting_str *text, ting_arena *arena, ting_sentence **out)
{
    ting_err err = TING_OK;
    const spoken *s = best[0].spoken;
    ting_char *chars = NULL;
    ting_token *tokens = NULL;
    ting_sentence *sentence = ting_arena_take_zeroed(arena, 1, sizeof *sentence);
    struct ting_sentence_parts *parts = ting_arena_take_zeroed(arena, 1, sizeof *parts);
    ting_hypothesis *hypotheses = ting_arena_take_zeroed(arena, (size_t)count, sizeof *hypotheses);
    if (sentence == NULL || parts == NULL || hypotheses == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    const ting_heard *source = &heard[s - all];
    TRY(make_chars(maker, &best[0], arena, &chars));
    TRY(make_tokens(maker, source, arena, &tokens));
    for (int i = 0; i < count; i++) {
        hypotheses[i].text = join_text(maker, best[i].spoken, best[i].line, text, arena);
        hypotheses[i].pinyin = join_pinyin(maker, best[i].spoken, best[i].line, text, arena);
        hypotheses[i].score = best[i].score;
        if (hypotheses[i].text == NULL || hypotheses[i].pinyin == NULL)
            FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    }
    double log_prob = 0;
    int hits = 0;
    for (int i = 0; i < s->count; i++) {
        log_prob += s->syllables[i].log_prob;
        hits += s->syllables[i].hits;
    }
    *parts = (struct ting_sentence_parts){chars, tokens, hypotheses};
    *sentence = (ting_sentence){
        .start = chars[0].start, .end = chars[s->count - 1].end, .text = hypotheses[0].text,
        .pinyin = hypotheses[0].pinyin, .confidence = (float)fmin(1, exp(log_prob / hits)),
        .char_count = s->count, .token_count = source->count, .hypothesis_count = count, .parts = parts};
    *out = sentence;
out:
    return err;
}

/* Asks the writer for hanzi. Times and readings belong to places: a line of another length could not be put beside them. */
static ting_err write_hanzi(const ting_sentence_maker *maker, int nbest, ting_arena *arena, spoken *s)
{
    ting_err err = TING_OK;
    TRY(maker->writer->write(maker->writer->self, s->ids, s->count, maker->spell ? 1 : nbest,
                             maker->spell ? 0 : maker->alternatives, arena, &s->page));
    for (int l = 0; l < s->page.line_count; l++)
        if (s->page.lines[l].count != s->count)
            FAIL(TING_ERR_INTERNAL, "a line of %d characters was written for %d syllables, expected one for each",
                 s->page.lines[l].count, s->count);
    if (s->page.line_count < 1)
        FAIL(TING_ERR_INTERNAL, "no line was written for %d syllables", s->count);
out:
    return err;
}

ting_err ting_sentence_make(const ting_sentence_maker *maker, const ting_heard *heard, int count,
                            ting_arena *arena, const ting_sentence **out)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    ting_sentence *sentence = NULL;
    *out = NULL;
    int most = maker->nbest > 1 ? maker->nbest : 1;
    spoken *all = ting_arena_take_zeroed(arena, (size_t)count, sizeof *all);
    candidate *best = ting_arena_take_zeroed(arena, (size_t)most + 1, sizeof *best);
    if (all == NULL || best == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    for (int i = 0; i < count; i++) {
        TRY(speak(maker, &heard[i], arena, &all[i]));
        if (maker->writer != NULL && all[i].count > 0)
            TRY(write_hanzi(maker, most, arena, &all[i]));
    }
    int ranked = rank(maker, all, count, best, most);
    if (best[0].spoken->count > 0)
        TRY(assemble(maker, heard, all, best, ranked, &text, arena, &sentence));
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
    spoken s = {0};
    *out = NULL;
    const ting_hit *last = &heard->hits[heard->count - 1];
    const double end = within(maker, last->end + longest_tail);
    TRY(speak(maker, heard, arena, &s));
    const char *pinyin = join_pinyin(maker, &s, 0, &text, arena);
    if (pinyin == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a keyword");
    ting_char keyword = {.text = name, .start = within(maker, heard->hits[0].start), .end = end, .confidence = (float)probability,
                         .pinyin = pinyin};
    ting_token *tokens = NULL;
    TRY(make_tokens(maker, heard, arena, &tokens));
    const ting_hypothesis hypothesis = {name, pinyin, log(probability)};
    const struct ting_sentence_parts parts = {&keyword, tokens, &hypothesis};
    const ting_sentence sentence = {.start = keyword.start, .end = end, .text = name, .pinyin = pinyin,
                                    .confidence = (float)probability, .char_count = 1, .token_count = heard->count,
                                    .hypothesis_count = 1, .parts = &parts};
    *out = ting_sentence_copy(arena, &sentence);
    if (*out == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a keyword");
out:
    ting_str_free(&text);
    return err;
}
