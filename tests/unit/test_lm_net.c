/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lm_net.c - language models of each kind: going token by token equals all rows at once, a batch equals its members, nobody
 * sees what is asked for, and what is refused.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/lm_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 23, SENTENCES = 5, TOTAL = 18, LONGEST = 9, THIRD = 5, FOURTH = 14 };

static const int ids[TOTAL] = {1, 6, 8, 22, 9, 3, 4, 5, 0, 7, 7, 1, 12, 20, 2, 19, 6, 8};
static const int start[SENTENCES + 1] = {0, 4, THIRD, FOURTH, FOURTH, TOTAL}; /* one token, none */
static const ting_segments sentences = {SENTENCES, start};

#define GPT .kind = TING_LM_GPT, .width = 12, .hidden = 20, .heads = 3, .context = LONGEST, .eps = (ting_real)1e-5
static const ting_lm_config configs[] = {
    {.kind = TING_LM_NNLM, .width = 5, .hidden = 11, .context = 3},
    {.kind = TING_LM_NNLM, .width = 5, .hidden = 7, .context = 1, .direct = true},
    {.kind = TING_LM_NNLM, .width = 4, .hidden = 9, .context = 12, .direct = true},
    {.kind = TING_LM_RNN, .width = 6, .hidden = 13, .layers = 1},
    {.kind = TING_LM_RNN, .width = 13, .hidden = 13, .layers = 2, .tied = true},
    {.kind = TING_LM_LSTM, .width = 6, .hidden = 10, .layers = 1},
    {.kind = TING_LM_LSTM, .width = 10, .hidden = 10, .layers = 3, .tied = true, .dropout = (ting_real)0.3},
    {.kind = TING_LM_GRU, .width = 6, .hidden = 10, .layers = 2},
    {.kind = TING_LM_LSTM, .width = 6, .hidden = 7, .layers = 1, .classes = 4, .class_start = (const int[]){0, 1, 4, 11, TOKENS}},
    {.kind = TING_LM_BILSTM, .width = 6, .hidden = 10, .layers = 1},
    {.kind = TING_LM_BILSTM, .width = 6, .hidden = 10, .layers = 3},
    {GPT, .layers = 2, .act = TING_ACT_GELU_TANH, .tied = true, .norm = TING_NORM_AFTER, .dropout = (ting_real)0.1},
    {GPT, .layers = 3, .act = TING_ACT_GELU, .norm = TING_NORM_BEFORE},
};
enum { CONFIGS = sizeof configs / sizeof configs[0] };

typedef struct model {
    ting_lm_net *net;
    ting_params *params;
    ting_arena *arena;
    ting_ctx ctx;
} model;

static model make(const ting_lm_config *config)
{
    ting_lm_config full = *config;
    full.tokens = TOKENS;
    assert_ok(ting_lm_config_check(&full));
    model m = {.params = ting_params_new(), .arena = ting_arena_new(1 << 20)};
    m.net = ting_lm_net_new(&full, m.params);
    assert_non_null(m.net);
    assert_ok(ting_params_alloc(m.params, false));
    ting_rng rng = ting_rng_new(5, 1);
    for (size_t i = 0; i < ting_params_elements(m.params); i++)
        ting_params_values(m.params)[i] = (ting_real)(0.4 * ting_rng_normal(&rng));
    m.ctx = (ting_ctx){.arena = m.arena, .kern = ting_kern_select(ting_cpu_detect())};
    return m;
}

static void drop(model *m)
{
    ting_lm_net_free(m->net);
    ting_params_free(m->params);
    ting_arena_free(m->arena);
}

static ting_tensor logits_of(model *m, const int *tokens, ting_segments segments)
{
    ting_tensor y = ting_lm_net_forward(&m->ctx, m->net, tokens, segments);
    assert_ok(m->ctx.err);
    assert_int_equal(y.rows, segments.start[segments.count]);
    assert_int_equal(y.cols, TOKENS);
    return y;
}

static void assert_same_bits(ting_tensor a, int row_a, ting_tensor b, int row_b)
{
    assert_int_equal(a.cols, b.cols);
    assert_memory_equal(ting_row(a, row_a), ting_row(b, row_b), (size_t)a.cols * sizeof *a.data);
}

/* ---- token by token ---- */

/* The same sums in another order: of at most 48 products of a unit roundoff of 6e-8 each, which up to 3 layers and 9 steps of
 * weights around 0.4 enlarge by less than 10. */
