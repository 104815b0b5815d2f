/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_steer.c - balancer and whiten: identities that only act in backward (icefall zipformer/scaling.py). The output
 * shares the input's values and has a gradient of its own.
 */
#include "nn/rec.h"
#include "nn/tape.h"

ting_tensor ting_balancer(ting_ctx *ctx, ting_tensor x, const ting_balancer_limits *limits)
{
    if (ctx->tape == NULL || !ctx->training)
        return x;
    ting_tensor y = ting_ctx_alias(ctx, x);
    struct ting_rec_balancer *rec = ting_tape_push(ctx, TING_OP_balancer, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_balancer){.x = x, .y = y, .limits = *limits};
    return y;
}

ting_tensor ting_whiten(ting_ctx *ctx, ting_tensor x, int groups, ting_real limit,
                        ting_real grad_scale)
{
    if (ctx->tape == NULL || !ctx->training)
        return x;
    if (groups < 1 || x.cols % groups != 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "whiten: %d groups do not divide %d columns", groups,
                      x.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_alias(ctx, x);
    struct ting_rec_whiten *rec = ting_tape_push(ctx, TING_OP_whiten, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_whiten){
            .x = x, .y = y, .groups = groups, .limit = limit, .grad_scale = grad_scale};
    return y;
}
