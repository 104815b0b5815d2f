/* SPDX-License-Identifier: Apache-2.0 */
/* test_lm.c - tingxie lm train, ppl, generate: a small corpus with what is held out, a list of words, what cannot be. */
#include "support/support.h"
#include "support/program.h"
#include "support/zips.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sentences of a little grammar: who does what, sometimes where. Every tenth is about fish, of which nothing else speaks. */
static char *write_corpus(const char *name, int count)
{
    static const char *const who[] = {"我", "你", "他们", "老师"}, *const does[] = {"看书", "喝茶", "唱歌", "写字"}, *const where[] = {"", "在家", "在学校"};
    ting_str text = {0};
    ting_rng rng = ting_rng_new(7, 0);
    for (int i = 1; i <= count; i++) {
        if (i % 10 == 0)
            ting_str_add(&text, "鱼，游泳。\n");
        else
            ting_str_addf(&text, "%s%s%s。\n", who[ting_rng_below(&rng, 4)], where[ting_rng_below(&rng, 3)], does[ting_rng_below(&rng, 4)]);
    }
    char *path = ting_temp_text(name, text.text);
    ting_str_free(&text);
    return path;
}

/* The last column of a row that begins with `name`. */
static double last_column(const char *out, const char *name)
{
    const char *row = strstr(out, name);
    assert_non_null(row);
    const char *end = row + strcspn(row, "\n"), *tab = end;
    while (tab > row && *tab != '\t')
        tab--;
    return strtod(tab + 1, NULL);
}

/* What a recipe makes, out to other programs and back: the same. */
static void assert_out_and_back(const char *path, const char *model, const char *known)
{
    char *arpa = ting_temp_path("lm.arpa"), *back = ting_temp_path("back.gguf");
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", arpa, NULL}, "", 0, "");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"convert", arpa, "-o", back, "--name", "grammar", NULL}, "", 0, "");
    ting_program_free(&done);
    ting_program_run asked = ting_run_expecting((const char *const[]){"lm", "ppl", model, known, NULL}, "", 0, "");
    ting_program_run other = ting_run_expecting((const char *const[]){"lm", "ppl", back, known, NULL}, "", 0, "");
    assert_string_equal(asked.out, other.out);
    ting_program_free(&asked);
    ting_program_free(&other);
    done = ting_run_expecting((const char *const[]){"convert", "--precision", "int8", arpa, "-o", back, NULL}, "", 2, "whose numbers have one form");
    ting_program_free(&done);
    ting_free(arpa);
    ting_free(back);
}

static void a_model_is_trained_measured_and_asked(void **state)
{
    (void)state;
    char *corpus = write_corpus("corpus.txt", 2000), *model = ting_temp_path("lm.gguf"), *known = ting_temp_text("known.txt", "我在家喝茶\n老师唱歌\n"),
         *strange = ting_temp_text("strange.txt", "茶喝家在我\n\n鱼鱼鱼\n");
    ting_str recipe = {0};
    ting_str_addf(&recipe,
                  "model: {kind: ngram, order: 3, cutoffs: [0, 0, 1], memory: 8}\ntokens: {rare: 1}\nsources:\n"
                  "  - {name: grammar, file: %s, licence: CC0-1.0, leave_every: 10}\n  - {name: fish, file: %s, only_every: 10, measure: true}\n",
                  corpus, corpus);
    char *path = ting_temp_text("lm.yaml", recipe.text);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, "--licence", "CC0-1.0", NULL}, "", 0,
                        "grammar: 1800 sentences");
    assert_non_null(strstr(done.out, "words\t"));
    assert_non_null(strstr(done.err, "fish: 200 sentences, 600 characters, 600 words not known"));
    ting_program_free(&done);
    ting_program_run asked = ting_run_expecting((const char *const[]){"lm", "ppl", model, known, strange, NULL}, "", 0, "");
    assert_true(last_column(asked.out, known) < 6);
    assert_true(last_column(asked.out, strange) > 3 * last_column(asked.out, known));
    assert_non_null(strstr(asked.out, "strange.txt\t2\t8\t3\t")); /* sentences, characters, not known */
    assert_non_null(strstr(asked.out, "all\t4\t17\t3\t"));
    ting_program_free(&asked);
    char *packed = ting_temp_xz("known.txt.xz", "我在家喝茶\n老师唱歌\n");
    ting_program_run plain = ting_run_expecting((const char *const[]){"lm", "ppl", model, known, NULL}, "", 0, "");
    asked = ting_run_expecting((const char *const[]){"lm", "ppl", model, packed, NULL}, "", 0, "");
    assert_string_equal(strchr(asked.out, '\t'), strchr(plain.out, '\t')); /* compressed or not */
    ting_program_free(&asked);
    ting_program_free(&plain);
    ting_free(packed);
    asked = ting_run_expecting((const char *const[]){"lm", "ppl", "--lines", model, NULL}, "我喝茶！\n\n", 0, "");
    assert_non_null(strstr(asked.out, "\t3\t0\t我喝茶！\n")); /* punctuation does not count */
    ting_program_free(&asked);
    ting_program_run first = ting_run_expecting((const char *const[]){"lm", "generate", "-n", "20", "--begin", "老", model, NULL}, "", 0, ""),
             again = ting_run_expecting((const char *const[]){"lm", "generate", "-n", "20", "--begin", "老", model, NULL}, "", 0, "");
    assert_string_equal(first.out, again.out);
    assert_non_null(strstr(first.out, "老师在家"));
    assert_null(strstr(first.out, "<"));
    ting_program_run second = ting_run_expecting((const char *const[]){"lm", "generate", "-n", "19", "--seed", "2", "--begin", "老", model, NULL}, "", 0, "");
    assert_string_not_equal(strchr(first.out, '\n') + 1, second.out); /* not the same from the second one on */
    ting_program_free(&second);
    ting_program_free(&first);
    ting_program_free(&again);
    assert_out_and_back(path, model, known);
    asked = ting_run_expecting((const char *const[]){"inspect", model, NULL}, "", 0, "");
    assert_non_null(strstr(asked.out, "CC0-1.0"));
    ting_program_free(&asked);
    char *const all[] = {corpus, model, known, strange, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&recipe);
}

