/* SPDX-License-Identifier: Apache-2.0 */
/* nbest_text.c - see nbest_text.h. */
#include "engine/nbest_text.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 64, SHOWN = 40 };

void ting_nbest_free(ting_nbest *nbest)
{
    ting_free(nbest->lines);
    ting_free(nbest->starts);
    *nbest = (ting_nbest){0};
}

static ting_err read_score(const char *name, long number, ting_view field, double *out)
{
    char copy[NUMBER], *end = copy;
    if (field.length > 0 && field.length < sizeof copy) {
        memcpy(copy, field.text, field.length);
        copy[field.length] = '\0';
        *out = ting_number_read(copy, &end);
    }
    if (end == copy || *end != '\0' || !isfinite(*out))
        return ting_fail(TING_ERR_FORMAT, "%s:%ld: \"%.*s\", expected a number as a score", name, number,
                         (int)(field.length < SHOWN ? field.length : SHOWN), field.text);
    return TING_OK;
}

static bool is_number(ting_view field)
{
    char copy[NUMBER], *end = copy;
    if (field.length == 0 || field.length >= sizeof copy)
        return false;
    memcpy(copy, field.text, field.length);
    copy[field.length] = '\0';
    (void)ting_number_read(copy, &end);
    return end != copy && *end == '\0';
}

static bool is_rank(ting_view field, long *out)
{
    enum { DIGITS = 9 };
    *out = 0;
    if (field.length == 0 || field.length > DIGITS)
        return false;
    for (size_t i = 0; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9')
            return false;
        *out = 10 * *out + (field.text[i] - '0');
    }
    return true;
}

/* The next line that is not empty; *number counts all of them. */
static bool next_line(ting_view *text, long *number, ting_view *line)
{
    while (text->length > 0) {
        const char *stop = memchr(text->text, '\n', text->length);
        const size_t length = stop != NULL ? (size_t)(stop - text->text) : text->length, used = length + (stop != NULL);
        *line = (ting_view){text->text, length};
        *text = (ting_view){text->text + used, text->length - used};
        ++*number;
        if (ting_view_trim(*line).length > 0)
            return true;
    }
    return false;
}

/* Lines of [utterance,] rank, score, text. */
static bool has_ranks(ting_view text)
{
    bool words = false;
    int columns = 0;
    long number = 0, rank;
    ting_view line;
    while (next_line(&text, &number, &line)) {
        ting_tsv fields;
        ting_tsv_cut(line, &fields);
        columns = columns == 0 ? fields.count : columns;
        if (fields.count != columns || (columns != 3 && columns != 4) || !is_rank(ting_tsv_at(&fields, columns - 3), &rank))
            return false;
        if (columns == 3 && rank > 0 && !is_number(ting_tsv_at(&fields, 1)))
            return false;
        words = words || !is_number(ting_tsv_at(&fields, columns - 1));
    }
    return words;
}

