/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align_text.h - a text as it is written -> what is to be found in the sound: its characters, and the tokens of their readings.
 *
 *     "调查中。" -> 调 {d iào}  查 {ch á}  中 {zh ōng | zh òng}
 *
 * Spaces and punctuation are left out (text/plain.h); a line break and each of 。！？；!?;… end a sentence. A character in a
 * phrase of the lexicon has the phrase's reading, another all its common ones. 一 and 不 may have the tones that they are spoken
 * with, and a third tone may be a second one before another third (sandhi). Of models whose tokens are characters each is its own token.
 * What has no token, such as Latin words and digits, is refused.
 */
#ifndef TING_ENGINE_ALIGN_TEXT_H
#define TING_ENGINE_ALIGN_TEXT_H

#include "decode/align_graph.h"
#include "engine/am.h"
#include "engine/hanzi.h"

#include <stdbool.h>

typedef struct ting_align_text { /* free with ting_align_text_free */
    ting_align_place *places;            /* [count] */
    char (*characters)[TING_HANZI_TEXT]; /* [count] */
    bool *ends;                          /* [count] the sentence ends behind it */
    int count;
    size_t place_room, character_room, end_room;
} ting_align_text;

/* Errors: argument (nothing that is spoken; what has no token or no reading, or is not UTF-8), not found (no lexicon), memory. */
ting_err ting_align_text_read(const ting_am *am, const char *text, ting_align_text *out);
void ting_align_text_free(ting_align_text *text);

#endif
