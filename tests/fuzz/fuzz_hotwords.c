/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hotwords.c - lists of hotwords, and where their words stand in a sentence. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "engine/hotword_text.h"
#include "support/support.h"
#include "support/tiny.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ting_hanzi_p2h *p2h; /* opened once, for all runs */
    if (p2h == NULL) {
        char *path = ting_temp_path("fuzz-hotwords.gguf");
        if (ting_tiny_model_save(path, 1, TING_TINY_P2H) != TING_OK || ting_hanzi_p2h_open(path, TING_PRECISION_F32, &p2h) != TING_OK)
            abort();
        ting_free(path);
    }
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_hotword_list *list = NULL;
    if (ting_hotword_list_parse("fuzz", (const char *)bytes, size, p2h, 0, NULL, &list) == TING_OK) {
        const int syllables[] = {4, 5, 6};
        const ting_confusion_input heard = {.symbols = syllables, .count = 3};
        ting_confusion network;
        ting_hotword_matches matches;
        ting_arena *arena = ting_arena_new(1 << 12);
        if (arena == NULL || ting_confusion_make(arena, &heard, 1, &network) != TING_OK ||
            ting_hotwords_find(list->hotwords, arena, &network, 1, 0, &matches) != TING_OK)
            abort();
        for (int i = 0; i < matches.count; i++)
            for (int k = 0; k < ting_hotwords_at(list->hotwords, matches.items[i].number)->count; k++)
                if (ting_hotword_list_part(list, matches.items[i].number, k) == NULL || matches.items[i].places[k] >= 3)
                    abort();
        ting_arena_free(arena);
    }
    ting_hotword_list_free(list);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "\xEF\xBB\xBF中国 :2 zhong1 guo2\n\n# a remark\r\nZ zhong1 guo2 :-1.5\nx guó\n中国\n";
    take(self, text, sizeof text - 1);
}
