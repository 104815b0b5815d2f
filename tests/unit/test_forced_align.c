/* SPDX-License-Identifier: Apache-2.0 */
/* test_forced_align.c - forced alignment against enumeration of all alignments, of a CTC head and of a transducer. */
#include "support/support.h"

#include "support/failing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/ctc_row.h"
#include "decode/forced_align.h"

#include <math.h>
#include <string.h>

enum { VOCAB = 4, DIM = 5, ROWS = 5, PATHS = 1024 /* 4^5 */, BLANK = 0, PLACES = 3 };
enum { LONG_ROWS = 400, LONG_PLACES = 90 };

static struct {
    ting_params *params;
    ting_am_net net; /* a head without an encoder */
    ting_ctx ctx;
    ting_tensor rows; /* [count, DIM] */
} tiny;

/* context 0: a CTC head. */
static void open_tiny(int context, int rows, uint64_t seed)
{
    ting_rng rng = ting_rng_new(seed, 9);
    tiny.params = ting_params_new();
    tiny.net = (ting_am_net){.params = tiny.params};
    if (context > 0) {
        tiny.net.config.transducer = (ting_transducer_config){
            .vocab = VOCAB, .context = context, .encoder_dim = DIM, .decoder_dim = 8, .joiner_dim = 6, .blank = BLANK};
        assert_ok(ting_transducer_new(&tiny.net.config.transducer, tiny.params, &tiny.net.transducer));
    } else {
        tiny.net.config.ctc = (ting_ctc_config){.vocab = VOCAB, .blank = BLANK};
        tiny.net.ctc = ting_ctc_head_declare(tiny.params, TING_CTC_HEAD, VOCAB, DIM);
    }
    assert_ok(ting_params_alloc(tiny.params, false));
    for (size_t i = 0; i < ting_params_elements(tiny.params); i++)
        ting_params_values(tiny.params)[i] = (ting_real)(0.7 * ting_rng_normal(&rng));
    tiny.ctx = (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    tiny.rows = ting_ctx_constant(&tiny.ctx, rows, DIM);
    for (int i = 0; i < rows * DIM; i++)
        tiny.rows.data[i] = (ting_real)ting_rng_normal(&rng);
    assert_ok(tiny.ctx.err);
}

static void close_tiny(void)
{
    ting_transducer_free(tiny.net.transducer);
    ting_params_free(tiny.params);
    ting_arena_free(tiny.ctx.arena);
}

/* By the head that there is. */
static ting_err align(ting_ctx *ctx, ting_tensor rows, const ting_align_place *places, int count, double beam, ting_forced_alignment *out)
{
    const ting_forced_align_options options = {.ctc = tiny.net.transducer == NULL, .beam = beam};
    return ting_forced_align(ctx, &tiny.net, &options, rows, places, count, out);
}

typedef struct sequence {
    int tokens[ROWS], rows[ROWS], count;
    double log_prob, log_probs[ROWS]; /* of the alignment, of each token in its row */
} sequence;

/* Log-probability of a symbol in row t, after the tokens of `s` where the head looks at them. */
static double symbol_log_prob(const sequence *s, int t, int symbol)
{
    ting_real row[VOCAB];
    if (tiny.net.transducer == NULL) {
        ting_ctc_row(&tiny.ctx, ting_ctc_head_logits(&tiny.ctx, &tiny.net.ctc, tiny.rows), t, VOCAB, BLANK, 0, row);
        return (double)row[symbol];
    }
    const int context = tiny.net.config.transducer.context;
    int last[TING_TRANSDUCER_MAX_CONTEXT];
    for (int i = 0; i < context; i++) {
        const int at = s->count - context + i;
        last[i] = at >= 0 ? s->tokens[at] : BLANK;
    }
    ting_tensor d = ting_transducer_contexts(&tiny.ctx, tiny.net.transducer, last, 1);
    ting_tensor e = ting_transducer_project_encoder(&tiny.ctx, tiny.net.transducer, ting_rows(tiny.rows, t, 1));
    ting_tensor logits = ting_transducer_join(&tiny.ctx, tiny.net.transducer, e, d);
    tiny.ctx.kern->log_softmax(VOCAB, logits.data, row);
    return (double)row[symbol];
}

/* The tokens of an alignment, a symbol a row; of CTC each in the row of its run where it is likeliest. */
static sequence read_alignment(int code)
{
    sequence s = {.count = 0};
    int last = BLANK;
    const ting_arena_mark mark = ting_arena_tell(tiny.ctx.arena);
    for (int t = 0; t < ROWS; t++, code /= VOCAB) {
        const int symbol = code % VOCAB;
        const double log_prob = symbol_log_prob(&s, t, symbol);
        const bool again = tiny.net.transducer == NULL && symbol == last;
        s.log_prob += log_prob;
        if (symbol != BLANK && again && log_prob > s.log_probs[s.count - 1]) {
            s.rows[s.count - 1] = t;
            s.log_probs[s.count - 1] = log_prob;
        } else if (symbol != BLANK && !again) {
            s.tokens[s.count] = symbol;
            s.rows[s.count] = t;
            s.log_probs[s.count++] = log_prob;
        }
        last = symbol;
    }
    ting_arena_rewind(tiny.ctx.arena, mark);
    return s;
}

/* Two ways to say the first place, one, and two of which one begins as the place before ends. */
static const ting_align_place places[PLACES] = {
    {{{{1, 2}, 2}, {{3}, 1}}, 2}, {{{{2}, 1}}, 1}, {{{{2}, 1}, {{1, 3}, 2}}, 2}};

/* By which path each place is said in the sequence; false: it is not what the places say. */
static bool says_places(const sequence *s, int paths[PLACES])
{
    for (int code = 0; code < 4; code++) {
        const int choice[PLACES] = {code % 2, 0, code / 2};
        int at = 0;
        bool same = true;
        for (int p = 0; p < PLACES; p++) {
            const ting_align_path *path = &places[p].paths[choice[p]];
            for (int i = 0; i < path->count; i++, at++)
                same = same && at < s->count && s->tokens[at] == path->tokens[i];
        }
        if (same && at == s->count) {
            memcpy(paths, choice, sizeof choice);
            return true;
        }
    }
    return false;
}

static void it_is_the_likeliest_of_all_alignments(void **state)
{
    (void)state;
    int seen[2] = {0};
    for (int context = 0; context <= 2; context++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            sequence best = {.log_prob = -INFINITY};
            int paths[PLACES], best_paths[PLACES] = {0};
            ting_forced_alignment got;
            open_tiny(context, ROWS, seed);
            for (int code = 0; code < PATHS; code++) {
                const sequence s = read_alignment(code);
                if (s.log_prob > best.log_prob && says_places(&s, paths)) {
                    best = s;
                    memcpy(best_paths, paths, sizeof paths);
                }
            }
            assert_ok(align(&tiny.ctx, tiny.rows, places, PLACES, INFINITY, &got));
            assert_int_equal(got.count, best.count);
            assert_true(fabs(got.log_prob - best.log_prob) < 1e-5 * ROWS); /* sums of float log-probabilities below 10 */
            for (int p = 0, first = 0; p < PLACES; p++) {
                assert_int_equal(got.paths[p], best_paths[p]);
                assert_int_equal(got.firsts[p], first);
                first += places[p].paths[best_paths[p]].count;
            }
            for (int i = 0; i < got.count; i++) {
                assert_int_equal(got.emissions[i].token, best.tokens[i]);
                assert_int_equal(got.emissions[i].row, best.rows[i]);
                assert_true(fabs(got.emissions[i].log_prob - best.log_probs[i]) < 1e-5);
            }
            seen[best_paths[0]]++;
            ting_forced_alignment_free(&got);
            close_tiny();
        }
    }
    assert_true(seen[0] > 0 && seen[1] > 0); /* both ways were chosen */
}

