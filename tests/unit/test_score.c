/* SPDX-License-Identifier: Apache-2.0 */
/* test_score.c - units, files of utterances, error rates by kind. */
#include "support/support.h"

#include "base/str.h"
#include "support/failing.h"
#include "text/score.h"

#include <string.h>

static ting_view view(const char *text)
{
    return (ting_view){text, strlen(text)};
}

/* The units of a text, joined by '|'. */
static void units_of(const char *text, ting_units_options options, ting_str *out)
{
    ting_words_table *table = ting_words_table_new();
    ting_units units = {0};
    assert_ok(ting_units_read(table, &options, text, strlen(text), &units));
    ting_str_clear(out);
    ting_str_add(out, "");
    for (int i = 0; i < units.count; i++) {
        ting_str_add(out, i > 0 ? "|" : "");
        ting_str_add_bytes(out, units.text.text + units.offsets[i], (size_t)units.lengths[i]);
    }
    ting_units_free(&units);
    ting_words_table_free(table);
}

static void text_is_cut_into_units(void **state)
{
    (void)state;
    const ting_units_options words = {0}, letters = {.letters = true}, marks = {.punctuation = true};
    const struct {
        const char *text;
        ting_units_options options;
        const char *units;
    } rows[] = {
        {"今天，天气 好。", words, "今|天|天|气|好"},
        {"ＡＢＣ１２", words, "abc|1|2"},
        {"iPhone手机Don't Stop!", words, "iphone|手|机|don't|stop"},
        {"rock'n'roll 'quoted'", words, "rock'n'roll|quoted"},
        {"A.B-c", words, "a|b|c"},
        {"abC2", letters, "a|b|c|2"},
        {"қазір болған", words, "қазір|болған"}, /* any alphabet makes words */
        {"カタカナ", words, "カ|タ|カ|ナ"},
        {"ガ", words, "ガ"}, /* half width kana and mark compose */
        {"e\xCC\x81t\xC3\xA9", words, "été"},
        {"𠮷野家〇", words, "𠮷|野|家|〇"},
        {"\xEF\xA4\x80", words, "豈"}, /* compatibility ideograph U+F900 */
        {"好\xFF\xE5好", words, "好|\xEF\xBF\xBD|\xEF\xBF\xBD|好"},
        {"  好， 吧  ", marks, "好|,| |吧"},
        {"\xE2\x80\x8B\xEF\xBB\xBF好\t\r\n", words, "好"},
        {"５０％", words, "5|0"},
        {"", words, ""},
        {"，。！", words, ""},
    };
    ting_str out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        units_of(rows[i].text, rows[i].options, &out);
        assert_string_equal(out.text, rows[i].units);
    }
    ting_str_free(&out);
}

static void a_storm_of_combining_marks_ends_in_time(void **state)
{
    (void)state;
    ting_str text = {0};
    ting_str_add(&text, "e");
    for (int i = 0; i < 200000; i++) /* classes 230 and 220 in turn: the worst order */
        ting_str_add(&text, i % 2 == 0 ? "\xCC\x81" : "\xCC\xA3");
    ting_words_table *table = ting_words_table_new();
    ting_units units = {0};
    assert_ok(ting_units_read(table, &(ting_units_options){0}, text.text, text.length, &units));
    assert_int_equal(units.count, 1);
    ting_units_free(&units);
    ting_words_table_free(table);
    ting_str_free(&text);
}

static ting_transcript *transcript_of(const char *text, const char *column)
{
    ting_transcript *t = NULL;
    assert_ok(ting_transcript_read("t", text, strlen(text), column, &t));
    return t;
}

static void assert_utterance(const ting_transcript *t, int index, const char *id, const char *text)
{
    const ting_utterance *u = ting_transcript_at(t, index);
    assert_true(u->id.length == strlen(id) && memcmp(u->id.text, id, strlen(id)) == 0);
    assert_true(u->text.length == strlen(text) && memcmp(u->text.text, text, strlen(text)) == 0);
}

