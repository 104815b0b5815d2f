/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_attention_decoder.c - attention decoders: one token after the other gives what the whole line gives, rescoring adds up
 * what each token costs, and what cannot be is refused.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/attention_rescore.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 12, VOCAB = 4, END = 0, LONGEST = 4, MEMORY = 11 };

static const ting_attention_config both = {.vocab = VOCAB, .begin = END, .end = END, .width = WIDTH, .heads = 3,
                                           .feedforward = 20, .layers = 2, .reverse_layers = 1, .act = TING_ACT_RELU};
static const int memory_start[] = {0, 7, MEMORY};
static const ting_segments memory_segments = {2, memory_start};

typedef struct rig {
    ting_ctx ctx;
    ting_params *params;
    ting_attention_decoder *decoder;
    ting_tensor memory;
} rig;

static rig make(const ting_attention_config *config)
{
    rig r = {.ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())}, .params = ting_params_new()};
    ting_rng rng = ting_rng_new(5, 1);
    assert_ok(ting_attention_decoder_new(config, "decoder.", r.params, &r.decoder));
    assert_ok(ting_params_alloc(r.params, false));
    for (size_t i = 0; i < ting_params_elements(r.params); i++)
        ting_params_values(r.params)[i] = (ting_real)(0.5 * ting_rng_normal(&rng));
    r.memory = ting_ctx_constant(&r.ctx, MEMORY, WIDTH);
    for (int i = 0; i < MEMORY * WIDTH; i++)
        r.memory.data[i] = (ting_real)ting_rng_normal(&rng);
    return r;
}

static void drop(rig *r)
{
    ting_attention_decoder_free(r->decoder);
    ting_params_free(r->params);
    ting_arena_free(r->ctx.arena);
}

/* ---- steps ---- */

/* The logits behind a line that begins with END, by the whole forward. */
static void assert_whole(rig *r, ting_direction direction, const int *line, int length, int utterance, const ting_real *got)
{
    const int start[] = {0, length};
    const ting_attention_lines lines = {.segments = {1, start}, .in = line};
    ting_tensor y = ting_attention_logits(&r->ctx, r->decoder, direction, r->memory, memory_segments, &lines, &utterance);
    assert_ok(r->ctx.err);
    for (int v = 0; v < VOCAB; v++) /* sums of some tens of terms near 1, in another order */
        assert_true(fabs((double)(ting_row(y, length - 1)[v] - got[v])) < 2e-5);
}

static void steps_give_what_the_line_gives(void **state)
{
    (void)state;
    /* hypotheses of two utterances grow, change places, are copied and dropped */
    static const struct {
        int count, parents[4], tokens[4];
    } steps[] = {{2, {0, 1}, {END, END}}, {4, {0, 0, 1, 1}, {1, 2, 3, 1}}, {4, {2, 0, 1, 2}, {2, 3, 1, 1}}, {3, {3, 1, 1}, {1, 2, 3}}};
    rig r = make(&both);
    for (int direction = TING_FORWARD; direction <= TING_BACKWARD; direction++) {
        ting_attention_steps *s;
        int line[4][LONGEST] = {{0}}, before[4][LONGEST], of[4] = {0, 1}, of_before[4];
        assert_ok(ting_attention_steps_new(&r.ctx, r.decoder, (ting_direction)direction, r.memory, memory_segments, 4, LONGEST, &s));
        for (int t = 0; t < LONGEST; t++) {
            memcpy(before, line, sizeof line);
            memcpy(of_before, of, sizeof of);
            for (int i = 0; i < steps[t].count; i++) {
                memcpy(line[i], before[steps[t].parents[i]], sizeof line[i]);
                line[i][t] = steps[t].tokens[i];
                of[i] = of_before[steps[t].parents[i]];
            }
            ting_tensor y = ting_attention_steps_take(&r.ctx, s, steps[t].tokens, t == 0 ? NULL : steps[t].parents, steps[t].count);
            assert_ok(r.ctx.err);
            for (int i = 0; i < steps[t].count; i++)
                assert_whole(&r, (ting_direction)direction, line[i], t + 1, of[i], ting_row(y, i));
        }
        ting_attention_steps_take(&r.ctx, s, steps[0].tokens, NULL, 2);
        assert_fails(TING_ERR_ARGUMENT, "there is room for 4 of 4", r.ctx.err);
        r.ctx.err = TING_OK;
        ting_attention_steps_free(s);
    }
    drop(&r);
}

