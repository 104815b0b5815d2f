/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_checkpoint.c - the state of a training, as the checkpoint of a network of eight parameters. */
#include "fuzz/fuzz.h"
#include "support/support.h"

#include "base/mem.h"
#include "train/checkpoint.h"

enum { ELEMENTS = 8 };

static ting_checkpoint frame(ting_real blocks[4][ELEMENTS])
{
    return (ting_checkpoint){.elements = ELEMENTS, .values = blocks[0], .mean = blocks[1], .square = blocks[2],
                             .average = blocks[3]};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ting_real blocks[4][ELEMENTS] = {{0}};
    ting_checkpoint c = frame(blocks);
    if (ting_checkpoint_load(ting_fuzz_file(data, size), &c) == TING_OK)
        ting_free(c.curve);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    char *path = ting_temp_path("seed.checkpoint");
    ting_real blocks[4][ELEMENTS] = {{1, 2, 3}};
    ting_curve_point points[2] = {{.step = 1, .loss = 2}, {.step = 2, .loss = 1, .errors = 0.5}};
    ting_checkpoint c = frame(blocks);
    c.curve = points;
    c.curve_count = 2;
    if (ting_checkpoint_save(path, &c) == TING_OK)
        ting_fuzz_take_file(take, self, path);
    ting_free(path);
}
