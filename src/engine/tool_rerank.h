/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_rerank.h - the best line of each utterance's list, with a language model's word in it (tool: see docs/LAYERS.md).
 *
 *     score = sum of weight_i score_i + lm_weight log p(text) + bonus x characters
 */
#ifndef TING_ENGINE_TOOL_RERANK_H
#define TING_ENGINE_TOOL_RERANK_H

#include "base/err.h"
#include "tingxie.h"

#include <stdbool.h>
#include <stdio.h>

enum { TING_RERANK_SCORES = 8 };

typedef struct ting_rerank_weights {
    double lm, bonus;
    double other[TING_RERANK_SCORES]; /* of the scores of a line, in order */
} ting_rerank_weights;

typedef struct ting_rerank_text { /* a file's bytes and what messages call it */
    const char *name, *bytes;
    size_t size;
} ting_rerank_text;

typedef struct ting_rerank_options {
    ting_rerank_text list;         /* engine/nbest_text.h */
    ting_rerank_weights weights;   /* to rank with, or to look for better ones from */
    int given;                     /* > 0: so many of weights.other are meant, which must be as many as the lines have scores */
    const ting_rerank_text *tune;  /* what was said, a line an utterance (text/transcript.h): weights with the fewest errors are taken; the
                                      given ones where none has fewer, else of equally good ones the smallest. NULL: the given weights */
    bool all;                      /* every line, best first; else the best */
    void (*progress)(void *self, size_t done, size_t lines); /* NULL: none */
    int (*stop)(void *self);       /* asked after each line; 1: TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_rerank_options;

typedef struct ting_rerank_report {
    size_t utterances, lines;
    size_t words, unknown;       /* that the model cuts the lines into; those of them that it does not know */
    int scores;                  /* that the lines have */
    ting_rerank_weights weights; /* taken */
    long units, first, before, after, least; /* with tune: characters of what was said; errors of the first lines as they stand, with the
                                                given weights, with those taken, of the best lines that there are */
} ting_rerank_report;

/* Writes a line for each utterance, or all: utterance, text, score. Errors: format (also: nothing in common with what was said, or
 * no text in that), argument (other than `given` scores), memory, cancelled. */
ting_err ting_tool_rerank(const ting_lm *lm, const ting_rerank_options *options, ting_rerank_report *report, FILE *out);

#endif
