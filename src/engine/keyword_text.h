/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyword_text.h - a keyword file as people write it -> keywords in the model's tokens.
 *
 *     "开始录音 :2"  or  "kai1 shi3 lu4 yin1 :2"  ->  "k āi sh ǐ l ù y īn :2 @开始录音"
 *
 * A word that is a token stays; hanzi are read by the lexicon, pinyin in numbered or marked notation is cut into initial and
 * final; a line with such a word and without @name is reported as it was written. The lines themselves are
 * those of decode/keywords.h. A byte order mark is skipped.
 */
#ifndef TING_ENGINE_KEYWORD_TEXT_H
#define TING_ENGINE_KEYWORD_TEXT_H

#include "decode/keywords.h"
#include "engine/am.h"

/* Errors: io, format (with the line), not found (hanzi, but no lexicon), memory. Free with ting_keywords_free. */
ting_err ting_keywords_load(const char *path, const ting_am *am, const ting_keyword_defaults *defaults, ting_keywords *out);

#endif
