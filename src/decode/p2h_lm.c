/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_lm.c - see p2h_lm.h. */
#include "decode/p2h_lm.h"

#include <string.h>

typedef struct beginning { /* of a line, up to a place */
    ting_ngram_state state;
    double score;
    int before, character; /* the beginning that it goes on from, at the place before */
} beginning;

typedef struct step { /* one that may be made */
    double score;
    int before, choice;
} step;

/* Puts a step into the best `room` ones, which stand in falling order; of equal ones the earlier stays. */
static int keep_best(step *best, int count, int room, step s)
{
    if (count == room && best[room - 1].score >= s.score)
        return count;
    int at = count < room ? count++ : room - 1;
    for (; at > 0 && best[at - 1].score < s.score; at--)
        best[at] = best[at - 1];
    best[at] = s;
    return count;
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
                continue;
            const uint32_t word = lm->word[place->characters[i]];
            const double score = most + lm->weight * ting_ngram_score(lm->ngram, &from[b].state, word, &after);
            count = keep_best(best, count, lm->beam, (step){score, b, i});
        }
    for (int k = 0; k < count; k++) {
        const int character = place->characters[best[k].choice];
        to[k] = (beginning){.score = best[k].score, .before = best[k].before, .character = character};
        ting_ngram_score(lm->ngram, &from[best[k].before].state, lm->word[character], &to[k].state);
    }
    return count;
}

ting_err ting_p2h_lm_search(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length, int nbest,
                            int *characters, double *scores, int *count)
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
        kept = keep_best(best, kept, room, (step){last[b].score + end, b, 0});
    }
    for (int k = 0; k < kept; k++) {
        scores[k] = best[k].score;
        for (int t = length, b = best[k].before; t > 0; t--) {
            const beginning *at = &all[(size_t)t * beam + (size_t)b];
            characters[k * length + t - 1] = at->character;
            b = at->before;
        }
    }
    *count = kept;
    return TING_OK;
}
