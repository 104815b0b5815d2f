/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fusion.c - language models inside the acoustic searches: beams that hold every sequence beside all alignments of all sequences,
 * whose words a model has read as whole sentences; what must change nothing; any cut of the rows.
 */
#include "support/support.h"

#include "base/rng.h"
#include "decode/ctc_prefix_beam.h"
#include "decode/transducer_beam.h"
#include "model/arpa.h"

#include <math.h>
#include <string.h>

enum { VOCAB = 3, ROWS = 5, PATHS = 243 /* 3^5 */, BLANK = 1, WORDS = 5, WIDE = 11, LONG = 300 };

/* ---- language models ---- */

static const char trigrams[] =
    "\\data\\\nngram 1=5\nngram 2=6\nngram 3=3\n\\1-grams:\n-2 <unk>\n-99 <s> -0.3\n-0.5 </s>\n-0.4 a -0.2\n-0.7 b -0.25\n"
    "\\2-grams:\n-0.4 <s> a -0.15\n-0.3 a b -0.1\n-0.7 b a -0.3\n-0.2 b </s>\n-0.8 a a -0.4\n-0.6 a </s>\n"
    "\\3-grams:\n-0.1 <s> a b\n-0.05 a b </s>\n-0.9 b a a\n\\end\\\n";
static const char bigrams[] = "\\data\\\nngram 1=5\nngram 2=2\n\\1-grams:\n-2 <unk>\n-99 <s> -0.1\n-0.8 </s>\n-0.3 a -0.4\n-0.5 b -0.2\n"
                              "\\2-grams:\n-0.9 a b\n-0.1 <s> a\n\\end\\\n";

/* The word of each token: "a" and "b" are words 3 and 4, blank has none. */
static const uint32_t word_of[VOCAB] = {3, TING_NGRAM_UNKNOWN, 4};

#define SMALL .tokens = WORDS, .width = 6, .hidden = 8, .layers = 2
static const ting_lm_config nets[] = {
    {SMALL, .kind = TING_LM_LSTM},
    {SMALL, .kind = TING_LM_GRU},
    {SMALL, .kind = TING_LM_RNN},
    {SMALL, .kind = TING_LM_NNLM, .context = 2},
    {SMALL, .kind = TING_LM_GPT, .heads = 2, .context = ROWS + 1, .act = TING_ACT_GELU_TANH, .eps = (ting_real)1e-5, .tied = true},
};
enum { NETS = sizeof nets / sizeof nets[0] };

static struct {
    ting_ctx ctx;
    ting_ngram_table table[2];
    ting_ngram *ngram[2]; /* of order 3, of order 2 */
    ting_params *params[NETS];
    ting_lm_net *net[NETS];
} lms;

static int open_lms(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(8, 2);
    const char *const texts[] = {trigrams, bigrams};
    lms.ctx = (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    for (int i = 0; i < 2; i++) {
        assert_ok(ting_arpa_parse("tokens", texts[i], strlen(texts[i]), &lms.table[i]));
        assert_ok(ting_ngram_make(&lms.table[i], &lms.ngram[i]));
    }
    for (int i = 0; i < NETS; i++) {
        assert_ok(ting_lm_config_check(&nets[i]));
        lms.params[i] = ting_params_new();
        lms.net[i] = ting_lm_net_new(&nets[i], lms.params[i]);
        assert_ok(ting_params_alloc(lms.params[i], false));
        for (size_t k = 0; k < ting_params_elements(lms.params[i]); k++)
            ting_params_values(lms.params[i])[k] = (ting_real)(0.5 * ting_rng_normal(&rng));
    }
    return 0;
}

static int close_lms(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ting_ngram_free(lms.ngram[i]);
        ting_ngram_table_free(&lms.table[i]);
    }
    for (int i = 0; i < NETS; i++) {
        ting_lm_net_free(lms.net[i]);
        ting_params_free(lms.params[i]);
    }
    ting_arena_free(lms.ctx.arena);
    return 0;
}

