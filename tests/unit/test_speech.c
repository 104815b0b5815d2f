/* SPDX-License-Identifier: Apache-2.0 */
/* test_speech.c - utterances of manifests: what is left out, what is loaded. */
#include "support/support.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/sound_store.h"
#include "data/speech.h"
#include "support/tiny.h"

#include <string.h>

enum { SECOND = TING_SOUND_RATE };

static char *home;

/* A manifest of a sound of four seconds, each with its own level, and these rows behind the line of names. */
static ting_manifest *make(const char *rows)
{
    char *sound = ting_path_join(home, "four.wav"), *list = ting_path_join(home, "list.tsv");
    static float samples[4 * SECOND];
    ting_str text = {0};
    ting_manifest *manifest;
    for (int i = 0; i < 4 * SECOND; i++)
        samples[i] = 0.125F * (float)(1 + i / SECOND);
    ting_str_addf(&text, "id\tpath\tstart\tseconds\ttext\n%s", rows);
    assert_ok(ting_folder_make(home));
    assert_ok(ting_wav_save(sound, samples, 4 * SECOND, SECOND));
    assert_ok(ting_file_save(list, text.text, text.length));
    assert_ok(ting_manifest_read(list, NULL, &manifest));
    ting_str_free(&text);
    ting_free(sound);
    ting_free(list);
    return manifest;
}

static ting_speech *speech_of(const ting_manifest *manifest, ting_speech_options options)
{
    ting_speech *speech;
    options.shortest = 0.1;
    options.longest = 30;
    assert_ok(ting_speech_new(&options, &speech));
    assert_ok(ting_speech_add(speech, manifest, "list"));
    return speech;
}

static void pieces_are_loaded(void **state)
{
    (void)state;
    ting_manifest *manifest = make("whole\tfour.wav\t\t\t\nsecond\tfour.wav\t1\t1\t\nrest\tfour.wav\t2.5\t\t\n");
    ting_speech *speech = speech_of(manifest, (ting_speech_options){.unlabelled_too = true, .memory = 5 * SECOND});
    static const struct {
        size_t count;
        float first, last;
    } want[] = {{4 * SECOND, 0.125F, 0.5F}, {SECOND, 0.25F, 0.25F}, {SECOND * 3 / 2, 0.375F, 0.5F}};
    ting_sound sound = {0};
    for (int round = 0; round < 2; round++) /* decoded, and what was kept: the second and third, for the first is too long */
        for (size_t i = 0; i < 3; i++) {
            assert_ok(ting_speech_load(speech, i, &sound));
            assert_int_equal(sound.count, want[i].count);
            assert_true(sound.samples[0] == want[i].first && sound.samples[sound.count - 1] == want[i].last);
        }
    ting_sound_free(&sound);
    ting_speech_free(speech);
    ting_manifest_free(manifest);
}

/* Rounded figures are well; a mislabelled recording is not decoded to its end, and one that was cut off not learnt from. */
static void another_length_than_said_is_refused(void **state)
{
    (void)state;
    ting_manifest *manifest = make("rounded\tfour.wav\t\t3.95\t\nwrong\tfour.wav\t\t1.5\t\ncut\tfour.wav\t\t6.5\t\n");
    ting_speech *speech = speech_of(manifest, (ting_speech_options){.unlabelled_too = true, .memory = 1 << 20});
    ting_sound sound = {0};
    assert_ok(ting_speech_load(speech, 0, &sound));
    assert_int_equal(sound.count, 4 * SECOND);
    assert_fails(TING_ERR_FORMAT, "four.wav: it lasts more than the 1.60 s that were expected",
                 ting_speech_load(speech, 1, &sound));
    assert_fails(TING_ERR_FORMAT, "four.wav: 4.00 s of sound, expected 6.50: it was cut off", ting_speech_load(speech, 2, &sound));
    ting_sound_free(&sound);
    ting_speech_free(speech);
    ting_manifest_free(manifest);
}

