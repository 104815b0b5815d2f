/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transducer_loss.c - the transducer loss against the sum over all paths, on whole lattices and in bands; impossible
 * utterances; labels that cannot be. Gradients: tests/grad and the golden files of kind transducer.
 */
#include "support/support.h"

#include "base/rng.h"
#include "loss/transducer_loss.h"
#include "nn/tape.h"

#include <math.h>

enum { VOCAB = 4, FRAMES_MAX = 5, STATES_MAX = 4 };

static ting_ctx make_ctx(ting_arena *arena)
{
    return (ting_ctx){.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
}

/* log-probability of token v in state (t, u), or -inf where the band has no row. */
struct lattice {
    int frames, labels, width;
    const int *targets, *first;
    ting_tensor logits;
};

static double log_prob(const struct lattice *l, int t, int u, int v)
{
    const int k = u - (l->first != NULL ? l->first[t] : 0);
    if (k < 0 || k >= l->width)
        return -INFINITY;
    const ting_real *row = ting_row(l->logits, t * l->width + k);
    double sum = 0;
    for (int i = 0; i < VOCAB; i++)
        sum += exp((double)row[i]);
    return (double)row[v] - log(sum);
}

/* The sum over all paths from (t, u) on, one after the other. */
static double paths(const struct lattice *l, int t, int u, double so_far)
{
    const double blank = so_far + log_prob(l, t, u, 0);
    double sum = t + 1 < l->frames ? paths(l, t + 1, u, blank) : u == l->labels ? exp(blank) : 0;
    if (u < l->labels)
        sum += paths(l, t, u + 1, so_far + log_prob(l, t, u, l->targets[u]));
    return sum;
}

static ting_tensor random_logits(ting_ctx *ctx, ting_rng *rng, int rows)
{
    ting_tensor x = ting_ctx_constant(ctx, rows, VOCAB);
    for (int i = 0; i < rows * VOCAB; i++)
        x.data[i] = (ting_real)(2 * ting_rng_normal(rng));
    return x;
}

static void equals_the_sum_over_all_paths(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(3, 0);
    for (int round = 0; round < 200; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        int frames[3] = {0}, labels[3] = {0}, targets[2 * STATES_MAX], first[2 * FRAMES_MAX] = {0}, width[2];
        const bool band = round % 2 == 1;
        for (int s = 0; s < 2; s++) {
            frames[s + 1] = frames[s] + 1 + (int)ting_rng_below(&rng, FRAMES_MAX);
            labels[s + 1] = labels[s] + (int)ting_rng_below(&rng, STATES_MAX);
            const int states = labels[s + 1] - labels[s] + 1;
            width[s] = band ? 1 + (int)ting_rng_below(&rng, (uint32_t)states) : states;
            for (int i = labels[s]; i < labels[s + 1]; i++)
                targets[i] = 1 + (int)ting_rng_below(&rng, VOCAB - 1);
            for (int f = frames[s]; band && f < frames[s + 1]; f++) /* upwards, as pruning makes it */
                first[f] = (states - width[s]) * (f - frames[s] + 1) / (frames[s + 1] - frames[s] + 1);
        }
        const ting_transducer_targets t = {.frames = {2, frames}, .labels = {2, labels}, .targets = targets,
                                           .width = band ? width : NULL, .first = band ? first : NULL};
        ting_tensor logits = random_logits(&ctx, &rng, ting_transducer_rows(&t));
        ting_real each[2];
        int impossible;
        ting_tensor loss = ting_transducer_loss(&ctx, logits, &t, each, &impossible);
        assert_ok(ctx.err);
        double sum = 0;
        int none = 0;
        for (int s = 0, row = 0; s < 2; s++) {
            const struct lattice l = {frames[s + 1] - frames[s], labels[s + 1] - labels[s], width[s], targets + labels[s],
                                      band ? first + frames[s] : NULL,
                                      ting_rows(logits, row, (frames[s + 1] - frames[s]) * width[s])};
            const double all = paths(&l, 0, 0, 0), want = all > 0 ? -log(all) : INFINITY;
            row += l.frames * l.width;
            none += all == 0;
            sum += all > 0 ? want : 0;
            if (all == 0)
                assert_true((double)each[s] == INFINITY);
            else /* a softmax in float, a dozen additions of logarithms in double */
                assert_true(fabs((double)each[s] - want) < 1e-5 * (1 + want));
        }
        assert_int_equal(impossible, none);
        assert_true(fabs((double)loss.data[0] - sum) < 1e-5 * (1 + sum));
    }
    ting_arena_free(arena);
}

static void pairs_are_frames_and_states(void **state)
{
    (void)state;
    const int frames[] = {0, 2, 3}, labels[] = {0, 1, 3}, width[] = {2, 2}, first[] = {0, 0, 1};
    const ting_transducer_targets whole = {.frames = {2, frames}, .labels = {2, labels}};
    const ting_transducer_targets band = {.frames = {2, frames}, .labels = {2, labels}, .width = width, .first = first};
    int encoder[8], predictor[8];
    assert_int_equal(ting_transducer_rows(&whole), 2 * 2 + 1 * 3);
    ting_transducer_pairs(&whole, encoder, predictor);
    static const int e[] = {0, 0, 1, 1, 2, 2, 2}, p[] = {0, 1, 0, 1, 2, 3, 4}; /* predictor: 2 rows, then 3 */
    assert_memory_equal(encoder, e, sizeof e);
    assert_memory_equal(predictor, p, sizeof p);
    assert_int_equal(ting_transducer_rows(&band), 2 * 2 + 1 * 2);
    ting_transducer_pairs(&band, encoder, predictor);
    static const int q[] = {0, 1, 0, 1, 3, 4};
    assert_memory_equal(encoder, e, 6 * sizeof *e);
    assert_memory_equal(predictor, q, sizeof q);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(4, 0);
    const int frames[] = {0, 2}, labels[] = {0, 1}, blank[] = {0}, high[] = {VOCAB}, good[] = {1}, width[] = {2}, first[] = {0, 1};
    ting_transducer_targets t = {.frames = {1, frames}, .labels = {1, labels}};
    ting_ctx ctx = make_ctx(arena);
    ting_tensor logits = random_logits(&ctx, &rng, 4);
    t.targets = blank;
    ting_transducer_loss(&ctx, logits, &t, NULL, NULL);
    assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    ctx = make_ctx(arena);
    t.targets = high;
    ting_transducer_loss(&ctx, logits, &t, NULL, NULL);
    assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    ctx = make_ctx(arena);
    t.targets = good;
    ting_transducer_loss(&ctx, ting_rows(logits, 0, 3), &t, NULL, NULL); /* a row too few */
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    ctx = make_ctx(arena);
    t.width = width;
    t.first = first; /* states 1 and 2 of two */
    ting_transducer_loss(&ctx, logits, &t, NULL, NULL);
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_sum_over_all_paths),
        cmocka_unit_test(pairs_are_frames_and_states),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
