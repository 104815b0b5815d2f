/* SPDX-License-Identifier: Apache-2.0 */
/* test_sentence.c - tokens with times to sentences: characters, confidence, alternatives, ranking, odd tokens. */
#include "support/support.h"

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

/* Writes 甲 for the first syllable, 乙 for the second, and so on; line k begins with the k-th of them. */
static ting_err write_fake(void *self, const int *syllables, int count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    static const char *const row[] = {"甲", "乙", "丙", "丁", "戊"};
    (void)syllables;
    out->line_count = nbest < 2 ? nbest : 2;
    out->lines = ting_arena_take_zeroed(arena, (size_t)out->line_count, sizeof *out->lines);
    for (int l = 0; l < out->line_count; l++) {
        out->lines[l].score = -1.0 - l - *(double *)self * count;
        out->lines[l].count = count;
        out->lines[l].characters = ting_arena_take_zeroed(arena, (size_t)count, sizeof *out->lines[l].characters);
        for (int i = 0; i < count; i++)
            strcpy(out->lines[l].characters[i], row[(i + l) % 5]);
    }
    out->alternatives = ting_arena_take_zeroed(arena, (size_t)(count * alternatives), sizeof *out->alternatives);
    for (int i = 0; alternatives > 0 && i < count; i++)
        strcpy(out->alternatives[i * alternatives], row[(i + 1) % 5]); /* one alternative, then "" */
    return TING_OK;
}

/* Writes every syllable as the one character that it is given. */
static ting_err write_same(void *self, const int *syllables, int count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    (void)syllables, (void)nbest, (void)alternatives;
    *out = (ting_hanzi_page){.line_count = 1, .lines = ting_arena_take_zeroed(arena, 1, sizeof *out->lines)};
    out->lines[0].count = count;
    out->lines[0].characters = ting_arena_take_zeroed(arena, (size_t)count, sizeof *out->lines[0].characters);
    for (int i = 0; i < count; i++)
        strcpy(out->lines[0].characters[i], self);
    return TING_OK;
}

static ting_sentence_maker maker(const ting_hanzi_writer *writer, int nbest)
{
    return (ting_sentence_maker){.tokens = names, .parts = pieces, .token_count = TOKENS, .writer = writer,
                                 .weight = 0.5, .row_seconds = 0.04, .nbest = nbest, .alternatives = 3};
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
    ting_heard heard = {yi_bu, 4, -2};
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
    ting_heard heard[] = {{initial, 1, -0.1}, {zhong_guo, 4, -2}, {initial, 0, -0.5}};
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

/* Writes one character fewer than there are syllables, or no line at all. */
static ting_err write_short(void *self, const int *syllables, int count, int nbest, int alternatives, ting_arena *arena,
                            ting_hanzi_page *out)
{
    char character[] = "短";
    ting_err err = write_same(character, syllables, count, nbest, alternatives, arena, out);
    out->lines[0].count = count - 1;
    out->line_count = *(int *)self;
    return err;
}

static void lines_of_another_length_are_refused(void **state)
{
    (void)state;
    int lines = 1;
    ting_hanzi_writer writer = {write_short, &lines};
    ting_sentence_maker m = maker(&writer, 1);
    ting_heard heard = {zhong_guo, 4, -2};
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
    ting_heard heard = {zhong_guo, 4, -2};
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
    assert_true(fabs((double)s->confidence - exp(-0.4)) < 1e-6); /* mean of all four */
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

static void hypotheses_are_ranked_over_sound_and_text(void **state)
{
    (void)state;
    double cost = 1; /* a syllable costs 1: the shorter hypothesis gains */
    ting_hanzi_writer writer = {write_fake, &cost};
    ting_sentence_maker m = maker(&writer, 3);
    ting_heard heard[] = {{zhong_guo, 4, -2.0}, {zhong_guo, 2, -2.2}};
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

static void without_hanzi_the_text_is_pinyin(void **state)
{
    (void)state;
    ting_sentence_maker m = maker(NULL, 1);
    ting_heard heard = {zhong_guo, 4, -2};
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
    ting_heard heard[] = {{zhong_guo, 4, -2.0}, {zhong_guo, 2, -2.2}};
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
    ting_heard heard = {odd, 6, -3};
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_string_equal(s->text, "A A丙");
    assert_string_equal(s->pinyin, "A A guo2");
    assert_int_equal(s->token_count, 6);
    const ting_hit nothing[] = {{UNK, 0.4, 0.44, -1}, {SH, 0.8, 0.84, -1}};
    heard = (ting_heard){nothing, 2, -3};
    assert_ok(ting_sentence_make(&m, &heard, 1, arena, &s));
    assert_null(s);
    heard = (ting_heard){NULL, 0, 0};
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
        cmocka_unit_test(hypotheses_are_ranked_over_sound_and_text),
        cmocka_unit_test(without_hanzi_the_text_is_pinyin),
        cmocka_unit_test(a_writer_may_only_help_to_choose),
        cmocka_unit_test(odd_tokens_are_written_or_left_out),
    };
    return cmocka_run_group_tests(tests, read_pieces, NULL);
}
