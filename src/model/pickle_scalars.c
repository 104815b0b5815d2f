/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_scalars.c - the bytes of a pickle's program, and the opcodes that spell one value: None, bool, int, float, str,
 * bytes, in the notations of all protocols; see pickle_vm.h.
 */
#include "model/pickle_vm.h"

#include "base/number.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes of the program ---- */

ting_err ting_pickle_take(ting_pickle_vm *vm, uint64_t bytes, const unsigned char **out)
{
    *out = vm->at;
    if (bytes > vm->left)
        return ting_fail(TING_ERR_FORMAT, "byte %zu: %" PRIu64 " bytes wanted, %zu left: the file is truncated or damaged",
                         vm->size - vm->left, bytes, vm->left);
    vm->at += bytes;
    vm->left -= (size_t)bytes;
    return TING_OK;
}

/* A little-endian number of 1 to 8 bytes. */
static ting_err take_number(ting_pickle_vm *vm, size_t bytes, uint64_t *out)
{
    const unsigned char *at;
    ting_err err = ting_pickle_take(vm, bytes, &at);
    *out = 0;
    for (size_t i = 0; err == TING_OK && i < bytes; i++)
        *out |= (uint64_t)at[i] << 8 * i;
    return err;
}

/* A line without its '\n', of less than 1 KiB for numbers and names; borrowed. */
static ting_err take_line(ting_pickle_vm *vm, const char **out, size_t *length)
{
    const unsigned char *end = memchr(vm->at, '\n', vm->left);
    *out = (const char *)vm->at;
    *length = 0;
    if (end == NULL)
        return ting_fail(TING_ERR_FORMAT, "byte %zu: a line without end: the file is truncated or damaged",
                         vm->size - vm->left);
    *length = (size_t)(end - vm->at);
    vm->left -= *length + 1;
    vm->at = end + 1;
    return TING_OK;
}

ting_err ting_pickle_take_word(ting_pickle_vm *vm, char *out, size_t room)
{
    ting_err err = TING_OK;
    const char *line;
    size_t length;
    TRY(take_line(vm, &line, &length));
    if (length >= room || memchr(line, '\0', length) != NULL)
        FAIL(TING_ERR_FORMAT, "byte %zu: a line of %zu bytes, expected less than %zu", vm->size - vm->left, length,
             room);
    memcpy(out, line, length);
    out[length] = '\0';
out:
    return err;
}

/* ---- values ---- */

static ting_err push_integer(ting_pickle_vm *vm, ting_value_kind kind, int64_t integer)
{
    ting_value *value = ting_pickle_value(vm, kind, 0);
    if (value != NULL)
        value->integer = integer;
    return ting_pickle_push(vm, value);
}

static ting_err push_real(ting_pickle_vm *vm, double real)
{
    ting_value *value = ting_pickle_value(vm, TING_VALUE_FLOAT, 0);
    if (value != NULL)
        value->real = real;
    return ting_pickle_push(vm, value);
}

/* Two's complement, little-endian, of any length. */
static ting_err push_long(ting_pickle_vm *vm, uint64_t bytes)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    TRY(ting_pickle_take(vm, bytes, &at));
    while (bytes > 8 && at[bytes - 1] == (at[bytes - 2] & 0x80 ? 0xFF : 0))
        bytes--;
    if (bytes > 8)
        FAIL(TING_ERR_UNSUPPORTED, "an integer of more than 64 bits");
    uint64_t number = bytes > 0 && at[bytes - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint64_t i = 0; i < bytes; i++)
        number = (number & ~(UINT64_C(0xFF) << 8 * i)) | (uint64_t)at[i] << 8 * i;
    TRY(push_integer(vm, TING_VALUE_INT, (int64_t)number));
out:
    return err;
}

