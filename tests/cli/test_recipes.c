/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recipes.c - the recipes for public corpora, each from a miniature corpus with its layout to scored text, as the head of
 * the recipe has it: prepare and train with one command, stop, go on, export, transcribe, score. Sizes and steps are set small
 * from outside; what the network hears after so few steps is no matter.
 */
#include "support/corpus.h"
#include "support/program.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, EACH = 12 };

/* ---- a miniature corpus ---- */

/* "三 san1 七 qi1" out of "三七" and "san1 qi1" */
static void write_by_turns(const ting_toy *toy, char *out, size_t room)
{
    size_t used = 0;
    const char *pinyin = toy->pinyin;
    for (int i = 0; i < toy->count; i++) {
        const int length = (int)strcspn(pinyin, " ");
        used += (size_t)snprintf(out + used, room - used, "%s%.3s %.*s", i > 0 ? " " : "", toy->text + 3 * i, length,
                                 pinyin);
        pinyin += length + (pinyin[length] == ' ');
    }
}

/* Id and label of clip `number` as the corpus writes them. */
static void name_clip(const char *corpus, int part, int number, const ting_toy *toy, char *id, char *label, size_t room)
{
    if (strcmp(corpus, "aishell1") == 0) {
        snprintf(id, room, "BAC009S0%d02W0%03d", part, 100 + number);
        snprintf(label, room, "%.3s %s", toy->text, toy->text + 3);
    } else if (strcmp(corpus, "aishell3") == 0) {
        snprintf(id, room, "SSB00%d5%04d", part, number);
        write_by_turns(toy, label, room);
    } else if (strcmp(corpus, "thchs30") == 0) {
        snprintf(id, room, "%c11_%d", 'A' + part, number);
        snprintf(label, room, "%s\n%s\nx\n", toy->text, toy->pinyin);
    } else {
        snprintf(id, room, "common_voice_zh-CN_%d%03d", part, number);
        snprintf(label, room, "c%d\t%s。", part, toy->text);
    }
}

/* Twelve sentences to train on, four of each other part. Common Voice lists all in validated.tsv too. */
static void make_corpus(const char *corpus, const char *folder)
{
    static const char *const parts[] = {"train", "dev", "test"};
    ting_sound sound = {0};
    for (int p = 0; p < 3; p++) {
        if (p == 1 && strcmp(corpus, "aishell3") == 0)
            continue; /* it has no such part */
        for (int i = 0; i < (p == 0 ? EACH : EACH / 3); i++) {
            char id[256], label[256];
            ting_toy toy;
            ting_rng rng = ting_rng_for(1, TING_RNG_BATCH, (uint64_t)(100 * p + i), 0);
            assert_ok(ting_toy_make(&rng, 2, 5, &toy, &sound));
            name_clip(corpus, p, i, &toy, id, label, sizeof id);
            ting_mini_add(corpus, folder, &(ting_mini_clip){parts[p], id, label, sound.samples, sound.count});
            if (strcmp(corpus, "commonvoice-zh") == 0)
                ting_mini_add(corpus, folder, &(ting_mini_clip){"validated", id, label, NULL, 0});
        }
    }
    ting_sound_free(&sound);
}

/* ---- the program ---- */

typedef struct words {
    const char *items[WORDS];
    int count;
} words;

static void add(words *w, const char *const *more)
{
    for (; *more != NULL; more++) {
        assert_true(w->count + 1 < WORDS);
        w->items[w->count++] = *more;
    }
    w->items[w->count] = NULL;
}

#define ADD(w, ...) add(w, (const char *[]){__VA_ARGS__, NULL})

/* Runs; it must succeed, and the texts must stand on standard output and standard error. Free with ting_free. */
static char *run(const words *w, const char *out, const char *err)
{
    ting_program_run r = ting_run_program(w->items, NULL);
    if (r.status != 0 || strstr(r.out, out) == NULL || strstr(r.err, err) == NULL)
        fail_msg("%s %s: status %d, \"%s\" and \"%s\" expected in \"%s\" and \"%s\"", w->items[0], w->items[1],
                 r.status, out, err, r.out, r.err);
    char *text = ting_strdup(r.out);
    ting_program_free(&r);
    return text;
}

#define SMALL_ZIPFORMER                                                                                                \
    "model.layers=1", "model.dims=32", "model.unmasked=32", "model.heads=2", "model.query_dims=8",                     \
        "model.value_dims=8", "model.feedforward=32", "model.kernels=7", "model.embed_channels=[2, 4, 8]",             \
        "model.pos_dim=16"

typedef struct rehearsal {
    const char *corpus;
    const char *sounds; /* what is transcribed, below the folder of the corpus */
    const char *unit;   /* what is scored */
    bool pinyin;
    bool listed; /* the sounds are named by the manifest, as the head of the recipe has it: the folder holds those of all parts */
    const char *const *small; /* what makes the network small, ends with NULL */
} rehearsal;

static void set_small(words *w, const rehearsal *r)
{
    for (const char *const *s = r->small; *s != NULL; s++)
        ADD(w, "--set", *s);
}

