/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ctc_search.c - greedy and prefix beam search of CTC: against plain collapsing, against all paths there are, and
 * against the loss; cut into any pieces; after the end of a sentence; wrong rows. Also: tests/golden, ctc-prefix-nbest.
 */
#include "support/support.h"

#include "base/rng.h"
#include "decode/ctc_greedy.h"
#include "decode/ctc_prefix_beam.h"
#include "loss/ctc.h"
#include "model/ctc_head.h"
#include "support/failing.h"

#include <math.h>
#include <string.h>

enum { BLANK = 0, CLASSES = 5, ROWS = 40 };

static ting_ctx make_ctx(ting_arena *arena)
{
    return (ting_ctx){.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
}

/* Rows of random log-probabilities, the larger the size the surer. */
static ting_tensor random_rows(ting_ctx *ctx, ting_rng *rng, int rows, double size)
{
    ting_tensor x = ting_ctx_constant(ctx, rows, CLASSES);
    for (int i = 0; i < rows * CLASSES; i++)
        x.data[i] = (ting_real)(size * ting_rng_normal(rng));
    return ting_ctc_head_log_probs(ctx, x);
}

static ting_ctc_greedy *new_greedy(void)
{
    ting_ctc_greedy *search;
    assert_ok(ting_ctc_greedy_new(BLANK, &search));
    return search;
}

static ting_ctc_beam *new_beam(int beam)
{
    ting_ctc_beam *search;
    assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.blank = BLANK, .beam = beam}, &search));
    return search;
}

/* ---- greedy ---- */

/* The likeliest class of each row, collapsed; returns the number of tokens. */
static int collapse(ting_tensor x, ting_emission *out, double *sum)
{
    int count = 0, before = -1;
    *sum = 0;
    for (int t = 0; t < x.rows; t++) {
        const ting_real *row = ting_row(x, t);
        int best = 0;
        for (int v = 1; v < CLASSES; v++)
            best = row[v] > row[best] ? v : best;
        *sum += (double)row[best];
        if (best != BLANK && best != before)
            out[count++] = (ting_emission){best, t, (double)row[best]};
        else if (best != BLANK)
            out[count - 1].log_prob = fmax(out[count - 1].log_prob, (double)row[best]);
        before = best;
    }
    return count;
}

static void greedy_collapses_the_best_path(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(1, 0);
    ting_ctc_greedy *search = new_greedy();
    for (int round = 0; round < 50; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        ting_tensor x = random_rows(&ctx, &rng, ROWS, 2);
        ting_ctc_greedy_reset(search);
        for (int t = 0, rows; t < ROWS; t += rows) { /* any cut of the rows */
            rows = (int)ting_rng_below(&rng, 7);
            rows = t + rows > ROWS ? ROWS - t : rows;
            assert_ok(ting_ctc_greedy_accept(search, ting_rows(x, t, rows)));
        }
        const ting_decoded got = ting_ctc_greedy_result(search);
        ting_emission want[ROWS];
        double sum;
        const int count = collapse(x, want, &sum);
        assert_int_equal(got.count, count);
        assert_true(got.log_prob == sum);
        for (int i = 0; i < count; i++)
            assert_true(got.emissions[i].token == want[i].token && got.emissions[i].row == want[i].row &&
                        got.emissions[i].log_prob == want[i].log_prob);
    }
    ting_ctc_greedy_free(search);
    ting_arena_free(arena);
}

