/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_yaml.c - recipes: the YAML reader, then the training recipe on top of it. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "train/p2h_recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_yaml_doc doc = {0};
    if (ting_yaml_parse("fuzz", bytes, size, &doc) == TING_OK) {
        int integer = 0;
        double real = 0;
        bool flag = false;
        const char *text = NULL;
        ting_yaml_int(doc.root, "steps", 0, 100, &integer);
        ting_yaml_real(doc.root, "rate", 0, 1, &real);
        ting_yaml_bool(doc.root, "flag", &flag);
        ting_yaml_text(doc.root, "name", &text);
        ting_yaml_done(doc.root);
    }
    ting_yaml_free(&doc);
    ting_free(bytes);
    ting_p2h_recipe recipe;
    if (ting_p2h_recipe_load(ting_fuzz_file(data, size), &recipe) == TING_OK)
        ting_p2h_recipe_free(&recipe);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "# a recipe\nname: small\nsteps: 10\nrate: 1e-3\nflag: yes\nlist:\n  - a\n  - {b: 1, c: [2, 3]}\n"
                               "anchor: &x 1\nalias: *x\n";
    static const char recipe[] = "model:\n  layers: 2\ndata:\n  tokens: 1000\ntrain:\n  steps: 10\n  rate: 0.001\n";
    take(self, text, sizeof text - 1);
    take(self, recipe, sizeof recipe - 1);
}
