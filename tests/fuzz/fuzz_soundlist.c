/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_soundlist.c - lists of noises and rooms. No second of sound is to be kept, so that no file that they name is
 * opened. */
#include "fuzz/fuzz.h"

#include "data/augment.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ting_augment *augment = NULL;
    ting_augment_plan plan = {.noises = 1};
    plan.noise[0] = (ting_augment_noise){
        .source = {ting_fuzz_file(data, size), "a", 0}, .share = 1, .voices_low = 1, .voices_high = 1};
    if (ting_augment_new(&plan, NULL, &augment) == TING_OK)
        ting_augment_free(augment);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char plain[] = "a/b.wav\n\n  a.flac \r\n/c.wav\n", table[] = "id\tpath\tseconds\n1\ta/b.wav\t3\n2\n\tc.wav";
    take(self, plain, sizeof plain - 1);
    take(self, table, sizeof table - 1);
}
