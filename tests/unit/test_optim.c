/* SPDX-License-Identifier: Apache-2.0 */
/* test_optim.c - AdamW against its formula, ScaledAdam, clipping, schedules, and that a restart from saved state changes nothing. */
#include "support/support.h"

#include "base/rng.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "optim/scaled_adam.h"
#include "optim/schedule.h"

#include <math.h>
#include <string.h>

enum { ROWS = 300, COLS = 70, BIAS = 40 }; /* more than one piece of work */

static ting_params *declared(void)
{
    ting_params *params = ting_params_new();
    ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){ROWS, COLS}, "w");
    ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){BIAS}, "b");
    ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){BIAS}, "frozen")->frozen = true;
    assert_ok(ting_params_alloc(params, true));
    for (size_t i = 0; i < ting_params_elements(params); i++)
        ting_params_values(params)[i] = (float)cos(0.7 * (double)i);
    return params;
}

static void set_gradients(ting_params *params, int step)
{
    ting_rng rng = ting_rng_new(9, (uint64_t)step);
    for (size_t i = 0; i < ting_params_elements(params); i++)
        ting_params_gradients(params)[i] = (float)ting_rng_normal(&rng);
}

static const ting_adamw_options options = {.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .weight_decay = 0.1};

static void adamw_is_its_formula(void **state)
{
    (void)state;
    const ting_kern *kern = ting_kern_select(ting_cpu_detect());
    ting_params *params = declared();
    size_t count = ting_params_elements(params);
    ting_adamw *adamw = ting_adamw_new(params, &options);
    assert_non_null(adamw);
    static double w[ROWS * COLS + 2 * BIAS], m[ROWS * COLS + 2 * BIAS], v[ROWS * COLS + 2 * BIAS];
    for (size_t i = 0; i < count; i++)
        w[i] = (double)ting_params_values(params)[i], m[i] = v[i] = 0;
    for (int step = 1; step <= 10; step++) {
        set_gradients(params, step);
        double rate = 0.01 * step;
        ting_adamw_step(adamw, kern, NULL, rate);
        for (size_t i = 0; i < ROWS * COLS + BIAS; i++) {
            double g = (double)ting_params_gradients(params)[i];
            m[i] = 0.8 * m[i] + 0.2 * g;
            v[i] = 0.95 * v[i] + 0.05 * g * g;
            double decay = i < ROWS * COLS ? rate * 0.1 : 0;
            w[i] = w[i] * (1 - decay) -
                   rate * (m[i] / (1 - pow(0.8, step))) / (sqrt(v[i] / (1 - pow(0.95, step))) + 1e-6);
        }
    }
    for (size_t i = 0; i < count; i++) /* ten steps, a few roundings each of numbers up to 1 */
        assert_true(fabs((double)ting_params_values(params)[i] - w[i]) < 1e-5);
    for (size_t i = count - BIAS; i < count; i++) /* frozen: not one bit */
        assert_true(ting_params_values(params)[i] == (float)cos(0.7 * (double)i));
    ting_adamw_free(adamw);
    ting_params_free(params);
}

/* Ten steps equal four, saved, and six; on any number of threads. */
static void a_restart_changes_nothing(void **state)
{
    (void)state;
    const ting_kern *kern = ting_kern_select(ting_cpu_detect());
    ting_params *one = declared(), *two = declared();
    size_t bytes = ting_params_elements(one) * sizeof(ting_real);
    ting_adamw *straight = ting_adamw_new(one, &options), *broken = ting_adamw_new(two, &options);
    ting_pool *pool = ting_pool_new(3);
    for (int step = 1; step <= 10; step++) {
        set_gradients(one, step);
        set_gradients(two, step);
        double norm = ting_clip_gradients(one, kern, NULL, 50);
        assert_true(norm == ting_clip_gradients(two, kern, pool, 50));
        ting_adamw_step(straight, kern, NULL, 0.01);
        if (step == 4) {
            ting_adamw *next = ting_adamw_new(two, &options);
            ting_adamw_step(broken, kern, pool, 0.01);
            ting_state_block from[TING_OPTIMIZER_BLOCKS], to[TING_OPTIMIZER_BLOCKS];
            ting_optimizer saved = ting_adamw_optimizer(broken), fresh = ting_adamw_optimizer(next);
            int count = saved.state(saved.self, from);
            assert_int_equal(fresh.state(fresh.self, to), count);
            for (int b = 0; b < count; b++) {
                assert_string_equal(from[b].name, to[b].name);
                memcpy(to[b].data, from[b].data, from[b].bytes);
            }
            ting_adamw_free(broken);
            broken = next;
        } else {
            ting_adamw_step(broken, kern, pool, 0.01);
        }
    }
    assert_memory_equal(ting_params_values(one), ting_params_values(two), bytes);
    ting_adamw_free(straight);
    ting_adamw_free(broken);
    ting_pool_free(pool);
    ting_params_free(one);
    ting_params_free(two);
}

