/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cmvn.c - global mean and variance files: WeNet's JSON and Kaldi's text matrix. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "feat/cmvn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_cmvn cmvn = {0};
    float frame[256] = {0};
    if (ting_cmvn_parse("fuzz", (const char *)bytes, size, &cmvn) == TING_OK && cmvn.dim <= 256)
        ting_cmvn_apply(&cmvn, frame, 1);
    ting_cmvn_free(&cmvn);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char json[] = "{\"mean_stat\": [20, 30.5], \"var_stat\": [50, 1e2], \"frame_num\": 10}";
    static const char matrix[] = "[\n 20 30.5 10\n 50 1e2 0 ]\n";
    take(self, json, sizeof json - 1);
    take(self, matrix, sizeof matrix - 1);
}
