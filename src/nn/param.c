/* SPDX-License-Identifier: Apache-2.0 */
/* param.c - declaring parameters and taking or filling their memory; see param.h. */
#include "nn/param.h"

#include "base/mem.h"
#include "base/rng.h"
#include "nn/image.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct ting_params {
    ting_param **item;
    int count;
    size_t room;
    ting_err failed;
    size_t elements; /* in the flat blocks */
    ting_real *values, *gradients;
};

ting_params *ting_params_new(void)
{
    return ting_alloc(1, sizeof(ting_params));
}

/* Kept packed only, unless values are wanted. */
static bool is_packed(const ting_param *param)
{
    return param->role == TING_PARAM_MATRIX || param->role == TING_PARAM_FILTERS;
}

static void drop_blocks(ting_params *params)
{
    for (int i = 0; i < params->count; i++) {
        ting_packed_free(params->item[i]->packed);
        params->item[i]->packed = NULL;
        ting_free(params->item[i]->taps);
        params->item[i]->taps = NULL;
        params->item[i]->t.data = params->item[i]->t.grad = NULL;
    }
    ting_free(params->values);
    ting_free(params->gradients);
    params->values = params->gradients = NULL;
    params->elements = 0;
}

void ting_params_free(ting_params *params)
{
    if (params == NULL)
        return;
    drop_blocks(params);
    for (int i = 0; i < params->count; i++) {
        ting_free(params->item[i]->name);
        ting_free(params->item[i]);
    }
    ting_free(params->item);
    ting_free(params);
}

static ting_err add(ting_params *params, ting_param_role role, int dims, const int *shape,
                    const char *name, ting_param **out)
{
    ting_err err = TING_OK;
    ting_param *param = NULL;
    static const int least_dims[] = {[TING_PARAM_VALUES] = 0, [TING_PARAM_MATRIX] = 2, [TING_PARAM_FILTERS] = 4,
                                     [TING_PARAM_TAPS] = 3, [TING_PARAM_STATISTICS] = 0};
    const int least = least_dims[role];
    if (dims < least || dims > TING_MAX_DIMS)
        FAIL(TING_ERR_INTERNAL, "the parameter \"%s\" has %d dimensions, expected %d to %d", name, dims,
             least, TING_MAX_DIMS);
    if (ting_params_find(params, name) != NULL)
        FAIL(TING_ERR_INTERNAL, "the parameter \"%s\" is declared twice", name);
    TRY(ting_reserve(&params->item, (size_t)params->count, 1, &params->room, sizeof *params->item));
    param = ting_alloc(1, sizeof *param);
    if (param == NULL)
        return TING_ERR_MEMORY;
    param->role = role;
    param->frozen = role == TING_PARAM_STATISTICS;
    param->dims = dims;
    long long rest = 1;
    for (int i = 0; i < dims; i++) {
        param->shape[i] = shape[i];
        if (shape[i] < 1)
            FAIL(TING_ERR_INTERNAL, "the parameter \"%s\" has %d elements in dimension %d", name, shape[i], i);
        rest *= i == 0 ? 1 : shape[i];
        if (rest * shape[0] > INT_MAX)
            FAIL(TING_ERR_INTERNAL, "the parameter \"%s\" has more than %d elements", name, INT_MAX);
    }
    param->t.rows = dims == 0 ? 1 : shape[0];
    param->t.cols = param->t.ld = (int)rest;
    param->name = ting_strdup(name);
    if (param->name == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    params->item[params->count++] = param;
    *out = param;
out:
    if (err != TING_OK)
        ting_free(param);
    return err;
}

ting_param *ting_params_add(ting_params *params, ting_param_role role, int dims, const int *shape,
                            const char *name_format, ...)
{
    if (params->failed != TING_OK)
        return NULL;
    char name[256];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    ting_param *param = NULL;
    params->failed = add(params, role, dims, shape, name, &param);
    return param;
}

ting_err ting_params_declared(const ting_params *params)
{
    return params->failed;
}

int ting_params_count(const ting_params *params)
{
    return params->count;
}

ting_param *ting_params_at(ting_params *params, int index)
{
    return params->item[index];
}

ting_param *ting_params_find(ting_params *params, const char *name)
{
    for (int i = 0; i < params->count; i++) {
        if (strcmp(params->item[i]->name, name) == 0)
            return params->item[i];
    }
    return NULL;
}

static size_t param_elements(const ting_param *param)
{
    return (size_t)param->t.rows * (size_t)param->t.cols;
}

/* Takes the flat blocks for the values, or for all but the matrices, and points the parameters into them. */
static ting_err take_blocks(ting_params *params, bool matrices, bool gradients)
{
    if (params->failed != TING_OK)
        return params->failed;
    drop_blocks(params);
    for (int i = 0; i < params->count; i++) {
        ting_param *param = params->item[i];
        param->offset = params->elements;
        if (matrices || !is_packed(param))
            params->elements += param_elements(param);
    }
    params->values = ting_alloc(params->elements, sizeof *params->values);
    if (gradients)
        params->gradients = ting_alloc(params->elements, sizeof *params->gradients);
    if (params->values == NULL || (gradients && params->gradients == NULL)) {
        drop_blocks(params);
        return TING_ERR_MEMORY;
    }
    for (int i = 0; i < params->count; i++) {
        ting_param *param = params->item[i];
        if (!matrices && is_packed(param))
            continue;
        param->t.data = params->values + param->offset;
        param->t.grad = gradients && !param->frozen ? params->gradients + param->offset : NULL;
    }
    return TING_OK;
}

ting_err ting_params_alloc(ting_params *params, bool with_gradients)
{
    return take_blocks(params, true, with_gradients);
}

ting_err ting_params_start(ting_params *params, uint64_t seed)
{
    for (int i = 0; i < params->count; i++) {
        const ting_param *param = params->item[i];
        const ting_init init = param->init;
        ting_rng rng = ting_rng_for(seed, TING_RNG_START, (uint64_t)i, 0);
        if (init.kind == TING_INIT_NONE)
            return ting_fail(TING_ERR_INTERNAL, "the parameter \"%s\" has not said what a training starts with", param->name);
        for (size_t k = 0; k < param_elements(param); k++)
            param->t.data[k] = (ting_real)(init.kind == TING_INIT_CONSTANT  ? init.size
                                           : init.kind == TING_INIT_UNIFORM ? init.size * (2 * ting_rng_uniform(&rng) - 1)
                                                                            : init.size * ting_rng_normal(&rng));
    }
    return TING_OK;
}

size_t ting_params_elements(const ting_params *params)
{
    return params->elements;
}

size_t ting_params_total(const ting_params *params)
{
    size_t total = 0;
    for (int i = 0; i < params->count; i++)
        total += param_elements(params->item[i]);
    return total;
}

ting_real *ting_params_values(ting_params *params)
{
    return params->values;
}

ting_real *ting_params_gradients(ting_params *params)
{
    return params->gradients;
}

void ting_params_zero_gradients(ting_params *params)
{
    if (params->gradients != NULL)
        memset(params->gradients, 0, params->elements * sizeof *params->gradients);
}

/* ---- loading ---- */

enum { SHAPE_TEXT = 96 };

static void shape_text(int dims, const int64_t *shape, char text[SHAPE_TEXT])
{
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "[");
    for (int i = 0; i < dims && used < SHAPE_TEXT; i++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, i == 0 ? "%lld" : ", %lld", (long long)shape[i]);
    if (used + 1 < SHAPE_TEXT)
        memcpy(text + used, "]", 2);
}

