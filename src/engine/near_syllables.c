/* SPDX-License-Identifier: Apache-2.0 */
/* near_syllables.c - see near_syllables.h. */
#include "engine/near_syllables.h"

static const double most_loss = 5; /* beyond it no language model makes good what was not heard */

typedef struct token { /* one that may stand in a place, and what that costs */
    const ting_piece *piece;
    double loss;
} token;

/* The token itself, and its rivals of the same kind. */
static int list_tokens(const ting_piece *pieces, int piece_count, const ting_hit *hit, const ting_rival rivals[TING_RIVALS],
                       token out[1 + TING_RIVALS])
{
    int count = 0;
    out[count++] = (token){&pieces[hit->token], 0};
    for (int r = 0; r < TING_RIVALS; r++) {
        const int id = rivals[r].token;
        if (id >= 0 && id < piece_count && pieces[id].kind == out[0].piece->kind)
            out[count++] = (token){&pieces[id], hit->log_prob - rivals[r].log_prob};
    }
    return count;
}

static int join(const ting_piece *initial, const ting_piece *final)
{
    ting_repair repair;
    if (final->kind == TING_PIECE_SYLLABLE)
        return final->syllable;
    const int id = ting_pinyin_repair(initial != NULL ? initial->initial : TING_INITIAL_none, final->final, final->tone, &repair);
    return repair == TING_REPAIR_CONFUSION ? TING_PINYIN_NONE : id;
}

static int offer(ting_confusion_other *out, int count, ting_confusion_other fresh)
{
    int at = 0;
    while (at < count && out[at].symbol != fresh.symbol)
        at++;
    if (at < count && out[at].loss <= fresh.loss)
        return count;
    if (at == count && count == TING_NEAR_MOST && out[count - 1].loss <= fresh.loss)
        return count;
    if (at == count)
        at = count < TING_NEAR_MOST ? count++ : count - 1;
    for (; at > 0 && out[at - 1].loss > fresh.loss; at--)
        out[at] = out[at - 1];
    out[at] = fresh;
    return count;
}

int ting_near_syllables(const ting_piece *pieces, int piece_count, const ting_hit *hits, const ting_rival (*rivals)[TING_RIVALS],
                        const ting_syllable *syllable, int place, ting_confusion_other out[TING_NEAR_MOST])
{
    token finals[1 + TING_RIVALS], initials[1 + TING_RIVALS] = {{NULL, 0}};
    const int last = syllable->hits - 1;
    int count = 0, initial_count = 1;
    if (syllable->id == TING_PINYIN_NONE)
        return 0;
    const int final_count = list_tokens(pieces, piece_count, &hits[last], rivals[last], finals);
    if (last == 1)
        initial_count = list_tokens(pieces, piece_count, &hits[0], rivals[0], initials);
    for (int i = 0; i < initial_count; i++)
        for (int f = 0; f < final_count; f++) {
            const double loss = initials[i].loss + finals[f].loss;
            const int id = loss <= most_loss ? join(initials[i].piece, finals[f].piece) : TING_PINYIN_NONE;
            if (id != TING_PINYIN_NONE && id != syllable->id)
                count = offer(out, count, (ting_confusion_other){place, id, loss});
        }
    return count;
}
