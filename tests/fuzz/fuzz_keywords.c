/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_keywords.c - keyword files. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "decode/keywords.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"<blk>", "n", "ǐ", "h", "ǎo"};
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_keywords keywords;
    if (ting_keywords_parse("fuzz", (const char *)bytes, size, names, 5, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25},
                            &keywords) == TING_OK) {
        for (int i = 0; i < keywords.count; i++)
            for (int k = 0; k < keywords.items[i].count; k++)
                if (keywords.items[i].tokens[k] < 0 || keywords.items[i].tokens[k] > 4)
                    abort();
        ting_keywords_free(&keywords);
    }
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "n ǐ h ǎo :1.5 #0.6 @你_好\n\nh ǎo\r\nn :0\n";
    take(self, text, sizeof text - 1);
}
