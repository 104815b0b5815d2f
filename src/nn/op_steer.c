/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_steer.c - balancer, whiten, scale_grad, excess and limit: identities that only act in backward (icefall
 * zipformer/scaling.py), on the gradient that has reached their x when backward comes to them.
 */
#include "nn/rec.h"
#include "nn/tape.h"

ting_tensor ting_balancer(ting_ctx *ctx, ting_tensor x, const ting_balancer_limits *limits)
{
    if (ctx->tape == NULL || !ctx->training || x.grad == NULL)
        return x;
    struct ting_rec_balancer *rec = ting_tape_push(ctx, TING_OP_balancer, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_balancer){.x = x, .limits = *limits};
    return ctx->err == TING_OK ? x : (ting_tensor){0};
}

ting_tensor ting_whiten(ting_ctx *ctx, ting_tensor x, int groups, ting_real limit,
                        ting_real grad_scale)
{
    if (ctx->tape == NULL || !ctx->training || x.grad == NULL)
        return x;
    if (groups < 1 || x.cols % groups != 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "whiten: %d groups do not divide %d columns", groups,
                      x.cols);
        return (ting_tensor){0};
    }
    struct ting_rec_whiten *rec = ting_tape_push(ctx, TING_OP_whiten, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_whiten){.x = x, .groups = groups, .limit = limit, .grad_scale = grad_scale};
    return ctx->err == TING_OK ? x : (ting_tensor){0};
}

ting_tensor ting_scale_grad(ting_ctx *ctx, ting_tensor x, ting_real factor)
{
    if (ctx->tape == NULL || !ctx->training || x.grad == NULL)
        return x;
    struct ting_rec_scale_grad *rec = ting_tape_push(ctx, TING_OP_scale_grad, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_scale_grad){.x = x, .factor = factor};
    return ctx->err == TING_OK ? x : (ting_tensor){0};
}

ting_tensor ting_excess(ting_ctx *ctx, ting_tensor x, ting_real limit, ting_real penalty)
{
    if (ctx->tape == NULL || !ctx->training || x.grad == NULL)
        return x;
    struct ting_rec_excess *rec = ting_tape_push(ctx, TING_OP_excess, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_excess){.x = x, .limit = limit, .penalty = penalty};
    return ctx->err == TING_OK ? x : (ting_tensor){0};
}

const ting_param *ting_limit(ting_ctx *ctx, const ting_param *param, ting_real least, ting_real most)
{
    if (ctx->tape == NULL || !ctx->training || param->t.grad == NULL)
        return param;
    const ting_tensor t = param->t;
    ting_param *alias = ting_arena_take(ctx->arena, sizeof *alias);
    /* in no scope: ops add to the gradients of parameters without asking (gradient.h) */
    ting_real *gradient = ting_arena_take_zeroed(ctx->arena, (size_t)t.rows * (size_t)t.ld, sizeof *gradient);
    struct ting_rec_limit *rec = ting_tape_push(ctx, TING_OP_limit, sizeof *rec);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return param;
    *alias = *param;
    alias->t.grad = gradient;
    *rec = (struct ting_rec_limit){.param = param, .alias = alias, .least = least, .most = most};
    return alias;
}