static ting_err push_text(ting_pickle_vm *vm, uint64_t length)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    TRY(ting_pickle_take(vm, length, &at));
    if (ting_utf8_count((const char *)at, (size_t)length) < 0)
        FAIL(TING_ERR_FORMAT, "byte %zu: a str that is not UTF-8", vm->size - vm->left);
    ting_value *value = ting_pickle_value(vm, TING_VALUE_TEXT, (size_t)length + 1);
    if (value == NULL)
        return TING_ERR_MEMORY;
    memcpy(value + 1, at, (size_t)length);
    value->text = (const char *)(value + 1);
    value->length = (size_t)length;
    TRY(ting_pickle_push(vm, value));
out:
    return err;
}

static ting_err push_bytes(ting_pickle_vm *vm, uint64_t length)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    TRY(ting_pickle_take(vm, length, &at));
    ting_value *value = ting_pickle_value(vm, TING_VALUE_BYTES, 0);
    if (value == NULL)
        return TING_ERR_MEMORY;
    value->bytes = at;
    value->length = (size_t)length;
    TRY(ting_pickle_push(vm, value));
out:
    return err;
}

/* 'I' and 'L' of protocol 0: a decimal line; 00 and 01 are booleans in 'I', 'L' may end in 'L'. */
static ting_err push_decimal(ting_pickle_vm *vm, bool is_long)
{
    ting_err err = TING_OK;
    char word[32], *end;
    TRY(ting_pickle_take_word(vm, word, sizeof word));
    if (!is_long && (strcmp(word, "00") == 0 || strcmp(word, "01") == 0))
        return push_integer(vm, TING_VALUE_BOOL, word[1] == '1');
    errno = 0;
    int64_t integer = strtoll(word, &end, 10);
    if (is_long && *end == 'L')
        end++;
    if (*end != '\0' || end == word || errno != 0)
        FAIL(TING_ERR_FORMAT, "\"%s\" is not an integer of at most 64 bits", word);
    TRY(push_integer(vm, TING_VALUE_INT, integer));
out:
    return err;
}

static ting_err push_decimal_real(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    char word[64], *end;
    TRY(ting_pickle_take_word(vm, word, sizeof word));
    double real = ting_number_read(word, &end);
    if (*end != '\0' || end == word)
        FAIL(TING_ERR_FORMAT, "\"%s\" is not a number", word);
    TRY(push_real(vm, real));
out:
    return err;
}

static ting_err push_big_endian_real(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    uint64_t bits = 0;
    double real;
    TRY(ting_pickle_take(vm, 8, &at));
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | at[i];
    memcpy(&real, &bits, sizeof real);
    TRY(push_real(vm, real));
out:
    return err;
}

/* A Python 2 string: text if it is UTF-8, else bytes. */
static ting_err push_old_string(ting_pickle_vm *vm, uint64_t length)
{
    if (length <= vm->left && ting_utf8_count((const char *)vm->at, (size_t)length) >= 0)
        return push_text(vm, length);
    return push_bytes(vm, length);
}

static int hex_digits(const char *text, size_t length, size_t count, uint32_t *out)
{
    *out = 0;
    if (length < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, text[i] | 0x20);
        if (digit == NULL || text[i] == '\0')
            return -1;
        *out = *out << 4 | (uint32_t)(digit - digits);
    }
    return (int)count;
}

/* One character of a protocol 0 string, after its backslash: how many bytes it takes, -1 if it is none. */
static int unescape(const char *text, size_t length, bool unicode, uint32_t *out)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    if (length == 0)
        return -1;
    int digits = unicode ? (*text == 'u' ? 4 : *text == 'U' ? 8 : 0) : (*text == 'x' ? 2 : 0);
    if (digits > 0)
        return hex_digits(text + 1, length - 1, (size_t)digits, out) < 0 ? -1 : 1 + digits;
    const char *plain = unicode || *text == '\0' ? NULL : strchr(from, *text);
    *out = plain == NULL ? '\\' : (unsigned char)to[plain - from];
    return plain == NULL ? 0 : 1; /* another backslash stands for itself */
}