/* log p of words [count], which begin with <s>, behind it: n-grams as their table lists them. */
static double read_ngrams(const ting_ngram_table *table, const uint32_t *words, int count)
{
    double sum = 0;
    for (int i = 1; i < count; i++) {
        const int length = i + 1 < table->order ? i + 1 : table->order;
        sum += ting_ngram_table_score(table, length, words + i + 1 - length);
    }
    return sum;
}

/* The same by a network that reads the whole sentence at once. */
static double read_net(const ting_lm_net *net, const uint32_t *words, int count)
{
    int ids[ROWS + 2];
    double sum = 0;
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    for (int i = 0; i < count; i++)
        ids[i] = (int)words[i];
    const ting_tensor y = ting_lm_net_forward(&lms.ctx, net, ids, (ting_segments){1, (const int[]){0, count - 1}});
    assert_ok(lms.ctx.err);
    for (int i = 1; i < count; i++) {
        double all = 0;
        for (int w = 0; w < WORDS; w++)
            all += exp((double)ting_row(y, i - 1)[w]);
        sum += (double)ting_row(y, i - 1)[ids[i]] - log(all);
    }
    ting_arena_rewind(lms.ctx.arena, mark);
    return sum;
}

/* What a fusion gains with all tokens of a sentence and, as `ended`, its end. */
static double gain_of(const ting_fusion *fusion, const int *tokens, int count, bool ended)
{
    uint32_t words[ROWS + 2] = {TING_NGRAM_BEGIN};
    double gain = fusion->bonus * count;
    for (int i = 0; i < count; i++)
        words[i + 1] = word_of[tokens[i]];
    words[count + 1] = TING_NGRAM_END;
    for (int m = 0; m < fusion->count; m++) {
        const ting_fusion_lm *lm = &fusion->lms[m];
        const ting_ngram_table *table = &lms.table[lm->ngram == lms.ngram[0] ? 0 : 1];
        const int length = count + 1 + ended;
        gain += lm->weight * (lm->net != NULL ? read_net(lm->net, words, length) : read_ngrams(table, words, length));
    }
    return gain;
}

/* The fusions that are tried: n-grams, the same less bigrams (LODR), each network, a network less bigrams. */
enum { FUSIONS = 3 + NETS };

static ting_fusion fusion_of(int number)
{
    const ting_fusion_lm three = {lms.ngram[0], NULL, word_of, 0.7}, less = {lms.ngram[1], NULL, word_of, -0.3};
    ting_fusion f = {.vocab = VOCAB, .bonus = 0.6, .lms = {three, less}, .count = number == 0 ? 1 : 2};
    if (number >= 2)
        f.lms[0] = (ting_fusion_lm){NULL, lms.net[number == 2 ? 0 : number - 3], word_of, 0.8};
    if (number >= 3)
        f.count = 1;
    return f;
}

/* ---- the CTC head ---- */

static ting_tensor random_logits(ting_ctx *ctx, uint64_t seed, int rows, int cols, double scale)
{
    ting_rng rng = ting_rng_new(seed, 3);
    ting_tensor logits = ting_ctx_constant(ctx, rows, cols);
    for (int i = 0; i < rows * cols; i++)
        logits.data[i] = (ting_real)(scale * ting_rng_normal(&rng));
    assert_ok(ctx->err);
    return logits;
}

typedef struct sequence {
    int tokens[ROWS], count;
    double probability; /* of all its alignments */
} sequence;

static bool is_same(const int *a, int count_a, const ting_emission *b, int count_b)
{
    bool same = count_a == count_b;
    for (int i = 0; same && i < count_a; i++)
        same = a[i] == b[i].token;
    return same;
}

