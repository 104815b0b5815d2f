/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keywords.h - keyword spotting with a transducer (icefall beam_search.py keywords_search, sherpa-onnx): modified beam
 * search that favours the tokens of the keywords; a keyword is reported when the best hypothesis ends in it, enough
 * blanks follow, and the mean probability of its tokens reaches its threshold.
 *
 *     TRY(ting_keywords_read(path, tokens, token_count, &defaults, &list));
 *     TRY(ting_spotter_new(model, &list, &(ting_spotter_options){0}, &spotter));
 *     TRY(ting_spotter_accept(spotter, ctx, rows));
 *     for (i = 0; i < ting_spotter_count(spotter); i++) ... ting_spotter_at(spotter, i) ...
 *
 * A keyword file has a keyword a line: its tokens separated by spaces, then, in any order,
 *     :1.5    the boost of each of its tokens
 *     #0.35   its threshold
 *     @name   what is reported (default: the tokens); underscores stand for spaces
 * Empty lines are passed over.
 */
#ifndef TING_DECODE_KEYWORDS_H
#define TING_DECODE_KEYWORDS_H

#include "decode/decoded.h"
#include "model/transducer.h"

#include <stddef.h>

typedef struct ting_keyword {
    char *name;
    int *tokens; /* [count] */
    int count;
    double boost;     /* added to the log-probability of each token */
    double threshold; /* least mean probability of its tokens */
} ting_keyword;

typedef struct ting_keywords { /* owned; start with {0}, free with ting_keywords_free */
    ting_keyword *items;
    int count;
    size_t room;
} ting_keywords;

void ting_keywords_free(ting_keywords *list);

/* What lines leave out. */
typedef struct ting_keyword_defaults {
    double boost, threshold;
} ting_keyword_defaults;

/* tokens [token_count]: the model's, by id. Errors: io, format (with the line: a token the model does not have, a number
 * that is none), memory. */
ting_err ting_keywords_read(const char *path, const char *const *tokens, size_t token_count,
                            const ting_keyword_defaults *defaults, ting_keywords *out);
ting_err ting_keywords_parse(const char *label, const char *text, size_t size,
                             const char *const *tokens, size_t token_count,
                             const ting_keyword_defaults *defaults, ting_keywords *out);

/* ---- the search ---- */

typedef struct ting_spotter_options {
    int beam;             /* 0 means 4 */
    int trailing_blanks;  /* more rows of blank than this must follow; 0 means 1, -1 means 0 */
    double blank_penalty; /* subtracted from the logit of blank */
} ting_spotter_options;

typedef struct ting_spotted {
    int keyword;                    /* index in the list */
    double probability;             /* mean over its tokens */
    const ting_emission *emissions; /* [count] of its tokens */
    int count;
} ting_spotted;

typedef struct ting_spotter ting_spotter;

/* Returns owned in *out, free with ting_spotter_free; borrows model and list. Errors: argument, memory. */
ting_err ting_spotter_new(const ting_transducer *model, const ting_keywords *list,
                          const ting_spotter_options *options, ting_spotter **out);
void ting_spotter_free(ting_spotter *spotter);
void ting_spotter_reset(ting_spotter *spotter); /* a new stream */

/* rows [n, encoder_dim]; found keywords are added to the list. Errors: memory, numeric. */
ting_err ting_spotter_accept(ting_spotter *spotter, ting_ctx *ctx, ting_tensor rows);

/* At the end of the sound: a keyword that ends there needs no blanks. Errors: memory. */
ting_err ting_spotter_finish(ting_spotter *spotter);

/* Found since the last clear; what at gives borrows until the next accept, finish or clear. */
int ting_spotter_count(const ting_spotter *spotter);
ting_spotted ting_spotter_at(const ting_spotter *spotter, int index);
void ting_spotter_clear(ting_spotter *spotter);

#endif