static void rehearse(const rehearsal *r)
{
    char name[64];
    snprintf(name, sizeof name, "recipes/%s.yaml", r->corpus);
    char *home = ting_temp_path(r->corpus), *corpus = ting_path_join(home, "corpus"),
         *folder = ting_path_join(home, "run"), *model = ting_path_join(home, "am.gguf"),
         *text = ting_path_join(home, "text.tsv"), *data = ting_path_join(folder, "data"),
         *test = ting_path_join(data, "test.tsv"), *sounds = ting_path_join(corpus, r->sounds),
         *curves = ting_path_join(folder, "curves.html");
    make_corpus(r->corpus, corpus);
    for (int round = 0; round < 2; round++) { /* the same command goes on; what is prepared stays */
        words train = {0};
        ADD(&train, "train", "am", name, "--corpus", corpus, "-o", folder, "-t", "2", "--set",
            round == 0 ? "train.steps=2" : "train.steps=4", "--set", "train.measure_every=2", "--set", "data.seconds=4",
            "--set", "data.loaders=1", "--set", "data.window=8", "--set", "data.memory=16");
        set_small(&train, r);
        ting_free(run(&train, "", round == 0 ? " recordings\n" : "going on after step 2"));
        ting_free(run(&train, "", "nothing to do"));
    }
    assert_true(ting_file_exists(test) && ting_file_exists(curves));
    words export = {0};
    ADD(&export, "train", "am", name, "-o", folder, "--export", model, "--type", "int8");
    set_small(&export, r);
    ting_free(run(&export, "", ""));
    words inspect = {0};
    ADD(&inspect, "inspect", model);
    char *keys = run(&inspect, "tingxie.am.source", "");
    assert_null(strstr(keys, "tingxie.am.license")); /* nobody gave one, and none is made up */
    assert_null(strstr(keys, "tingxie.am.authors"));
    ting_free(keys);
    char command[1024], *list = ting_path_join(home, "test.list");
    snprintf(command, sizeof command, "tail -n +2 %s | cut -f 2 > %s", test, list);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "@%s", list);
    words transcribe = {0};
    ADD(&transcribe, "transcribe", "-q", "-m", model, r->listed ? command : sounds);
    if (r->pinyin)
        ADD(&transcribe, "-p");
    char *lines = run(&transcribe, "\t", "");
    assert_ok(ting_file_save(text, lines, strlen(lines)));
    words score = {0};
    ADD(&score, "score");
    if (r->pinyin)
        ADD(&score, "--ref-column", "pinyin", "-u", "syllable");
    ADD(&score, test, text);
    ting_free(run(&score, r->unit, ""));
    char *const all[] = {home, corpus, folder, model, text, data, test, sounds, curves, lines, list};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void aishell1_is_rehearsed(void **state)
{
    (void)state;
    rehearse(&(rehearsal){.corpus = "aishell1",
                          .sounds = "data_aishell/wav/test",
                          .unit = "character error rate",
                          .small = (const char *[]){SMALL_ZIPFORMER, NULL}});
}

static void aishell3_is_rehearsed(void **state)
{
    (void)state;
    rehearse(&(rehearsal){.corpus = "aishell3",
                          .sounds = "test/wav",
                          .unit = "syllable error rate",
                          .pinyin = true,
                          .small = (const char *[]){SMALL_ZIPFORMER, "model.transducer.decoder_dim=16",
                                                    "model.transducer.joiner_dim=16", NULL}});
}

static void commonvoice_is_rehearsed(void **state)
{
    (void)state;
    rehearse(&(rehearsal){.corpus = "commonvoice-zh",
                          .sounds = "zh-CN/clips",
                          .listed = true,
                          .unit = "character error rate",
                          .small = (const char *[]){SMALL_ZIPFORMER, "model.transducer.decoder_dim=16",
                                                    "model.transducer.joiner_dim=16", NULL}});
}

static void thchs30_is_rehearsed(void **state)
{
    (void)state;
    rehearse(&(rehearsal){
        .corpus = "thchs30",
        .sounds = "data_thchs30/test",
        .unit = "syllable error rate",
        .pinyin = true,
        .small = (const char *[]){"model.dim=32", "model.heads=2", "model.layers=2", "model.feedforward=32", NULL}});
}

static void wrong_orders_are_refused(void **state)
{
    (void)state;
    char *folder = ting_temp_path("refused"), *empty = ting_temp_path("empty");
    assert_ok(ting_folder_make(empty));
    static const struct {
        const char *part, *recipe, *option, *value;
    } cases[] = {
        {"recipes/smoke.yaml: the recipe names no corpus", "recipes/smoke.yaml", "--corpus", "."},
        {"name the folder of the corpus aishell1", "recipes/aishell1.yaml", "-t", "1"},
        {"train.step=1:1: the key \"step\" is not known here", "recipes/aishell1.yaml", "--set", "train.step=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_program_run r = ting_run_program(
            (const char *[]){"train", "am", cases[i].recipe, "-o", folder, cases[i].option, cases[i].value, NULL},
            NULL);
        if (r.status == 0 || strstr(r.err, cases[i].part) == NULL)
            fail_msg("\"%s\" expected in \"%s\"", cases[i].part, r.err);
        ting_program_free(&r);
    }
    ting_program_run r = ting_run_program(
        (const char *[]){"train", "am", "recipes/thchs30.yaml", "-o", folder, "--corpus", empty, NULL}, NULL);
    assert_int_not_equal(r.status, 0);
    assert_non_null(strstr(r.err, "not THCHS-30 as it is unpacked"));
    ting_program_free(&r);
    assert_false(ting_file_exists(folder));
    ting_free(folder);
    ting_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_orders_are_refused), cmocka_unit_test(thchs30_is_rehearsed),
        cmocka_unit_test(aishell3_is_rehearsed),    cmocka_unit_test(aishell1_is_rehearsed),
        cmocka_unit_test(commonvoice_is_rehearsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