static int enumerate(ting_tensor logits, sequence out[PATHS])
{
    double p[ROWS][VOCAB];
    int found = 0;
    for (int t = 0; t < ROWS; t++) {
        double sum = 0;
        for (int v = 0; v < VOCAB; v++)
            sum += p[t][v] = exp((double)ting_row(logits, t)[v]);
        for (int v = 0; v < VOCAB; v++)
            p[t][v] /= sum;
    }
    for (int path = 0; path < PATHS; path++) {
        sequence s = {.probability = 1};
        for (int t = 0, code = path, last = BLANK; t < ROWS; t++, code /= VOCAB) {
            const int symbol = code % VOCAB;
            s.probability *= p[t][symbol];
            if (symbol != BLANK && symbol != last)
                s.tokens[s.count++] = symbol;
            last = symbol;
        }
        int at = 0;
        while (at < found && (out[at].count != s.count || memcmp(out[at].tokens, s.tokens, sizeof s.tokens) != 0))
            at++;
        if (at == found)
            out[found++] = s;
        else
            out[at].probability += s.probability;
    }
    return found;
}

static void a_wide_prefix_beam_is_exhaustive(void **state)
{
    (void)state;
    static sequence all[PATHS];
    for (int number = 0; number < FUSIONS; number++) {
        const ting_fusion fusion = fusion_of(number);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            ting_ctc_beam *beam;
            const ting_decoded *best;
            int count;
            double most = -INFINITY;
            const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
            const ting_tensor logits = random_logits(&lms.ctx, seed, ROWS, VOCAB, 2);
            const int sequences = enumerate(logits, all);
            assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = VOCAB, .blank = BLANK, .beam = 64, .fusion = &fusion}, &beam));
            assert_ok(ting_ctc_beam_accept(beam, &lms.ctx, logits));
            assert_ok(ting_ctc_beam_results(beam, 64, &best, &count));
            assert_int_equal(count, sequences);
            for (int i = 0; i < count; i++) {
                int at = 0;
                while (at < sequences && !is_same(all[at].tokens, all[at].count, best[i].emissions, best[i].count))
                    at++;
                assert_in_range(at, 0, sequences - 1);
                const double want = log(all[at].probability) + gain_of(&fusion, all[at].tokens, all[at].count, true);
                assert_true(fabs(best[i].log_prob - want) < 2e-5); /* up to 243 products, and 7 words of a network in float */
                assert_true(i == 0 || best[i].log_prob <= best[i - 1].log_prob);
                most = fmax(most, log(all[at].probability) + gain_of(&fusion, all[at].tokens, all[at].count, false));
            }
            assert_ok(ting_ctc_beam_results(beam, 1, &best, &count)); /* while it is being said: without the end */
            assert_true(fabs(best[0].log_prob - most) < 2e-5);
            ting_ctc_beam_free(beam);
            ting_arena_rewind(lms.ctx.arena, mark);
        }
    }
}

static void assert_same(const ting_decoded *a, const ting_decoded *b, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(a[i].count, b[i].count);
        assert_true(a[i].log_prob == b[i].log_prob);
        for (int k = 0; k < a[i].count; k++) {
            assert_int_equal(a[i].emissions[k].token, b[i].emissions[k].token);
            assert_int_equal(a[i].emissions[k].row, b[i].emissions[k].row);
            assert_true(a[i].emissions[k].log_prob == b[i].emissions[k].log_prob);
        }
    }
}

/* Tokens of a wide table say words 3 and 4 in turn. */
static const uint32_t wide_words[WIDE] = {TING_NGRAM_UNKNOWN, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4};

static void search_wide(ting_ctc_beam *beam, ting_tensor logits, ting_rng *pieces, const ting_decoded **best)
{
    int count;
    for (int t = 0, take; t < LONG; t += take) {
        take = pieces != NULL ? 1 + (int)ting_rng_below(pieces, 9) : LONG;
        take = take < LONG - t ? take : LONG - t;
        assert_ok(ting_ctc_beam_accept(beam, &lms.ctx, ting_rows(logits, t, take)));
    }
    assert_ok(ting_ctc_beam_results(beam, 6, best, &count));
    assert_int_equal(count, 6);
}

