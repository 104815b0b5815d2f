/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h.h - syllables to ranked lines of hanzi with a pinyin-to-hanzi network of either form; s2s.h says how the
 * encoder-decoder is searched. The one-to-one network:
 *
 * Each place has a distribution over the characters that its syllable allows; places are independent given the
 * network's view of the whole line, so the n best lines are the n best sums, found exactly. A line longer than
 * the network was trained on is read in overlapping windows, each place from the window that shows most around it.
 *
 * Several readings of the same sound may be given: whole sequences with scores (n-best in), and what was nearly heard. With a language
 * model, the one-to-one network's characters for each are laid side by side in a confusion network (confusion.h): at each place all
 * characters of all syllables that may have been said there, so that a line may follow one sequence here and another there; its score is
 *
 *     sum over places of input_weight x log P(syllable | sound) + bonus + log p_network(character | syllable, its sequence)
 *
 * and the language model's weight times log p(line); a place may stay empty where a sequence has nothing, which has the first term
 * only. Without one, and of an encoder-decoder, the lines of all sequences are pooled: the score of each, plus input_weight x that
 * of its sequence: the network says which character a syllable is, not which syllable is likely, so it cannot mix them.
 *
 * The special characters of the table are never written; <S> and </S> stand for the edges in the network's
 * n-grams and need no place in a one-to-one line.
 */
#ifndef TING_DECODE_P2H_H
#define TING_DECODE_P2H_H

#include "decode/confusion.h"
#include "decode/p2h_lm.h"
#include "decode/p2h_place.h"
#include "model/p2h_model.h"

typedef struct ting_p2h_rescorer ting_p2h_rescorer; /* decode/p2h_rescore.h */

typedef struct ting_p2h_options {
    ting_p2h_limit limit; /* which characters a syllable allows */
    bool aligned;         /* one character a syllable, also with FREE and an encoder-decoder, which else ends lines itself */
    int nbest;            /* lines wanted, at least 1 */
    int alternatives;     /* other characters wanted for each place */
    bool spell;           /* lines are wanted for their syllables: shares are of lines that have the same one at a place */
    double input_weight;  /* of the scores of sequences */
    double bonus;         /* for each character, where sequences of several lengths compete */
    const ting_p2h_lm *lm; /* one-to-one: lines are good to it too (p2h_lm.h); NULL: none. Borrowed */
    const ting_hotwords *hotwords; /* with lm: words to look for in what was heard (hotwords.h); NULL: none. Borrowed */
    const ting_p2h_rescorer *rescorer; /* ranks the best lines anew; NULL: none. Borrowed */
    double other_tone;    /* added to the score of characters that have not the syllable's tone; usually < 0 */
} ting_p2h_options;

typedef struct ting_p2h_input {
    const int *syllables; /* [count] ids of the network's table; TING_P2H_UNKNOWN is allowed */
    const double *starts; /* [count] when each was said, seconds; NULL: not known */
    int count;
    double score; /* log-probability of the sequence; 0 when there is only one */
    const ting_confusion_other *others; /* [other_count] syllables that were nearly heard instead, in order of place */
    int other_count;
} ting_p2h_input;

typedef struct ting_p2h_line {
    int *characters; /* [count] ids of the table */
    int count;       /* that of the sequence, but for FREE lines of an encoder-decoder: 0 to 2 n + 8, 8 more for each piece */
    ting_p2h_origin *origins; /* [count] what each was read from. NULL: all of sequence `input`, an encoder-decoder's */
    int *places;              /* [count] where each stands among the places; with origins */
    int input;
    double score; /* log-probability */
} ting_p2h_line;

typedef struct ting_p2h_page {
    ting_p2h_line *lines; /* best first, all different */
    int line_count;       /* at most nbest */
    int *alternatives;    /* [count of line 0, options.alternatives] best first, -1 ends a row */
    double *shares;       /* [count of line 0] how much of the probability of all lines found lies with those that have its character, or
                             with spell its syllable, at its place; NULL: an encoder-decoder's; with spell also without lm */
    /* what the lines were chosen from; of an encoder-decoder nothing */
    const ting_p2h_place *places; /* [place_count] those that ting_p2h_line.places counts */
    int place_count;
    ting_confusion network;       /* where sequences compete in one search: the syllables of each place; else count 0 */
    ting_hotword_matches matches; /* likewise, with hotwords */
} ting_p2h_page;

/* Everything returned lives in the arena; so does the work: a few hundred bytes a syllable for one-to-one networks, and what
 * the network needs for one batch of windows or one piece of a line, whatever the length. Errors: argument (no sequence),
 * numeric (the network gives no finite numbers), memory. */
ting_err ting_p2h_decode(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool,
                         ting_arena *arena, const ting_p2h_options *options,
                         const ting_p2h_input *inputs, int input_count, ting_p2h_page *out);

/* Sorts lines falling by score (stable), keeps each text once and at most nbest of them; returns how many. */
int ting_p2h_lines_sort(ting_p2h_line *lines, int count, int nbest);

#endif
