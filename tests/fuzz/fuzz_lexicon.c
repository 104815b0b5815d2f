/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lexicon.c - any bytes as a table, then the same bytes as a text to be read with it. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "text/g2p.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    const char *text = (const char *)bytes;
    ting_lexicon *lexicon = ting_lexicon_new();
    if (lexicon == NULL)
        abort();
    ting_err err = ting_lexicon_add_text(lexicon, "fuzz", text, size, TING_LEXICON_COMMON);
    if (err != TING_OK && err != TING_ERR_FORMAT)
        abort();
    ting_lexicon_add_text(lexicon, "fuzz", text, size, TING_LEXICON_RARE);
    ting_g2p_line line = {0};
    const ting_g2p_options options = {.sandhi = true};
    if (ting_g2p_read(lexicon, &options, text, size, &line) != TING_OK)
        abort();
    size_t end = 0;
    for (int i = 0; i < line.count; i++) {
        if (line.items[i].offset != end || line.items[i].length < 1)
            abort();
        end += (size_t)line.items[i].length;
    }
    if (end != size)
        abort();
    ting_g2p_line_free(&line);
    ting_lexicon_free(lexicon);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "# readings\n长\tzhang3 chang2\n长大\tzhang3 da4\n银行\tyín háng\trest\n绿\tlv4\n";
    take(self, text, sizeof text - 1);
}
