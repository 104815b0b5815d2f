/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_estimate.c - see ngram_estimate.h. From the words up: each order needs the probabilities of the one below. */
#include "train/ngram_estimate.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static ting_ngram_discounts discounts_of(const uint64_t *n)
{
    static const ting_ngram_discounts made_up = {{0.5, 1, 1.5}, true};
    ting_ngram_discounts d = {.made_up = false};
    const double y = (double)n[0] / ((double)n[0] + 2 * (double)n[1]);
    for (int i = 0; i < TING_NGRAM_DISCOUNTS; i++) {
        const double count = i + 1;
        d.by[i] = n[i] > 0 ? count - (count + 1) * y * (double)n[i + 1] / (double)n[i] : NAN;
        if (n[i + 1] == 0 || !(d.by[i] > 0 && d.by[i] <= count)) /* 0 would leave nothing for what was not seen */
            return made_up;
    }
    return d;
}

static double discount(const ting_ngram_discounts *d, uint64_t count)
{
    return count == 0 ? 0 : d->by[(count < TING_NGRAM_DISCOUNTS ? count : TING_NGRAM_DISCOUNTS) - 1];
}

static ting_err estimate_words(ting_ngram_counter *counter, ting_ngram_table *t, const ting_ngram_discounts *d)
{
    ting_err err = TING_OK;
    const uint64_t *counts = ting_ngram_counter_words(counter);
    double all = 0, left = 0;
    for (size_t w = 0; w < t->words.count; w++) {
        all += (double)counts[w];
        left += discount(d, counts[w]);
    }
    if (!(all > 0))
        FAIL(TING_ERR_FORMAT, "there is no sentence to count n-grams in");
    const double each = left / all / (double)(t->words.count - 1); /* <s> follows nothing */
    for (size_t w = 0; w < t->words.count; w++) {
        const uint32_t word = (uint32_t)w;
        const double p = ((double)counts[w] - discount(d, counts[w])) / all + each;
        TRY(ting_ngram_table_add(t, 1, &word, word == TING_NGRAM_BEGIN ? TING_NGRAM_NEVER : log(p), 0));
    }
out:
    return err;
}

/* The n-grams that begin alike in all but their last word. */
typedef struct group {
    uint32_t words[TING_NGRAM_MOST];
    uint32_t *next; /* [count] the last words */
    uint64_t *counts;
    bool *left_out;
    size_t count, rooms[3];
} group;

static void free_group(group *g)
{
    ting_free(g->next);
    ting_free(g->counts);
    ting_free(g->left_out);
}

static ting_err append(group *g, int order, const ting_ngram_adjusted *gram)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&g->next, g->count, 1, &g->rooms[0], sizeof *g->next));
    TRY(ting_reserve(&g->counts, g->count, 1, &g->rooms[1], sizeof *g->counts));
    TRY(ting_reserve(&g->left_out, g->count, 1, &g->rooms[2], sizeof *g->left_out));
    memcpy(g->words, gram->words, (size_t)(order - 1) * sizeof *g->words);
    g->next[g->count] = gram->words[order - 1];
    g->counts[g->count] = gram->count;
    g->left_out[g->count++] = gram->left_out;
out:
    return err;
}

static ting_err estimate_group(ting_ngram_table *t, int order, const ting_ngram_discounts *d, group *g)
{
    ting_err err = TING_OK;
    double all = 0, left = 0;
    for (size_t i = 0; i < g->count; i++) {
        all += (double)g->counts[i];
        left += g->left_out[i] ? (double)g->counts[i] : discount(d, g->counts[i]);
    }
    const double share = left / all;
    for (size_t i = 0; i < g->count; i++) {
        if (g->left_out[i])
            continue;
        g->words[order - 1] = g->next[i];
        const double lower = exp(ting_ngram_table_score(t, order - 1, g->words + 1));
        const double p = ((double)g->counts[i] - discount(d, g->counts[i])) / all + share * lower;
        TRY(ting_ngram_table_add(t, order, g->words, log(p), 0));
    }
    const ptrdiff_t context = ting_ngram_table_find(t, order - 1, g->words);
    if (context >= 0) /* with nothing listed after it the share is 1, and it may be left out itself */
        t->level[order - 2].backoff[context] = (float)log(share);
out:
    g->count = 0;
    return err;
}

static ting_err estimate_order(ting_ngram_counter *counter, ting_ngram_table *t, int order, const ting_ngram_discounts *d)
{
    ting_err err = TING_OK;
    group g = {.count = 0};
    for (;;) {
        ting_ngram_adjusted gram;
        TRY(ting_ngram_counter_next(counter, order, &gram));
        const bool goes_on = gram.words != NULL && g.count > 0 &&
                             memcmp(g.words, gram.words, (size_t)(order - 1) * sizeof *g.words) == 0;
        if (g.count > 0 && !goes_on)
            TRY(estimate_group(t, order, d, &g));
        if (gram.words == NULL)
            break;
        TRY(append(&g, order, &gram));
    }
out:
    free_group(&g);
    return err;
}

ting_err ting_ngram_estimate(ting_ngram_counter *counter, ting_texts *words, ting_ngram_table *out, ting_ngram_discounts *discounts)
{
    ting_err err = TING_OK;
    *out = (ting_ngram_table){.order = ting_ngram_counter_plan(counter)->order, .words = *words};
    *words = (ting_texts){0};
    for (int k = 1; k <= out->order; k++) {
        discounts[k - 1] = discounts_of(ting_ngram_counter_of_counts(counter, k));
        TRY(k == 1 ? estimate_words(counter, out, &discounts[0]) : estimate_order(counter, out, k, &discounts[k - 1]));
    }
    TRY(ting_ngram_table_seal(out));
out:
    if (err != TING_OK)
        ting_ngram_table_free(out);
    return err;
}
