/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - see str.h. */
#include "base/str.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static bool make_room(ting_str *str, size_t more)
{
    if (str->failed)
        return false;
    if (more > SIZE_MAX / 4 - str->length) {
        ting_fail(TING_ERR_MEMORY, "a text of %zu bytes exceeds the address space", more);
        str->failed = true;
        return false;
    }
    size_t wanted = str->length + more + 1;
    if (wanted <= str->room)
        return true;
    size_t room = str->room < 128 ? 256 : str->room * 2;
    if (room < wanted)
        room = wanted;
    char *text = ting_grow(str->text, str->length, room, 1);
    if (text == NULL) {
        str->failed = true;
        return false;
    }
    str->text = text;
    str->room = room;
    return true;
}

void ting_str_add_bytes(ting_str *str, const void *bytes, size_t count)
{
    if (!make_room(str, count))
        return;
    if (count != 0)
        memcpy(str->text + str->length, bytes, count);
    str->length += count;
    str->text[str->length] = '\0';
}

void ting_str_add(ting_str *str, const char *text)
{
    ting_str_add_bytes(str, text, strlen(text));
}

void ting_str_addf(ting_str *str, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int needed = ting_number_vprint(NULL, 0, format, args);
    va_end(args);
    if (needed >= 0 && make_room(str, (size_t)needed)) {
        ting_number_vprint(str->text + str->length, (size_t)needed + 1, format, again);
        str->length += (size_t)needed;
    }
    va_end(again);
}

void ting_str_add_xml(ting_str *str, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        switch (*p) {
        case '&': ting_str_add(str, "&amp;"); break;
        case '<': ting_str_add(str, "&lt;"); break;
        case '>': ting_str_add(str, "&gt;"); break;
        case '"': ting_str_add(str, "&quot;"); break;
        default:
            /* XML allows no control characters but tab, line feed and carriage return. */
            if ((unsigned char)*p >= 0x20 || *p == '\t' || *p == '\n' || *p == '\r')
                ting_str_add_bytes(str, p, 1);
        }
    }
}

void ting_str_add_json(ting_str *str, const char *text)
{
    size_t size = strlen(text);
    ting_str_add(str, "\"");
    for (size_t at = 0; at < size;) {
        uint32_t c = 0;
        int length = ting_utf8_decode(text + at, size - at, &c);
        if (length < 0)
            ting_str_add(str, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (c == '"' || c == '\\')
            ting_str_addf(str, "\\%c", (char)c);
        else if (c < 0x20 || c == 0x7F)
            ting_str_addf(str, "\\u%04x", (unsigned)c);
        else
            ting_str_add_bytes(str, text + at, (size_t)length);
        at += length > 0 ? (size_t)length : 1;
    }
    ting_str_add(str, "\"");
}

void ting_str_add_base64(ting_str *str, const void *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < count; i += 3) {
        unsigned group = (unsigned)from[i] << 16, have = count - i < 3 ? (unsigned)(count - i) : 3;
        if (have > 1)
            group |= (unsigned)from[i + 1] << 8;
        if (have > 2)
            group |= from[i + 2];
        const char four[4] = {digits[group >> 18], digits[group >> 12 & 63], have > 1 ? digits[group >> 6 & 63] : '=',
                              have > 2 ? digits[group & 63] : '='};
        ting_str_add_bytes(str, four, 4);
    }
}

void ting_str_add_escaped(ting_str *str, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '\n' || c == '\t' || c == '\r' || c == '\\')
            ting_str_addf(str, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : '\\');
        else if (c < 0x20 || c == 0x7F)
            ting_str_addf(str, "\\x%02X", (unsigned)c);
        else
            ting_str_add_bytes(str, p, 1);
    }
}

void ting_str_clear(ting_str *str)
{
    str->length = 0;
    if (str->text != NULL)
        str->text[0] = '\0';
}

void ting_str_free(ting_str *str)
{
    ting_free(str->text);
    *str = (ting_str){0};
}

bool ting_str_ok(const ting_str *str)
{
    return !str->failed;
}
