/* SPDX-License-Identifier: Apache-2.0 */
/*
 * precision.h - stored tensors into another type, a block at a time, for the writers.
 *
 * F32 to F16 and BF16 round to nearest, ties to even. To I8: per output channel (row of [n, ...]) scale =
 * max |w| / 127, w rounded to the nearest multiple; the same rule as packing at load (kern/gemm.h), so a
 * file converted to int8 and a file quantised at load give the same bytes.
 */
#ifndef TING_MODEL_PRECISION_H
#define TING_MODEL_PRECISION_H

#include "nn/param.h"

/* The type that a tensor gets in a file of type `wanted`: vectors (biases, norms, scales) stay exact, of I8 only matrices
 * of at least 32 columns and two rows become so, and what are no numbers stays as it is. F16, BF16, I8 keep F32 elsewhere. */
ting_dtype ting_dtype_in_file(ting_dtype wanted, const ting_stored *tensor);

/* The scales of a tensor's rows: writes [shape[0]] floats (1 for a scalar). A row of zeros gets 1. Copies
 * the tensor's own scales if it is I8 and has some. */
void ting_row_scales(const ting_stored *tensor, float *scale);

/* Elements first .. first + count - 1 as F32, F16, BF16, I8 (with the scales) or F64, or any type into
 * itself; out has ting_dtype_bytes(dtype, count) bytes. */
void ting_convert(const ting_stored *tensor, size_t first, size_t count, ting_dtype dtype,
                  const float *scale, void *out);

uint16_t ting_f16_of_float(float value);

#endif
