/* SPDX-License-Identifier: Apache-2.0 */
/* test_nbest.c - lists of the best lines of utterances: how they are read, ranked, and weights found beside a search of all. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/nbest_text.h"
#include "engine/tool_rerank.h"
#include "model/ngram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ting_err parse(const char *text, ting_nbest *out)
{
    return ting_nbest_parse("list", text, strlen(text), out);
}

static void lines_of_an_utterance_come_together(void **state)
{
    (void)state;
    ting_nbest n;
    assert_ok(parse("\xEF\xBB\xBF" "b\t一\t1\t-2e1\n\na\t二\t3\t4\r\n b \t\t5\t6\nbb\t三\t7\t8", &n));
    assert_int_equal(n.count, 4);
    assert_int_equal(n.utterances, 3);
    assert_int_equal(n.scores, 2);
    static const size_t starts[] = {0, 2, 3, 4};
    assert_memory_equal(n.starts, starts, sizeof starts);
    assert_true(ting_view_is(n.lines[0].utterance, "b") && ting_view_is(n.lines[0].text, "一") && n.lines[0].scores[1] == -20);
    assert_true(ting_view_is(n.lines[1].utterance, "b") && n.lines[1].text.length == 0 && n.lines[1].scores[0] == 5);
    assert_true(ting_view_is(n.lines[3].utterance, "bb") && n.lines[3].scores[1] == 8);
    ting_nbest_free(&n);
    assert_ok(parse("", &n));
    assert_int_equal(n.utterances, 0);
    ting_nbest_free(&n);
}

/* As tingxie transcribe --nbest of several files, and tingxie p2h --nbest. */
static void lists_with_ranks_are_read(void **state)
{
    (void)state;
    ting_nbest n;
    assert_ok(parse("a.wav\t1\t-1.5\t一\na.wav\t2\t-2\t二\na.wav\t1\t-3\t三\nb.wav\t1\t-4\t4\r\n5\t0\t\t\n", &n));
    assert_true(n.ranked);
    assert_int_equal(n.count, 5);
    assert_int_equal(n.scores, 1);
    static const size_t starts[] = {0, 2, 3, 4, 5}; /* a.wav has two sentences; of line 5 there is no hypothesis */
    assert_int_equal(n.utterances, 4);
    assert_memory_equal(n.starts, starts, sizeof starts);
    assert_true(ting_view_is(n.lines[1].utterance, "a.wav") && ting_view_is(n.lines[1].text, "二") && n.lines[1].scores[0] == -2);
    assert_true(ting_view_is(n.lines[3].text, "4"));
    assert_true(n.lines[4].text.length == 0 && n.lines[4].scores[0] == 0);
    ting_nbest_free(&n);
    assert_ok(parse("a\t1\t-1.5\t-2\na\t2\t-2\t0\n", &n)); /* digits that were said, and two scores */
    assert_true(!n.ranked && n.scores == 2 && ting_view_is(n.lines[1].text, "2"));
    ting_nbest_free(&n);
    assert_ok(parse("1\t-1.5\t一\n2\t-2\t二\n1\t-3\t三\n0\t\t\n", &n)); /* of one file */
    assert_true(n.ranked && n.utterances == 3 && ting_view_is(n.lines[2].utterance, "-") && ting_view_is(n.lines[2].text, "三"));
    assert_true(n.lines[1].scores[0] == -2 && n.lines[3].text.length == 0);
    ting_nbest_free(&n);
    assert_ok(parse("1\t一\t-1.5\n2\t二\t-2\n", &n)); /* utterances that are called 1 and 2 */
    assert_true(!n.ranked && n.scores == 1 && ting_view_is(n.lines[1].text, "二"));
    ting_nbest_free(&n);
    assert_fails(TING_ERR_FORMAT, "list:2: \"x\", expected a number", parse("a\t1\t-1.5\t一\na\t2\tx\t二\n", &n));
    assert_fails(TING_ERR_FORMAT, "list:1: expected the name", parse("\t1\t-1.5\t一\n", &n));
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    ting_nbest n;
    assert_fails(TING_ERR_FORMAT, "list:2: expected an utterance, a tab and a text", parse("a\t一\nb\n", &n));
    assert_fails(TING_ERR_FORMAT, "list:1: expected an utterance", parse("\t一\t1\n", &n));
    assert_fails(TING_ERR_FORMAT, "list:2: 0 scores, expected 1", parse("a\t一\t1\nb\t二\n", &n));
    assert_fails(TING_ERR_FORMAT, "9 scores, expected at most 8", parse("a\t一\t1\t2\t3\t4\t5\t6\t7\t8\t9\n", &n));
    assert_fails(TING_ERR_FORMAT, "\"1,5\", expected a number", parse("a\t一\t1,5\n", &n));
    assert_fails(TING_ERR_FORMAT, "\"nan\", expected a number", parse("a\t一\tnan\n", &n));
    assert_fails(TING_ERR_FORMAT, "\"\", expected a number", parse("a\t一\t\n", &n));
}