static void the_three_forms_are_read(void **state)
{
    (void)state;
    ting_transcript *t = transcript_of("\xEF\xBB\xBFid\tpath\ttext\tpinyin\r\na\tx/a.wav\t你好\tni3 hao3\r\n\r\nb\tx/b.wav\t\t\n", NULL);
    assert_int_equal(ting_transcript_count(t), 2);
    assert_utterance(t, 0, "a", "你好");
    assert_int_equal(ting_transcript_at(t, 0)->pinyin.length, 8);
    assert_utterance(t, 1, "b", "");
    assert_int_equal(ting_transcript_at(t, 1)->line, 4);
    ting_transcript_free(t);
    t = transcript_of("x/a b.wav\t你 好\textra\nc.wav\nd\t", NULL);
    assert_utterance(t, 0, "x/a b.wav", "你 好");
    assert_utterance(t, 1, "c.wav", "");
    assert_utterance(t, 2, "d", "");
    ting_transcript_free(t);
    t = transcript_of("a 你 好\nb   吧 \nc", NULL);
    assert_utterance(t, 0, "a", "你 好");
    assert_utterance(t, 1, "b", "吧");
    assert_utterance(t, 2, "c", "");
    ting_transcript_free(t);
    t = transcript_of("id\tpinyin\tgreedy\na\tni3\tn ǐ\n", "greedy");
    assert_utterance(t, 0, "a", "n ǐ");
    ting_transcript_free(t);
    t = transcript_of("path\tpinyin\nx/a.wav\tni3\n", NULL);
    assert_utterance(t, 0, "x/a.wav", "ni3");
    ting_transcript_free(t);
    assert_fails(TING_ERR_ARGUMENT, "no column \"nope\"; its first line is \"id\ttext\"",
                 ting_transcript_read("t", "id\ttext\na\tb\n", 12, "nope", &t));
    assert_fails(TING_ERR_FORMAT, "t: empty", ting_transcript_read("t", " \n\n", 3, NULL, &t));
    assert_fails(TING_ERR_FORMAT, "t:2: no id", ting_transcript_read("t", "a\tb\n\tc\n", 7, NULL, &t));
    assert_null(t);
}

