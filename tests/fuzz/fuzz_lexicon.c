/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lexicon.c - tables of readings, then looking up what they hold. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/lexicon.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_lexicon *lexicon = ting_lexicon_new();
    if (lexicon == NULL)
        abort();
    ting_lexicon_add_text(lexicon, "fuzz", (const char *)bytes, size, TING_LEXICON_COMMON);
    ting_lexicon_add_text(lexicon, "fuzz", (const char *)bytes, size, TING_LEXICON_RARE);
    uint32_t text[64];
    const uint16_t *ids;
    int count = 0, length;
    for (size_t at = 0; count < 64 && at < size; at += (size_t)(length > 0 ? length : 1)) {
        length = ting_utf8_decode((const char *)bytes + at, size - at, &text[count]);
        count += length > 0;
    }
    for (int i = 0; i < count; i++) {
        ting_lexicon_readings(lexicon, text[i]);
        ting_lexicon_match(lexicon, text + i, count - i, &ids);
    }
    ting_lexicon_free(lexicon);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "# readings\n长\tzhang3 chang2\n长大\tzhang3 da4\n银行\tyín háng\trest\n绿\tlv4\n";
    take(self, text, sizeof text - 1);
}
