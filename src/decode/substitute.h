/* SPDX-License-Identifier: Apache-2.0 */
/*
 * substitute.h - what else may have been said at one place of an alignment, its neighbours staying where they are: the
 * log-probability of each of many ways to say it, summed over all alignments of its tokens with the rows between the neighbours.
 *
 *     row             4      5    6    7    8    9
 *     alignment      ōng    ..   g    uó   ..   r      first 5, end 9; before: zh ōng, after: r
 *     asked                 g uó | k uó | g uò | (nothing) ...
 *
 * The likeliest row alone would do a token injustice that is spread over several rows; all of them are what "segmentation-free"
 * goodness of pronunciation sums over (Cao et al. 2024), here within the window that the alignment leaves.
 *
 *     transducer   a token or blank in each row; the predictor sees what was said before, and each way's own first token
 *     CTC head     the token before may last into the window, the one behind may begin in it
 */
#ifndef TING_DECODE_SUBSTITUTE_H
#define TING_DECODE_SUBSTITUTE_H

#include "decode/align_graph.h"
#include "model/am_net.h"

typedef struct ting_window {
    int first, end;                          /* rows first .. end - 1 */
    int before[TING_TRANSDUCER_MAX_CONTEXT]; /* the predictor's context when they begin, the newest last; CTC: [0] alone, -1: none */
    int after;                               /* token that is said in row `end`; -1: none. The CTC head wants to know */
} ting_window;

typedef enum ting_substitute_kind {
    TING_SUBSTITUTE_EXACT,
    /* Of a transducer: not less than the log-probability, as if blank cost nothing behind the last token. The predictor is asked for
     * first tokens only, a fiftieth of the work. Of CTC the same as EXACT */
    TING_SUBSTITUTE_BOUND
} ting_substitute_kind;

/* rows [T, dim] of the encoder; paths [count], all different, each of 0 to 2 tokens -> log_probs [count]. ctc: the CTC head is asked,
 * else the transducer. The arena is rewound. Errors: numeric, memory. */
ting_err ting_substitute(ting_ctx *ctx, const ting_am_net *net, bool ctc, ting_tensor rows, const ting_window *window,
                         const ting_align_path *paths, int count, ting_substitute_kind kind, double *log_probs);

#endif
