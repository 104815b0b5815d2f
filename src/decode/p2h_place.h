/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_place.h - the characters that may stand at one place of a line, best first. */
#ifndef TING_DECODE_P2H_PLACE_H
#define TING_DECODE_P2H_PLACE_H

#include <stddef.h>

enum {
    TING_P2H_NOTHING = -1, /* the place stays empty */
    TING_P2H_FOREIGN = -2, /* part of a hotword that is no character of the network's */
};

typedef struct ting_p2h_origin { /* what a character was read from: syllable `place` of sequence `input` */
    int input, place;
    int other;         /* or that of its others instead; -1: the syllable itself */
    int hotword, part; /* of which hotword it is, counted from 1, and which of its syllables; 0: of none */
    double loss;       /* log-probability that the hotword's syllable loses against that one */
} ting_p2h_origin;

typedef struct ting_p2h_place {
    int count, room;
    int *characters;          /* [room] all different; or TING_P2H_NOTHING */
    double *log_probs;        /* [room] falling */
    ting_p2h_origin *origins; /* [room]; NULL: nobody asks */
} ting_p2h_place;

/* Puts a character among the best `room`; of one that is there already the better stays, of equally good ones the earlier. */
static inline void ting_p2h_place_offer(ting_p2h_place *p, int character, double log_prob, ting_p2h_origin origin)
{
    if (p->count == p->room && (p->room == 0 || p->log_probs[p->room - 1] >= log_prob))
        return;
    int at = 0;
    while (at < p->count && p->characters[at] != character)
        at++;
    if (at < p->count && p->log_probs[at] >= log_prob)
        return;
    if (at == p->count)
        at = p->count < p->room ? p->count++ : p->room - 1;
    for (; at > 0 && p->log_probs[at - 1] < log_prob; at--) {
        p->characters[at] = p->characters[at - 1];
        p->log_probs[at] = p->log_probs[at - 1];
        if (p->origins != NULL)
            p->origins[at] = p->origins[at - 1];
    }
    p->characters[at] = character;
    p->log_probs[at] = log_prob;
    if (p->origins != NULL)
        p->origins[at] = origin;
}

#endif
