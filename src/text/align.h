/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align.h - the cheapest way to turn one sequence into another, and which way it is.
 *
 * Substitution, deletion and insertion cost 1 each (Levenshtein 1966), so the number of errors is the edit
 * distance. Among the ways with the fewest errors the one is taken whose substitutions sound most alike
 * (sum of ting_pinyin_distance, where both sounds are known); of what is left, backtracking from the end takes
 * match or substitution before deletion before insertion. The result is a function of the input alone.
 *
 * Pairs of more than 2048 x 2048 units are split in the middle (Hirschberg 1975), so memory stays linear;
 * there the last rule holds piece by piece.
 */
#ifndef TING_TEXT_ALIGN_H
#define TING_TEXT_ALIGN_H

#include "base/err.h"

#include <stddef.h>

typedef enum ting_edit_kind {
    TING_EDIT_MATCH,
    TING_EDIT_SUBSTITUTE,
    TING_EDIT_DELETE,
    TING_EDIT_INSERT
} ting_edit_kind;

typedef struct ting_edit {
    ting_edit_kind kind;
    int ref; /* index, -1 for an insertion */
    int hyp; /* index, -1 for a deletion */
} ting_edit;

typedef struct ting_sequence {
    const int *units;  /* [count], equal numbers are equal units */
    const int *sounds; /* [count] syllable ids or TING_PINYIN_NONE, or NULL: unknown */
    int count;
} ting_sequence;

typedef struct ting_alignment { /* start with {0}; reused by every call; free with ting_alignment_free */
    ting_edit *edits;           /* [count], from first to last */
    int count;
    int matches, substitutions, deletions, insertions;
    int room;
    void *work; /* private */
    size_t work_bytes;
} ting_alignment;

/* Errors: memory; argument (over 2^28 units). */
ting_err ting_align(ting_sequence ref, ting_sequence hyp, ting_alignment *out);
void ting_alignment_free(ting_alignment *alignment);

#endif
