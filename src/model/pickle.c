/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.c - the stack machine: opcodes to values; see pickle.h.
 *
 * Follows the opcode descriptions of CPython's Lib/pickletools.py. Left out on purpose: everything that
 * would make objects of classes (INST, OBJ, NEWOBJ, extension codes), sets, and out-of-band buffers.
 */
#include "model/pickle_vm.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 1 << 24 };

ting_value *ting_pickle_value(ting_pickle_vm *vm, ting_value_kind kind, size_t extra)
{
    ting_value *value = ting_arena_take_zeroed(vm->file->arena, 1, sizeof *value + extra);
    if (value != NULL)
        value->kind = kind;
    return value;
}

ting_err ting_pickle_room(void *items, size_t count, size_t *room, size_t size)
{
    void *old, *grown;
    if (count < *room)
        return TING_OK;
    size_t wanted = *room == 0 ? 64 : *room * 2;
    memcpy(&old, items, sizeof old);
    grown = ting_grow(old, count, wanted, size);
    if (grown == NULL)
        return TING_ERR_MEMORY;
    memcpy(items, &grown, sizeof grown);
    *room = wanted;
    return TING_OK;
}

ting_err ting_pickle_append(ting_pickle_vm *vm, ting_value *list, ting_value *item)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 8 : list->room * 2;
        ting_value **items = ting_arena_take(vm->file->arena, room * sizeof *items);
        if (items == NULL)
            return TING_ERR_MEMORY;
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = item;
    return TING_OK;
}

/* ---- bytes of the program ---- */

static ting_err take(ting_pickle_vm *vm, uint64_t bytes, const unsigned char **out)
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
    ting_err err = take(vm, bytes, &at);
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

/* A short line as a string. */
static ting_err take_word(ting_pickle_vm *vm, char *out, size_t room)
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

/* ---- stack and memo ---- */

static ting_err push(ting_pickle_vm *vm, ting_value *value)
{
    ting_err err = TING_OK;
    if (value == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_pickle_room(&vm->stack, vm->depth, &vm->room, sizeof *vm->stack));
    vm->stack[vm->depth++] = value;
out:
    return err;
}

static size_t floor_of_stack(const ting_pickle_vm *vm)
{
    return vm->mark_count > 0 ? vm->marks[vm->mark_count - 1] : 0;
}

static ting_err pop(ting_pickle_vm *vm, ting_value **out)
{
    *out = NULL;
    if (vm->depth <= floor_of_stack(vm))
        return ting_fail(TING_ERR_FORMAT, "byte %zu: the stack is empty: the file is damaged",
                         vm->size - vm->left);
    *out = vm->stack[--vm->depth];
    return TING_OK;
}

/* The value on top, of a given kind. */
static ting_err top(ting_pickle_vm *vm, ting_value_kind kind, ting_value **out)
{
    ting_err err = TING_OK;
    TRY(pop(vm, out));
    vm->depth++;
    if ((*out)->kind != kind)
        FAIL(TING_ERR_FORMAT, "byte %zu: a value of kind %d stands where kind %d is needed: the file is damaged",
             vm->size - vm->left, (int)(*out)->kind, (int)kind);
out:
    return err;
}

/* Removes the last mark: the values above it are stack[*first .. depth - 1]. */
static ting_err pop_mark(ting_pickle_vm *vm, size_t *first)
{
    *first = 0;
    if (vm->mark_count == 0)
        return ting_fail(TING_ERR_FORMAT, "byte %zu: no mark on the stack: the file is damaged",
                         vm->size - vm->left);
    *first = vm->marks[--vm->mark_count];
    return TING_OK;
}

static ting_err remember(ting_pickle_vm *vm, uint64_t index)
{
    ting_err err = TING_OK;
    ting_value *value;
    TRY(pop(vm, &value));
    vm->depth++;
    if (index >= vm->size) /* each entry costs a byte at least */
        FAIL(TING_ERR_FORMAT, "memo %" PRIu64 " in a program of %zu bytes: the file is damaged", index, vm->size);
    while (vm->memo_count <= index) {
        TRY(ting_pickle_room(&vm->memo, vm->memo_count, &vm->memo_room, sizeof *vm->memo));
        vm->memo[vm->memo_count++] = NULL;
    }
    vm->memo[index] = value;
out:
    return err;
}

static ting_err recall(ting_pickle_vm *vm, uint64_t index)
{
    if (index >= vm->memo_count || vm->memo[index] == NULL)
        return ting_fail(TING_ERR_FORMAT, "memo %" PRIu64 " is empty: the file is damaged", index);
    return push(vm, vm->memo[index]);
}

