/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_mix.c - see ngram_mix.h. */
#include "train/ngram_mix.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/vocabulary.h"
#include "train/ngram_fit.h"
#include "train/ngram_group.h"

static const double IMPOSSIBLE = 1e-50; /* less than this is what "never" became */

enum { ROUNDS = 10000 };

typedef struct part { /* a model, its words by their places in the united list */
    ting_ngram_table table;
    bool *known; /* [words] */
} part;

struct ting_ngram_mix {
    ting_texts words;
    part parts[TING_NGRAM_MIX_MOST];
    int count;
    double *probs; /* [tuned, count] */
    size_t tuned, room;
};

void ting_ngram_mix_free(ting_ngram_mix *m)
{
    if (m == NULL)
        return;
    for (int i = 0; i < m->count; i++) {
        ting_ngram_table_free(&m->parts[i].table);
        ting_free(m->parts[i].known);
    }
    ting_texts_free(&m->words);
    ting_free(m->probs);
    ting_free(m);
}

const ting_texts *ting_ngram_mix_words(const ting_ngram_mix *m)
{
    return &m->words;
}

/* ---- words ---- */

/* Appends to the block what the list has more than `united`. */
static void add_words(const ting_texts *list, const ting_vocabulary *united, ting_str *block, size_t *count)
{
    for (size_t w = TING_NGRAM_SPECIALS; w < list->count; w++) {
        const size_t length = strlen(list->items[w]);
        if (united != NULL && ting_vocabulary_find(united, list->items[w], length) != TING_NGRAM_UNKNOWN)
            continue;
        ting_str_add_bytes(block, list->items[w], length + 1);
        ++*count;
    }
}

static ting_err unite_words(ting_ngram_mix *m)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    ting_vocabulary *united = NULL;
    size_t count = TING_NGRAM_SPECIALS;
    ting_vocabulary_begin(&block);
    for (int i = 0; i < m->count; i++) {
        add_words(&m->parts[i].table.words, united, &block, &count);
        TRY(ting_str_ok(&block) ? TING_OK : TING_ERR_MEMORY);
        ting_vocabulary_free(united);
        united = NULL;
        ting_texts_free(&m->words);
        TRY(ting_texts_make(block.text, block.length, count, &m->words));
        TRY(ting_vocabulary_new(&m->words, &united));
    }
out:
    ting_vocabulary_free(united);
    ting_str_free(&block);
    return err;
}

/* The words of single-word order as the united list has them; what the model lacks is never said. */
static ting_err place_words(ting_ngram_table *t, const uint32_t *places, size_t words)
{
    ting_ngram_level *l = &t->level[0], old = *l;
    *l = (ting_ngram_level){.words = ting_alloc(words, sizeof *l->words),
                            .prob = ting_alloc(words, sizeof *l->prob),
                            .backoff = ting_alloc(words, sizeof *l->backoff),
                            .count = words,
                            .room = words};
    const bool well = l->words != NULL && l->prob != NULL && l->backoff != NULL;
    for (uint32_t w = 0; w < words && well; w++) {
        l->words[w] = w;
        l->prob[w] = (float)TING_NGRAM_NEVER;
    }
    for (size_t w = 0; w < old.count && well; w++) {
        l->prob[places[w]] = old.prob[w];
        l->backoff[places[w]] = old.backoff[w];
    }
    ting_free(old.words);
    ting_free(old.prob);
    ting_free(old.backoff);
    return well ? TING_OK : TING_ERR_MEMORY;
}

