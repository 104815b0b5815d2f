/* SPDX-License-Identifier: Apache-2.0 */
/* tool_diff.c - keys and tensors of two files side by side; see tool_diff.h. */
#include "engine/tool_diff.h"

#include "base/mem.h"
#include "model/any.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct comparison {
    const ting_diff_options *options;
    ting_str *out;
    size_t differing;
} comparison;

/* One line, unless only the first is wanted and there was one. */
static bool wants_line(comparison *c)
{
    return c->differing++ == 0 || c->options->all;
}

/* ---- keys ---- */

static void compare_keys(comparison *c, const ting_gguf *a, const ting_gguf *b)
{
    size_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : strcmp(a->entries[i].key, b->entries[j].key);
        const ting_gguf_entry *x = &a->entries[order <= 0 ? i : 0], *y = &b->entries[order >= 0 ? j : 0];
        if (order < 0)
            ting_str_addf(c->out, "key %s: only in %s\n", x->key, c->options->a);
        else if (order > 0)
            ting_str_addf(c->out, "key %s: only in %s\n", y->key, c->options->b);
        else if (x->type != y->type || x->is_array != y->is_array || x->bytes != y->bytes ||
                 memcmp(x->value, y->value, x->bytes) != 0)
            ting_str_addf(c->out, "key %s: differs\n", x->key);
        i += order <= 0;
        j += order >= 0;
    }
}

/* ---- tensors ---- */

static void add_shape(ting_str *out, const ting_stored *tensor)
{
    ting_str_addf(out, "%s [", ting_dtype_name(tensor->dtype));
    for (int d = 0; d < tensor->dims; d++)
        ting_str_addf(out, "%s%" PRId64, d > 0 ? ", " : "", tensor->shape[d]);
    ting_str_add(out, "]");
}

static bool same_shape(const ting_stored *a, const ting_stored *b)
{
    if (a->dims != b->dims)
        return false;
    for (int d = 0; d < a->dims; d++)
        if (a->shape[d] != b->shape[d])
            return false;
    return true;
}

typedef struct distance {
    double most, largest, relative_rms;
    size_t at;
    bool unordered; /* a NaN on one side only */
} distance;

static distance measure(const ting_stored *a, const ting_stored *b)
{
    distance d = {0};
    double squares = 0, of_differences = 0;
    size_t elements = ting_stored_elements(a);
    for (size_t i = 0; i < elements; i++) {
        double x = ting_stored_value(a, i), y = ting_stored_value(b, i);
        if (x == y || (isnan(x) && isnan(y))) {
            squares += isfinite(x) ? x * x : 0;
            d.largest = fmax(d.largest, isfinite(x) ? fabs(x) : 0);
            continue;
        }
        double difference = fabs(x - y);
        if (!(difference <= d.most) && !d.unordered) {
            d.unordered = isnan(difference);
            d.most = difference;
            d.at = i;
        }
        squares += x * x;
        of_differences += difference * difference;
        d.largest = fmax(d.largest, fabs(x));
    }
    d.relative_rms = squares > 0 ? sqrt(of_differences / squares) : of_differences > 0 ? (double)INFINITY : 0;
    return d;
}

/* "[3, 17]" of element number i. */
static void add_place(ting_str *out, const ting_stored *tensor, size_t i)
{
    size_t at[TING_MAX_DIMS] = {0};
    for (int d = tensor->dims - 1; d >= 0; d--) {
        at[d] = i % (size_t)tensor->shape[d];
        i /= (size_t)tensor->shape[d];
    }
    ting_str_add(out, "[");
    for (int d = 0; d < tensor->dims; d++)
        ting_str_addf(out, "%s%zu", d > 0 ? ", " : "", at[d]);
    ting_str_add(out, "]");
}

static void compare_tensor(comparison *c, const char *name, const ting_stored *a, const ting_stored *b)
{
    ting_str *out = c->out;
    if (!same_shape(a, b)) {
        if (!wants_line(c))
            return;
        ting_str_addf(out, "tensor %s: ", name);
        add_shape(out, a);
        ting_str_add(out, " and ");
        add_shape(out, b);
        ting_str_add(out, "\n");
        return;
    }
    distance d = measure(a, b);
    if ((d.most <= c->options->tolerance * d.largest || d.most == 0) && !d.unordered)
        return;
    if (!wants_line(c))
        return;
    ting_str_addf(out, "tensor %s: ", name);
    add_shape(out, a);
    ting_str_addf(out, " and %s, largest difference %.3g at ", ting_dtype_name(b->dtype), d.most);
    add_place(out, a, d.at);
    ting_str_addf(out, " (%.9g and %.9g), relative RMS %.3g\n", ting_stored_value(a, d.at), ting_stored_value(b, d.at),
                  d.relative_rms);
}

/* The scales of an int8 tensor come with it. */
static bool is_scale(const ting_table *table, const char *name)
{
    size_t length = strlen(name), tail = strlen(".scale");
    if (length <= tail || strcmp(name + length - tail, ".scale") != 0)
        return false;
    char *owner = ting_strdup(name);
    if (owner == NULL)
        return false;
    owner[length - tail] = '\0';
    const ting_stored *tensor = ting_table_find(table, owner);
    ting_free(owner);
    return tensor != NULL && tensor->dtype == TING_DTYPE_I8;
}

static ting_err compare_tensors(comparison *c, const ting_table *a, const ting_table *b)
{
    ting_err err = TING_OK;
    ting_table_view view_a = {a, ""}, view_b = {b, ""};
    ting_source source_a = ting_table_source(&view_a, c->options->a), source_b = ting_table_source(&view_b, c->options->b);
    const ting_named **items = ting_table_in_file_order(a);
    size_t compared = 0;
    if (items == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < a->count; i++) {
        const char *name = items[i]->name;
        ting_stored x, y;
        if (is_scale(a, name))
            continue;
        if (ting_table_find(b, name) == NULL) {
            if (wants_line(c))
                ting_str_addf(c->out, "tensor %s: only in %s\n", name, c->options->a);
            continue;
        }
        TRY(source_a.find(source_a.self, name, &x));
        TRY(source_b.find(source_b.self, name, &y));
        compare_tensor(c, name, &x, &y);
        compared++;
    }
    for (size_t i = 0; i < b->count; i++)
        if (!is_scale(b, b->items[i].name) && ting_table_find(a, b->items[i].name) == NULL && wants_line(c))
            ting_str_addf(c->out, "tensor %s: only in %s\n", b->items[i].name, c->options->b);
    if (c->differing > 0)
        ting_str_addf(c->out, "%zu tensors differ or stand in one file only; %zu were compared\n", c->differing, compared);
out:
    ting_free((void *)items);
    return err;
}

ting_err ting_tool_diff_files(const ting_diff_options *options, ting_str *out, bool *same)
{
    ting_err err = TING_OK;
    ting_any a = {0}, b = {0};
    comparison c = {options, out, 0};
    size_t before = out->length;
    TRY(ting_any_open(options->a, &a));
    TRY(ting_any_open(options->b, &b));
    if (a.format == TING_ANY_GGUF && b.format == TING_ANY_GGUF)
        compare_keys(&c, &a.gguf, &b.gguf);
    TRY(compare_tensors(&c, a.table, b.table));
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
    *same = out->length == before;
out:
    ting_any_close(&a);
    ting_any_close(&b);
    return err;
}
