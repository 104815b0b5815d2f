/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_count.c - see ngram_count.h. */
#include "train/ngram_count.h"

#include "base/mem.h"

#include <string.h>

enum { OF_COUNTS = 4, LEAST_MEMORY = 1 << 20 };

static const uint64_t LEFT_OUT = (uint64_t)1 << 63; /* beside the count, while it is sorted */

typedef struct open { /* an n-gram while those that end with it go by */
    uint64_t seen, before; /* how often; different words before it */
} open_gram;

struct ting_ngram_counter {
    ting_ngram_plan plan;
    size_t words;
    ting_ngram_sorter *seen;                      /* highest order, last word first */
    ting_ngram_sorter *sorted[TING_NGRAM_MOST];   /* [1 .. order): orders 2 and more, first word first */
    uint64_t *word_counts;                        /* [words] */
    uint64_t of_counts[TING_NGRAM_MOST][OF_COUNTS];
};

ting_err ting_ngram_counter_new(const ting_ngram_plan *plan, size_t words, ting_ngram_counter **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_ngram_counter *c = NULL;
    if (plan->order < 1 || plan->order > TING_NGRAM_MOST)
        FAIL(TING_ERR_ARGUMENT, "n-grams of order %d, expected 1 to %d", plan->order, (int)TING_NGRAM_MOST);
    if (plan->memory < (size_t)plan->order * LEAST_MEMORY)
        FAIL(TING_ERR_ARGUMENT, "%zu bytes to sort n-grams in, expected at least %zu", plan->memory, (size_t)plan->order * LEAST_MEMORY);
    for (int k = 0; k < plan->order; k++)
        if (plan->cutoff[k] < 0 || (k == 0 && plan->cutoff[k] != 0) || (k > 0 && plan->cutoff[k] < plan->cutoff[k - 1]))
            FAIL(TING_ERR_ARGUMENT, "cutoff %d for order %d: that of words is 0, and none may be less than that of the order before",
                 plan->cutoff[k], k + 1);
    c = ting_alloc(1, sizeof *c);
    if (c == NULL)
        return TING_ERR_MEMORY;
    c->plan = *plan;
    c->words = words;
    c->word_counts = ting_alloc(words, sizeof *c->word_counts);
    TRY(c->word_counts != NULL ? ting_ngram_sorter_new(plan->order, plan->memory, &c->seen) : TING_ERR_MEMORY);
    *out = c;
    c = NULL;
out:
    ting_ngram_counter_free(c);
    return err;
}

void ting_ngram_counter_free(ting_ngram_counter *c)
{
    if (c == NULL)
        return;
    ting_ngram_sorter_free(c->seen);
    for (int k = 0; k < TING_NGRAM_MOST; k++)
        ting_ngram_sorter_free(c->sorted[k]);
    ting_free(c->word_counts);
    ting_free(c);
}

ting_err ting_ngram_counter_add(ting_ngram_counter *c, const uint32_t *words, size_t count)
{
    ting_err err = TING_OK;
    uint32_t gram[TING_NGRAM_MOST];
    const int n = c->plan.order;
    for (int i = 0; i < n; i++)
        gram[i] = TING_NGRAM_BEGIN;
    for (size_t i = 0; i <= count; i++) {
        memmove(gram + 1, gram, (size_t)(n - 1) * sizeof *gram);
        gram[0] = i < count ? words[i] : TING_NGRAM_END;
        TRY(ting_ngram_sorter_add(c->seen, gram, 1));
    }
out:
    return err;
}

/* ---- counts of all orders ---- */

/* The order of the longest n-gram in a reversed one: nothing stands before <s>. */
static int real_order(const uint32_t *reversed, int n)
{
    int k = 1;
    while (k < n && reversed[k - 1] != TING_NGRAM_BEGIN)
        k++;
    return k;
}

static ting_err close_gram(ting_ngram_counter *c, const uint32_t *reversed, int order, const open_gram *gram)
{
    ting_err err = TING_OK;
    uint32_t words[TING_NGRAM_MOST];
    const bool whole = order == c->plan.order || reversed[order - 1] == TING_NGRAM_BEGIN;
    const uint64_t count = whole ? gram->seen : gram->before;
    if (count <= OF_COUNTS)
        c->of_counts[order - 1][count - 1]++;
    if (order == 1) {
        c->word_counts[reversed[0]] = count;
        return TING_OK;
    }
    for (int i = 0; i < order; i++)
        words[i] = reversed[order - 1 - i];
    const bool left_out = gram->seen <= (uint64_t)c->plan.cutoff[order - 1];
    TRY(ting_ngram_sorter_add(c->sorted[order - 1], words, left_out ? count | LEFT_OUT : count));
out:
    return err;
}

/* All n-grams that end here, one after the other: those that share their last words stand together. */
static ting_err count_all(ting_ngram_counter *c)
{
    ting_err err = TING_OK;
    const int n = c->plan.order;
    uint32_t last[TING_NGRAM_MOST];
    open_gram grams[TING_NGRAM_MOST] = {{0, 0}}; /* the open one of each order */
    int last_order = 0;
    for (;;) {
        ting_ngram_counted now;
        TRY(ting_ngram_sorter_next(c->seen, &now));
        int same = 0;
        while (now.words != NULL && same < last_order && now.words[same] == last[same])
            same++;
        for (int k = last_order; k > same; k--)
            TRY(close_gram(c, last, k, &grams[k - 1]));
        if (now.words == NULL)
            break;
        memcpy(last, now.words, (size_t)n * sizeof *last);
        last_order = real_order(last, n);
        for (int k = same + 1; k <= last_order; k++)
            grams[k - 1] = (open_gram){0, 0};
        for (int k = 1; k <= last_order; k++) {
            grams[k - 1].seen += now.count;
            grams[k - 1].before += k >= same && k < last_order; /* the word before it is a new one */
        }
    }
out:
    return err;
}

ting_err ting_ngram_counter_finish(ting_ngram_counter *c)
{
    ting_err err = TING_OK;
    const int n = c->plan.order;
    TRY(ting_ngram_sorter_finish(c->seen));
    for (int k = 2; k <= n; k++)
        TRY(ting_ngram_sorter_new(k, c->plan.memory / (size_t)n, &c->sorted[k - 1]));
    TRY(count_all(c));
    ting_ngram_sorter_free(c->seen);
    c->seen = NULL;
    for (int k = 2; k <= n; k++)
        TRY(ting_ngram_sorter_finish(c->sorted[k - 1]));
out:
    return err;
}

ting_err ting_ngram_counter_next(ting_ngram_counter *c, int order, ting_ngram_adjusted *out)
{
    ting_ngram_counted counted;
    const ting_err err = ting_ngram_sorter_next(c->sorted[order - 1], &counted);
    *out = (ting_ngram_adjusted){counted.words, counted.count & ~LEFT_OUT, (counted.count & LEFT_OUT) != 0};
    return err;
}

const uint64_t *ting_ngram_counter_words(const ting_ngram_counter *c)
{
    return c->word_counts;
}

const uint64_t *ting_ngram_counter_of_counts(const ting_ngram_counter *c, int order)
{
    return c->of_counts[order - 1];
}

const ting_ngram_plan *ting_ngram_counter_plan(const ting_ngram_counter *c)
{
    return &c->plan;
}