/* Three rows of class 2 with log-probabilities -0.5, -0.1, -0.3, a blank, class 2 again. */
static void a_run_is_one_token(void **state)
{
    (void)state;
    ting_real rows[5][CLASSES];
    static const int best[] = {2, 2, 2, BLANK, 2};
    static const double log_prob[] = {-0.5, -0.125, -0.25, -0.5, -0.75};
    for (int t = 0; t < 5; t++)
        for (int v = 0; v < CLASSES; v++)
            rows[t][v] = (ting_real)(v == best[t] ? log_prob[t] : -9);
    const ting_tensor x = {.data = rows[0], .rows = 5, .cols = CLASSES, .ld = CLASSES};
    ting_ctc_greedy *search = new_greedy();
    assert_ok(ting_ctc_greedy_accept(search, ting_rows(x, 0, 1)));
    assert_true(ting_ctc_greedy_result(search).count == 1 &&
                ting_ctc_greedy_result(search).emissions[0].log_prob == -0.5);
    assert_ok(ting_ctc_greedy_accept(search, ting_rows(x, 1, 4)));
    ting_decoded got = ting_ctc_greedy_result(search);
    assert_int_equal(got.count, 2);
    assert_true(got.emissions[0].row == 0 && got.emissions[0].log_prob == -0.125);
    assert_true(got.emissions[1].row == 4 && got.emissions[1].log_prob == -0.75);
    assert_true(got.log_prob == -0.5 - 0.125 - 0.25 - 0.5 - 0.75);
    ting_ctc_greedy_reset(search); /* a cut within the run */
    assert_ok(ting_ctc_greedy_accept(search, ting_rows(x, 0, 1)));
    ting_ctc_greedy_cut(search);
    assert_ok(ting_ctc_greedy_accept(search, ting_rows(x, 1, 4)));
    got = ting_ctc_greedy_result(search);
    assert_true(got.count == 1 && got.emissions[0].token == 2 && got.emissions[0].row == 4);
    ting_ctc_greedy_free(search);
}

/* ---- prefix beam ---- */

/* Of 4 tokens in 5 rows: 1 + 4 + 16 + 64 sequences of up to 3; of 4, those with at most one repeat, 4 3^3 + 3 4 3^2; of
 * 5, those without, 4 3^4. */
enum { SHORT = 5, PATHS = 3125 /* 5^5 */, SEQUENCES = 85 + 216 + 324 };

/* Every path of SHORT rows: its tokens, as a number of base CLASSES, and its probability added at that number. */
static void by_enumeration(ting_tensor x, double *sums)
{
    memset(sums, 0, PATHS * sizeof *sums);
    for (int n = 0; n < PATHS; n++) {
        double product = 1;
        int code = 0, before = -1;
        for (int t = 0, rest = n; t < SHORT; t++, rest /= CLASSES) {
            const int v = rest % CLASSES;
            product *= exp((double)ting_row(x, t)[v]);
            if (v != BLANK && v != before)
                code = CLASSES * code + v;
            before = v;
        }
        sums[code] += product;
    }
}

static int code_of(const ting_decoded *hypothesis)
{
    int code = 0;
    for (int i = 0; i < hypothesis->count; i++)
        code = CLASSES * code + hypothesis->emissions[i].token;
    return code;
}

static void a_wide_beam_finds_what_enumeration_finds(void **state)
{
    (void)state;
    static double sums[PATHS];
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(2, 0);
    ting_ctc_beam *search = new_beam(TING_CTC_BEAM_MOST);
    for (int round = 0; round < 8; round++) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        ting_tensor x = random_rows(&ctx, &rng, SHORT, 1 + round);
        by_enumeration(x, sums);
        const ting_decoded *best;
        int count;
        ting_ctc_beam_reset(search);
        assert_ok(ting_ctc_beam_accept(search, x));
        assert_ok(ting_ctc_beam_results(search, TING_CTC_BEAM_MOST, &best, &count));
        assert_int_equal(count, SEQUENCES);
        for (int i = 0; i < count; i++) {
            double *sum = &sums[code_of(&best[i])];
            /* additions of logarithms in double, of a size below 100 */
            assert_true(fabs(best[i].log_prob - log(*sum)) < 1e-12 * (1 + fabs(best[i].log_prob)));
            assert_true(i == 0 || best[i].log_prob <= best[i - 1].log_prob);
            *sum = 0; /* no sequence comes twice */
        }
    }
    ting_ctc_beam_free(search);
    ting_arena_free(arena);
}

