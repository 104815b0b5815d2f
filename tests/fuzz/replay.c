/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - a fuzz target as a plain test: no fuzzer, no randomness, the same inputs each time.
 *
 *     fuzz_x              runs seeds and corpus, cut at every byte and mutated; prints TAP
 *     fuzz_x --seeds DIR  writes the seeds to DIR, for libFuzzer to begin from
 *
 * A crash, a sanitizer's report or a run beyond the time limit is the failure.
 */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MOST_CUTS = 400,  /* truncations tried for one input, spread evenly */
    MUTATIONS = 600,  /* of one input */
    HEAD = 4096,      /* half of the changes fall into these first bytes */
    MOST_GROWTH = 64  /* bytes a mutation may add */
};

static long runs;

static void run_one(const uint8_t *data, size_t size)
{
    runs++;
    LLVMFuzzerTestOneInput(data, size);
}

/* Changes a few places in the way that finds mistakes in parsers: bits, edge values of counts, moved pieces. */
static size_t mutate(ting_rng *rng, uint8_t *data, size_t size)
{
    static const uint64_t edges[] = {0,          1,          0x7F,       0x80,       0xFF,       0x7FFF,
                                     0xFFFF,     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, UINT64_MAX, UINT64_MAX / 2,
                                     UINT64_MAX / 2 + 1};
    for (uint32_t changes = 1 + ting_rng_below(rng, 4); changes > 0 && size > 0; changes--) {
        size_t reach = size > HEAD && ting_rng_below(rng, 2) == 0 ? HEAD : size;
        size_t at = ting_rng_below(rng, (uint32_t)reach);
        size_t left = size - at, width = (size_t)1 << ting_rng_below(rng, 4);
        uint64_t edge = edges[ting_rng_below(rng, sizeof edges / sizeof edges[0])];
        switch (ting_rng_below(rng, 5)) {
        case 0: data[at] ^= (uint8_t)(1u << ting_rng_below(rng, 8)); break;
        case 1: data[at] = (uint8_t)ting_rng_next(rng); break;
        case 2: memcpy(data + at, &edge, left < width ? left : width); break;
        case 3: /* leaves a piece out */
            width = 1 + ting_rng_below(rng, (uint32_t)(left < 32 ? left : 32));
            memmove(data + at, data + at + width, left - width);
            size -= width;
            break;
        default: /* says a piece twice */
            width = 1 + ting_rng_below(rng, (uint32_t)(left < MOST_GROWTH / 4 ? left : MOST_GROWTH / 4));
            memmove(data + at + width, data + at, left);
            size += width;
        }
    }
    return size;
}

static void run_input(void *self, const void *bytes, size_t size)
{
    (void)self;
    ting_rng rng = ting_rng_new(20260101, size);
    uint8_t *changed = ting_alloc(size + MOST_GROWTH, 1);
    if (changed == NULL)
        abort();
    run_one(bytes, size);
    size_t step = 1 + size / MOST_CUTS;
    for (size_t cut = 0; cut < size; cut += step)
        run_one(bytes, cut);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(changed, bytes, size);
        run_one(changed, mutate(&rng, changed, size));
    }
    ting_free(changed);
}

static int run_corpus(const char *name)
{
    char folder[256];
    int files = 0;
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        ting_file file;
        char *path = ting_path_join(folder, entry->d_name);
        if (entry->d_name[0] != '.' && path != NULL && ting_file_map(path, &file) == TING_OK) {
            run_input(NULL, file.data != NULL ? (const void *)file.data : "", file.size);
            ting_file_unmap(&file);
            files++;
        }
        ting_free(path);
    }
    closedir(dir);
    return files;
}

typedef struct seed_writer {
    const char *folder;
    int count;
} seed_writer;

static void write_seed(void *self, const void *bytes, size_t size)
{
    seed_writer *writer = self;
    char path[512];
    snprintf(path, sizeof path, "%s/seed-%02d", writer->folder, writer->count++);
    if (ting_file_save(path, bytes, size) != TING_OK) {
        fprintf(stderr, "%s\n", ting_error_message());
        exit(1);
    }
}

static void count_seed(void *self, const void *bytes, size_t size)
{
    (void)bytes, (void)size;
    ++*(int *)self;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        ting_fuzz_seeds(write_seed, &(seed_writer){.folder = argv[2]});
        return 0;
    }
    const char *slash = strrchr(argv[0], '/');
    const char *program = slash == NULL ? argv[0] : slash + 1;
    const char *name = strncmp(program, "fuzz_", 5) == 0 ? program + 5 : program;
    int seeds = 0;
    ting_fuzz_seeds(count_seed, &seeds);
    ting_fuzz_seeds(run_input, NULL);
    int files = run_corpus(name);
    printf("%s 1 - %s: %d seeds, %d corpus files, %ld runs\n", seeds > 0 ? "ok" : "not ok", name, seeds, files, runs);
    return seeds > 0 ? 0 : 1;
}
