/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steer.h - what Zipformer's modules do in training besides computing (icefall zipformer/scaling.py): values that change with
 * its progress, parts that are skipped by chance, limits that are looked after in some steps only.
 *
 * All of it is off unless ctx->training: then values come back as they are, nothing is drawn, no number of the context's
 * random stream is used. While training, every chance is drawn whether there is a tape or not, so that a part that runs
 * again (recompute.h) or a training that goes on (trainer.h) draws the same.
 *
 * Schedules count in the reference's batches, ctx->batch_count: 0, 1, 2, ... for batches of its reference size, 600 seconds of
 * sound; with half as much sound a batch it counts 0, 0.5, 1, ... (train.py, get_adjusted_batch_count).
 */
#ifndef TING_NN_STEER_H
#define TING_NN_STEER_H

#include "nn/op.h"

/* A value that is constant before the first point, linear between points, constant behind the last. */
typedef struct ting_ramp {
    int count; /* points, 1 or 2 or 3 */
    struct {
        double batch, value;
    } point[3]; /* batches ascend */
} ting_ramp;

#define TING_FLAT(value) {1, {{0, value}}}
#define TING_RAMP(value, batch, then) {2, {{0, value}, {batch, then}}}
#define TING_RAMP3(value, batch, then, batch2, then2) {3, {{0, value}, {batch, then}, {batch2, then2}}}

double ting_scheduled(const ting_ctx *ctx, const ting_ramp *ramp);

/* True with this probability: that something is left out, or that a gradient is edited. False unless training; in steady training
 * (ctx.h) nothing is left out and everything edited. */
bool ting_chance_to_skip(ting_ctx *ctx, double probability);
bool ting_chance_to_edit(ting_ctx *ctx, double probability);

typedef struct ting_balance_rule { /* of each column over all rows */
    ting_ramp min_positive, max_positive; /* shares of positive values; 0 and 1: nearly no limit */
    ting_ramp min_abs, max_abs;           /* of the mean magnitude */
    ting_ramp chance;                     /* that a step looks */
} ting_balance_rule;

/* The chance of most rules. */
#define TING_BALANCE_CHANCE TING_RAMP(0.5, 8000, 0.125)

/* ting_balancer by chance. */
ting_tensor ting_balance(ting_ctx *ctx, ting_tensor x, const ting_balance_rule *rule);

/* ting_feed_forward_shared with a rule for what goes into the activation. */
ting_tensor ting_feed_forward_balanced(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w1,
                                       const ting_param *b1, const ting_balance_rule *rule, ting_act act, double dropout,
                                       const ting_param *w2, const ting_param *b2);

typedef struct ting_whiten_rule {
    ting_ramp limit;
    double grad_scale;
} ting_whiten_rule;

/* ting_whiten in one of four steps. The reference looks that often only while the last look found the metric above the limit,
 * else in one of forty, to save time; here nothing is remembered between steps, so that a training goes on exactly. */
ting_tensor ting_whiten_by(ting_ctx *ctx, ting_tensor x, int groups, const ting_whiten_rule *rule);

/* ting_limit in six of ten steps. */
const ting_param *ting_within(ting_ctx *ctx, const ting_param *param, double least, double most);

/* Which of `count` segments a part runs for, each left out at `rate`: [count], which lives as long as the tape. NULL: all. */
const bool *ting_draw_segments(ting_ctx *ctx, int count, double rate);

/* What came out of a part, and for segments that are left out what went in. kept as above. */
ting_tensor ting_skip(ting_ctx *ctx, ting_tensor before, ting_tensor after, ting_segments segments, const bool *kept);

/* Dropout with one mask for all rows of a segment. */
ting_tensor ting_dropout_shared(ting_ctx *ctx, ting_tensor x, ting_segments segments, double probability);

#endif
