/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - how sentences and results are built; how they are read stands in tingxie.h.
 *
 * A sentence is laid out in an arena at once by ting_sentence_build and never changes. A result owns one
 * arena and copies of its sentences.
 */
#ifndef TING_ENGINE_RESULT_H
#define TING_ENGINE_RESULT_H

#include "base/arena.h"
#include "base/err.h"
#include "tingxie.h"

struct ting_sentence_parts {
    const ting_char *chars;             /* [char_count] */
    const ting_token *tokens;           /* [token_count] */
    const ting_hypothesis *hypotheses;  /* [hypothesis_count] */
    const ting_char *const *hypothesis_chars; /* [hypothesis_count][char_count of each] but for the first; NULL: there is one alone */
};

/* Copies everything that the sentence points to into the arena. NULL when the arena fails. */
const ting_sentence *ting_sentence_copy(ting_arena *arena, const ting_sentence *sentence);

/* A copy of the text in the arena; NULL when the arena fails. */
const char *ting_arena_text(ting_arena *arena, const char *text);

/* Returns an owned empty result, free with ting_result_free; NULL when out of memory. */
ting_result *ting_result_new(void);

/* Appends a copy. Sentences come in order of time. Errors: memory. */
ting_err ting_result_add(ting_result *result, const ting_sentence *sentence);
void ting_result_set_duration(ting_result *result, double seconds);
void ting_result_set_partial(ting_result *result);

#endif
