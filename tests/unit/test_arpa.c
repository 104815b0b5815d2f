/* SPDX-License-Identifier: Apache-2.0 */
/* test_arpa.c - ARPA files: read, written and read again; what pruning left out; files that cannot be. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/arpa.h"
#include "model/ngram.h"

#include <math.h>
#include <string.h>

static const double LN10 = 2.302585092994046;

/* As SRILM writes it: a remark before, spaces and tabs, words in its own order, no backoff where it is 0. */
static const char text[] = "made by hand\n\n\\data\\\nngram 1=6\nngram 2=5\nngram 3=2\n\n\\1-grams:\n-0.9 天 -0.2\n-99\t<s>\t-0.3\n-0.5\t</s>\n-1.5\t气\t-0.25\n"
                           "-2\t<unk>\n-1.1 好\n\n\\2-grams:\r\n-0.4\t<s> 天\t-0.15\n-0.3\t天 气\t-0.1\n-0.7\t气 好\n-0.2\t好 </s>\n-0.8 天 天\n\n"
                           "\\3-grams:\n-0.1\t<s> 天 气\n-0.05\t气 好 </s>\n\n\\end\\\n";

static uint32_t id_of(const ting_ngram_table *t, const char *word)
{
    for (uint32_t w = 0; w < t->words.count; w++)
        if (strcmp(t->words.items[w], word) == 0)
            return w;
    fail_msg("no word %s", word);
    return 0;
}

static void assert_score(const ting_ngram_table *t, const ting_ngram *tree, double want, const char *const *words, int count)
{
    uint32_t ids[4];
    double got = 0;
    ting_ngram_state state = ting_ngram_empty();
    for (int i = 0; i < count; i++) {
        ids[i] = id_of(t, words[i]);
        state = strcmp(words[i], "<s>") == 0 ? ting_ngram_begin(tree) : state;
        got = strcmp(words[i], "<s>") == 0 ? 0 : ting_ngram_score(tree, &state, ids[i], &state);
    }
    assert_true(fabs(ting_ngram_table_score(t, count, ids) - want * LN10) < 1e-5);
    assert_true(fabs(got - want * LN10) < 1e-5); /* so few numbers are kept as they are */
}

static void assert_model(const ting_ngram_table *t)
{
    ting_ngram *tree;
    assert_ok(ting_ngram_make(t, &tree));
    assert_score(t, tree, -0.1, (const char *const[]){"<s>", "天", "气"}, 3);
    assert_score(t, tree, -0.1 - 0.7, (const char *const[]){"天", "气", "好"}, 3);        /* by way of backoff(天 气) */
    assert_score(t, tree, -0.15 - 0.2 - 0.5, (const char *const[]){"<s>", "天", "</s>"}, 3); /* twice */
    assert_score(t, tree, -0.25 - 0.9, (const char *const[]){"好", "气", "天"}, 3);
    assert_score(t, tree, -0.05, (const char *const[]){"气", "好", "</s>"}, 3);
    assert_score(t, tree, -2, (const char *const[]){"好", "<unk>"}, 2);
    ting_ngram_free(tree);
}

static void a_file_is_read_and_written(void **state)
{
    (void)state;
    ting_ngram_table first, second;
    char *path = ting_temp_path("model.arpa");
    assert_ok(ting_arpa_parse("by hand", text, strlen(text), &first));
    assert_int_equal(first.order, 3);
    assert_int_equal(first.words.count, 6);
    assert_string_equal(first.words.items[3], "天");
    assert_model(&first);
    assert_ok(ting_arpa_save(path, &first));
    assert_ok(ting_arpa_read(path, &second));
    assert_model(&second);
    for (int k = 0; k < 3; k++)
        assert_int_equal(first.level[k].count, second.level[k].count);
    ting_ngram_table_free(&first);
    ting_ngram_table_free(&second);
    ting_free(path);
}