/* Equal when the dimensions other than 1 are equal in order. */
static bool same_shape(int a_dims, const int64_t *a, int b_dims, const int64_t *b)
{
    int i = 0, j = 0;
    for (;;) {
        while (i < a_dims && a[i] == 1)
            i++;
        while (j < b_dims && b[j] == 1)
            j++;
        if (i == a_dims || j == b_dims)
            return i == a_dims && j == b_dims;
        if (a[i++] != b[j++])
            return false;
    }
}

static ting_err find_stored(const ting_param *param, const ting_source *source, ting_stored *out)
{
    ting_err err = source->find(source->self, param->name, out);
    if (err == TING_ERR_NOT_FOUND)
        return ting_fail(TING_ERR_MODEL, "%s: the tensor \"%s\", which this network needs, is missing", source->label,
                         param->name);
    if (err != TING_OK)
        return ting_fail_in(err, "%s", source->label);
    int64_t want[TING_MAX_DIMS];
    for (int i = 0; i < param->dims; i++)
        want[i] = param->shape[i];
    const int64_t flat[2] = {param->t.rows, param->t.cols};
    bool fits = out->dims >= 0 && out->dims <= TING_MAX_DIMS &&
                (same_shape(param->dims, want, out->dims, out->shape) ||
                 (param->role == TING_PARAM_FILTERS && same_shape(2, flat, out->dims, out->shape)));
    if (!fits) {
        char want_text[SHAPE_TEXT], found_text[SHAPE_TEXT];
        shape_text(param->dims, want, want_text);
        shape_text(out->dims > TING_MAX_DIMS ? TING_MAX_DIMS : out->dims, out->shape, found_text);
        return ting_fail(TING_ERR_MODEL, "%s: the tensor \"%s\" has the shape %s, expected %s", source->label,
                         param->name, found_text, want_text);
    }
    /* Scales are counted by the stored first dimension and used by the parameter's: [1, n, k] and [k] have one or k. */
    int64_t scaled = out->dims == 0 ? 1 : out->shape[0];
    if (out->dtype == TING_DTYPE_I8 && out->scale != NULL && scaled != param->t.rows)
        return ting_fail(TING_ERR_MODEL, "%s: the int8 tensor \"%s\" has %lld scales, expected %d: one for each output",
                         source->label, param->name, (long long)scaled, param->t.rows);
    size_t bytes = ting_dtype_bytes(out->dtype, param_elements(param));
    if (out->bytes < bytes)
        return ting_fail(TING_ERR_FORMAT, "%s: the tensor \"%s\" has %zu bytes, expected %zu", source->label,
                         param->name, out->bytes, bytes);
    return TING_OK;
}

