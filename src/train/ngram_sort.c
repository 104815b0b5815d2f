/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_sort.c - see ngram_sort.h. A record is its words and the two halves of its count, all 32 bits wide. */
#include "train/ngram_sort.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 512, MOST_RECORD = TING_NGRAM_MOST + 2, READ_AHEAD = 1 << 16 };

typedef struct run { /* sorted records in a file */
    FILE *file;
    uint32_t *block; /* some of them */
    size_t at, count;
} run;

struct ting_ngram_sorter {
    int order;
    size_t record, room, count; /* words of 32 bits a record; records */
    uint32_t *records;
    run runs[MOST_RUNS];
    int run_count;
    int heap[MOST_RUNS], heap_count; /* runs by their first record */
    size_t at;                       /* without runs: the next record in memory */
    uint32_t current[MOST_RECORD];
};

ting_err ting_ngram_sorter_new(int order, size_t memory, ting_ngram_sorter **out)
{
    ting_ngram_sorter *s = ting_alloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->order = order;
    s->record = (size_t)order + 2;
    s->room = memory / (s->record * sizeof *s->records);
    s->records = ting_alloc_unset(s->room * s->record * sizeof *s->records);
    if (s->records == NULL) {
        ting_free(s);
        return TING_ERR_MEMORY;
    }
    *out = s;
    return TING_OK;
}

void ting_ngram_sorter_free(ting_ngram_sorter *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->run_count; i++) {
        if (s->runs[i].file != NULL)
            fclose(s->runs[i].file);
        ting_free(s->runs[i].block);
    }
    ting_free(s->records);
    ting_free(s);
}

/* ---- records ---- */

static uint64_t count_of(const ting_ngram_sorter *s, const uint32_t *record)
{
    return (uint64_t)record[s->order] << 32 | record[s->order + 1];
}

static void set_count(const ting_ngram_sorter *s, uint32_t *record, uint64_t count)
{
    record[s->order] = (uint32_t)(count >> 32);
    record[s->order + 1] = (uint32_t)count;
}

/* Quicksort of records as wide as they are (qsort asks for a comparison that does not know how wide); small parts by insertion. */
static void swap(uint32_t *a, uint32_t *b, size_t record)
{
    for (size_t i = 0; i < record; i++) {
        const uint32_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void insert_sort(uint32_t *records, size_t count, size_t record, int order)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && ting_ngram_compare(records + (j - 1) * record, records + j * record, order) > 0; j--)
            swap(records + (j - 1) * record, records + j * record, record);
}

static void sink(uint32_t *records, size_t at, size_t count, size_t record, int order)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && ting_ngram_compare(records + child * record, records + (child + 1) * record, order) < 0)
            child++;
        if (ting_ngram_compare(records + at * record, records + child * record, order) >= 0)
            return;
        swap(records + at * record, records + child * record, record);
    }
}

static void heap_sort(uint32_t *records, size_t count, size_t record, int order)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(records, i, count, record, order);
    for (size_t end = count; end-- > 1;) {
        swap(records, records + end * record, record);
        sink(records, 0, end, record, order);
    }
}

static void quick_sort(uint32_t *records, size_t count, size_t record, int order, int depth)
{
    enum { SMALL = 16 };
    while (count > SMALL) {
        if (depth-- == 0) { /* bad luck with every pivot */
            heap_sort(records, count, record, order);
            return;
        }
        uint32_t pivot[MOST_RECORD];
        memcpy(pivot, records + count / 2 * record, record * sizeof *pivot);
        size_t low = 0, high = count - 1;
        for (;; low++, high--) {
            while (ting_ngram_compare(records + low * record, pivot, order) < 0)
                low++;
            while (ting_ngram_compare(pivot, records + high * record, order) < 0)
                high--;
            if (low >= high)
                break;
            swap(records + low * record, records + high * record, record);
        }
        const size_t left = high + 1;
        quick_sort(records, left, record, order, depth);
        records += left * record;
        count -= left;
    }
    insert_sort(records, count, record, order);
}

/* Sorts what is in memory and puts equal ones together. */
static void compact(ting_ngram_sorter *s)
{
    enum { DEPTH = 64 };
    quick_sort(s->records, s->count, s->record, s->order, DEPTH);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t *from = s->records + i * s->record;
        uint32_t *last = s->records + (kept > 0 ? kept - 1 : 0) * s->record;
        if (kept > 0 && ting_ngram_compare(last, from, s->order) == 0)
            set_count(s, last, count_of(s, last) + count_of(s, from));
        else
            memmove(s->records + kept++ * s->record, from, s->record * sizeof *from);
    }
    s->count = kept;
}

/* ---- files ---- */