/* Weights of 0; a model and the same one taken away: the same bits as without. And that a model does change what is found. */
static void what_weighs_nothing_changes_nothing(void **state)
{
    (void)state;
    const ting_fusion_lm lm = {lms.ngram[0], NULL, wide_words, 0.7}, less = {lms.ngram[0], NULL, wide_words, -0.7},
                         none = {lms.ngram[0], NULL, wide_words, 0}, net = {NULL, lms.net[0], wide_words, 0};
    const ting_fusion fusions[] = {{.vocab = WIDE, .lms = {none}, .count = 1},
                                   {.vocab = WIDE, .lms = {net, none}, .count = 2},
                                   {.vocab = WIDE, .lms = {lm, less}, .count = 2},
                                   {.vocab = WIDE, .lms = {lm}, .count = 1}};
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    const ting_tensor logits = random_logits(&lms.ctx, 5, LONG, WIDE, 3);
    const ting_decoded *want, *got;
    ting_ctc_beam *plain;
    assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = WIDE, .beam = 6}, &plain));
    search_wide(plain, logits, NULL, &want);
    for (int i = 0; i < 4; i++) {
        ting_ctc_beam *beam;
        assert_ok(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = WIDE, .beam = 6, .fusion = &fusions[i]}, &beam));
        search_wide(beam, logits, NULL, &got);
        if (i < 3)
            assert_same(want, got, 6);
        else
            assert_true(want[0].count != got[0].count);
        ting_ctc_beam_free(beam);
    }
    ting_ctc_beam_free(plain);
    ting_arena_rewind(lms.ctx.arena, mark);
}

/* Any pieces, and a second recording, give the same; so does a network whose context is shorter than the sentence. */
static void any_cut_of_the_rows_gives_the_same(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(6, 1);
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    const ting_tensor logits = random_logits(&lms.ctx, 7, LONG, WIDE, 3);
    for (int number = 0; number < FUSIONS; number++) {
        ting_fusion fusion = fusion_of(number);
        ting_ctc_beam *beam[2];
        const ting_decoded *best[2];
        fusion.vocab = WIDE;
        for (int m = 0; m < fusion.count; m++)
            fusion.lms[m].word = wide_words;
        const ting_ctc_beam_options options = {.vocab = WIDE, .beam = 6, .skip = 0.8, .fusion = &fusion};
        for (int i = 0; i < 2; i++) {
            assert_ok(ting_ctc_beam_new(&options, &beam[i]));
            search_wide(beam[i], logits, i == 0 ? NULL : &rng, &best[i]);
        }
        assert_same(best[0], best[1], 6);
        assert_true(best[0][0].count > LONG / 3);
        ting_ctc_beam_reset(beam[1]);
        search_wide(beam[1], logits, &rng, &best[1]);
        assert_same(best[0], best[1], 6);
        for (int i = 0; i < 2; i++)
            ting_ctc_beam_free(beam[i]);
    }
    ting_arena_rewind(lms.ctx.arena, mark);
}