/* ---- rescoring ---- */

/* What a line costs, token by token. */
static double cost(rig *r, ting_direction direction, const int *tokens, int count, int utterance)
{
    ting_attention_steps *s;
    double sum = 0;
    const int first = memory_start[utterance], start[] = {0, memory_start[utterance + 1] - first};
    assert_ok(ting_attention_steps_new(&r->ctx, r->decoder, direction, ting_rows(r->memory, first, start[1]),
                                       (ting_segments){1, start}, 1, LONGEST, &s));
    for (int t = 0, token = END; t <= count; t++) {
        ting_tensor y = ting_attention_steps_take(&r->ctx, s, &token, NULL, 1);
        assert_ok(r->ctx.err);
        token = t == count ? END : tokens[direction == TING_FORWARD ? t : count - 1 - t];
        double all = 0;
        for (int v = 0; v < VOCAB; v++)
            all += exp((double)y.data[v]);
        sum += (double)y.data[token] - log(all);
    }
    ting_attention_steps_free(s);
    return sum;
}

/* Every line of up to three tokens, for both utterances, in one call. */
static void rescoring_adds_up_what_tokens_cost(void **state)
{
    (void)state;
    enum { LINES = 2 * (1 + 3 + 9 + 27), TOKENS = 2 * (3 + 18 + 81) };
    static int tokens[TOKENS], start[LINES + 1], of[LINES], order[LINES];
    static double first[LINES];
    static ting_rescored got[LINES];
    rig r = make(&both);
    int lines = 0, at = 0;
    for (int u = 0; u < 2; u++)
        for (int length = 0, all = 1; length < LONGEST; length++, all *= 3)
            for (int k = 0; k < all; k++, lines++) {
                for (int i = 0, rest = k; i < length; i++, rest /= 3)
                    tokens[at++] = 1 + rest % 3;
                start[lines + 1] = at;
                of[lines] = u;
                first[lines] = -0.1 * (k % 7) - length;
            }
    assert_int_equal(lines, LINES);
    assert_int_equal(at, TOKENS);
    const ting_rescore_options options = {.ctc_weight = 0.4, .reverse = 0.3};
    assert_ok(ting_attention_rescore(&r.ctx, r.decoder, r.memory, memory_segments, tokens, (ting_segments){LINES, start}, of, first,
                                     &options, got));
    for (int h = 0; h < LINES; h++) {
        const int count = start[h + 1] - start[h], *line = tokens + start[h];
        const double attention = 0.7 * cost(&r, TING_FORWARD, line, count, of[h]) + 0.3 * cost(&r, TING_BACKWARD, line, count, of[h]);
        assert_true(fabs(got[h].attention - attention) < 1e-4);
        assert_true(fabs(got[h].score - attention - 0.4 * first[h]) < 1e-4);
    }
    ting_rescored_order(got, LINES, order);
    for (int i = 1; i < LINES; i++)
        assert_true(got[order[i - 1]].score >= got[order[i]].score);
    drop(&r);
}

/* Without a second decoder its weight counts for nothing. */
static void one_direction_is_enough(void **state)
{
    (void)state;
    ting_attention_config config = both;
    config.reverse_layers = 0;
    rig r = make(&config);
    const int tokens[] = {1, 3}, start[] = {0, 2, 2}, of[] = {1, 1};
    const double first[] = {-1, -2};
    ting_rescored got[2];
    assert_non_null(ting_params_find(r.params, "decoder.decoders.1.src_attn.linear_q.weight"));
    assert_ok(ting_attention_rescore(&r.ctx, r.decoder, r.memory, memory_segments, tokens, (ting_segments){2, start}, of, first,
                                     &(ting_rescore_options){.ctc_weight = 1, .reverse = 0.9}, got));
    assert_true(fabs(got[0].attention - cost(&r, TING_FORWARD, tokens, 2, 1)) < 1e-4);
    assert_true(fabs(got[1].score - (cost(&r, TING_FORWARD, tokens, 0, 1) - 2)) < 1e-4);
    const ting_attention_lines lines = ting_attention_lines_make(&r.ctx, r.decoder, TING_BACKWARD, tokens, (ting_segments){2, start});
    ting_attention_logits(&r.ctx, r.decoder, TING_BACKWARD, r.memory, memory_segments, &lines, of);
    assert_fails(TING_ERR_INTERNAL, "from the first token only", r.ctx.err);
    drop(&r);
}

