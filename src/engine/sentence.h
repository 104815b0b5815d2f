/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sentence.h - what the acoustic model heard of one sentence -> the sentence: syllables, characters with
 * times and confidence, hypotheses.
 *
 *     hits (tokens with times and scores), one list a hypothesis
 *       -> syllables (text/syllable.h)
 *       -> hanzi: the writer's lines for all of them together (hanzi.h); or numbered pinyin, ranked as they were heard
 */
#ifndef TING_ENGINE_SENTENCE_H
#define TING_ENGINE_SENTENCE_H

#include "decode/decoded.h"
#include "engine/hanzi.h"
#include "text/syllable.h"
#include "tingxie.h"

#include <stdbool.h>

typedef struct ting_heard { /* one acoustic hypothesis */
    const ting_hit *hits;
    int count;
    double score; /* log-probability */
    const ting_rival (*rivals)[TING_RIVALS]; /* [count] what was nearly heard instead of each; NULL: not known */
} ting_heard;

typedef struct ting_sentence_maker {
    const char *const *tokens;       /* [token_count] */
    const ting_piece *parts;         /* [token_count] */
    int token_count;
    const ting_hanzi_writer *writer; /* gives one character a syllable; NULL: text is numbered pinyin */
    bool spell;                      /* text is pinyin; the writer only helps to rank what was heard */
    double row_seconds;              /* least length of a character */
    double limit;                    /* length of the sound once it is known: no character ends later; 0: not known */
    int nbest, alternatives;
} ting_sentence_maker;

/* Makes a sentence of count >= 1 hypotheses, best first. *out lives in the arena; NULL when nothing was said
 * (no syllable, no other character). Errors: memory, those of the writer. */
ting_err ting_sentence_make(const ting_sentence_maker *maker, const ting_heard *heard, int count,
                            ting_arena *arena, const ting_sentence **out);

/* A keyword that was found, as a sentence: one character with the keyword's name and the time of its tokens,
 * `probability` as confidence. Errors: memory. */
ting_err ting_sentence_make_keyword(const ting_sentence_maker *maker, const ting_heard *heard, const char *name,
                                    double probability, ting_arena *arena, const ting_sentence **out);

/* Whether a token is written out: not "<blk>", "<unk>" and their like. */
bool ting_token_is_text(const char *token);

#endif