/* ---- values ---- */

static ting_err push_integer(ting_pickle_vm *vm, ting_value_kind kind, int64_t integer)
{
    ting_value *value = ting_pickle_value(vm, kind, 0);
    if (value != NULL)
        value->integer = integer;
    return push(vm, value);
}

static ting_err push_real(ting_pickle_vm *vm, double real)
{
    ting_value *value = ting_pickle_value(vm, TING_VALUE_FLOAT, 0);
    if (value != NULL)
        value->real = real;
    return push(vm, value);
}

/* Two's complement, little-endian, of any length. */
static ting_err push_long(ting_pickle_vm *vm, uint64_t bytes)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    TRY(take(vm, bytes, &at));
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
    TRY(take(vm, length, &at));
    if (ting_utf8_count((const char *)at, (size_t)length) < 0)
        FAIL(TING_ERR_FORMAT, "byte %zu: a str that is not UTF-8", vm->size - vm->left);
    ting_value *value = ting_pickle_value(vm, TING_VALUE_TEXT, (size_t)length + 1);
    if (value == NULL)
        return TING_ERR_MEMORY;
    memcpy(value + 1, at, (size_t)length);
    value->text = (const char *)(value + 1);
    value->length = (size_t)length;
    TRY(push(vm, value));
out:
    return err;
}

static ting_err push_bytes(ting_pickle_vm *vm, uint64_t length)
{
    ting_err err = TING_OK;
    const unsigned char *at;
    TRY(take(vm, length, &at));
    ting_value *value = ting_pickle_value(vm, TING_VALUE_BYTES, 0);
    if (value == NULL)
        return TING_ERR_MEMORY;
    value->bytes = at;
    value->length = (size_t)length;
    TRY(push(vm, value));
out:
    return err;
}

/* 'I' and 'L' of protocol 0: a decimal line; 00 and 01 are booleans in 'I', 'L' may end in 'L'. */
static ting_err push_decimal(ting_pickle_vm *vm, bool is_long)
{
    ting_err err = TING_OK;
    char word[32], *end;
    TRY(take_word(vm, word, sizeof word));
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
    TRY(take_word(vm, word, sizeof word));
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
    TRY(take(vm, 8, &at));
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
    TRY(push(vm, value));
out:
    return err;
}

/* The values above the mark, or the `count` topmost ones, as a list or tuple. */
static ting_err push_sequence(ting_pickle_vm *vm, ting_value_kind kind, size_t first)
{
    ting_err err = TING_OK;
    if (first > vm->depth || first < floor_of_stack(vm))
        FAIL(TING_ERR_FORMAT, "byte %zu: the stack is too short: the file is damaged", vm->size - vm->left);
    size_t count = vm->depth - first;
    ting_value *value = ting_pickle_value(vm, kind, count * sizeof(ting_value *));
    if (value == NULL)
        return TING_ERR_MEMORY;
    if (kind == TING_VALUE_DICT && count % 2 != 0)
        FAIL(TING_ERR_FORMAT, "byte %zu: a key without value: the file is damaged", vm->size - vm->left);
    if (count > 0) {
        value->items = (ting_value **)(value + 1);
        memcpy(value->items, vm->stack + first, count * sizeof *value->items);
        value->count = value->room = count;
    }
    vm->depth = first;
    TRY(push(vm, value));
out:
    return err;
}

static ting_err push_marked(ting_pickle_vm *vm, ting_value_kind kind)
{
    ting_err err = TING_OK;
    size_t first;
    TRY(pop_mark(vm, &first));
    TRY(push_sequence(vm, kind, first));
out:
    return err;
}

static ting_err push_topmost(ting_pickle_vm *vm, size_t count)
{
    return push_sequence(vm, TING_VALUE_TUPLE, vm->depth >= count ? vm->depth - count : SIZE_MAX);
}

/* Appends stack[first ..] to the list or dict under them. */
static ting_err extend(ting_pickle_vm *vm, ting_value_kind kind, size_t first)
{
    ting_err err = TING_OK;
    ting_value *list;
    if (first > vm->depth || first < floor_of_stack(vm))
        FAIL(TING_ERR_FORMAT, "byte %zu: the stack is too short: the file is damaged", vm->size - vm->left);
    size_t count = vm->depth - first;
    if (kind == TING_VALUE_DICT && count % 2 != 0)
        FAIL(TING_ERR_FORMAT, "byte %zu: a key without value: the file is damaged", vm->size - vm->left);
    vm->depth = first;
    TRY(top(vm, kind, &list));
    for (size_t i = 0; i < count; i++)
        TRY(ting_pickle_append(vm, list, vm->stack[first + i]));
out:
    return err;
}

