/* SPDX-License-Identifier: Apache-2.0 */
/* lm_generate.c - sentences that a language model makes up (ting_lm_generate of tingxie.h). */
#include "engine/lm.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

enum { LONGEST = 1000000 };

typedef struct speaker { /* what has been said */
    const ting_lm *lm;
    ting_ngram_state state;
    void *net_state;
    ting_arena *arena;
    ting_tensor next; /* network: [1, words], what it says of the word behind it */
    ting_ctx ctx;
} speaker;

static ting_err take(speaker *s, uint32_t word)
{
    if (s->lm->ngram != NULL) {
        ting_ngram_score(s->lm->ngram, &s->state, word, &s->state);
        return TING_OK;
    }
    ting_arena_reset(s->arena);
    const ting_tensor hidden = ting_lm_net_step(&s->ctx, s->lm->net.net, &(int){(int)word}, &s->net_state, 1);
    s->next = ting_lm_net_logits(&s->ctx, s->lm->net.net, hidden);
    return s->ctx.err;
}

static ting_err begin(speaker *s, const ting_lm *lm)
{
    ting_err err = TING_OK;
    *s = (speaker){.lm = lm};
    if (lm->ngram != NULL) {
        s->state = ting_ngram_begin(lm->ngram);
        return TING_OK;
    }
    const size_t bytes = ting_lm_net_state_bytes(lm->net.net);
    if (bytes == 0)
        FAIL(TING_ERR_UNSUPPORTED, "a language model that looks at a word from both sides cannot say one after the other");
    s->arena = ting_arena_new((size_t)1 << 16);
    s->net_state = ting_alloc(1, bytes);
    TRY(s->arena != NULL && s->net_state != NULL ? TING_OK : TING_ERR_MEMORY);
    s->ctx = (ting_ctx){.arena = s->arena, .kern = ting_kern_select(ting_cpu_detect())};
    ting_lm_net_state_start(lm->net.net, s->net_state);
    TRY(take(s, TING_NGRAM_BEGIN));
out:
    return err;
}

static void end(speaker *s)
{
    ting_free(s->net_state);
    ting_arena_free(s->arena);
}

/* The most words that a sentence can have; 0: any. */
static int most_words(const ting_lm *lm)
{
    const ting_lm_config *c = lm->ngram == NULL ? ting_lm_net_config(lm->net.net) : NULL;
    return c != NULL && c->kind == TING_LM_GPT ? c->context - 1 : 0;
}

/* weights [words]: p(word) ^ (1 / temperature), as far as a common factor. */
static void weigh(const speaker *s, double temperature, double *weights)
{
    ting_ngram_state after;
    double best = -HUGE_VAL;
    const size_t words = s->lm->words->count;
    for (size_t w = TING_NGRAM_END; w < words; w++) {
        weights[w] = s->lm->ngram != NULL ? ting_ngram_score(s->lm->ngram, &s->state, (uint32_t)w, &after) : (double)s->next.data[w];
        best = fmax(best, weights[w]);
    }
    for (size_t w = TING_NGRAM_END; w < words; w++)
        weights[w] = exp((weights[w] - best) / temperature);
}

/* <unk> and <s> are never said. */
static ting_err draw(const speaker *s, double temperature, ting_rng *rng, double *weights, uint32_t *out)
{
    double all = 0;
    const size_t words = s->lm->words->count;
    weigh(s, temperature, weights);
    for (size_t w = TING_NGRAM_END; w < words; w++)
        all += weights[w];
    if (!(all > 0 && isfinite(all)))
        return ting_fail(TING_ERR_NUMERIC, "%s: the language model's probabilities are no numbers", s->lm->file.label);
    double left = ting_rng_uniform(rng) * all;
    *out = TING_NGRAM_END;
    for (size_t w = TING_NGRAM_END; w < words; w++)
        if ((left -= weights[w]) < 0) {
            *out = (uint32_t)w;
            break;
        }
    return TING_OK;
}

/* Between two words of Latin letters or digits stands a space. */
static void say(ting_str *text, const char *word)
{
    const bool latin = text->length > 0 && ting_ascii_is_alnum(text->text[text->length - 1]) && ting_ascii_is_alnum(word[0]);
    ting_str_add(text, latin ? " " : "");
    ting_str_add(text, word);
}

ting_err ting_lm_generate(const ting_lm *lm, const char *beginning, uint64_t seed, int longest, double temperature, char **out)
{
    ting_err err = TING_OK;
    ting_cut cut = {0};
    ting_str text = {0};
    ting_rng rng = ting_rng_new(seed, 0);
    speaker s = {.lm = lm};
    double *weights = NULL;
    *out = NULL;
    if (!(temperature > 0) || longest < 1 || longest > LONGEST)
        FAIL(TING_ERR_ARGUMENT, "a sentence of at most %d words at a temperature of %g, expected 1 to %d and more than 0", longest,
             temperature, (int)LONGEST);
    if (beginning != NULL && ting_utf8_count(beginning, strlen(beginning)) < 0)
        FAIL(TING_ERR_ARGUMENT, "the beginning of a sentence is not UTF-8");
    const int most = most_words(lm);
    TRY(begin(&s, lm));
    weights = ting_alloc(lm->words->count, sizeof *weights);
    TRY(weights != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_str_add(&text, beginning != NULL ? beginning : "");
    if (beginning != NULL)
        TRY(ting_vocabulary_cut(lm->vocabulary, beginning, strlen(beginning), &cut));
    if (most > 0 && cut.count >= (size_t)most)
        FAIL(TING_ERR_ARGUMENT, "a beginning of %zu words, the model's context holds %d", cut.count, most);
    for (size_t i = 0; i < cut.count; i++)
        TRY(take(&s, cut.ids[i]));
    for (int i = 0; i < longest && (most == 0 || (int)cut.count + i < most); i++) {
        uint32_t word;
        TRY(draw(&s, temperature, &rng, weights, &word));
        if (word == TING_NGRAM_END)
            break;
        say(&text, lm->words->items[word]);
        TRY(take(&s, word));
    }
    if (!ting_str_ok(&text))
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence");
    *out = text.text;
    text = (ting_str){0};
out:
    end(&s);
    ting_cut_free(&cut);
    ting_str_free(&text);
    ting_free(weights);
    return err;
}
