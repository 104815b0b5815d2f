/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h. */
#include "model/table.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 1 << 12 };
#define MOST_ELEMENTS (INT64_C(1) << 40)

ting_err ting_shape_elements(const int64_t *shape, size_t dims, size_t *out)
{
    ting_err err = TING_OK;
    int64_t product = 1; /* of the sizes that are not 0: strides are products of some of them, also when others are 0 */
    bool empty = false;
    *out = 0;
    if (dims > TING_MAX_DIMS)
        FAIL(TING_ERR_UNSUPPORTED, "%zu dimensions, at most %d are supported", dims, TING_MAX_DIMS);
    for (size_t i = 0; i < dims; i++) {
        if (shape[i] < 0 || shape[i] > MOST_ELEMENTS)
            FAIL(TING_ERR_FORMAT, "dimension %zu is %" PRId64 ", expected 0 to 2^40", i, shape[i]);
        if (shape[i] != 0 && product > MOST_ELEMENTS / shape[i])
            FAIL(TING_ERR_FORMAT, "the shape has more than 2^40 elements");
        product *= shape[i] != 0 ? shape[i] : 1;
        empty = empty || shape[i] == 0;
    }
    *out = empty ? 0 : (size_t)product;
out:
    return err;
}

static ting_err check(const ting_stored *tensor, const char *name, int length)
{
    ting_err err = TING_OK;
    size_t elements;
    TRY(ting_shape_elements(tensor->shape, (size_t)tensor->dims, &elements));
    size_t wanted = ting_dtype_bytes(tensor->dtype, elements);
    if (tensor->bytes != wanted)
        FAIL(TING_ERR_FORMAT, "its shape and type %s need %zu bytes, the file gives %zu",
             ting_dtype_name(tensor->dtype), wanted, tensor->bytes);
out:
    if (err != TING_OK)
        ting_fail_in(err, "tensor \"%.*s\"", length, name);
    return err;
}

ting_err ting_table_add(ting_table *table, const char *name, size_t length, const ting_stored *tensor,
                        void *owned)
{
    ting_err err = TING_OK;
    char *copy = NULL;
    if (length > MOST_NAME || memchr(name, '\0', length) != NULL || ting_utf8_count(name, length) < 0)
        FAIL(TING_ERR_FORMAT, "a tensor's name has %zu bytes, expected at most %d of UTF-8 without zero bytes",
             length, MOST_NAME);
    TRY(check(tensor, name, (int)length));
    TRY(ting_reserve(&table->items, table->count, 1, &table->room, sizeof *table->items));
    copy = ting_alloc(length + 1, 1);
    if (copy == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    memcpy(copy, name, length);
    table->items[table->count] =
        (ting_named){.name = copy, .tensor = *tensor, .owned = owned, .order = table->count};
    table->count++;
    owned = NULL;
out:
    ting_free(owned);
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ting_named *)a)->name, ((const ting_named *)b)->name);
}

ting_err ting_table_seal(ting_table *table)
{
    ting_err err = TING_OK;
    if (table->count > 1)
        qsort(table->items, table->count, sizeof table->items[0], by_name);
    for (size_t i = 1; i < table->count; i++)
        if (strcmp(table->items[i - 1].name, table->items[i].name) == 0)
            FAIL(TING_ERR_FORMAT, "the tensor \"%s\" stands twice", table->items[i].name);
out:
    return err;
}

/* The item named prefix + name + suffix. */
static const ting_named *find_joined(const ting_table *table, const char *prefix, const char *name,
                                     const char *suffix)
{
    size_t prefix_length = strlen(prefix), name_length = strlen(name);
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *have = table->items[middle].name;
        int order = strncmp(prefix, have, prefix_length);
        if (order == 0)
            order = strncmp(name, have + prefix_length, name_length);
        if (order == 0)
            order = strcmp(suffix, have + prefix_length + name_length);
        if (order == 0)
            return &table->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const ting_stored *ting_table_find(const ting_table *table, const char *name)
{
    const ting_named *item = find_joined(table, "", name, "");
    return item == NULL ? NULL : &item->tensor;
}

ting_err ting_table_is_scale(const ting_table *table, const char *name, bool *out)
{
    static const char ending[] = ".scale";
    const size_t length = strlen(name), tail = sizeof ending - 1;
    *out = false;
    if (length < tail || strcmp(name + length - tail, ending) != 0)
        return TING_OK;
    char *owner = ting_strdup(name);
    if (owner == NULL)
        return TING_ERR_MEMORY;
    owner[length - tail] = '\0';
    const ting_stored *tensor = ting_table_find(table, owner);
    *out = tensor != NULL && tensor->dtype == TING_DTYPE_I8;
    ting_free(owner);
    return TING_OK;
}

void ting_table_free(ting_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        ting_free(table->items[i].name);
        ting_free(table->items[i].owned);
    }
    ting_free(table->items);
    *table = (ting_table){0};
}

void ting_copy_strided(void *to, const void *from, size_t size, int dims, const int64_t *shape,
                       const int64_t *stride)
{
    int64_t at[TING_MAX_DIMS] = {0}, elements = 1, place = 0;
    for (int d = 0; d < dims; d++)
        elements *= shape[d];
    for (int64_t i = 0; i < elements; i++) {
        memcpy((char *)to + (size_t)i * size, (const char *)from + (size_t)place * size, size);
        for (int d = dims - 1; d >= 0; d--) { /* counts up like a clock */
            place += stride[d];
            if (++at[d] < shape[d])
                break;
            place -= stride[d] * shape[d];
            at[d] = 0;
        }
    }
}

static int by_order(const void *a, const void *b)
{
    size_t x = (*(const ting_named *const *)a)->order, y = (*(const ting_named *const *)b)->order;
    return (x > y) - (x < y);
}

const ting_named **ting_table_in_file_order(const ting_table *table)
{
    const ting_named **items = ting_alloc(table->count, sizeof *items);
    if (items == NULL)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        items[i] = &table->items[i];
    if (table->count > 1)
        qsort((void *)items, table->count, sizeof *items, by_order);
    return items;
}

static ting_err find_in_view(void *self, const char *name, ting_stored *out)
{
    ting_err err = TING_OK;
    const ting_table_view *view = self;
    const ting_named *item = find_joined(view->table, view->prefix, name, "");
    if (item == NULL)
        FAIL(TING_ERR_NOT_FOUND, "no tensor \"%s%s\"", view->prefix, name);
    *out = item->tensor;
    if (out->dtype != TING_DTYPE_I8 || out->scale != NULL)
        goto out;
    item = find_joined(view->table, view->prefix, name, ".scale");
    if (item == NULL)
        goto out; /* plain integers */
    const ting_stored *scale = &item->tensor;
    size_t rows = out->dims == 0 ? 1 : (size_t)out->shape[0];
    if (scale->dtype != TING_DTYPE_F32 || ting_stored_elements(scale) != rows)
        FAIL(TING_ERR_MODEL, "\"%s\" is %s with %zu elements, expected F32 with %zu: one per output",
             item->name, ting_dtype_name(scale->dtype), ting_stored_elements(scale), rows);
    out->scale = scale->data;
out:
    return err;
}

ting_source ting_table_source(ting_table_view *view, const char *label)
{
    return (ting_source){.find = find_in_view, .self = view, .label = label};
}
