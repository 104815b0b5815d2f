/* SPDX-License-Identifier: Apache-2.0 */
/* test_pinyin.c - the inventory of syllables and every notation, there and back. */
#include "support/support.h"

#include "base/utf8.h"
#include "text/pinyin.h"

#include <string.h>

static int read_text(const char *text)
{
    return ting_pinyin_read(text, strlen(text));
}

static void assert_reads(const char *text, const char *numbered)
{
    char out[TING_PINYIN_ROOM] = "(none)";
    int id = read_text(text);
    if (id != TING_PINYIN_NONE)
        ting_pinyin_write(id, TING_PINYIN_NUMBERED, out);
    if (strcmp(out, numbered) != 0)
        fail_msg("\"%s\" was read as %s, expected %s", text, out, numbered);
}

static void every_syllable_survives_every_notation(void **state)
{
    (void)state;
    const ting_pinyin_notation notations[] = {TING_PINYIN_NUMBERED, TING_PINYIN_MARKED, TING_PINYIN_TOKENS};
    for (int id = 0; id < TING_PINYIN_COUNT; id++) {
        char out[TING_PINYIN_ROOM];
        for (int k = 0; k < 3; k++) {
            memset(out, 'x', sizeof out);
            size_t length = ting_pinyin_write(id, notations[k], out);
            assert_true(length < TING_PINYIN_ROOM && strlen(out) == length);
            assert_true(ting_utf8_count(out, length) > 0);
            if (read_text(out) != id)
                fail_msg("syllable %d, written \"%s\", was read as %d", id, out, read_text(out));
        }
        size_t length = ting_pinyin_write(id, TING_PINYIN_PLAIN, out);
        assert_int_equal(ting_pinyin_read(out, length), ting_pinyin_with_tone(id, 5));
        assert_int_equal(ting_pinyin_join(ting_pinyin_initial(id), ting_pinyin_final(id), ting_pinyin_tone(id)), id);
        ting_pinyin_write(id, TING_PINYIN_TOKENS, out);
        const char *space = strchr(out, ' '), *final = space == NULL ? out : space + 1;
        ting_piece part = ting_piece_read(final, strlen(final));
        if (space != NULL) {
            assert_int_equal(ting_piece_read(out, (size_t)(space - out)).initial, ting_pinyin_initial(id));
            if (part.kind == TING_PIECE_FINAL)
                assert_int_equal(part.final, ting_pinyin_final(id));
            else /* hm5: the final m without a mark looks like an initial */
                assert_int_equal(ting_pinyin_final(id), TING_FINAL_m);
        } else if (part.kind == TING_PIECE_FINAL) {
            assert_int_equal(ting_pinyin_join(part.initial, part.final, part.tone), id);
        } else { /* neutral m and n */
            assert_int_equal(part.kind, TING_PIECE_INITIAL);
            assert_true(part.initial == TING_INITIAL_m || part.initial == TING_INITIAL_n);
        }
    }
}

static void the_inventory_is_sorted_and_has_the_usual_size(void **state)
{
    (void)state;
    int common = 0, used = 0;
    char before[TING_PINYIN_ROOM] = "", now[TING_PINYIN_ROOM];
    for (int base = 0; base < TING_PINYIN_BASES; base++) {
        ting_pinyin_write(ting_pinyin_id(base, 1), TING_PINYIN_PLAIN, now);
        assert_true(strcmp(before, now) < 0); /* until the first addition at the end */
        strcpy(before, now);
        bool any = false;
        for (int tone = 1; tone <= 5; tone++) {
            ting_pinyin_use use = ting_pinyin_usage(ting_pinyin_id(base, tone));
            common += use == TING_PINYIN_COMMON;
            used += use != TING_PINYIN_UNUSED;
            any = any || use != TING_PINYIN_UNUSED;
        }
        assert_true(any);
    }
    /* Xiandai Hanyu Cidian counts about 410 bases and 1,300 toned syllables; the rest are neutral tones,
     * interjections and readings of rare characters */
    assert_in_range(TING_PINYIN_BASES, 410, 440);
    assert_in_range(common, 1300, 1500);
    assert_in_range(used, common + 1, 1650);
    /* ids are for good: these were true in the first version */
    assert_int_equal(read_text("a1"), 0);
    assert_int_equal(read_text("zuo5"), 5 * 428 + 4);
    assert_int_equal(read_text("ê5"), 5 * 429 + 4);
}

