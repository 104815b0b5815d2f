/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_p2h_corpus.c - any bytes as a corpus file; what opens must be usable as it is. */
#include "data/p2h_batch.h"
#include "data/p2h_corpus.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int store(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return 0;
    size_t put = fwrite(data, 1, size, file);
    return fclose(file) == 0 && put == size;
}

static void use(const ting_p2h_corpus *corpus)
{
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_p2h_batch batch;
    if (arena != NULL && corpus->sentences > 0)
        (void)ting_p2h_plain_batch(corpus, 0, corpus->sentences < 4 ? corpus->sentences : 4, arena, &batch);
    ting_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    ting_p2h_corpus corpus;
    snprintf(path, sizeof path, "/tmp/ting-fuzz-corpus-%ld", (long)getpid());
    if (store(path, data, size) && ting_p2h_corpus_open(path, &corpus) == TING_OK) {
        use(&corpus);
        ting_p2h_corpus_close(&corpus);
    }
    unlink(path);
    return 0;
}
