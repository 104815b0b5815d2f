/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.h - a part of a network whose gradients need room only while backward is in it.
 *
 *     ting_scope scope = ting_scope_open(ctx, x.rows, x.cols);
 *     x = run_layer(ctx, x);
 *     x = ting_scope_close(ctx, &scope, x);
 *
 * What the ops between open and close make has its gradients in room that the next scope uses again: all layers of a network share
 * the room of one, which stays in the caches. Only the output, [rows, cols], keeps a gradient of its own. Forward doesn't touch the
 * room. Backward, when it enters the scope, holds it for untouched (gradient.h), and hands the gradient of the output on.
 *
 * Only the output may be used outside. Scopes may contain scopes and parts that are run again (recompute.h), and those may
 * contain scopes. Without a tape, or without ctx->gradients, a scope is nothing at all. The numbers are the same with and without.
 */
#ifndef TING_NN_SCOPE_H
#define TING_NN_SCOPE_H

#include "nn/ctx.h"

typedef struct ting_scope {
    ting_tensor y; /* the output's gradient; no data */
    ting_arena_mark mark;
    struct ting_scope_room *around; /* what was made in the scopes around this one */
    bool open;
} ting_scope;

/* rows, cols: of the output. Errors: memory. */
ting_scope ting_scope_open(ting_ctx *ctx, int rows, int cols);

/* y with a gradient that outlives the scope. Errors: an output of another shape; memory. */
ting_tensor ting_scope_close(ting_ctx *ctx, const ting_scope *scope, ting_tensor y);

#endif