/* A sound of another rate, whose samples here lie between the 16-bit steps. */
static void kept_or_not_a_sound_is_the_same(void **state)
{
    (void)state;
    char *path = ting_path_join(home, "slow.wav");
    static float samples[SECOND];
    ting_sound_store *keeping, *forgetting;
    ting_sound sound = {0}, other = {0};
    const ting_clip clip = {.id = "slow", .path = path, .start = 0.25, .seconds = 0.5};
    ting_tiny_sound(samples, SECOND);
    assert_ok(ting_folder_make(home));
    assert_ok(ting_wav_save(path, samples, SECOND, SECOND * 2 / 3));
    assert_ok(ting_sound_store_new(1 << 20, &keeping));
    assert_ok(ting_sound_store_new(0, &forgetting));
    assert_ok(ting_sound_store_reserve(keeping, 3));
    assert_ok(ting_sound_store_reserve(forgetting, 3));
    for (int round = 0; round < 2; round++) {
        assert_ok(ting_sound_store_load(keeping, 2, &clip, SECOND, &sound));
        assert_ok(ting_sound_store_load(forgetting, 2, &clip, SECOND, &other));
        assert_int_equal(sound.count, SECOND / 2);
        assert_int_equal(other.count, SECOND / 2);
        assert_memory_equal(sound.samples, other.samples, SECOND / 2 * sizeof(float));
    }
    assert_ok(ting_file_save(path, "", 0)); /* now only what was kept is there */
    assert_ok(ting_sound_store_load(keeping, 2, &clip, SECOND, &sound));
    assert_fails(TING_ERR_FORMAT, "slow.wav", ting_sound_store_load(forgetting, 2, &clip, SECOND, &other));
    ting_sound_free(&sound);
    ting_sound_free(&other);
    ting_sound_store_free(keeping);
    ting_sound_store_free(forgetting);
    ting_free(path);
}

static uint64_t hash_of(const char *rows)
{
    ting_manifest *manifest = make(rows);
    ting_speech *speech = speech_of(manifest, (ting_speech_options){.unlabelled_too = true});
    const uint64_t hash = ting_speech_hash(speech);
    ting_speech_free(speech);
    ting_manifest_free(manifest);
    return hash;
}

static void a_checkpoint_knows_its_data(void **state)
{
    (void)state;
    const uint64_t hash = hash_of("a\tfour.wav\t1\t1\t\nb\tfour.wav\t2\t1\t\n");
    assert_true(hash == hash_of("a\t./four.wav\t1\t1\t\nb\t../speech/four.wav\t2\t1\t\n")); /* the corpus has moved */
    static const char *const others[] = {
        "a\tfour.wav\t1\t1\t\nb\tfour.wav\t2.5\t1\t\n", /* another piece */
        "a\tfour.wav\t1\t1\t\nb\tfour.wav\t2\t1.5\t\n", /* longer */
        "b\tfour.wav\t2\t1\t\na\tfour.wav\t1\t1\t\n",   /* another order */
        "a\tfour.wav\t1\t1\t\nc\tfour.wav\t2\t1\t\n",   /* another name */
        "a\tfour.wav\t1\t1\t\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_true(hash != hash_of(others[i]));
}

static int stop_at_third(void *self)
{
    int *asked = self;
    return ++*asked == 3;
}

/* A manifest without lengths: each file is opened, which takes a while. */
static void adding_can_be_stopped(void **state)
{
    (void)state;
    enum { ROWS = 2000 };
    int asked = 0;
    ting_str rows = {0};
    ting_speech *speech;
    for (int i = 0; i < ROWS; i++)
        ting_str_addf(&rows, "u%d\tfour.wav\t\t\t\n", i);
    ting_manifest *manifest = make(rows.text);
    const ting_speech_options options = {
        .shortest = 0.1, .longest = 30, .unlabelled_too = true, .stop = stop_at_third, .self = &asked};
    assert_ok(ting_speech_new(&options, &speech));
    assert_fails(TING_ERR_CANCELLED, "list: stopped after 767 of 2000 utterances", ting_speech_add(speech, manifest, "list"));
    assert_int_equal(asked, 3);
    ting_speech_free(speech);
    ting_manifest_free(manifest);
    ting_str_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_loaded),
        cmocka_unit_test(another_length_than_said_is_refused),
        cmocka_unit_test(kept_or_not_a_sound_is_the_same),
        cmocka_unit_test(a_checkpoint_knows_its_data),
        cmocka_unit_test(adding_can_be_stopped),
    };
    home = ting_temp_path("speech");
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ting_free(home);
    return failed;
}
