/* SPDX-License-Identifier: Apache-2.0 */
/* test_substitute.c - what may have been said at a place against enumeration of all alignments, of a CTC head and of a transducer. */
#include "support/support.h"

#include "support/failing.h"

#include "base/logsum.h"
#include "base/rng.h"
#include "decode/ctc_row.h"
#include "decode/predictor_cache.h"
#include "decode/substitute.h"

#include <math.h>
#include <string.h>

enum { VOCAB = 4, DIM = 5, ROWS = 6, BLANK = 0, FIRST = 1, END = 5, WINDOW = END - FIRST, WAYS = 1 + 3 + 9, CODES = 256 /* 4^4 */ };

static struct {
    ting_params *params;
    ting_am_net net; /* a head without an encoder */
    ting_ctx ctx;
    ting_tensor rows; /* [ROWS, DIM] */
} tiny;

/* context 0: a CTC head. */
static void open_tiny(int context, uint64_t seed)
{
    ting_rng rng = ting_rng_new(seed, 5);
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
    tiny.rows = ting_ctx_constant(&tiny.ctx, ROWS, DIM);
    for (int i = 0; i < ROWS * DIM; i++)
        tiny.rows.data[i] = (ting_real)ting_rng_normal(&rng);
    assert_ok(tiny.ctx.err);
}

static void close_tiny(void)
{
    ting_transducer_free(tiny.net.transducer);
    ting_params_free(tiny.params);
    ting_arena_free(tiny.ctx.arena);
}

/* Nothing, each token, each pair. */
static int list_ways(ting_align_path *out)
{
    int count = 0;
    out[count++] = (ting_align_path){.count = 0};
    for (int a = 1; a < VOCAB; a++) {
        out[count++] = (ting_align_path){{a}, 1};
        for (int b = 1; b < VOCAB; b++)
            out[count++] = (ting_align_path){{a, b}, 2};
    }
    return count;
}

/* Log-probability of a symbol in a row, where the predictor sees `context`. */
static double symbol(int row, int symbol, const int *context)
{
    ting_real log_probs[VOCAB];
    if (tiny.net.transducer == NULL) {
        ting_ctc_row(&tiny.ctx, ting_ctc_head_logits(&tiny.ctx, &tiny.net.ctc, tiny.rows), row, VOCAB, BLANK, 0, log_probs);
        return (double)log_probs[symbol];
    }
    ting_tensor d = ting_transducer_contexts(&tiny.ctx, tiny.net.transducer, context, 1);
    ting_tensor e = ting_transducer_project_encoder(&tiny.ctx, tiny.net.transducer, ting_rows(tiny.rows, row, 1));
    ting_tensor logits = ting_transducer_join(&tiny.ctx, tiny.net.transducer, e, d);
    tiny.ctx.kern->log_softmax(VOCAB, logits.data, log_probs);
    return (double)log_probs[symbol];
}

/* All ways to fill the window with symbols: of a transducer those whose tokens are the path's; of CTC those that, with the neighbours
 * in front and behind, collapse to before, path, after. free_tail: blank costs nothing behind the last token. */
static double enumerate(const ting_window *w, const ting_align_path *path, bool free_tail)
{
    const bool ctc = tiny.net.transducer == NULL;
    double sum = -INFINITY;
    for (int code = 0; code < CODES; code++) {
        const ting_arena_mark mark = ting_arena_tell(tiny.ctx.arena);
        int context[TING_TRANSDUCER_MAX_CONTEXT], tokens[WINDOW + 2], count = 0, want[4], wanted = 0;
        int last = ctc && w->before[0] >= 0 ? w->before[0] : BLANK;
        double log_prob = 0;
        memcpy(context, w->before, sizeof context);
        for (int r = 0, rest = code; r < WINDOW; r++, rest /= VOCAB) {
            const int s = rest % VOCAB;
            if (!(free_tail && s == BLANK && count == path->count))
                log_prob += symbol(w->first + r, s, context);
            if (s != BLANK && !(ctc && s == last)) {
                tokens[count++] = s;
                if (!ctc)
                    ting_predictor_push(tiny.net.transducer, s, context);
            }
            last = s;
        }
        if (ctc && w->after >= 0 && w->after != last)
            tokens[count++] = w->after;
        for (int i = 0; i < path->count; i++)
            want[wanted++] = path->tokens[i];
        if (ctc && w->after >= 0)
            want[wanted++] = w->after;
        if (count == wanted && memcmp(tokens, want, (size_t)count * sizeof *want) == 0)
            sum = ting_log_add(sum, log_prob);
        ting_arena_rewind(tiny.ctx.arena, mark);
    }
    return sum;
}

