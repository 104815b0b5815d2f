/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_file.c - an n-gram model out of a file and into one. What was mapped is looked at once, so that no search can leave it. */
#include "model/ngram.h"

#include "base/mem.h"
#include "model/ngram_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARCHITECTURE "ngram"

enum { NAME = 64, MOST_WORDS = 1 << 24 };

/* ---- reading ---- */

/* A one-dimensional tensor "<k>.<name>" or, k 0, "<name>" of network lm; *count gets its length. */
static ting_err find(const ting_network *lm, int k, const char *name, ting_dtype dtype, const void **data, size_t *count)
{
    ting_err err = TING_OK;
    char full[NAME];
    if (k > 0)
        snprintf(full, sizeof full, "%s%d.%s", lm->tensors.prefix, k, name);
    else
        snprintf(full, sizeof full, "%s%s", lm->tensors.prefix, name);
    const ting_stored *t = ting_table_find(lm->tensors.table, full);
    if (t == NULL)
        FAIL(TING_ERR_NOT_FOUND, "%s: it has no tensor \"%s\"", lm->keys.file->label, full);
    if (t->dtype != dtype || t->dims != 1)
        FAIL(TING_ERR_MODEL, "%s: tensor \"%s\" is %s in %d dimensions, expected %s in one", lm->keys.file->label, full,
             ting_dtype_name(t->dtype), t->dims, ting_dtype_name(dtype));
    *data = t->data;
    *count = (size_t)t->shape[0];
out:
    return err;
}

static ting_err find_codes(const ting_network *lm, int k, const char *name, size_t count, ting_ngram_codes *out)
{
    ting_err err = TING_OK;
    char values[NAME];
    const void *codes, *numbers;
    size_t code_count, value_count;
    int largest = -1;
    snprintf(values, sizeof values, "%s.values", name);
    TRY(find(lm, k, name, TING_DTYPE_I8, &codes, &code_count));
    TRY(find(lm, k, values, TING_DTYPE_F32, &numbers, &value_count));
    *out = (ting_ngram_codes){codes, numbers, (int)value_count};
    for (size_t i = 0; i < code_count; i++)
        largest = out->codes[i] > largest ? out->codes[i] : largest;
    if (code_count != count || value_count > TING_NGRAM_CODES || largest >= out->value_count)
        FAIL(TING_ERR_MODEL, "%s: %d.%s has %zu codes up to %d and %zu values, expected %zu codes", lm->keys.file->label, k, name,
             code_count, largest, value_count, count);
    for (int i = 0; i < out->value_count; i++)
        if (!isfinite(out->values[i]))
            FAIL(TING_ERR_MODEL, "%s: %d.%s holds a value that is no number", lm->keys.file->label, k, name);
out:
    return err;
}

/* children [count + 1] never fall and end at the length of the next order. */
static ting_err check_children(const ting_network *lm, int k, const int32_t *children, size_t have, size_t count, size_t next)
{
    bool well = have == count + 1 && children[0] == 0;
    for (size_t i = 0; i < count && well; i++)
        well = children[i] <= children[i + 1];
    if (!well || (size_t)children[count] != next)
        return ting_fail(TING_ERR_MODEL, "%s: the children of the n-grams of order %d are not those of order %d", lm->keys.file->label,
                         k, k + 1);
    return TING_OK;
}

static ting_err read_branch(const ting_network *lm, ting_ngram *g, int k)
{
    ting_err err = TING_OK;
    ting_ngram_branch *b = &g->branch[k - 1];
    const void *words, *children;
    size_t bytes, have;
    TRY(find(lm, k, "words", TING_DTYPE_I8, &words, &bytes));
    b->words = words;
    b->count = bytes / (size_t)g->width;
    bool well = bytes % (size_t)g->width == 0 && b->count <= INT32_MAX;
    for (size_t i = 0; i < b->count && well; i++)
        well = ting_ngram_word(b, g->width, i) < g->words.count;
    if (!well)
        FAIL(TING_ERR_MODEL, "%s: %d.words names words that there are not", lm->keys.file->label, k);
    TRY(find_codes(lm, k, "prob", b->count, &b->prob));
    const int32_t *above = g->children;
    size_t above_count = g->words.count;
    if (k == 2) {
        TRY(find(lm, 0, "unigrams.children", TING_DTYPE_I32, &children, &have));
        above = g->children = children;
    } else {
        TRY(find_codes(lm, k - 1, "backoff", g->branch[k - 2].count, &g->branch[k - 2].backoff));
        TRY(find(lm, k - 1, "children", TING_DTYPE_I32, &children, &have));
        above = g->branch[k - 2].children = children;
        above_count = g->branch[k - 2].count;
    }
    TRY(check_children(lm, k - 1, above, have, above_count, b->count));
out:
    return err;
}

