/* SPDX-License-Identifier: Apache-2.0 */
/* ngram.c - see ngram.h: searching the tree. */
#include "model/ngram.h"

#include "base/mem.h"
#include "model/ngram_parts.h"

void ting_ngram_free(ting_ngram *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < g->owned_count; i++)
        ting_free(g->owned[i]);
    ting_texts_free(&g->words);
    ting_free(g);
}

int ting_ngram_order(const ting_ngram *g)
{
    return g->order;
}

const ting_texts *ting_ngram_words(const ting_ngram *g)
{
    return &g->words;
}

size_t ting_ngram_count(const ting_ngram *g, int order)
{
    return order == 1 ? g->words.count : g->branch[order - 1].count;
}

ting_ngram_state ting_ngram_empty(void)
{
    return (ting_ngram_state){.count = 0};
}

ting_ngram_state ting_ngram_begin(const ting_ngram *g)
{
    return (ting_ngram_state){
        .count = g->order > 1, .words = {TING_NGRAM_BEGIN}, .backoff = {g->backoff[TING_NGRAM_BEGIN]}};
}

/* The n-gram of the branch within [low, high) whose first word is `word`; `high` when there is none. */
static size_t find(const ting_ngram_branch *branch, int width, size_t low, size_t high, uint32_t word)
{
    const size_t none = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint32_t there = ting_ngram_word(branch, width, middle);
        if (there == word)
            return middle;
        if (there < word)
            low = middle + 1;
        else
            high = middle;
    }
    return none;
}

double ting_ngram_score(const ting_ngram *g, const ting_ngram_state *in, uint32_t word, ting_ngram_state *out)
{
    double prob = (double)g->prob[word];
    ting_ngram_state after = {.count = g->order > 1, .words = {word}, .backoff = {g->backoff[word]}};
    const int32_t *children = g->children;
    size_t at = word;
    int matched = 0;
    for (; matched < in->count; matched++) {
        const ting_ngram_branch *branch = &g->branch[matched + 1];
        const size_t end = (size_t)children[at + 1];
        at = find(branch, g->width, (size_t)children[at], end, in->words[matched]);
        if (at == end)
            break;
        prob = (double)branch->prob.values[branch->prob.codes[at]];
        if (matched + 2 == g->order) { /* the longest there are, which are nobody's context */
            matched++;
            break;
        }
        after.words[after.count] = in->words[matched];
        after.backoff[after.count++] = branch->backoff.values[branch->backoff.codes[at]];
        children = branch->children;
    }
    for (int k = matched; k < in->count; k++)
        prob += (double)in->backoff[k];
    *out = after;
    return prob;
}