/* 'V': a str in raw-unicode-escape; 'S': a quoted Python 2 string. */
static ting_err push_escaped(ting_pickle_vm *vm, bool unicode)
{
    ting_err err = TING_OK;
    const char *line;
    size_t length;
    TRY(take_line(vm, &line, &length));
    if (!unicode) {
        if (length < 2 || (*line != '\'' && *line != '"') || line[length - 1] != *line)
            FAIL(TING_ERR_FORMAT, "byte %zu: a string without quotes: the file is damaged", vm->size - vm->left);
        line++;
        length -= 2;
    }
    ting_value *value = ting_pickle_value(vm, TING_VALUE_TEXT, 2 * length + 1);
    if (value == NULL)
        return TING_ERR_MEMORY;
    char *to = (char *)(value + 1), *end = to;
    for (size_t i = 0; i < length;) {
        uint32_t code = (unsigned char)line[i++];
        int taken = code == '\\' ? unescape(line + i, length - i, unicode, &code) : 0;
        int written = taken < 0 ? 0 : unicode ? ting_utf8_encode(code, end) : 1;
        if (written == 0)
            FAIL(TING_ERR_FORMAT, "byte %zu: a string is not well-formed", vm->size - vm->left);
        if (!unicode)
            *end = (char)code;
        i += (size_t)taken;
        end += written;
    }
    value->text = to;
    value->length = (size_t)(end - to);
    if (ting_utf8_count(to, value->length) < 0)
        value->kind = TING_VALUE_BYTES;
    TRY(ting_pickle_push(vm, value));
out:
    return err;
}

ting_err ting_pickle_sized(ting_pickle_vm *vm, size_t bytes, ting_err (*make)(ting_pickle_vm *, uint64_t))
{
    ting_err err = TING_OK;
    uint64_t number;
    TRY(take_number(vm, bytes, &number));
    TRY(make(vm, number));
out:
    return err;
}

static ting_err push_u(ting_pickle_vm *vm, uint64_t number)
{
    return push_integer(vm, TING_VALUE_INT, (int64_t)number);
}

static ting_err push_i32(ting_pickle_vm *vm, uint64_t number)
{
    return push_integer(vm, TING_VALUE_INT, (int32_t)(uint32_t)number);
}

/* ---- opcodes ---- */

bool ting_pickle_scalar(ting_pickle_vm *vm, unsigned char opcode, ting_err *err)
{
    switch (opcode) {
    case 'N': *err = ting_pickle_push(vm, ting_pickle_value(vm, TING_VALUE_NONE, 0)); break;
    case 0x88: *err = push_integer(vm, TING_VALUE_BOOL, 1); break;
    case 0x89: *err = push_integer(vm, TING_VALUE_BOOL, 0); break;
    case 'I': *err = push_decimal(vm, false); break;
    case 'L': *err = push_decimal(vm, true); break;
    case 'J': *err = ting_pickle_sized(vm, 4, push_i32); break;
    case 'K': *err = ting_pickle_sized(vm, 1, push_u); break;
    case 'M': *err = ting_pickle_sized(vm, 2, push_u); break;
    case 0x8A: *err = ting_pickle_sized(vm, 1, push_long); break;
    case 0x8B: *err = ting_pickle_sized(vm, 4, push_long); break;
    case 'F': *err = push_decimal_real(vm); break;
    case 'G': *err = push_big_endian_real(vm); break;
    case 'S': *err = push_escaped(vm, false); break;
    case 'V': *err = push_escaped(vm, true); break;
    case 'T': *err = ting_pickle_sized(vm, 4, push_old_string); break;
    case 'U': *err = ting_pickle_sized(vm, 1, push_old_string); break;
    case 'X': *err = ting_pickle_sized(vm, 4, push_text); break;
    case 0x8C: *err = ting_pickle_sized(vm, 1, push_text); break;
    case 0x8D: *err = ting_pickle_sized(vm, 8, push_text); break;
    case 'B': *err = ting_pickle_sized(vm, 4, push_bytes); break;
    case 'C': *err = ting_pickle_sized(vm, 1, push_bytes); break;
    case 0x8E:
    case 0x96: *err = ting_pickle_sized(vm, 8, push_bytes); break;
    default: return false;
    }
    return true;
}
