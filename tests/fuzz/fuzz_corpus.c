/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_corpus.c - the binary corpus of (syllables, characters) pairs that training maps. */
#include "fuzz/fuzz.h"
#include "support/support.h"

#include "base/mem.h"
#include "data/p2h_corpus.h"
#include "text/pinyin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ting_p2h_corpus corpus;
    if (ting_p2h_corpus_open(ting_fuzz_file(data, size), &corpus) == TING_OK) {
        volatile unsigned sum = 0; /* so that the reads stay */
        for (size_t i = 0; i < corpus.sentences; i++)
            for (size_t j = corpus.start[i]; j < corpus.start[i + 1]; j++)
                sum = sum + corpus.spoken[j] + corpus.written[j];
        ting_p2h_corpus_close(&corpus);
    }
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    char *path = ting_temp_path("seed.corpus");
    ting_p2h_counts counts;
    ting_p2h_builder *builder = ting_p2h_builder_new();
    ting_p2h_builder_reading(builder, 0x4E2D, 3);
    ting_p2h_builder_source(builder, "one", "CC0-1.0", TING_P2H_TRAIN);
    ting_p2h_builder_line(builder, 2, (const uint32_t[]){0x4E2D, 0x56FD}, (const int[]){3, 5}, 1);
    ting_p2h_builder_line(builder, 1, (const uint32_t[]){0x4E2D}, (const int[]){3}, 1);
    assert_ok(ting_p2h_builder_write(builder, path, 1, &counts));
    ting_p2h_builder_free(builder);
    ting_fuzz_take_file(take, self, path);
    ting_free(path);
}
