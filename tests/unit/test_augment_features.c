/* SPDX-License-Identifier: Apache-2.0 */
/* test_augment_features.c - masks and the warp of time. */
#include "support/support.h"

#include "base/mem.h"
#include "data/augment.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static ting_augment *made(int bands, int width, int spans, int length, double most, int warp)
{
    ting_augment *augment;
    ting_augment_plan plan = {.mask = {1, bands, width, spans, length, most, warp}};
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    return augment;
}

enum { FRAMES = 700, BINS = 80 };
static float x[FRAMES * BINS], y[FRAMES * BINS];

/* No value is the mean: x is 0 or 1, the mean lies between. */
static float fill(int frames, int bins)
{
    double sum = 0;
    ting_rng rng = ting_rng_new(1, 1);
    for (int i = 0; i < frames * bins; i++)
        sum += (double)(x[i] = (float)ting_rng_below(&rng, 2));
    return (float)(sum / (frames * bins));
}

static bool column_is(int frames, int bins, int b, float value)
{
    for (int t = 0; t < frames; t++)
        if (x[t * bins + b] != value)
            return false;
    return true;
}

static bool row_is(int bins, int t, float value)
{
    for (int b = 0; b < bins; b++)
        if (x[t * bins + b] != value)
            return false;
    return true;
}

static void band_masks_are_columns_of_the_mean(void **state)
{
    (void)state;
    ting_augment *augment = made(2, 27, 0, 1, 0, 0);
    int widest = 0, total = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        ting_rng rng = ting_rng_new(seed, 2);
        const float mean = fill(50, BINS);
        ting_augment_mask(augment, &rng, x, 50, BINS);
        int masked = 0, touched = 0;
        for (int b = 0; b < BINS; b++)
            masked += column_is(50, BINS, b, mean);
        for (int i = 0; i < 50 * BINS; i++)
            touched += x[i] != 0 && x[i] != 1;
        assert_int_equal(touched, masked * 50); /* whole columns or nothing */
        assert_in_range(masked, 0, 54);
        widest = masked > widest ? masked : widest;
        total += masked;
    }
    assert_true(widest > 45); /* 1 in 100 draws has more than 45 columns */
    /* two widths of 13.5 on average, less what overlaps (2 x 13.5 - 13.5^2 / 80 = 24.7, more for the edges, where masks
     * stay inside and so meet less often than on a ring); deviation of a mean of 400: 11 / 20 */
    assert_true(total > 400 * 22 && total < 400 * 27);
    ting_augment_free(augment);
}

static void span_masks_keep_to_the_share(void **state)
{
    (void)state;
    ting_augment *augment = made(0, 1, 10, 100, 0.15, 0);
    static const int lengths[] = {1, 6, 7, 60, 100, 700};
    for (size_t l = 0; l < 6; l++) {
        int most = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            ting_rng rng = ting_rng_new(seed, 3);
            const int frames = lengths[l];
            const float mean = fill(frames, BINS);
            ting_augment_mask(augment, &rng, x, frames, BINS);
            int masked = 0, touched = 0;
            for (int t = 0; t < frames; t++)
                masked += row_is(BINS, t, mean);
            for (int i = 0; i < frames * BINS; i++)
                touched += x[i] != 0 && x[i] != 1;
            assert_int_equal(touched, masked * BINS);
            assert_true(masked <= 0.15 * frames);
            most = masked > most ? masked : most;
        }
        assert_true(lengths[l] < 7 ? most == 0 : most >= (int)(0.15 * lengths[l] * 0.8));
    }
    ting_augment_free(augment);
}

static void small_matrices_are_fine(void **state)
{
    (void)state;
    ting_augment *augment = made(3, 100, 5, 50, 1, 2);
    static const int sizes[][2] = {{0, 80}, {1, 1}, {1, 80}, {5, 1}, {6, 3}, {9, 200}};
    for (size_t i = 0; i < 6; i++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            ting_rng rng = ting_rng_new(seed, 4);
            fill(sizes[i][0], sizes[i][1]);
            x[sizes[i][0] * sizes[i][1]] = 77;
            assert_ok(ting_augment_features(augment, &rng, TING_TIMING_FREE, x, sizes[i][0], sizes[i][1]));
            for (int k = 0; k < sizes[i][0] * sizes[i][1]; k++)
                assert_true(isfinite(x[k]));
            assert_true(x[sizes[i][0] * sizes[i][1]] == 77);
        }
    ting_augment_free(augment);
}

/* A row holds its own time: after the warp the rows still rise from first to last, bent at one frame by no more than
 * 80. Between the ends of each part the cubic reproduces a straight line, so that rows tell where they come from. */
static void the_warp_bends_time_at_one_frame(void **state)
{
    (void)state;
    ting_augment *augment = made(0, 1, 0, 1, 0, 80);
    int moved = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        ting_rng rng = ting_rng_new(seed, 5);
        for (int t = 0; t < FRAMES; t++)
            x[2 * t] = x[2 * t + 1] = (float)t;
        assert_ok(ting_augment_warp(augment, &rng, x, FRAMES, 2));
        float furthest = 0;
        for (int t = 0; t < FRAMES; t++) {
            assert_true(x[2 * t] == x[2 * t + 1]);
            assert_true(t == 0 || x[2 * t] > x[2 * t - 2] - 0.3F); /* where parts meet and at the ends rows repeat */
            furthest = fmaxf(furthest, fabsf(x[2 * t] - (float)t));
        }
        assert_true(furthest < 82);
        moved += furthest > 10;
    }
    assert_true(moved > 70); /* 140 of 161 bends are by more than 10 */
    ting_augment_free(augment);
}

static void timing_is_kept_on_demand(void **state)
{
    (void)state;
    ting_augment *augment = made(0, 1, 0, 1, 0, 80);
    fill(FRAMES, BINS);
    memcpy(y, x, sizeof y);
    ting_rng rng = ting_rng_new(9, 6);
    assert_ok(ting_augment_features(augment, &rng, TING_TIMING_KEPT, x, FRAMES, BINS));
    assert_memory_equal(x, y, sizeof y);
    assert_ok(ting_augment_features(augment, &rng, TING_TIMING_FREE, x, FRAMES, BINS));
    assert_memory_not_equal(x, y, sizeof y);
    fill(160, BINS); /* 2 x 80 + 1 frames are too few to bend */
    memcpy(y, x, sizeof y);
    assert_ok(ting_augment_warp(augment, &rng, x, 160, BINS));
    assert_memory_equal(x, y, sizeof y);
    ting_augment_free(augment);
}

static void the_share_counts_recordings(void **state)
{
    (void)state;
    ting_augment_plan plan = {.mask = {.share = 0.3, .bands = 2, .width = 40}};
    ting_augment *augment;
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    int changed = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        ting_rng rng = ting_rng_new(seed, 7);
        fill(10, BINS);
        memcpy(y, x, sizeof y);
        assert_ok(ting_augment_features(augment, &rng, TING_TIMING_FREE, x, 10, BINS));
        changed += memcmp(x, y, sizeof y) != 0;
    }
    assert_in_range(changed, 300 - 73, 300 + 73); /* five deviations of sqrt(1000 x 0.3 x 0.7) = 14.5 */
    ting_augment_free(augment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(band_masks_are_columns_of_the_mean), cmocka_unit_test(span_masks_keep_to_the_share),
        cmocka_unit_test(small_matrices_are_fine),            cmocka_unit_test(the_warp_bends_time_at_one_frame),
        cmocka_unit_test(timing_is_kept_on_demand),           cmocka_unit_test(the_share_counts_recordings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