static ting_err read_ranked(const char *name, long number, ting_view text, ting_nbest *out)
{
    ting_err err = TING_OK;
    ting_tsv fields;
    ting_tsv_cut(text, &fields);
    const int rank = fields.count - 3;
    const ting_view score = ting_tsv_at(&fields, rank + 1);
    ting_nbest_line line = {.utterance = rank > 0 ? ting_tsv_at(&fields, 0) : (ting_view){"-", 1}, .text = ting_tsv_at(&fields, rank + 2)};
    is_rank(ting_tsv_at(&fields, rank), &line.rank);
    if (line.utterance.length == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: expected the name of an utterance before the first tab", name, number);
    if (line.rank > 0 || score.length > 0)
        TRY(read_score(name, number, score, &line.scores[0]));
    TRY(ting_reserve(&out->lines, out->count, 1, &out->room, sizeof *out->lines));
    out->scores = 1;
    out->lines[out->count++] = line;
out:
    return err;
}

static ting_err read_line(const char *name, long number, ting_view text, ting_nbest *out)
{
    ting_err err = TING_OK;
    ting_tsv fields;
    ting_tsv_cut(text, &fields);
    const int scores = fields.count - 2;
    ting_nbest_line line = {.utterance = ting_tsv_at(&fields, 0), .text = ting_tsv_at(&fields, 1)};
    if (scores < 0 || line.utterance.length == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: expected an utterance, a tab and a text", name, number);
    if (scores > TING_NBEST_SCORES || (out->count > 0 && scores != out->scores))
        FAIL(TING_ERR_FORMAT, "%s:%ld: %d scores, expected %s%d", name, number, scores, out->count > 0 ? "" : "at most ",
             out->count > 0 ? out->scores : (int)TING_NBEST_SCORES);
    for (int i = 0; i < scores; i++)
        TRY(read_score(name, number, ting_tsv_at(&fields, 2 + i), &line.scores[i]));
    TRY(ting_reserve(&out->lines, out->count, 1, &out->room, sizeof *out->lines));
    out->scores = scores;
    out->lines[out->count++] = line;
out:
    return err;
}

/* ---- lines of an utterance together ---- */

typedef struct place {
    const ting_nbest_line *line;
    size_t number, first; /* of the line; of the first line of its utterance */
} place;

static int compare_names(const void *a, const void *b)
{
    const place *x = a, *y = b;
    const ting_view p = x->line->utterance, q = y->line->utterance;
    const int side = memcmp(p.text, q.text, p.length < q.length ? p.length : q.length);
    if (side != 0)
        return side;
    if (p.length != q.length)
        return p.length < q.length ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int compare_order(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static bool is_same(ting_view a, ting_view b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static ting_err group(ting_nbest *n)
{
    ting_err err = TING_OK;
    place *places = ting_alloc(n->count, sizeof *places);
    ting_nbest_line *sorted = ting_alloc(n->count, sizeof *sorted);
    n->starts = ting_alloc(n->count + 1, sizeof *n->starts);
    TRY(places != NULL && sorted != NULL && n->starts != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t i = 0; i < n->count; i++)
        places[i] = (place){&n->lines[i], i, 0};
    if (n->count > 0)
        qsort(places, n->count, sizeof *places, compare_names);
    for (size_t i = 0; i < n->count; i++) {
        const bool same = i > 0 && is_same(places[i].line->utterance, places[i - 1].line->utterance);
        places[i].first = same ? places[i - 1].first : places[i].number;
    }
    if (n->count > 0)
        qsort(places, n->count, sizeof *places, compare_order);
    for (size_t i = 0; i < n->count; i++) {
        if (places[i].first == places[i].number)
            n->starts[n->utterances++] = i;
        sorted[i] = *places[i].line;
    }
    n->starts[n->utterances] = n->count;
    ting_free(n->lines);
    n->lines = sorted;
    n->room = n->count;
    sorted = NULL;
out:
    ting_free(places);
    ting_free(sorted);
    return err;
}

/* Of a list with ranks: where they begin anew, or the name is another one, there begins the next utterance. */
static ting_err group_ranked(ting_nbest *n)
{
    ting_err err = TING_OK;
    n->starts = ting_alloc(n->count + 1, sizeof *n->starts);
    TRY(n->starts != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t i = 0; i < n->count; i++)
        if (i == 0 || n->lines[i].rank <= n->lines[i - 1].rank || !is_same(n->lines[i].utterance, n->lines[i - 1].utterance))
            n->starts[n->utterances++] = i;
    n->starts[n->utterances] = n->count;
out:
    return err;
}

ting_err ting_nbest_parse(const char *name, const char *text, size_t size, ting_nbest *out)
{
    ting_err err = TING_OK;
    long number = 0;
    const size_t mark = ting_utf8_mark(text, size);
    ting_view left = {text + mark, size - mark}, line;
    *out = (ting_nbest){0};
    out->ranked = has_ranks(left);
    while (next_line(&left, &number, &line))
        TRY(out->ranked ? read_ranked(name, number, line, out) : read_line(name, number, line, out));
    TRY(out->ranked ? group_ranked(out) : group(out));
out:
    if (err != TING_OK)
        ting_nbest_free(out);
    return err;
}