static ting_err extend_marked(ting_pickle_vm *vm, ting_value_kind kind)
{
    ting_err err = TING_OK;
    size_t first;
    TRY(pop_mark(vm, &first));
    TRY(extend(vm, kind, first));
out:
    return err;
}

static ting_err extend_by(ting_pickle_vm *vm, ting_value_kind kind, size_t count)
{
    return extend(vm, kind, vm->depth >= count ? vm->depth - count : SIZE_MAX);
}

/* ---- calls ---- */

static ting_err push_global(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    char module[256], name[256];
    ting_value *value;
    TRY(take_word(vm, module, sizeof module));
    TRY(take_word(vm, name, sizeof name));
    TRY(ting_pickle_global(vm, module, name, &value));
    TRY(push(vm, value));
out:
    return err;
}

static ting_err push_stack_global(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    ting_value *module, *name, *value;
    TRY(pop(vm, &name));
    TRY(pop(vm, &module));
    if (module->kind != TING_VALUE_TEXT || name->kind != TING_VALUE_TEXT)
        FAIL(TING_ERR_FORMAT, "a class is named by something that is no str: the file is damaged");
    TRY(ting_pickle_global(vm, module->text, name->text, &value));
    TRY(push(vm, value));
out:
    return err;
}

static ting_err reduce(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    ting_value *args, *callable, *value;
    TRY(top(vm, TING_VALUE_TUPLE, &args));
    vm->depth--;
    TRY(pop(vm, &callable));
    TRY(ting_pickle_reduce(vm, callable, args, &value));
    TRY(push(vm, value));
out:
    return err;
}

static ting_err build(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    ting_value *state, *object;
    TRY(pop(vm, &state));
    TRY(pop(vm, &object));
    vm->depth++;
    TRY(ting_pickle_build(vm, object, state));
out:
    return err;
}

static ting_err persistent(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    ting_value *id, *value;
    TRY(pop(vm, &id));
    TRY(ting_pickle_persistent(vm, id, &value));
    TRY(push(vm, value));
out:
    return err;
}

static ting_err set_mark(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    TRY(ting_pickle_room(&vm->marks, vm->mark_count, &vm->mark_room, sizeof *vm->marks));
    vm->marks[vm->mark_count++] = vm->depth;
out:
    return err;
}

/* POP takes a value, or the mark if that is on top. */
static ting_err pop_one(ting_pickle_vm *vm)
{
    ting_value *value;
    if (vm->mark_count > 0 && vm->marks[vm->mark_count - 1] == vm->depth) {
        vm->mark_count--;
        return TING_OK;
    }
    return pop(vm, &value);
}

static ting_err duplicate(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    ting_value *value;
    TRY(pop(vm, &value));
    vm->depth++;
    TRY(push(vm, value));
out:
    return err;
}

static ting_err drop_marked(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    TRY(pop_mark(vm, &vm->depth));
out:
    return err;
}

/* ---- the machine ---- */

static ting_err memo_word(ting_pickle_vm *vm, bool get)
{
    ting_err err = TING_OK;
    char word[24], *end;
    TRY(take_word(vm, word, sizeof word));
    unsigned long long index = strtoull(word, &end, 10);
    if (*end != '\0' || end == word)
        FAIL(TING_ERR_FORMAT, "memo \"%s\" is no number", word);
    TRY(get ? recall(vm, index) : remember(vm, index));
out:
    return err;
}

/* Opcodes with a length or number of `bytes` bytes before their data. */
static ting_err sized(ting_pickle_vm *vm, size_t bytes, ting_err (*make)(ting_pickle_vm *, uint64_t))
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

static ting_err check_protocol(ting_pickle_vm *vm, uint64_t protocol)
{
    (void)vm;
    if (protocol > 5)
        return ting_fail(TING_ERR_UNSUPPORTED, "pickle protocol %" PRIu64 ", at most 5 is known", protocol);
    return TING_OK;
}

static ting_err frame(ting_pickle_vm *vm, uint64_t bytes)
{
    if (bytes > vm->left)
        return ting_fail(TING_ERR_FORMAT, "a frame of %" PRIu64 " bytes, %zu are left: the file is truncated",
                         bytes, vm->left);
    return TING_OK; /* its content follows as opcodes */
}

