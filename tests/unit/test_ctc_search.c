/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctc_search.c - greedy and prefix beam search of a CTC head against enumeration of all alignments. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/ctc_greedy.h"
#include "decode/ctc_prefix_beam.h"

#include <math.h>
#include <string.h>

enum { VOCAB = 3, ROWS = 5, PATHS = 243 /* 3^5 */, BLANK = 1, LONG = 400 };

static struct {
    ting_ctx ctx;
    ting_tensor logits; /* [ROWS, VOCAB] */
    double log_probs[ROWS][VOCAB];
} tiny;

static void open_tiny(uint64_t seed)
{
    ting_rng rng = ting_rng_new(seed, 3);
    tiny.ctx = (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    tiny.logits = ting_ctx_constant(&tiny.ctx, ROWS, VOCAB);
    for (int t = 0; t < ROWS; t++) {
        double sum = 0;
        for (int v = 0; v < VOCAB; v++) {
            ting_row(tiny.logits, t)[v] = (ting_real)(2 * ting_rng_normal(&rng));
            sum += exp((double)ting_row(tiny.logits, t)[v]);
        }
        for (int v = 0; v < VOCAB; v++)
            tiny.log_probs[t][v] = (double)ting_row(tiny.logits, t)[v] - log(sum);
    }
}

static void close_tiny(void)
{
    ting_arena_free(tiny.ctx.arena);
}

typedef struct sequence {
    int tokens[ROWS], rows[ROWS], count;
    double probability; /* of all its alignments */
    double best;        /* of the likeliest, whose rows are above */
} sequence;

/* Tokens of an alignment, and of each the row of its run where it is likeliest. */
static sequence collapse(int path)
{
    sequence s = {.probability = 1};
    int last = BLANK;
    for (int t = 0, code = path; t < ROWS; t++, code /= VOCAB) {
        const int symbol = code % VOCAB;
        s.probability *= exp(tiny.log_probs[t][symbol]);
        if (symbol != BLANK && symbol != last) {
            s.rows[s.count] = t;
            s.tokens[s.count++] = symbol;
        } else if (symbol != BLANK && tiny.log_probs[t][symbol] > tiny.log_probs[s.rows[s.count - 1]][symbol]) {
            s.rows[s.count - 1] = t;
        }
        last = symbol;
    }
    s.best = s.probability;
    return s;
}

static int enumerate(sequence out[PATHS])
{
    int found = 0;
    for (int path = 0; path < PATHS; path++) {
        sequence s = collapse(path);
        int at = 0;
        while (at < found && (out[at].count != s.count || memcmp(out[at].tokens, s.tokens, (size_t)s.count * sizeof(int)) != 0))
            at++;
        if (at == found)
            out[found++] = (sequence){.count = s.count, .best = -1};
        const double sum = out[at].probability + s.probability;
        if (s.best > out[at].best)
            out[at] = s;
        out[at].probability = sum;
    }
    return found;
}

static void greedy_is_the_best_path(void **state)
{
    (void)state;
    int seen = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        ting_ctc_greedy *search;
        open_tiny(seed);
        sequence best = {.probability = -1};
        for (int path = 0; path < PATHS; path++) {
            sequence s = collapse(path);
            best = s.probability > best.probability ? s : best;
        }
        assert_ok(ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = VOCAB, .blank = BLANK}, &search));
        assert_ok(ting_ctc_greedy_accept(search, &tiny.ctx, tiny.logits));
        const ting_decoded got = ting_ctc_greedy_result(search);
        assert_int_equal(got.count, best.count);
        assert_true(fabs(got.log_prob - log(best.probability)) < 1e-5);
        for (int i = 0; i < got.count; i++, seen++) {
            const ting_emission *e = &got.emissions[i];
            assert_int_equal(e->token, best.tokens[i]);
            assert_int_equal(e->row, best.rows[i]);
            assert_true(fabs(e->log_prob - tiny.log_probs[e->row][e->token]) < 1e-5);
            /* of three symbols the one that is neither blank nor this token */
            assert_int_equal(e->rivals[0].token, 2 - e->token);
            assert_true(fabs(e->rivals[0].log_prob - tiny.log_probs[e->row][2 - e->token]) < 1e-5);
            assert_int_equal(e->rivals[1].token, -1);
        }
        ting_ctc_greedy_free(search);
        close_tiny();
    }
    assert_true(seen > 40);
}

