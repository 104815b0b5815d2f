/* SPDX-License-Identifier: Apache-2.0 */
/* test_syllable.c - tokens to syllables, repairs, lines of pinyin. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "text/syllable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Feeds the words of a line as tokens 0, 1, 2 ... with start = number, end = number + 0.5, log_prob = -number, and
 * writes what comes out: id:repair:first_hit+hits@start-end/log_prob. */
static void merge_line(const char *line, ting_str *out)
{
    ting_piece parts[64];
    int count = 0;
    char copy[512];
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        parts[count++] = ting_piece_read(word, strlen(word));
    ting_merger merger;
    ting_merger_start(&merger, parts, count);
    ting_str_clear(out);
    ting_str_add(out, "");
    for (int i = 0; i <= count; i++) {
        ting_syllable s[2];
        int n = i < count ? ting_merger_feed(&merger, &(ting_hit){i, i, i + 0.5, -i}, s) : ting_merger_finish(&merger, s);
        for (int k = 0; k < n; k++) {
            char name[TING_PINYIN_ROOM] = "-";
            if (s[k].id != TING_PINYIN_NONE)
                ting_pinyin_write(s[k].id, TING_PINYIN_NUMBERED, name);
            ting_str_addf(out, "%s:%c:%ld+%d@%g-%g/%g ", name, "nscd"[s[k].repair], s[k].first_hit, s[k].hits,
                          s[k].start, s[k].end, s[k].log_prob);
        }
    }
}

static void tokens_become_syllables_with_times(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"j iù sh ì", "jiu4:n:0+2@0-1.5/-1 shi4:n:2+2@2-3.5/-5 "},
        {"ér y ǒu d e", "er2:n:0+1@0-0.5/0 you3:n:1+2@1-2.5/-3 de5:n:3+2@3-4.5/-7 "},
        {"zhong1 g uó", "zhong1:n:0+1@0-0.5/0 guo2:n:1+2@1-2.5/-3 "},
        {"sh zh ōng", "-:d:0+1@0-0.5/0 zhong1:n:1+2@1-2.5/-3 "},
        {"sh", "-:d:0+1@0-0.5/0 "},
        {"sh <unk> ìng", "-:d:0+1@0-0.5/0 -:n:1+1@1-1.5/-1 ying4:s:2+1@2-2.5/-2 "},
        {"j àng", "jiang4:c:0+2@0-1.5/-1 "},
        {"", ""},
    };
    ting_str out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        merge_line(rows[i][0], &out);
        assert_string_equal(out.text, rows[i][1]);
    }
    ting_str_free(&out);
}

static void a_token_outside_the_table_is_no_pinyin(void **state)
{
    (void)state;
    ting_piece part = ting_piece_read("zh", 2);
    ting_merger merger;
    ting_merger_start(&merger, &part, 1);
    ting_syllable out[2];
    for (int token = -1; token <= 1; token += 2) {
        assert_int_equal(ting_merger_feed(&merger, &(ting_hit){token, 0, 0, 0}, out), 1);
        assert_int_equal(out[0].id, TING_PINYIN_NONE);
        assert_int_equal(out[0].repair, TING_REPAIR_NONE);
    }
}

static void impossible_pairs_become_the_nearest_that_exist(void **state)
{
    (void)state;
    const char *rows[][2] = {
        {"j an4", "jian4"}, {"zh iang1", "zhang1"}, {"q a4", "qia4"}, {"w uo3", "wo3"}, {"y iu3", "you3"},
        {"y ian4", "yan4"}, {"w ui4", "wei4"}, {"w un4", "wen4"}, {"b ong4", "beng4"}, {"b uo1", "bo1"},
        {"f i1", "fei1"}, {"sh in1", "shen1"}, {"x eng1", "xing1"}, {"d uang1", "duang1"}, {"l ui2", "lei2"},
        {"n ui4", "nei4"}, {"m ong2", "meng2"},
        {"b ou1", "bao1"}, /* bo1, bao1 and bu1 are as near: the lowest id */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strcspn(rows[i][0], " ");
        ting_piece a = ting_piece_read(rows[i][0], n), b = ting_piece_read(rows[i][0] + n + 1, strlen(rows[i][0]) - n - 1);
        ting_repair repair;
        int id = ting_pinyin_repair(a.initial, b.final, b.tone, &repair);
        char name[TING_PINYIN_ROOM] = "-";
        if (id != TING_PINYIN_NONE)
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, name);
        if (strcmp(name, rows[i][1]) != 0)
            fail_msg("%s became %s, expected %s", rows[i][0], name, rows[i][1]);
    }
}

