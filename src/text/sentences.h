/* SPDX-License-Identifier: Apache-2.0 */
/* sentences.h - a text sentence by sentence, as people wrote them. */
#ifndef TING_TEXT_SENTENCES_H
#define TING_TEXT_SENTENCES_H

#include "base/tsv.h"

/* Takes the next sentence off the text: up to a line break or one of 。 ！ ？ ； … ! ? ; which is left out. It may be empty or have
 * nothing that is spoken. False at the end. */
bool ting_sentence_next(ting_view *text, ting_view *out);

#endif
