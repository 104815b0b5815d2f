/* SPDX-License-Identifier: Apache-2.0 */
/* lm.c - the language models of tingxie.h. */
#include "tingxie.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/ngram.h"
#include "model/vocabulary.h"

#include <math.h>
#include <string.h>

struct ting_lm {
    ting_gguf file;
    ting_ngram *ngram;
    ting_vocabulary *vocabulary;
};

ting_err ting_lm_open(const char *path, ting_lm **out)
{
    ting_err err = TING_OK;
    ting_network found;
    *out = NULL;
    ting_lm *lm = ting_alloc(1, sizeof *lm);
    if (lm == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_gguf_open(path, &lm->file));
    TRY(ting_network_find(&lm->file, "lm", &found));
    TRY(ting_ngram_open(&found, &lm->ngram));
    TRY_IN(ting_vocabulary_new(ting_ngram_words(lm->ngram), &lm->vocabulary), "%s", path);
    *out = lm;
    lm = NULL;
out:
    ting_lm_free(lm);
    return err;
}

void ting_lm_free(ting_lm *lm)
{
    if (lm == NULL)
        return;
    ting_vocabulary_free(lm->vocabulary);
    ting_ngram_free(lm->ngram);
    ting_gguf_close(&lm->file);
    ting_free(lm);
}

ting_err ting_lm_score_text(const ting_lm *lm, const char *text, size_t length, ting_lm_score *out)
{
    ting_err err = TING_OK;
    ting_cut cut = {0};
    ting_ngram_state state = ting_ngram_begin(lm->ngram);
    *out = (ting_lm_score){0};
    TRY(ting_vocabulary_cut(lm->vocabulary, text, length, &cut));
    for (size_t i = 0; i <= cut.count; i++)
        out->log_prob += ting_ngram_score(lm->ngram, &state, i < cut.count ? cut.ids[i] : TING_NGRAM_END, &state);
    out->characters = cut.characters;
    out->words = cut.count;
    out->unknown = cut.unknown;
out:
    ting_cut_free(&cut);
    return err;
}

/* A word drawn from p(word | state) ^ (1 / temperature); <unk> and <s> are never said. */
static uint32_t draw(const ting_lm *lm, const ting_ngram_state *state, double temperature, ting_rng *rng, double *weights)
{
    const size_t words = ting_ngram_words(lm->ngram)->count;
    ting_ngram_state after;
    double all = 0;
    for (size_t w = TING_NGRAM_END; w < words; w++)
        all += weights[w] = exp(ting_ngram_score(lm->ngram, state, (uint32_t)w, &after) / temperature);
    double left = ting_rng_uniform(rng) * all;
    for (size_t w = TING_NGRAM_END; w < words; w++)
        if ((left -= weights[w]) < 0)
            return (uint32_t)w;
    return TING_NGRAM_END;
}

ting_err ting_lm_generate(const ting_lm *lm, const char *begin, unsigned long seed, int longest, double temperature, char **out)
{
    ting_err err = TING_OK;
    ting_cut cut = {0};
    ting_str text = {0};
    const ting_texts *words = ting_ngram_words(lm->ngram);
    ting_ngram_state state = ting_ngram_begin(lm->ngram);
    ting_rng rng = ting_rng_new(seed, 0);
    double *weights = NULL;
    *out = NULL;
    if (!(temperature > 0))
        FAIL(TING_ERR_ARGUMENT, "a temperature of %g, expected more than 0", temperature);
    weights = ting_alloc(words->count, sizeof *weights);
    TRY(weights != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_str_add(&text, begin != NULL ? begin : "");
    if (begin != NULL)
        TRY(ting_vocabulary_cut(lm->vocabulary, begin, strlen(begin), &cut));
    for (size_t i = 0; i < cut.count; i++)
        ting_ngram_score(lm->ngram, &state, cut.ids[i], &state);
    for (int i = 0; i < longest; i++) {
        const uint32_t word = draw(lm, &state, temperature, &rng, weights);
        if (word == TING_NGRAM_END)
            break;
        ting_str_add(&text, words->items[word]);
        ting_ngram_score(lm->ngram, &state, word, &state);
    }
    if (!ting_str_ok(&text))
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    *out = text.text;
    text = (ting_str){0};
out:
    ting_cut_free(&cut);
    ting_str_free(&text);
    ting_free(weights);
    return err;
}
