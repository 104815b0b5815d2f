/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pinyin.c - any bytes as a syllable, a token, a line of pinyin: what is read is written and read again. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "text/syllable.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    const char *text = (const char *)bytes;
    int id = ting_pinyin_read(text, size);
    check(id >= TING_PINYIN_NONE && id < TING_PINYIN_COUNT);
    for (int notation = TING_PINYIN_NUMBERED; id >= 0 && notation <= TING_PINYIN_TOKENS; notation++) {
        char out[TING_PINYIN_ROOM];
        check(ting_pinyin_read(out, ting_pinyin_write(id, (ting_pinyin_notation)notation, out)) == id);
    }
    ting_piece piece = ting_piece_read(text, size);
    check(piece.kind < TING_PIECE_COUNT && piece.initial < TING_INITIAL_COUNT && piece.final < TING_FINAL_COUNT);
    ting_words words = {0};
    check(ting_words_read(text, size, &words) == TING_OK);
    size_t end = 0;
    for (int i = 0; i < words.count; i++) {
        check(words.items[i].offset >= end && words.items[i].length > 0);
        end = words.items[i].offset + words.items[i].length;
    }
    check(end <= size);
    ting_words_free(&words);
    /* each byte as a token of a table of four pieces */
    ting_piece pieces[4];
    for (int i = 0; i < 4; i++)
        pieces[i] = ting_piece_read(text + (size_t)i * size / 4, size / 4);
    ting_merger merger;
    ting_merger_start(&merger, pieces, 4);
    long hits = 0;
    for (size_t i = 0; i <= size; i++) {
        ting_syllable out[2];
        ting_hit hit = {.token = i < size ? data[i] % 6 - 1 : 0};
        int count = i < size ? ting_merger_feed(&merger, &hit, out) : ting_merger_finish(&merger, out);
        for (int k = 0; k < count; k++)
            hits += out[k].hits;
    }
    check(hits == (long)size); /* every token is in exactly one syllable */
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
