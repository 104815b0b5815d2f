/* SPDX-License-Identifier: Apache-2.0 */
/* test_clip_label.c - text to spoken characters, and labels of clips to syllables and to the frames that CTC needs. */
#include "support/support.h"

#include "data/clip_label.h"
#include "support/failing.h"
#include "text/plain.h"

#include <string.h>

static void assert_plain(const char *want, const char *text)
{
    ting_str out = {0};
    assert_ok(ting_text_plain(text, strlen(text), &out));
    assert_string_equal(out.text != NULL ? out.text : "", want);
    ting_str_free(&out);
}

static void text_becomes_what_is_spoken(void **state)
{
    (void)state;
    assert_plain("你好世界", "你 好，世　界！\r\n");
    assert_plain("他说好的", "“他”说：《好的》……——（）、·");
    assert_plain("K歌OK 3个", "Ｋ歌 ＯＫ ３个");                   /* full width becomes half width */
    assert_plain("用iPhone 15 Pro吗", "用 iPhone  15\tPro 吗？"); /* a space stays between letters or digits only */
    assert_plain("50%的C#", "50% 的 C#");
    assert_plain("〇是零", "〇是零");
    assert_plain("广", "⼴"); /* a radical is the hanzi that it stands for: U+2F34 */
    assert_plain("é2", "é²");
    assert_plain("", " ，。~^`|\xE2\x80\x8B");
    assert_plain("a\xEF\xBF\xBD好", "a\xFF好");
}

static void assert_label(const char *text, const char *pinyin, int count, int frames, int hanzi)
{
    ting_label_reader reader = {0};
    ting_clip_label label;
    assert_ok(ting_label_read(&reader, &(ting_clip){.id = "a", .path = "a", .text = text, .pinyin = pinyin}, &label));
    assert_int_equal(label.count, count);
    assert_int_equal(label.frames, frames);
    assert_int_equal(label.hanzi, hanzi);
    ting_label_reader_free(&reader);
}

static void ctc_needs_a_frame_for_each_part_and_repeat(void **state)
{
    (void)state;
    assert_label(NULL, "ni3 hao3", 2, 4, -1);      /* n i3 h ao3 */
    assert_label(NULL, "an1 an1 e2", 3, 4, -1);    /* an1 blank an1 e2 */
    assert_label(NULL, "an1 an4", 2, 2, -1);       /* another tone is another label */
    assert_label(NULL, "ma1 ma1 a1 a1", 4, 8, -1); /* m a1 m a1 blank a1 blank a1 */
    assert_label("你 好！", NULL, 0, 0, 2);        /* no tables: counted, not read */
    assert_label("你好", "nǐ h ǎo", 2, 4, 2);      /* any notation */
    assert_label(NULL, NULL, 0, 0, -1);
    assert_label(NULL, "ni3 xyz hao3", 3, 5, -1); /* what is no syllable is one label */
}

static void frames_are_of_the_table(void **state)
{
    (void)state;
    static const int want[] = {[TING_TOKENS_PARTS] = 7, [TING_TOKENS_SYLLABLES] = 5, [TING_TOKENS_CHARACTERS] = 5};
    const ting_clip clip = {.id = "a", .path = "a", .text = "妈马啊 啊", .pinyin = "ma1 ma1 a1 a5"};
    for (int table = 0; table < 3; table++) {
        ting_label_reader reader = {.table = (ting_token_table)table};
        ting_clip_label label;
        assert_ok(ting_label_read(&reader, &clip, &label));
        /* m a1 m a1 blank a1 a5; ma1 blank ma1 a1 a5; 妈 马 啊 blank 啊 */
        assert_int_equal(label.frames, want[table]);
        ting_label_reader_free(&reader);
    }
}

static void text_is_read_with_the_tables(void **state)
{
    (void)state;
    static const char table[] = "你\tni3\n好\thao3 hao4\n不\tbu4\n是\tshi4\n";
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_ok(ting_lexicon_add_text(lexicon, "table", table, sizeof table - 1, TING_LEXICON_COMMON));
    ting_label_reader reader = {.lexicon = lexicon};
    ting_clip_label label;
    assert_ok(ting_label_read(&reader, &(ting_clip){.text = "你好，龘X!"}, &label));
    assert_int_equal(label.count, 4);
    assert_int_equal(label.ids[1], ting_pinyin_read("hao3", 4));
    assert_int_equal(label.ids[2], TING_PINYIN_NONE);
    assert_int_equal(label.unread, 0x9F98); /* 龘 */
    assert_int_equal(label.unread_count, 2);
    assert_int_equal(label.hanzi, 3);
    assert_ok(ting_label_read(&reader, &(ting_clip){.text = "不是"}, &label)); /* before the fourth tone 不 is bu2 */
    assert_int_equal(label.ids[0], ting_pinyin_read("bu2", 3));
    assert_ok(ting_label_read(
        &reader, &(ting_clip){.text = "你", .pinyin = "wrong1234567890123456789012345678901234567890"}, &label));
    assert_string_equal(label.wrong, "wrong12345678901234567890123456"); /* 31 bytes */
    assert_int_equal(reader.syllables, 4);
    assert_int_equal(reader.hanzi, 6);
    assert_int_equal(ting_label_reader_hanzi(&reader), 5); /* 你 好 龘 不 是 */
    assert_int_equal(reader.examples[ting_pinyin_read("ni3", 3)], 1);
    ting_label_reader_free(&reader);
    ting_lexicon_free(lexicon);
}

static ting_err read_labels(void *arg)
{
    ting_label_reader reader = {.lexicon = arg};
    ting_clip_label label;
    ting_err err = ting_label_read(&reader, &(ting_clip){.text = "你好"}, &label);
    if (err == TING_OK)
        err = ting_label_read(&reader, &(ting_clip){.text = "你好", .pinyin = "ni3 hao3"}, &label);
    ting_label_reader_free(&reader);
    return err;
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_ok(ting_lexicon_add_text(lexicon, "table", "你\tni3\n", 8, TING_LEXICON_COMMON));
    assert_true(ting_fail_each_allocation(read_labels, lexicon) > 4);
    ting_lexicon_free(lexicon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_what_is_spoken),
        cmocka_unit_test(ctc_needs_a_frame_for_each_part_and_repeat),
        cmocka_unit_test(frames_are_of_the_table),
        cmocka_unit_test(text_is_read_with_the_tables),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
