/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pinyin.c - lines of pinyin in every notation. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "text/syllable.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_words words = {0};
    if (ting_words_read((const char *)bytes, size, &words) == TING_OK)
        for (int i = 0; i < words.count; i++)
            if (words.items[i].offset > size || words.items[i].length > size - words.items[i].offset)
                abort();
    ting_words_free(&words);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char *const lines[] = {"zhong1 guo2", "zh ōng g uó", "zhōng guó lǜ nv3", "ê x5 hm ng2 r5 ü"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t length = 0;
        while (lines[i][length] != '\0')
            length++;
        take(self, lines[i], length);
    }
}
