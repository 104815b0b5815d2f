/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forced_align.h - forced alignment: encoder rows and what was said -> the row in which each token was said.
 *
 * Viterbi search over rows x nodes of the text's graph (align_graph.h):
 *
 *     CTC head     each node has two states, its token and the blank behind it; a token may last several rows, and between
 *                  two equal ones there is a blank (Graves 2006)
 *     transducer   a node's state gives blank, or one token of a node after it, in each row: the alignments that modified beam
 *                  search goes through. The predictor's row is that of the node's context
 *
 * States at either edge that are `beam` behind the best one are dropped, so that work and memory grow with the length of the sound and
 * not with its square; INFINITY drops none and is exact.
 */
#ifndef TING_DECODE_FORCED_ALIGN_H
#define TING_DECODE_FORCED_ALIGN_H

#include "decode/align_graph.h"
#include "decode/decoded.h"
#include "model/am_net.h"

typedef struct ting_forced_alignment { /* free with ting_forced_alignment_free */
    ting_emission *emissions; /* [count] in order, of CTC each in the likeliest row of its run; without rivals */
    int count;
    int *paths;               /* [places] which way each place was said */
    int *firsts;              /* [places] number of its first emission */
    double log_prob;          /* of the whole alignment */
} ting_forced_alignment;

typedef struct ting_forced_align_options {
    bool ctc;    /* the CTC head is asked, else the transducer; the network must have it */
    double beam; /* nats */
    ting_err (*go_on)(void *self); /* asked every few rows, its error stops the search; NULL: not asked */
    void *self;
} ting_forced_align_options;

/* rows [T, dim] of the encoder. Tokens must be outputs of the head, not blank. The arena is rewound. Errors: argument (fewer rows than
 * tokens), not found (no alignment within the beam), unsupported (too long: back pointers of more than 512 MiB), numeric, memory, that
 * of go_on. */
ting_err ting_forced_align(ting_ctx *ctx, const ting_am_net *net, const ting_forced_align_options *options, ting_tensor rows,
                           const ting_align_place *places, int count, ting_forced_alignment *out);
void ting_forced_alignment_free(ting_forced_alignment *alignment);

#endif
