/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_steer.c - schedules and chances of training: what is drawn, how often, and that nothing is when there is no training.
 *
 * A share of n draws of probability p is off by sqrt(p (1 - p) / n); five times that is allowed.
 */
#include "support/support.h"

#include "nn/steer.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 20000 };

static ting_ctx new_ctx(bool training)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()),
                      .rng = ting_rng_new(11, 12), .training = training};
}

static void assert_share(int count, double p)
{
    if (fabs((double)count / DRAWS - p) > 5 * sqrt(p * (1 - p) / DRAWS))
        fail_msg("%d of %d, expected a share of %g", count, (int)DRAWS, p);
}

static void ramps_are_linear_between_their_points(void **state)
{
    (void)state;
    const ting_ramp flat = TING_FLAT(0.25), two = TING_RAMP(0.5, 8000, 0.125), three = TING_RAMP3(0.2, 4000, 0.05, 16000, 0);
    const ting_ramp late = {2, {{100, 1}, {200, 3}}};
    static const double at[] = {0, 50, 100, 150, 2000, 4000, 10000, 16000, 1e6};
    static const double want[][4] = {{0.25, 0.5, 0.2, 1},
                                     {0.25, 0.5 - 0.375 * 50 / 8000, 0.2 - 0.15 * 50 / 4000, 1},
                                     {0.25, 0.5 - 0.375 * 100 / 8000, 0.2 - 0.15 * 100 / 4000, 1},
                                     {0.25, 0.5 - 0.375 * 150 / 8000, 0.2 - 0.15 * 150 / 4000, 2},
                                     {0.25, 0.40625, 0.125, 3},
                                     {0.25, 0.3125, 0.05, 3},
                                     {0.25, 0.125, 0.025, 3},
                                     {0.25, 0.125, 0, 3},
                                     {0.25, 0.125, 0, 3}};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        const ting_ctx ctx = {.batch_count = at[i]};
        const ting_ramp *const ramps[] = {&flat, &two, &three, &late};
        for (int k = 0; k < 4; k++)
            assert_true(fabs(ting_scheduled(&ctx, ramps[k]) - want[i][k]) < 1e-15);
    }
}

static void chances_come_as_often_as_they_should(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(true);
    static const double p[] = {0.025, 0.25, 0.6};
    for (int k = 0; k < 3; k++) {
        int skips = 0, edits = 0, left_out = 0;
        for (int i = 0; i < DRAWS; i++) {
            skips += ting_chance_to_skip(&ctx, p[k]);
            edits += ting_chance_to_edit(&ctx, p[k]);
        }
        const bool *kept = ting_draw_segments(&ctx, DRAWS, p[k]);
        assert_non_null(kept);
        for (int i = 0; i < DRAWS; i++)
            left_out += !kept[i];
        assert_share(skips, p[k]);
        assert_share(edits, p[k]);
        assert_share(left_out, p[k]);
    }
    assert_null(ting_draw_segments(&ctx, 4, 0));
    ctx.steady = true;
    assert_true(!ting_chance_to_skip(&ctx, 1) && ting_chance_to_edit(&ctx, 0) && ting_draw_segments(&ctx, 4, 1) == NULL);
    ting_arena_free(ctx.arena);
}

/* One mask a segment, of which a share of `p` is 0 and the rest keeps the mean. */
static void a_shared_dropout_is_the_same_in_all_rows(void **state)
{
    (void)state;
    enum { COLS = DRAWS / 2 };
    const int start[] = {0, 3, 3, 5};
    const double p = 0.3;
    ting_ctx ctx = new_ctx(true);
    ting_tensor x = ting_ctx_constant(&ctx, 5, COLS);
    for (int i = 0; i < 5 * COLS; i++)
        x.data[i] = 2;
    ting_tensor y = ting_dropout_shared(&ctx, x, (ting_segments){3, start}, p);
    assert_ok(ctx.err);
    int zeros = 0;
    for (int s = 0; s < 3; s += 2) {
        const ting_real *first = ting_row(y, start[s]);
        for (int r = start[s]; r < start[s + 1]; r++)
            assert_memory_equal(ting_row(y, r), first, COLS * sizeof *first);
        for (int c = 0; c < COLS; c++) {
            zeros += first[c] == 0;
            assert_true(first[c] == 0 || fabs((double)first[c] - 2 / (1 - p)) < 1e-4); /* p in steps of 2^-16 */
        }
    }
    assert_share(zeros, p);
    assert_true(memcmp(ting_row(y, 0), ting_row(y, 3), COLS * sizeof *y.data) != 0);
    ting_arena_free(ctx.arena);
}

static const ting_balance_rule balance = {TING_FLAT(0.3), TING_FLAT(0.7), TING_FLAT(0.2), TING_FLAT(4), TING_FLAT(1)};
static const ting_whiten_rule whiten = {TING_FLAT(1), 0.01};

static void nothing_happens_without_training(void **state)
{
    (void)state;
    const int start[] = {0, 2, 4};
    const ting_segments segments = {2, start};
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(false);
    ctx.tape = &tape;
    ting_tensor x = ting_ctx_output(&ctx, 4, 8);
    const ting_param scale = {.t = x};
    assert_true(ting_balance(&ctx, x, &balance).grad == x.grad && ting_whiten_by(&ctx, x, 2, &whiten).grad == x.grad);
    assert_true(ting_dropout_shared(&ctx, x, segments, 0.5).data == x.data && ting_within(&ctx, &scale, 0, 1) == &scale);
    assert_true(!ting_chance_to_skip(&ctx, 1) && !ting_chance_to_edit(&ctx, 1) && ting_draw_segments(&ctx, 2, 1) == NULL);
    assert_true(tape.count == 0 && ctx.rng.counter == 0);
    ting_arena_free(ctx.arena);
}

/* Parts of a network run first without a tape and again with one (nn/recompute.h): both must draw the same. */
static void a_tape_does_not_change_what_is_drawn(void **state)
{
    (void)state;
    const int start[] = {0, 2, 4};
    uint64_t counter[2];
    for (int recorded = 0; recorded < 2; recorded++) {
        ting_tape tape = {0};
        ting_ctx ctx = new_ctx(true);
        ting_tensor x = ting_ctx_constant(&ctx, 4, 8);
        const ting_param scale = {.t = {.data = x.data, .grad = x.data, .rows = 1, .cols = 8, .ld = 8}};
        memset(x.data, 0, 32 * sizeof *x.data);
        ctx.tape = recorded ? &tape : NULL;
        for (int i = 0; i < 100; i++) {
            ting_balance(&ctx, x, &balance);
            ting_whiten_by(&ctx, x, 2, &whiten);
            ting_within(&ctx, &scale, 0, 1);
            ting_skip(&ctx, x, x, (ting_segments){2, start}, ting_draw_segments(&ctx, 2, 0.5));
            ting_dropout_shared(&ctx, x, (ting_segments){2, start}, 0.5);
        }
        assert_ok(ctx.err);
        counter[recorded] = ctx.rng.counter;
        ting_arena_free(ctx.arena);
    }
    assert_true(counter[0] == counter[1] && counter[0] == 100 * (3 + 2 + 2 * 2)); /* a mask of 8 takes 2 numbers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ramps_are_linear_between_their_points),
        cmocka_unit_test(chances_come_as_often_as_they_should),
        cmocka_unit_test(a_shared_dropout_is_the_same_in_all_rows),
        cmocka_unit_test(nothing_happens_without_training),
        cmocka_unit_test(a_tape_does_not_change_what_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
