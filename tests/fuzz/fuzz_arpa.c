/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_arpa.c - ARPA files: what is read is a model that can be searched, listed, and mixed with another one. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "model/arpa.h"
#include "model/ngram_list.h"
#include "train/ngram_mix.h"

#include <math.h>
#include <stdlib.h>

/* The model with itself, rounded: every n-gram of it has a probability. */
static void mix(ting_ngram_table *table, const ting_ngram *tree)
{
    ting_ngram_table tables[2] = {*table}, mixed = {0};
    ting_ngram_mix *mix = NULL;
    *table = (ting_ngram_table){0};
    if (ting_ngram_list(tree, &tables[1]) == TING_OK && ting_ngram_mix_new(tables, 2, &mix) == TING_OK &&
        ting_ngram_mix_make(mix, (const double[]){0.3, 0.7}, &mixed) == TING_OK)
        for (int k = 1; k <= mixed.order; k++)
            for (size_t i = 0; i < mixed.level[k - 1].count; i++)
                if (!(mixed.level[k - 1].prob[i] <= 1e-3f) || !isfinite(mixed.level[k - 1].backoff[i]))
                    abort();
    ting_ngram_mix_free(mix);
    ting_ngram_table_free(&tables[0]);
    ting_ngram_table_free(&mixed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_ngram_table table;
    ting_ngram *tree = NULL;
    if (ting_arpa_parse("fuzz", bytes, size, &table) == TING_OK && ting_ngram_make(&table, &tree) == TING_OK) {
        ting_ngram_state state = ting_ngram_begin(tree);
        for (uint32_t i = 0; i < 64; i++)
            if (!isfinite(ting_ngram_score(tree, &state, (uint32_t)((i * 7919 + size) % table.words.count), &state)))
                abort();
    }
    if (tree != NULL)
        mix(&table, tree);
    ting_ngram_free(tree);
    ting_ngram_table_free(&table);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "\\data\\\nngram 1=5\nngram 2=3\nngram 3=1\n\n\\1-grams:\n-1\t<unk>\n-99\t<s>\t-0.3\n-0.5\t</s>\n-1.5\t天\t-0.2\n-1.2\t气\n\n"
                               "\\2-grams:\n-0.4\t<s> 天\n-0.3\t天 气\t-0.1\n-0.7\t气 </s>\n\n\\3-grams:\n-0.2\t天 气 </s>\n\n\\end\\\n";
    take(self, text, sizeof text - 1);
}
