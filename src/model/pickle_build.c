/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_build.c - the few classes and functions whose meaning is known here: numpy arrays and scalars,
 * torch storages and tensors, OrderedDict, codecs.encode. Nothing is called; their effect is written out.
 *
 * Follows numpy's ndarray.__reduce__ and torch/_utils.py, torch/serialization.py.
 */
#include "model/pickle_vm.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *module, *name;
    ting_pickle_helper helper;
    int dtype; /* of a storage class; -1: known, but of a type that is not read */
} GLOBALS[] = {
    {"collections", "OrderedDict", TING_HELPER_ORDERED_DICT, 0},
    {"_codecs", "encode", TING_HELPER_ENCODE, 0},
    {"numpy.core.multiarray", "_reconstruct", TING_HELPER_RECONSTRUCT, 0},
    {"numpy._core.multiarray", "_reconstruct", TING_HELPER_RECONSTRUCT, 0},
    {"numpy.core.multiarray", "scalar", TING_HELPER_SCALAR, 0},
    {"numpy._core.multiarray", "scalar", TING_HELPER_SCALAR, 0},
    {"numpy.core.numeric", "_frombuffer", TING_HELPER_FROM_BUFFER, 0},
    {"numpy._core.numeric", "_frombuffer", TING_HELPER_FROM_BUFFER, 0},
    {"numpy", "ndarray", TING_HELPER_NDARRAY, 0},
    {"numpy", "dtype", TING_HELPER_DTYPE_CLASS, 0},
    {"torch._utils", "_rebuild_tensor_v2", TING_HELPER_REBUILD_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", TING_HELPER_REBUILD_PARAMETER, 0},
    {"torch", "Size", TING_HELPER_SIZE, 0},
    {"torch", "FloatStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_F32},
    {"torch", "HalfStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_F16},
    {"torch", "BFloat16Storage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_BF16},
    {"torch", "DoubleStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_F64},
    {"torch", "CharStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_I8},
    {"torch", "IntStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_I32},
    {"torch", "LongStorage", TING_HELPER_STORAGE_CLASS, TING_DTYPE_I64},
};

ting_err ting_pickle_global(ting_pickle_vm *vm, const char *module, const char *name, ting_value **out)
{
    for (size_t i = 0; i < sizeof GLOBALS / sizeof GLOBALS[0]; i++) {
        if (strcmp(GLOBALS[i].module, module) == 0 && strcmp(GLOBALS[i].name, name) == 0) {
            *out = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
            if (*out == NULL)
                return TING_ERR_MEMORY;
            (*out)->helper = (int)GLOBALS[i].helper;
            (*out)->integer = GLOBALS[i].dtype;
            return TING_OK;
        }
    }
    return ting_fail(TING_ERR_UNSUPPORTED,
                     "it asks for %s.%s; only plain data, numpy arrays and torch tensors of F32 F16 BF16 F64 "
                     "I8 I32 I64 are read, and nothing is executed",
                     module, name);
}

static bool is_helper(const ting_value *value, ting_pickle_helper helper)
{
    return value->kind == TING_VALUE_OTHER && value->helper == (int)helper;
}

static ting_err damaged(const char *what)
{
    return ting_fail(TING_ERR_FORMAT, "%s is not put together as expected: the file is damaged", what);
}

/* Argument i of a call. */
static const ting_value *item(const ting_value *tuple, size_t i)
{
    static const ting_value none = {.kind = TING_VALUE_NONE};
    bool has = (tuple->kind == TING_VALUE_TUPLE || tuple->kind == TING_VALUE_LIST) && i < tuple->count;
    return has ? tuple->items[i] : &none;
}

/* Takes what a call copies from the budget: one value can be given to every call, and a call costs a few bytes. */
static ting_err charge(ting_pickle_vm *vm, size_t bytes)
{
    if (bytes > vm->budget)
        return ting_fail(TING_ERR_FORMAT, "its calls claim more memory than the file can hold: it is damaged");
    vm->budget -= bytes;
    return TING_OK;
}

/* A tuple of whole numbers >= 0. */
static ting_err sizes(const ting_value *tuple, int64_t *out, size_t *count)
{
    ting_err err = TING_OK;
    *count = 0;
    if (tuple->kind != TING_VALUE_TUPLE)
        return damaged("a tensor's shape");
    if (tuple->count > TING_MAX_DIMS)
        FAIL(TING_ERR_UNSUPPORTED, "a tensor of %zu dimensions, at most %d are supported", tuple->count,
             TING_MAX_DIMS);
    for (; *count < tuple->count; ++*count) {
        const ting_value *size = tuple->items[*count];
        if (size->kind != TING_VALUE_INT || size->integer < 0)
            return damaged("a tensor's shape");
        out[*count] = size->integer;
    }
out:
    return err;
}

/* Sets a tensor from elements at `data`, `stride` apart: borrowed when row-major and aligned, else copied. */
static ting_err place(ting_pickle_vm *vm, ting_value *value, ting_dtype dtype, const unsigned char *data,
                      size_t dims, const int64_t *shape, const int64_t *stride)
{
    ting_err err = TING_OK;
    size_t elements, width = ting_dtype_bytes(dtype, 1);
    bool in_order = true;
    int64_t expected = 1;
    TRY(ting_shape_elements(shape, dims, &elements));
    for (size_t d = dims; d-- > 0;) {
        in_order = in_order && (shape[d] == 1 || stride[d] == expected);
        expected *= shape[d];
    }
    size_t bytes = elements * width;
    ting_stored tensor = {.dtype = dtype, .dims = (int)dims, .data = data, .bytes = bytes};
    for (size_t d = 0; d < dims; d++)
        tensor.shape[d] = shape[d];
    if (elements > 0 && (!in_order || (uintptr_t)data % width != 0)) {
        TRY(charge(vm, bytes));
        void *copy = ting_arena_take(vm->file->arena, bytes);
        if (copy == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        ting_copy_strided(copy, data, width, (int)dims, shape, stride);
        tensor.data = copy;
    }
    *value = (ting_value){.kind = TING_VALUE_TENSOR, .tensor = tensor};
out:
    return err;
}

/* ---- numpy ---- */

static ting_err make_dtype(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    static const struct {
        const char *name;
        ting_dtype dtype;
    } known[] = {{"f4", TING_DTYPE_F32}, {"f2", TING_DTYPE_F16}, {"f8", TING_DTYPE_F64},
                 {"i1", TING_DTYPE_I8},  {"i4", TING_DTYPE_I32}, {"i8", TING_DTYPE_I64}};
    const ting_value *name = item(args, 0);
    if (name->kind != TING_VALUE_TEXT)
        return damaged("a numpy type");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name->text) == 0) {
            *out = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
            if (*out == NULL)
                return TING_ERR_MEMORY;
            (*out)->helper = TING_HELPER_DTYPE;
            (*out)->integer = (int64_t)known[i].dtype;
            return TING_OK;
        }
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "numpy type \"%.20s\", expected f2 f4 f8 i1 i4 i8", name->text);
}

/* State of a dtype: (version, byte order, ...). */
static ting_err check_byte_order(const ting_value *state)
{
    const ting_value *order = item(state, 1);
    if (order->kind != TING_VALUE_TEXT && order->kind != TING_VALUE_BYTES)
        return damaged("a numpy type");
    if (order->length != 1 || (*order->bytes != '<' && *order->bytes != '|'))
        return ting_fail(TING_ERR_UNSUPPORTED, "a numpy type in big-endian order");
    return TING_OK;
}

/* An array from raw bytes. */
static ting_err make_array(ting_pickle_vm *vm, ting_value *value, const ting_value *shape,
                           const ting_value *dtype, bool by_columns, const ting_value *raw)
{
    ting_err err = TING_OK;
    int64_t size[TING_MAX_DIMS], stride[TING_MAX_DIMS], next = 1;
    size_t dims, elements;
    if (!is_helper(dtype, TING_HELPER_DTYPE) || raw->kind != TING_VALUE_BYTES)
        return damaged("a numpy array");
    TRY(sizes(shape, size, &dims));
    TRY(ting_shape_elements(size, dims, &elements));
    ting_dtype type = (ting_dtype)dtype->integer;
    if (raw->length != ting_dtype_bytes(type, elements))
        FAIL(TING_ERR_FORMAT, "a numpy array of %zu elements %s has %zu bytes", elements, ting_dtype_name(type),
             raw->length);
    for (size_t i = 0; i < dims; i++) {
        size_t d = by_columns ? i : dims - 1 - i;
        stride[d] = next;
        next *= size[d];
    }
    TRY(place(vm, value, type, raw->bytes, dims, size, stride));
out:
    return err;
}

static ting_err make_scalar(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    ting_err err = TING_OK;
    const ting_value *dtype = item(args, 0), *raw = item(args, 1);
    if (!is_helper(dtype, TING_HELPER_DTYPE) || raw->kind != TING_VALUE_BYTES)
        return damaged("a numpy scalar");
    ting_stored one = {.dtype = (ting_dtype)dtype->integer, .dims = 0, .data = raw->bytes};
    if (raw->length != ting_dtype_bytes(one.dtype, 1))
        return damaged("a numpy scalar");
    bool whole = one.dtype == TING_DTYPE_I8 || one.dtype == TING_DTYPE_I32 || one.dtype == TING_DTYPE_I64;
    *out = ting_pickle_value(vm, whole ? TING_VALUE_INT : TING_VALUE_FLOAT, 0);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (one.dtype == TING_DTYPE_I64) /* a double does not hold all of them */
        memcpy(&(*out)->integer, raw->bytes, sizeof (*out)->integer);
    else if (whole)
        (*out)->integer = (int64_t)ting_stored_value(&one, 0);
    else
        (*out)->real = ting_stored_value(&one, 0);
out:
    return err;
}

/* _frombuffer(bytes, dtype, shape, order) of protocol 5. */
static ting_err from_buffer(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    const ting_value *order = item(args, 3);
    *out = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    bool by_columns = order->kind == TING_VALUE_TEXT && strcmp(order->text, "F") == 0;
    return make_array(vm, *out, item(args, 2), item(args, 1), by_columns, item(args, 0));
}

/* encode("text", "latin1"): how protocols 0 to 2 spell bytes. */
static ting_err encode(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    ting_err err = TING_OK;
    const ting_value *text = item(args, 0), *codec = item(args, 1);
    if (text->kind != TING_VALUE_TEXT || codec->kind != TING_VALUE_TEXT || strcmp(codec->text, "latin1") != 0)
        FAIL(TING_ERR_UNSUPPORTED, "_codecs.encode with other arguments than a str and \"latin1\"");
    TRY(charge(vm, text->length));
    *out = ting_pickle_value(vm, TING_VALUE_BYTES, text->length + 1);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    unsigned char *bytes = (unsigned char *)(*out + 1);
    uint32_t code_point;
    for (size_t at = 0; at < text->length;) {
        at += (size_t)ting_utf8_decode(text->text + at, text->length - at, &code_point);
        if (code_point > 0xFF)
            FAIL(TING_ERR_FORMAT, "U+%04" PRIX32 " is not in latin1: the file is damaged", code_point);
        bytes[(*out)->length++] = (unsigned char)code_point;
    }
    (*out)->bytes = bytes;
out:
    return err;
}

/* ---- torch ---- */

static ting_err find_storage(ting_pickle_vm *vm, const char *key, ting_value **out)
{
    for (size_t i = 0; i < vm->storage_count; i++) {
        if (strcmp(vm->storage_keys[i], key) == 0) {
            *out = vm->storages[i];
            return TING_OK;
        }
    }
    return TING_ERR_NOT_FOUND;
}

static ting_err load_storage(ting_pickle_vm *vm, const ting_value *key, ting_dtype dtype, ting_value **out)
{
    ting_err err = TING_OK;
    ting_pickle *file = vm->file;
    ting_str name = {0};
    void *bytes = NULL;
    size_t size = 0, room = vm->storage_room;
    ting_str_addf(&name, "%sdata/%s", vm->zip_folder, key->text);
    ting_value *storage = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
    if (!ting_str_ok(&name) || storage == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_reserve(&file->members, file->member_count, 1, &file->member_room, sizeof *file->members));
    TRY(ting_reserve(&vm->storages, vm->storage_count, 1, &vm->storage_room, sizeof *vm->storages));
    TRY(ting_reserve(&vm->storage_keys, vm->storage_count, 1, &room, sizeof *vm->storage_keys));
    TRY(ting_unzip_read_named(vm->zip, name.text, &bytes, &size));
    file->members[file->member_count++] = bytes;
    storage->helper = TING_HELPER_STORAGE;
    storage->tensor = (ting_stored){.dtype = dtype,
                                    .dims = 1,
                                    .shape = {(int64_t)(size / ting_dtype_bytes(dtype, 1))},
                                    .data = bytes,
                                    .bytes = size};
    vm->storages[vm->storage_count] = storage;
    /* The key lives in the arena with its value. */
    memcpy(&vm->storage_keys[vm->storage_count], &key->text, sizeof key->text);
    vm->storage_count++;
    *out = storage;
out:
    ting_str_free(&name);
    return err;
}

/* ("storage", class, key, device, elements) */
ting_err ting_pickle_persistent(ting_pickle_vm *vm, const ting_value *id, ting_value **out)
{
    ting_err err = TING_OK;
    const ting_value *word = item(id, 0), *class = item(id, 1), *key = item(id, 2), *count = item(id, 4);
    if (vm->zip == NULL)
        FAIL(TING_ERR_UNSUPPORTED, "it refers to data outside of the pickle");
    if (word->kind != TING_VALUE_TEXT || strcmp(word->text, "storage") != 0 ||
        !is_helper(class, TING_HELPER_STORAGE_CLASS) || key->kind != TING_VALUE_TEXT ||
        count->kind != TING_VALUE_INT)
        return damaged("a torch storage");
    ting_dtype dtype = (ting_dtype)class->integer;
    if (find_storage(vm, key->text, out) != TING_OK)
        TRY(load_storage(vm, key, dtype, out));
    if ((*out)->tensor.dtype != dtype || (*out)->tensor.shape[0] < count->integer)
        FAIL(TING_ERR_FORMAT, "storage %s: %" PRId64 " elements %s announced, %zu bytes found: the file is damaged",
             key->text, count->integer, ting_dtype_name(dtype), (*out)->tensor.bytes);
out:
    return err;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static ting_err rebuild_tensor(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    ting_err err = TING_OK;
    const ting_value *storage = item(args, 0), *offset = item(args, 1);
    int64_t shape[TING_MAX_DIMS], stride[TING_MAX_DIMS];
    size_t dims, strides, elements;
    if (!is_helper(storage, TING_HELPER_STORAGE) || offset->kind != TING_VALUE_INT)
        return damaged("a torch tensor");
    TRY(sizes(item(args, 2), shape, &dims));
    TRY(sizes(item(args, 3), stride, &strides));
    TRY(ting_shape_elements(shape, dims, &elements));
    int64_t available = storage->tensor.shape[0], last = offset->integer;
    bool inside = strides == dims && last >= 0 && last <= available;
    for (size_t d = 0; inside && elements > 0 && d < dims; d++) {
        inside = shape[d] == 1 || stride[d] <= (available - 1 - last) / (shape[d] - 1);
        if (inside)
            last += shape[d] == 1 ? 0 : stride[d] * (shape[d] - 1);
    }
    if (!inside || (elements > 0 && last >= available))
        FAIL(TING_ERR_FORMAT, "a torch tensor reaches beyond its storage of %" PRId64 " elements: the file is damaged",
             available);
    *out = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    ting_dtype dtype = storage->tensor.dtype;
    const unsigned char *data = storage->tensor.data;
    if (elements > 0)
        data += ting_dtype_bytes(dtype, (size_t)offset->integer);
    TRY(place(vm, *out, dtype, data, dims, shape, stride));
out:
    return err;
}

static ting_err ordered_dict(ting_pickle_vm *vm, const ting_value *args, ting_value **out)
{
    ting_err err = TING_OK;
    const ting_value *pairs = item(args, 0);
    if (pairs->kind == TING_VALUE_LIST)
        TRY(charge(vm, 4 * pairs->count * sizeof *pairs->items)); /* two a pair, in lists that double */
    *out = ting_pickle_value(vm, TING_VALUE_DICT, 0);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; pairs->kind == TING_VALUE_LIST && i < pairs->count; i++) {
        const ting_value *pair = pairs->items[i];
        if ((pair->kind != TING_VALUE_LIST && pair->kind != TING_VALUE_TUPLE) || pair->count != 2)
            return damaged("an OrderedDict");
        TRY(ting_pickle_append(vm, *out, pair->items[0]));
        TRY(ting_pickle_append(vm, *out, pair->items[1]));
    }
out:
    return err;
}

ting_err ting_pickle_reduce(ting_pickle_vm *vm, const ting_value *callable, const ting_value *args,
                            ting_value **out)
{
    switch (callable->kind == TING_VALUE_OTHER ? callable->helper : TING_HELPER_NONE) {
    case TING_HELPER_ORDERED_DICT: return ordered_dict(vm, args, out);
    case TING_HELPER_ENCODE: return encode(vm, args, out);
    case TING_HELPER_RECONSTRUCT:
        *out = ting_pickle_value(vm, TING_VALUE_OTHER, 0);
        if (*out == NULL)
            return TING_ERR_MEMORY;
        (*out)->helper = TING_HELPER_ARRAY;
        return TING_OK;
    case TING_HELPER_DTYPE_CLASS: return make_dtype(vm, args, out);
    case TING_HELPER_SCALAR: return make_scalar(vm, args, out);
    case TING_HELPER_FROM_BUFFER: return from_buffer(vm, args, out);
    case TING_HELPER_REBUILD_TENSOR: return rebuild_tensor(vm, args, out);
    case TING_HELPER_REBUILD_PARAMETER:
    case TING_HELPER_SIZE:
        if (args->count < 1)
            return damaged("a torch parameter");
        *out = args->items[0];
        return TING_OK;
    default: return ting_fail(TING_ERR_FORMAT, "a call of something that cannot be called: the file is damaged");
    }
}

ting_err ting_pickle_build(ting_pickle_vm *vm, ting_value *object, const ting_value *state)
{
    if (object->kind == TING_VALUE_DICT)
        return TING_OK; /* attributes of an OrderedDict (torch's _metadata): not its content */
    if (is_helper(object, TING_HELPER_DTYPE))
        return check_byte_order(state);
    if (is_helper(object, TING_HELPER_ARRAY)) { /* (version, shape, dtype, by columns, bytes) */
        const ting_value *by_columns = item(state, 3);
        if (by_columns->kind != TING_VALUE_BOOL)
            return damaged("a numpy array");
        return make_array(vm, object, item(state, 1), item(state, 2), by_columns->integer != 0, item(state, 4));
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "it sets the state of something that is no array, type or dict");
}
