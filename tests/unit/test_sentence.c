/* SPDX-License-Identifier: Apache-2.0 */
/* test_sentence.c - tokens with times to sentences: characters, confidence, alternatives, ranking, odd tokens. */
#include "support/support.h"

#include "engine/confidence.h"
#include "engine/sentence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLANK, ZH, ONG1, G, UO2, SH, A, UNK, Y, I2, B, U2, TOKENS };
static const char *const names[TOKENS] = {"<blk>", "zh", "ōng", "g", "uó", "sh", "A", "<unk>", "y", "í", "b", "ú"};
static ting_piece pieces[TOKENS];

static int read_pieces(void **state)
{
    (void)state;
    for (int i = 0; i < TOKENS; i++)
        pieces[i] = ting_piece_read(names[i], strlen(names[i]));
    return 0;
}

/* A line of 甲 for the first syllable of an input, 乙 for the second, and so on; the second line begins with the second of them. */
static ting_err write_line(int input, int count, int l, double score, ting_arena *arena, ting_hanzi_line *out)
{
    static const char *const row[] = {"甲", "乙", "丙", "丁", "戊"};
    *out = (ting_hanzi_line){.count = count, .score = score};
    out->characters = ting_arena_take_zeroed(arena, (size_t)count, sizeof *out->characters);
    out->origins = ting_arena_take_zeroed(arena, (size_t)count, sizeof *out->origins);
    for (int i = 0; i < count; i++) {
        out->characters[i] = row[(i + l) % 5];
        out->origins[i] = (ting_p2h_origin){.input = input, .place = i, .other = -1};
    }
    return TING_OK;
}

/* Two lines of each input, the best first. */
static const double *shares; /* what it says of them; NULL: nothing */

static ting_err write_fake(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    ting_hanzi_line *all = ting_arena_take_zeroed(arena, (size_t)input_count * 2, sizeof *all);
    int found = 0;
    for (int n = 0; n < input_count * 2; n++) {
        const int count = inputs[n / 2].count;
        ting_hanzi_line line;
        int at = found++;
        assert_ok(write_line(n / 2, count, n % 2, inputs[n / 2].score + 0.5 * (-1.0 - n % 2 - *(double *)self * count), arena, &line));
        for (; at > 0 && all[at - 1].score < line.score; at--)
            all[at] = all[at - 1];
        all[at] = line;
    }
    *out = (ting_hanzi_page){.lines = all, .line_count = nbest < found ? nbest : found, .shares = shares};
    out->alternatives = ting_arena_take_zeroed(arena, (size_t)(all[0].count * alternatives), sizeof *out->alternatives);
    for (int i = 0; alternatives > 0 && i < all[0].count; i++)
        strcpy(out->alternatives[i * alternatives], all[0].characters[(i + 1) % all[0].count]); /* one alternative, then "" */
    return TING_OK;
}

/* Writes every syllable as the one character that it is given. */
static ting_err write_same(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    (void)input_count, (void)nbest, (void)alternatives;
    *out = (ting_hanzi_page){.line_count = 1, .lines = ting_arena_take_zeroed(arena, 1, sizeof *out->lines)};
    assert_ok(write_line(0, inputs[0].count, 0, 0, arena, &out->lines[0]));
    for (int i = 0; i < inputs[0].count; i++)
        out->lines[0].characters[i] = self;
    return TING_OK;
}

static ting_sentence_maker maker(const ting_hanzi_writer *writer, int nbest)
{
    return (ting_sentence_maker){.tokens = names, .parts = pieces, .token_count = TOKENS, .writer = writer,
                                 .row_seconds = 0.04, .nbest = nbest, .alternatives = 3};
}

static const ting_hit zhong_guo[] = {
    {ZH, 1.00, 1.04, -0.1}, {ONG1, 1.12, 1.16, -0.3}, {G, 1.20, 1.24, -0.5}, {UO2, 1.36, 1.40, -0.7}};