/* Scores of any kind, most of whose alignments are within 100 nats of the best: a beam drops what is of no use. */
static void a_beam_finds_what_an_exact_search_finds(void **state)
{
    (void)state;
    for (int context = 0; context <= 2; context++) {
        ting_align_place text[LONG_PLACES];
        ting_forced_alignment exact, beam;
        open_tiny(context, LONG_ROWS, 3);
        ting_rng rng = ting_rng_new(4, 4);
        for (int i = 0; i < LONG_PLACES; i++) {
            const int a = 1 + (int)ting_rng_below(&rng, 3), b = 1 + (int)ting_rng_below(&rng, 3);
            text[i] = (ting_align_place){{{{a, b}, 2}, {{b}, 1}}, 2};
        }
        assert_ok(align(&tiny.ctx, tiny.rows, text, LONG_PLACES, INFINITY, &exact));
        assert_ok(align(&tiny.ctx, tiny.rows, text, LONG_PLACES, 100, &beam));
        assert_int_equal(beam.count, exact.count);
        assert_true(fabs(beam.log_prob - exact.log_prob) < 1e-9 * LONG_ROWS);
        for (int i = 0; i < exact.count; i++) {
            assert_int_equal(beam.emissions[i].row, exact.emissions[i].row);
            assert_true(i == 0 || exact.emissions[i].row > exact.emissions[i - 1].row);
        }
        ting_forced_alignment_free(&beam);
        assert_fails(TING_ERR_NOT_FOUND, "no alignment reaches its end",
                     align(&tiny.ctx, ting_rows(tiny.rows, 0, 2 * LONG_PLACES), text, LONG_PLACES, 0, &beam));
        ting_forced_alignment_free(&exact);
        close_tiny();
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    const ting_align_place twice[2] = {{{{{1, 2}, 2}}, 1}, {{{{2}, 1}}, 1}};
    ting_forced_alignment got;
    for (int context = 0; context <= 2; context++) {
        open_tiny(context, ROWS, 1);
        assert_fails(TING_ERR_ARGUMENT, "3 tokens, but the sound has 2 rows",
                     align(&tiny.ctx, ting_rows(tiny.rows, 0, 2), twice, 2, INFINITY, &got));
        assert_null(got.emissions);
        if (context == 0) /* two equal tokens need a blank between them */
            assert_fails(TING_ERR_NOT_FOUND, "does not fit the sound",
                         align(&tiny.ctx, ting_rows(tiny.rows, 0, 3), twice, 2, INFINITY, &got));
        tiny.rows.data[3 * DIM] = (ting_real)NAN;
        assert_fails(TING_ERR_NUMERIC, "encoder row 3",
                     align(&tiny.ctx, tiny.rows, twice, 2, INFINITY, &got));
        close_tiny();
    }
}

static ting_err align_once(void *arg)
{
    (void)arg;
    ting_err err = TING_OK;
    ting_forced_alignment got;
    ting_ctx ctx = {.arena = ting_arena_new(1 << 12), .kern = tiny.ctx.kern};
    if (ctx.arena == NULL)
        return TING_ERR_MEMORY;
    TRY(align(&ctx, tiny.rows, places, PLACES, INFINITY, &got));
    ting_forced_alignment_free(&got);
out:
    ting_arena_free(ctx.arena);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    for (int context = 0; context <= 2; context++) {
        open_tiny(context, ROWS, 1);
        assert_true(ting_fail_each_allocation(align_once, NULL) > 10); /* graph, lattice, alignment: a dozen arrays */
        close_tiny();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_likeliest_of_all_alignments),
        cmocka_unit_test(a_beam_finds_what_an_exact_search_finds),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