static ting_err read_unigrams(const ting_network *lm, ting_ngram *g)
{
    ting_err err = TING_OK;
    const void *prob, *backoff;
    size_t probs, backoffs;
    TRY(find(lm, 0, "unigrams.prob", TING_DTYPE_F32, &prob, &probs));
    TRY(find(lm, 0, "unigrams.backoff", TING_DTYPE_F32, &backoff, &backoffs));
    g->prob = prob;
    g->backoff = backoff;
    bool well = probs == g->words.count && backoffs == probs;
    for (size_t i = 0; i < probs && well; i++)
        well = isfinite(g->prob[i]) && isfinite(g->backoff[i]);
    if (!well)
        FAIL(TING_ERR_MODEL, "%s: %zu and %zu numbers for %zu words, or some that are none", lm->keys.file->label, probs, backoffs,
             g->words.count);
out:
    return err;
}

ting_err ting_ngram_open(const ting_network *lm, ting_ngram **out)
{
    ting_err err = TING_OK;
    int64_t order;
    *out = NULL;
    ting_ngram *g = ting_alloc(1, sizeof *g);
    if (g == NULL)
        return TING_ERR_MEMORY;
    if (strcmp(lm->architecture, ARCHITECTURE) != 0)
        FAIL(TING_ERR_MODEL, "%s: its language model is \"%s\", expected \"%s\"", lm->keys.file->label, lm->architecture, ARCHITECTURE);
    TRY(ting_keys_integer(&lm->keys, "order", 1, TING_NGRAM_MOST, &order));
    TRY(ting_keys_texts(&lm->keys, TING_KEY_TOKENS, &g->words));
    if (g->words.count < TING_NGRAM_SPECIALS || g->words.count > MOST_WORDS)
        FAIL(TING_ERR_MODEL, "%s: %zu words, expected %d to %d", lm->keys.file->label, g->words.count, (int)TING_NGRAM_SPECIALS,
             (int)MOST_WORDS);
    g->order = (int)order;
    for (g->width = 1; g->words.count > (size_t)1 << 8 * g->width;)
        g->width++;
    TRY(read_unigrams(lm, g));
    for (int k = 2; k <= g->order; k++)
        TRY(read_branch(lm, g, k));
    *out = g;
    g = NULL;
out:
    ting_ngram_free(g);
    return err;
}

/* ---- writing ---- */

static void put(ting_gguf_writer *writer, int k, const char *name, ting_dtype dtype, const void *data, size_t count)
{
    char full[NAME];
    const ting_stored tensor = {
        .dtype = dtype, .dims = 1, .shape = {(int64_t)count}, .data = data, .bytes = ting_dtype_bytes(dtype, count)};
    if (k > 0)
        snprintf(full, sizeof full, "lm.%d.%s", k, name);
    else
        snprintf(full, sizeof full, "lm.%s", name);
    ting_gguf_put_tensor(writer, full, &tensor, dtype);
}

void ting_ngram_put(const ting_ngram *g, ting_gguf_writer *writer)
{
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_ARCHITECTURE, ARCHITECTURE);
    ting_gguf_put_integer(writer, "tingxie.lm.order", g->order);
    ting_gguf_put_texts(writer, "tingxie.lm." TING_KEY_TOKENS, g->words.items, g->words.count);
    put(writer, 0, "unigrams.prob", TING_DTYPE_F32, g->prob, g->words.count);
    put(writer, 0, "unigrams.backoff", TING_DTYPE_F32, g->backoff, g->words.count);
    if (g->order > 1)
        put(writer, 0, "unigrams.children", TING_DTYPE_I32, g->children, g->words.count + 1);
    for (int k = 2; k <= g->order; k++) {
        const ting_ngram_branch *b = &g->branch[k - 1];
        put(writer, k, "words", TING_DTYPE_I8, b->words, b->count * (size_t)g->width);
        put(writer, k, "prob", TING_DTYPE_I8, b->prob.codes, b->count);
        put(writer, k, "prob.values", TING_DTYPE_F32, b->prob.values, (size_t)b->prob.value_count);
        if (k == g->order)
            continue;
        put(writer, k, "backoff", TING_DTYPE_I8, b->backoff.codes, b->count);
        put(writer, k, "backoff.values", TING_DTYPE_F32, b->backoff.values, (size_t)b->backoff.value_count);
        put(writer, k, "children", TING_DTYPE_I32, b->children, b->count + 1);
    }
}