/* yí bú, heard with sandhi: written as 一 and 不 are, but only where these are the characters */
static void sandhi_is_not_written(void **state)
{
    (void)state;
    static const ting_hit yi_bu[] = {{Y, 1.0, 1.04, -0.1}, {I2, 1.1, 1.14, -0.1}, {B, 1.2, 1.24, -0.1}, {U2, 1.3, 1.34, -0.1}};
    static const struct {
        char character[5];
        const char *pinyin;
    } cases[] = {{"一", "yi1 bu2"}, {"不", "yi2 bu4"}, {"移", "yi2 bu2"}};
    ting_heard heard = {yi_bu, 4, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int spell = 0; spell < 2; spell++) {
            char character[5];
            strcpy(character, cases[i].character);
            ting_hanzi_writer writer = {write_same, character};
            ting_sentence_maker m = maker(&writer, 1);
            m.alternatives = 0;
            m.spell = spell == 1;
            const ting_sentence *s;
            assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
            assert_string_equal(s->pinyin, cases[i].pinyin);
            assert_memory_equal(ting_sentence_char(s, 0)->pinyin, cases[i].pinyin, 3);
            if (spell)
                assert_string_equal(s->text, cases[i].pinyin);
        }
    ting_sentence_maker plain = maker(NULL, 1); /* without characters: as heard */
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&plain, &heard, 1, arena, &s));
    assert_string_equal(s->pinyin, "yi2 bu2");
    ting_arena_free(arena);
}

/* An empty hypothesis has no line to pay for; it must not win over what was heard. */
static void nothing_heard_loses_against_something(void **state)
{
    (void)state;
    double cost = 4;
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 2);
    static const ting_hit initial[] = {{ZH, 1.0, 1.04, -0.1}}; /* an initial alone is dropped */
    ting_heard heard[] = {{initial, 1, -0.1, NULL}, {zhong_guo, 4, -2, NULL}, {initial, 0, -0.5, NULL}};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, heard, 3, arena, &s));
    assert_non_null(s);
    assert_string_equal(s->pinyin, "zhong1 guo2");
    assert_int_equal(s->hypothesis_count, 2); /* its two lines */
    assert_ok(ting_sentence_make(&m, heard, 1, arena, &s));
    assert_null(s); /* nothing else was heard */
    ting_arena_free(arena);
}

/* Writes one character fewer than there are syllables and cannot say which they are of, or no line at all. */
static ting_err write_short(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                            ting_hanzi_page *out)
{
    char character[] = "短";
    ting_err err = write_same(character, inputs, input_count, nbest, alternatives, arena, out);
    out->lines[0].count--;
    out->lines[0].origins = NULL;
    out->line_count = *(int *)self;
    return err;
}

