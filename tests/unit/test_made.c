/* SPDX-License-Identifier: Apache-2.0 */
/* test_made.c - corpora that are made: toy digits, and sentences spliced from clips. */
#include "support/support.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/manifest.h"
#include "data/sound.h"
#include "tingxie_train.h"

#include <math.h>
#include <string.h>

static ting_manifest *read_list(const char *folder, const char *name)
{
    ting_manifest *manifest;
    char *path = ting_path_join(folder, name);
    assert_ok(ting_manifest_read(path, NULL, &manifest));
    ting_free(path);
    return manifest;
}

static void a_toy_corpus_is_a_function_of_its_seed(void **state)
{
    (void)state;
    char *a = ting_temp_path("toy-a"), *b = ting_temp_path("toy-b");
    assert_ok(ting_make_toy_corpus(a, 20, 5));
    assert_ok(ting_make_toy_corpus(b, 20, 5));
    ting_manifest *first = read_list(a, "train.tsv"), *second = read_list(b, "train.tsv"),
                  *dev = read_list(a, "dev.tsv");
    assert_int_equal(ting_manifest_count(first), 18);
    assert_int_equal(ting_manifest_count(dev), 2);
    for (size_t i = 0; i < 18; i++) {
        const ting_clip *x = ting_manifest_at(first, i), *y = ting_manifest_at(second, i);
        ting_sound sx = {0}, sy = {0};
        assert_string_equal(x->text, y->text);
        assert_string_equal(x->pinyin, y->pinyin);
        assert_ok(ting_sound_load(x->path, 0, &sx));
        assert_ok(ting_sound_load(y->path, 0, &sy));
        assert_int_equal(sx.count, sy.count);
        assert_memory_equal(sx.samples, sy.samples, sx.count * sizeof *sx.samples);
        assert_true((double)sx.count / TING_SOUND_RATE - x->seconds < 1e-3);
        assert_true(ting_sound_peak(sx.samples, sx.count) < 1 && ting_sound_peak(sx.samples, sx.count) > 0.05f);
        ting_sound_free(&sx);
        ting_sound_free(&sy);
    }
    assert_fails(TING_ERR_ARGUMENT, "9 clips", ting_make_toy_corpus(b, 9, 5));
    ting_manifest_free(first);
    ting_manifest_free(second);
    ting_manifest_free(dev);
    ting_free(a);
    ting_free(b);
}

static void hear(void *self, const char *sentence)
{
    ting_str_addf(self, "%s\n", sentence);
}

