/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_import.c - the Zipformer importer on a damaged encoder graph; decoder, joiner and tokens are the good ones of
 * tests/data. The other two graphs are read by the same code.
 */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "model/import_zipformer_onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOOD "tests/data/tiny-zipformer-onnx"

static char folder[64];

static void remove_folder(void)
{
    static const char *const names[] = {"decoder.onnx", "joiner.onnx", "tokens.txt", "encoder.onnx"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* A folder with the good files; the encoder is replaced each time. */
static void make_folder(void)
{
    static const char *const names[] = {"decoder.onnx", "joiner.onnx", "tokens.txt"};
    snprintf(folder, sizeof folder, "/tmp/tingxie-fuzz-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    atexit(remove_folder);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[128], to[128];
        ting_file file;
        snprintf(from, sizeof from, "%s/%s", GOOD, names[i]);
        snprintf(to, sizeof to, "%s/%s", folder, names[i]);
        if (ting_file_map(from, &file) != TING_OK || ting_file_save(to, file.data, file.size) != TING_OK)
            abort();
        ting_file_unmap(&file);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    ting_imported model;
    if (folder[0] == '\0')
        make_folder();
    snprintf(path, sizeof path, "%s/encoder.onnx", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    if (ting_import_zipformer_onnx(folder, &model) == TING_OK)
        ting_imported_free(&model);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    ting_fuzz_take_file(take, self, GOOD "/encoder.onnx");
}
