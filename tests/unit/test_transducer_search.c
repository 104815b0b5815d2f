/* SPDX-License-Identifier: Apache-2.0 */
/* test_transducer_search.c - greedy and beam search against enumeration; phrases; keyword files. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/context_graph.h"
#include "decode/keywords.h"
#include "decode/transducer_beam.h"
#include "decode/transducer_greedy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    VOCAB = 3,
    ROWS = 4,
    DIM = 5,
    PATHS = 81,
    SEQUENCES = 31
}; /* 3^4 alignments, 1 + 2 + 4 + 8 + 16 sequences */

static struct {
    ting_params *params;
    ting_transducer *model;
    ting_ctx ctx;
    ting_tensor rows; /* [ROWS, DIM] */
} tiny;

static void open_tiny(int context, uint64_t seed)
{
    ting_transducer_config config = {
        .vocab = VOCAB, .context = context, .encoder_dim = DIM, .decoder_dim = 8, .joiner_dim = 6};
    tiny.params = ting_params_new();
    assert_ok(ting_transducer_new(&config, tiny.params, &tiny.model));
    assert_ok(ting_params_alloc(tiny.params, false));
    ting_rng rng = ting_rng_new(seed, 5);
    for (size_t i = 0; i < ting_params_elements(tiny.params); i++)
        ting_params_values(tiny.params)[i] = (ting_real)(0.7 * ting_rng_normal(&rng));
    tiny.ctx =
        (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    tiny.rows = ting_ctx_constant(&tiny.ctx, ROWS, DIM);
    for (int i = 0; i < ROWS * DIM; i++)
        tiny.rows.data[i] = (ting_real)ting_rng_normal(&rng);
    assert_ok(tiny.ctx.err);
}

static void close_tiny(void)
{
    ting_transducer_free(tiny.model);
    ting_params_free(tiny.params);
    ting_arena_free(tiny.ctx.arena);
}

typedef struct sequence {
    int tokens[ROWS], count;
    double probability;
} sequence;

/* Probability of token `token` at row t after the tokens of `s`. */
static double step_probability(int context, const sequence *s, int t, int token)
{
    int last[TING_TRANSDUCER_MAX_CONTEXT];
    for (int i = 0; i < context; i++) {
        int at = s->count - context + i;
        last[i] = at >= 0 ? s->tokens[at] : 0;
    }
    ting_tensor d = ting_transducer_contexts(&tiny.ctx, tiny.model, last, 1);
    ting_tensor e =
        ting_transducer_project_encoder(&tiny.ctx, tiny.model, ting_rows(tiny.rows, t, 1));
    ting_tensor logits = ting_transducer_join(&tiny.ctx, tiny.model, e, d);
    assert_ok(tiny.ctx.err);
    double sum = 0;
    for (int v = 0; v < VOCAB; v++)
        sum += exp((double)logits.data[v]);
    return exp((double)logits.data[token]) / sum;
}

/* Every alignment of at most one token a row, summed by the tokens it gives. */
static void enumerate(int context, sequence out[SEQUENCES])
{
    int found = 0;
    for (int path = 0; path < PATHS; path++) {
        sequence s = {.probability = 1};
        for (int t = 0, code = path; t < ROWS; t++, code /= VOCAB) {
            s.probability *= step_probability(context, &s, t, code % VOCAB);
            if (code % VOCAB != 0)
                s.tokens[s.count++] = code % VOCAB;
        }
        int at = 0;
        while (at < found && (out[at].count != s.count ||
                              memcmp(out[at].tokens, s.tokens, (size_t)s.count * sizeof(int)) != 0))
            at++;
        if (at == found)
            out[found++] = (sequence){.count = s.count};
        memcpy(out[at].tokens, s.tokens, sizeof s.tokens);
        out[at].probability += s.probability;
    }
    assert_int_equal(found, SEQUENCES);
}

/* What greedy search nearly emitted: of three tokens the one that is neither emitted nor blank. */
static void greedy_remembers_the_rivals(void **state)
{
    (void)state;
    int seen = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        ting_greedy *search;
        open_tiny(2, seed);
        assert_ok(ting_greedy_new(tiny.model, &(ting_greedy_options){0}, &search));
        assert_ok(ting_greedy_accept(search, &tiny.ctx, tiny.rows));
        const ting_decoded best = ting_greedy_result(search);
        sequence s = {0};
        for (int i = 0; i < best.count; i++) {
            const ting_emission *e = &best.emissions[i];
            const ting_rival *r = e->rivals;
            assert_int_equal(r[0].token, 3 - e->token);
            assert_int_equal(r[1].token, -1);
            assert_true(fabs(r[0].log_prob - log(step_probability(2, &s, (int)e->row, r[0].token))) < 1e-5);
            assert_true(r[0].log_prob <= e->log_prob);
            s.tokens[s.count++] = e->token;
            seen++;
        }
        ting_greedy_free(search);
        close_tiny();
    }
    assert_true(seen > 5);
}