/* ---- ranking ---- */

/* p(一) = 0.5, p(二) = 0.1, p(</s>) = 0.3, p(<unk>) = 0.1, whatever stands before. */
static ting_lm *make_lm(void)
{
    static const char block[] = "<unk>\0<s>\0</s>\0一\0二";
    static const double probs[] = {0.1, 0, 0.3, 0.5, 0.1};
    ting_ngram_table table = {.order = 1};
    ting_ngram *ngram;
    ting_lm *lm;
    char *path = ting_temp_path("one.gguf");
    assert_ok(ting_texts_make(block, sizeof block, 5, &table.words));
    for (uint32_t w = 0; w < 5; w++)
        assert_ok(ting_ngram_table_add(&table, 1, &w, probs[w] > 0 ? log(probs[w]) : TING_NGRAM_NEVER, 0));
    assert_ok(ting_ngram_table_seal(&table));
    assert_ok(ting_ngram_make(&table, &ngram));
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_schema_begin(writer, "one", (const char *const[]){"lm"}, 1);
    ting_ngram_put(ngram, writer);
    assert_ok(ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    ting_ngram_free(ngram);
    ting_ngram_table_free(&table);
    assert_ok(ting_lm_open(path, &lm));
    ting_free(path);
    return lm;
}

static ting_err rank(const ting_lm *lm, const char *list, const char *said, const ting_rerank_weights *weights, bool all,
                     ting_rerank_report *report, char *out, size_t room)
{
    const ting_rerank_text tune = {"said", said, said != NULL ? strlen(said) : 0};
    const ting_rerank_options options = {.list = {"list", list, strlen(list)}, .weights = *weights, .tune = said != NULL ? &tune : NULL, .all = all};
    memset(out, 0, room);
    FILE *stream = fmemopen(out, room, "w");
    assert_non_null(stream);
    const ting_err err = ting_tool_rerank(lm, &options, report, stream);
    fclose(stream);
    return err;
}

static void scores_are_summed_by_their_weights(void **state)
{
    (void)state;
    static const char list[] = "a\t二\t2\t9\nb\t一一\t-1\t0\na\t一\t1\t9\n";
    char out[256];
    ting_rerank_report report;
    ting_lm *lm = make_lm();
    assert_ok(rank(lm, list, NULL, &(ting_rerank_weights){.lm = 1, .bonus = 0.25, .other = {1, 0}}, true, &report, out, sizeof out));
    assert_true(report.utterances == 2 && report.lines == 3 && report.scores == 2);
    char want[256];
    snprintf(want, sizeof want, "a\t一\t%.4f\na\t二\t%.4f\nb\t一一\t%.4f\n", log(0.5 * 0.3) + 0.25 + 1, log(0.1 * 0.3) + 0.25 + 2,
             log(0.5 * 0.5 * 0.3) + 0.5 - 1);
    assert_string_equal(out, want);
    assert_ok(rank(lm, list, NULL, &(ting_rerank_weights){.lm = 0.1, .other = {1, 0}}, false, &report, out, sizeof out));
    assert_memory_equal(out, "a\t二\t", strlen("a\t二\t")); /* the list's own score counts for more */
    assert_ok(rank(lm, "a\t二\na\t一\n", NULL, &(ting_rerank_weights){.lm = 0}, false, &report, out, sizeof out));
    assert_string_equal(out, "a\t二\t0.0000\n"); /* of equal ones the first */
    ting_lm_free(lm);
}

static void the_weights_found_make_the_fewest_errors(void **state)
{
    (void)state;
    static const char list[] = "a\t二二\t2\na\t一一\t1\nb\t二\t5\nb\t一\t0\nc\t一一一\t1\nc\t一\t0.5\nd\t一\t9\n",
                      said[] = "a 一一\nb 二\nc 一\nnobody 一\n";
    char out[256];
    ting_rerank_report report;
    ting_lm *lm = make_lm();
    assert_ok(rank(lm, list, said, &(ting_rerank_weights){.other = {1}}, false, &report, out, sizeof out));
    assert_int_equal(report.units, 4);
    assert_int_equal(report.first, 4); /* 二二 twice wrong, two 一 too many */
    assert_int_equal(report.before, 4);
    assert_int_equal(report.after, 0);
    assert_int_equal(report.least, 0);
    assert_non_null(strstr(out, "a\t一一\t"));
    assert_non_null(strstr(out, "b\t二\t"));
    assert_non_null(strstr(out, "c\t一\t"));
    assert_non_null(strstr(out, "d\t一\t")); /* nobody knows what was said, and it is ranked all the same */
    assert_fails(TING_ERR_FORMAT, "none of the utterances of list", rank(lm, list, "z 一\n", &report.weights, false, &report, out, sizeof out));
    ting_lm_free(lm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_an_utterance_come_together),
        cmocka_unit_test(lists_with_ranks_are_read),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(scores_are_summed_by_their_weights),
        cmocka_unit_test(the_weights_found_make_the_fewest_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
