/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_soundlist.c - lists of noises and rooms. No second of sound is to be kept, so that no file that they name is
 * opened. */
#include "fuzz/fuzz.h"

#include "data/augment_parts.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ting_augment_source source = {ting_fuzz_file(data, size), "a", 0};
    ting_shelf shelf;
    (void)ting_shelf_load(NULL, &source, TING_SOUND_RATE, NULL, &shelf);
    ting_shelf_free(&shelf);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char plain[] = "a/b.wav\n\n  a.flac \r\n/c.wav\n", table[] = "id\tpath\tseconds\n1\ta/b.wav\t3\n2\n\tc.wav";
    take(self, plain, sizeof plain - 1);
    take(self, table, sizeof table - 1);
}
