/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_losses.c - forward and backward of the losses for a batch of 16 utterances of 10 s: 250 rows at 25 Hz and 60
 * labels each, 200 and 4,300 classes. Rows of logits are given: the joiner's own products are not in here.
 *
 * A TSV line a case: name, classes, threads, then milliseconds of forward and of backward: wall, processor (all
 * threads), then MB that the arena held. The best of several rounds. An argument runs the cases whose name contains it.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loss/consistency.h"
#include "loss/ctc.h"
#include "loss/prune.h"
#include "loss/regression.h"
#include "loss/soft_entropy.h"
#include "nn/tape.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { UTTERANCES = 16, T = 250, U = 60, RANGE = 5, D = 384, ROUNDS = 5, ROWS = UTTERANCES * T };

static int frames[UTTERANCES + 1], labels[UTTERANCES + 1], targets[UTTERANCES * U];
static int width[UTTERANCES], first[ROWS];
static ting_transducer_targets whole, band;
static ting_tensor am, other, lm, lattice, hidden, teacher;

/* ---- cases ---- */

static ting_tensor ctc(ting_ctx *ctx)
{
    return ting_ctc_loss(ctx, am, whole.frames, targets, whole.labels, NULL);
}

static ting_tensor simple(ting_ctx *ctx)
{
    ting_arcs arcs;
    const ting_simple_options options = {.lm_only = (ting_real)0.25, .arcs = &arcs};
    ting_tensor loss = ting_simple_transducer_loss(ctx, am, lm, &whole, &options);
    ting_prune_ranges(&whole, &arcs, RANGE, first, width);
    return loss;
}

static ting_tensor pruned(ting_ctx *ctx)
{
    return ting_transducer_loss(ctx, ting_rows(lattice, 0, ting_transducer_rows(&band)), &band, NULL, NULL);
}

static ting_tensor full(ting_ctx *ctx)
{
    return ting_transducer_loss(ctx, lattice, &whole, NULL, NULL);
}

static ting_tensor consistency(ting_ctx *ctx)
{
    return ting_consistency_loss(ctx, am, other);
}

/* What counts is how many targets there are: those of a teacher have the same size. */
static ting_tensor soft(ting_ctx *ctx)
{
    return ting_soft_entropy(ctx, am, other.data, NULL);
}

static ting_tensor regression(ting_ctx *ctx)
{
    return ting_regression_loss(ctx, hidden, teacher, NULL);
}

static const struct bench_case {
    const char *name;
    ting_tensor (*run)(ting_ctx *ctx);
    int most_classes; /* more would not fit into memory */
} CASES[] = {
    {"ctc", ctc, 4300},
    {"transducer simple", simple, 4300},
    {"transducer pruned", pruned, 4300},
    {"transducer full", full, 200},
    {"consistency", consistency, 4300},
    {"soft_entropy", soft, 4300},
    {"regression", regression, 4300},
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

static void prepare(ting_arena *arena, int classes)
{
    for (int s = 0; s <= UTTERANCES; s++) {
        frames[s] = s * T;
        labels[s] = s * U;
    }
    for (int i = 0; i < UTTERANCES * U; i++)
        targets[i] = 1 + i * 37 % (classes - 1);
    whole =
        (ting_transducer_targets){.frames = {UTTERANCES, frames}, .labels = {UTTERANCES, labels}, .targets = targets};
    for (int s = 0; s < UTTERANCES; s++)
        width[s] = RANGE;
    for (int r = 0; r < ROWS; r++)
        first[r] = r % T * (U + 1 - RANGE) / (T - 1);
    band = whole;
    band.first = first;
    band.width = width;
    am = filled(arena, ROWS, classes);
    other = filled(arena, ROWS, classes);
    lm = filled(arena, UTTERANCES * (U + 1), classes);
    lattice = filled(arena, ting_transducer_rows(classes > 200 ? &band : &whole), classes);
    hidden = filled(arena, ROWS, D);
    teacher = filled(arena, ROWS, D);
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

static int measure(const struct bench_case *c, int classes, ting_ctx *ctx)
{
    double wall[2] = {1e9, 1e9}, processor[2] = {1e9, 1e9}, held = 0;
    for (int round = 0; round < ROUNDS; round++) {
        ting_tape tape = {0};
        ting_arena_reset(ctx->arena);
        ctx->tape = &tape;
        double wall0 = now(CLOCK_MONOTONIC), processor0 = now(CLOCK_PROCESS_CPUTIME_ID);
        ting_tensor y = c->run(ctx);
        double wall1 = now(CLOCK_MONOTONIC), processor1 = now(CLOCK_PROCESS_CPUTIME_ID);
        held = (double)ting_arena_used(ctx->arena) / 1e6;
        if (ctx->err == TING_OK)
            y.grad[0] = 1;
        if (ting_tape_backward(ctx, &tape) != TING_OK) {
            fprintf(stderr, "%s: %s\n", c->name, ting_error_message());
            return 1;
        }
        wall[0] = least(wall[0], wall1 - wall0);
        processor[0] = least(processor[0], processor1 - processor0);
        wall[1] = least(wall[1], now(CLOCK_MONOTONIC) - wall1);
        processor[1] = least(processor[1], now(CLOCK_PROCESS_CPUTIME_ID) - processor1);
    }
    printf("%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\n", c->name, classes, ting_pool_threads(ctx->pool), wall[0],
           processor[0], wall[1], processor[1], held);
    return 0;
}

int main(int count, char **arguments)
{
    static const int vocabularies[] = {200, 4300};
    int bad = 0;
    for (int i = 0; i < 2; i++) {
        ting_arena *inputs = ting_arena_new(1 << 24);
        prepare(inputs, vocabularies[i]);
        for (int threads = 1; threads <= 2; threads++) {
            ting_pool *pool = ting_pool_new(threads);
            ting_ctx ctx = {
                .arena = ting_arena_new(1 << 24), .pool = pool, .kern = ting_kern_select(ting_cpu_detect())};
            for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++)
                if (vocabularies[i] <= CASES[c].most_classes &&
                    (count < 2 || strstr(CASES[c].name, arguments[1]) != NULL))
                    bad += measure(&CASES[c], vocabularies[i], &ctx);
            ting_arena_free(ctx.arena);
            ting_pool_free(pool);
        }
        ting_arena_free(inputs);
    }
    return bad != 0;
}
