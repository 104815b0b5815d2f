/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_simple_transducer.c - the simple transducer loss against the sum over all paths and against the loss of a joiner
 * that adds; its passages; and the bands that are made from them. Gradients: tests/grad.
 */
#include "support/support.h"

#include "base/rng.h"
#include "loss/prune.h"
#include "nn/op.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

enum {
    VOCAB = 5,
    MOST_FRAMES = 5,
    MOST_LABELS = 4,
    UTTERANCES = 3,
    MOST_ROWS = MOST_FRAMES * (MOST_LABELS + 1) * UTTERANCES
};

struct problem {
    int frames[UTTERANCES + 1], labels[UTTERANCES + 1], targets[UTTERANCES * MOST_LABELS];
    ting_transducer_targets t;
    ting_tensor am, lm;
};

static ting_ctx make_ctx(ting_arena *arena)
{
    return (ting_ctx){.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
}

static ting_tensor random_rows(ting_ctx *ctx, ting_rng *rng, int rows, double size)
{
    ting_tensor x = ting_ctx_output(ctx, rows, VOCAB);
    for (int i = 0; i < rows * VOCAB; i++)
        x.data[i] = (ting_real)(size * ting_rng_normal(rng));
    return x;
}

static void make_problem(struct problem *p, ting_ctx *ctx, ting_rng *rng, double size)
{
    p->frames[0] = p->labels[0] = 0;
    for (int s = 0; s < UTTERANCES; s++) {
        p->frames[s + 1] = p->frames[s] + 1 + (int)ting_rng_below(rng, MOST_FRAMES);
        p->labels[s + 1] = p->labels[s] + (int)ting_rng_below(rng, MOST_LABELS + 1);
    }
    for (int i = 0; i < p->labels[UTTERANCES]; i++)
        p->targets[i] = 1 + (int)ting_rng_below(rng, VOCAB - 1);
    p->t = (ting_transducer_targets){
        .frames = {UTTERANCES, p->frames}, .labels = {UTTERANCES, p->labels}, .targets = p->targets};
    p->am = random_rows(ctx, rng, p->frames[UTTERANCES], size);
    p->lm = random_rows(ctx, rng, p->labels[UTTERANCES] + UTTERANCES, size);
}

/* ---- the plain formulas, for one utterance ---- */

struct paths {
    const struct problem *p;
    int s;
    double lm_only, am_only, unigram[VOCAB];
    double blanks[MOST_FRAMES][MOST_LABELS + 1],
        labels[MOST_FRAMES][MOST_LABELS + 1]; /* probability of all paths through the arc */
};

static double log_sum(const double *x)
{
    double sum = 0;
    for (int v = 0; v < VOCAB; v++)
        sum += exp(x[v]);
    return log(sum);
}

static double arc(const struct paths *w, int t, int u, int v)
{
    const struct problem *p = w->p;
    const ting_real *am = ting_row(p->am, p->frames[w->s] + t), *lm = ting_row(p->lm, p->labels[w->s] + w->s + u);
    double both[VOCAB], own[VOCAB], weighted[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
        both[i] = (double)am[i] + (double)lm[i];
        own[i] = (double)lm[i];
        weighted[i] = (double)am[i] + log(w->unigram[i]);
    }
    return (1 - w->lm_only - w->am_only) * (both[v] - log_sum(both)) + w->lm_only * (own[v] - log_sum(own)) +
           w->am_only * (weighted[v] - log_sum(weighted));
}

/* Goes all ways on from (t, u); returns their probability and adds it to the arcs. */
static double walk(struct paths *w, int t, int u, double so_far)
{
    const int frames = w->p->frames[w->s + 1] - w->p->frames[w->s],
              labels = w->p->labels[w->s + 1] - w->p->labels[w->s];
    double blank = so_far * exp(arc(w, t, u, 0));
    blank = t + 1 < frames ? walk(w, t + 1, u, blank) : u == labels ? blank : 0;
    w->blanks[t][u] += blank;
    if (u == labels)
        return blank;
    const double label = walk(w, t, u + 1, so_far * exp(arc(w, t, u, w->p->targets[w->p->labels[w->s] + u])));
    w->labels[t][u] += label;
    return blank + label;
}

static void take_unigram(struct paths *w)
{
    for (int r = 0; r < w->p->lm.rows; r++) {
        double x[VOCAB];
        for (int v = 0; v < VOCAB; v++)
            x[v] = (double)ting_row(w->p->lm, r)[v];
        for (int v = 0; v < VOCAB; v++)
            w->unigram[v] += exp(x[v] - log_sum(x)) / w->p->lm.rows;
    }
}

static void near(double got, double want, double size)
{
    if (!(fabs(got - want) <= 1e-5 * (1 + fabs(size)))) /* a few hundred roundings of floats of this size */
        fail_msg("%.9g, want %.9g", got, want);
}

static void equals_the_sum_over_all_paths(void **state)
{
    (void)state;
    static const double shares[][2] = {{0, 0}, {0.25, 0}, {0, 0.25}, {0.25, 0.125}};
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(5, 0);
    for (int round = 0; round < 120; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        struct problem p;
        make_problem(&p, &ctx, &rng, 2);
        const double lm_only = shares[round % 4][0], am_only = shares[round % 4][1];
        ting_real each[UTTERANCES];
        ting_arcs arcs;
        int impossible;
        const ting_simple_options options = {.lm_only = (ting_real)lm_only,
                                             .am_only = (ting_real)am_only,
                                             .each = each,
                                             .impossible = &impossible,
                                             .arcs = &arcs};
        ting_tensor loss = ting_simple_transducer_loss(&ctx, p.am, p.lm, &p.t, &options);
        assert_ok(ctx.err);
        double sum = 0;
        for (int s = 0, row = 0; s < UTTERANCES; s++) {
            struct paths w = {.p = &p, .s = s, .lm_only = lm_only, .am_only = am_only};
            take_unigram(&w);
            const double all = walk(&w, 0, 0, 1);
            near((double)each[s], -log(all), log(all));
            sum -= log(all);
            for (int t = 0; t < p.frames[s + 1] - p.frames[s]; t++)
                for (int u = 0; u <= p.labels[s + 1] - p.labels[s]; u++, row++) {
                    near((double)arcs.blanks[row], w.blanks[t][u] / all, log(all));
                    near((double)arcs.labels[row], w.labels[t][u] / all, log(all));
                }
        }
        assert_int_equal(impossible, 0);
        near((double)loss.data[0], sum, sum);
    }
    ting_arena_free(arena);
}

/* Logits of three sizes: with the largest, products of most pairs of probabilities are no normal floats any more. */
static void equals_a_joiner_that_adds(void **state)
{
    (void)state;
    static const double sizes[] = {1, 20, 80};
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(6, 0);
    for (int round = 0; round < 60; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        struct problem p;
        make_problem(&p, &ctx, &rng, sizes[round % 3]);
        int ia[MOST_ROWS], ib[MOST_ROWS];
        ting_transducer_pairs(&p.t, ia, ib);
        ting_tensor logits = ting_pair_add(&ctx, p.am, ia, p.lm, ib, ting_transducer_rows(&p.t));
        const double want = (double)ting_transducer_loss(&ctx, logits, &p.t, NULL, NULL).data[0];
        const double got = (double)ting_simple_transducer_loss(&ctx, p.am, p.lm, &p.t, NULL).data[0];
        assert_ok(ctx.err);
        assert_true(isfinite(want));
        near(got, want, want);
    }
    ting_arena_free(arena);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(7, 0);
    const int frames[] = {0, 2}, labels[] = {0, 1}, good[] = {1}, wrong[] = {0, -1, VOCAB}, width[] = {2};
    ting_transducer_targets t = {.frames = {1, frames}, .labels = {1, labels}, .targets = good};
    ting_ctx ctx = make_ctx(arena);
    ting_tensor am = random_rows(&ctx, &rng, 2, 1), lm = random_rows(&ctx, &rng, 2, 1);
    ting_simple_transducer_loss(&ctx, am, ting_rows(lm, 0, 1), &t, NULL); /* a state too few */
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    ctx = make_ctx(arena);
    t.width = width; /* bands come after */
    ting_simple_transducer_loss(&ctx, am, lm, &t, NULL);
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    t.width = NULL;
    ctx = make_ctx(arena);
    ting_simple_transducer_loss(&ctx, am, lm, &t,
                                &(ting_simple_options){.lm_only = (ting_real)0.75, .am_only = (ting_real)0.5});
    assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    for (int i = 0; i < 3; i++) {
        ctx = make_ctx(arena);
        t.targets = &wrong[i];
        ting_simple_transducer_loss(&ctx, am, lm, &t, NULL);
        assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    }
    ting_arena_free(arena);
}

/* No frames and one label: left out, and the other utterance has its own loss. No frames and no label: probability 1.
 * */
static void labels_without_frames_are_left_out(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(8, 0);
    const int frames[] = {0, 0, 2, 2}, labels[] = {0, 1, 2, 2}, targets[] = {1, 2}, one_frames[] = {0, 2},
              one_labels[] = {0, 1};
    const ting_transducer_targets t = {.frames = {3, frames}, .labels = {3, labels}, .targets = targets};
    const ting_transducer_targets one = {.frames = {1, one_frames}, .labels = {1, one_labels}, .targets = targets + 1};
    ting_tape tape = {0};
    ting_ctx ctx = make_ctx(arena);
    ctx.tape = &tape;
    ting_tensor am = random_rows(&ctx, &rng, 2, 1), lm = random_rows(&ctx, &rng, 5, 1);
    ting_real each[3];
    int impossible;
    ting_tensor loss =
        ting_simple_transducer_loss(&ctx, am, lm, &t, &(ting_simple_options){.each = each, .impossible = &impossible});
    ting_tensor alone = ting_simple_transducer_loss(&ctx, am, ting_rows(lm, 2, 2), &one, NULL);
    assert_ok(ctx.err);
    assert_true(isinf((double)each[0]) && each[1] == alone.data[0] && each[2] == 0);
    assert_true(loss.data[0] == alone.data[0]);
    assert_int_equal(impossible, 1);
    loss.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    for (int v = 0; v < VOCAB; v++) {
        assert_true(ting_grad_row(lm, 0)[v] == 0 && ting_grad_row(lm, 1)[v] == 0 && ting_grad_row(lm, 4)[v] == 0);
        assert_true(ting_grad_row(lm, 2)[v] != 0 && ting_grad_row(am, 0)[v] != 0);
    }
    ting_arena_free(arena);
}

/* ---- bands ---- */

/* The laws of prune.h for one utterance. */
static void assert_laws(const int *first, int frames, int states, int width)
{
    assert_in_range(width, 1, states);
    assert_int_equal(first[0], 0);
    assert_int_equal(first[frames - 1] + width, states);
    for (int t = 0; t + 1 < frames; t++)
        assert_in_range(first[t + 1], first[t], first[t] + width - 1);
}

/* Passages that say nothing true at all: the laws hold, and the banded loss of every utterance is finite. */
static void any_passages_give_bands_with_a_path(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(9, 0);
    for (int round = 0; round < 400; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        struct problem p;
        make_problem(&p, &ctx, &rng, 1);
        const int rows = ting_transducer_rows(&p.t), range = 1 + (int)ting_rng_below(&rng, MOST_LABELS + 2);
        ting_real blanks[MOST_ROWS], labels[MOST_ROWS];
        for (int i = 0; i < rows; i++) {
            blanks[i] = (ting_real)ting_rng_uniform(&rng);
            labels[i] = (ting_real)ting_rng_uniform(&rng);
        }
        int first[MOST_FRAMES * UTTERANCES], width[UTTERANCES], impossible;
        ting_prune_ranges(&p.t, &(ting_arcs){blanks, labels}, range, first, width);
        for (int s = 0; s < UTTERANCES; s++) {
            const int frames = p.frames[s + 1] - p.frames[s], states = p.labels[s + 1] - p.labels[s] + 1;
            assert_laws(first + p.frames[s], frames, states, width[s]);
            if (states - 1 <= frames * (range - 1)) /* a range that suffices is kept */
                assert_int_equal(width[s], range < states ? range : states);
            else
                assert_true(states - 1 <= frames * (width[s] - 1) && states - 1 > frames * (width[s] - 2));
        }
        ting_transducer_targets band = p.t;
        band.first = first;
        band.width = width;
        ting_tensor logits = random_rows(&ctx, &rng, ting_transducer_rows(&band), 1);
        ting_transducer_loss(&ctx, logits, &band, NULL, &impossible);
        assert_ok(ctx.err);
        assert_int_equal(impossible, 0);
    }
    ting_arena_free(arena);
}

/* Seven labels in six frames, two or three of them seen in each frame; range 3. */
static void windows_follow_the_passages(void **state)
{
    (void)state;
    enum { FRAMES = 6, STATES = 8 };
    static const int seen[FRAMES] = {0, 0, 1, 3, 4, 5}, frames[] = {0, FRAMES}, labels[] = {0, STATES - 1};
    ting_real blanks[FRAMES * STATES] = {0}, nothing[FRAMES * STATES] = {0};
    for (int t = 0; t < FRAMES; t++)
        for (int u = seen[t]; u < seen[t] + 3; u++)
            blanks[t * STATES + u] = 1;
    const ting_transducer_targets t = {.frames = {1, frames}, .labels = {1, labels}};
    int first[FRAMES], width;
    ting_prune_ranges(&t, &(ting_arcs){blanks, nothing}, 3, first, &width);
    assert_int_equal(width, 3);
    assert_memory_equal(first, seen, sizeof seen); /* it obeys the laws as it is */
    memset(blanks + 3 * STATES, 0, 2 * STATES * sizeof *blanks);
    blanks[3 * STATES + 7] = 1; /* the window from 5 on */
    ting_prune_ranges(&t, &(ting_arcs){blanks, nothing}, 3, first, &width);
    static const int bounded[FRAMES] = {0, 0, 1,
                                        3, 3, 5}; /* frame 4 saw nothing: as low as 5 allows; 3: not above that */
    assert_memory_equal(first, bounded, sizeof bounded);
}

/* A band as wide as the lattice leaves the loss as it is; a narrower one leaves paths out, so its loss is greater. */
static void a_band_of_all_states_is_the_whole(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(10, 0);
    for (int round = 0; round < 50; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        struct problem p;
        make_problem(&p, &ctx, &rng, 1);
        ting_arcs arcs;
        const double simple =
            (double)ting_simple_transducer_loss(&ctx, p.am, p.lm, &p.t, &(ting_simple_options){.arcs = &arcs}).data[0];
        double widest = INFINITY;
        for (int range = 2; range <= MOST_LABELS + 1; range++) {
            int first[MOST_FRAMES * UTTERANCES], width[UTTERANCES], ia[MOST_ROWS], ib[MOST_ROWS];
            ting_transducer_targets band = p.t;
            ting_prune_ranges(&p.t, &arcs, range, first, width);
            band.first = first;
            band.width = width;
            ting_transducer_pairs(&band, ia, ib);
            ting_tensor logits = ting_pair_add(&ctx, p.am, ia, p.lm, ib, ting_transducer_rows(&band));
            const double pruned = (double)ting_transducer_loss(&ctx, logits, &band, NULL, NULL).data[0];
            assert_ok(ctx.err);
            assert_true(pruned >= simple - 1e-5 * (1 + simple) && (range > 2 || isfinite(pruned)));
            widest = pruned;
        }
        near(widest, simple, simple);
    }
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_sum_over_all_paths),
        cmocka_unit_test(equals_a_joiner_that_adds),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(labels_without_frames_are_left_out),
        cmocka_unit_test(any_passages_give_bands_with_a_path),
        cmocka_unit_test(windows_follow_the_passages),
        cmocka_unit_test(a_band_of_all_states_is_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
