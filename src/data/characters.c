/* SPDX-License-Identifier: Apache-2.0 */
/* characters.c - see characters.h. */
#include "data/characters.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/plain.h"

#include <string.h>

enum { POINTS = 0x110000 };

struct ting_characters {
    unsigned char seen[POINTS / 8]; /* a bit for each code point */
    ting_str plain;
};

ting_characters *ting_characters_new(void)
{
    return ting_alloc(1, sizeof(ting_characters));
}

void ting_characters_free(ting_characters *c)
{
    if (c == NULL)
        return;
    ting_str_free(&c->plain);
    ting_free(c);
}

ting_err ting_characters_add(ting_characters *c, const ting_manifest *manifest)
{
    ting_err err = TING_OK;
    for (size_t i = 0; i < ting_manifest_count(manifest); i++) {
        const char *text = ting_manifest_at(manifest, i)->text;
        if (text == NULL || ting_utf8_count(text, strlen(text)) < 0)
            continue;
        ting_str_clear(&c->plain);
        TRY(ting_text_plain(text, strlen(text), &c->plain));
        for (size_t at = 0; at < c->plain.length;) {
            uint32_t point = 0;
            at += (size_t)ting_utf8_decode(c->plain.text + at, c->plain.length - at, &point);
            if (point != ' ')
                c->seen[point / 8] |= (unsigned char)(1u << point % 8);
        }
    }
out:
    return err;
}

ting_err ting_characters_table(const ting_characters *c, ting_texts *out)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    size_t count = 1;
    *out = (ting_texts){0};
    ting_str_add_bytes(&block, "<blk>", sizeof "<blk>");
    for (uint32_t point = 1; point < POINTS; point++) {
        char text[5] = "";
        if ((c->seen[point / 8] >> point % 8 & 1u) == 0)
            continue;
        ting_str_add_bytes(&block, text, (size_t)ting_utf8_encode(point, text) + 1);
        count++;
    }
    if (count == 1)
        FAIL(TING_ERR_ARGUMENT, "there is no text to take characters from");
    out->items = ting_alloc(count, sizeof *out->items);
    out->block = ting_alloc(block.length, 1);
    if (!ting_str_ok(&block) || out->items == NULL || out->block == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a table of tokens");
    memcpy(out->block, block.text, block.length);
    for (const char *at = out->block; out->count < count; at += strlen(at) + 1)
        out->items[out->count++] = at;
out:
    if (err != TING_OK)
        ting_texts_free(out);
    ting_str_free(&block);
    return err;
}