/* A beam that holds every sequence finds every sequence with its whole probability, and the likeliest alignment's rows. */
static void a_wide_beam_is_exhaustive(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static sequence all[PATHS];
        ting_ctc_beam *beam;
        const ting_decoded *best;
        int count;
        open_tiny(seed);
        const int sequences = enumerate(all);
        assert_true(sequences <= 64);
        assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = VOCAB, .blank = BLANK, .beam = 64}, &beam));
        assert_ok(ting_ctc_beam_accept(beam, &tiny.ctx, tiny.logits));
        assert_ok(ting_ctc_beam_results(beam, 64, &best, &count));
        assert_int_equal(count, sequences);
        for (int i = 0; i < count; i++) {
            const ting_decoded *got = &best[i];
            assert_true(i == 0 || got->log_prob <= best[i - 1].log_prob);
            int at = 0;
            for (; at < sequences; at++) {
                bool same = all[at].count == got->count;
                for (int k = 0; same && k < got->count; k++)
                    same = all[at].tokens[k] == got->emissions[k].token;
                if (same)
                    break;
            }
            assert_in_range(at, 0, sequences - 1);
            assert_true(fabs(got->log_prob - log(all[at].probability)) < 1e-5);
            for (int k = 0; k < got->count; k++) {
                assert_int_equal(got->emissions[k].row, all[at].rows[k]);
                assert_true(fabs(got->emissions[k].log_prob - tiny.log_probs[all[at].rows[k]][all[at].tokens[k]]) < 1e-5);
                assert_int_equal(got->emissions[k].rivals[0].token, 2 - all[at].tokens[k]);
                assert_true(fabs(got->emissions[k].rivals[0].log_prob - tiny.log_probs[all[at].rows[k]][2 - all[at].tokens[k]]) < 1e-5);
            }
        }
        ting_ctc_beam_free(beam);
        close_tiny();
    }
}

static void assert_same(ting_decoded a, ting_decoded b)
{
    assert_int_equal(a.count, b.count);
    assert_true(a.log_prob == b.log_prob);
    for (int i = 0; i < a.count; i++) {
        assert_int_equal(a.emissions[i].token, b.emissions[i].token);
        assert_int_equal(a.emissions[i].row, b.emissions[i].row);
        assert_true(a.emissions[i].log_prob == b.emissions[i].log_prob);
    }
}

/* A long sound in pieces of any size, long enough for the trace to be tidied. */
static void any_cut_of_the_rows_gives_the_same(void **state)
{
    (void)state;
    enum { WIDE = 11 };
    ting_rng rng = ting_rng_new(5, 1);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    ting_tensor logits = ting_ctx_constant(&ctx, LONG, WIDE);
    for (int i = 0; i < LONG * WIDE; i++)
        logits.data[i] = (ting_real)(3 * ting_rng_normal(&rng));
    ting_ctc_greedy *greedy[2];
    ting_ctc_beam *beam[2];
    const ting_decoded *best[2];
    int count[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = WIDE, .blank = 0, .blank_penalty = 0.5}, &greedy[i]));
        assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = WIDE, .blank = 0, .beam = 6, .blank_penalty = 0.5}, &beam[i]));
        for (int t = 0, take = LONG; t < LONG; t += take) {
            take = i == 0 ? LONG : 1 + (int)ting_rng_below(&rng, 9);
            take = take < LONG - t ? take : LONG - t;
            assert_ok(ting_ctc_greedy_accept(greedy[i], &ctx, ting_rows(logits, t, take)));
            assert_ok(ting_ctc_beam_accept(beam[i], &ctx, ting_rows(logits, t, take)));
        }
        assert_ok(ting_ctc_beam_results(beam[i], 6, &best[i], &count[i]));
    }
    assert_same(ting_ctc_greedy_result(greedy[0]), ting_ctc_greedy_result(greedy[1]));
    assert_int_equal(count[0], 6);
    assert_int_equal(count[1], 6);
    for (int i = 0; i < 6; i++)
        assert_same(best[0][i], best[1][i]);
    assert_true(ting_ctc_greedy_result(greedy[0]).count > LONG / 2);
    for (int i = 0; i < 2; i++) {
        ting_ctc_greedy_free(greedy[i]);
        ting_ctc_beam_free(beam[i]);
    }
    ting_arena_free(ctx.arena);
}

