/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_report.h - scores as a table for people or one JSON object; utterances are written as they come.
 *
 * Alignments for people are three rows in columns: reference, hypothesis, and a mark:
 *     .  match            H  homophone    T  tone      I  initial    F  final
 *     S  other substitution               D  deletion  +  insertion
 */
#ifndef TING_ENGINE_SCORE_REPORT_H
#define TING_ENGINE_SCORE_REPORT_H

#include "engine/tool_score.h"
#include "text/calibration.h"
#include "text/score.h"

typedef struct ting_score_report { /* set the first four; free with ting_score_report_free */
    FILE *out;
    bool json;
    ting_scorer *scorer;
    const ting_calibration *calibration; /* NULL: not asked for */
    ting_str line[3]; /* private, like the rest */
    ting_str cell[3];
    long written;
} ting_score_report;

void ting_score_report_begin(ting_score_report *report);

/* Errors: memory. Write errors stay in the stream. */
ting_err ting_score_report_utterance(ting_score_report *report, ting_view id, bool missing, const ting_scored *scored);

/* The sums. with_kinds: substitutions were told apart by sound. */
ting_err ting_score_report_end(ting_score_report *report, const ting_tool_score_result *result, bool with_kinds,
                               int confusions);
void ting_score_report_free(ting_score_report *report);

#endif
