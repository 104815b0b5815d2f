/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_lm.c - see p2h_lm.h. */
#include "decode/p2h_lm.h"

#include "base/rng.h"

#include <string.h>

typedef struct beginning { /* of a line, up to a place */
    ting_ngram_state state;
    double score;
    uint64_t hash;      /* of its characters */
    int before, choice; /* the beginning that it goes on from, at the place before, and with what */
} beginning;

typedef struct step { /* one that may be made */
    double score;
    uint64_t hash;
    int before, choice;
} step;

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
        return ting_ngram_score(lm->ngram, from, lm->word[character], after);
    *after = *from;
    return 0;
}

/* The best beginnings one place on. Returns how many. */
static int go_on(const ting_p2h_lm *lm, const ting_p2h_place *place, const beginning *from, int from_count, step *best, beginning *to)
{
    int count = 0;
    ting_ngram_state after;
    for (int b = 0; b < from_count; b++)
        for (int i = 0; i < place->count; i++) {
            const double most = from[b].score + place->log_probs[i]; /* the language model takes away, never adds */
            if (count == lm->beam && best[count - 1].score >= most)
                break; /* the characters behind are no better */
            const int character = place->characters[i];
            const double score = most + lm->weight * say(lm, &from[b].state, character, &after);
            const uint64_t hash = character == TING_P2H_NOTHING ? from[b].hash : ting_rng_at(from[b].hash, (uint64_t)character);
            count = keep_best(best, count, lm->beam, (step){score, hash, b, i});
        }
    for (int k = 0; k < count; k++) {
        const step *s = &best[k];
        to[k] = (beginning){.score = s->score, .hash = s->hash, .before = s->before, .choice = s->choice};
        say(lm, &from[s->before].state, place->characters[s->choice], &to[k].state);
    }
    return count;
}

ting_err ting_p2h_lm_search(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length, int nbest,
                            int *choices, double *scores, int *count)
{
    const size_t beam = (size_t)lm->beam;
    beginning *all = ting_arena_take(arena, ((size_t)length + 1) * beam * sizeof *all);
    step *best = ting_arena_take(arena, beam * sizeof *best);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    int alive = 1;
    all[0] = (beginning){.state = ting_ngram_begin(lm->ngram)};
    for (int t = 0; t < length; t++)
        alive = go_on(lm, &places[t], all + (size_t)t * beam, alive, best, all + ((size_t)t + 1) * beam);
    const beginning *last = all + (size_t)length * beam;
    int kept = 0;
    const int room = nbest < lm->beam ? nbest : lm->beam;
    for (int b = 0; b < alive; b++) {
        ting_ngram_state after;
        const double end = lm->weight * ting_ngram_score(lm->ngram, &last[b].state, TING_NGRAM_END, &after);
        kept = keep_best(best, kept, room, (step){last[b].score + end, last[b].hash, b, 0});
    }
    for (int k = 0; k < kept; k++) {
        scores[k] = best[k].score;
        for (int t = length, b = best[k].before; t > 0; t--) {
            const beginning *at = &all[(size_t)t * beam + (size_t)b];
            choices[k * length + t - 1] = at->choice;
            b = at->before;
        }
    }
    *count = kept;
    return TING_OK;
}
