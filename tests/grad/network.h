/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - the gradient of a whole network along random directions of all its parameters, against the central difference
 * of its loss.
 *
 * For a direction u of unit length and a step h, (f(w + h u) - f(w - h u)) / 2h = g.u + O(h^2 f'''). In double with h = 1e-5 the
 * error of the difference is about 1e-10 and the rounding of f (about 1 to 10, 1e4 to 1e5 operations deep) divided by h at most
 * 1e-9: a relative tolerance of 1e-6 of |g| leaves room. In float the same sums give 1e-2 with h = 1e-2. Activations without a
 * kink, for a step across one is an error of its own.
 */
#ifndef TING_TESTS_GRAD_NETWORK_H
#define TING_TESTS_GRAD_NETWORK_H

#include "nn/ctx.h"
#include "nn/param.h"

/* loss(ctx, self) runs the network and returns one number. Allocates the parameters and fills them; the context is one of training
 * that repeats a run, so that running statistics stay. Fails the test when a difference is too large. */
void ting_grad_check_network(ting_params *params, ting_tensor (*loss)(ting_ctx *ctx, void *self), void *self);

#endif
