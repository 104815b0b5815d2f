/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbest_text.h - lists of the best lines of utterances, as recognisers write them:
 *
 *     utterance <TAB> text <TAB> score <TAB> score ...
 *
 * Every line has as many scores, 0 to TING_NBEST_SCORES, of which more is better. Lines of one utterance may stand anywhere. Empty lines
 * are skipped, and a byte order mark. Or as tingxie transcribe --nbest writes them of several files, and tingxie p2h --nbest:
 *
 *     utterance <TAB> rank <TAB> score <TAB> text
 *
 * without the utterance when it is of one file; its sentences then are called "-". There the lines of one sentence follow each other, and
 * where the ranks begin anew with the same name, so does the next sentence: an utterance of its own. Rank 0 is a line of which there is no
 * hypothesis: its score is empty and counts 0. A text is of this form if each line has four fields (three), the one before the last but one
 * a whole number, and not all of the last are numbers; of three, the second is a number on each line.
 */
#ifndef TING_ENGINE_NBEST_TEXT_H
#define TING_ENGINE_NBEST_TEXT_H

#include "base/err.h"
#include "base/tsv.h"

enum { TING_NBEST_SCORES = 8 };

typedef struct ting_nbest_line {
    ting_view utterance, text;
    double scores[TING_NBEST_SCORES];
    long rank; /* of a list with ranks */
} ting_nbest_line;

typedef struct ting_nbest { /* free with ting_nbest_free */
    ting_nbest_line *lines; /* [count], those of an utterance together, utterances and their lines in the order of the text */
    size_t count, room;
    size_t *starts; /* [utterances + 1] */
    size_t utterances;
    int scores; /* that each line has */
    bool ranked;
} ting_nbest;

/* Borrows the text. Errors: format, naming the line; memory. */
ting_err ting_nbest_parse(const char *name, const char *text, size_t size, ting_nbest *out);
void ting_nbest_free(ting_nbest *nbest);

#endif