static ting_err make_values(ting_pickle_vm *vm, unsigned char opcode)
{
    switch (opcode) {
    case 'N': return push(vm, ting_pickle_value(vm, TING_VALUE_NONE, 0));
    case 0x88: return push_integer(vm, TING_VALUE_BOOL, 1);
    case 0x89: return push_integer(vm, TING_VALUE_BOOL, 0);
    case 'I': return push_decimal(vm, false);
    case 'L': return push_decimal(vm, true);
    case 'J': return sized(vm, 4, push_i32);
    case 'K': return sized(vm, 1, push_u);
    case 'M': return sized(vm, 2, push_u);
    case 0x8A: return sized(vm, 1, push_long);
    case 0x8B: return sized(vm, 4, push_long);
    case 'F': return push_decimal_real(vm);
    case 'G': return push_big_endian_real(vm);
    case 'S': return push_escaped(vm, false);
    case 'V': return push_escaped(vm, true);
    case 'T': return sized(vm, 4, push_old_string);
    case 'U': return sized(vm, 1, push_old_string);
    case 'X': return sized(vm, 4, push_text);
    case 0x8C: return sized(vm, 1, push_text);
    case 0x8D: return sized(vm, 8, push_text);
    case 'B': return sized(vm, 4, push_bytes);
    case 'C': return sized(vm, 1, push_bytes);
    case 0x8E:
    case 0x96: return sized(vm, 8, push_bytes);
    case ']': return push_sequence(vm, TING_VALUE_LIST, vm->depth);
    case ')': return push_sequence(vm, TING_VALUE_TUPLE, vm->depth);
    case '}': return push_sequence(vm, TING_VALUE_DICT, vm->depth);
    case 'l': return push_marked(vm, TING_VALUE_LIST);
    case 't': return push_marked(vm, TING_VALUE_TUPLE);
    case 'd': return push_marked(vm, TING_VALUE_DICT);
    case 0x85: return push_topmost(vm, 1);
    case 0x86: return push_topmost(vm, 2);
    case 0x87: return push_topmost(vm, 3);
    default: break;
    }
    return ting_fail(TING_ERR_UNSUPPORTED,
                     "byte %zu: opcode 0x%02X: it makes objects of classes, or is none; only plain data are read",
                     vm->size - vm->left - 1, opcode);
}

static ting_err step(ting_pickle_vm *vm, unsigned char opcode)
{
    switch (opcode) {
    case 0x80: return sized(vm, 1, check_protocol);
    case 0x95: return sized(vm, 8, frame);
    case '(': return set_mark(vm);
    case '0': return pop_one(vm);
    case '1': return drop_marked(vm);
    case '2': return duplicate(vm);
    case 'a': return extend_by(vm, TING_VALUE_LIST, 1);
    case 'e': return extend_marked(vm, TING_VALUE_LIST);
    case 's': return extend_by(vm, TING_VALUE_DICT, 2);
    case 'u': return extend_marked(vm, TING_VALUE_DICT);
    case 'g': return memo_word(vm, true);
    case 'h': return sized(vm, 1, recall);
    case 'j': return sized(vm, 4, recall);
    case 'p': return memo_word(vm, false);
    case 'q': return sized(vm, 1, remember);
    case 'r': return sized(vm, 4, remember);
    case 0x94: return remember(vm, vm->memo_count);
    case 'c': return push_global(vm);
    case 0x93: return push_stack_global(vm);
    case 'R': return reduce(vm);
    case 'b': return build(vm);
    case 'Q': return persistent(vm);
    default: return make_values(vm, opcode);
    }
}

ting_err ting_pickle_execute(ting_pickle_vm *vm, const unsigned char *bytes, size_t size)
{
    ting_err err = TING_OK;
    const unsigned char *opcode;
    ting_value *root;
    vm->at = bytes;
    vm->left = vm->size = size;
    for (size_t steps = 0;; steps++) {
        if (steps >= MOST_STEPS)
            FAIL(TING_ERR_UNSUPPORTED, "more than %d opcodes", MOST_STEPS);
        TRY(take(vm, 1, &opcode));
        if (*opcode == '.')
            break;
        TRY(step(vm, *opcode));
    }
    TRY(pop(vm, &root));
    vm->file->root = root;
out:
    ting_free(vm->stack);
    ting_free(vm->marks);
    ting_free(vm->memo);
    return err;
}