/* The hypothesis's log_prob is at most what the CTC loss gives for its tokens; emissions rise in time, no token twice
 * in a row without room for a blank; and any cut of the rows gives the same bits. */
static void narrow_beams_are_lower_bounds_and_cut_anywhere(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 20);
    ting_rng rng = ting_rng_new(3, 0);
    for (int beam = 1; beam <= 64; beam *= 4) {
        ting_arena_reset(arena);
        ting_ctx ctx = make_ctx(arena);
        ting_ctc_beam *whole = new_beam(beam), *pieces = new_beam(beam);
        ting_tensor x = random_rows(&ctx, &rng, ROWS, 1.5);
        assert_ok(ting_ctc_beam_accept(whole, x));
        for (int t = 0; t < ROWS; t += 1 + t % 3)
            assert_ok(ting_ctc_beam_accept(pieces, ting_rows(x, t, t + 1 + t % 3 > ROWS ? ROWS - t : 1 + t % 3)));
        const ting_decoded *a, *b;
        int count, same;
        assert_ok(ting_ctc_beam_results(whole, 10, &a, &count));
        assert_ok(ting_ctc_beam_results(pieces, 10, &b, &same));
        assert_true(count == same && count == (beam < 10 ? beam : 10));
        for (int i = 0; i < count; i++) {
            assert_true(a[i].log_prob == b[i].log_prob && a[i].count == b[i].count);
            assert_memory_equal(a[i].emissions, b[i].emissions, (size_t)a[i].count * sizeof *a[i].emissions);
            int tokens[ROWS];
            for (int k = 0; k < a[i].count; k++) {
                tokens[k] = a[i].emissions[k].token;
                if (k > 0)
                    assert_true(a[i].emissions[k].row >= a[i].emissions[k - 1].row + 1 + (tokens[k] == tokens[k - 1]));
                assert_true(a[i].emissions[k].log_prob == (double)ting_row(x, (int)a[i].emissions[k].row)[tokens[k]]);
            }
            ting_tensor loss = ting_ctc_loss(&ctx, x, (ting_segments){1, (int[]){0, ROWS}}, tokens,
                                             (ting_segments){1, (int[]){0, a[i].count}}, NULL);
            assert_ok(ctx.err);
            assert_true(a[i].log_prob <= -(double)loss.data[0] + 1e-4);
            assert_true(i == 0 || a[i].log_prob <= a[i - 1].log_prob);
        }
        ting_ctc_beam_free(whole);
        ting_ctc_beam_free(pieces);
    }
    ting_arena_free(arena);
}

/* After a cut within a run of one class no second token comes of it, and rows are counted on. */
static void a_cut_does_not_say_a_token_twice(void **state)
{
    (void)state;
    ting_real rows[4][CLASSES];
    static const int best[] = {3, 3, 1, 1};
    for (int t = 0; t < 4; t++)
        for (int v = 0; v < CLASSES; v++)
            rows[t][v] = (ting_real)(v == best[t] ? -0.01 : -6);
    const ting_tensor x = {.data = rows[0], .rows = 4, .cols = CLASSES, .ld = CLASSES};
    ting_ctc_beam *search = new_beam(4);
    const ting_decoded *got;
    int count;
    assert_ok(ting_ctc_beam_accept(search, ting_rows(x, 0, 1)));
    assert_ok(ting_ctc_beam_results(search, 1, &got, &count));
    assert_true(count == 1 && got[0].count == 1 && got[0].emissions[0].token == 3 && got[0].emissions[0].row == 0);
    ting_ctc_beam_cut(search);
    assert_ok(ting_ctc_beam_accept(search, ting_rows(x, 1, 3)));
    assert_ok(ting_ctc_beam_results(search, 1, &got, &count));
    assert_true(got[0].count == 1 && got[0].emissions[0].token == 1 && got[0].emissions[0].row == 2);
    assert_true(fabs(got[0].log_prob + 0.03) < 0.02); /* three sure rows; the one before the cut is forgotten */
    ting_ctc_beam_free(search);
}

