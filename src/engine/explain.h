/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - how a recording became text: what is gathered while it is recognised, and the page that shows it (ting_explain_file).
 *
 *     sound, begin .. end -> a watched stream (witness.h) -> ting_explained     explain_hear.c
 *       each sentence:  tokens' probabilities over time                         explain_posteriors.c
 *                       what each model says of each character and its rivals   explain_choices.c
 *       -> one HTML page                                                        explain_page.c, explain_time.c, explain_lines.c,
 *                                                                               explain_attention.c
 *
 * Drawing knows nothing of networks, gathering nothing of HTML.
 */
#ifndef TING_ENGINE_EXPLAIN_H
#define TING_ENGINE_EXPLAIN_H

#include "base/str.h"
#include "engine/attention_maps.h"
#include "engine/model.h"
#include "engine/witness.h"

typedef struct ting_explained_sentence {
    const ting_sentence *sentence; /* times from `begin` on */
    const ting_hit *hits;          /* [hit_count] of the likeliest acoustic hypothesis */
    int hit_count;
    ting_hanzi_seen seen;          /* page.line_count 0: no hanzi were looked for */
    const ting_hanzi_p2h_use *use; /* NULL likewise */
} ting_explained_sentence;

typedef struct ting_explained { /* free with ting_explained_free */
    const ting_model *model;
    ting_options options;
    ting_explain_options how;
    ting_stream *stream; /* its arena holds the sentences */
    ting_witness witness;
    ting_tap tap;
    double begin, end, total; /* seconds of the file: explained, and altogether; total 0: not known */
    int rate;
    float *samples; /* [count] at the model's rate, begin .. end */
    size_t count, sample_room;
    long long skipped; /* samples before them */
    ting_real *rows;   /* [row_count, dim] of the encoder */
    int row_count, dim;
    size_t row_room;
    double row_seconds;
    ting_explained_sentence *sentences; /* [sentence_count] */
    int sentence_count;
    size_t sentence_room;
    ting_attention_maps attention;
    ting_arena *arena;
    bool cancelled;
} ting_explained;

/* Recognises the part of the file and keeps all of it. Errors: those of ting_recognize_file; argument (the part). */
ting_err ting_explain_hear(const ting_model *model, const char *path, const ting_options *options, const ting_explain_options *how,
                           ting_explained *out);
void ting_explained_free(ting_explained *explained);

/* ---- tokens over time ---- */

typedef struct ting_posteriors { /* of a sentence, where the best hypothesis has said what it has said so far */
    int first, count;            /* encoder rows first .. first + count - 1 */
    const int *tokens;           /* [token_count] those that are likely somewhere, in the order in which they are likeliest */
    int token_count, left_out;   /* left_out: others that are likely somewhere too */
    const float *values;         /* [token_count, count] probabilities */
    const float *blank;          /* [count] */
    const char *head;            /* whose they are: "transducer", "CTC head" */
} ting_posteriors;

/* Lives in explained->arena. Errors: memory, numeric. */
ting_err ting_explain_posteriors(ting_explained *explained, int sentence, ting_posteriors *out);

/* ---- characters and their rivals ---- */

enum { TING_CHOICE_RIVALS = 5 };

typedef struct ting_choice {    /* one character, what each model says of it, weighted as in the search */
    char text[TING_HANZI_TEXT]; /* "": the place stays empty */
    char pinyin[TING_P2H_SYLLABLE_MAX];
    double sound;    /* of the syllable; 0 where nothing else was heard */
    double network;  /* pinyin to hanzi: of the character */
    double language; /* of the line with it; of the character itself where it is chosen, of rivals the difference of the lines */
    double length;   /* what each character gets for being one */
    double ranking;  /* of rivals where a second language model ranks lines anew: the difference of the lines */
    double total;    /* chosen: the sum; rivals: the difference of the lines' scores, what the line would lose */
} ting_choice;

typedef struct ting_decision { /* a character of the best line, or a place of it that is empty */
    int place;                 /* of the network of places; a hotword may have several characters at one */
    ting_choice chosen;
    ting_choice rivals[TING_CHOICE_RIVALS]; /* best first; their terms less those of the chosen one, total too */
    int rival_count;
    int hotword, part; /* number of its hotword in the list, from 1, and which of its syllables it is; 0: none */
    double lift;       /* of a hotword's first character: what the language model's term gained by it, of the whole word */
} ting_decision;

typedef struct ting_decisions {
    const ting_decision *items; /* [count] in order of place */
    int count;
    double end;    /* the language model's term for the end of the sentence */
    double heard;  /* where sequences don't compete: the term of the sound for all of the line */
    double ranking; /* the second language model's term for all of the line */
    double score;  /* of the line: the sum of all terms */
    bool weighed;  /* there is a language model */
    bool ranked;   /* a second one ranked the best lines anew */
    bool competed; /* syllables competed in one search: `sound` and `length` count, and `heard` is 0 */
} ting_decisions;

/* Lives in explained->arena; count 0: no hanzi were chosen place by place. Errors: memory. */
ting_err ting_explain_decisions(ting_explained *explained, int sentence, ting_decisions *out);

/* What the pinyin-to-hanzi network's syllables of the best line look at: [count, count] the mean of all layers and heads, row: who
 * looks; NULL: none, or more than 64. Lives in explained->arena. Errors: memory, numeric. */
ting_err ting_explain_neighbours(ting_explained *explained, int sentence, const float **weights, int *count);

/* ---- the page ---- */

ting_err ting_explain_page(ting_explained *explained, ting_str *out);

/* Parts of it. */
void ting_explain_draw_wave(const ting_explained *explained, double begin, double end, double left, double width, double top,
                            double height, ting_str *out); /* as an SVG path: seconds of the part, pixels */
ting_err ting_explain_draw_time(ting_explained *explained, int sentence, ting_str *out);
ting_err ting_explain_draw_lines(ting_explained *explained, int sentence, ting_str *out);
ting_err ting_explain_draw_attention(const ting_explained *explained, ting_str *out);

/* The colour of a confidence: "hi", "me" or "lo". */
const char *ting_explain_class(double confidence);

#endif