static void assert_near(ting_tensor got, int row, ting_tensor want, int want_row, int config)
{
    for (int c = 0; c < want.cols; c++) {
        const double g = (double)ting_row(got, row)[c], w = (double)ting_row(want, want_row)[c];
        if (!(fabs(g - w) <= 48 * 6e-8 * 10 * (1 + fabs(w))))
            fail_msg("configuration %d, row %d, token %d: %.9g, want %.9g", config, want_row, c, g, w);
    }
}

static void one_token_at_a_time(model *m, int config)
{
    const ting_tensor want = logits_of(m, ids, sentences);
    const size_t bytes = ting_lm_net_state_bytes(m->net);
    assert_true(bytes > 0 && bytes % 64 == 0);
    unsigned char *room = ting_alloc(SENTENCES + 1, bytes);
    assert_non_null(room);
    for (int s = 0; s < SENTENCES; s++)
        ting_lm_net_state_start(m->net, room + (size_t)s * bytes);
    for (int t = 0; t < LONGEST; t++) {
        void *states[SENTENCES + 1];
        int tokens[SENTENCES + 1], rows[SENTENCES + 1], count = 0;
        for (int s = SENTENCES - 1; s >= 0; s--) /* those that still run, in another order than they lie */
            if (start[s] + t < start[s + 1]) {
                states[count] = room + (size_t)s * bytes;
                rows[count] = start[s] + t;
                tokens[count++] = ids[start[s] + t];
            }
        ting_lm_net_state_copy(m->net, room + SENTENCES * bytes, states[0]); /* a twin, which takes the same token */
        states[count] = room + SENTENCES * bytes;
        tokens[count] = tokens[0];
        ting_tensor hidden = ting_lm_net_step(&m->ctx, m->net, tokens, states, count + 1);
        assert_ok(m->ctx.err);
        assert_int_equal(hidden.cols, ting_lm_net_hidden_cols(m->net));
        ting_tensor got = ting_lm_net_logits(&m->ctx, m->net, hidden);
        assert_ok(m->ctx.err);
        for (int i = 0; i < count; i++) {
            assert_near(got, i, want, rows[i], config);
            assert_int_equal(ting_lm_net_state_tokens(states[i]), t + 1);
        }
        assert_same_bits(got, count, got, 0);
    }
    ting_free(room);
}

static void stepping_equals_all_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        if (configs[i].kind == TING_LM_BILSTM)
            continue;
        model m = make(&configs[i]);
        one_token_at_a_time(&m, i);
        drop(&m);
    }
}

/* ---- company, and who sees what ---- */

static void a_sentence_alone_is_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        model m = make(&configs[i]);
        const ting_tensor want = logits_of(&m, ids, sentences);
        for (int s = 0; s < SENTENCES; s++) {
            const int alone[2] = {0, start[s + 1] - start[s]};
            const ting_tensor got = logits_of(&m, ids + start[s], (ting_segments){1, alone});
            for (int r = 0; r < got.rows; r++)
                assert_same_bits(got, r, want, start[s] + r);
        }
        drop(&m);
    }
}

static bool same_row(ting_tensor a, ting_tensor b, int row)
{
    return memcmp(ting_row(a, row), ting_row(b, row), (size_t)a.cols * sizeof *a.data) == 0;
}

/* With another token at `place` of the third sentence: rows before it stay, its own changes. bilstm, which is asked for it at the
 * row before: that row stays, the one before that changes, since it sees what is behind. */
static void nobody_sees_what_is_asked_for(void **state)
{
    (void)state;
    const int place = THIRD + 4;
    int other[TOTAL];
    memcpy(other, ids, sizeof other);
    other[place] = 13;
    for (int i = 0; i < CONFIGS; i++) {
        const bool both = configs[i].kind == TING_LM_BILSTM;
        model m = make(&configs[i]);
        const ting_tensor a = logits_of(&m, ids, sentences), b = logits_of(&m, other, sentences);
        for (int r = 0; r < THIRD; r++)
            assert_true(same_row(a, b, r));
        for (int r = THIRD; r < place; r++)
            assert_true(same_row(a, b, r) == (!both || r == place - 1));
        assert_false(same_row(a, b, place));
        for (int r = FOURTH; r < TOTAL; r++)
            assert_true(same_row(a, b, r));
        drop(&m);
    }
}