/* Rows of certainty: symbols[t] at row t. */
static ting_tensor certain(ting_ctx *ctx, const int *symbols, int count, int vocab)
{
    ting_tensor logits = ting_ctx_constant(ctx, count, vocab);
    for (int t = 0; t < count; t++)
        for (int v = 0; v < vocab; v++)
            ting_row(logits, t)[v] = v == symbols[t] ? 20 : 0;
    return logits;
}

/* A cut in the middle of a token's run: it is not said a second time; after a blank it is. */
static void a_cut_forgets_what_was_said_but_not_where_it_was(void **state)
{
    (void)state;
    static const int symbols[] = {0, 2, 2, 2, 0, 2, 1};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 12), .kern = ting_kern_select(ting_cpu_detect())};
    ting_tensor logits = certain(&ctx, symbols, 7, 3);
    ting_ctc_greedy *greedy;
    ting_ctc_beam *beam;
    const ting_decoded *best;
    int count;
    assert_ok(ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = 3}, &greedy));
    assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = 3}, &beam));
    for (int round = 0; round < 2; round++) {
        assert_ok(ting_ctc_greedy_accept(greedy, &ctx, ting_rows(logits, 0, 3)));
        assert_ok(ting_ctc_beam_accept(beam, &ctx, ting_rows(logits, 0, 3)));
        assert_int_equal(ting_ctc_greedy_result(greedy).count, 1);
        ting_ctc_greedy_cut(greedy);
        ting_ctc_beam_cut(beam);
        assert_int_equal(ting_ctc_greedy_result(greedy).count, 0);
        assert_ok(ting_ctc_greedy_accept(greedy, &ctx, ting_rows(logits, 3, 4)));
        assert_ok(ting_ctc_beam_accept(beam, &ctx, ting_rows(logits, 3, 4)));
        assert_ok(ting_ctc_beam_results(beam, 1, &best, &count));
        const ting_decoded results[] = {ting_ctc_greedy_result(greedy), best[0]};
        for (int i = 0; i < 2; i++) {
            assert_int_equal(results[i].count, 2);
            assert_int_equal(results[i].emissions[0].token, 2);
            assert_int_equal(results[i].emissions[0].row, 5);
            assert_int_equal(results[i].emissions[1].token, 1);
            assert_int_equal(results[i].emissions[1].row, 6);
        }
        ting_ctc_greedy_reset(greedy);
        ting_ctc_beam_reset(beam);
    }
    ting_ctc_greedy_free(greedy);
    ting_ctc_beam_free(beam);
    ting_arena_free(ctx.arena);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    ting_ctc_greedy *greedy;
    ting_ctc_beam *beam;
    open_tiny(1);
    ting_row(tiny.logits, 2)[0] = NAN;
    assert_ok(ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = VOCAB}, &greedy));
    assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = VOCAB}, &beam));
    assert_fails(TING_ERR_NUMERIC, "encoder row 2", ting_ctc_greedy_accept(greedy, &tiny.ctx, tiny.logits));
    assert_fails(TING_ERR_NUMERIC, "encoder row 2", ting_ctc_beam_accept(beam, &tiny.ctx, tiny.logits));
    ting_ctc_greedy_free(greedy);
    ting_ctc_beam_free(beam);
    assert_fails(TING_ERR_ARGUMENT, "a beam of 513", ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = 3, .beam = 513}, &beam));
    close_tiny();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_is_the_best_path),
        cmocka_unit_test(a_wide_beam_is_exhaustive),
        cmocka_unit_test(any_cut_of_the_rows_gives_the_same),
        cmocka_unit_test(a_cut_forgets_what_was_said_but_not_where_it_was),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
