/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypotheses.h - what a beam search of a transducer keeps between encoder rows, and its step from row to row: the part
 * that searching for text (transducer_beam.h) and for keywords (keywords.h) share. What favours a token beside the network
 * is added here and nowhere else.
 *
 *     TRY(ting_hypotheses_open((ting_expansion){.model = model, .beam = 8}, TING_AIM_TEXT, &h));
 *     TRY(ting_hypotheses_accept(&h, ctx, rows, NULL, NULL));
 *     ting_hypotheses_order(&h, best_first);
 *
 * Two hypotheses have the same tokens when the 64-bit hashes of their tokens and their lengths agree; they become one
 * whose probability is the sum.
 */
#ifndef TING_DECODE_HYPOTHESES_H
#define TING_DECODE_HYPOTHESES_H

#include "decode/context_graph.h"
#include "decode/expand.h"
#include "decode/fusion.h"
#include "decode/trace.h"

#include <stdint.h>

typedef enum ting_aim {
    /* All that is said. A phrase of the graph is paid once; of hypotheses that become one, the emissions of the likelier
     * alignment are kept. */
    TING_AIM_TEXT,
    /* Phrases of the graph only, as the reference spots keywords. A hypothesis that leaves all of them forgets its tokens:
     * its predictor begins anew, and it is only told from others by how many tokens it has emitted. A phrase is paid as
     * often as it matches; of hypotheses that become one, the emissions of the first are kept. */
    TING_AIM_KEYWORDS
} ting_aim;

typedef struct ting_beam_hypothesis {
    double log_prob;                          /* with what the graph and the fusion gave */
    double likelier;                          /* of the alignment whose emissions are kept */
    uint64_t hash;                            /* of the tokens since the start */
    int length;                               /* number of tokens since the start */
    int trace;                                /* its last emission, or -1 */
    int state;                                /* of the graph */
    int blanks;                               /* rows since the last token */
    int place;                                /* of the fuser; in the row of a token that of the tokens before it */
    int added;                                /* that token, in that row; else -1 */
    int context[TING_TRANSDUCER_MAX_CONTEXT]; /* of the predictor */
} ting_beam_hypothesis;

typedef struct ting_hypotheses {
    ting_expansion step;
    ting_aim aim;
    const ting_context_graph *graph; /* borrowed until close; NULL: none. The caller sets both before the first row */
    ting_fuser *fuser;               /* likewise, for as many sequences as the beam holds; with TING_AIM_TEXT only */
    ting_beam_hypothesis items[TING_BEAM_MOST];
    int count;
    ting_trace trace;
    long rows; /* taken so far */
} ting_hypotheses;

/* step: its cache is made here; a beam of 0 means 4, a temperature of 0 means 1. Begins with the empty hypothesis; free
 * what it holds with ting_hypotheses_close, also after an error. Errors: argument (beam not 1 to TING_BEAM_MOST, numbers
 * that are not finite), memory. */
ting_err ting_hypotheses_open(ting_expansion step, ting_aim aim, ting_hypotheses *out);
void ting_hypotheses_close(ting_hypotheses *h);

/* The empty hypothesis alone; rows are counted on. */
void ting_hypotheses_start(ting_hypotheses *h);

/* rows [n, encoder_dim], one after the other; after each, `row_done` (NULL: none) may look and start anew; its error stops.
 * The arena is rewound. Errors: memory, numeric. */
ting_err ting_hypotheses_accept(ting_hypotheses *h, ting_ctx *ctx, ting_tensor rows, ting_err (*row_done)(void *self),
                                void *self);

/* Log-probability of a hypothesis, `ended`: with what the fusion says of the end of the sentence. */
double ting_hypotheses_score(const ting_hypotheses *h, int index, bool ended);

/* Indices of the hypotheses, best first by that score per token, the first context counted in, as the reference
 * ranks them; with TING_AIM_TEXT, unfinished phrases give back what they earned. Ties: the earlier. */
void ting_hypotheses_order(const ting_hypotheses *h, bool ended, int out[TING_BEAM_MOST]);

#endif