/* ---- what cannot be ---- */

static void rows_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    static const double wrong[] = {NAN, -INFINITY};
    ting_real rows[2][CLASSES];
    const ting_tensor x = {.data = rows[0], .rows = 2, .cols = CLASSES, .ld = CLASSES};
    for (int i = 0; i < 2; i++) {
        for (int v = 0; v < CLASSES; v++) {
            rows[0][v] = (ting_real)(v == 1 ? -0.1 : -5);
            rows[1][v] = (ting_real)(i == 0 && v < 4 ? -2 : wrong[i]);
        }
        ting_ctc_greedy *greedy = new_greedy();
        ting_ctc_beam *beam = new_beam(0);
        assert_int_equal(ting_ctc_greedy_accept(greedy, x), TING_ERR_NUMERIC);
        assert_int_equal(ting_ctc_beam_accept(beam, x), TING_ERR_NUMERIC);
        const ting_decoded *best; /* the row before is not lost */
        int count;
        assert_ok(ting_ctc_beam_results(beam, 1, &best, &count));
        assert_true(best[0].count == 1 && best[0].emissions[0].token == 1);
        assert_int_equal(ting_ctc_greedy_result(greedy).count, 1);
        ting_ctc_greedy_free(greedy);
        ting_ctc_beam_free(beam);
    }
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    ting_ctc_beam *beam = NULL;
    ting_ctc_greedy *greedy;
    ting_real row[CLASSES] = {0};
    const ting_tensor x = {.data = row, .rows = 1, .cols = CLASSES, .ld = CLASSES};
    assert_int_equal(ting_ctc_beam_new(&(ting_ctc_beam_options){.beam = -1}, &beam), TING_ERR_ARGUMENT);
    assert_int_equal(ting_ctc_beam_new(&(ting_ctc_beam_options){.beam = TING_CTC_BEAM_MOST + 1}, &beam),
                     TING_ERR_ARGUMENT);
    assert_null(beam);
    assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.blank = CLASSES}, &beam));
    assert_int_equal(ting_ctc_beam_accept(beam, x), TING_ERR_ARGUMENT);
    assert_ok(ting_ctc_greedy_new(-1, &greedy));
    assert_int_equal(ting_ctc_greedy_accept(greedy, x), TING_ERR_ARGUMENT);
    ting_ctc_beam_free(beam);
    ting_ctc_greedy_free(greedy);
}

static ting_err search_all(void *arg)
{
    ting_err err = TING_OK;
    const ting_tensor *x = arg;
    ting_ctc_beam *beam = NULL;
    ting_ctc_greedy *greedy = NULL;
    const ting_decoded *best;
    int count;
    TRY(ting_ctc_beam_new(&(ting_ctc_beam_options){.beam = 4}, &beam));
    TRY(ting_ctc_beam_accept(beam, *x));
    TRY(ting_ctc_beam_results(beam, 4, &best, &count));
    TRY(ting_ctc_greedy_new(BLANK, &greedy));
    TRY(ting_ctc_greedy_accept(greedy, *x));
out:
    ting_ctc_beam_free(beam);
    ting_ctc_greedy_free(greedy);
    return err;
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_ctx ctx = make_ctx(arena);
    ting_rng rng = ting_rng_new(4, 0);
    ting_tensor x = random_rows(&ctx, &rng, ROWS, 2);
    assert_true(ting_fail_each_allocation(search_all, &x) >=
                10); /* six of the beam, its trace and results, two of greedy */
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_collapses_the_best_path),
        cmocka_unit_test(a_run_is_one_token),
        cmocka_unit_test(a_wide_beam_finds_what_enumeration_finds),
        cmocka_unit_test(narrow_beams_are_lower_bounds_and_cut_anywhere),
        cmocka_unit_test(a_cut_does_not_say_a_token_twice),
        cmocka_unit_test(rows_that_are_no_numbers_are_refused),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
