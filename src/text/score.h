/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.h - how far recognised text is from what was said: character or syllable error rate, with the
 * errors by kind.
 *
 *     error rate = (substitutions + deletions + insertions) / units of the reference
 *
 * summed over all utterances before dividing. Units are those of units.h, or syllables. Kinds of
 * substitutions, each counted once:
 *     homophone  same syllable and tone          (the language side erred)
 *     tone       same syllable, other tone
 *     initial    only the initial differs
 *     final      only the final differs
 *     several    more than one of the three
 *     unread     one side has no syllable (Latin, digits, unknown hanzi, no lexicon)
 * Readings come from the reference's own pinyin where it has one syllable for each hanzi, else from the lexicon, the
 * whole sentence at a time.
 *
 * One thread at a time per scorer.
 */
#ifndef TING_TEXT_SCORE_H
#define TING_TEXT_SCORE_H

#include "text/align.h"
#include "text/lexicon.h"
#include "text/transcript.h"
#include "text/units.h"

typedef enum ting_score_kind {
    TING_SCORE_HOMOPHONE,
    TING_SCORE_TONE,
    TING_SCORE_INITIAL,
    TING_SCORE_FINAL,
    TING_SCORE_SEVERAL,
    TING_SCORE_UNREAD,
    TING_SCORE_KINDS
} ting_score_kind;

const char *ting_score_kind_name(ting_score_kind kind); /* "homophone", ...; static */

/* The kind of a substitution of one syllable (or TING_PINYIN_NONE) for another. */
ting_score_kind ting_score_kind_of(int ref, int hyp);

typedef struct ting_score_counts {
    long units; /* of the reference */
    long matches, substitutions, deletions, insertions;
    long utterances, wrong_utterances;
    long kinds[TING_SCORE_KINDS]; /* sums to substitutions; all 0 in toneless counts */
} ting_score_counts;

/* Errors per unit; 0 when there is neither unit nor error, 1 for errors against an empty reference. */
double ting_score_rate(const ting_score_counts *counts);

typedef struct ting_score_options {
    bool syllables;  /* both sides are compared as pinyin; else as units */
    bool ref_pinyin; /* syllables: the reference's text is pinyin; else hanzi to be read */
    bool hyp_pinyin;
    ting_units_options units;
} ting_score_options;

typedef struct ting_score_side { /* one side of one utterance, after normalisation */
    const int *units;  /* [count] code points and words, or syllable ids and words */
    const int *sounds; /* [count] syllable ids or TING_PINYIN_NONE */
    int count;
} ting_score_side;

typedef struct ting_scored { /* borrows until the next utterance */
    ting_score_side ref, hyp;
    const ting_alignment *alignment;
    ting_score_counts counts;
} ting_scored;

typedef struct ting_scorer ting_scorer;

/* Borrows the lexicon (may be NULL) until ting_scorer_free. NULL when out of memory. */
ting_scorer *ting_scorer_new(const ting_lexicon *lexicon, const ting_score_options *options);
void ting_scorer_free(ting_scorer *scorer);

/* Scores one utterance and adds it to the totals. `pinyin` is that of the reference, may be empty: with
 * `syllables` it stands for a reference in hanzi; otherwise it gives the sounds. out may be NULL.
 * Errors: memory; argument (over-long text). */
ting_err ting_scorer_add(ting_scorer *scorer, ting_view ref, ting_view pinyin, ting_view hyp,
                         ting_scored *out);

const ting_score_counts *ting_scorer_totals(const ting_scorer *scorer);

/* Syllables only: the same with all tones taken for equal, aligned anew. */
const ting_score_counts *ting_scorer_toneless(const ting_scorer *scorer);

/* How a unit is written. */
void ting_scorer_write_unit(const ting_scorer *scorer, int unit, ting_str *out);

typedef struct ting_confusion {
    int ref, hyp; /* units; -1 for an insertion or a deletion */
    long count;
} ting_confusion;

/* The pairs of unequal units seen so far, most frequent first, then by unit. Borrows until the next add. Errors:
 * memory. */
ting_err ting_scorer_confusions(ting_scorer *scorer, const ting_confusion **out, int *count);

/* True when at least nine in ten of the words of all texts are syllables. */
bool ting_transcript_is_pinyin(const ting_transcript *transcript);

#endif
