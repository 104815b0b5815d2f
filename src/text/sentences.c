/* SPDX-License-Identifier: Apache-2.0 */
/* sentences.c - see sentences.h. */
#include "text/sentences.h"

#include "base/utf8.h"

static bool ends_sentence(uint32_t c)
{
    return c == '\n' || c == '!' || c == '?' || c == ';' || c == 0x3002 /* 。 */ || c == 0x2026 /* … */ || c == 0xFF01 /* ！ */ ||
           c == 0xFF1F /* ？ */ || c == 0xFF1B /* ； */;
}

bool ting_sentence_next(ting_view *text, ting_view *out)
{
    if (text->length == 0)
        return false;
    size_t at = 0, mark = 0;
    for (uint32_t c = 0; at < text->length && mark == 0;) {
        const int length = ting_utf8_decode(text->text + at, text->length - at, &c);
        if (length > 0 && ends_sentence(c))
            mark = (size_t)length;
        else
            at += length > 0 ? (size_t)length : 1;
    }
    *out = (ting_view){text->text, at};
    *text = (ting_view){text->text + at + mark, text->length - at - mark};
    return true;
}