/* The words of a model become places in the united list. */
static ting_err place_part(part *p, const ting_texts *words, const ting_vocabulary *united)
{
    ting_err err = TING_OK;
    ting_ngram_table *t = &p->table;
    uint32_t *places = ting_alloc(t->words.count, sizeof *places);
    p->known = ting_alloc(words->count, sizeof *p->known);
    TRY(places != NULL && p->known != NULL ? TING_OK : TING_ERR_MEMORY);
    for (uint32_t w = 0; w < t->words.count; w++) {
        places[w] = w < TING_NGRAM_SPECIALS ? w : ting_vocabulary_find(united, t->words.items[w], strlen(t->words.items[w]));
        p->known[places[w]] = true;
    }
    TRY(place_words(t, places, words->count));
    for (int k = 2; k <= t->order; k++) {
        ting_ngram_level *l = &t->level[k - 1];
        for (size_t i = 0; i < l->count * (size_t)k; i++)
            l->words[i] = places[l->words[i]];
        TRY(ting_ngram_table_sort(t, k));
    }
    ting_texts_free(&t->words);
    ting_ngram_fit(t);
out:
    ting_free(places);
    return err;
}

ting_err ting_ngram_mix_new(ting_ngram_table *tables, int count, ting_ngram_mix **out)
{
    ting_err err = TING_OK;
    ting_vocabulary *united = NULL;
    *out = NULL;
    ting_ngram_mix *m = ting_alloc(1, sizeof *m);
    TRY(m != NULL ? TING_OK : TING_ERR_MEMORY);
    if (count < 1 || count > TING_NGRAM_MIX_MOST)
        FAIL(TING_ERR_ARGUMENT, "%d models to mix, expected 1 to %d", count, (int)TING_NGRAM_MIX_MOST);
    for (; m->count < count; m->count++) {
        m->parts[m->count].table = tables[m->count];
        tables[m->count] = (ting_ngram_table){0};
    }
    TRY(unite_words(m));
    TRY(ting_vocabulary_new(&m->words, &united));
    for (int i = 0; i < count; i++)
        TRY(place_part(&m->parts[i], &m->words, united));
    *out = m;
    m = NULL;
out:
    for (int i = 0; i < count; i++)
        ting_ngram_table_free(&tables[i]);
    ting_vocabulary_free(united);
    ting_ngram_mix_free(m);
    return err;
}

double ting_ngram_mix_score(const ting_ngram_mix *m, int i, int count, const uint32_t *words)
{
    const part *p = &m->parts[i];
    uint32_t own[TING_NGRAM_MOST];
    const int skip = count > p->table.order ? count - p->table.order : 0, left = count - skip;
    for (int k = 0; k < left; k++)
        own[k] = p->known[words[skip + k]] ? words[skip + k] : TING_NGRAM_UNKNOWN;
    return p->known[words[count - 1]] ? exp(ting_ngram_table_score(&p->table, left, own)) : 0;
}

/* ---- weights ---- */

ting_err ting_ngram_mix_tune(ting_ngram_mix *m, const uint32_t *words, size_t count)
{
    ting_err err = TING_OK;
    uint32_t gram[TING_NGRAM_MOST] = {TING_NGRAM_BEGIN};
    int length = 1;
    for (size_t at = 0; at <= count; at++) {
        const uint32_t word = at < count ? words[at] : TING_NGRAM_END;
        double most = 0;
        if (length == TING_NGRAM_MOST)
            memmove(gram, gram + 1, (size_t)--length * sizeof *gram);
        gram[length++] = word;
        TRY(ting_reserve(&m->probs, m->tuned * (size_t)m->count, (size_t)m->count, &m->room, sizeof *m->probs));
        double *probs = m->probs + m->tuned * (size_t)m->count;
        for (int i = 0; i < m->count; i++)
            most = fmax(most, probs[i] = ting_ngram_mix_score(m, i, length, gram));
        m->tuned += word != TING_NGRAM_UNKNOWN && most > IMPOSSIBLE;
    }
out:
    return err;
}

static double mixed(const double *probs, const double *weights, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += weights[i] * probs[i];
    return sum;
}

ting_ngram_tuned ting_ngram_mix_measure(const ting_ngram_mix *m, const double *weights)
{
    ting_ngram_tuned out = {.words = 0};
    for (size_t at = 0; at < m->tuned; at++) {
        const double prob = mixed(m->probs + at * (size_t)m->count, weights, m->count);
        if (prob < IMPOSSIBLE)
            continue;
        out.log_prob += log(prob);
        out.words++;
    }
    return out;
}

