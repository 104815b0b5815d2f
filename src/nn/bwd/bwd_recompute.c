/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_recompute.c - runs a part again with a tape of its own and walks that. docs/NN.md, nn/recompute.h */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/tape.h"

void ting_bwd_recompute(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_recompute *rec = saved;
    const ting_ctx outside = *ctx;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_arena_mark gradients = {0};
    if (ctx->gradients != NULL) {
        gradients = ting_arena_tell(ctx->gradients);
        ting_arena_share(ctx->gradients, rec->gradients);
    }
    ting_gradient_touch(ctx, rec->y);
    ting_tape tape = {0};
    ctx->tape = &tape;
    ctx->tap = NULL;
    ctx->pieces = rec->pieces;
    ctx->scopes = 1; /* as in a scope: who touches a gradient first takes care of it */
    ctx->rng = rec->rng;
    ctx->training = rec->training;
    ctx->again = true;
    const ting_tensor y = rec->part.run(ctx, rec->part.self, rec->inputs);
    ctx->scopes = 0;
    ting_gradients_enter(ctx, ctx->pieces, rec->pieces);
    /* added, not copied: a part may return what it was given */
    if (ctx->err == TING_OK)
        ting_add_gradient(ctx, rec->y, y);
    ting_err err = ting_tape_backward(ctx, &tape);
    *ctx = outside;
    ctx->err = err;
    ting_arena_rewind(ctx->arena, mark);
    if (ctx->gradients != NULL)
        ting_arena_share(ctx->gradients, gradients);
}