/* Float log-probabilities below 10, one a row; -INFINITY equals itself. */
static bool same(double a, double b)
{
    return a == b || fabs(a - b) < 1e-5 * WINDOW;
}

static void it_sums_over_all_alignments(void **state)
{
    (void)state;
    ting_align_path ways[WAYS];
    double got[WAYS], bound[WAYS];
    assert_int_equal(list_ways(ways), WAYS);
    for (int context = 0; context <= 2; context++) {
        for (uint64_t seed = 1; seed <= 4; seed++) {
            const int before = (int)(seed % 3), after = seed % 2 == 0 ? -1 : 2;
            ting_window w = {.first = FIRST, .end = END, .before = {before, 1}, .after = after};
            if (context == 0)
                w.before[0] = before == 0 ? -1 : before;
            open_tiny(context, seed);
            assert_ok(ting_substitute(&tiny.ctx, &tiny.net, context == 0, tiny.rows, &w, ways, WAYS, TING_SUBSTITUTE_EXACT, got));
            assert_ok(ting_substitute(&tiny.ctx, &tiny.net, context == 0, tiny.rows, &w, ways, WAYS, TING_SUBSTITUTE_BOUND, bound));
            for (int i = 0; i < WAYS; i++) {
                assert_true(same(got[i], enumerate(&w, &ways[i], false)));
                if (context > 0 && ways[i].count == 2)
                    assert_true(same(bound[i], enumerate(&w, &ways[i], true)));
                assert_true(bound[i] >= got[i] - 1e-9);
            }
            close_tiny();
        }
    }
}

/* CTC: between two equal tokens there is a blank, so that four rows have no room for a third one between equal neighbours. */
static void what_has_no_room_has_no_probability(void **state)
{
    (void)state;
    const ting_align_path twice = {{1, 1}, 2};
    const ting_window w = {.first = FIRST, .end = END, .before = {1}, .after = 1}; /* blank 1 blank 1 blank: five rows */
    double got;
    open_tiny(0, 1);
    assert_ok(ting_substitute(&tiny.ctx, &tiny.net, true, tiny.rows, &w, &twice, 1, TING_SUBSTITUTE_EXACT, &got));
    assert_true(got == -INFINITY);
    close_tiny();
    const ting_window short_one = {.first = FIRST, .end = FIRST + 1, .before = {1, 1}, .after = -1};
    open_tiny(2, 1);
    assert_ok(ting_substitute(&tiny.ctx, &tiny.net, false, tiny.rows, &short_one, &twice, 1, TING_SUBSTITUTE_EXACT, &got));
    assert_true(got == -INFINITY);
    tiny.rows.data[FIRST * DIM] = (ting_real)NAN;
    assert_fails(TING_ERR_NUMERIC, "encoder rows 1 to 1",
                 ting_substitute(&tiny.ctx, &tiny.net, false, tiny.rows, &short_one, &twice, 1, TING_SUBSTITUTE_EXACT, &got));
    close_tiny();
}

static ting_err substitute_once(void *arg)
{
    (void)arg;
    ting_err err = TING_OK;
    ting_align_path ways[WAYS];
    double got[WAYS];
    const ting_window w = {.first = FIRST, .end = END, .before = {1, 1}, .after = 2};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 8), .kern = tiny.ctx.kern};
    if (ctx.arena == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_substitute(&ctx, &tiny.net, tiny.net.transducer == NULL, tiny.rows, &w, ways, list_ways(ways), TING_SUBSTITUTE_EXACT,
                        got));
out:
    ting_arena_free(ctx.arena);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    for (int context = 0; context <= 1; context++) {
        open_tiny(context, 1);
        assert_true(ting_fail_each_allocation(substitute_once, NULL) >= 2); /* the arena, and a block of it at least */
        close_tiny();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sums_over_all_alignments),
        cmocka_unit_test(what_has_no_room_has_no_probability),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
