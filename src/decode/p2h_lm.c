/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_lm.c - see p2h_lm.h. */
#include "decode/p2h_lm.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

typedef struct beginning { /* of a line, up to a place */
    ting_ngram_state state;
    double score;
    uint64_t hash;      /* of its characters */
    int before, choice; /* the beginning that it goes on from, and with what: of the place before, or -1 - a match's number */
} beginning;

typedef struct step { /* one that may be made */
    double score;
    uint64_t hash;
    int before, choice;
} step;

typedef struct search {
    const ting_p2h_lm *lm;
    const ting_p2h_place *places;
    const ting_hotwords *hotwords;
    const ting_hotword_matches *matches;
    int next_match;  /* the first that ends behind the place at hand */
    beginning *all;  /* [length + 1, beam] */
    int *alive;      /* [length + 1] */
    step *best;      /* [beam] */
} search;

/* Puts a step into the best `room` ones, which stand in falling order; of equal ones the earlier stays, of two ways to the same line
 * the better. */
static int keep_best(step *best, int count, int room, step s)
{
    if (count == room && best[room - 1].score >= s.score)
        return count;
    int at = 0;
    while (at < count && best[at].hash != s.hash)
        at++;
    if (at < count && best[at].score >= s.score)
        return count;
    if (at == count)
        at = count < room ? count++ : room - 1;
    for (; at > 0 && best[at - 1].score < s.score; at--)
        best[at] = best[at - 1];
    best[at] = s;
    return count;
}

/* log p of the place's character behind a beginning, and the state behind it; nothing says nothing. */
static double say(const ting_p2h_lm *lm, const ting_ngram_state *from, int character, ting_ngram_state *after)
{
    if (character != TING_P2H_NOTHING)
        return ting_ngram_score(lm->ngram, from, lm->word[character], after) +
               (lm->word[character] == TING_NGRAM_UNKNOWN ? lm->unknown : 0);
    *after = *from;
    return 0;
}

static uint64_t hash_with(uint64_t hash, int character)
{
    return character == TING_P2H_NOTHING ? hash : ting_rng_at(hash, (uint64_t)character);
}

static int add_characters(const search *s, int t, int count)
{
    const ting_p2h_lm *lm = s->lm;
    const ting_p2h_place *place = &s->places[t];
    const beginning *from = s->all + (size_t)t * (size_t)lm->beam;
    ting_ngram_state after;
    for (int b = 0; b < s->alive[t]; b++)
        for (int i = 0; i < place->count; i++) {
            const double most = from[b].score + place->log_probs[i]; /* the language model takes away, never adds */
            if (count == lm->beam && s->best[count - 1].score >= most)
                break; /* the characters behind are no better */
            const int character = place->characters[i];
            const double score = most + lm->weight * say(lm, &from[b].state, character, &after);
            count = keep_best(s->best, count, lm->beam, (step){score, hash_with(from[b].hash, character), b, i});
        }
    return count;
}

/* The state, the hash and what the language model says when a match is written behind a beginning. */
static double say_match(const search *s, const ting_hotword_match *match, const beginning *from, ting_ngram_state *state, uint64_t *hash)
{
    const ting_hotword *word = ting_hotwords_at(s->hotwords, match->number);
    double log_prob = 0;
    *state = from->state;
    *hash = from->hash;
    for (int i = 0; i < word->count; i++) {
        const int character = word->characters[i];
        if (character == TING_P2H_FOREIGN)
            log_prob += ting_ngram_score(s->lm->ngram, state, TING_NGRAM_UNKNOWN, state);
        else
            log_prob += say(s->lm, state, character, state);
        *hash = character == TING_P2H_FOREIGN ? ting_rng_at(ting_rng_at(*hash, 1ull << 32 | (uint64_t)match->number), (uint64_t)i)
                                              : hash_with(*hash, character);
    }
    return log_prob;
}

