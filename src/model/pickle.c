/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.c - the stack machine: stack, memo, sequences and calls; see pickle.h. What a single opcode spells is in
 * pickle_scalars.c, what the calls mean in pickle_build.c.
 *
 * Follows the opcode descriptions of CPython's Lib/pickletools.py. Left out on purpose: everything that
 * would make objects of classes (INST, OBJ, NEWOBJ, extension codes), sets, and out-of-band buffers.
 */
#include "model/pickle_vm.h"

#include "base/mem.h"

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

/* ---- stack and memo ---- */

ting_err ting_pickle_push(ting_pickle_vm *vm, ting_value *value)
{
    ting_err err = TING_OK;
    if (value == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_reserve(&vm->stack, vm->depth, 1, &vm->room, sizeof *vm->stack));
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
        TRY(ting_reserve(&vm->memo, vm->memo_count, 1, &vm->memo_room, sizeof *vm->memo));
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
    return ting_pickle_push(vm, vm->memo[index]);
}

/* ---- sequences ---- */

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
    TRY(ting_pickle_push(vm, value));
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
    TRY(ting_pickle_take_word(vm, module, sizeof module));
    TRY(ting_pickle_take_word(vm, name, sizeof name));
    TRY(ting_pickle_global(vm, module, name, &value));
    TRY(ting_pickle_push(vm, value));
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
    TRY(ting_pickle_push(vm, value));
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
    TRY(ting_pickle_push(vm, value));
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
    TRY(ting_pickle_push(vm, value));
out:
    return err;
}

static ting_err set_mark(ting_pickle_vm *vm)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&vm->marks, vm->mark_count, 1, &vm->mark_room, sizeof *vm->marks));
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
    TRY(ting_pickle_push(vm, value));
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
    TRY(ting_pickle_take_word(vm, word, sizeof word));
    unsigned long long index = strtoull(word, &end, 10);
    if (*end != '\0' || end == word)
        FAIL(TING_ERR_FORMAT, "memo \"%s\" is no number", word);
    TRY(get ? recall(vm, index) : remember(vm, index));
out:
    return err;
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
    ting_err err;
    if (ting_pickle_scalar(vm, opcode, &err))
        return err;
    switch (opcode) {
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
    case 0x80: return ting_pickle_sized(vm, 1, check_protocol);
    case 0x95: return ting_pickle_sized(vm, 8, frame);
    case '(': return set_mark(vm);
    case '0': return pop_one(vm);
    case '1': return drop_marked(vm);
    case '2': return duplicate(vm);
    case 'a': return extend_by(vm, TING_VALUE_LIST, 1);
    case 'e': return extend_marked(vm, TING_VALUE_LIST);
    case 's': return extend_by(vm, TING_VALUE_DICT, 2);
    case 'u': return extend_marked(vm, TING_VALUE_DICT);
    case 'g': return memo_word(vm, true);
    case 'h': return ting_pickle_sized(vm, 1, recall);
    case 'j': return ting_pickle_sized(vm, 4, recall);
    case 'p': return memo_word(vm, false);
    case 'q': return ting_pickle_sized(vm, 1, remember);
    case 'r': return ting_pickle_sized(vm, 4, remember);
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
        TRY(ting_pickle_take(vm, 1, &opcode));
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
