/* SPDX-License-Identifier: Apache-2.0 */
/* precision.c - see precision.h. */
#include "model/precision.h"

#include "kern/half.h"

#include <math.h>
#include <string.h>

enum { LEAST_COLUMNS = 32 }; /* narrower matrices are no gain in int8 */

uint16_t ting_f16_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    double magnitude = fabs((double)value);
    if (isnan(value))
        return sign | 0x7E00;
    if (magnitude >= 65520) /* halfway to the value after 65504, and above */
        return sign | 0x7C00;
    if (magnitude < 0x1p-14)
        return (uint16_t)(sign | (uint16_t)nearbyint(magnitude * 0x1p24));
    int exponent;
    double fraction = frexp(magnitude, &exponent); /* [0.5, 1) */
    uint32_t mantissa = (uint32_t)nearbyint(fraction * 2048); /* 1024 .. 2048: a carry moves up by itself */
    return (uint16_t)(sign | ((((uint32_t)(exponent + 14)) << 10) + mantissa - 1024));
}

static bool is_number(const ting_stored *tensor)
{
    return tensor->dtype == TING_DTYPE_F32 || tensor->dtype == TING_DTYPE_F16 || tensor->dtype == TING_DTYPE_BF16 ||
           tensor->dtype == TING_DTYPE_F64 || tensor->dtype == TING_DTYPE_Q8_0 ||
           (tensor->dtype == TING_DTYPE_I8 && tensor->scale != NULL);
}

ting_dtype ting_dtype_in_file(ting_dtype wanted, const ting_stored *tensor)
{
    const bool wide = tensor->dims == 2 && tensor->shape[1] >= LEAST_COLUMNS && tensor->shape[0] > 1;
    if (!is_number(tensor))
        return tensor->dtype;
    if (wanted == TING_DTYPE_I8)
        return wide ? TING_DTYPE_I8 : TING_DTYPE_F32;
    return tensor->dims >= 2 ? wanted : TING_DTYPE_F32;
}

void ting_row_scales(const ting_stored *tensor, float *scale)
{
    size_t rows = tensor->dims == 0 ? 1 : (size_t)tensor->shape[0];
    size_t columns = rows == 0 ? 0 : ting_stored_elements(tensor) / rows;
    if (tensor->dtype == TING_DTYPE_I8 && tensor->scale != NULL) {
        memcpy(scale, tensor->scale, rows * sizeof *scale);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        double most = 0;
        for (size_t c = 0; c < columns; c++)
            most = fmax(most, fabs(ting_stored_value(tensor, r * columns + c)));
        scale[r] = most > 0 && isfinite(most) ? (float)(most / 127) : 1;
    }
}

static signed char quantised(double value, float scale)
{
    double q = nearbyint(value / (double)scale);
    return (signed char)(q > 127 ? 127 : q < -127 ? -127 : isnan(q) ? 0 : q);
}

void ting_convert(const ting_stored *tensor, size_t first, size_t count, ting_dtype dtype,
                  const float *scale, void *out)
{
    if (dtype == tensor->dtype) {
        size_t begin = ting_dtype_bytes(dtype, first);
        memcpy(out, (const char *)tensor->data + begin, ting_dtype_bytes(dtype, first + count) - begin);
        return;
    }
    size_t rows = tensor->dims == 0 ? 1 : (size_t)tensor->shape[0];
    size_t columns = rows == 0 ? 1 : ting_stored_elements(tensor) / rows;
    for (size_t i = 0; i < count; i++) {
        double value = ting_stored_value(tensor, first + i);
        switch (dtype) {
        case TING_DTYPE_F16: ((uint16_t *)out)[i] = ting_f16_of_float((float)value); break;
        case TING_DTYPE_BF16: ((uint16_t *)out)[i] = ting_bf16_of_float((float)value); break;
        case TING_DTYPE_I8:
            ((signed char *)out)[i] = quantised(value, scale[(first + i) / columns]);
            break;
        case TING_DTYPE_F64: ((double *)out)[i] = value; break;
        default: ((float *)out)[i] = (float)value; break;
        }
    }
}
