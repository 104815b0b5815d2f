/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_ops.c - forward and backward of the ops that are no matrix product, at the shapes of a training step: four
 * utterances of 500 rows, d 384; images of 19 x 128; CTC with 1,000 rows an utterance, 1,500 classes and 100 labels.
 *
 * A TSV line a case: name, threads, then milliseconds of forward and of backward: wall, processor (all threads). The
 * best of several rounds, so that a busy machine spoils them little. An argument runs the cases whose name contains it.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loss/ctc.h"
#include "nn/op.h"
#include "nn/tape.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { UTTERANCES = 4, T = 500, D = 384, HEADS = 8, ROUNDS = 9 };
enum { FREQ = 19, CHANNELS = 128 };
enum { CTC_T = 1000, CLASSES = 1500, LABELS = 100 };

static int start[UTTERANCES + 1], slow_start[UTTERANCES + 1], ctc_start[UTTERANCES + 1], label_start[UTTERANCES + 1];
static const ting_segments segments = {UTTERANCES, start}, slow = {UTTERANCES, slow_start};
static int labels[UTTERANCES * LABELS], out_start[UTTERANCES + 1];
static ting_span spans[UTTERANCES];
static ting_tensor x, other, image, scores_q, positions, logits;
static ting_params *params;
static const ting_param *row, *scalar, *rates, *taps, *half_taps, *edges, *filter, *filter_bias, *mean, *variance;

/* ---- cases ---- */

static ting_tensor bias_norm(ting_ctx *ctx)
{
    return ting_bias_norm(ctx, x, row, scalar);
}

static ting_tensor batch_norm(ting_ctx *ctx)
{
    const ting_batch_norm_weights w = {row, row, mean, variance};
    return ting_batch_norm(ctx, x, &w, (ting_real)1e-5);
}

static ting_tensor bypass(ting_ctx *ctx)
{
    return ting_bypass(ctx, x, other, row);
}

static ting_tensor chunk_conv_plain(ting_ctx *ctx)
{
    const ting_chunk_conv_weights w = {.chunk_w = taps, .chunk_b = row};
    return ting_chunk_conv(ctx, x, segments, 0, &w, (ting_tensor){0});
}

static ting_tensor chunk_conv_causal(ting_ctx *ctx)
{
    const ting_chunk_conv_weights w = {half_taps, row, taps, row, edges};
    return ting_chunk_conv(ctx, x, segments, 32, &w, (ting_tensor){0});
}

static ting_tensor downsample(ting_ctx *ctx)
{
    return ting_downsample(ctx, x, segments, rates, 2, out_start);
}

static ting_tensor upsample(ting_ctx *ctx)
{
    return ting_upsample(ctx, ting_rows(x, 0, UTTERANCES * T / 2), slow, 2, segments);
}

static ting_tensor depthwise2d(ting_ctx *ctx)
{
    const ting_conv2d_shape shape = {FREQ, CHANNELS, CHANNELS, 7, 7, 1, 1, 3, 3};
    return ting_depthwise2d(ctx, image, segments, &shape, filter, filter_bias, out_start);
}

static ting_tensor balancer(ting_ctx *ctx)
{
    const ting_balancer_limits limits = {(ting_real)-0.01, (ting_real)0.01, (ting_real)0.5, 3, (ting_real)0.04};
    return ting_balancer(ctx, x, &limits);
}

static ting_tensor whiten(ting_ctx *ctx)
{
    return ting_whiten(ctx, x, 1, 1, (ting_real)0.02);
}

static ting_tensor relative_scores(ting_ctx *ctx)
{
    const ting_attention geometry = {.spans = spans, .count = UTTERANCES, .heads = HEADS};
    return ting_attn_scores(ctx, &geometry, ting_cols(x, 0, 256), ting_cols(other, 0, 256), scores_q, positions, T, 1);
}

static ting_tensor ctc(ting_ctx *ctx)
{
    return ting_ctc_loss(ctx, logits, (ting_segments){UTTERANCES, ctc_start}, labels,
                         (ting_segments){UTTERANCES, label_start}, NULL);
}

static const struct bench_case {
    const char *name;
    ting_tensor (*run)(ting_ctx *ctx);
} CASES[] = {
    {"bias_norm", bias_norm},
    {"batch_norm", batch_norm},
    {"bypass", bypass},
    {"chunk_conv", chunk_conv_plain},
    {"chunk_conv causal", chunk_conv_causal},
    {"downsample", downsample},
    {"upsample", upsample},
    {"depthwise2d", depthwise2d},
    {"balancer", balancer},
    {"whiten", whiten},
    {"attn_scores relative", relative_scores},
    {"ctc", ctc},
};

/* ---- their inputs ---- */

