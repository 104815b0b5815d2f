/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_score.h - compares two files of utterances: character or syllable error rate, alignments, errors by kind.
 *
 * The files are manifests, TSV or Kaldi text (text/transcript.h), each in any of the forms. An utterance of
 * the hypothesis belongs to the one of the reference with its id, else its path, else its file name
 * without extension. References without a hypothesis count as deleted whole, so that a recogniser that
 * fails is not rewarded; hypotheses without a reference do not count. Of several with one id, on either side, the first
 * counts. All of these are reported. With `calibration`, an utterance whose confidences are not as many as its units is left out of
 * that, and reported.
 */
#ifndef TING_ENGINE_TOOL_SCORE_H
#define TING_ENGINE_TOOL_SCORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum ting_tool_unit {
    TING_TOOL_UNIT_AUTO, /* syllables if one of the files (or the column chosen) holds pinyin, else characters */
    TING_TOOL_UNIT_CHARACTER,
    TING_TOOL_UNIT_SYLLABLE /* hanzi are read with their pinyin column or the lexicon */
} ting_tool_unit;

typedef struct ting_tool_score_options {
    const char *ref_column, *hyp_column; /* of a manifest; NULL: text, or pinyin where there is no text */
    ting_tool_unit unit;
    bool letters;      /* Latin counts by letters; else by words */
    bool punctuation;  /* punctuation and spaces count */
    bool present_only; /* references without a hypothesis do not count */
    bool align;        /* every utterance with its alignment */
    bool calibration;  /* also how far the confidences of the hypothesis can be trusted: one for each of its units (text/calibration.h) */
    int confusions;    /* so many of the most frequent confusions */
    bool json;
    const char *lexicon; /* folder; NULL: the usual places, and no kinds of errors if they have none */
} ting_tool_score_options;

typedef struct ting_tool_score_result {
    double rate; /* errors per unit of the reference */
    long utterances, missing, extra, duplicates;
    const char *unit; /* "character" or "syllable"; static */
} ting_tool_score_result;

/* Reads both files ("-": standard input, one of them) and writes the report. `say` (may be NULL) gets one
 * remark for each utterance that is missing, extra, ambiguous or there twice (the first ten). Errors: io; format (also no
 * utterance in a file, none in common, or a reference without a single unit); argument (a column that is not there, standard
 * input for both); memory. Nothing was written then. */
ting_err ting_tool_score(const ting_tool_score_options *options, const char *ref, const char *hyp,
                         void (*say)(void *self, const char *sentence), void *self, FILE *out,
                         ting_tool_score_result *result);

#endif