ting_ngram_tuned ting_ngram_mix_weights(const ting_ngram_mix *m, double *weights)
{
    double moved = 1;
    int rounds = 0;
    for (int i = 0; i < m->count; i++)
        weights[i] = 1.0 / m->count;
    while (m->tuned > 0 && moved > 1e-7 && rounds < ROUNDS) {
        double share[TING_NGRAM_MIX_MOST] = {0};
        for (size_t at = 0; at < m->tuned; at++) {
            const double *probs = m->probs + at * (size_t)m->count, all = mixed(probs, weights, m->count);
            for (int i = 0; i < m->count; i++)
                share[i] += weights[i] * probs[i] / all;
        }
        moved = 0;
        for (int i = 0; i < m->count; i++) {
            moved = fmax(moved, fabs(share[i] / (double)m->tuned - weights[i]));
            weights[i] = share[i] / (double)m->tuned;
        }
        rounds++;
    }
    ting_ngram_tuned out = ting_ngram_mix_measure(m, weights);
    out.rounds = rounds;
    return out;
}

/* ---- one model ---- */

static double log_mixed(const ting_ngram_mix *m, const double *weights, int count, const uint32_t *words)
{
    double probs[TING_NGRAM_MIX_MOST];
    for (int i = 0; i < m->count; i++)
        probs[i] = ting_ngram_mix_score(m, i, count, words);
    return fmax(log(mixed(probs, weights, m->count)), TING_NGRAM_NEVER);
}

/* All n-grams of order k that one of the models lists, in order: the lists are merged. */
static ting_err merge(const ting_ngram_mix *m, const double *weights, int k, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    const size_t n = (size_t)k;
    size_t at[TING_NGRAM_MIX_MOST] = {0};
    for (;;) {
        const uint32_t *least = NULL;
        for (int i = 0; i < m->count; i++) {
            const ting_ngram_level *l = &m->parts[i].table.level[k - 1];
            if (at[i] < l->count && (least == NULL || ting_ngram_compare(l->words + at[i] * n, least, k) < 0))
                least = l->words + at[i] * n;
        }
        if (least == NULL)
            break;
        TRY(ting_ngram_table_add(out, k, least, log_mixed(m, weights, k, least), 0));
        for (int i = 0; i < m->count; i++) {
            const ting_ngram_level *l = &m->parts[i].table.level[k - 1];
            at[i] += at[i] < l->count && ting_ngram_compare(l->words + at[i] * n, least, k) == 0;
        }
    }
out:
    return err;
}

ting_err ting_ngram_mix_make(ting_ngram_mix *m, const double *weights, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    *out = (ting_ngram_table){.words = m->words};
    m->words = (ting_texts){0};
    for (int i = 0; i < m->count; i++)
        out->order = m->parts[i].table.order > out->order ? m->parts[i].table.order : out->order;
    for (uint32_t w = 0; w < out->words.count; w++)
        TRY(ting_ngram_table_add(out, 1, &w, w == TING_NGRAM_BEGIN ? TING_NGRAM_NEVER : log_mixed(m, weights, 1, &w), 0));
    ting_ngram_fit_words(out);
    for (int k = 2; k <= out->order; k++) {
        const ting_ngram_level *l = &out->level[k - 1];
        TRY(merge(m, weights, k, out));
        for (size_t first = 0, end; first < l->count; first = end) {
            end = ting_ngram_group_end(l, k, first);
            const ting_ngram_sums sums = ting_ngram_group_sums(out, k, first, end, NULL);
            ting_ngram_fit_group(out, k, first, end, sums, 1 - sums.prob);
        }
    }
    TRY(ting_ngram_table_seal(out));
out:
    if (err != TING_OK)
        ting_ngram_table_free(out);
    return err;
}
