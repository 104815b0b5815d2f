/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syllable.c - see syllable.h.
 *
 * The nearest existing syllable of an impossible pair is the one with the smallest cost over all pairs
 * (initial', final') that exist:
 *
 *     cost = 4 d(initial, initial') + 3 d(final, final') + 1 if dictionaries lack the tone
 *
 * where d is 0 for equal, 1 for a pair of the tables below, and no candidate otherwise. Changing the final
 * is cheaper: most impossible pairs are a final that lost or kept the glide that its initial swallows
 * (j an for jian, zh iang for zhang). Ties go to the lower id. Both parts may change.
 *
 * These tables are not those of data/p2h_confuse.c. Here a pair says what a spelling that cannot be may stand for, so it
 * reaches as far as such spellings do (y for an initial that is none, v for u); there it says which of two syllables that
 * both exist is heard for the other (ian for ie). Either table in the other's place would change repairs, or training.
 */
#include "text/syllable.h"

#include "base/mem.h"

/* Pairs that Mandarin recognisers and accents confuse: place (zh z j), breath (b p), n and l, h and f. */
static const unsigned char initial_confusions[][2] = {
#define I(a, b) {TING_INITIAL_##a, TING_INITIAL_##b}
    I(zh, z), I(ch, c), I(sh, s), I(zh, j), I(ch, q), I(sh, x), I(z, j), I(c, q), I(s, x),
    I(zh, ch), I(z, c), I(j, q), I(sh, ch), I(s, c), I(x, q), I(b, p), I(d, t), I(g, k), I(k, h),
    I(g, j), I(k, q), I(h, x), I(n, l), I(n, m), I(r, l), I(r, y), I(r, zh), I(h, f), I(b, d), I(p, t),
    I(d, g), I(t, k), I(m, b), I(y, w), I(none, y), I(none, w), I(w, h), I(w, m), I(y, j), I(y, x)
#undef I
};

/* Pairs that differ by glide, by final nasal, or by a near vowel. */
static const unsigned char final_confusions[][2] = {
#define F(a, b) {TING_FINAL_##a, TING_FINAL_##b}
    F(an, ang), F(en, eng), F(in, ing), F(ian, iang), F(uan, uang), F(un, ong), F(ing, eng), F(in, en),
    F(ia, a), F(ian, an), F(iang, ang), F(iao, ao), F(ie, e), F(ie, ei), F(iu, ou), F(iong, ong), F(iu, u),
    F(ua, a), F(uai, ai), F(uan, an), F(uang, ang), F(ui, ei), F(un, en), F(uo, o), F(uo, ou), F(uo, u),
    F(ong, eng), F(ong, ou), F(u, v), F(uan, van), F(ue, ve), F(un, vn), F(ue, ie), F(un, in), F(u, i),
    F(uan, ian), F(iong, ing), F(van, ian), F(vn, in), F(v, i), F(e, uo), F(e, o), F(e, er), F(e, i), F(i, ei),
    F(o, ou), F(o, u), F(o, ao), F(a, e), F(ai, ei), F(ao, ou), F(an, en), F(ang, eng), F(eh, e), F(eh, ei),
    F(ui, i), F(ui, u), F(m, en), F(n, en), F(ng, en), F(ng, eng)
#undef F
};

enum { INITIAL_COST = 4, FINAL_COST = 3, TONE_COST = 1, FAR = 100 };

static int distance(const unsigned char (*pairs)[2], size_t count, int a, int b)
{
    if (a == b)
        return 0;
    for (size_t i = 0; i < count; i++)
        if ((pairs[i][0] == a && pairs[i][1] == b) || (pairs[i][0] == b && pairs[i][1] == a))
            return 1;
    return FAR;
}

static int nearest(ting_initial initial, ting_final final, int tone)
{
    int best = TING_PINYIN_NONE, best_cost = FAR;
    for (int base = 0; base < TING_PINYIN_BASES; base++) {
        int id = ting_pinyin_id(base, tone);
        int cost = INITIAL_COST * distance(initial_confusions, sizeof initial_confusions / 2, (int)initial,
                                           (int)ting_pinyin_initial(id)) +
                   FINAL_COST * distance(final_confusions, sizeof final_confusions / 2, (int)final,
                                         (int)ting_pinyin_final(id)) +
                   TONE_COST * (ting_pinyin_usage(id) == TING_PINYIN_UNUSED);
        if (cost < best_cost) {
            best = id;
            best_cost = cost;
        }
    }
    return best;
}

static const unsigned short standalone_base[TING_FINAL_COUNT] = {
#define TING_FINAL(name, spelling, standalone) [TING_FINAL_##name] = TING_BASE_##standalone,
#include "text/parts.def"
#undef TING_FINAL
};

