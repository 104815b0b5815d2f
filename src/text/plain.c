/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - see plain.h. */
#include "text/plain.h"

#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

static const int normal_form = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE;

static bool is_one_of(int32_t point, const char *characters)
{
    return point > 0 && point < 0x80 && strchr(characters, (int)point) != NULL;
}

static bool is_spoken(int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF: return false;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return is_one_of(point, "#%&@");
    default: return !is_one_of(point, "~^`|");
    }
}

static bool is_space(int32_t point)
{
    return is_one_of(point, " \t\r\n") || utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
}

ting_err ting_text_plain(const char *text, size_t size, ting_str *out)
{
    enum { LONGEST = 32 };          /* U+FDFA decomposes into 18 code points, the longest of all */
    bool word = false, gap = false; /* the last character was an ASCII letter or digit; white space came behind it */
    for (size_t at = 0; at < size;) {
        int32_t points[LONGEST];
        uint32_t c;
        int boundary = 0, bytes = ting_utf8_decode(text + at, size - at, &c);
        at += bytes < 0 ? 1 : (size_t)bytes;
        utf8proc_ssize_t count = utf8proc_decompose_char(bytes < 0 ? 0xFFFD : (int32_t)c, points, LONGEST,
                                                         (utf8proc_option_t)normal_form, &boundary);
        count = count < 0 || count > LONGEST ? count
                                             : utf8proc_normalize_utf32(points, count, (utf8proc_option_t)normal_form);
        if (count < 0 || count > LONGEST)
            return ting_fail(TING_ERR_INTERNAL, "normalising U+%04X: %s", c, utf8proc_errmsg(count));
        for (utf8proc_ssize_t i = 0; i < count; i++) {
            char encoded[4];
            int length = ting_utf8_encode((uint32_t)points[i], encoded);
            gap = gap || is_space(points[i]);
            if (!is_spoken(points[i]))
                continue;
            bool again = length == 1 && ting_ascii_is_alnum(encoded[0]);
            if (word && gap && again)
                ting_str_add(out, " ");
            ting_str_add_bytes(out, encoded, (size_t)length);
            word = again;
            gap = false;
        }
    }
    return ting_str_ok(out) ? TING_OK : ting_fail(TING_ERR_MEMORY, "no memory for a text of %zu bytes", size);
}
