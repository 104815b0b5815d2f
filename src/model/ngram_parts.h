/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_parts.h - what ngram.c (searching), ngram_make.c (from a table) and ngram_file.c share. */
#ifndef TING_MODEL_NGRAM_PARTS_H
#define TING_MODEL_NGRAM_PARTS_H

#include "model/ngram.h"

enum { TING_NGRAM_CODES = 256 };

typedef struct ting_ngram_codes { /* numbers as places in a list of values */
    const unsigned char *codes;   /* [count] */
    const float *values;          /* [value_count] */
    int value_count;
} ting_ngram_codes;

typedef struct ting_ngram_branch { /* all n-grams of an order of two and more */
    const unsigned char *words;    /* [count, width] */
    ting_ngram_codes prob, backoff;
    const int32_t *children; /* [count + 1]; NULL for the highest order, as is backoff */
    size_t count;
} ting_ngram_branch;

struct ting_ngram {
    int order, width; /* bytes a word */
    ting_texts words;
    const float *prob, *backoff; /* [words] of single words */
    const int32_t *children;     /* [words + 1]; NULL for order 1 */
    ting_ngram_branch branch[TING_NGRAM_MOST]; /* [1 .. order) */
    void *owned[8 * TING_NGRAM_MOST];          /* arrays of its own; none of a file */
    int owned_count;
};

static inline uint32_t ting_ngram_word(const ting_ngram_branch *branch, int width, size_t at)
{
    const unsigned char *bytes = branch->words + at * (size_t)width;
    uint32_t word = 0;
    for (int i = 0; i < width; i++)
        word |= (uint32_t)bytes[i] << 8 * i;
    return word;
}

#endif