static void lines_of_another_length_are_refused(void **state)
{
    (void)state;
    int lines = 1;
    ting_hanzi_writer writer = {write_short, &lines};
    ting_sentence_maker m = maker(&writer, 1);
    ting_heard heard = {zhong_guo, 4, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_fails(TING_ERR_INTERNAL, "a line of 1 characters was written for 2 syllables",
                 ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_null(s);
    lines = 0;
    assert_fails(TING_ERR_INTERNAL, "no line was written for 2 syllables", ting_sentence_make(&m, &heard, 1, arena, &s));
    ting_arena_free(arena);
}

static void characters_carry_times_and_confidence(void **state)
{
    (void)state;
    double cost = 0;
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 1);
    ting_heard heard = {zhong_guo, 4, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_string_equal(s->text, "甲乙");
    assert_string_equal(s->pinyin, "zhong1 guo2");
    assert_int_equal(s->char_count, 2);
    assert_int_equal(s->token_count, 4);
    const ting_char *c = ting_sentence_char(s, 0), *d = ting_sentence_char(s, 1);
    assert_string_equal(c->pinyin, "zhong1");
    assert_true(c->start == 1.00 && c->end == 1.20); /* up to the next character */
    assert_true(d->start == 1.20 && fabs(d->end - 1.64) < 1e-9); /* 1.40 and the tail of 0.24 */
    assert_true(fabs((double)c->confidence - exp(-0.2)) < 1e-6); /* mean of -0.1 and -0.3 */
    assert_true(fabs((double)s->confidence - (exp(-0.2) + exp(-0.6)) / 2) < 1e-6);
    assert_int_equal(c->alternative_count, 1);
    assert_string_equal(c->alternatives[0], "乙");
    assert_string_equal(ting_sentence_token(s, 1)->text, "ōng");
    assert_int_equal(s->hypothesis_count, 1);
    assert_true(fabs(ting_sentence_hypothesis(s, 0)->score - (-2 + 0.5 * -1)) < 1e-12);
    /* the recording's end is known: nothing lasts longer, and what is heard behind it has no length */
    m.limit = 1.5;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_true(s->end == 1.5 && ting_sentence_char(s, 1)->end == 1.5 && ting_sentence_char(s, 1)->start == 1.20);
    m.limit = 1.1;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_true(s->start == 1.00 && s->end == 1.1 && ting_sentence_char(s, 1)->start == 1.1);
    ting_arena_free(arena);
}

/* How likely it is that a character is right: its share of the lines, its sound and that of its neighbour together. */
static void confidence_is_what_sound_and_search_say(void **state)
{
    (void)state;
    static const double both[] = {0.6, 1}, weaker[] = {0.5, 1};
    double cost = 0;
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 1);
    ting_heard heard = {zhong_guo, 4, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s, *t;
    shares = both;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    shares = weaker;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &t));
    shares = NULL;
    const double first = ting_confidence(&(ting_evidence){0.6, -0.2, -0.6}), second = ting_confidence(&(ting_evidence){1, -0.6, -0.2});
    assert_true(fabs((double)ting_sentence_char(s, 0)->confidence - first) < 1e-6);
    assert_true(fabs((double)ting_sentence_char(s, 1)->confidence - second) < 1e-6);
    assert_true(fabs((double)s->confidence - (first + second) / 2) < 1e-6);
    assert_true(ting_sentence_char(t, 0)->confidence < ting_sentence_char(s, 0)->confidence);
    assert_true(ting_sentence_char(t, 1)->confidence == ting_sentence_char(s, 1)->confidence);
    /* whatever is said of it, it stays a probability, and more of anything makes it more */
    const double none = ting_confidence(&(ting_evidence){0, -INFINITY, -INFINITY}), all = ting_confidence(&(ting_evidence){1, 0, 0});
    assert_true(none > 0 && none < 0.001 && all > 0.95 && all < 1);
    assert_true(ting_confidence(&(ting_evidence){0.6, -0.3, -0.6}) < first && ting_confidence(&(ting_evidence){0.6, -0.2, -0.7}) < first);
    ting_arena_free(arena);
}

static void hypotheses_are_ranked_over_sound_and_text(void **state)
{
    (void)state;
    double cost = 1; /* a syllable costs 1: the shorter hypothesis gains */
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 3);
    ting_heard heard[] = {{zhong_guo, 4, -2.0, NULL}, {zhong_guo, 2, -2.2, NULL}};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, heard, 2, arena, &s));
    /* scores: first -2 + 0.5 (-1 - 2) = -3.5 and -4; second -2.2 + 0.5 (-1 - 1) = -3.2 and -3.7 */
    assert_int_equal(s->hypothesis_count, 3);
    const double want[] = {-3.2, -3.5, -3.7};
    const char *texts[] = {"甲", "甲乙", "乙"};
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(ting_sentence_hypothesis(s, i)->score - want[i]) < 1e-12);
        assert_string_equal(ting_sentence_hypothesis(s, i)->text, texts[i]);
    }
    assert_string_equal(s->text, "甲");
    assert_int_equal(s->token_count, 2); /* of the hypothesis that won */
    ting_arena_free(arena);
}