/* Of single words and of all of them: the same, and all together 1. */
static void probabilities_are_those_of_the_softmax(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        model m = make(&configs[i]);
        int targets[TOTAL];
        double got[TOTAL];
        for (int t = 0; t < TOTAL; t++)
            targets[t] = t % 5 == 4 ? -1 : (7 * t + 3) % TOKENS;
        const ting_tensor hidden = ting_lm_net_hidden(&m.ctx, m.net, ids, sentences), logits = ting_lm_net_logits(&m.ctx, m.net, hidden);
        ting_lm_net_log_probs(&m.ctx, m.net, hidden, targets, got);
        assert_ok(m.ctx.err);
        for (int t = 0; t < TOTAL; t++) {
            double all = 0;
            for (int c = 0; c < TOKENS; c++)
                all += exp((double)ting_row(logits, t)[c]);
            if (configs[i].classes > 0)
                assert_true(fabs(all - 1) < 1e-5);
            const double want = targets[t] < 0 ? 0 : (double)ting_row(logits, t)[targets[t]] - log(all);
            assert_true(fabs(got[t] - want) < 1e-5);
        }
        drop(&m);
    }
}

/* In training dropout is drawn: other bits, but the same ones from the same random numbers. */
static void dropout_is_for_training(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        model m = make(&configs[i]);
        const ting_tensor plain = logits_of(&m, ids, sentences);
        m.ctx.training = true;
        m.ctx.rng = ting_rng_new(9, 2);
        const ting_tensor once = logits_of(&m, ids, sentences);
        m.ctx.rng = ting_rng_new(9, 2);
        const ting_tensor again = logits_of(&m, ids, sentences);
        bool differs = false;
        for (int r = 0; r < TOTAL; r++) {
            assert_true(same_row(once, again, r));
            differs = differs || !same_row(once, plain, r);
        }
        assert_true(differs == (configs[i].dropout > 0));
        drop(&m);
    }
}

/* ---- what is refused ---- */

static void configurations_are_checked(void **state)
{
    (void)state;
    const ting_lm_config good = {.kind = TING_LM_LSTM, .tokens = 9, .width = 4, .hidden = 4, .layers = 1};
    ting_lm_config c = good;
    assert_ok(ting_lm_config_check(&c));
    c.layers = 0;
    assert_fails(TING_ERR_MODEL, "layers is 0, expected 1 to", ting_lm_config_check(&c));
    c = good;
    c.tied = true;
    assert_ok(ting_lm_config_check(&c));
    c.hidden = 5;
    assert_fails(TING_ERR_MODEL, "tied output needs hidden = width, they are 5 and 4", ting_lm_config_check(&c));
    c.kind = TING_LM_BILSTM;
    assert_fails(TING_ERR_MODEL, "bilstm has no tied output", ting_lm_config_check(&c));
    c = (ting_lm_config){GPT, .tokens = 9, .layers = 1};
    c.heads = 5;
    assert_fails(TING_ERR_MODEL, "5 heads do not divide the width 12", ting_lm_config_check(&c));
    c = good;
    c.classes = 2;
    assert_fails(TING_ERR_MODEL, "2 classes that do not divide 9 tokens", ting_lm_config_check(&c));
    c.class_start = (const int[]){0, 9, 9};
    assert_fails(TING_ERR_MODEL, "2 classes that do not divide", ting_lm_config_check(&c));
    c.class_start = (const int[]){0, 4, 9};
    assert_ok(ting_lm_config_check(&c));
    c.kind = TING_LM_BILSTM;
    assert_fails(TING_ERR_MODEL, "bilstm has no output of classes", ting_lm_config_check(&c));
    c = good;
    c.dropout = 1;
    assert_fails(TING_ERR_MODEL, "dropout is 1", ting_lm_config_check(&c));
    c = good;
    c.kind = TING_LM_NNLM;
    assert_fails(TING_ERR_MODEL, "context is 0", ting_lm_config_check(&c));
}

