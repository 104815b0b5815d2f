/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_confuse.h - which syllables a recogniser mistakes for which: other tone, other initial, other final.
 *
 * Of the syllables that differ in one part alone, those whose part is a known neighbour (zh z, n l, in ing, ...)
 * are drawn three times in four. The neighbours are sounds heard for each other; text/syllable.c has tables of its own
 * for spellings that cannot be, and says why they differ.
 */
#ifndef TING_DATA_P2H_CONFUSE_H
#define TING_DATA_P2H_CONFUSE_H

#include "base/rng.h"
#include "model/p2h_tables.h"

typedef enum ting_confusion { TING_CONFUSE_TONE, TING_CONFUSE_INITIAL, TING_CONFUSE_FINAL } ting_confusion;

typedef struct ting_p2h_confuser ting_p2h_confuser;

/* Owned, free with ting_p2h_confuser_free; NULL when out of memory. Copies what it needs. */
ting_p2h_confuser *ting_p2h_confuser_new(const ting_p2h_tables *tables);
void ting_p2h_confuser_free(ting_p2h_confuser *confuser);

/* Another syllable id, or the same when none differs in that part alone. */
int ting_p2h_confuse(const ting_p2h_confuser *confuser, ting_confusion kind, int syllable, ting_rng *rng);

#endif