int ting_pinyin_repair(ting_initial initial, ting_final final, int tone, ting_repair *repair)
{
    int id = ting_pinyin_join(initial, final, tone);
    *repair = TING_REPAIR_NONE;
    if (id != TING_PINYIN_NONE)
        return id;
    *repair = TING_REPAIR_DROPPED;
    if (final == TING_FINAL_none || tone < 1 || tone > TING_PINYIN_TONES)
        return TING_PINYIN_NONE;
    if (initial == TING_INITIAL_none) {
        *repair = TING_REPAIR_SPELLING;
        return ting_pinyin_id(standalone_base[final], tone);
    }
    id = nearest(initial, final, tone);
    if (id != TING_PINYIN_NONE)
        *repair = TING_REPAIR_CONFUSION;
    return id;
}

/* ---- tokens ---- */

void ting_merger_start(ting_merger *merger, const ting_piece *parts, int part_count)
{
    *merger = (ting_merger){.parts = parts, .part_count = part_count};
}

static ting_syllable single(const ting_hit *hit, long number)
{
    return (ting_syllable){.id = TING_PINYIN_NONE, .first_hit = number, .hits = 1, .token = hit->token,
                           .start = hit->start, .end = hit->end, .log_prob = hit->log_prob};
}

int ting_merger_finish(ting_merger *merger, ting_syllable out[1])
{
    if (!merger->waiting)
        return 0;
    merger->waiting = false;
    out[0] = single(&merger->initial, merger->hits - 1);
    out[0].repair = TING_REPAIR_DROPPED;
    return 1;
}

int ting_merger_feed(ting_merger *merger, const ting_hit *hit, ting_syllable out[2])
{
    static const ting_piece other = {.kind = TING_PIECE_OTHER, .syllable = TING_PINYIN_NONE};
    const ting_piece *part =
        hit->token >= 0 && hit->token < merger->part_count ? &merger->parts[hit->token] : &other;
    int count = 0;
    ting_syllable now = single(hit, merger->hits);
    if (part->kind == TING_PIECE_FINAL && merger->waiting) {
        const ting_hit *initial = &merger->initial;
        now.id = ting_pinyin_repair(merger->parts[initial->token].initial, part->final, part->tone, &now.repair);
        now.first_hit--;
        now.hits = 2;
        now.start = initial->start;
        now.log_prob += initial->log_prob;
        merger->waiting = false;
    } else {
        count = ting_merger_finish(merger, out);
        if (part->kind == TING_PIECE_FINAL)
            now.id = ting_pinyin_repair(TING_INITIAL_none, part->final, part->tone, &now.repair);
        else if (part->kind == TING_PIECE_SYLLABLE)
            now.id = part->syllable;
    }
    merger->hits++;
    if (part->kind == TING_PIECE_INITIAL) {
        merger->waiting = true;
        merger->initial = *hit;
        return count;
    }
    out[count] = now;
    return count + 1;
}

/* ---- lines ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* The word at or after `at`; length 0 at the end of the line. */
static ting_word next_word(const char *line, size_t length, size_t at)
{
    while (at < length && is_space(line[at]))
        at++;
    size_t end = at;
    while (end < length && !is_space(line[end]))
        end++;
    return (ting_word){.id = TING_PINYIN_NONE, .offset = at, .length = end - at};
}

static ting_err words_add(ting_words *words, ting_word word)
{
    ting_err err = ting_reserve(&words->items, (size_t)words->count, 1, &words->room, sizeof *words->items);
    if (err == TING_OK)
        words->items[words->count++] = word;
    return err;
}

ting_err ting_words_read(const char *line, size_t length, ting_words *out)
{
    ting_err err = TING_OK;
    out->count = 0;
    ting_word word = next_word(line, length, 0);
    while (word.length > 0) {
        ting_word next = next_word(line, length, word.offset + word.length);
        ting_piece part = ting_piece_read(line + word.offset, word.length);
        if (part.kind == TING_PIECE_INITIAL && next.length > 0) {
            ting_piece final = ting_piece_read(line + next.offset, next.length);
            int joined = final.kind == TING_PIECE_FINAL
                             ? ting_pinyin_join(part.initial, final.final, final.tone)
                             : TING_PINYIN_NONE;
            if (joined != TING_PINYIN_NONE) {
                word.id = joined;
                word.length = next.offset + next.length - word.offset;
                next = next_word(line, length, word.offset + word.length);
            }
        }
        if (word.id == TING_PINYIN_NONE)
            word.id = ting_pinyin_read(line + word.offset, word.length);
        TRY(words_add(out, word));
        word = next;
    }
out:
    return err;
}

void ting_words_free(ting_words *words)
{
    ting_free(words->items);
    *words = (ting_words){0};
}