/* Behind a cut the models begin anew: what is found is what a new search finds. */
static void a_cut_begins_a_sentence(void **state)
{
    (void)state;
    const ting_fusion fusion = fusion_of(0);
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    ting_tensor logits = random_logits(&lms.ctx, 9, 2 * ROWS, VOCAB, 2);
    ting_ctc_beam *beam, *anew;
    const ting_decoded *best, *want;
    int count, wanted;
    ting_row(logits, ROWS - 1)[BLANK] = 60; /* nothing goes on over the cut */
    const ting_ctc_beam_options options = {.vocab = VOCAB, .blank = BLANK, .beam = 64, .fusion = &fusion};
    assert_ok(ting_ctc_beam_new(&options, &beam));
    assert_ok(ting_ctc_beam_new(&options, &anew));
    assert_ok(ting_ctc_beam_accept(beam, &lms.ctx, ting_rows(logits, 0, ROWS)));
    ting_ctc_beam_cut(beam);
    assert_ok(ting_ctc_beam_accept(beam, &lms.ctx, ting_rows(logits, ROWS, ROWS)));
    assert_ok(ting_ctc_beam_accept(anew, &lms.ctx, ting_rows(logits, ROWS, ROWS)));
    assert_ok(ting_ctc_beam_results(beam, 64, &best, &count));
    assert_ok(ting_ctc_beam_results(anew, 64, &want, &wanted));
    assert_int_equal(count, wanted);
    for (int i = 0; i < 5; i++) {
        assert_true(fabs(best[i].log_prob - want[i].log_prob) < 1e-9);
        assert_int_equal(best[i].count, want[i].count);
    }
    ting_ctc_beam_free(beam);
    ting_ctc_beam_free(anew);
    ting_arena_rewind(lms.ctx.arena, mark);
}

/* Rows of blank at probability p: skipped, each sum loses less than 1 - p a row of what it had; not skipped where p is no greater. */
static void sure_blanks_are_only_counted(void **state)
{
    (void)state;
    const ting_fusion fusion = fusion_of(0);
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    ting_tensor logits = random_logits(&lms.ctx, 4, 3 * ROWS, VOCAB, 2);
    const double skips[] = {0, 1, 0.999, 0.99999};
    ting_ctc_beam *beam[4];
    const ting_decoded *best[4];
    int count;
    for (int t = 0; t < 3 * ROWS; t++) /* two of three rows are blank at 1 / (1 + e^-8 + e^-9): 0.99954 */
        for (int v = 0; t % 3 != 1 && v < VOCAB; v++)
            ting_row(logits, t)[v] = v == BLANK ? 8 : (ting_real)(-v / 2);
    for (int i = 0; i < 4; i++) {
        const ting_ctc_beam_options options = {.vocab = VOCAB, .blank = BLANK, .beam = 64, .skip = skips[i], .fusion = &fusion};
        assert_ok(ting_ctc_beam_new(&options, &beam[i]));
        assert_ok(ting_ctc_beam_accept(beam[i], &lms.ctx, logits));
        assert_ok(ting_ctc_beam_results(beam[i], 3, &best[i], &count));
    }
    assert_same(best[0], best[1], 3);
    assert_same(best[0], best[3], 3);
    const double lost = best[0][0].log_prob - best[2][0].log_prob;
    assert_true(best[0][0].count >= 2 && is_same((int[]){best[0][0].emissions[0].token}, 1, best[2][0].emissions, 1));
    assert_int_equal(best[2][0].count, best[0][0].count);
    /* ten rows; gains of at most 1.5 for a token that they would have added to: e^1.5 x 10 x 0.00046 */
    assert_true(lost > 0 && lost < 0.021);
    for (int i = 0; i < 4; i++)
        ting_ctc_beam_free(beam[i]);
    ting_arena_rewind(lms.ctx.arena, mark);
}

/* ---- the transducer ---- */

enum { DIM = 5, CONTEXT = 2, SHORT = 4, ALIGNMENTS = 81 /* 3^4 */, SEQUENCES = 31 /* 1 + 2 + 4 + 8 + 16 */ };

static struct {
    ting_params *params;
    ting_transducer *model;
    ting_tensor rows; /* [LONG, DIM] */
} heard;

static void open_transducer(uint64_t seed)
{
    const ting_transducer_config config = {
        .vocab = VOCAB, .blank = BLANK, .context = CONTEXT, .encoder_dim = DIM, .decoder_dim = 8, .joiner_dim = 6};
    ting_rng rng = ting_rng_new(seed, 5);
    heard.params = ting_params_new();
    assert_ok(ting_transducer_new(&config, heard.params, &heard.model));
    assert_ok(ting_params_alloc(heard.params, false));
    for (size_t i = 0; i < ting_params_elements(heard.params); i++)
        ting_params_values(heard.params)[i] = (ting_real)(0.7 * ting_rng_normal(&rng));
    heard.rows = random_logits(&lms.ctx, seed, LONG, DIM, 1);
}