static bool aligned(const void *data, size_t to)
{
    return (uintptr_t)data % to == 0;
}

static void copy_values(const ting_stored *stored, size_t count, ting_real *out)
{
    if (stored->dtype == TING_DTYPE_F32 && sizeof *out == sizeof(float)) {
        memcpy(out, stored->data, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = (ting_real)ting_stored_value(stored, i);
}

/* Packs from the file's own bytes where the packing understands them, else from a converted copy. */
static ting_err pack(ting_param *param, const ting_stored *stored, const ting_load_options *options)
{
    ting_real *copy = NULL;
    ting_weight weight = {.n = param->t.rows, .k = param->t.cols};
    if (param->t.data != NULL) {
        weight.real = param->t.data;
    } else if (stored->dtype == TING_DTYPE_F32 && sizeof *copy == sizeof(float) &&
               aligned(stored->data, sizeof(float))) {
        weight.real = stored->data;
    } else if (stored->dtype == TING_DTYPE_F16 && aligned(stored->data, 2)) {
        weight.f16 = stored->data;
    } else if (stored->dtype == TING_DTYPE_BF16 && aligned(stored->data, 2)) {
        weight.bf16 = stored->data;
    } else if (stored->dtype == TING_DTYPE_I8 && stored->scale != NULL && aligned(stored->scale, sizeof(float))) {
        weight.int8 = stored->data;
        weight.scale = stored->scale;
    } else {
        copy = ting_alloc(param_elements(param), sizeof *copy);
        if (copy == NULL)
            return TING_ERR_MEMORY;
        copy_values(stored, param_elements(param), copy);
        weight.real = copy;
    }
    param->packed = ting_pack(options->kern, options->precision, &weight);
    ting_free(copy);
    return param->packed == NULL ? TING_ERR_MEMORY : TING_OK;
}

/* A filter bank is a matrix whose columns are in the order of patches. */
static ting_err pack_filters(ting_param *param, const ting_stored *stored, const ting_load_options *options)
{
    size_t count = param_elements(param);
    ting_real *plain = ting_alloc(count, sizeof *plain), *ordered = ting_alloc(count, sizeof *ordered);
    if (plain != NULL && ordered != NULL) {
        copy_values(stored, count, plain);
        ting_conv2d_to_patch_order(param->shape[0], param->shape[1], param->shape[2] * param->shape[3], plain,
                                   ordered);
        ting_weight weight = {.n = param->t.rows, .k = param->t.cols, .real = ordered};
        param->packed = ting_pack(options->kern, options->precision, &weight);
    }
    ting_free(plain);
    ting_free(ordered);
    return param->packed == NULL ? TING_ERR_MEMORY : TING_OK;
}

static ting_err turn_taps(ting_param *param)
{
    int channels = param->t.rows, taps = param->t.cols;
    param->taps = ting_alloc(param_elements(param), sizeof *param->taps);
    if (param->taps == NULL)
        return TING_ERR_MEMORY;
    for (int c = 0; c < channels; c++)
        for (int j = 0; j < taps; j++)
            param->taps[(size_t)j * (size_t)channels + (size_t)c] = ting_row(param->t, c)[j];
    return TING_OK;
}

ting_err ting_params_load(ting_params *params, const ting_source *source, const ting_load_options *options)
{
    ting_err err = TING_OK;
    TRY(take_blocks(params, options->keep_values || options->with_gradients, options->with_gradients));
    for (int i = 0; i < params->count; i++) {
        ting_param *param = params->item[i];
        ting_stored stored = {0};
        TRY(find_stored(param, source, &stored));
        if (param->t.data != NULL)
            copy_values(&stored, param_elements(param), param->t.data);
        if (options->with_gradients)
            continue;
        if (param->role == TING_PARAM_MATRIX)
            TRY(pack(param, &stored, options));
        if (param->role == TING_PARAM_FILTERS)
            TRY(pack_filters(param, &stored, options));
        if (param->role == TING_PARAM_TAPS)
            TRY(turn_taps(param));
    }
out:
    if (err != TING_OK)
        drop_blocks(params);
    return err;
}

ting_err ting_param_read(ting_param *param, const ting_source *source)
{
    ting_stored stored = {0};
    const ting_err err = find_stored(param, source, &stored);
    if (err == TING_OK)
        copy_values(&stored, param_elements(param), param->t.data);
    return err;
}
