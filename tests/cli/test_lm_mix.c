/* SPDX-License-Identifier: Apache-2.0 */
/* test_lm_mix.c - tingxie lm mix: shares found and given, GGUF and ARPA in and out, pruning, what cannot be. */
#include "support/program.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many pairs of words the row of a written model tells. */
static long pairs_of(const char *out, const char *model)
{
    const char *row = strstr(out, model);
    assert_non_null(row);
    const char *words = strstr(row, " words\t");
    assert_non_null(words);
    return strtol(words + strlen(" words\t"), NULL, 10);
}

/* A model of the sentences, each of them so often that all of them are known well. */
static char *train(const char *name, const char *const *sentences, int count)
{
    ting_str text = {0}, recipe = {0};
    for (int i = 0; i < 60; i++)
        for (int s = 0; s < count; s++)
            if (s == 0 || i % (s + 1) == 0)
                ting_str_addf(&text, "%s\n", sentences[s]);
    char *corpus = ting_temp_text("mix-corpus.txt", text.text), *model = ting_temp_path(name);
    ting_str_addf(&recipe, "model: {order: 3, memory: 8}\ntokens: {rare: 1}\nsources: [{name: a, file: %s}]\n", corpus);
    char *path = ting_temp_text("mix.yaml", recipe.text);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "train", path, "-o", model, NULL}, "", 0, "");
    ting_program_free(&done);
    ting_free(corpus);
    ting_free(path);
    ting_str_free(&text);
    ting_str_free(&recipe);
    return model;
}

static double last_column(const char *model, const char *text)
{
    ting_program_run asked = ting_run_expecting((const char *const[]){"lm", "ppl", model, text, NULL}, "", 0, "");
    const double value = strtod(strrchr(asked.out, '\t') + 1, NULL);
    ting_program_free(&asked);
    return value;
}

static double share_of(const char *out, const char *model)
{
    const char *row = strstr(out, model);
    assert_non_null(row);
    return strtod(row + strlen(model), NULL);
}

static void two_models_become_one_that_knows_both(void **state)
{
    (void)state;
    static const char *const home[] = {"我在家看书", "你在家喝茶", "老师在家唱歌", "他们看书"},
                             *const sea[] = {"鱼在海里游泳", "船在海里走", "鱼看着船", "他们在船上"};
    char *a = train("mix-home.gguf", home, 4), *b = train("mix-sea.gguf", sea, 4), *mixed = ting_temp_path("mixed.gguf"),
         *arpa = ting_temp_path("mixed.arpa"), *small = ting_temp_path("mixed-small.gguf"),
         *both = ting_temp_text("both.txt", "鱼在海里走\n我在家看书\n鱼在海里游泳\n\n船在家\n");
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "mix", a, b, "--tune", both, "-o", mixed, "--licence", "CC0-1.0", NULL}, "", 0,
                                "4 sentences, 0 words not known");
    const double share = share_of(done.out, a);
    assert_true(share > 0.2 && share < 0.8 && share + share_of(done.out, b) > 0.999);
    assert_non_null(strstr(done.out, "\tperplexity "));
    ting_program_free(&done);
    assert_true(last_column(mixed, both) < last_column(a, both) && last_column(mixed, both) < last_column(b, both));
    done = ting_run_expecting((const char *const[]){"inspect", mixed, NULL}, "", 0, "");
    assert_non_null(strstr(done.out, "CC0-1.0"));
    assert_non_null(strstr(done.out, "{\"mixed\":[{\"weight\":"));
    assert_non_null(strstr(done.out, "mix-home.gguf"));
    assert_null(strstr(done.out, a)); /* folders are nobody's business */
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "mix", a, b, "-w", "1,3", "-o", arpa, NULL}, "", 0, "");
    assert_true(share_of(done.out, a) == 0.25);
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "mix", arpa, "-w", "1", "--prune", "0.001", "-o", small, NULL}, "", 0, "");
    const long pruned = pairs_of(done.out, small);
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "mix", arpa, "-w", "1", "-o", mixed, NULL}, "", 0, "");
    assert_true(pruned > 0 && pruned < pairs_of(done.out, mixed));
    ting_program_free(&done);
    assert_true(last_column(small, both) < 1.5 * last_column(mixed, both));
    char *const all[] = {a, b, mixed, arpa, small, both};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    char *out = ting_temp_path("no-mix.gguf"), *text = ting_temp_text("no-mix.txt", "鱼\n"), *gbk = ting_temp_text("gbk.txt", "鱼\n\xD3\xE3\n");
    const char *const lm = "models/tingxie-lm.gguf";
    static const char *const p2h = "models/tingxie.gguf";
    const struct {
        const char *words[10];
        int status;
        const char *said;
    } cases[] = {
        {{"lm", "mix", p2h, "-w", "1"}, 2, "name the model file to write"},
        {{"lm", "mix", p2h, "-o", out}, 2, "neither is given"},
        {{"lm", "mix", p2h, "-w", "1", "--tune", text, "-o", out}, 2, "both are given"},
        {{"lm", "mix", p2h, "-w", "1,2", "-o", out}, 2, "expected 1 numbers"},
        {{"lm", "mix", p2h, "-w", "1;", "-o", out}, 2, "expected 1 numbers"},
        {{"lm", "mix", p2h, text, "-w", "0,0", "-o", out}, 2, "all weights are 0"},
        {{"lm", "mix", p2h, "-w", "1", "-o", out}, 1, "\"lm\""},
        {{"lm", "mix", p2h, p2h, "--tune", text, "-o", text}, 2, "is both input and output"},
        {{"lm", "mix", p2h, text, "-w", "1,0", "-o", text}, 2, "is both input and output"}, /* not even what has no share */
        {{"lm", "mix", lm, lm, "--tune", gbk, "-o", out}, 1, "gbk.txt:2: not UTF-8 at byte 1"},
        {{"lm", "mix", p2h, "-w", "1", "-o", "no-mix.foo"}, 2, "no-mix.foo: expected a name that ends in .gguf or .arpa"},
        {{"lm", "mix", p2h, "-w", "1", "-o", "nowhere/mix.gguf"}, 1, "nowhere/mix.gguf: cannot be written"},
        {{"lm", "mix", text, "-w", "1", "-o", out}, 1, "no-mix.txt"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_program_run done = ting_run_expecting(cases[i].words, "", cases[i].status, cases[i].said);
        assert_false(ting_file_exists(out));
        ting_program_free(&done);
    }
    ting_free(out);
    ting_free(text);
    ting_free(gbk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_models_become_one_that_knows_both),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
