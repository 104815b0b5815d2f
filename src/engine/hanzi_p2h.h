/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hanzi_p2h.h - the pinyin-to-hanzi network of a model file as the engine's hanzi writer.
 *
 *     TRY(ting_hanzi_p2h_open(path, TING_PRECISION_F32, &p2h));
 *     ting_hanzi_p2h_use use = {.p2h = p2h, .kern = ..., .pool = ..., .limit = TING_P2H_EXACT, .aligned = true};
 *     ting_hanzi_writer writer = ting_hanzi_p2h_writer(&use);
 *
 * The opened network is immutable and shared by threads; a use belongs to one thread at a time.
 */
#ifndef TING_ENGINE_HANZI_P2H_H
#define TING_ENGINE_HANZI_P2H_H

#include "decode/p2h.h"
#include "engine/hanzi.h"
#include "tingxie.h"

typedef struct ting_hanzi_p2h ting_hanzi_p2h;

/* Network "p2h" of the file at path. Returns owned, free with ting_hanzi_p2h_close. Errors: those of opening a model
 * file; not found when it has no such network. */
ting_err ting_hanzi_p2h_open(const char *path, ting_precision precision, ting_hanzi_p2h **out);
void ting_hanzi_p2h_close(ting_hanzi_p2h *p2h);

/* Table id of a syllable of text/pinyin.h; TING_PINYIN_NONE and syllables that the network lacks are unknown. */
int ting_hanzi_p2h_syllable(const ting_hanzi_p2h *p2h, int pinyin);
const ting_p2h_model *ting_hanzi_p2h_model(const ting_hanzi_p2h *p2h);

typedef struct ting_hanzi_seen { /* how a page came about, in the arena that the page lies in; a copy for whoever explains it */
    ting_p2h_page page;
    ting_hanzi_page written;
} ting_hanzi_seen;

typedef struct ting_hanzi_p2h_use {
    const ting_hanzi_p2h *p2h;
    const ting_kern *kern;
    ting_pool *pool; /* may be NULL */
    ting_p2h_limit limit;
    bool aligned;      /* one character a syllable whatever the network: what sentences need */
    double other_tone; /* see decode/p2h.h, as the next two */
    double heard_weight, bonus;
    bool spell; /* what is shown is the syllables: shares are theirs */
    const ting_p2h_lm *lm; /* the same; made by ting_hanzi_p2h_weigh. NULL: none */
    const ting_p2h_rescorer *rescorer; /* decode/p2h_rescore.h; made by ting_hanzi_p2h_rescore. NULL: none */
    const struct ting_hotword_list *hotwords; /* engine/hotword_text.h; NULL: none */
    ting_hanzi_seen *seen; /* gets what the last page was made of; NULL: nobody asks */
} ting_hanzi_p2h_use;

/* A language model beside the network: which word each of its characters is. Borrows the n-grams; free with
 * ting_hanzi_p2h_lm_free. Errors: format (the words of the model), unsupported (none of them is a hanzi of the network), memory. */
ting_err ting_hanzi_p2h_weigh(const ting_hanzi_p2h *p2h, const ting_ngram *ngram, double weight, ting_p2h_lm **out);
void ting_hanzi_p2h_lm_free(ting_p2h_lm *lm);

/* A language model of any kind that ranks the best lines anew, as many as `lines`. Borrows it; free with ting_hanzi_p2h_rescorer_free.
 * Errors: unsupported (none of its words is a hanzi of the network), memory. */
ting_err ting_hanzi_p2h_rescore(const ting_hanzi_p2h *p2h, const ting_lm *lm, double weight, int lines, ting_p2h_rescorer **out);
void ting_hanzi_p2h_rescorer_free(ting_p2h_rescorer *rescorer);

/* Borrows `use`. */
ting_hanzi_writer ting_hanzi_p2h_writer(ting_hanzi_p2h_use *use);

#endif
