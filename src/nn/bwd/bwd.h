/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd.h - the backward of every op: ting_bwd_<op>(ctx, saved), saved a struct ting_rec_<op> (rec.h).
 *
 * It adds (+=) into the gradients of the inputs and parameters that want one, and reads the gradient of
 * the output, after it has said so (gradient.h). Sums over rows run in an order that does not depend on the number of threads.
 * The derivations stand in docs/derive.
 */
#ifndef TING_NN_BWD_BWD_H
#define TING_NN_BWD_BWD_H

#include "nn/ctx.h"

#define TING_OP(name) void ting_bwd_##name(ting_ctx *ctx, const void *saved);
#include "nn/ops.def"
#undef TING_OP

/* sum [cols] += the sum of the rows of x [rows, cols], in order of the rows. */
void ting_sum_rows(const ting_ctx *ctx, int rows, int cols, const ting_real *x, int ldx, ting_real *sum);

/* The gradient of `to` += that of `from`, both [rows, cols]; nothing when `to` wants none. */
void ting_add_gradient(ting_ctx *ctx, ting_tensor from, ting_tensor to);

#endif
