/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_corpora.c - any bytes as the label files of a public corpus: the first byte chooses it, a NUL begins the next of
 * its files.
 */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/mem.h"
#include "support/support.h"
#include "tingxie_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layout {
    const char *corpus;
    const char *labels[4]; /* files that get the bytes; a 0 byte begins the next */
    const char *sound;     /* one that the seeds name */
} layout;

static const layout layouts[] = {
    {"aishell1", {"transcript/aishell_transcript_v0.8.txt"}, "wav/dev/S0002/BAC009S0002W0122.wav"},
    {"aishell3", {"train/content.txt", "test/content.txt"}, "train/wav/SSB0005/SSB00050001.wav"},
    {"commonvoice-zh", {"train.tsv", "dev.tsv", "test.tsv", "validated.tsv"}, "clips/a.mp3"},
    {"thchs30", {"data/A11_0.wav.trn"}, "train/A11_0.wav"},
};

enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

static char *made(const char *folder, const char *name)
{
    char *path = ting_path_join(folder, name);
    if (path == NULL || ting_folder_make_above(path) != TING_OK)
        abort();
    return path;
}

/* The sound is no sound: it is found, but nothing is ever put in place, which would wait for the disk. */
static void make_layout(const layout *l, const char *folder)
{
    char *sound = made(folder, l->sound);
    if (ting_file_save(sound, "x", 1) != TING_OK)
        abort();
    ting_free(sound);
    ting_free(made(folder, "dev/x"));
    ting_free(made(folder, "test/x"));
}

static void write_labels(const layout *l, const char *folder, const char *text, size_t size)
{
    for (int i = 0; i < 4 && l->labels[i] != NULL; i++) {
        const char *cut = size > 0 ? memchr(text, 0, size) : NULL;
        size_t length = cut == NULL ? size : (size_t)(cut - text), used = cut == NULL ? size : length + 1;
        char *path = made(folder, l->labels[i]);
        remove(path); /* a file that is cut to nothing and written again would wait for the disk */
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0)
            abort();
        ting_free(path);
        text += used;
        size -= used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *folders[LAYOUTS], *output;
    int which = size > 0 ? data[0] % LAYOUTS : 0;
    const layout *l = &layouts[which];
    if (folders[which] == NULL) {
        folders[which] = ting_temp_path(l->corpus);
        output = output == NULL ? ting_temp_path("out") : output;
        make_layout(l, folders[which]);
    }
    write_labels(l, folders[which], (const char *)data + (size > 0), size - (size > 0));
    ting_corpus_counts counts;
    ting_err err = ting_prepare_corpus(&(ting_corpus_options){.corpus = l->corpus,
                                                              .folder = folders[which],
                                                              .output = output,
                                                              .validated = which == 2 && size % 2 == 0,
                                                              .threads = 1},
                                       &counts);
    if (err != TING_ERR_FORMAT && err != TING_ERR_IO)
        abort();
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char words[] = "0BAC009S0002W0122 而 对 楼市\nBAC009S0002W0123 成交\n";
    static const char pairs[] = "1SSB00050001.wav\t广 guang3 州儿 zhour1\n\0SSB00110001.wav\t再 zai4 见 jian4\n";
    static const char tables[] =
        "2client_id\tpath\tsentence\nc1\ta.mp3\t它们。\n\0client_id\tpath\tsentence\nc2\tb.mp3\t好\n\0"
        "client_id\tpath\tsentence\nc3\tc.mp3\t好\n\0client_id\tpath\tsentence\nc1\ta.mp3\t好\n";
    static const char three[] = "3绿 是 阳春\nlv4 shi4 yang2 chun1\nl v4 sh ix4 ii iang2 ch un1\n";
    take(self, words, sizeof words - 1);
    take(self, pairs, sizeof pairs - 1);
    take(self, tables, sizeof tables - 1);
    take(self, three, sizeof three - 1);
}
