/* SPDX-License-Identifier: Apache-2.0 */
/* steer.c - see steer.h. */
#include "nn/steer.h"

#include "nn/dropout.h"

#include <math.h>

/* The reference's constants. */
static const double balance_grad_scale = 0.04, whiten_chance = 0.25, limit_chance = 0.6;

double ting_scheduled(const ting_ctx *ctx, const ting_ramp *ramp)
{
    const double at = ctx->batch_count;
    int i = 0;
    while (i < ramp->count && ramp->point[i].batch <= at)
        i++;
    if (i == 0 || i == ramp->count)
        return ramp->point[i == 0 ? 0 : i - 1].value;
    const double from = ramp->point[i - 1].value, to = ramp->point[i].value;
    return from + (to - from) * (at - ramp->point[i - 1].batch) / (ramp->point[i].batch - ramp->point[i - 1].batch);
}

bool ting_chance_to_skip(ting_ctx *ctx, double probability)
{
    return ctx->training && !ctx->steady && ting_rng_uniform(&ctx->rng) < probability;
}

bool ting_chance_to_edit(ting_ctx *ctx, double probability)
{
    return ctx->training && (ctx->steady || ting_rng_uniform(&ctx->rng) < probability);
}

/* mean / deviation of a normal distribution of which the share p is positive, nearly; large for 0 and 1. */
static ting_real mean_of_share(double p)
{
    const double x = 2 * p - 1, eps = 1e-10;
    return (ting_real)(0.8139535143 * (log(1 + x + eps) - log(1 - x + eps)) / 2);
}

/* Root mean square of a normal distribution with this mean magnitude: sqrt(pi / 2) of it. */
static ting_real rms_of_magnitude(double magnitude)
{
    return (ting_real)(1.25331413732 * magnitude);
}

static bool chance_to_balance(ting_ctx *ctx, const ting_balance_rule *rule)
{
    return ting_chance_to_edit(ctx, ting_scheduled(ctx, &rule->chance));
}

static ting_tensor balance_now(ting_ctx *ctx, ting_tensor x, const ting_balance_rule *rule)
{
    const ting_balancer_limits limits = {.min_mean = mean_of_share(ting_scheduled(ctx, &rule->min_positive)),
                                         .max_mean = mean_of_share(ting_scheduled(ctx, &rule->max_positive)),
                                         .min_rms = rms_of_magnitude(ting_scheduled(ctx, &rule->min_abs)),
                                         .max_rms = rms_of_magnitude(ting_scheduled(ctx, &rule->max_abs)),
                                         .grad_scale = (ting_real)balance_grad_scale};
    return ting_balancer(ctx, x, &limits);
}

ting_tensor ting_balance(ting_ctx *ctx, ting_tensor x, const ting_balance_rule *rule)
{
    return chance_to_balance(ctx, rule) ? balance_now(ctx, x, rule) : x;
}

/* The rule needs moments of all rows before the first gradient may pass: then the inside is a tensor. */
ting_tensor ting_feed_forward_balanced(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w1,
                                       const ting_param *b1, const ting_balance_rule *rule, ting_act act, double dropout,
                                       const ting_param *w2, const ting_param *b2)
{
    if (!chance_to_balance(ctx, rule))
        return ting_feed_forward_shared(ctx, x, segments, w1, b1, act, dropout, w2, b2);
    x = balance_now(ctx, ting_linear(ctx, x, w1, b1, TING_ACT_NONE), rule);
    x = ting_dropout_shared(ctx, ting_activate(ctx, act, x), segments, dropout);
    return ting_linear(ctx, x, w2, b2, TING_ACT_NONE);
}

ting_tensor ting_whiten_by(ting_ctx *ctx, ting_tensor x, int groups, const ting_whiten_rule *rule)
{
    if (!ting_chance_to_edit(ctx, whiten_chance))
        return x;
    return ting_whiten(ctx, x, groups, (ting_real)ting_scheduled(ctx, &rule->limit), (ting_real)rule->grad_scale);
}

const ting_param *ting_within(ting_ctx *ctx, const ting_param *param, double least, double most)
{
    return ting_chance_to_edit(ctx, limit_chance) ? ting_limit(ctx, param, (ting_real)least, (ting_real)most) : param;
}

const bool *ting_draw_segments(ting_ctx *ctx, int count, double rate)
{
    if (!ctx->training || ctx->steady || rate <= 0)
        return NULL;
    bool *kept = ting_arena_take(ctx->arena, (size_t)count * sizeof *kept), all = true;
    ting_ctx_check(ctx);
    for (int s = 0; kept != NULL && s < count; s++) {
        kept[s] = !ting_chance_to_skip(ctx, rate);
        all = all && kept[s];
    }
    return all ? NULL : kept;
}

ting_tensor ting_skip(ting_ctx *ctx, ting_tensor before, ting_tensor after, ting_segments segments, const bool *kept)
{
    return kept == NULL ? after : ting_segment_pick(ctx, before, after, segments, kept);
}

ting_tensor ting_dropout_shared(ting_ctx *ctx, ting_tensor x, ting_segments segments, double probability)
{
    const ting_mask mask = ting_mask_draw(ctx, (ting_real)probability, segments.count, x.cols);
    if (mask.threshold == 0 || ctx->err != TING_OK)
        return x;
    ting_real *factor = ting_ctx_reals(ctx, (size_t)segments.count * (size_t)x.cols);
    for (int s = 0; factor != NULL && s < segments.count; s++)
        ting_mask_row(ctx->kern, &mask, s, 0, x.cols, factor + (size_t)s * (size_t)x.cols);
    return factor == NULL ? x : ting_segment_mul(ctx, x, segments, factor);
}
