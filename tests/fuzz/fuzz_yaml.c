/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_yaml.c - recipes: the YAML reader, a value put into what was read, the training recipes on top of it. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "data/augment.h"
#include "data/splice.h"
#include "train/am_recipe.h"
#include "train/p2h_recipe.h"

#include <string.h>

/* The bytes as an assignment (what stands before the first zero) to a small document. */
static void set_value(const uint8_t *data, size_t size)
{
    static const char text[] = "name: small\nlist: [{b: 1}, 2]\ntrain: {steps: 10}\n";
    char *assignment = ting_alloc(size + 1, 1);
    ting_yaml_doc doc = {0};
    if (assignment != NULL && size > 0)
        memcpy(assignment, data, size);
    if (assignment != NULL && ting_yaml_parse("fuzz", text, sizeof text - 1, &doc) == TING_OK &&
        ting_yaml_set(&doc, assignment) == TING_OK)
        ting_yaml_done(doc.root);
    ting_yaml_free(&doc);
    ting_free(assignment);
}

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
        ting_augment_plan augment;
        ting_augment_plan_read(doc.root, &augment);
        ting_splice_plan splice;
        ting_splice_plan_read(doc.root, &splice);
    }
    ting_yaml_free(&doc);
    ting_free(bytes);
    set_value(data, size);
    ting_p2h_recipe recipe;
    if (ting_p2h_recipe_load(ting_fuzz_file(data, size), &recipe) == TING_OK)
        ting_p2h_recipe_free(&recipe);
    ting_am_recipe acoustic;
    if (ting_am_recipe_load(ting_fuzz_file(data, size), NULL, &acoustic) == TING_OK)
        ting_am_recipe_free(&acoustic);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] =
        "# a recipe\nname: small\nsteps: 10\nrate: 1e-3\nflag: yes\nlist:\n  - a\n  - {b: 1, c: [2, 3]}\n"
        "anchor: &x 1\nalias: *x\n";
    static const char recipe[] = "model:\n  layers: 2\ndata:\n  tokens: 1000\ntrain:\n  steps: 10\n  rate: 0.001\n";
    static const char augment[] =
        "speed: [0.9, 1.0, 1.1]\npitch: {share: 0.3, semitones: [-2, 2]}\npad: {before: 0.3}\n"
        "rooms: {list: a.tsv, only: rir/}\nnoise:\n  - {list: n.txt, snr: [0, 20], voices: [1, 3]}\n  - {}\n"
        "band: {high: [2500, 7000]}\ntelephone: {share: 0.1}\nmask: {bands: 2, warp: 40}\n";
    static const char splice[] = "syllable: [0.2, 0.3]\nfaster: 1.5\npause: 0.2\nlevel: 3\n";
    static const char assignment[] = "list.0.b={c: [1, 2]}", deeper[] = "train.more.steps=5";
    static const char acoustic[] =
        "corpus: {name: aishell1, validated: false}\nmodel:\n  encoder: conformer\n  dim: 32\n"
        "  chunks: [8, 0]\n  transducer: {context: 1}\ntokens: {table: characters}\n"
        "features: icefall bins=40\ndata:\n  train: [{manifest: a.tsv, weight: 2}]\n"
        "loss: {ctc: 0.2, consistency: 0.2}\ntrain:\n  freeze: [encoder]\n"
        "  groups: [{prefix: ctc_output, rate: 2}]\n";
    take(self, acoustic, sizeof acoustic - 1);
    take(self, text, sizeof text - 1);
    take(self, assignment, sizeof assignment - 1);
    take(self, deeper, sizeof deeper - 1);
    take(self, augment, sizeof augment - 1);
    take(self, splice, sizeof splice - 1);
    take(self, recipe, sizeof recipe - 1);
}
