/* SPDX-License-Identifier: Apache-2.0 */
/*
 * half.h - single values between float and the two 16-bit formats.
 *
 * bf16 is the upper half of a float; conversion rounds to nearest, ties to even, and keeps NaN a NaN.
 * f16 is IEEE binary16; every value of it is a float exactly.
 */
#ifndef TING_KERN_HALF_H
#define TING_KERN_HALF_H

#include <stdint.h>
#include <string.h>

static inline float ting_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t ting_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float ting_float_of_bf16(uint16_t half)
{
    return ting_float_of_bits((uint32_t)half << 16);
}

static inline uint16_t ting_bf16_of_float(float value)
{
    uint32_t bits = ting_bits_of_float(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return (uint16_t)(bits >> 16 | 0x40u); /* quiet */
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

static inline float ting_float_of_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7FFFu;
    if (magnitude < 0x0400u) /* zero and denormals: a multiple of 2^-24 */
        return ting_float_of_bits(ting_bits_of_float((float)magnitude * 0x1p-24f) | sign);
    if (magnitude >= 0x7C00u) /* infinity, NaN */
        return ting_float_of_bits(sign | 0x7F800000u | magnitude << 13);
    return ting_float_of_bits(sign | ((magnitude << 13) + 0x38000000u));
}

#endif