/* ---- what cannot be ---- */

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        int value;
        const char *sentence;
    } cases[] = {{offsetof(ting_attention_config, heads), 5, "5 heads do not divide the width 12"},
                 {offsetof(ting_attention_config, end), VOCAB, "end is 4, expected 0 to 3"},
                 {offsetof(ting_attention_config, layers), 0, "layers is 0"},
                 {offsetof(ting_attention_config, reverse_layers), 65, "reverse_layers is 65"},
                 {offsetof(ting_attention_config, vocab), 1, "vocab is 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_attention_config config = both;
        ting_attention_decoder *decoder;
        *(int *)(void *)((char *)&config + cases[i].offset) = cases[i].value;
        ting_params *params = ting_params_new();
        assert_fails(TING_ERR_MODEL, cases[i].sentence, ting_attention_decoder_new(&config, "", params, &decoder));
        ting_params_free(params);
    }
    rig r = make(&both);
    const int tokens[] = {VOCAB}, start[] = {0, 1}, of[] = {0};
    ting_rescored got;
    ting_attention_steps *s;
    assert_fails(TING_ERR_ARGUMENT, "1 hypotheses of at most 4 tokens for 2 utterances",
                 ting_attention_steps_new(&r.ctx, r.decoder, TING_FORWARD, r.memory, memory_segments, 1, LONGEST, &s));
    assert_fails(TING_ERR_INTERNAL, "token 4 of 4",
                 ting_attention_rescore(&r.ctx, r.decoder, r.memory, memory_segments, tokens, (ting_segments){1, start}, of, &(double){0},
                                        &(ting_rescore_options){0}, &got));
    drop(&r);
}

/* Everything once, with allocations that fail one after the other. */
static ting_err do_all(void *arg)
{
    ting_err err = TING_OK;
    ting_params *params = ting_params_new();
    ting_attention_decoder *decoder = NULL;
    ting_attention_steps *steps = NULL;
    ting_ctx ctx = {.arena = ting_arena_new(1 << 10), .kern = ting_kern_select(ting_cpu_detect())};
    const int tokens[] = {1, 2, 3}, start[] = {0, 2, 3}, ends[] = {END, END};
    const double first[] = {-1, -2};
    ting_rescored got[2];
    (void)arg;
    if (params == NULL || ctx.arena == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_attention_decoder_new(&both, "", params, &decoder));
    TRY(ting_params_alloc(params, false));
    ting_tensor memory = ting_ctx_constant(&ctx, MEMORY, WIDTH);
    TRY(ctx.err);
    memset(memory.data, 0, MEMORY * WIDTH * sizeof *memory.data);
    TRY(ting_attention_rescore(&ctx, decoder, memory, memory_segments, tokens, (ting_segments){2, start}, NULL, first,
                               &(ting_rescore_options){.ctc_weight = 1, .reverse = 0.5}, got));
    TRY(ting_attention_steps_new(&ctx, decoder, TING_BACKWARD, memory, memory_segments, 2, LONGEST, &steps));
    ting_attention_steps_take(&ctx, steps, ends, NULL, 2);
    TRY(ctx.err);
out:
    ting_attention_steps_free(steps);
    ting_attention_decoder_free(decoder);
    ting_params_free(params);
    ting_arena_free(ctx.arena);
    return err;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(do_all, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_give_what_the_line_gives),
        cmocka_unit_test(rescoring_adds_up_what_tokens_cost),
        cmocka_unit_test(one_direction_is_enough),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