/* The same for ScaledAdam; its trajectories are golden files (tests/golden, kind scaledadam). */
static void scaled_adam_restarts_exactly(void **state)
{
    (void)state;
    const ting_kern *kern = ting_kern_select(ting_cpu_detect());
    ting_params *one = declared(), *two = declared();
    const size_t bytes = ting_params_elements(one) * sizeof(ting_real);
    ting_scaled_adam_options o = ting_scaled_adam_defaults;
    o.clip_period = 6;
    ting_scaled_adam *straight = ting_scaled_adam_new(one, &o, NULL), *broken = ting_scaled_adam_new(two, &o, NULL);
    ting_pool *pool = ting_pool_new(3);
    bool clipped = false;
    for (int step = 1; step <= 24; step++) {
        set_gradients(one, step);
        set_gradients(two, step);
        for (size_t i = 0; step == 15 && i < ting_params_elements(one); i++) /* a burst */
            ting_params_gradients(one)[i] *= 50, ting_params_gradients(two)[i] *= 50;
        ting_scaled_adam_step(straight, kern, NULL, 0.03);
        ting_scaled_adam_step(broken, kern, pool, 0.03);
        clipped = clipped || (step == 15 && ting_scaled_adam_clipped(straight, 0) < 0.1);
        if (step == 9) { /* in the middle of both periods */
            ting_scaled_adam *next = ting_scaled_adam_new(two, &o, NULL);
            ting_state_block from[TING_OPTIMIZER_BLOCKS], to[TING_OPTIMIZER_BLOCKS];
            ting_optimizer saved = ting_scaled_adam_optimizer(broken), fresh = ting_scaled_adam_optimizer(next);
            int count = saved.state(saved.self, from);
            assert_int_equal(fresh.state(fresh.self, to), count);
            for (int b = 0; b < count; b++)
                memcpy(to[b].data, from[b].data, from[b].bytes);
            ting_scaled_adam_free(broken);
            broken = next;
        }
    }
    assert_true(clipped);
    assert_memory_equal(ting_params_values(one), ting_params_values(two), bytes);
    for (size_t i = ROWS * COLS + BIAS; i < ROWS * COLS + 2 * BIAS; i++) /* frozen: not one bit */
        assert_true(ting_params_values(one)[i] == (float)cos(0.7 * (double)i));
    ting_scaled_adam_free(straight);
    ting_scaled_adam_free(broken);
    ting_pool_free(pool);
    ting_params_free(one);
    ting_params_free(two);
}

static void clipping_keeps_the_direction(void **state)
{
    (void)state;
    const ting_kern *kern = ting_kern_select(ting_cpu_detect());
    ting_params *params = declared();
    ting_real *g = ting_params_gradients(params);
    g[0] = 3;
    g[ROWS * COLS] = 4;
    assert_true(fabs(ting_clip_gradients(params, kern, NULL, 0) - 5) < 1e-6 && g[0] == 3);
    assert_true(fabs(ting_clip_gradients(params, kern, NULL, 6) - 5) < 1e-6 && g[0] == 3);
    assert_true(fabs(ting_clip_gradients(params, kern, NULL, 1) - 5) < 1e-6);
    assert_true(fabsf((float)g[0] - 0.6f) < 1e-6f && fabsf((float)g[ROWS * COLS] - 0.8f) < 1e-6f);
    g[7] = NAN;
    assert_true(isnan(ting_clip_gradients(params, kern, NULL, 1)));
    assert_true(fabsf((float)g[0] - 0.6f) < 1e-6f);
    ting_params_free(params);
}

static void schedules_go_up_and_down(void **state)
{
    (void)state;
    ting_schedule hold = {.shape = TING_SCHEDULE_HOLD, .peak = 2, .final = 1, .warmup = 10};
    ting_schedule noam = {.shape = TING_SCHEDULE_NOAM, .peak = 2, .warmup = 10};
    assert_true(fabs(ting_rate_at(&hold, 1) - 0.2) < 1e-12 && fabs(ting_rate_at(&noam, 1) - 0.2) < 1e-12);
    assert_true(fabs(ting_rate_at(&hold, 10) - 2) < 1e-12 && fabs(ting_rate_at(&noam, 10) - 2) < 1e-12);
    assert_true(fabs(ting_rate_at(&hold, 100000) - 2) < 1e-12); /* for ever */
    assert_true(fabs(ting_rate_at(&noam, 60) - 2 * 0.408248290463863) < 1e-12); /* sqrt(10 / 60) */
    hold.decay_from = 100;
    hold.decay_steps = 400;
    assert_true(fabs(ting_rate_at(&hold, 100) - 2) < 1e-12);
    assert_true(fabs(ting_rate_at(&hold, 200) - 1.5) < 1e-12); /* 1 - sqrt(1 / 4) of the way */
    assert_true(fabs(ting_rate_at(&hold, 500) - 1) < 1e-12 && fabs(ting_rate_at(&hold, 9000) - 1) < 1e-12);
    hold.decay_from = 0;
    hold.warmup = 0;
    assert_true(fabs(ting_rate_at(&hold, 4) - 1.9) < 1e-12); /* 1 - sqrt(4 / 400) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_is_its_formula),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(scaled_adam_restarts_exactly),
        cmocka_unit_test(clipping_keeps_the_direction),
        cmocka_unit_test(schedules_go_up_and_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
