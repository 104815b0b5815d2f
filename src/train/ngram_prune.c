/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_prune.c - see ngram_prune.h. */
#include "train/ngram_prune.h"

#include "base/mem.h"
#include "train/ngram_group.h"

#include <math.h>
#include <string.h>

typedef struct pruning {
    ting_ngram_table *table;
    double threshold;
    bool *needed[TING_NGRAM_MOST]; /* an n-gram of the order above begins or ends with this one */
    bool *out;                     /* of the order at hand: leaves */
} pruning;

/* log p of the words of an n-gram, one after the other. */
static double chain(const ting_ngram_table *t, int count, const uint32_t *words)
{
    double sum = 0;
    for (int i = words[0] == TING_NGRAM_BEGIN ? 1 : 0; i < count; i++) /* every sentence begins */
        sum += ting_ngram_table_score(t, i + 1, words);
    return sum;
}

/* What a group leaves to backing off: of p(. | h) and of p(. | h'). */
static void left_over(const ting_ngram_table *t, int k, size_t first, size_t end, const bool *out, double left[2])
{
    const ting_ngram_sums sums = ting_ngram_group_sums(t, k, first, end, out);
    left[0] = 1 - sums.prob;
    left[1] = 1 - sums.lower;
}

static double share_of(const double left[2])
{
    const double tiny = 1e-12; /* what rounding leaves of nothing */
    return log(fmax(left[0], tiny)) - log(fmax(left[1], tiny));
}

static void prune_group(pruning *p, int k, size_t first, size_t end)
{
    const ting_ngram_table *t = p->table;
    const ting_ngram_level *l = &t->level[k - 1];
    double left[2];
    left_over(t, k, first, end, NULL, left);
    const double backoff = share_of(left), context = chain(t, k - 1, l->words + first * (size_t)k);
    for (size_t i = first; i < end; i++) {
        const double prob = (double)l->prob[i], lower = ting_ngram_table_score(t, k - 1, l->words + i * (size_t)k + 1);
        const double without = share_of((const double[]){left[0] + exp(prob), left[1] + exp(lower)});
        const double moved = -exp(context) * (exp(prob) * (lower + without - prob) + fmax(left[0], 0) * (without - backoff));
        p->out[i] = (p->needed[k - 1] == NULL || !p->needed[k - 1][i]) && expm1(moved) < p->threshold;
    }
    left_over(t, k, first, end, p->out, left);
    const ptrdiff_t at = ting_ngram_table_find(t, k - 1, l->words + first * (size_t)k);
    bool any = false;
    for (size_t i = first; i < end; i++)
        any = any || !p->out[i];
    t->level[k - 2].backoff[at] = any ? (float)share_of(left) : 0;
}

/* Moves what stays together; what it begins and ends with is needed below. */
static ting_err keep(pruning *p, int k)
{
    ting_ngram_table *t = p->table;
    ting_ngram_level *l = &t->level[k - 1];
    const size_t n = (size_t)k;
    size_t kept = 0;
    if (k > 2 && (p->needed[k - 2] = ting_alloc(t->level[k - 2].count, sizeof(bool))) == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < l->count; i++) {
        if (p->out[i])
            continue;
        uint32_t *words = l->words + kept * n;
        memmove(words, l->words + i * n, n * sizeof *words);
        l->prob[kept] = l->prob[i];
        l->backoff[kept++] = l->backoff[i];
        for (int side = 0; side < 2 && k > 2; side++)
            p->needed[k - 2][ting_ngram_table_find(t, k - 1, words + side)] = true;
    }
    l->count = kept;
    return TING_OK;
}

ting_err ting_ngram_prune(ting_ngram_table *t, double threshold)
{
    ting_err err = TING_OK;
    pruning p = {.table = t, .threshold = threshold};
    for (int k = t->order; k >= 2; k--) {
        const ting_ngram_level *l = &t->level[k - 1];
        p.out = ting_alloc(l->count, sizeof *p.out);
        TRY(p.out != NULL ? TING_OK : TING_ERR_MEMORY);
        for (size_t first = 0, end; first < l->count; first = end) {
            end = ting_ngram_group_end(l, k, first);
            prune_group(&p, k, first, end);
        }
        TRY(keep(&p, k));
        ting_free(p.out);
        p.out = NULL;
    }
    TRY(ting_ngram_table_seal(t));
out:
    ting_free(p.out);
    for (int k = 0; k < TING_NGRAM_MOST; k++)
        ting_free(p.needed[k]);
    return err;
}
