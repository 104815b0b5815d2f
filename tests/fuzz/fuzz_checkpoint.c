/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_checkpoint.c - the state of a training. */
#include "fuzz/fuzz.h"
#include "support/support.h"

#include "base/mem.h"
#include "train/checkpoint.h"

enum { NUMBERS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ting_checkpoint file;
    if (ting_checkpoint_open(ting_fuzz_file(data, size), &file) != TING_OK)
        return 0;
    float numbers[NUMBERS];
    int64_t place;
    const ting_state_block blocks[] = {{"place", &place, sizeof place}, {"weights", numbers, sizeof numbers}};
    volatile ting_err err = ting_checkpoint_read(&file, blocks, 2);
    (void)err;
    ting_checkpoint_close(&file);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    char *path = ting_temp_path("seed.checkpoint");
    float numbers[NUMBERS] = {1, 2, 3};
    int64_t place = 7;
    const ting_state_block blocks[] = {{"place", &place, sizeof place}, {"weights", numbers, sizeof numbers}, {"curve", NULL, 0}};
    if (ting_checkpoint_save(path, blocks, 3) == TING_OK)
        ting_fuzz_take_file(take, self, path);
    ting_free(path);
}