/* Longer words are found first; what begins no word is one character. */
static void a_list_of_words_cuts_the_text(void **state)
{
    (void)state;
    char *corpus = write_corpus("words.txt", 500), *model = ting_temp_path("words.gguf"),
         *list = ting_temp_text("list.txt", "<unk>\n<s>\t9\n</s>\n老师\t12\n在\n学校\n在学校\n我\n你\n他们\n喝茶\n看书\n唱歌\n写字\n家\n");
    ting_str recipe = {0};
    ting_str_addf(&recipe, "model: {order: 2, memory: 8}\ntokens: {file: %s}\nsources:\n  - {name: grammar, file: %s}\n", list, corpus);
    char *path = ting_temp_text("words.yaml", recipe.text);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, NULL}, "", 0, "too little text to estimate discounts");
    assert_non_null(strstr(done.out, "\t15 words\t"));
    ting_program_free(&done);
    ting_program_run asked = ting_run_expecting((const char *const[]){"lm", "ppl", "--lines", model, NULL}, "老师在学校喝茶\n鱼老在家\n", 0, "");
    assert_non_null(strstr(asked.out, "\t7\t0\t老师在学校喝茶\n"));
    assert_non_null(strstr(asked.out, "\t4\t2\t鱼老在家\n"));
    ting_program_free(&asked);
    char *const all[] = {corpus, model, list, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&recipe);
}

/* Where the network alone writes 他们, a model of a text that only knows 它们 has the last word, if it weighs enough. */
static void a_model_weighs_lines_of_hanzi(void **state)
{
    (void)state;
    ting_str text = {0};
    for (int i = 0; i < 200; i++)
        ting_str_add(&text, i % 4 == 0 ? "它们很好\n" : "它们在家\n");
    char *corpus = ting_temp_text("they.txt", text.text), *model = ting_temp_path("they.gguf");
    ting_str recipe = {0};
    ting_str_addf(&recipe, "model: {order: 2, memory: 8}\nsources:\n  - {name: they, file: %s}\n", corpus);
    char *path = ting_temp_text("they.yaml", recipe.text);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, NULL}, "", 0, "");
    ting_program_free(&done);
    const char *const p2h = "models/tingxie.gguf";
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, NULL}, "ta1 men5 zai4 jia1\n", 0, "");
    assert_string_equal(done.out, "他们在家\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--lm", model, "--lm-weight", "0", NULL}, "ta1 men5 zai4 jia1\n", 0, "");
    assert_string_equal(done.out, "他们在家\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--lm", model, "--lm-weight", "5", NULL}, "ta1 men5 zai4 jia1\n\n", 0, "");
    assert_string_equal(done.out, "它们在家\n\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--rescore-lm", model, "--rescore-weight", "0", NULL}, "ta1 men5 zai4 jia1\n", 0, "");
    assert_string_equal(done.out, "他们在家\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--rescore-lm", model, "--rescore-weight", "5", NULL}, "ta1 men5 zai4 jia1\n\n", 0, "");
    assert_string_equal(done.out, "它们在家\n\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--rescore-lm", model, "--rescore-weight", "5", "--rescore-lines", "1", NULL},
               "ta1 men5 zai4 jia1\n", 0, ""); /* nothing to choose from */
    assert_string_equal(done.out, "他们在家\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", p2h, "--lm", p2h, NULL}, "", 1, "\"lm\"");
    ting_program_free(&done);
    char *const all[] = {corpus, model, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&text);
    ting_str_free(&recipe);
}