static void variants_are_understood(void **state)
{
    (void)state;
    const char *pairs[][2] = {
        {"zhong1", "zhong1"}, {"zhōng", "zhong1"}, {"ZHONG1", "zhong1"}, {"ZHŌNG", "zhong1"},
        {"zh ōng", "zhong1"}, {"zhong", "zhong5"}, {"zhong0", "zhong5"}, {"zhōng1", "zhong1"},
        {"zho\xCC\x84ng", "zhong1"}, /* combining macron */
        {"lv4", "lv4"}, {"lü4", "lv4"}, {"lu:4", "lv4"}, {"lǜ", "lv4"}, {"l ǜ", "lv4"}, {"LÜ4", "lv4"},
        {"lu\xCC\x88\xCC\x80", "lv4"}, {"l\xC3\xBC\xCC\x80", "lv4"},
        {"lu4", "lu4"}, {"lüe4", "lve4"}, {"lue4", "lve4"}, {"nüè", "nve4"}, {"nuè", "nve4"}, {"lu:e4", "lve4"},
        {"ju4", "ju4"}, {"jv4", "ju4"}, {"jü4", "ju4"}, {"xve2", "xue2"}, {"qvan1", "quan1"}, {"yvn2", "yun2"},
        {"j iù", "jiu4"}, {"y ǒu", "you3"}, {"sh ì", "shi4"}, {"d e", "de5"}, {"ér", "er2"}, {"j ù", "ju4"},
        {"y uán", "yuan2"}, {"l üè", "lve4"}, {"w ǒ", "wo3"}, {"ān", "an1"}, {"a", "a5"}, {"ou", "ou5"},
        {"r5", "er5"}, {"r", "er5"}, {"ng2", "ng2"}, {"ńg", "ng2"}, {"ń", "n2"}, {"n4", "n4"}, {"ǹ", "n4"},
        {"ḿ", "m2"}, {"hm5", "hm5"}, {"hng", "hng5"}, {"ê4", "ê4"}, {"ề", "ê4"}, {"ế5", "ê2"}, {"ê\xCC\x84", "ê1"},
        {"e\xCC\x82\xCC\x8C", "ê3"}, {"biáng", "biang2"}, {"fiao4", "fiao4"}, {"cei4", "cei4"}, {"yo1", "yo1"},
        {"lo5", "lo5"}, {"zhu\xC4\x83ng", "zhuang3"}, /* a with breve */
        {"z\xC9\x91n", "zan5"}, /* the round a of textbooks */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_reads(pairs[i][0], pairs[i][1]);
}

static void what_is_not_a_syllable_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {"", " ", "1", "zh", "zhong6", "zhong11", "zhong1 ", " zhong1", "zhōng2", "zhóngó", "bong1",
                         "jong1", "r1", "中", "zhong1x", "z", "\xCC\x84", ":", "z:", "zh  ōng", "ōng", "iàn", "w uo3",
                         "\xFF", "zh\xC5", "zhuangzhuang1", "l:4", "iu5", "v4", "zh o\xCC\x84", "a1 b1", "E1x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_reads(bad[i], "(none)");
    assert_int_equal(ting_pinyin_read("a\0b", 3), TING_PINYIN_NONE);
    assert_int_equal(ting_pinyin_join(TING_INITIAL_b, TING_FINAL_ong, 1), TING_PINYIN_NONE);
    assert_int_equal(ting_pinyin_join(TING_INITIAL_b, TING_FINAL_a, 0), TING_PINYIN_NONE);
    assert_int_equal(ting_pinyin_join(TING_INITIAL_b, TING_FINAL_none, 1), TING_PINYIN_NONE);
}

static void tokens_are_sorted_into_kinds(void **state)
{
    (void)state;
    const struct {
        const char *token;
        ting_piece_kind kind;
        int tone;
    } rows[] = {
        {"zh", TING_PIECE_INITIAL, 5}, {"m", TING_PIECE_INITIAL, 5}, {"n", TING_PIECE_INITIAL, 5}, {"r", TING_PIECE_INITIAL, 5},
        {"y", TING_PIECE_INITIAL, 5}, {"ōng", TING_PIECE_FINAL, 1}, {"ong1", TING_PIECE_FINAL, 1}, {"e", TING_PIECE_FINAL, 5},
        {"ér", TING_PIECE_FINAL, 2}, {"ń", TING_PIECE_FINAL, 2}, {"üè", TING_PIECE_FINAL, 4}, {"ān", TING_PIECE_FINAL, 1},
        {"zhōng", TING_PIECE_SYLLABLE, 1}, {"de5", TING_PIECE_SYLLABLE, 5}, {"r5", TING_PIECE_SYLLABLE, 5},
        {"<blk>", TING_PIECE_OTHER, 0}, {"○", TING_PIECE_OTHER, 0}, {"#0", TING_PIECE_OTHER, 0}, {"", TING_PIECE_OTHER, 0},
        {"中", TING_PIECE_OTHER, 0}, {"K", TING_PIECE_OTHER, 0}, {"A", TING_PIECE_OTHER, 0}, {"zh1", TING_PIECE_OTHER, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ting_piece part = ting_piece_read(rows[i].token, strlen(rows[i].token));
        if (part.kind != rows[i].kind || (part.kind != TING_PIECE_OTHER && part.tone != rows[i].tone))
            fail_msg("\"%s\": kind %d tone %d", rows[i].token, part.kind, part.tone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_syllable_survives_every_notation),
        cmocka_unit_test(the_inventory_is_sorted_and_has_the_usual_size),
        cmocka_unit_test(variants_are_understood),
        cmocka_unit_test(what_is_not_a_syllable_is_refused),
        cmocka_unit_test(tokens_are_sorted_into_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
