/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_checkpoint.c - any bytes as the checkpoint of a network of eight parameters. */
#include "base/mem.h"
#include "train/checkpoint.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { ELEMENTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int store(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return 0;
    size_t put = fwrite(data, 1, size, file);
    return fclose(file) == 0 && put == size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    ting_real blocks[4][ELEMENTS] = {{0}};
    ting_checkpoint c = {.elements = ELEMENTS, .values = blocks[0], .mean = blocks[1], .square = blocks[2],
                         .average = blocks[3]};
    snprintf(path, sizeof path, "/tmp/ting-fuzz-checkpoint-%ld", (long)getpid());
    if (store(path, data, size) && ting_checkpoint_load(path, &c) == TING_OK)
        ting_free(c.curve);
    unlink(path);
    return 0;
}
