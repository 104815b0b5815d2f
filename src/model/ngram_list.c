/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_list.c - see ngram_list.h: the tree is walked from each word to the words before it. */
#include "model/ngram_list.h"

#include "model/ngram_parts.h"

static float number(const ting_ngram_codes *codes, size_t at)
{
    return codes->values[codes->codes[at]];
}

/* The n-grams of `order` words within [first, end), which all end in the last order - 1 of `words`, and those below them. */
static ting_err list_below(const ting_ngram *g, int order, size_t first, size_t end, uint32_t words[TING_NGRAM_MOST],
                           ting_ngram_table *out)
{
    ting_err err = TING_OK;
    const ting_ngram_branch *b = &g->branch[order - 1];
    uint32_t *gram = words + TING_NGRAM_MOST - order;
    for (size_t at = first; at < end; at++) {
        gram[0] = ting_ngram_word(b, g->width, at);
        const bool highest = order == g->order;
        TRY(ting_ngram_table_add(out, order, gram, (double)number(&b->prob, at), highest ? 0 : (double)number(&b->backoff, at)));
        if (!highest)
            TRY(list_below(g, order + 1, (size_t)b->children[at], (size_t)b->children[at + 1], words, out));
    }
out:
    return err;
}

ting_err ting_ngram_list(const ting_ngram *g, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    uint32_t words[TING_NGRAM_MOST];
    *out = (ting_ngram_table){.order = g->order};
    TRY(ting_texts_copy(&g->words, &out->words));
    for (size_t w = 0; w < g->words.count; w++) {
        words[TING_NGRAM_MOST - 1] = (uint32_t)w;
        TRY(ting_ngram_table_add(out, 1, &words[TING_NGRAM_MOST - 1], (double)g->prob[w], (double)g->backoff[w]));
        if (g->order > 1)
            TRY(list_below(g, 2, (size_t)g->children[w], (size_t)g->children[w + 1], words, out));
    }
    TRY(ting_ngram_table_seal(out));
out:
    if (err != TING_OK)
        ting_ngram_table_free(out);
    return err;
}