static void a_wide_beam_is_exhaustive(void **state)
{
    (void)state;
    for (int context = 1; context <= 2; context++) {
        open_tiny(context, (uint64_t)context);
        sequence all[SEQUENCES] = {0};
        enumerate(context, all);
        ting_beam *beam;
        const ting_decoded *best;
        int count;
        assert_ok(ting_beam_new(tiny.model, &(ting_beam_options){.beam = 64},
                                &beam)); /* 15 x 3 candidates fit */
        assert_ok(ting_beam_accept(beam, &tiny.ctx, tiny.rows));
        assert_ok(ting_beam_results(beam, 64, &best, &count));
        assert_int_equal(count, SEQUENCES);
        double before = 0, total = 0;
        for (int i = 0; i < count; i++) {
            int at = 0;
            for (; at < SEQUENCES; at++) {
                bool same = all[at].count == best[i].count;
                for (int k = 0; same && k < best[i].count; k++)
                    same = all[at].tokens[k] == best[i].emissions[k].token;
                if (same)
                    break;
            }
            assert_true(at < SEQUENCES);
            /* sums of up to 6 products of 4 probabilities, each good to a few 2^-24: 1e-5 is 20 times that */
            assert_true(fabs(best[i].log_prob - log(all[at].probability)) < 1e-5);
            total += exp(best[i].log_prob);
            double rank = best[i].log_prob / (best[i].count + context);
            assert_true(i == 0 || rank <= before);
            before = rank;
        }
        assert_true(fabs(total - 1) < 1e-5);
        ting_beam_free(beam);
        close_tiny();
    }
}

static bool same(const ting_decoded *a, const ting_decoded *b)
{
    if (a->count != b->count || a->log_prob != b->log_prob)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->emissions[i].token != b->emissions[i].token ||
            a->emissions[i].row != b->emissions[i].row)
            return false;
    return true;
}

static void a_beam_of_one_is_greedy_and_cuts_do_not_matter(void **state)
{
    (void)state;
    int emitted = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        open_tiny(2, seed);
        ting_greedy *greedy, *pieces;
        ting_beam *beam;
        const ting_decoded *best;
        int count;
        assert_ok(ting_greedy_new(tiny.model, &(ting_greedy_options){0}, &greedy));
        assert_ok(ting_greedy_new(tiny.model, &(ting_greedy_options){0}, &pieces));
        assert_ok(ting_beam_new(tiny.model, &(ting_beam_options){.beam = 1}, &beam));
        assert_ok(ting_greedy_accept(greedy, &tiny.ctx, tiny.rows));
        for (int t = 0; t < ROWS; t++) {
            assert_ok(ting_greedy_accept(pieces, &tiny.ctx, ting_rows(tiny.rows, t, 1)));
            assert_ok(ting_beam_accept(beam, &tiny.ctx, ting_rows(tiny.rows, t, 1)));
        }
        assert_ok(ting_beam_results(beam, 1, &best, &count));
        ting_decoded all = ting_greedy_result(greedy), cut = ting_greedy_result(pieces);
        assert_true(same(&all, &cut));
        assert_int_equal(all.count, best[0].count);
        assert_true(fabs(all.log_prob - best[0].log_prob) < 1e-5);
        for (int i = 0; i < all.count; i++)
            assert_true(all.emissions[i].token == best[0].emissions[i].token &&
                        all.emissions[i].row == best[0].emissions[i].row &&
                        all.emissions[i].rivals[0].token == best[0].emissions[i].rivals[0].token &&
                        fabs(all.emissions[i].rivals[0].log_prob - best[0].emissions[i].rivals[0].log_prob) < 1e-5);
        emitted += all.count;
        ting_greedy_free(greedy);
        ting_greedy_free(pieces);
        ting_beam_free(beam);
        close_tiny();
    }
    assert_in_range(emitted, 10, 20 * ROWS - 10); /* neither always blank nor never */
}

