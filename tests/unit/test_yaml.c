/* SPDX-License-Identifier: Apache-2.0 */
/* test_yaml.c - values from outside put into a settings file, its text, what two differ in (the reader: test_p2h_data.c, fuzz_yaml.c). */
#include "support/support.h"

#include "base/yaml_text.h"

#include <string.h>

static const char text[] = "name: small\n"
                           "train: {steps: 10, rate: 0.1}\n"
                           "sources:\n"
                           "  - {path: a, weight: 1}\n"
                           "  - {path: b}\n";

static void values_replace_and_join(void **state)
{
    (void)state;
    ting_yaml_doc doc;
    ting_yaml *train, *sources, *group;
    const char *name = NULL;
    int steps = 0, seconds = 0, count = 0;
    double rate = 0, weight = 0, dims[4];
    assert_ok(ting_yaml_parse("r.yaml", text, strlen(text), &doc));
    static const char *const given[] = {"train.steps=5", "train.dims=[32, 64]", "sources.1.weight=0.25", "name=a=b",
                                        "new.in.deep=7", "train.steps=6",       "sources.0={path: c}"};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        assert_ok(ting_yaml_set(&doc, given[i]));
    assert_ok(ting_yaml_text(doc.root, "name", &name));
    assert_string_equal(name, "a=b");
    assert_ok(ting_yaml_child(doc.root, "train", TING_YAML_MAP, &train));
    assert_ok(ting_yaml_int(train, "steps", 0, 100, &steps));
    assert_int_equal(steps, 6); /* the last one counts */
    assert_ok(ting_yaml_real(train, "rate", 0, 1, &rate));
    assert_true(rate == 0.1); /* beside it nothing changed */
    assert_ok(ting_yaml_reals(train, "dims", 0, 100, 4, dims, &count));
    assert_true(count == 2 && dims[0] == 32 && dims[1] == 64);
    assert_ok(ting_yaml_done(train));
    assert_ok(ting_yaml_child(doc.root, "sources", TING_YAML_LIST, &sources));
    assert_ok(ting_yaml_text(sources->first, "path", &name));
    assert_string_equal(name, "c");
    assert_ok(ting_yaml_done(sources->first)); /* its weight went with the rest of it */
    assert_ok(ting_yaml_real(sources->first->next, "weight", 0, 1, &weight));
    assert_true(weight == 0.25);
    assert_ok(ting_yaml_child(doc.root, "new", TING_YAML_MAP, &group));
    assert_ok(ting_yaml_child(group, "in", TING_YAML_MAP, &group));
    assert_ok(ting_yaml_int(group, "deep", 0, 100, &seconds));
    assert_int_equal(seconds, 7);
    assert_ok(ting_yaml_done(doc.root));
    ting_yaml_free(&doc);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *part;
        ting_err code;
    } cases[] = {
        {"train.steps", "expected a key, \"=\" and a value", TING_ERR_ARGUMENT},
        {"train.steps=1\nname: x", "on one line", TING_ERR_ARGUMENT},
        {"=1", "expected 1 to 15 keys", TING_ERR_ARGUMENT},
        {"train..steps=1", "expected 1 to 15 keys", TING_ERR_ARGUMENT},
        {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "expected 1 to 15 keys", TING_ERR_ARGUMENT},
        {"name.x=1", "\"name\" is one value, nothing stands in it", TING_ERR_ARGUMENT},
        {"sources.2.weight=1", "the list has no item 2", TING_ERR_ARGUMENT},
        {"sources.first.weight=1", "the list has no item first", TING_ERR_ARGUMENT},
        {"train.steps=[1", "train.steps=[1:", TING_ERR_FORMAT},
        {"train.steps=&x 1", "anchors and tags", TING_ERR_FORMAT},
    };
    ting_yaml_doc doc;
    ting_yaml *train;
    int steps = 0;
    assert_ok(ting_yaml_parse("r.yaml", text, strlen(text), &doc));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fails(cases[i].code, cases[i].part, ting_yaml_set(&doc, cases[i].given));
    /* what a key holds, and whether there is such a key, is seen when it is read; the message names the assignment */
    assert_ok(ting_yaml_set(&doc, "train.steps=many"));
    assert_ok(ting_yaml_set(&doc, "train.stepz=1"));
    assert_ok(ting_yaml_child(doc.root, "train", TING_YAML_MAP, &train));
    assert_fails(TING_ERR_FORMAT, "train.steps=many:1: \"steps\" is \"many\"",
                 ting_yaml_int(train, "steps", 0, 9, &steps));
    ting_yaml_find(train, "rate");
    assert_fails(TING_ERR_FORMAT, "train.stepz=1:1: the key \"stepz\" is not known here", ting_yaml_done(train));
    ting_yaml_free(&doc);
}

static void list_difference(void *self, const char *key, const char *before, const char *after)
{
    ting_str_addf(self, "%s: %s, %s\n", key, before != NULL ? before : "-", after != NULL ? after : "-");
}

static void a_document_is_printed_and_compared(void **state)
{
    (void)state;
    static const char before[] = "name: \"a \\\"b\\\" #1\"\nold: {x: 1, y: [1, 2, 3]}\nnone: {}\nlist:\n  - {k: 字}\n  - {k: 2}\n";
    static const char after[] = "list: [{k: 字}, {k: 3, more: yes}]\nold: {x: 1, y: [1, 5]}\nnone: 7\nname: \"a \\\"b\\\" #1\"\n";
    ting_yaml_doc first, again, other;
    ting_str printed = {0}, differences = {0};
    assert_ok(ting_yaml_parse("before", before, strlen(before), &first));
    assert_ok(ting_yaml_parse("after", after, strlen(after), &other));
    ting_yaml_print(first.root, &printed);
    assert_string_equal(printed.text, "{\"name\":\"a \\\"b\\\" #1\",\"old\":{\"x\":\"1\",\"y\":[\"1\",\"2\",\"3\"]},"
                                   "\"none\":{},\"list\":[{\"k\":\"字\"},{\"k\":\"2\"}]}");
    assert_ok(ting_yaml_parse("again", printed.text, printed.length, &again));
    assert_true(ting_yaml_fingerprint(first.root) == ting_yaml_fingerprint(again.root));
    ting_yaml_compare(first.root, again.root, list_difference, &differences);
    assert_int_equal(differences.length, 0);
    ting_yaml_compare(first.root, other.root, list_difference, &differences);
    assert_string_equal(differences.text, "old.y.1: 2, 5\nold.y.2: 3, -\nnone: , 7\nlist.1.k: 2, 3\nlist.1.more: -, yes\n");
    ting_str_free(&printed);
    ting_str_free(&differences);
    ting_yaml_free(&first);
    ting_yaml_free(&again);
    ting_yaml_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_replace_and_join),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(a_document_is_printed_and_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
