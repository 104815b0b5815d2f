/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_conformer.c - every kind of positions, subsampling and norm: a stream is the chunk mask bit by bit, an utterance in
 * company is the utterance alone, and settings that cannot be are refused. Values against the reference are golden files of
 * kind conformer-wenet (RELATIVE positions, subsampling by 4).
 */
#include "support/support.h"

#include "base/rng.h"
#include "model/conformer.h"

#include <math.h>
#include <string.h>

enum { FRAMES = 150, FEATURES = 80, CHUNK = 3 };

static struct {
    ting_params *params;
    ting_conformer_config config;
    ting_conformer *model;
    ting_ctx ctx;
    ting_tensor x; /* [FRAMES, FEATURES] */
} tiny;

static void open_tiny(const ting_conformer_config *config)
{
    tiny.config = *config;
    tiny.params = ting_params_new();
    assert_ok(ting_conformer_new(config, tiny.params, &tiny.model));
    assert_ok(ting_params_alloc(tiny.params, false));
    ting_rng rng = ting_rng_new(4, 1);
    for (int i = 0; i < ting_params_count(tiny.params); i++) {
        const ting_param *p = ting_params_at(tiny.params, i);
        const bool variance = strstr(p->name, "running_var") != NULL;
        for (int k = 0; k < p->t.rows * p->t.cols; k++)
            p->t.data[k] = variance ? 1 : (ting_real)(0.3 * ting_rng_normal(&rng));
    }
    tiny.ctx = (ting_ctx){.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect())};
    tiny.x = ting_ctx_constant(&tiny.ctx, FRAMES, FEATURES);
    for (int i = 0; i < FRAMES * FEATURES; i++)
        tiny.x.data[i] = (ting_real)ting_rng_normal(&rng);
}

static void close_tiny(void)
{
    ting_conformer_free(tiny.model);
    ting_params_free(tiny.params);
    ting_arena_free(tiny.ctx.arena);
}

static ting_conformer_config config_of(int subsampling, int positions, int norm)
{
    return (ting_conformer_config){.features = FEATURES, .subsampling = subsampling, .dim = 12, .heads = 3, .layers = 2,
                                   .feedforward = 20, .macaron = positions != 0, .kernel = 4, .causal = true,
                                   .norm = (ting_conformer_norm)norm, .positions = (ting_conformer_positions)positions,
                                   .act = TING_ACT_SILU};
}

static ting_tensor whole(ting_tensor x, int chunk, int left)
{
    const int start[2] = {0, x.rows};
    int *out = ting_ctx_ints(&tiny.ctx, 2);
    ting_tensor y = ting_conformer_forward(&tiny.ctx, tiny.model, x, (ting_segments){1, start},
                                           &(ting_conformer_mode){.chunk = chunk, .left = left}, out);
    assert_ok(tiny.ctx.err);
    assert_int_equal(y.rows, ting_conformer_rows(&tiny.config, x.rows));
    return y;
}

static void stream_equals(ting_tensor want, int left, int step)
{
    ting_conformer_state *state;
    assert_ok(ting_conformer_state_new(tiny.model, CHUNK, left, &state));
    for (int at = 0, done = 0; done < want.rows;) {
        int take = ting_conformer_frames(tiny.model, state, step), out[2];
        take = take < FRAMES - at ? take : FRAMES - at;
        const int start[2] = {0, take};
        ting_tensor y = ting_conformer_forward(&tiny.ctx, tiny.model, ting_rows(tiny.x, at, take), (ting_segments){1, start},
                                               &(ting_conformer_mode){.states = &state}, out);
        assert_ok(tiny.ctx.err);
        for (int t = 0; t < y.rows; t++)
            assert_memory_equal(ting_row(y, t), ting_row(want, done + t), (size_t)y.cols * sizeof *y.data);
        at += take;
        done += y.rows;
    }
    ting_conformer_state_free(state);
}

static void streams_are_the_chunk_mask(void **state)
{
    (void)state;
    static const int by[] = {4, 6, 8}, left[] = {-1, 0, 2};
    for (int s = 0; s < 3; s++)
        for (int positions = 0; positions < 3; positions++)
            for (int norm = 0; norm < 2; norm++) {
                const ting_conformer_config config = config_of(by[s], positions, norm);
                open_tiny(&config);
                for (int l = 0; l < 3; l++) {
                    ting_tensor want = whole(tiny.x, CHUNK, left[l]);
                    for (int i = 0; i < want.rows * want.cols; i++)
                        assert_true(isfinite((double)want.data[i]));
                    stream_equals(want, left[l], 1);
                    stream_equals(want, left[l], 2);
                }
                close_tiny();
            }
}

/* Two utterances in a batch are each what they are alone; the mask and the full context differ. */
static void company_changes_nothing(void **state)
{
    (void)state;
    for (int positions = 0; positions < 3; positions++) {
        const ting_conformer_config config = config_of(4, positions, 1);
        open_tiny(&config);
        const int start[3] = {0, 60, FRAMES};
        int out[3];
        ting_tensor both = ting_conformer_forward(&tiny.ctx, tiny.model, tiny.x, (ting_segments){2, start},
                                                  &(ting_conformer_mode){0}, out);
        assert_ok(tiny.ctx.err);
        for (int s = 0; s < 2; s++) {
            ting_tensor alone = whole(ting_rows(tiny.x, start[s], start[s + 1] - start[s]), 0, 0);
            assert_int_equal(alone.rows, out[s + 1] - out[s]);
            for (int t = 0; t < alone.rows; t++)
                for (int c = 0; c < alone.cols; c++) /* layer norm keeps values near 1: a few roundings */
                    assert_true(fabs((double)(ting_row(alone, t)[c] - ting_row(both, out[s] + t)[c])) < 1e-5);
        }
        ting_tensor full = whole(tiny.x, 0, 0), mask = whole(tiny.x, CHUNK, 0);
        assert_memory_not_equal(full.data, mask.data, (size_t)full.cols * sizeof *full.data);
        close_tiny();
    }
}

static void settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    ting_conformer_config c = config_of(5, 1, 1);
    assert_fails(TING_ERR_MODEL, "subsampling by 5, expected 4, 6 or 8", ting_conformer_check(&c));
    c = config_of(4, 1, 1);
    c.heads = 5;
    assert_fails(TING_ERR_MODEL, "5 heads do not divide the dimension 12", ting_conformer_check(&c));
    c = config_of(4, 1, 1);
    c.causal = false;
    assert_fails(TING_ERR_MODEL, "a kernel of 4 that looks to both sides must be odd", ting_conformer_check(&c));
    c.kernel = 3;
    assert_ok(ting_conformer_check(&c));
    open_tiny(&c);
    ting_conformer_state *stream;
    assert_fails(TING_ERR_MODEL, "not causal", ting_conformer_state_new(tiny.model, CHUNK, 0, &stream));
    close_tiny();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_the_chunk_mask),
        cmocka_unit_test(company_changes_nothing),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