static void more_symbols_a_row_and_penalties_change_what_is_emitted(void **state)
{
    (void)state;
    open_tiny(1, 3);
    ting_greedy *greedy;
    assert_ok(ting_greedy_new(
        tiny.model, &(ting_greedy_options){.max_symbols = 3, .blank_penalty = 100}, &greedy));
    assert_ok(ting_greedy_accept(greedy, &tiny.ctx, tiny.rows));
    assert_int_equal(ting_greedy_result(greedy).count,
                     3 * ROWS); /* never blank: three at each row */
    ting_greedy_reset(greedy);
    assert_int_equal(ting_greedy_result(greedy).count, 0);
    ting_greedy_free(greedy);
    assert_fails(TING_ERR_ARGUMENT, "a beam of 65",
                 ting_beam_new(tiny.model, &(ting_beam_options){.beam = 65}, &(ting_beam *){NULL}));
    close_tiny();
}

static void rows_that_are_not_numbers_are_refused(void **state)
{
    (void)state;
    open_tiny(2, 1);
    ting_greedy *greedy;
    ting_beam *beam;
    tiny.rows.data[DIM] = (ting_real)NAN;
    assert_ok(ting_greedy_new(tiny.model, &(ting_greedy_options){0}, &greedy));
    assert_ok(ting_beam_new(tiny.model, &(ting_beam_options){0}, &beam));
    assert_fails(TING_ERR_NUMERIC, "row 1", ting_greedy_accept(greedy, &tiny.ctx, tiny.rows));
    assert_fails(TING_ERR_NUMERIC, "not numbers", ting_beam_accept(beam, &tiny.ctx, tiny.rows));
    ting_greedy_free(greedy);
    ting_beam_free(beam);
    close_tiny();
}

/* ---- phrases ---- */

static ting_context_graph *letters(const char *const *words, int count)
{
    static int tokens[16][8];
    ting_context_phrase phrases[16];
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(words[i]);
        for (int k = 0; k < length; k++)
            tokens[i][k] = words[i][k];
        phrases[i] = (ting_context_phrase){tokens[i], length, 1};
    }
    ting_context_graph *graph;
    assert_ok(ting_context_graph_new(phrases, count, &graph));
    return graph;
}

static double earned(const ting_context_graph *graph, const char *text, bool once)
{
    double sum = 0;
    int at = TING_CONTEXT_ROOT;
    for (; *text != '\0'; text++)
        sum += once ? ting_context_step_once(graph, at, *text, &at)
                    : ting_context_step(graph, at, *text, &at);
    return sum - ting_context_unfinished(graph, at);
}

static void phrases_pay_their_length(void **state)
{
    (void)state;
    static const char *const words[] = {"S",    "HE",    "SHE",  "SHELL", "HIS",
                                        "HERS", "HELLO", "THIS", "THEM"};
    ting_context_graph *graph = letters(words, 9);
    /* With a score of 1 a token, every phrase that occurs pays its length:
     * HEHERSHE holds HE, HE, HERS, S, SHE, HE: 2 + 2 + 4 + 1 + 3 + 2. Paid once and begun anew: HE, HE, S, HE. */
    const struct {
        const char *text;
        double all, once;
    } cases[] = {{"HEHERSHE", 14, 7}, {"HERSHE", 12, 5}, {"HISHE", 9, 5}, {"SHED", 6, 3},
                 {"SHELF", 6, 3},     {"HELL", 2, 2},    {"HELLO", 7, 2}, {"DHRHISQ", 4, 3},
                 {"THEN", 2, 2},      {"XYZ", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(fabs(earned(graph, cases[i].text, false) - cases[i].all) < 1e-12);
        assert_true(fabs(earned(graph, cases[i].text, true) - cases[i].once) < 1e-12);
    }
    int at = TING_CONTEXT_ROOT;
    for (const char *c = "SHE"; *c != '\0'; c++)
        ting_context_step(graph, at, *c, &at);
    assert_int_equal(ting_context_match(graph, at), 2); /* SHE, longer than HE */
    ting_context_step(graph, at, 'L', &at);
    assert_int_equal(ting_context_match(graph, at), -1);
    ting_context_graph_free(graph);
}

/* ---- keyword files ---- */

static const char *const tokens[] = {"<blk>", "n", "ǐ", "h", "ǎo"};

static ting_err parse(const char *text, ting_keywords *out)
{
    return ting_keywords_parse("k.txt", text, strlen(text), tokens, 5, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25},
                               out);
}