static void repair_never_touches_what_exists_and_always_gives_what_exists(void **state)
{
    (void)state;
    int repaired = 0, dropped = 0;
    for (int i = 0; i < TING_INITIAL_COUNT; i++)
        for (int f = 0; f < TING_FINAL_COUNT; f++)
            for (int tone = 1; tone <= 5; tone++) {
                ting_repair repair;
                int joined = ting_pinyin_join((ting_initial)i, (ting_final)f, tone);
                int id = ting_pinyin_repair((ting_initial)i, (ting_final)f, tone, &repair);
                assert_true(id >= TING_PINYIN_NONE && id < TING_PINYIN_COUNT);
                assert_int_equal(id == TING_PINYIN_NONE, repair == TING_REPAIR_DROPPED);
                if (joined != TING_PINYIN_NONE)
                    assert_true(id == joined && repair == TING_REPAIR_NONE);
                else if (id != TING_PINYIN_NONE) {
                    assert_int_equal(ting_pinyin_tone(id), tone);
                    repaired++;
                } else
                    dropped += f != TING_FINAL_none;
            }
    assert_true(repaired > 1000);
    /* what no confusion reaches: six pairs of 24 x 40, each with five tones */
    assert_int_equal(dropped, 6 * 5);
}

static void lines_are_read_in_every_notation(void **state)
{
    (void)state;
    const char *lines[] = {"zhong1 guo2 ren2 de5 lv4 er2", "zhōng guó rén de lǜ ér", "zh ōng g uó r én d e l ǜ ér",
                           "  zhong1\tguó r én  de lu:4\r\n ér "};
    ting_words words = {0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_ok(ting_words_read(lines[i], strlen(lines[i]), &words));
        assert_int_equal(words.count, 6);
        char all[128] = "";
        for (int k = 0; k < words.count; k++) {
            char name[TING_PINYIN_ROOM];
            assert_true(words.items[k].id != TING_PINYIN_NONE);
            ting_pinyin_write(words.items[k].id, TING_PINYIN_NUMBERED, name);
            strcat(strcat(all, name), " ");
        }
        assert_string_equal(all, "zhong1 guo2 ren2 de5 lv4 er2 ");
    }
    const char *odd = "m n ng hello sh ni3 n ǐ x x1";
    assert_ok(ting_words_read(odd, strlen(odd), &words));
    assert_int_equal(words.count, 9);
    /* m stays alone (n is no final of it); "n ng" is no syllable either */
    const int known[] = {1, 1, 1, 0, 0, 1, 1, 0, 0};
    for (int k = 0; k < 9; k++)
        assert_int_equal(words.items[k].id != TING_PINYIN_NONE, known[k]);
    assert_int_equal(words.items[6].length, strlen("n ǐ"));
    assert_ok(ting_words_read("", 0, &words));
    assert_int_equal(words.count, 0);
    ting_words_free(&words);
}

static void a_huge_line_is_read(void **state)
{
    (void)state;
    ting_str line = {0};
    for (int i = 0; i < 100000; i++)
        ting_str_add(&line, "zh ōng ");
    ting_words words = {0};
    assert_ok(ting_words_read(line.text, line.length, &words));
    assert_int_equal(words.count, 100000);
    ting_words_free(&words);
    ting_str_free(&line);
}

/* Each token of the public Zipformer is an initial, a final, or one of its other signs: capital letters, <..>, #n
 * and the circle. */
static void the_public_tokens_are_understood(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS");
    char *path = ting_path_join(models != NULL ? models : "../shared/models", "zipformer-wenetspeech-3.3m/tokens.txt");
    ting_file file = {0};
    if (ting_file_map(path, &file) != TING_OK) {
        ting_free(path);
        skip_because("no zipformer-wenetspeech-3.3m/tokens.txt in TING_MODELS or ../shared/models");
    }
    int kinds[TING_PIECE_COUNT] = {0};
    const char *text = (const char *)file.data, *end = text + file.size;
    while (text < end) {
        const char *space = memchr(text, ' ', (size_t)(end - text)), *newline = memchr(text, '\n', (size_t)(end - text));
        assert_true(space != NULL && newline != NULL && space < newline);
        ting_piece piece = ting_piece_read(text, (size_t)(space - text));
        kinds[piece.kind]++;
        if (piece.kind == TING_PIECE_OTHER)
            assert_true((text[0] >= 'A' && text[0] <= 'Z') || text[0] == '<' || text[0] == '#' || text[0] == '\xE2');
        text = newline + 1;
    }
    ting_file_unmap(&file);
    ting_free(path);
    assert_int_equal(kinds[TING_PIECE_INITIAL], TING_INITIAL_COUNT - 1); /* all of ours */
    assert_true(kinds[TING_PIECE_FINAL] > 140);
    assert_int_equal(kinds[TING_PIECE_SYLLABLE], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_become_syllables_with_times),
        cmocka_unit_test(a_token_outside_the_table_is_no_pinyin),
        cmocka_unit_test(impossible_pairs_become_the_nearest_that_exist),
        cmocka_unit_test(repair_never_touches_what_exists_and_always_gives_what_exists),
        cmocka_unit_test(lines_are_read_in_every_notation),
        cmocka_unit_test(a_huge_line_is_read),
        cmocka_unit_test(the_public_tokens_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