static ting_err spill(ting_ngram_sorter *s)
{
    ting_err err = TING_OK;
    if (s->run_count == MOST_RUNS)
        FAIL(TING_ERR_MEMORY, "%d sorted files of n-grams are not enough: give more memory", (int)MOST_RUNS);
    run *r = &s->runs[s->run_count++];
    r->file = ting_file_temporary();
    if (r->file == NULL || fwrite(s->records, s->record * sizeof *s->records, s->count, r->file) != s->count ||
        fflush(r->file) != 0 || fseek(r->file, 0, SEEK_SET) != 0)
        FAIL(TING_ERR_IO, "a file for sorting n-grams (in the folder that TMPDIR names, else in /tmp): %s", strerror(errno));
    s->count = 0;
out:
    return err;
}

ting_err ting_ngram_sorter_add(ting_ngram_sorter *s, const uint32_t *words, uint64_t count)
{
    ting_err err = TING_OK;
    if (s->count == s->room) {
        compact(s);
        if (s->count > s->room / 2)
            TRY(spill(s));
    }
    uint32_t *record = s->records + s->count++ * s->record;
    memcpy(record, words, (size_t)s->order * sizeof *words);
    set_count(s, record, count);
out:
    return err;
}

/* The first record that a run still has; NULL: none. */
static const uint32_t *first(const ting_ngram_sorter *s, int number)
{
    const run *r = &s->runs[number];
    return r->at < r->count ? r->block + r->at * s->record : NULL;
}

static ting_err refill(ting_ngram_sorter *s, run *r)
{
    ting_err err = TING_OK;
    const size_t bytes = s->record * sizeof *r->block, room = READ_AHEAD / bytes;
    if (r->block == NULL && (r->block = ting_alloc(room, bytes)) == NULL)
        return TING_ERR_MEMORY;
    r->at = 0;
    r->count = fread(r->block, bytes, room, r->file);
    if (r->count == 0 && ferror(r->file))
        FAIL(TING_ERR_IO, "a file for sorting n-grams cannot be read back: %s", strerror(errno));
out:
    return err;
}

/* Whether run a comes before run b. */
static bool before(const ting_ngram_sorter *s, int a, int b)
{
    const uint32_t *x = first(s, a), *y = first(s, b);
    return x != NULL && (y == NULL || ting_ngram_compare(x, y, s->order) < 0);
}

static void settle(ting_ngram_sorter *s, int at)
{
    for (int child; (child = 2 * at + 1) < s->heap_count; at = child) {
        child += child + 1 < s->heap_count && before(s, s->heap[child + 1], s->heap[child]);
        if (!before(s, s->heap[child], s->heap[at]))
            return;
        const int kept = s->heap[at];
        s->heap[at] = s->heap[child];
        s->heap[child] = kept;
    }
}

ting_err ting_ngram_sorter_finish(ting_ngram_sorter *s)
{
    ting_err err = TING_OK;
    compact(s);
    if (s->run_count == 0)
        return TING_OK;
    TRY(spill(s));
    ting_free(s->records);
    s->records = NULL;
    for (int i = 0; i < s->run_count; i++) {
        TRY(refill(s, &s->runs[i]));
        s->heap[s->heap_count++] = i;
    }
    for (int i = s->heap_count / 2; i-- > 0;)
        settle(s, i);
out:
    return err;
}

/* Takes the first record of all runs into s->current; *found: whether there was one. */
static ting_err take(ting_ngram_sorter *s, bool *found)
{
    ting_err err = TING_OK;
    const uint32_t *record = first(s, s->heap[0]);
    *found = record != NULL;
    if (record == NULL)
        return TING_OK;
    memcpy(s->current, record, s->record * sizeof *record);
    run *r = &s->runs[s->heap[0]];
    if (++r->at == r->count)
        TRY(refill(s, r));
    settle(s, 0);
out:
    return err;
}

ting_err ting_ngram_sorter_next(ting_ngram_sorter *s, ting_ngram_counted *out)
{
    ting_err err = TING_OK;
    bool found = false;
    *out = (ting_ngram_counted){0};
    if (s->run_count == 0) {
        if (s->at < s->count) {
            const uint32_t *record = s->records + s->at++ * s->record;
            *out = (ting_ngram_counted){record, count_of(s, record)};
        }
        return TING_OK;
    }
    TRY(take(s, &found));
    if (!found)
        return TING_OK;
    uint64_t count = count_of(s, s->current);
    for (const uint32_t *more; (more = first(s, s->heap[0])) != NULL && ting_ngram_compare(more, s->current, s->order) == 0;) {
        uint64_t sum = count;
        TRY(take(s, &found));
        count = sum + count_of(s, s->current);
    }
    *out = (ting_ngram_counted){s->current, count};
out:
    return err;
}