static void keyword_files_are_read(void **state)
{
    (void)state;
    ting_keywords list;
    assert_ok(parse("n ǐ h ǎo @你_好 :1.5 #0.6\n\n  h ǎo\r\nn ǐ", &list));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].name, "你 好");
    assert_int_equal(list.items[0].count, 4);
    assert_int_equal(list.items[0].tokens[3], 4);
    assert_true(list.items[0].boost == 1.5 && list.items[0].threshold == 0.6);
    assert_string_equal(list.items[1].name, "h ǎo");
    assert_true(list.items[1].boost == 1 && list.items[1].threshold == 0.25);
    ting_keywords_free(&list);
    assert_fails(TING_ERR_FORMAT, "k.txt:2: \"x\" is no token", parse("n\nh x", &list));
    assert_fails(TING_ERR_FORMAT, "\":a\" is no boost", parse("n :a", &list));
    assert_fails(TING_ERR_FORMAT, "\"#2\" is no threshold", parse("n #2", &list));
    assert_fails(TING_ERR_FORMAT, "k.txt:1: no tokens", parse("@name", &list));
    assert_fails(TING_ERR_FORMAT, "no keywords", parse("\n\n", &list));
    assert_fails(TING_ERR_IO, "No such file",
                 ting_keywords_read("/nowhere", tokens, 5, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25}, &list));
}

/* What greedy search hears is spotted as a keyword; a keyword of other tokens is not. */
static void a_keyword_that_is_said_is_spotted(void **state)
{
    (void)state;
    int spotted = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        open_tiny(2, seed);
        ting_greedy *greedy;
        assert_ok(ting_greedy_new(tiny.model, &(ting_greedy_options){0}, &greedy));
        assert_ok(ting_greedy_accept(greedy, &tiny.ctx, tiny.rows));
        ting_decoded heard = ting_greedy_result(greedy);
        if (heard.count >= 2) {
            int said[ROWS];
            for (int i = 0; i < heard.count; i++)
                said[i] = heard.emissions[i].token;
            ting_keyword item = {
                .name = NULL, .tokens = said, .count = heard.count, .boost = 4, .threshold = 0.01};
            ting_keywords list = {.items = &item, .count = 1};
            ting_spotter *spotter;
            assert_ok(
                ting_spotter_new(tiny.model, &list, &(ting_spotter_options){.beam = 8}, &spotter));
            assert_ok(ting_spotter_accept(spotter, &tiny.ctx, tiny.rows));
            assert_ok(ting_spotter_finish(spotter));
            if (ting_spotter_count(spotter) > 0) {
                ting_spotted s = ting_spotter_at(spotter, 0);
                assert_int_equal(s.count, heard.count);
                for (int i = 0; i < s.count; i++)
                    assert_int_equal(s.emissions[i].token, said[i]);
                spotted++;
            } else {
                spotted -= 100; /* missed */
            }
            item.threshold = 1; /* no probability reaches 1 */
            ting_spotter_reset(spotter);
            assert_ok(ting_spotter_accept(spotter, &tiny.ctx, tiny.rows));
            assert_ok(ting_spotter_finish(spotter));
            assert_int_equal(ting_spotter_count(spotter), 0);
            ting_spotter_free(spotter);
        }
        ting_greedy_free(greedy);
        close_tiny();
    }
    assert_in_range(spotted, 5, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_remembers_the_rivals),
        cmocka_unit_test(a_wide_beam_is_exhaustive),
        cmocka_unit_test(a_beam_of_one_is_greedy_and_cuts_do_not_matter),
        cmocka_unit_test(more_symbols_a_row_and_penalties_change_what_is_emitted),
        cmocka_unit_test(rows_that_are_not_numbers_are_refused),
        cmocka_unit_test(phrases_pay_their_length),
        cmocka_unit_test(keyword_files_are_read),
        cmocka_unit_test(a_keyword_that_is_said_is_spotted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