static ting_tensor filled(ting_arena *arena, int rows, int cols)
{
    static ting_rng rng = {.key = 1};
    size_t count = (size_t)rows * (size_t)cols;
    ting_tensor t = {.rows = rows, .cols = cols, .ld = cols};
    t.data = ting_arena_take(arena, count * sizeof *t.data);
    t.grad = ting_arena_take_zeroed(arena, count, sizeof *t.grad);
    for (size_t i = 0; i < count; i++)
        t.data[i] = (ting_real)ting_rng_normal(&rng);
    return t;
}

static const ting_param *declare(ting_param_role role, int dims, const int *shape)
{
    return ting_params_add(params, role, dims, shape, "p%d", ting_params_count(params));
}

static void prepare(ting_arena *arena)
{
    for (int u = 0; u <= UTTERANCES; u++) {
        start[u] = u * T;
        slow_start[u] = u * T / 2;
        ctc_start[u] = u * CTC_T;
        label_start[u] = u * LABELS;
    }
    for (int u = 0; u < UTTERANCES; u++)
        spans[u] = (ting_span){.q0 = u * T, .q1 = (u + 1) * T, .k0 = u * T, .k1 = (u + 1) * T};
    for (int i = 0; i < UTTERANCES * LABELS; i++)
        labels[i] = 1 + i * 37 % (CLASSES - 1);
    x = filled(arena, UTTERANCES * T, D);
    other = filled(arena, UTTERANCES * T, D);
    image = filled(arena, UTTERANCES * T, FREQ * CHANNELS);
    scores_q = filled(arena, UTTERANCES * T, HEADS * 4);
    positions = filled(arena, 2 * T + 1, HEADS * 4);
    logits = filled(arena, UTTERANCES * CTC_T, CLASSES);
    params = ting_params_new();
    row = declare(TING_PARAM_VALUES, 1, (int[]){D});
    scalar = declare(TING_PARAM_VALUES, 0, NULL);
    rates = declare(TING_PARAM_VALUES, 1, (int[]){2});
    taps = declare(TING_PARAM_TAPS, 3, (int[]){D, 1, 31});
    half_taps = declare(TING_PARAM_TAPS, 3, (int[]){D, 1, 16});
    edges = declare(TING_PARAM_VALUES, 3, (int[]){2, D, 31});
    filter = declare(TING_PARAM_TAPS, 4, (int[]){CHANNELS, 1, 7, 7});
    filter_bias = declare(TING_PARAM_VALUES, 1, (int[]){CHANNELS});
    mean = declare(TING_PARAM_STATISTICS, 1, (int[]){D});
    variance = declare(TING_PARAM_STATISTICS, 1, (int[]){D});
    ting_params_alloc(params, true);
    for (size_t i = 0; i < ting_params_elements(params); i++)
        ting_params_values(params)[i] = (ting_real)0.1;
}

/* ---- measuring ---- */

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static int measure(const struct bench_case *c, ting_ctx *ctx)
{
    double wall[2] = {1e9, 1e9}, processor[2] = {1e9, 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        ting_tape tape = {0};
        ting_arena_reset(ctx->arena);
        ctx->tape = &tape;
        double wall0 = now(CLOCK_MONOTONIC), processor0 = now(CLOCK_PROCESS_CPUTIME_ID);
        ting_tensor y = c->run(ctx);
        double wall1 = now(CLOCK_MONOTONIC), processor1 = now(CLOCK_PROCESS_CPUTIME_ID);
        for (int r = 0; r < y.rows; r++)
            for (int i = 0; i < y.cols; i++)
                ting_grad_row(y, r)[i] = 1;
        double wall2 = now(CLOCK_MONOTONIC), processor2 = now(CLOCK_PROCESS_CPUTIME_ID);
        if (ting_tape_backward(ctx, &tape) != TING_OK) {
            fprintf(stderr, "%s: %s\n", c->name, ting_error_message());
            return 1;
        }
        wall[0] = least(wall[0], wall1 - wall0);
        processor[0] = least(processor[0], processor1 - processor0);
        wall[1] = least(wall[1], now(CLOCK_MONOTONIC) - wall2);
        processor[1] = least(processor[1], now(CLOCK_PROCESS_CPUTIME_ID) - processor2);
    }
    printf("%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\n", c->name, ting_pool_threads(ctx->pool), wall[0], processor[0], wall[1],
           processor[1]);
    return 0;
}

int main(int count, char **arguments)
{
    int bad = 0;
    ting_arena *inputs = ting_arena_new(1 << 24);
    prepare(inputs);
    for (int threads = 1; threads <= 2; threads++) {
        ting_pool *pool = ting_pool_new(threads);
        ting_ctx ctx = {.arena = ting_arena_new(1 << 24),
                        .pool = pool,
                        .kern = ting_kern_select(ting_cpu_detect()),
                        .training = true};
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
            if (count < 2 || strstr(CASES[i].name, arguments[1]) != NULL)
                bad += measure(&CASES[i], &ctx);
        ting_arena_free(ctx.arena);
        ting_pool_free(pool);
    }
    ting_params_free(params);
    ting_arena_free(inputs);
    return bad != 0;
}
