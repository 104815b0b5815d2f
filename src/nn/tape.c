/* SPDX-License-Identifier: Apache-2.0 */
/* tape.c - pushing records and naming ops; walking them back is bwd/table.c. */
#include "nn/tape.h"

void *ting_tape_push(ting_ctx *ctx, ting_op op, size_t bytes)
{
    if (ctx->tape == NULL || ctx->err != TING_OK)
        return NULL;
    ting_record *record = ting_arena_take_zeroed(ctx->arena, 1, sizeof *record);
    void *saved = ting_arena_take_zeroed(ctx->arena, 1, bytes);
    ting_ctx_check(ctx);
    if (record == NULL || saved == NULL)
        return NULL;
    *record = (ting_record){.op = op, .saved = saved, .before = ctx->tape->last};
    ctx->tape->last = record;
    ctx->tape->count++;
    return saved;
}

const char *ting_op_name(ting_op op)
{
    static const char *const names[] = {
#define TING_OP(name) #name,
#include "nn/ops.def"
#undef TING_OP
    };
    return (unsigned)op < TING_OP_COUNT ? names[op] : "unknown";
}
