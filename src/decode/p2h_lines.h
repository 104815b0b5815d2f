/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_lines.h - the best lines of hanzi from the characters that may stand at each place; the second half of p2h.h for one-to-one
 * networks.
 *
 *     with a language model:  the best lines for both (p2h_lm.h)
 *     without:                the best sums of the places (best_sums.h)
 */
#ifndef TING_DECODE_P2H_LINES_H
#define TING_DECODE_P2H_LINES_H

#include "decode/p2h.h"
#include "decode/p2h_place.h"

typedef struct ting_p2h_row { /* places to choose from, one after the other */
    const ting_p2h_place *places; /* [count] */
    int count;
    double heard;                 /* added to the score of each line */
    ting_confusion network;       /* that they were made of (p2h_join.h); count 0: of one sequence */
    ting_hotword_matches matches; /* in them */
} ting_p2h_row;

/* The lines of rows [count], count >= 1, pooled; the first `ranked` of them are a rescorer's to rank. Everything lives in the arena of
 * ctx, which a rescorer uses whole. Errors: memory, those of the rescorer. */
ting_err ting_p2h_lines_find(ting_ctx *ctx, const ting_p2h_options *options, const ting_p2h_row *rows, int count, int ranked,
                             ting_p2h_page *out);

#endif
