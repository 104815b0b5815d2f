/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gradient.h - the first touch of a gradient in backward.
 *
 * The room of a gradient made in a scope (scope.h) still holds what another scope left there. Zeroing all of it when backward enters
 * the scope is one more pass through memory (docs/PERF.md, fourth round). So whoever
 * comes first takes care: each backward says of every gradient that it reads or adds to, before it does,
 *
 *     ting_gradient_touch(ctx, x)          from here on x->grad holds numbers: zeros, if nobody has been there
 *     ting_gradient_first(ctx, x)          true: nobody has been there, and the caller writes the whole of x's gradient now, instead
 *                                          of adding to it. False: as ting_gradient_touch
 *
 * Gradients made outside of scopes, and those of parameters, are zeroed when they are made: for them, and where x wants
 * none, these do nothing.
 */
#ifndef TING_NN_GRADIENT_H
#define TING_NN_GRADIENT_H

#include "nn/ctx.h"

/* x may be a part of what was made, some columns or rows of it: all of it is zeroed. */
void ting_gradient_touch(ting_ctx *ctx, ting_tensor x);
bool ting_gradient_first(ting_ctx *ctx, ting_tensor x);

/* Zeros, at once. */
void ting_gradient_zero(const ting_ctx *ctx, ting_tensor x);

/* Backward enters a scope that has made `pieces` up to, not with, `end`: nobody has been there. */
void ting_gradients_enter(ting_ctx *ctx, ting_scope_room *pieces, const ting_scope_room *end);

#endif