/* Hotwords that end with place t. */
static int add_matches(search *s, int t, int count)
{
    for (; s->matches != NULL && s->next_match < s->matches->count && s->matches->items[s->next_match].end == t + 1; s->next_match++) {
        const ting_hotword_match *match = &s->matches->items[s->next_match];
        const beginning *from = s->all + (size_t)match->first * (size_t)s->lm->beam;
        for (int b = 0; b < s->alive[match->first]; b++) {
            ting_ngram_state state;
            uint64_t hash;
            const double most = from[b].score + match->score;
            if (count == s->lm->beam && s->best[count - 1].score >= most)
                continue;
            const double said = fmax(say_match(s, match, &from[b], &state, &hash), ting_hotwords_at(s->hotwords, match->number)->log_prob);
            const double score = most + s->lm->weight * said;
            count = keep_best(s->best, count, s->lm->beam, (step){score, hash, b, -1 - s->next_match});
        }
    }
    return count;
}

/* The best beginnings behind place t. */
static void go_on(search *s, int t)
{
    const size_t beam = (size_t)s->lm->beam;
    const int count = add_matches(s, t, add_characters(s, t, 0));
    beginning *to = s->all + ((size_t)t + 1) * beam;
    for (int k = 0; k < count; k++) {
        const step *made = &s->best[k];
        to[k] = (beginning){.score = made->score, .hash = made->hash, .before = made->before, .choice = made->choice};
        if (made->choice < 0) {
            const ting_hotword_match *match = &s->matches->items[-1 - made->choice];
            say_match(s, match, &s->all[(size_t)match->first * beam + (size_t)made->before], &to[k].state, &to[k].hash);
        } else {
            say(s->lm, &s->all[(size_t)t * beam + (size_t)made->before].state, s->places[t].characters[made->choice], &to[k].state);
        }
    }
    s->alive[t + 1] = count;
}

/* The choices of a line from its last beginning back. */
static void trace(const search *s, int length, int last, int *choices)
{
    for (int t = length, b = last; t > 0;) {
        const beginning *at = &s->all[(size_t)t * (size_t)s->lm->beam + (size_t)b];
        t = at->choice < 0 ? s->matches->items[-1 - at->choice].first : t - 1;
        choices[t] = at->choice;
        b = at->before;
    }
}

static ting_err search_all(search *s, ting_arena *arena, int length)
{
    const size_t beam = (size_t)s->lm->beam;
    s->all = ting_arena_take(arena, ((size_t)length + 1) * beam * sizeof *s->all);
    s->alive = ting_arena_take(arena, ((size_t)length + 1) * sizeof *s->alive);
    s->best = ting_arena_take(arena, beam * sizeof *s->best);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    s->alive[0] = 1;
    s->all[0] = (beginning){.state = ting_ngram_begin(s->lm->ngram)};
    for (int t = 0; t < length; t++)
        go_on(s, t);
    return TING_OK;
}

ting_err ting_p2h_lm_search(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length,
                            const ting_hotwords *hotwords, const ting_hotword_matches *matches, int nbest, int *choices,
                            double *scores, int *count)
{
    ting_p2h_lm wide = *lm;
    wide.beam = lm->beam > nbest ? lm->beam : nbest;
    const size_t beam = (size_t)wide.beam;
    search s = {.lm = &wide, .places = places, .hotwords = hotwords, .matches = matches};
    ting_err err = search_all(&s, arena, length);
    if (err != TING_OK)
        return err;
    const beginning *last = s.all + (size_t)length * beam;
    int kept = 0;
    for (int b = 0; b < s.alive[length]; b++) {
        ting_ngram_state after;
        const double end = lm->weight * ting_ngram_score(lm->ngram, &last[b].state, TING_NGRAM_END, &after);
        kept = keep_best(s.best, kept, nbest, (step){last[b].score + end, last[b].hash, b, 0});
    }
    for (int k = 0; k < kept; k++) {
        scores[k] = s.best[k].score;
        trace(&s, length, s.best[k].before, choices + (size_t)k * (size_t)length);
    }
    *count = kept;
    return TING_OK;
}

ting_err ting_p2h_lm_glance(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length, int reach,
                            bool *const *alive)
{
    search s = {.lm = lm, .places = places};
    ting_err err = search_all(&s, arena, length);
    if (err != TING_OK)
        return err;
    for (int end = 1; end <= length; end++)
        for (int k = 0; k < s.alive[end]; k++)
            for (int t = end, b = k; t > 0 && t >= end - reach; t--) {
                const beginning *at = &s.all[(size_t)t * (size_t)lm->beam + (size_t)b];
                if (t == end - reach || end == length)
                    alive[t - 1][at->choice] = true;
                b = at->before;
            }
    return TING_OK;
}
