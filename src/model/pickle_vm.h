/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_vm.h - what pickle.c (the stack machine), pickle_scalars.c (single values) and pickle_build.c (numpy and torch)
 * share. */
#ifndef TING_MODEL_PICKLE_VM_H
#define TING_MODEL_PICKLE_VM_H

#include "model/pickle.h"
#include "model/unzip.h"

typedef enum ting_pickle_helper { /* kinds of TING_VALUE_OTHER */
    TING_HELPER_NONE,
    /* callables, by name */
    TING_HELPER_ORDERED_DICT, TING_HELPER_ENCODE, TING_HELPER_RECONSTRUCT, TING_HELPER_NDARRAY,
    TING_HELPER_DTYPE_CLASS, TING_HELPER_SCALAR, TING_HELPER_FROM_BUFFER, TING_HELPER_REBUILD_TENSOR,
    TING_HELPER_REBUILD_PARAMETER, TING_HELPER_SIZE, TING_HELPER_STORAGE_CLASS,
    /* half-built things */
    TING_HELPER_DTYPE,  /* integer: ting_dtype */
    TING_HELPER_STORAGE, /* tensor: one dimension */
    TING_HELPER_ARRAY   /* an array before its state is set */
} ting_pickle_helper;

typedef struct ting_pickle_vm {
    ting_pickle *file;
    const unsigned char *at;
    size_t left, size;
    ting_value **stack;
    size_t depth, room;
    size_t *marks;
    size_t mark_count, mark_room;
    ting_value **memo;
    size_t memo_count, memo_room;
    size_t budget;        /* bytes that calls may still copy */
    ting_unzip *zip;      /* NULL for a bare pickle */
    const char *zip_folder; /* of data.pkl, with its slash */
    ting_value **storages; /* those read from the archive: owned by the arena */
    char **storage_keys;
    size_t storage_count, storage_room;
} ting_pickle_vm;

/* Runs a program; the root goes to vm->file. */
ting_err ting_pickle_execute(ting_pickle_vm *vm, const unsigned char *bytes, size_t size);

/* A new value in the arena with `extra` zeroed bytes behind it; NULL when out of memory. */
ting_value *ting_pickle_value(ting_pickle_vm *vm, ting_value_kind kind, size_t extra);

/* Appends to a list or dict. */
ting_err ting_pickle_append(ting_pickle_vm *vm, ting_value *list, ting_value *item);

/* Onto the stack; a NULL value is the failure of ting_pickle_value. */
ting_err ting_pickle_push(ting_pickle_vm *vm, ting_value *value);

/* The next bytes of the program, borrowed. Errors: format (there are fewer). */
ting_err ting_pickle_take(ting_pickle_vm *vm, uint64_t bytes, const unsigned char **out);

/* The next line as a string of less than `room` bytes, without its '\n'. Errors: format. */
ting_err ting_pickle_take_word(ting_pickle_vm *vm, char *out, size_t room);

/* Opcodes with a length or number of `bytes` little-endian bytes before their data. */
ting_err ting_pickle_sized(ting_pickle_vm *vm, size_t bytes, ting_err (*make)(ting_pickle_vm *, uint64_t));

/* Pushes what an opcode spells by itself; false, and nothing done, when it is another kind of opcode. */
bool ting_pickle_scalar(ting_pickle_vm *vm, unsigned char opcode, ting_err *err);

/* A callable by module and name. Errors: unsupported, naming it. */
ting_err ting_pickle_global(ting_pickle_vm *vm, const char *module, const char *name, ting_value **out);

/* What callable(*args) would return; callable.__setstate__(state); the object of a persistent id. */
ting_err ting_pickle_reduce(ting_pickle_vm *vm, const ting_value *callable, const ting_value *args,
                            ting_value **out);
ting_err ting_pickle_build(ting_pickle_vm *vm, ting_value *object, const ting_value *state);
ting_err ting_pickle_persistent(ting_pickle_vm *vm, const ting_value *id, ting_value **out);

#endif