/* Writes the first of what was nearly heard instead wherever there is such a thing, and behind it a syllable of the second input. */
static ting_err write_others(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                             ting_hanzi_page *out)
{
    (void)self, (void)nbest, (void)alternatives;
    *out = (ting_hanzi_page){.line_count = 1, .lines = ting_arena_take_zeroed(arena, 1, sizeof *out->lines)};
    assert_int_equal(input_count, 2);
    assert_int_equal(inputs[1].other_count, 0);
    assert_true(inputs[0].other_count > 0 && inputs[0].others[0].place == 0);
    assert_true(inputs[0].starts[1] == 1.20);
    assert_ok(write_line(0, 2, 0, -1, arena, &out->lines[0]));
    out->lines[0].origins[0].other = 0;
    out->lines[0].origins[1].input = 1;
    return TING_OK;
}

/* Writes the first two syllables as one word; the others as write_fake does, 1 and 2 and so on beside them. */
static ting_err write_word(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    static const char *const others[] = {"1", "2", "3"};
    (void)self, (void)input_count, (void)nbest;
    *out = (ting_hanzi_page){.line_count = 1, .lines = ting_arena_take_zeroed(arena, 1, sizeof *out->lines)};
    assert_int_equal(inputs[0].count, 3);
    assert_ok(write_line(0, 3, 0, -1, arena, &out->lines[0]));
    out->lines[0].characters[0] = "iPhone";
    out->lines[0].characters[1] = "";
    out->alternatives = ting_arena_take_zeroed(arena, (size_t)(3 * alternatives), sizeof *out->alternatives);
    for (int i = 0; i < 3; i++)
        strcpy(out->alternatives[i * alternatives], others[i]);
    return TING_OK;
}

static void a_word_may_stand_for_several_syllables(void **state)
{
    (void)state;
    static const ting_hit three[] = {{ZH, 1.0, 1.04, -0.1}, {ONG1, 1.1, 1.14, -0.3}, {G, 1.2, 1.24, -0.5},
                                     {UO2, 1.3, 1.34, -0.7}, {B, 1.4, 1.44, -0.1}, {U2, 1.5, 1.54, -0.1}};
    ting_hanzi_writer writer = {write_word, NULL};
    ting_sentence_maker m = maker(&writer, 1);
    const ting_heard heard = {three, 6, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_string_equal(s->text, "iPhone丙");
    assert_int_equal(s->char_count, 2);
    assert_int_equal(s->token_count, 6);
    assert_string_equal(ting_sentence_char(s, 0)->alternatives[0], "1");
    assert_string_equal(ting_sentence_char(s, 1)->alternatives[0], "3"); /* the row of its syllable */
    ting_arena_free(arena);
}

/* A line may take here what one hypothesis has, there what another has, and what was only nearly heard. */
static void a_line_follows_several_hypotheses(void **state)
{
    (void)state;
    static const ting_rival rivals[4][TING_RIVALS] = {{{G, -3}, {-1, 0}, {-1, 0}}, {{-1, 0}, {-1, 0}, {-1, 0}},
                                                      {{-1, 0}, {-1, 0}, {-1, 0}}, {{-1, 0}, {-1, 0}, {-1, 0}}};
    static const ting_hit later[] = {
        {ZH, 1.00, 1.04, -0.2}, {ONG1, 1.12, 1.16, -0.2}, {G, 1.30, 1.34, -0.2}, {U2, 1.46, 1.50, -0.6}};
    ting_hanzi_writer writer = {write_others, NULL};
    ting_sentence_maker m = maker(&writer, 1);
    m.alternatives = 0;
    const ting_heard heard[] = {{zhong_guo, 4, -2, rivals}, {later, 4, -3, NULL}};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, heard, 2, arena, &s));
    assert_string_equal(s->pinyin, "gong1 gu2");
    assert_string_equal(s->text, "甲乙");
    const ting_char *c = ting_sentence_char(s, 0), *d = ting_sentence_char(s, 1);
    assert_true(fabs((double)c->confidence - exp((-3 - 0.3) / 2)) < 1e-6); /* of what it is, not of what was heard first */
    assert_true(c->start == 1.00 && c->end == 1.30 && d->start == 1.30);
    static const char *const tokens[] = {"zh", "ōng", "g", "ú"}; /* as they were heard */
    assert_int_equal(s->token_count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(ting_sentence_token(s, i)->text, tokens[i]);
    ting_arena_free(arena);
}

