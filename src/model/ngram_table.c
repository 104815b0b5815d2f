/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_table.c - see ngram_table.h. */
#include "model/ngram_table.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void ting_ngram_table_free(ting_ngram_table *table)
{
    for (int k = 0; k < TING_NGRAM_MOST; k++) {
        ting_free(table->level[k].words);
        ting_free(table->level[k].prob);
        ting_free(table->level[k].backoff);
    }
    ting_texts_free(&table->words);
    *table = (ting_ngram_table){0};
}

ting_err ting_ngram_table_add(ting_ngram_table *table, int order, const uint32_t *words, double prob, double backoff)
{
    ting_err err = TING_OK;
    ting_ngram_level *l = &table->level[order - 1];
    if (l->count == l->room) {
        const size_t n = (size_t)order;
        size_t rooms[3] = {l->room, l->room, l->room};
        TRY(ting_reserve(&l->words, l->count, 1, &rooms[0], n * sizeof *l->words));
        TRY(ting_reserve(&l->prob, l->count, 1, &rooms[1], sizeof *l->prob));
        TRY(ting_reserve(&l->backoff, l->count, 1, &rooms[2], sizeof *l->backoff));
        l->room = rooms[0] < rooms[1] ? rooms[0] : rooms[1];
        l->room = rooms[2] < l->room ? rooms[2] : l->room;
    }
    memcpy(l->words + l->count * (size_t)order, words, (size_t)order * sizeof *words);
    l->prob[l->count] = (float)prob;
    l->backoff[l->count++] = (float)backoff;
out:
    return err;
}

/* ---- order ---- */

typedef struct entry { /* of a list while it is sorted */
    uint32_t words[TING_NGRAM_MOST];
    float prob, backoff;
} entry;

static int compare_entries(const void *a, const void *b)
{
    return ting_ngram_compare(((const entry *)a)->words, ((const entry *)b)->words, TING_NGRAM_MOST);
}

static bool is_sorted(const ting_ngram_level *l, int order)
{
    for (size_t i = 1; i < l->count; i++)
        if (ting_ngram_compare(l->words + (i - 1) * (size_t)order, l->words + i * (size_t)order, order) >= 0)
            return false;
    return true;
}

ting_err ting_ngram_table_sort(ting_ngram_table *table, int order)
{
    ting_ngram_level *l = &table->level[order - 1];
    const size_t n = (size_t)order;
    if (is_sorted(l, order))
        return TING_OK;
    entry *entries = ting_alloc(l->count, sizeof *entries); /* zeroed: words beyond the order compare equal */
    if (entries == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < l->count; i++) {
        memcpy(entries[i].words, l->words + i * n, n * sizeof *l->words);
        entries[i].prob = l->prob[i];
        entries[i].backoff = l->backoff[i];
    }
    qsort(entries, l->count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < l->count; i++) {
        memcpy(l->words + i * n, entries[i].words, n * sizeof *l->words);
        l->prob[i] = entries[i].prob;
        l->backoff[i] = entries[i].backoff;
    }
    ting_free(entries);
    return TING_OK;
}

/* The words of an n-gram with spaces between, for a message. */
static void print(const ting_ngram_table *t, int order, const uint32_t *words, char *out, size_t room)
{
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; i < order && length < room; i++)
        length += (size_t)snprintf(out + length, room - length, "%s%s", i > 0 ? " " : "", t->words.items[words[i]]);
}

static ting_err check(const ting_ngram_table *t, int order)
{
    const ting_ngram_level *l = &t->level[order - 1];
    char text[256];
    for (size_t i = 0; i < l->count; i++) {
        const uint32_t *words = l->words + i * (size_t)order;
        const bool twice = i > 0 && ting_ngram_compare(words - order, words, order) == 0;
        if (!twice && (order == 1 || (ting_ngram_table_find(t, order - 1, words) >= 0 &&
                                      ting_ngram_table_find(t, order - 1, words + 1) >= 0)))
            continue;
        print(t, order, words, text, sizeof text);
        return ting_fail(TING_ERR_FORMAT, twice ? "the n-gram \"%s\" stands twice"
                                                : "the n-gram \"%s\" is listed, but not its beginning or end of a word less", text);
    }
    return TING_OK;
}

ting_err ting_ngram_table_seal(ting_ngram_table *t)
{
    ting_err err = TING_OK;
    for (int k = 1; k <= t->order; k++) {
        TRY(ting_ngram_table_sort(t, k));
        TRY(check(t, k));
    }
    if (t->level[0].count != t->words.count)
        FAIL(TING_ERR_FORMAT, "%zu words have a probability, expected all %zu", t->level[0].count, t->words.count);
out:
    return err;
}

/* ---- looking up ---- */

ptrdiff_t ting_ngram_table_find(const ting_ngram_table *t, int order, const uint32_t *words)
{
    const ting_ngram_level *l = &t->level[order - 1];
    if (order == 1)
        return words[0] < l->count ? (ptrdiff_t)words[0] : -1;
    size_t low = 0, high = l->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int side = ting_ngram_compare(l->words + middle * (size_t)order, words, order);
        if (side == 0)
            return (ptrdiff_t)middle;
        if (side < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

double ting_ngram_table_score(const ting_ngram_table *t, int count, const uint32_t *words)
{
    double backoff = 0;
    for (; count > 1; count--, words++) {
        const ptrdiff_t at = ting_ngram_table_find(t, count, words);
        if (at >= 0)
            return backoff + (double)t->level[count - 1].prob[at];
        const ptrdiff_t context = ting_ngram_table_find(t, count - 1, words);
        backoff += context >= 0 ? (double)t->level[count - 2].backoff[context] : 0;
    }
    return backoff + (double)t->level[0].prob[words[0]];
}
