/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tokens.c - tokens.txt. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "model/tokens.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_texts tokens;
    if (ting_tokens_parse("fuzz", bytes, size, &tokens) == TING_OK) {
        size_t length = 0;
        for (size_t i = 0; i < tokens.count; i++)
            length += strlen(tokens.items[i]);
        if (length > size)
            abort();
        ting_texts_free(&tokens);
    }
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "<blk> 0\n<unk> 2\nzh 1\n\nōng\t3\r\n";
    take(self, text, sizeof text - 1);
}
