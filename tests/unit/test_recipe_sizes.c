/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recipe_sizes.c - the recipes as they stand, with their own sizes: each can be built, its parts have names that are there, and it
 * has as many parameters as the table of docs/TRAINING.md says. What they make of sound is in tests/cli/test_recipes.c.
 */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "train/am_recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 4336 }; /* of AISHELL-1's training texts, as icefall counts them */

/* "| `recipes/aishell1.yaml` | AISHELL-1, 178 h | Zipformer, 23 M | ..." -> 23 */
static double millions_in_docs(const char *recipe)
{
    double found = -1;
    char key[64];
    ting_file file;
    snprintf(key, sizeof key, "| `%s` |", recipe);
    assert_ok(ting_file_map("docs/TRAINING.md", &file));
    char *text = ting_alloc(file.size + 1, 1);
    memcpy(text, file.data, file.size);
    const char *row = strstr(text, key), *end = row != NULL ? strchr(row, '\n') : NULL;
    for (const char *at = row; at != NULL && at < end; at++)
        if (strncmp(at, " M |", 4) == 0)
            for (const char *digits = at; digits > row && found < 0; digits--)
                if (digits[-1] == ' ')
                    found = strtod(digits, NULL);
    ting_free(text);
    ting_file_unmap(&file);
    return found;
}

static double millions(const char *path)
{
    ting_am_recipe r;
    ting_texts tokens = {0};
    ting_am_net *net;
    size_t elements = 0;
    assert_ok(ting_am_recipe_load(path, NULL, &r));
    if (r.table != TING_TOKENS_CHARACTERS)
        assert_ok(ting_token_table_make(r.table, &tokens));
    const int vocab = r.table == TING_TOKENS_CHARACTERS ? CHARACTERS + 1 : (int)tokens.count;
    ting_am_config config = r.model;
    config.ctc.vocab = r.ctc_head ? vocab : 0;
    config.transducer.vocab = r.transducer_head ? vocab : 0;
    assert_ok(ting_am_net_new(&config, &net));
    assert_ok(ting_train_parts_freeze(&r.plan.parts, net->params));
    for (int i = 0; i < ting_params_count(net->params); i++)
        elements += (size_t)ting_params_at(net->params, i)->t.rows * (size_t)ting_params_at(net->params, i)->t.cols;
    ting_am_net_free(net);
    ting_texts_free(&tokens);
    ting_am_recipe_free(&r);
    return (double)elements / 1e6;
}

static void recipes_have_the_size_they_claim(void **state)
{
    (void)state;
    static const char *const recipes[] = {"recipes/aishell1.yaml", "recipes/aishell3.yaml", "recipes/commonvoice-zh.yaml",
                                          "recipes/thchs30.yaml"};
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        const double said = millions_in_docs(recipes[i]), found = millions(recipes[i]);
        if (!(fabs(found - said) <= 0.5)) /* whole millions are said */
            fail_msg("%s: %.2f M parameters, docs/TRAINING.md says %g M", recipes[i], found, said);
    }
    assert_true(millions("recipes/smoke.yaml") < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recipes_have_the_size_they_claim)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
