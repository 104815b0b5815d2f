/* SPDX-License-Identifier: Apache-2.0 */
/* clip.h - clipping of gradients by their global norm (Pascanu 2013). */
#ifndef TING_OPTIM_CLIP_H
#define TING_OPTIM_CLIP_H

#include "base/pool.h"
#include "kern/kern.h"
#include "nn/param.h"

/* Scales all gradients by limit / norm when their Euclidean norm is above `limit` (<= 0: never). Returns the norm
 * before; when it is not finite the gradients are left alone and the caller should skip the step. The sums run in pieces
 * of a fixed size: the same bits on any number of threads. */
double ting_clip_gradients(ting_params *params, const ting_kern *kern, ting_pool *pool, double limit);

#endif