/* The end "气 好" of the longest n-gram is gone, and the whole of order 2 below "好 天 气 ...": both come back without a change. */
static void what_pruning_left_out_is_put_in(void **state)
{
    (void)state;
    static const char pruned[] = "\\data\\\nngram 1=5\nngram 2=1\nngram 3=0\nngram 4=1\n\\1-grams:\n-99 <s> -0.3\n-0.5 </s>\n-0.9 天 -0.2\n-1.5 气 -0.25\n"
                                 "-1.1 好 -0.4\n\\2-grams:\n-0.3 天 气 -0.1\n\\3-grams:\n\\4-grams:\n-0.01 好 天 气 好\n\\end\\\n";
    ting_ngram_table t;
    ting_ngram *tree;
    assert_ok(ting_arpa_parse("pruned", pruned, strlen(pruned), &t));
    assert_int_equal(t.level[1].count, 3); /* 天 气, 好 天, 气 好 */
    assert_int_equal(t.level[2].count, 2);
    assert_true(t.level[0].prob[0] < -200); /* no <unk>: never */
    assert_ok(ting_ngram_make(&t, &tree));
    assert_score(&t, tree, -0.01, (const char *const[]){"好", "天", "气", "好"}, 4);
    assert_score(&t, tree, -0.1 - 0.25 - 1.1, (const char *const[]){"天", "气", "好"}, 3);
    assert_score(&t, tree, -0.3, (const char *const[]){"好", "天", "气"}, 3);
    assert_score(&t, tree, -0.4 - 0.9, (const char *const[]){"好", "天"}, 2);
    ting_ngram_free(tree);
    ting_ngram_table_free(&t);
}

/* The text with `from` replaced. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    char *out = ting_alloc(strlen(text) + strlen(to) + 1, 1);
    memcpy(out, text, (size_t)(at - text));
    strcat(out, to);
    return strcat(out, at + strlen(from));
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
    } cases[] = {
        {"\\data\\", "\\date\\", "no line \"\\data\\\""},
        {"ngram 1=6", "ngram 1=7", "6 n-grams of order 1, the head promises 7"},
        {"ngram 2=5", "ngram 3=5", "bad:5: \"ngram 3=5\", expected \"ngram 2=\""},
        {"ngram 1=6", "ngram 1=3000000", "6 n-grams of order 1, the head promises 3000000"}, /* as large models have */
        {"ngram 1=6", "ngram 1=-6", "\"-6\", expected how many n-grams follow"},
        {"ngram 1=6", "ngram 1=6.5", "\"6.5\", expected how many n-grams follow"},
        {"ngram 1=6", "ngram 1=", "\"\", expected how many n-grams follow"},
        {"ngram 1=6", "ngram 1=1234567890123", "of up to 12 digits"},
        {"-0.9 天", "0.9 天", "bad:9: 0.9, expected the logarithm of a probability"},
        {"-0.9 天", "nan 天", "\"nan\" is no number"},
        {"-0.9 天 -0.2", "-0.9", "a probability without a word"},
        {"-1.5\t气", "-1.5\t天", "\"天\", stands twice"},
        {"-2\t<unk>", "-2\t<s>", "the word \"<s>\" stands twice"},
        {"-99\t<s>\t-0.3", "-1 x", "\"<s>\" and \"</s>\" must have a probability"},
        {"气 好\n", "气 坏\n", "\"坏\" in the place of word 2 of 2"},
        {"天 天\n", "天\n", "\"\" in the place of word 2 of 2"},
        {"天 天\n", "天 气\n", "stands twice"},
        {"好 </s>\n-0.8", "</s> 好\n-0.8", "</s> before one"},
        {"\\3-grams:", "\\4-grams:", "expected \"\\3-grams:\""},
        {"\\end\\", "", "the file is cut off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_ngram_table t;
        char *bad = changed(cases[i].from, cases[i].to);
        assert_fails(TING_ERR_FORMAT, cases[i].said, ting_arpa_parse("bad", bad, strlen(bad), &t));
        ting_free(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_and_written),
        cmocka_unit_test(what_pruning_left_out_is_put_in),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
