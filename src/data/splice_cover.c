/* SPDX-License-Identifier: Apache-2.0 */
/* splice_cover.c - see splice_cover.h. */
#include "data/splice_cover.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct ting_clip_index {
    ting_clip_entry *entries; /* [count] in the order of `compare` */
    int count, longest;
    int *syllables; /* those of all entries */
};

/* Lexicographic, a beginning before what goes on; among equals the smaller clip. */
static int compare_syllables(const int *a, int a_count, const int *b, int b_count)
{
    for (int i = 0; i < a_count && i < b_count; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return (a_count > b_count) - (a_count < b_count);
}

static int compare(const void *a, const void *b)
{
    const ting_clip_entry *x = a, *y = b;
    const int order = compare_syllables(x->syllables, x->count, y->syllables, y->count);
    return order != 0 ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

ting_err ting_clip_index_new(const ting_clip_entry *entries, int count, ting_clip_index **out)
{
    ting_err err = TING_ERR_MEMORY;
    size_t syllables = 0;
    ting_clip_index *index = ting_alloc(1, sizeof *index);
    *out = NULL;
    if (index == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < count; i++)
        syllables += (size_t)entries[i].count;
    index->entries = ting_alloc((size_t)count, sizeof *index->entries);
    index->syllables = ting_alloc(syllables, sizeof *index->syllables);
    if (index->entries == NULL || index->syllables == NULL)
        goto out;
    int *next = index->syllables;
    for (int i = 0; i < count; i++) {
        if (entries[i].count <= 0)
            continue;
        memcpy(next, entries[i].syllables, (size_t)entries[i].count * sizeof *next);
        index->entries[index->count++] = (ting_clip_entry){next, entries[i].count, entries[i].clip};
        index->longest = entries[i].count > index->longest ? entries[i].count : index->longest;
        next += entries[i].count;
    }
    qsort(index->entries, (size_t)index->count, sizeof *index->entries, compare);
    *out = index;
    err = TING_OK;
out:
    if (err != TING_OK)
        ting_clip_index_free(index);
    return err;
}

void ting_clip_index_free(ting_clip_index *index)
{
    if (index == NULL)
        return;
    ting_free(index->entries);
    ting_free(index->syllables);
    ting_free(index);
}

/* The first entry that does not stand before what is said (or, with `behind`, that stands after it). */
static int bound(const ting_clip_index *index, const int *said, int count, int behind)
{
    int low = 0, high = index->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const ting_clip_entry *e = &index->entries[middle];
        if (compare_syllables(e->syllables, e->count, said, count) < behind)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many clips say it; *first is the first of them. */
static int find(const ting_clip_index *index, const int *said, int count, int *first)
{
    *first = bound(index, said, count, 0);
    return bound(index, said, count, 1) - *first;
}

typedef struct rest { /* of the sentence from one syllable on */
    int fewest;       /* pieces that say it; INT_MAX: none can */
    double ways;      /* in which that many pieces can */
} rest;

/* Does a piece of n syllables begin one of the best ways from `at` on? *first is its first clip; returns how many. */
static int leads(const ting_clip_index *index, const int *sentence, int at, int n, const rest *rests, int *first)
{
    const int then = rests[at + n].fewest;
    return then != INT_MAX && then + 1 <= rests[at].fewest ? find(index, sentence + at, n, first) : 0;
}

static void look_at(const ting_clip_index *index, const int *sentence, int count, int at, rest *rests)
{
    int first;
    rests[at] = (rest){INT_MAX, 0};
    for (int n = 1; n <= index->longest && at + n <= count; n++) {
        const rest *then = &rests[at + n];
        if (leads(index, sentence, at, n, rests, &first) == 0)
            continue;
        if (then->fewest + 1 < rests[at].fewest)
            rests[at] = (rest){then->fewest + 1, 0};
        rests[at].ways += then->ways;
    }
}

/* The length of the next piece, each as likely as there are ways that begin with it. */
static int draw_piece(const ting_clip_index *index, ting_rng *rng, const int *sentence, int count, int at,
                      const rest *rests, int *clip)
{
    double left = ting_rng_uniform(rng) * rests[at].ways;
    int chosen = 0, first = 0, clips = 0, from;
    for (int n = 1; n <= index->longest && at + n <= count && left >= 0; n++) {
        const int found = leads(index, sentence, at, n, rests, &from);
        if (found == 0)
            continue;
        chosen = n;
        first = from;
        clips = found;
        left -= rests[at + n].ways;
    }
    *clip = index->entries[first + (int)ting_rng_below(rng, (uint32_t)clips)].clip;
    return chosen;
}

ting_err ting_clip_index_cover(const ting_clip_index *index, ting_rng *rng, const int *sentence, int count, int *clips,
                               int *used)
{
    rest *rests = ting_alloc((size_t)count + 1, sizeof *rests);
    *used = 0;
    if (rests == NULL)
        return TING_ERR_MEMORY;
    rests[count] = (rest){0, 1};
    for (int at = count - 1; at >= 0; at--)
        look_at(index, sentence, count, at, rests);
    for (int at = 0; at < count && rests[0].fewest != INT_MAX;)
        at += draw_piece(index, rng, sentence, count, at, rests, &clips[(*used)++]);
    ting_free(rests);
    return TING_OK;
}