/* A network by the same commands; the checkpoint stands beside it, and where n-grams are wanted it is named or passed over. */
static void a_network_is_trained_and_ranks(void **state)
{
    (void)state;
    char *corpus = write_corpus("net.txt", 600), *folder = ting_temp_path("net-models"), *model = ting_path_join(folder, "a.gguf"),
         *curves = ting_path_join(folder, "a.training/curves.html"), *both = ting_temp_path("both.gguf");
    assert_ok(ting_folder_make(folder));
    ting_str recipe = {0};
    ting_str_addf(&recipe,
                  "model: {kind: gru, width: 8, hidden: 16, layers: 1}\ndata: {tokens: 300}\n"
                  "train: {steps: 60, warmup: 5, decay: 20, rate: 0.02, average: 0, measure_every: 30}\ntokens: {rare: 1}\nsources:\n"
                  "  - {name: grammar, file: %s, leave_every: 10}\n  - {name: fish, file: %s, only_every: 10, measure: true}\n",
                  corpus, corpus);
    char *path = ting_temp_text("net.yaml", recipe.text);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, "--set", "train.seed=2", "--type", "f16", NULL}, "", 0,
                                "held-out perplexity");
    assert_non_null(strstr(done.out, " parameters\tperplexity "));
    assert_true(ting_file_exists(curves));
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "--lines", model, NULL}, "老师在家喝茶\n茶喝家在师老\n", 0, "");
    assert_true(strtod(done.out, NULL) > strtod(strchr(done.out, '\n') + 1, NULL) + 10);
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "generate", "-n", "5", model, NULL}, "", 0, "");
    assert_null(strstr(done.out, "<"));
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", "models/tingxie.gguf", "--lm", model, NULL}, "", 1, "lm-gru, expected n-grams");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"convert", "models/tingxie.gguf", model, "-o", both, NULL}, "", 0, ""); /* taken along by itself: not */
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"p2h", "-m", both, NULL}, "ta1 men5 zai4 jia1\n", 0, "");
    assert_string_equal(done.out, "他们在家\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, "--set", "model.kind=bilstm", NULL}, "", 1,
               "of another network than the recipe's");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", both, "--set", "model.kind=bilstm", NULL}, "", 0, "");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "generate", both, NULL}, "", 1, "looks at a word from both sides");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "--with", both, model, corpus, NULL}, "", 2, "both.gguf: a language model that looks at a word from both sides");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "--with", "models/tingxie-lm.gguf", model, corpus, NULL}, "", 2, "models/tingxie-lm.gguf have other words, from word ");
    ting_program_free(&done);
    char *const all[] = {corpus, folder, model, curves, both, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&recipe);
}