/* Sentences of the toy's own texts: each can be said by the clip of that text, or by several shorter ones. */
static void sentences_are_spliced_from_clips(void **state)
{
    (void)state;
    char *toy = ting_temp_path("toy-c"), *out = ting_temp_path("spliced"), *texts = ting_temp_path("texts.txt");
    char *list = ting_path_join(toy, "train.tsv");
    assert_ok(ting_make_toy_corpus(toy, 60, 1));
    ting_manifest *clips = read_list(toy, "train.tsv");
    ting_str text = {0};
    for (size_t i = 0; i < 10; i++)
        ting_str_addf(&text, "%s。\n", ting_manifest_at(clips, i)->text);
    ting_str_add(&text, "一\nABC\n\n");
    assert_ok(ting_file_save(texts, text.text, text.length));
    const ting_splice_options options = {
        .manifest = list, .sentences = texts, .output = out, .lexicon = "models/lexicon", .count = 6, .seed = 3};
    assert_ok(ting_splice_corpus(&options));
    ting_manifest *made = read_list(out, "spliced.tsv");
    assert_int_equal(ting_manifest_count(made), 6);
    for (size_t i = 0; i < 6; i++) {
        const ting_clip *clip = ting_manifest_at(made, i);
        bool found = false;
        for (size_t k = 0; k < 10; k++) /* what is heard is what the sentence says; 一 stands for yi1 before 七 too */
            found = found || strncmp(clip->text, ting_manifest_at(clips, k)->text,
                                     strlen(ting_manifest_at(clips, k)->text)) == 0;
        assert_true(found);
        ting_sound sound = {0};
        assert_ok(ting_sound_load(clip->path, 0, &sound));
        assert_true(sound.count > 0.1 * TING_SOUND_RATE);
        ting_sound_free(&sound);
    }
    ting_splice_options bad = options;
    bad.count = 0;
    assert_fails(TING_ERR_ARGUMENT, "0 sentences", ting_splice_corpus(&bad));
    assert_ok(ting_file_save(texts, "猫猫狗狗\n", strlen("猫猫狗狗\n")));
    bad = options;
    assert_fails(TING_ERR_ARGUMENT, "in a row cannot be said", ting_splice_corpus(&bad));
    assert_ok(ting_file_save(texts, "ABC\n", 4));
    assert_fails(TING_ERR_ARGUMENT, "no line of 2 to 60 hanzi", ting_splice_corpus(&bad));
    ting_manifest_free(clips);
    ting_manifest_free(made);
    ting_str_free(&text);
    char *const all[] = {toy, out, texts, list};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* With `each` the sentences come once, in their order, without those that nobody can say. */
static void each_sentence_is_spliced_once(void **state)
{
    (void)state;
    char *toy = ting_temp_path("toy-e"), *out = ting_temp_path("each"), *texts = ting_temp_path("each.txt");
    char *list = ting_path_join(toy, "train.tsv");
    ting_str text = {0}, said = {0};
    assert_ok(ting_make_toy_corpus(toy, 60, 1));
    ting_manifest *clips = read_list(toy, "train.tsv");
    ting_str_addf(&text, "%s\n猫猫狗狗\n%s\n", ting_manifest_at(clips, 3)->text, ting_manifest_at(clips, 1)->text);
    assert_ok(ting_file_save(texts, text.text, text.length));
    const ting_splice_options options = {.manifest = list, .sentences = texts, .output = out, .lexicon = "models/lexicon", .seed = 3,
                                         .each = 1, .remarks = {hear, &said}};
    assert_ok(ting_splice_corpus(&options));
    ting_manifest *made = read_list(out, "spliced.tsv");
    assert_int_equal(ting_manifest_count(made), 2);
    assert_string_equal(ting_manifest_at(made, 0)->text, ting_manifest_at(clips, 3)->text);
    assert_string_equal(ting_manifest_at(made, 1)->text, ting_manifest_at(clips, 1)->text);
    assert_string_equal(ting_manifest_at(made, 1)->id, "spliced-000002");
    assert_non_null(strstr(said.text, "left out \"猫猫狗狗\""));
    ting_manifest_free(clips);
    ting_manifest_free(made);
    ting_str_free(&text);
    ting_str_free(&said);
    char *const all[] = {toy, out, texts, list};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* How often the samples change their sign, a second: twice the frequency of a tone. */
static double crossings(const ting_sound *sound)
{
    size_t found = 0;
    for (size_t i = 1; i < sound->count; i++)
        found += (sound->samples[i] < 0) != (sound->samples[i - 1] < 0);
    return (double)found * TING_SOUND_RATE / (double)sound->count;
}

/* A file holds "ma1" at 300 Hz and then "ba1" at 3000 Hz; another is longer than a clip may be, and nobody says so. */
static void pieces_of_a_file_are_told_apart(void **state)
{
    (void)state;
    enum { SECOND = TING_SOUND_RATE, LONG = 21 * SECOND };
    char *home = ting_temp_path("pieces"), *list = ting_path_join(home, "pieces.tsv"), *out = ting_path_join(home, "out"),
         *texts = ting_path_join(home, "texts.txt"), *two = ting_path_join(home, "two.wav"), *wide = ting_path_join(home, "wide.wav");
    static const char table[] = "path\tpinyin\tstart\tend\ttext\n"
                                "two.wav\tma1\t0\t1\t妈\ntwo.wav\tba1\t1\t\t八\nwide.wav\tma1\t\t\t妈\n";
    float *samples = ting_alloc(LONG, sizeof *samples);
    ting_str said = {0};
    assert_ok(ting_folder_make(home));
    for (int i = 0; i < LONG; i++)
        samples[i] = 0.3F * sinf(6.2831853F * (float)(i % SECOND) * (i < SECOND ? 300 : 3000) / SECOND);
    assert_ok(ting_wav_save(two, samples, 2 * SECOND, SECOND));
    assert_ok(ting_wav_save(wide, samples, LONG, SECOND));
    assert_ok(ting_file_save(list, table, strlen(table)));
    ting_splice_options options = {.manifest = list,
                                   .sentences = texts,
                                   .output = out,
                                   .lexicon = "models/lexicon",
                                   .count = 8,
                                   .remarks = {hear, &said}};
    for (int high = 0; high < 2; high++) {
        const char *sentence = high ? "八八八\n" : "妈妈妈\n";
        assert_ok(ting_file_save(texts, sentence, strlen(sentence)));
        assert_ok(ting_splice_corpus(&options));
        ting_manifest *made = read_list(out, "spliced.tsv");
        for (size_t i = 0; i < ting_manifest_count(made); i++) {
            ting_sound sound = {0};
            assert_ok(ting_sound_load(ting_manifest_at(made, i)->path, 0, &sound));
            assert_in_range((uintmax_t)crossings(&sound), high ? 5000 : 500, high ? 7000 : 1500);
            ting_sound_free(&sound);
        }
        ting_manifest_free(made);
    }
    assert_non_null(strstr(said.text, "left out wide.wav: "));
    assert_non_null(strstr(said.text, "wide.wav: it lasts more than the 20.00 s that were expected"));
    char *const all[] = {home, list, out, texts, two, wide};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_free(samples);
    ting_str_free(&said);
}

static double seconds_of(const char *folder)
{
    double seconds = 0;
    ting_manifest *made = read_list(folder, "spliced.tsv");
    for (size_t i = 0; i < ting_manifest_count(made); i++)
        seconds += ting_manifest_at(made, i)->seconds;
    ting_manifest_free(made);
    return seconds;
}

static void a_plan_says_how_clips_are_joined(void **state)
{
    (void)state;
    char *home = ting_temp_path("planned"), *list = ting_path_join(home, "list.tsv"), *out = ting_path_join(home, "out"),
         *texts = ting_path_join(home, "texts.txt"), *plan = ting_path_join(home, "plan.yaml"), *wav = ting_path_join(home, "ma.wav");
    static const char sentence[] = "妈妈妈\n", table[] = "path\tpinyin\ttext\nma.wav\tma1\t妈\n",
                      restful[] = "pause_share: 1\npause: 3\n", wrong[] = "pauze: 1\n";
    static float samples[TING_SOUND_RATE / 2];
    for (int i = 0; i < TING_SOUND_RATE / 2; i++)
        samples[i] = 0.3F * sinf(6.2831853F * 300 * (float)i / TING_SOUND_RATE);
    assert_ok(ting_folder_make(home));
    assert_ok(ting_wav_save(wav, samples, TING_SOUND_RATE / 2, TING_SOUND_RATE));
    assert_ok(ting_file_save(list, table, sizeof table - 1));
    assert_ok(ting_file_save(texts, sentence, sizeof sentence - 1));
    ting_splice_options options = {.manifest = list, .sentences = texts, .output = out, .lexicon = "models/lexicon", .count = 4};
    assert_ok(ting_splice_corpus(&options));
    assert_true(seconds_of(out) < 4 * (3 * 0.5 + 2 * 0.4)); /* the clips, and the longest pauses that there may be */
    options.plan = plan;
    assert_ok(ting_file_save(plan, restful, sizeof restful - 1));
    assert_ok(ting_splice_corpus(&options));
    assert_true(seconds_of(out) > 4 * 2 * 2.99); /* both joints of each sentence rest for 3 s */
    assert_ok(ting_file_save(plan, wrong, sizeof wrong - 1));
    assert_fails(TING_ERR_FORMAT, "plan.yaml:1: the key \"pauze\"", ting_splice_corpus(&options));
    char *const all[] = {home, list, out, texts, plan, wav};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_toy_corpus_is_a_function_of_its_seed),
        cmocka_unit_test(sentences_are_spliced_from_clips),
        cmocka_unit_test(each_sentence_is_spliced_once),
        cmocka_unit_test(pieces_of_a_file_are_told_apart),
        cmocka_unit_test(a_plan_says_how_clips_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
