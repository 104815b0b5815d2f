/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - see reading.h. */
#include "engine/reading.h"

#include "engine/near_syllables.h"

static bool is_written(const ting_sentence_maker *maker, const ting_syllable *syllable)
{
    if (syllable->repair == TING_REPAIR_DROPPED)
        return false;
    if (syllable->id != TING_PINYIN_NONE)
        return true;
    return syllable->token >= 0 && syllable->token < maker->token_count &&
           ting_token_is_text(maker->tokens[syllable->token]);
}

/* What was nearly heard instead of each syllable. */
static ting_err find_others(const ting_sentence_maker *maker, ting_arena *arena, ting_spoken *s)
{
    const ting_heard *heard = s->heard;
    s->others = ting_arena_take(arena, (size_t)s->count * TING_NEAR_MOST * sizeof *s->others);
    for (int i = 0; i < s->count && s->others != NULL; i++) {
        const long first = s->syllables[i].first_hit;
        s->other_count += ting_near_syllables(maker->parts, maker->token_count, heard->hits + first, heard->rivals + first,
                                              &s->syllables[i], i, s->others + s->other_count);
    }
    return s->others != NULL ? TING_OK : TING_ERR_MEMORY;
}

ting_err ting_spoken_make(const ting_sentence_maker *maker, const ting_heard *heard, ting_arena *arena, ting_spoken *out)
{
    ting_err err = TING_OK;
    ting_merger merger;
    ting_syllable made[2];
    size_t most = (size_t)heard->count + 1;
    *out = (ting_spoken){.heard = heard};
    out->syllables = ting_arena_take_zeroed(arena, most, sizeof *out->syllables);
    out->ids = ting_arena_take_zeroed(arena, most, sizeof *out->ids);
    out->starts = ting_arena_take_zeroed(arena, most, sizeof *out->starts);
    if (ting_arena_failed(arena))
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d tokens", heard->count);
    ting_merger_start(&merger, maker->parts, maker->token_count);
    for (int i = 0; i <= heard->count; i++) {
        int count = i < heard->count ? ting_merger_feed(&merger, &heard->hits[i], made)
                                     : ting_merger_finish(&merger, made);
        for (int k = 0; k < count; k++) {
            if (!is_written(maker, &made[k]))
                continue;
            out->ids[out->count] = made[k].id;
            out->starts[out->count] = made[k].start;
            out->syllables[out->count++] = made[k];
        }
    }
    if (maker->writer != NULL && heard->rivals != NULL)
        TRY(find_others(maker, arena, out));
out:
    return err;
}

/* The syllable that a character was read from; said: the one to be shown in its place, or none. */
static ting_syllable syllable_at(const ting_spoken *s, const ting_p2h_origin *origin, int said)
{
    ting_syllable syllable = s->syllables[origin->place];
    if (origin->other >= 0) {
        syllable.id = s->others[origin->other].symbol;
        syllable.log_prob -= s->others[origin->other].loss;
    }
    if (said != TING_PINYIN_NONE) {
        syllable.id = said;
        syllable.log_prob -= origin->loss;
    }
    return syllable;
}

ting_err ting_readings_plain(const ting_spoken *all, int count, ting_arena *arena, ting_reading *out)
{
    for (int i = 0; i < count; i++) {
        const ting_spoken *s = &all[i];
        ting_reading reading = {.count = s->count, .score = s->heard->score};
        reading.places = ting_arena_take(arena, (size_t)s->count * sizeof *reading.places);
        for (int k = 0; k < s->count && reading.places != NULL; k++)
            reading.places[k] = (ting_spoken_place){.from = s, .syllable = s->syllables[k], .share = -1};
        int at = i; /* searches order theirs by other scores: per token, or rescored */
        for (; at > 0 && out[at - 1].score < reading.score; at--)
            out[at] = out[at - 1];
        out[at] = reading;
    }
    return ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK;
}

ting_err ting_readings_written(const ting_sentence_maker *maker, const ting_spoken *all, int count, int most, ting_arena *arena,
                               ting_reading *out, int *found, ting_hanzi_page *page)
{
    ting_err err = TING_OK;
    ting_hanzi_input *inputs = ting_arena_take(arena, (size_t)count * sizeof *inputs);
    if (inputs == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < count; i++)
        inputs[i] = (ting_hanzi_input){.syllables = all[i].ids, .starts = all[i].starts, .count = all[i].count,
                                       .score = all[i].heard->score, .others = all[i].others, .other_count = all[i].other_count};
    TRY(maker->writer->write(maker->writer->self, inputs, count, most, maker->spell ? 0 : maker->alternatives, arena, page));
    if (page->line_count < 1)
        FAIL(TING_ERR_INTERNAL, "no line was written for %d syllables", all[0].count);
    *found = page->line_count < most ? page->line_count : most;
    for (int l = 0; l < *found; l++) {
        const ting_hanzi_line *line = &page->lines[l];
        if (line->origins == NULL)
            FAIL(TING_ERR_INTERNAL, "a line of %d characters was written for %d syllables, expected one for each", line->count,
                 all[0].count);
        out[l] = (ting_reading){.score = line->score};
        out[l].places = ting_arena_take(arena, (size_t)line->count * sizeof *out[l].places);
        TRY(out[l].places != NULL ? TING_OK : TING_ERR_MEMORY);
        for (int k = 0; k < line->count; k++) {
            const ting_spoken *from = &all[line->origins[k].input];
            const int said = line->said != NULL ? line->said[k] : TING_PINYIN_NONE;
            if (line->characters[k][0] != '\0') /* else it is part of the one before */
                out[l].places[out[l].count++] = (ting_spoken_place){
                    .from = from, .syllable = syllable_at(from, &line->origins[k], said), .character = line->characters[k],
                    .share = l == 0 && page->shares != NULL ? page->shares[k] : -1, .row = k};
        }
    }
out:
    return err;
}