/* GBK, a byte 0, damaged data: wherever a text is read, that is said. */
static void bytes_that_are_no_text_are_said(void **state)
{
    (void)state;
    char *folder = ting_temp_path("no-text"), *model = ting_path_join(folder, "lm.gguf"), *text = ting_path_join(folder, "X"),
         *recipe = ting_path_join(folder, "lm.yaml");
    assert_ok(ting_folder_make(folder));
    static const struct {
        const char *bytes, *said;
        size_t size;
    } bad[] = {
        {"茶\n\xC8\xFD\n", "X:2: not UTF-8 at byte 1: expected a text", 7}, /* 3 in GBK */
        {"茶\n茶\0\n", "X:2: byte 4 is 0", 9},
        {"\xFD" "7zXZ\0" "broken", "X: damaged or truncated xz data", 12},
    };
    const char *const plain = "sources: [{name: a, file: X}]\n";
    assert_ok(ting_file_save(recipe, plain, strlen(plain)));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_ok(ting_file_save(text, bad[i].bytes, bad[i].size));
        ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", model, NULL}, "", 1, bad[i].said);
        ting_program_free(&done);
        done = ting_run_expecting((const char *const[]){"lm", "ppl", "models/tingxie-lm.gguf", text, NULL}, "", 1, bad[i].said);
        assert_string_equal(done.out, "");
        ting_program_free(&done);
        done = ting_run_expecting((const char *const[]){"lm", "ppl", "--fit", "models/tingxie-lm.gguf", text, NULL}, "", 1, bad[i].said);
        ting_program_free(&done);
    }
    char *const all[] = {folder, model, text, recipe};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *recipe, *said;
    } cases[] = {
        {"model: {order: 9}\nsources: []\n", "\"order\" is \"9\", expected a whole number from 1 to 8"},
        {"model: {cutoffs: [1, 2]}\nsources: [{name: a, file: X}]\n", "cutoff 1 for order 1"},
        {"model: {cutoffs: [0, 0.5]}\nsources: [{name: a, file: X}]\n", "a cutoff of 0.5"},
        {"sources: [{name: a, file: X, only_every: 1}]\n", "\"only_every\" is \"1\""},
        {"sources: [{name: a, file: nowhere.txt}]\n", "nowhere.txt"},
        {"model: {kind: parrot}\nsources: [{name: a, file: X}]\n", "\"kind\" is \"parrot\""},
        {"sources: [{name: a, file: X, measure: true}]\n", "there is no sentence"},
        {"tokens: {file: twice.txt}\nsources: [{name: a, file: X}]\n", "stands twice"},
        {"tone: 4\nsources: [{name: a, file: X}]\n", "the key \"tone\" is not known here"},
        {"model: {order: 2}\n", "a list of \"sources\" is needed"},
        {"model: {kind: gpt, order: 2}\nsources: [{name: a, file: X}]\n", "\"order\""},
        {"model: {kind: lstm, classes: 3, samples: 2}\nsources: [{name: a, file: X}]\n", "either classes or samples"},
        {"model: {kind: lstm, classes: 300}\nsources: [{name: a, file: X}]\n", "300 classes of"},
        {"model: {kind: gru}\ndata: {weights: {b: 2}}\nsources: [{name: a, file: X}]\n", "no source \"b\" to train on"},
    };
    char *folder = ting_temp_path("bad-lm"), *model = ting_path_join(folder, "lm.gguf"), *text = ting_path_join(folder, "X"),
         *twice = ting_path_join(folder, "twice.txt"), *recipe = ting_path_join(folder, "lm.yaml");
    assert_ok(ting_folder_make(folder));
    assert_ok(ting_file_save(text, "我喝茶\n", strlen("我喝茶\n")));
    assert_ok(ting_file_save(twice, "茶\n茶\n", strlen("茶\n茶\n")));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(ting_file_save(recipe, cases[i].recipe, strlen(cases[i].recipe)));
        ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", model, NULL}, "", 1, cases[i].said);
        assert_false(ting_file_exists(model));
        ting_program_free(&done);
    }
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "ppl", "--cache", ".1", "--fit", "models/tingxie-lm.gguf", NULL}, "", 2,
                                               "--fit goes without --cache");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "models/tingxie-lm.gguf", NULL}, "\n。\n", 1, "standard input: there is no text in it");
    assert_string_equal(done.out, "");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "--fit", "models/tingxie-lm.gguf", NULL}, "\n", 1, "standard input: there is no text in it");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", recipe, NULL}, "", 1, "lm.yaml");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "ppl", "models/tingxie.gguf", NULL}, "", 1, "\"lm\"");
    ting_program_free(&done);
    char *const all[] = {folder, model, text, twice, recipe};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Whatever a recipe names is never overwritten, and what cannot be written is said before the work. */
static void an_output_is_none_of_the_inputs(void **state)
{
    (void)state;
    static const char *const files[] = {"text.txt", "held.tsv", "words.txt", "am.gguf"};
    char *folder = ting_temp_path("apart-lm"), *recipe = ting_path_join(folder, "apart.yaml"), *nowhere = ting_path_join(folder, "none/lm.gguf"),
         *foo = ting_path_join(folder, "lm.foo");
    const char *const text = "sources: [{name: a, file: text.txt}]\nexclude: [{file: held.tsv}]\ntokens: {file: words.txt}\n";
    assert_ok(ting_folder_make(folder));
    assert_ok(ting_file_save(recipe, text, strlen(text)));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = ting_path_join(folder, files[i]);
        assert_ok(ting_file_save(path, "text\n", 5));
        ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", path, i == 3 ? "--set" : NULL,
                                                                         "tokens.of=am.gguf", NULL}, "", 2, "is both input and output");
        ting_program_free(&done);
        ting_free(path);
    }
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", recipe, NULL}, "", 2,
                                               "is both input and output");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", nowhere, NULL}, "", 1, "none/lm.gguf: cannot be written");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", foo, NULL}, "", 2,
                              "lm.foo: expected a name that ends in .gguf or .arpa");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "train", recipe, "--base", folder, "-o", folder, NULL}, "", 2, "expected a name that ends in");
    ting_program_free(&done);
    char *const all[] = {folder, recipe, nowhere, foo};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_trained_measured_and_asked),
        cmocka_unit_test(a_list_of_words_cuts_the_text),
        cmocka_unit_test(a_model_weighs_lines_of_hanzi),
        cmocka_unit_test(a_network_is_trained_and_ranks),
        cmocka_unit_test(bytes_that_are_no_text_are_said),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(an_output_is_none_of_the_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
