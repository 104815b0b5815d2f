/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_import.c - the walk through the encoder's graph: a folder whose decoder, joiner and tokens are those of
 * tests/data/tiny-zipformer-onnx and whose encoder is the input.
 */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/import_zipformer_onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DATA "tests/data/tiny-zipformer-onnx"

static char folder[] = "/tmp/ting-fuzz-import-XXXXXX";
static const char *const others[] = {"decoder.onnx", "joiner.onnx", "tokens.txt"};

static void remove_folder(void)
{
    char path[128];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/encoder.onnx", folder);
    unlink(path);
    rmdir(folder);
}

/* Once: the folder with what does not change. */
static int make_folder(void)
{
    if (mkdtemp(folder) == NULL)
        return 0;
    atexit(remove_folder);
    for (int i = 0; i < 3; i++) {
        char from[128], to[128];
        ting_file file;
        snprintf(from, sizeof from, DATA "/%s", others[i]);
        snprintf(to, sizeof to, "%s/%s", folder, others[i]);
        if (ting_file_map(from, &file) != TING_OK ||
            ting_file_save(to, file.data, file.size) != TING_OK)
            return 0;
        ting_file_unmap(&file);
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready = -1;
    char path[128];
    if (ready < 0)
        ready = make_folder();
    if (!ready)
        return 0;
    snprintf(path, sizeof path, "%s/encoder.onnx", folder);
    unlink(path);
    ting_imported model;
    if (symlink(ting_fuzz_file(data, size), path) == 0 &&
        ting_import_zipformer_onnx(folder, &model) == TING_OK)
        ting_imported_free(&model);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    ting_fuzz_take_file(take, self, DATA "/encoder.onnx");
}
