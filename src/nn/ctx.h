/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctx.h - what every op gets as its first argument.
 *
 * Failure is sticky: an op that cannot go on stores the message, sets ctx->err and returns a tensor of
 * zero rows; every later op sees ctx->err and does nothing. A model's forward therefore reads as plain
 * mathematics and checks once at its end.
 *
 * With a tape, ops record themselves and their outputs get gradients, zeroed or in a scope untouched (gradient.h); without one
 * (inference) they do not, and ops may fuse. Outputs live in the arena: the caller marks and rewinds.
 * One thread at a time per context; ops spread work over the pool themselves.
 */
#ifndef TING_NN_CTX_H
#define TING_NN_CTX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/rng.h"
#include "kern/gemm.h"
#include "kern/kern.h"
#include "nn/tensor.h"

#include <stdbool.h>

struct ting_tape;
struct ting_attention; /* op.h */

/* A gradient made in a scope (scope.h), and those made before it, there and in the scopes around. In the arena. */
typedef struct ting_scope_room {
    ting_tensor whole;
    bool untouched; /* in backward (gradient.h) */
    struct ting_scope_room *before;
} ting_scope_room;

/* Sees every named output: dumps, looks for the first non-finite value, takes times. */
typedef struct ting_tap {
    void (*see)(void *self, const char *name, ting_tensor value);
    void *self;
    /* Sees the weights of every attention after the softmax, in the order in which they are made: a layer's before the output
     * that bears its name. NULL: not wanted. */
    void (*attend)(void *self, const struct ting_attention *geometry, ting_tensor weights);
} ting_tap;

typedef struct ting_ctx {
    ting_arena *arena;
    ting_arena *gradients;    /* where gradients lie, apart, so that scopes (scope.h) use their room again; reset with the arena.
                                 NULL: in the arena */
    ting_scope_room *pieces;  /* gradients made in the scopes that are open, the last first; in backward, where it is */
    int scopes;               /* how many are open, one in the other */
    ting_pool *pool;          /* NULL: one thread */
    const ting_kern *kern;
    struct ting_tape *tape;   /* NULL: inference */
    const ting_tap *tap;      /* NULL: none */
    ting_rng rng;             /* dropout; advances */
    bool training;            /* dropout and other training-time behaviour is on. A tape without it gives the gradients of the
                                 plain network, nothing drawn and nothing edited: what reference vectors hold */
    bool steady;              /* training without chance: what edits gradients does so in every step, nothing is dropped or
                                 skipped. For reference vectors */
    double batch_count;       /* training: how far it is, in batches of the reference (steer.h) */
    double units;             /* training: what the gradient of a loss, a sum, is divided by; 0: nothing, as 1 */
    bool again;               /* a part runs a second time (recompute.h): what lives outside of the tape stays as it is */
    ting_precision multiply;  /* of products of unpacked operands: F32, or BF16 when training on AMX */
    ting_err err;             /* sticky */
} ting_ctx;

/* Stores the sentence and sets the sticky code if none is set. */
void ting_ctx_fail(ting_ctx *ctx, ting_err code, const char *format, ...) TING_PRINTF(3, 4);

/* An output of rows x cols in the arena, values not set; with a gradient (ting_ctx_gradient) if there is a tape. On failure
 * sets the sticky error and returns a tensor of zero rows. */
ting_tensor ting_ctx_output(ting_ctx *ctx, int rows, int cols);

/* The same without a gradient: constants. */
ting_tensor ting_ctx_constant(ting_ctx *ctx, int rows, int cols);

/* The values of x, shared, with a gradient of their own if there is a tape; the leading dimension stays. */
ting_tensor ting_ctx_alias(ting_ctx *ctx, ting_tensor x);

/* Sets x->grad to room of rows x ld; zeroed, or in a scope whatever it holds (gradient.h). On failure NULL and the sticky error. */
void ting_ctx_gradient(ting_ctx *ctx, ting_tensor *x);

/* Numbers that an op saves or needs for a moment (then mark and rewind), not set; NULL and the sticky
 * error on failure. */
ting_real *ting_ctx_reals(ting_ctx *ctx, size_t count);

/* Sets the sticky error if the arena has failed inside a call that cannot say so (ting_gemm). */
void ting_ctx_check(ting_ctx *ctx);

/* Where the context's products run. */
static inline ting_gemm_run ting_ctx_gemm(const ting_ctx *ctx)
{
    return (ting_gemm_run){.kern = ctx->kern, .pool = ctx->pool, .arena = ctx->arena};
}

/* Integers in the arena; NULL and the sticky error on failure. */
int *ting_ctx_ints(ting_ctx *ctx, int count);

/* Shows a value to the tap, if there is one. `name_format` makes names like "encoder.0.layers.1.out". */
void ting_ctx_see(ting_ctx *ctx, ting_tensor value, const char *name_format, ...) TING_PRINTF(3, 4);

#endif
