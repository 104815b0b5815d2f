/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_make.c - a table of n-grams as the tree of ngram.h: sorted by words from the last to the first, numbers as codes. */
#include "model/ngram.h"

#include "base/mem.h"
#include "model/ngram_parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct place { /* of an n-gram in its list, with its words backwards */
    uint32_t words[TING_NGRAM_MOST];
    uint32_t at;
} place;

static int compare_places(const void *a, const void *b)
{
    return ting_ngram_compare(((const place *)a)->words, ((const place *)b)->words, TING_NGRAM_MOST);
}

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Zeroed memory that the model owns; NULL when out of memory. */
static void *own(ting_ngram *g, size_t count, size_t size)
{
    void *block = ting_alloc(count, size);
    if (block != NULL)
        g->owned[g->owned_count++] = block;
    return block;
}

/* How many different numbers there are, at most `most` + 1. */
static size_t count_different(const float *sorted, size_t count, int most)
{
    size_t different = 0;
    for (size_t i = 0; i < count && different <= (size_t)most; i++)
        different += i == 0 || sorted[i] != sorted[i - 1];
    return different;
}

/* The numbers themselves where there are no more than `most`, so that what was such a list stays as it is. Else so many values, such that
 * each stands for as many of the numbers as any other, as far as equal ones allow. Sorted. */
static int choose_values(const float *sorted, size_t count, int most, float *values)
{
    const bool exact = count_different(sorted, count, most) <= (size_t)most;
    int chosen = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        const size_t left = (size_t)(most - chosen), share = exact ? 1 : (count - begin + left - 1) / left;
        double sum = 0;
        end = begin + share;
        while (end < count && sorted[end] == sorted[end - 1]) /* equal numbers stay together */
            end++;
        for (size_t i = begin; i < end; i++)
            sum += (double)sorted[i];
        values[chosen++] = exact ? sorted[begin] : (float)(sum / (double)(end - begin));
    }
    return chosen;
}

/* The zeros of a list (contexts that nothing follows, most of them) leave; *zeros: how many. Returns how many numbers stay. */
static size_t drop_zeros(float *numbers, size_t count, size_t *zeros)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (numbers[i] != 0)
            numbers[kept++] = numbers[i];
    *zeros = count - kept;
    return kept;
}

/* The values of a list of numbers, in order: 0 for zeros, the others as choose_values says. numbers is used up. */
static int find_values(float *numbers, size_t count, float *values)
{
    size_t zeros;
    count = drop_zeros(numbers, count, &zeros);
    if (count > 0)
        qsort(numbers, count, sizeof *numbers, compare_floats);
    int chosen = choose_values(numbers, count, TING_NGRAM_CODES - (zeros > 0), values);
    if (zeros > 0) {
        int at = chosen++;
        for (; at > 0 && values[at - 1] > 0; at--)
            values[at] = values[at - 1];
        values[at] = 0;
    }
    return chosen;
}