static void utterances_are_found_by_id_path_and_name(void **state)
{
    (void)state;
    ting_transcript *t = transcript_of("id\tpath\ttext\nA\tdir/one.flac\t1\nB\tx/1.wav\t2\nC\ty/1.wav\t3\n.hid\tz/.hid\t4\nS01.W02\tq/S01.W02.opus\t5\n", NULL);
    const struct {
        const char *id;
        int index;
    } rows[] = {
        {"A", 0}, {"dir/one.flac", 0}, {"one", 0}, {"one.wav", 0}, {"/data/dir/one.mp3", 0}, {"B", 1},
        {"x/1.wav", 1}, {"/data/y/1.wav", 2}, {"1.wav", TING_MATCH_AMBIGUOUS}, {"z/1.wav", TING_MATCH_AMBIGUOUS},
        {"nothing", TING_MATCH_NONE}, {"", TING_MATCH_NONE}, {".hid", 3}, {"S01.W02", 4}, {"out/S01.W02.wav", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ting_transcript_find(t, view(rows[i].id)) != rows[i].index)
            fail_msg("%s: found %d, expected %d", rows[i].id, ting_transcript_find(t, view(rows[i].id)), rows[i].index);
    ting_transcript_free(t);
}

static const char table[] = "在\tzai4\n再\tzai4\n今\tjin1\n天\ttian1\n田\ttian2\n年\tnian2\n点\tdian3\n四\tsi4\n是\tshi4\n气\tqi4\n好\thao3\n";

static void substitutions_are_told_apart_by_sound(void **state)
{
    (void)state;
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_ok(ting_lexicon_add_text(lexicon, "table", table, strlen(table), TING_LEXICON_COMMON));
    ting_scorer *scorer = ting_scorer_new(lexicon, &(ting_score_options){0});
    ting_view none = {"", 0};
    ting_scored scored;
    /* homophone, tone, initial, several, unread; one deletion; one insertion */
    assert_ok(ting_scorer_add(scorer, view("在天四点今，气好"), none, view("再田是年X今好好"), &scored));
    assert_int_equal(scored.counts.units, 7);
    assert_int_equal(scored.counts.kinds[TING_SCORE_HOMOPHONE], 1);
    assert_int_equal(scored.counts.kinds[TING_SCORE_TONE], 1);
    assert_int_equal(scored.counts.kinds[TING_SCORE_INITIAL], 1);
    assert_int_equal(scored.counts.kinds[TING_SCORE_SEVERAL], 2); /* 点 年, 气 好 */
    assert_int_equal(scored.counts.insertions, 1);                /* x */
    assert_int_equal(scored.counts.deletions, 0);
    assert_ok(ting_scorer_add(scorer, view("在"), view("zai1"), view("再"), &scored)); /* its own pinyin counts */
    assert_int_equal(scored.counts.kinds[TING_SCORE_TONE], 1);
    assert_ok(ting_scorer_add(scorer, view("今天"), none, view(""), &scored));
    assert_int_equal(scored.counts.deletions, 2);
    assert_ok(ting_scorer_add(scorer, view("今天"), none, view("今天。"), &scored));
    assert_int_equal(scored.counts.matches, 2);
    const ting_score_counts *totals = ting_scorer_totals(scorer);
    assert_int_equal(totals->units, 12);
    assert_int_equal(totals->utterances, 4);
    assert_int_equal(totals->wrong_utterances, 3);
    /* (5 + 1 + 1 + 2) / 12 */
    assert_true(ting_score_rate(totals) == 9.0 / 12);
    const ting_confusion *pairs;
    int count;
    assert_ok(ting_scorer_confusions(scorer, &pairs, &count));
    assert_int_equal(count, 8);
    ting_str text = {0};
    ting_scorer_write_unit(scorer, pairs[0].ref, &text);
    ting_scorer_write_unit(scorer, pairs[0].hyp, &text);
    assert_int_equal(pairs[0].count, 2);
    assert_string_equal(text.text, "在再");
    ting_str_free(&text);
    ting_scorer_free(scorer);
    ting_lexicon_free(lexicon);
}

static void syllables_are_scored_with_and_without_tone(void **state)
{
    (void)state;
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_ok(ting_lexicon_add_text(lexicon, "table", table, strlen(table), TING_LEXICON_COMMON));
    ting_scorer *scorer = ting_scorer_new(lexicon, &(ting_score_options){.syllables = true, .ref_pinyin = true, .hyp_pinyin = true});
    ting_view none = {"", 0};
    ting_scored scored;
    assert_ok(ting_scorer_add(scorer, view("jin1 tian1 tian1 qi4"), none, view("j ìn t iān n ián q ì oops"), &scored));
    assert_int_equal(scored.counts.substitutions, 2);
    assert_int_equal(scored.counts.insertions, 1);
    assert_int_equal(scored.counts.kinds[TING_SCORE_TONE], 1);
    assert_int_equal(scored.counts.kinds[TING_SCORE_SEVERAL], 1);
    const ting_score_counts *toneless = ting_scorer_toneless(scorer);
    assert_int_equal(toneless->substitutions, 1);
    assert_int_equal(toneless->units, 4);
    ting_scorer_free(scorer);
    scorer = ting_scorer_new(lexicon, &(ting_score_options){.syllables = true, .hyp_pinyin = true});
    /* hanzi on the reference's side: its own pinyin, or the lexicon */
    assert_ok(ting_scorer_add(scorer, view("今天"), view("jin1 tian2"), view("jin1 tian2"), &scored));
    assert_int_equal(scored.counts.matches, 2);
    assert_ok(ting_scorer_add(scorer, view("今天A"), none, view("jin1 tian1"), &scored));
    assert_int_equal(scored.counts.matches, 2);
    assert_int_equal(scored.counts.deletions, 1);
    ting_scorer_free(scorer);
    ting_lexicon_free(lexicon);
}

static void empty_references_have_a_defined_rate(void **state)
{
    (void)state;
    ting_scorer *scorer = ting_scorer_new(NULL, &(ting_score_options){0});
    assert_true(ting_score_rate(ting_scorer_totals(scorer)) == 0);
    assert_ok(ting_scorer_add(scorer, view(""), view(""), view("好"), NULL));
    assert_true(ting_score_rate(ting_scorer_totals(scorer)) == 1);
    ting_scorer_free(scorer);
}

static void pinyin_files_are_recognised(void **state)
{
    (void)state;
    const char *yes[] = {"a zhong1 guo2\nb\n", "id\tpinyin\na\tzh ōng g uó\n"};
    const char *no[] = {"a 中国\n", "a\n", "a hello world ni3\n"};
    for (int i = 0; i < 2; i++) {
        ting_transcript *t = transcript_of(yes[i], NULL);
        assert_true(ting_transcript_is_pinyin(t));
        ting_transcript_free(t);
    }
    for (int i = 0; i < 3; i++) {
        ting_transcript *t = transcript_of(no[i], NULL);
        assert_false(ting_transcript_is_pinyin(t));
        ting_transcript_free(t);
    }
}

static ting_err score_something(void *arg)
{
    ting_err err = TING_OK;
    const ting_confusion *pairs;
    ting_transcript *t = NULL;
    ting_scorer *scorer = NULL;
    int count;
    (void)arg;
    static const char two[] = "a\t今天abc\nb\tzai4\n";
    TRY(ting_transcript_read("t", two, sizeof two - 1, NULL, &t));
    scorer = ting_scorer_new(NULL, &(ting_score_options){.syllables = true, .hyp_pinyin = true});
    if (scorer == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_scorer_add(scorer, ting_transcript_at(t, 0)->text, view(""), view("jin1 oops"), NULL));
    TRY(ting_scorer_add(scorer, ting_transcript_at(t, 1)->text, view("zai4"), view("z ài"), NULL));
    TRY(ting_scorer_confusions(scorer, &pairs, &count));
out:
    ting_scorer_free(scorer);
    ting_transcript_free(t);
    return err;
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(score_something, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_into_units),
        cmocka_unit_test(a_storm_of_combining_marks_ends_in_time),
        cmocka_unit_test(the_three_forms_are_read),
        cmocka_unit_test(utterances_are_found_by_id_path_and_name),
        cmocka_unit_test(substitutions_are_told_apart_by_sound),
        cmocka_unit_test(syllables_are_scored_with_and_without_tone),
        cmocka_unit_test(empty_references_have_a_defined_rate),
        cmocka_unit_test(pinyin_files_are_recognised),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
