/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_syllables.h - what was nearly heard instead of each syllable: the same tokens, but one or two of them swapped for the rivals
 * that the search saw in their places (decode/decoded.h).
 *
 *     zh (z -1.9) ōng (òng -0.7, ēn -3.1)   ->   zhong4 -0.7, zong1 -1.9, zong4 -2.6, zhen1 -3.1
 */
#ifndef TING_ENGINE_NEAR_SYLLABLES_H
#define TING_ENGINE_NEAR_SYLLABLES_H

#include "decode/confusion.h"
#include "decode/decoded.h"
#include "text/syllable.h"

enum { TING_NEAR_MOST = 6 }; /* for each syllable */

/* Others of syllable `place`, made of hits[0] or hits[0] and hits[1] with rivals[] likewise; the likeliest first, to out[]. Their
 * symbols are ids of text/pinyin.h. Returns how many there are. */
int ting_near_syllables(const ting_piece *pieces, int piece_count, const ting_hit *hits, const ting_rival (*rivals)[TING_RIVALS],
                        const ting_syllable *syllable, int place, ting_confusion_other out[TING_NEAR_MOST]);

#endif