static void close_transducer(void)
{
    ting_transducer_free(heard.model);
    ting_params_free(heard.params);
    ting_arena_reset(lms.ctx.arena);
}

/* Probability of a token at row t behind the tokens of s, before which blanks stand. */
static double emits(const sequence *s, int t, int token)
{
    int last[CONTEXT];
    double sum = 0;
    for (int i = 0; i < CONTEXT; i++)
        last[i] = s->count - CONTEXT + i >= 0 ? s->tokens[s->count - CONTEXT + i] : BLANK;
    const ting_arena_mark mark = ting_arena_tell(lms.ctx.arena);
    const ting_tensor d = ting_transducer_contexts(&lms.ctx, heard.model, last, 1);
    const ting_tensor e = ting_transducer_project_encoder(&lms.ctx, heard.model, ting_rows(heard.rows, t, 1));
    const ting_tensor logits = ting_transducer_join(&lms.ctx, heard.model, e, d);
    assert_ok(lms.ctx.err);
    for (int v = 0; v < VOCAB; v++)
        sum += exp((double)logits.data[v]);
    const double p = exp((double)logits.data[token]) / sum;
    ting_arena_rewind(lms.ctx.arena, mark);
    return p;
}

/* Every alignment of at most one token a row. */
static void enumerate_emissions(sequence out[SEQUENCES])
{
    int found = 0;
    for (int path = 0; path < ALIGNMENTS; path++) {
        sequence s = {.probability = 1};
        for (int t = 0, code = path; t < SHORT; t++, code /= VOCAB) {
            s.probability *= emits(&s, t, code % VOCAB);
            if (code % VOCAB != BLANK)
                s.tokens[s.count++] = code % VOCAB;
        }
        int at = 0;
        while (at < found && (out[at].count != s.count || memcmp(out[at].tokens, s.tokens, sizeof s.tokens) != 0))
            at++;
        if (at == found)
            out[found++] = s;
        else
            out[at].probability += s.probability;
    }
    assert_int_equal(found, SEQUENCES);
}

static void a_wide_transducer_beam_is_exhaustive(void **state)
{
    (void)state;
    for (int number = 0; number < FUSIONS; number++) {
        const ting_fusion fusion = fusion_of(number);
        sequence all[SEQUENCES];
        ting_beam *beam;
        const ting_decoded *best;
        int count;
        open_transducer((uint64_t)number + 1);
        enumerate_emissions(all);
        assert_ok(ting_beam_new(heard.model, &(ting_beam_options){.beam = 64, .fusion = &fusion}, &beam));
        assert_ok(ting_beam_accept(beam, &lms.ctx, ting_rows(heard.rows, 0, SHORT)));
        for (int ended = 0; ended < 2; ended++) {
            assert_ok(ting_beam_results(beam, ended ? 64 : 1, &best, &count));
            assert_int_equal(count, ended ? SEQUENCES : 1);
            double before = INFINITY, highest = -INFINITY;
            for (int at = 0; at < SEQUENCES; at++)
                highest = fmax(highest, (log(all[at].probability) + gain_of(&fusion, all[at].tokens, all[at].count, ended)) /
                                            (all[at].count + CONTEXT));
            for (int i = 0; i < count; i++) {
                int at = 0;
                while (at < SEQUENCES && !is_same(all[at].tokens, all[at].count, best[i].emissions, best[i].count))
                    at++;
                assert_in_range(at, 0, SEQUENCES - 1);
                const double want = log(all[at].probability) + gain_of(&fusion, all[at].tokens, all[at].count, ended);
                const double rank = best[i].log_prob / (best[i].count + CONTEXT);
                assert_true(fabs(best[i].log_prob - want) < 2e-5);
                assert_true(rank <= before && (i > 0 || fabs(rank - highest) < 2e-5));
                before = rank;
            }
        }
        ting_beam_free(beam);
        close_transducer();
    }
}

