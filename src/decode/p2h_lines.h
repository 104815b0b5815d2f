/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_lines.h - the best lines of hanzi from the characters that may stand at each place; the second half of p2h.h for one-to-one
 * networks.
 *
 *     with a language model:  one sequence: its places; several: a confusion network of their syllables (confusion.h), at each place the
 *                             characters of all syllables there; then the best lines for both (p2h_lm.h)
 *     without:                the best sums of the places of each sequence (best_sums.h), pooled
 */
#ifndef TING_DECODE_P2H_LINES_H
#define TING_DECODE_P2H_LINES_H

#include "decode/p2h.h"
#include "decode/p2h_place.h"

typedef struct ting_p2h_read { /* what the network says of one sequence */
    const ting_p2h_place *places;        /* [count of the sequence] */
    const ting_p2h_place *const *others; /* [other_count of the sequence] of each, at its place */
} ting_p2h_read;

/* read [input_count]. Everything lives in the arena of ctx, which a rescorer uses whole. Errors: memory, those of the rescorer. */
ting_err ting_p2h_lines_find(ting_ctx *ctx, const ting_p2h_options *options, const ting_p2h_input *inputs, int input_count,
                             const ting_p2h_read *read, ting_p2h_page *out);

#endif
