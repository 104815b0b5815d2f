/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored.c - tensors as files hold them, element by element; see param.h.
 *
 * Data may stand at any address (files align as they like), so elements are copied out, not cast.
 */
#include "nn/param.h"

#include "kern/half.h"

#include <math.h>
#include <string.h>

enum { Q8_BLOCK = 32, Q8_BYTES = 34 }; /* Q8_0: an f16 scale, then 32 int8 */

static const struct {
    const char *name;
    size_t bytes; /* of one element; 0 for Q8_0 */
} DTYPES[TING_DTYPE_COUNT] = {
    [TING_DTYPE_F32] = {"F32", 4},  [TING_DTYPE_F16] = {"F16", 2}, [TING_DTYPE_BF16] = {"BF16", 2},
    [TING_DTYPE_I8] = {"I8", 1},    [TING_DTYPE_Q8_0] = {"Q8_0", 0}, [TING_DTYPE_I32] = {"I32", 4},
    [TING_DTYPE_I64] = {"I64", 8},  [TING_DTYPE_F64] = {"F64", 8},
};

const char *ting_dtype_name(ting_dtype dtype)
{
    return (unsigned)dtype < TING_DTYPE_COUNT ? DTYPES[dtype].name : "unknown";
}

size_t ting_dtype_bytes(ting_dtype dtype, size_t elements)
{
    if (dtype == TING_DTYPE_Q8_0)
        return (elements / Q8_BLOCK + (elements % Q8_BLOCK != 0)) * Q8_BYTES;
    return elements * DTYPES[dtype].bytes;
}

size_t ting_stored_elements(const ting_stored *stored)
{
    size_t elements = 1;
    for (int i = 0; i < stored->dims; i++)
        elements *= (size_t)stored->shape[i];
    return elements;
}

ting_stored ting_param_stored(const ting_param *param)
{
    ting_stored stored = {.dtype = sizeof(ting_real) == sizeof(float) ? TING_DTYPE_F32 : TING_DTYPE_F64, .dims = param->dims,
                          .data = param->t.data};
    for (int d = 0; d < param->dims; d++)
        stored.shape[d] = param->shape[d];
    stored.bytes = ting_dtype_bytes(stored.dtype, ting_stored_elements(&stored));
    return stored;
}

double ting_stored_value(const ting_stored *stored, size_t i)
{
    const unsigned char *data = stored->data;
    uint16_t half;
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    switch (stored->dtype) {
    case TING_DTYPE_F32: memcpy(&f32, data + 4 * i, 4); return (double)f32;
    case TING_DTYPE_F16: memcpy(&half, data + 2 * i, 2); return (double)ting_float_of_f16(half);
    case TING_DTYPE_BF16:
        memcpy(&half, data + 2 * i, 2);
        return (double)ting_float_of_bf16(half);
    case TING_DTYPE_I8: {
        double value = (signed char)data[i];
        if (stored->scale == NULL)
            return value;
        size_t columns = stored->dims == 0 ? 1 : ting_stored_elements(stored) / (size_t)stored->shape[0];
        memcpy(&f32, (const unsigned char *)stored->scale + 4 * (i / columns), 4);
        return value * (double)f32;
    }
    case TING_DTYPE_Q8_0: {
        const unsigned char *block = data + i / Q8_BLOCK * Q8_BYTES;
        memcpy(&half, block, 2);
        return (double)ting_float_of_f16(half) * (double)(signed char)block[2 + i % Q8_BLOCK];
    }
    case TING_DTYPE_I32: memcpy(&i32, data + 4 * i, 4); return i32;
    case TING_DTYPE_I64: memcpy(&i64, data + 8 * i, 8); return (double)i64;
    case TING_DTYPE_F64: memcpy(&f64, data + 8 * i, 8); return f64;
    case TING_DTYPE_COUNT: break;
    }
    return (double)NAN;
}
