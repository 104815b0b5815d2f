/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - see utf8.h. */
#include "base/utf8.h"

int ting_utf8_decode(const char *text, size_t size, uint32_t *out)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (size == 0)
        return 0;
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80) {
        *out = first;
        return 1;
    }
    int length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size < (size_t)length)
        return -1;
    uint32_t value = first & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80)
            return -1;
        value = value << 6 | (next & 0x3Fu);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return -1;
    *out = value;
    return length;
}

int ting_utf8_encode(uint32_t c, char out[4])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF0 << (4 - length) & 0xFF) | c);
    return length;
}

long ting_utf8_count(const char *text, size_t size)
{
    long count = 0;
    while (size > 0) {
        uint32_t code_point;
        int length = ting_utf8_decode(text, size, &code_point);
        if (length < 0)
            return -1;
        text += length;
        size -= (size_t)length;
        count++;
    }
    return count;
}

ting_err ting_utf8_check(const char *file, long line, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code_point = 0;
        const int length = ting_utf8_decode(text + at, size - at, &code_point);
        if (length < 0)
            return ting_fail(TING_ERR_FORMAT, "%s:%ld: not UTF-8 at byte %zu: expected a text; iconv -f GBK -t UTF-8 makes one of GBK",
                             file, line, at + 1);
        if (code_point == 0)
            return ting_fail(TING_ERR_FORMAT, "%s:%ld: byte %zu is 0: expected a text in UTF-8", file, line, at + 1);
        at += (size_t)length;
    }
    return TING_OK;
}

bool ting_utf8_is_hanzi(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || c == 0x3007 ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x323AF);
}