static void assert_refused(model *m, ting_tensor got, const char *sentence)
{
    assert_int_equal(m->ctx.err, TING_ERR_INTERNAL);
    assert_int_equal(got.rows, 0);
    if (strstr(ting_error_message(), sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", ting_error_message(), sentence);
    m->ctx.err = TING_OK;
}

static void wrong_ids_and_long_segments_are_refused(void **state)
{
    (void)state;
    const int wrong[2] = {3, TOKENS}, two[2] = {0, 2}, ten[2] = {0, LONGEST + 1};
    model m = make(&configs[CONFIGS - 1]);
    assert_refused(&m, ting_lm_net_hidden(&m.ctx, m.net, wrong, (ting_segments){1, two}), "id 23 at place 1, there are 23");
    assert_refused(&m, ting_lm_net_forward(&m.ctx, m.net, ids, (ting_segments){1, ten}), "10 tokens, the context holds 9");
    void *room = ting_alloc(1, ting_lm_net_state_bytes(m.net));
    assert_non_null(room);
    ting_lm_net_state_start(m.net, room);
    assert_refused(&m, ting_lm_net_step(&m.ctx, m.net, wrong + 1, &room, 1), "id 23");
    for (int t = 0; t < LONGEST; t++)
        ting_lm_net_step(&m.ctx, m.net, ids, &room, 1);
    assert_ok(m.ctx.err);
    assert_refused(&m, ting_lm_net_step(&m.ctx, m.net, ids, &room, 1), "its context is full");
    assert_int_equal(ting_lm_net_state_tokens(room), LONGEST);
    ting_free(room);
    drop(&m);
    m = make(&configs[9]);
    assert_int_equal(ting_lm_net_state_bytes(m.net), 0);
    assert_refused(&m, ting_lm_net_step(&m.ctx, m.net, ids, &room, 1), "cannot go token by token");
    drop(&m);
}

/* All of it in a fresh arena of small blocks: registry, network, all rows at once, two tokens. */
static ting_err all_of(void *config)
{
    enum { SMALL = 256 };
    ting_err err = TING_OK;
    ting_lm_config full = *(const ting_lm_config *)config;
    full.tokens = TOKENS;
    ting_arena *arena = ting_arena_new(SMALL);
    ting_params *params = ting_params_new();
    ting_lm_net *net = arena == NULL || params == NULL ? NULL : ting_lm_net_new(&full, params);
    ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
    void *room = NULL;
    if (net == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for the network");
    TRY(ting_params_declared(params));
    TRY(ting_params_alloc(params, false));
    ting_lm_net_forward(&ctx, net, ids, sentences);
    TRY(ctx.err);
    if (full.kind != TING_LM_BILSTM) {
        room = ting_alloc(1, ting_lm_net_state_bytes(net));
        if (room == NULL)
            FAIL(TING_ERR_MEMORY, "no memory for a state");
        ting_lm_net_state_start(net, room);
        for (int t = 0; t < 2; t++)
            ting_lm_net_step(&ctx, net, ids + t, &room, 1);
        TRY(ctx.err);
    }
out:
    ting_free(room);
    ting_lm_net_free(net);
    ting_params_free(params);
    ting_arena_free(arena);
    return err;
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        ting_lm_config config = configs[i];
        assert_true(ting_fail_each_allocation(all_of, &config) > 10);
    }
}

static void parameters_have_first_values(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIGS; i++) {
        model m = make(&configs[i]);
        assert_ok(ting_params_start(m.params, 1));
        logits_of(&m, ids, sentences);
        drop(&m);
    }
}

static void networks_begin_with_the_shares_of_words(void **state)
{
    (void)state;
    uint64_t counts[TOKENS];
    double all = 0;
    for (int w = 0; w < TOKENS; w++)
        all += 1 + (double)(counts[w] = (uint64_t)(w * w % 17));
    for (int i = 0; i < CONFIGS; i++) {
        if (configs[i].kind == TING_LM_GPT) /* has no bias */
            continue;
        model m = make(&configs[i]);
        memset(ting_params_values(m.params), 0, ting_params_elements(m.params) * sizeof(ting_real));
        ting_lm_net_start_shares(m.net, counts);
        double got[TOTAL];
        ting_tensor hidden = ting_lm_net_hidden(&m.ctx, m.net, ids, sentences);
        ting_lm_net_log_probs(&m.ctx, m.net, hidden, ids, got);
        assert_ok(m.ctx.err);
        for (int t = 0; t < TOTAL; t++)
            assert_true(fabs(got[t] - log((1 + (double)counts[ids[t]]) / all)) < 1e-5);
        drop(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stepping_equals_all_at_once),
        cmocka_unit_test(a_sentence_alone_is_the_same),
        cmocka_unit_test(nobody_sees_what_is_asked_for),
        cmocka_unit_test(probabilities_are_those_of_the_softmax),
        cmocka_unit_test(dropout_is_for_training),
        cmocka_unit_test(configurations_are_checked),
        cmocka_unit_test(wrong_ids_and_long_segments_are_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
        cmocka_unit_test(parameters_have_first_values),
        cmocka_unit_test(networks_begin_with_the_shares_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