static void without_hanzi_the_text_is_pinyin(void **state)
{
    (void)state;
    ting_sentence_maker m = maker(NULL, 1);
    ting_heard heard = {zhong_guo, 4, -2, NULL};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_string_equal(s->text, "zhong1 guo2");
    assert_string_equal(ting_sentence_char(s, 1)->text, "guo2");
    assert_int_equal(ting_sentence_char(s, 1)->alternative_count, 0);
    ting_arena_free(arena);
}

static void a_writer_may_only_help_to_choose(void **state)
{
    (void)state;
    double cost = 1;
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 4);
    m.spell = true;
    ting_heard heard[] = {{zhong_guo, 4, -2.0, NULL}, {zhong_guo, 2, -2.2, NULL}};
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    assert_ok(ting_sentence_make(&m, heard, 2, arena, &s));
    /* -2 + 0.5 (-1 - 2) = -3.5 against -2.2 + 0.5 (-1 - 1) = -3.2; a hypothesis each, in pinyin */
    assert_int_equal(s->hypothesis_count, 2);
    assert_string_equal(s->text, "zhong1");
    assert_string_equal(ting_sentence_hypothesis(s, 1)->text, "zhong1 guo2");
    assert_int_equal(ting_sentence_char(s, 0)->alternative_count, 0);
    ting_arena_free(arena);
}

static void odd_tokens_are_written_or_left_out(void **state)
{
    (void)state;
    double cost = 0;
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 1);
    ting_arena *arena = ting_arena_new(4096);
    const ting_sentence *s;
    /* a letter stands for itself, <unk> and an initial without final are not written */
    const ting_hit odd[] = {{A, 0.0, 0.04, 0}, {A, 0.2, 0.24, 0}, {UNK, 0.4, 0.44, -1}, {G, 0.6, 0.64, -1},
                            {UO2, 0.7, 0.74, -1}, {SH, 0.8, 0.84, -1}};
    ting_heard heard = {odd, 6, -3, NULL};
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_string_equal(s->text, "A A丙");
    assert_string_equal(s->pinyin, "A A guo2");
    assert_int_equal(s->token_count, 6);
    const ting_hit nothing[] = {{UNK, 0.4, 0.44, -1}, {SH, 0.8, 0.84, -1}};
    heard = (ting_heard){nothing, 2, -3, NULL};
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_null(s);
    heard = (ting_heard){NULL, 0, 0, NULL};
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_null(s);
    assert_false(ting_token_is_text("<blk>"));
    assert_false(ting_token_is_text(""));
    assert_true(ting_token_is_text("<"));
    assert_true(ting_token_is_text("ōng"));
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sandhi_is_not_written),
        cmocka_unit_test(nothing_heard_loses_against_something),
        cmocka_unit_test(lines_of_another_length_are_refused),
        cmocka_unit_test(characters_carry_times_and_confidence),
        cmocka_unit_test(confidence_is_what_sound_and_search_say),
        cmocka_unit_test(hypotheses_are_ranked_over_sound_and_text),
        cmocka_unit_test(a_line_follows_several_hypotheses),
        cmocka_unit_test(a_word_may_stand_for_several_syllables),
        cmocka_unit_test(without_hanzi_the_text_is_pinyin),
        cmocka_unit_test(a_writer_may_only_help_to_choose),
        cmocka_unit_test(odd_tokens_are_written_or_left_out),
    };
    return cmocka_run_group_tests(tests, read_pieces, NULL);
}
