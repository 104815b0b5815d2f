/* SPDX-License-Identifier: Apache-2.0 */
/* test_pinyin_line.c - lines of pinyin in hanzi through the public interface, with the models that ship. */
#include "support/support.h"

#include "support/failing.h"

#include "tingxie.h"

#include <string.h>

static ting_model *model;

static int open_model(void **state)
{
    (void)state;
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = "models";
    return ting_model_open("models/tingxie.gguf", &options, &model);
}

static int close_model(void **state)
{
    (void)state;
    ting_model_free(model);
    return 0;
}

static ting_err put(const char *line, int nbest, ting_written **out, int *count)
{
    return ting_write_pinyin(model, line, strlen(line), nbest, out, count);
}

static void lines_come_best_first(void **state)
{
    (void)state;
    ting_written *lines;
    int count;
    assert_ok(put("ni3 hǎo  shi4 jie4", 1, &lines, &count));
    assert_int_equal(count, 1);
    assert_string_equal(lines[0].text, "你好世界");
    ting_written_free(lines);
    assert_ok(put("zhong1 guo2 yin2 hang2", 64, &lines, &count));
    assert_in_range(count, 2, 64);
    assert_string_equal(lines[0].text, "中国银行");
    for (int i = 1; i < count; i++) {
        assert_true(lines[i].score <= lines[i - 1].score);
        assert_string_not_equal(lines[i].text, lines[0].text);
        assert_int_equal(strlen(lines[i].text), strlen(lines[0].text));
    }
    ting_written_free(lines);
    assert_ok(put("", 1, &lines, &count));
    assert_true(count == 1 && lines[0].text[0] == '\0');
    ting_written_free(lines);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    ting_written *lines = (ting_written *)&lines;
    int count = 7;
    ting_model *deaf;
    ting_model_options options;
    assert_fails(TING_ERR_FORMAT, "word 2, \"qqq\", is not a pinyin syllable", put("a1 qqq", 1, &lines, &count));
    assert_true(lines == NULL && count == 0);
    assert_fails(TING_ERR_ARGUMENT, "nbest is 0: 1 to 64", put("a1", 0, &lines, &count));
    assert_fails(TING_ERR_ARGUMENT, "nbest is 65: 1 to 64", put("a1", 65, &lines, &count));
    assert_fails(TING_ERR_ARGUMENT, "no line", ting_write_pinyin(model, NULL, 0, 1, &lines, &count));
    assert_fails(TING_ERR_ARGUMENT, "no model", ting_write_pinyin(NULL, "a1", 2, 1, &lines, &count));
    ting_model_options_defaults(&options, sizeof options);
    options.hanzi = 0;
    assert_ok(ting_model_open("models/tingxie.gguf", &options, &deaf));
    assert_fails(TING_ERR_MODEL, "without a pinyin-to-hanzi network", ting_write_pinyin(deaf, "a1", 2, 1, &lines, &count));
    ting_model_free(deaf);
}

static ting_err once(void *arg)
{
    (void)arg;
    ting_written *lines;
    int count;
    const ting_err err = put("ni3 hao3", 2, &lines, &count);
    ting_written_free(lines);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(once, NULL) >= 2); /* the arena and the lines */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_best_first),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