static unsigned char nearest(const float *values, int count, float number)
{
    int low = 0, high = count - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (values[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return (unsigned char)(low > 0 && number - values[low - 1] < values[low] - number ? low - 1 : low);
}

/* numbers [count], of the list; places: the order of the tree. */
static ting_err encode(ting_ngram *g, const float *numbers, const place *places, size_t count, ting_ngram_codes *out)
{
    float *copy = ting_alloc(count, sizeof *copy);
    unsigned char *codes = own(g, count, 1);
    float *values = own(g, TING_NGRAM_CODES, sizeof *values);
    if (copy == NULL || codes == NULL || values == NULL) {
        ting_free(copy);
        return TING_ERR_MEMORY;
    }
    memcpy(copy, numbers, count * sizeof *copy);
    *out = (ting_ngram_codes){codes, values, find_values(copy, count, values)};
    for (size_t i = 0; i < count; i++)
        codes[i] = nearest(values, out->value_count, numbers[places[i].at]);
    ting_free(copy);
    return TING_OK;
}

/* The list of an order as the tree wants it; owned, NULL when out of memory. */
static place *sort_backwards(const ting_ngram_level *l, int order)
{
    place *places = ting_alloc(l->count, sizeof *places);
    for (size_t i = 0; i < l->count && places != NULL; i++) {
        for (int k = 0; k < order; k++)
            places[i].words[k] = l->words[(i + 1) * (size_t)order - 1 - (size_t)k];
        places[i].at = (uint32_t)i;
    }
    if (places != NULL)
        qsort(places, l->count, sizeof *places, compare_places);
    return places;
}

/* Where the n-grams of `count` below each of `above` begin: both are sorted, and each has its end above (a sealed table). */
static ting_err link(ting_ngram *g, const place *above, size_t above_count, const place *below, size_t count, int order,
                     const int32_t **out)
{
    int32_t *children = own(g, above_count + 1, sizeof *children);
    size_t at = 0;
    if (children == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < above_count; i++) {
        children[i] = (int32_t)at;
        while (at < count && memcmp(above[i].words, below[at].words, (size_t)order * sizeof *below->words) == 0)
            at++;
    }
    children[above_count] = (int32_t)at;
    *out = children;
    return TING_OK;
}

static ting_err make_branch(ting_ngram *g, const ting_ngram_level *l, int order, const place *places)
{
    ting_err err = TING_OK;
    ting_ngram_branch *b = &g->branch[order - 1];
    unsigned char *words = own(g, l->count, (size_t)g->width);
    if (words == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < l->count; i++)
        for (int byte = 0; byte < g->width; byte++)
            words[i * (size_t)g->width + (size_t)byte] = (unsigned char)(places[i].words[order - 1] >> 8 * byte);
    b->words = words;
    b->count = l->count;
    TRY(encode(g, l->prob, places, l->count, &b->prob));
    if (order < g->order)
        TRY(encode(g, l->backoff, places, l->count, &b->backoff));
out:
    return err;
}

static ting_err copy_unigrams(ting_ngram *g, const ting_ngram_level *l)
{
    float *prob = own(g, l->count, sizeof *prob), *backoff = own(g, l->count, sizeof *backoff);
    if (prob == NULL || backoff == NULL)
        return TING_ERR_MEMORY;
    memcpy(prob, l->prob, l->count * sizeof *prob);
    memcpy(backoff, l->backoff, l->count * sizeof *backoff);
    g->prob = prob;
    g->backoff = backoff;
    return TING_OK;
}

ting_err ting_ngram_make(const ting_ngram_table *table, ting_ngram **out)
{
    ting_err err = TING_OK;
    place *above = NULL, *below = NULL;
    *out = NULL;
    ting_ngram *g = ting_alloc(1, sizeof *g);
    if (g == NULL)
        return TING_ERR_MEMORY;
    g->order = table->order;
    for (g->width = 1; table->words.count > (size_t)1 << 8 * g->width;)
        g->width++;
    for (int k = 0; k < table->order; k++)
        if (table->level[k].count > INT32_MAX)
            FAIL(TING_ERR_UNSUPPORTED, "%zu n-grams of order %d, at most %d fit", table->level[k].count, k + 1, INT32_MAX);
    TRY(ting_texts_copy(&table->words, &g->words));
    TRY(copy_unigrams(g, &table->level[0]));
    above = sort_backwards(&table->level[0], 1);
    TRY(above != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int k = 2; k <= table->order; k++) {
        const ting_ngram_level *l = &table->level[k - 1];
        below = sort_backwards(l, k);
        TRY(below != NULL ? make_branch(g, l, k, below) : TING_ERR_MEMORY);
        TRY(link(g, above, table->level[k - 2].count, below, l->count, k - 1,
                 k == 2 ? &g->children : &g->branch[k - 2].children));
        ting_free(above);
        above = below;
        below = NULL;
    }
    *out = g;
    g = NULL;
out:
    ting_free(above);
    ting_free(below);
    ting_ngram_free(g);
    return err;
}