/* A model that is taken away has no say in tokens that it does not know, whatever it says of <unk>. */
static void nothing_is_taken_back_of_unknown_tokens(void **state)
{
    (void)state;
    uint32_t lacking[VOCAB];
    memcpy(lacking, word_of, sizeof lacking);
    lacking[1] = TING_NGRAM_UNKNOWN;
    const ting_fusion_lm lm = {lms.ngram[0], NULL, word_of, 0.7}, less = {lms.ngram[1], NULL, lacking, -0.3};
    const ting_fusion with = {.vocab = VOCAB, .lms = {lm, less}, .count = 2}, without = {.vocab = VOCAB, .lms = {lm}, .count = 1};
    ting_fuser *a, *b;
    assert_ok(ting_fuser_new(&with, 1, &a));
    assert_ok(ting_fuser_new(&without, 1, &b));
    assert_true(ting_fuser_gain(a, TING_FUSION_BEGIN, 1) == ting_fuser_gain(b, TING_FUSION_BEGIN, 1));
    assert_true(ting_fuser_gain(a, TING_FUSION_BEGIN, 2) != ting_fuser_gain(b, TING_FUSION_BEGIN, 2));
    ting_fuser_free(a);
    ting_fuser_free(b);
}

/* Rows one by one or all at once; weights of 0 and a model taken away from itself beside no fusion. */
static void a_transducer_beam_keeps_the_same_promises(void **state)
{
    (void)state;
    const ting_fusion_lm lm = {lms.ngram[0], NULL, word_of, 0.7}, less = {lms.ngram[0], NULL, word_of, -0.7},
                         none = {NULL, lms.net[0], word_of, 0};
    const ting_fusion lodr = fusion_of(2), zero = {.vocab = VOCAB, .lms = {none}, .count = 1},
                      cancelled = {.vocab = VOCAB, .lms = {lm, less}, .count = 2};
    const ting_fusion *const pairs[][2] = {{&lodr, &lodr}, {NULL, &zero}, {NULL, &cancelled}};
    open_transducer(3);
    for (int p = 0; p < 3; p++) {
        ting_beam *beam[2];
        const ting_decoded *best[2];
        int count[2];
        for (int i = 0; i < 2; i++) {
            assert_ok(ting_beam_new(heard.model, &(ting_beam_options){.beam = 5, .fusion = pairs[p][i]}, &beam[i]));
            for (int t = 0; t < LONG; t += i == 0 ? LONG : 1)
                assert_ok(ting_beam_accept(beam[i], &lms.ctx, ting_rows(heard.rows, t, i == 0 ? LONG : 1)));
            assert_ok(ting_beam_results(beam[i], 5, &best[i], &count[i]));
        }
        assert_int_equal(count[0], count[1]);
        assert_same(best[0], best[1], count[0]);
        assert_true(best[0][0].count > 20);
        for (int i = 0; i < 2; i++)
            ting_beam_free(beam[i]);
    }
    close_transducer();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_prefix_beam_is_exhaustive),
        cmocka_unit_test(what_weighs_nothing_changes_nothing),
        cmocka_unit_test(any_cut_of_the_rows_gives_the_same),
        cmocka_unit_test(a_cut_begins_a_sentence),
        cmocka_unit_test(sure_blanks_are_only_counted),
        cmocka_unit_test(a_wide_transducer_beam_is_exhaustive),
        cmocka_unit_test(a_transducer_beam_keeps_the_same_promises),
        cmocka_unit_test(nothing_is_taken_back_of_unknown_tokens),
    };
    return cmocka_run_group_tests(tests, open_lms, close_lms);
}
