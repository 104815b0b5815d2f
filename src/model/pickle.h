/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.h - Python pickles and PyTorch checkpoints, without Python.
 *
 * A pickle is a program for a stack machine. This one builds None, bool, int, float, str, bytes, list,
 * tuple, dict (OrderedDict too), numpy arrays and scalars, and, in a zip archive written by torch.save,
 * tensors. Whatever else a pickle asks for is refused by name; nothing is ever called or imported.
 * Protocols 0 to 5. Memory grows with the file's size and not beyond; nesting is data, not recursion.
 *
 *     ting_pickle file;
 *     TRY(ting_pickle_open("np_ckpt.pkl", &file));
 *     const ting_value *weight = ting_value_get(file.root, "embedding.weight");
 *     if (weight == NULL || weight->kind != TING_VALUE_TENSOR) ...
 *     float first = (float)ting_stored_value(&weight->tensor, 0);
 *     ting_pickle_close(&file);
 */
#ifndef TING_MODEL_PICKLE_H
#define TING_MODEL_PICKLE_H

#include "base/arena.h"
#include "base/file.h"
#include "model/table.h"

#include <stddef.h>
#include <stdint.h>

typedef enum ting_value_kind {
    TING_VALUE_NONE,
    TING_VALUE_BOOL,   /* integer 0 or 1 */
    TING_VALUE_INT,    /* integer; those beyond 64 bits are refused */
    TING_VALUE_FLOAT,  /* real */
    TING_VALUE_TEXT,   /* text, length: UTF-8, ends in '\0' */
    TING_VALUE_BYTES,  /* bytes, length */
    TING_VALUE_LIST,   /* items[count] */
    TING_VALUE_TUPLE,  /* items[count] */
    TING_VALUE_DICT,   /* items[count]: key, value, key, value: count is even */
    TING_VALUE_TENSOR, /* tensor, row-major */
    TING_VALUE_OTHER   /* a class or type by itself: opaque */
} ting_value_kind;

typedef struct ting_value ting_value;
struct ting_value {
    ting_value_kind kind;
    int helper; /* of OTHER: for the machine only */
    union {
        int64_t integer;
        double real;
        struct {
            union {
                const char *text;
                const unsigned char *bytes;
            };
            size_t length;
        };
        struct {
            ting_value **items;
            size_t count, room;
        };
        ting_stored tensor;
    };
};

typedef struct ting_pickle {
    ting_file file;
    ting_arena *arena; /* holds all values */
    void **members;    /* [member_count] unpacked parts of a zip archive */
    size_t member_count, member_room;
    const ting_value *root;
} ting_pickle;

/* Reads a .pkl, or a .pt (zip archive with data.pkl). Immutable afterwards. Errors: io, format,
 * unsupported (naming the class or function asked for), memory; the path comes first. Values may be
 * shared, and a hostile file may hold cycles: walk with a bound. */
ting_err ting_pickle_open(const char *path, ting_pickle *out);

/* The same for bytes in memory, borrowed until close. */
ting_err ting_pickle_parse(const void *bytes, size_t size, ting_pickle *out);
void ting_pickle_close(ting_pickle *file);

/* The value of a text key; NULL when absent or when dict is NULL or no dict. The last one wins. */
const ting_value *ting_value_get(const ting_value *dict, const char *key);

/* All tensors of nested dictionaries as a sealed table, names joined by '.': a state dict as a source of
 * parameters. Other values are passed over. Borrows from the pickle. Errors: format (a name twice, nesting
 * deeper than 64 or more than 2^20 values: a cycle), memory. */
ting_err ting_pickle_tensors(const ting_pickle *file, ting_table *out);

#endif
