/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - walks the tape from last to first record; the table comes from ops.def. */
#include "nn/bwd/bwd.h"
#include "nn/tape.h"

ting_err ting_tape_backward(ting_ctx *ctx, ting_tape *tape)
{
    static void (*const backward[TING_OP_COUNT])(ting_ctx *, const void *) = {
#define TING_OP(name) ting_bwd_##name,
#include "nn/ops.def"
#undef TING_OP
    };
    ting_scope_room *const pieces = ctx->pieces;
    for (const ting_record *record = tape->last; record != NULL; record = record->before) {
        if (ctx->err != TING_OK)
            break;
        backward[record->op](ctx, record->saved);
        ting_ctx_check(ctx);
    }
    ctx->pieces = pieces;
    return ctx->err;
}
