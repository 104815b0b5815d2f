/* SPDX-License-Identifier: Apache-2.0 */
/* test_augment.c - augmentation as a whole: recipes, lists of sounds, that it is a function of its input, and hard
 * sounds. */
#include "support/failing.h"
#include "support/support.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "data/augment.h"

#include <math.h>
#include <string.h>

static ting_err read_plan(const char *text, ting_augment_plan *plan)
{
    ting_yaml_doc doc;
    ting_err err = ting_yaml_parse("r.yaml", text, strlen(text), &doc);
    if (err != TING_OK)
        return err;
    err = ting_augment_plan_read(doc.root, plan);
    for (int i = 0; i < plan->noises; i++) /* nothing borrows from the document below */
        plan->noise[i].source.list = plan->noise[i].source.only = NULL;
    ting_yaml_free(&doc);
    return err;
}

/* everything at once, nothing from files */
static const char everything[] = "speed: [0.9, 1.1]\n"
                                 "tempo: {share: 1, factor: [0.8, 1.3]}\n"
                                 "pitch: {share: 1, semitones: [-3, 3]}\n"
                                 "formant: {share: 1}\n"
                                 "pad: {share: 1}\n"
                                 "rooms: {share: 1}\n"
                                 "noise: [{share: 1, snr: [0, 20]}, {snr: 30}]\n"
                                 "equaliser: {share: 1}\n"
                                 "band: {share: 1}\n"
                                 "telephone: {share: 0.5}\n"
                                 "volume: {share: 1}\n"
                                 "clipping: {share: 1}\n"
                                 "round: true\n"
                                 "mask: {share: 1, warp: 5}\n";

static ting_augment *made(const char *text)
{
    ting_augment_plan plan;
    ting_augment *augment;
    assert_ok(read_plan(text, &plan));
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    return augment;
}

static void recipes_have_defaults(void **state)
{
    (void)state;
    ting_augment_plan p;
    assert_ok(read_plan("round: false\n", &p));
    assert_true(p.speeds == 0 && p.noises == 0 && !p.round);
    assert_true(p.tempo.share + p.pitch.share + p.formant.share + p.pad.share + p.rooms.share == 0);
    assert_true(p.equaliser.share + p.band.share + p.telephone + p.volume.share + p.clipping.share + p.mask.share == 0);
    assert_ok(read_plan("speed: 1.1\npitch: {semitones: 3}\nnoise: [{snr: [-5, 10], voices: [3, 8]}]\nmask: {}\nrooms: {decay: 0.2}\n",
                        &p));
    assert_true(p.speeds == 1 && p.speed[0] == 1.1);
    assert_true(p.pitch.share == 0.5 && p.pitch.by.low == 3 && p.pitch.by.high == 3);
    assert_true(p.noises == 1 && p.noise[0].share == 0.5 && p.noise[0].snr.low == -5 && p.noise[0].snr.high == 10);
    assert_true(p.noise[0].voices_low == 3 && p.noise[0].voices_high == 8);
    assert_true(p.mask.share == 0.9 && p.mask.bands == 2 && p.mask.width == 27 && p.mask.spans == 10);
    assert_true(p.mask.length == 100 && p.mask.most == 0.15 && p.mask.warp == 80);
    assert_true(p.rooms.share == 0.3 && p.rooms.decay.low == 0.2 && p.rooms.decay.high == 0.2 && p.rooms.direct.low == -3);
}

static void recipes_name_the_line_of_a_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"speed: [0.9, 3]\n", "r.yaml:1: \"speed\" is \"3\", expected a number from 0.5 to 2"},
        {"speed: []\n", "r.yaml:1: \"speed\" is empty"},
        {"speed: [[1, 2]]\n", "r.yaml:1: \"speed\" must be a number or a list of at most 16"},
        {"speed: {a: 1}\n", "\"speed\" must be a number or a list"},
        {"pitch: {semitones: [1, 2, 3]}\n", "\"semitones\" must be a number or a list of at most 2"},
        {"pitch: {semitones: [2, 1]}\n", "expected the smaller number first"},
        {"pitch: {share: 2}\n", "\"share\" is \"2\", expected a number from 0 to 1"},
        {"round: true\npitch: {tones: 2}\n", "r.yaml:2: the key \"tones\" is not known here"},
        {"pitchh: {}\n", "the key \"pitchh\" is not known here"},
        {"noise: {snr: 5}\n", "\"noise\" must be a list"},
        {"noise: [5]\n", "\"noise\" must be a list of at most 8 groups"},
        {"noise: [{}, {}, {}, {}, {}, {}, {}, {}, {}]\n", "\"noise\" must be a list of at most 8 groups"},
        {"noise: [{voices: 1.5}]\n", "\"voices\" must be whole numbers"},
        {"noise: [{only: a/}]\n", "the key \"only\" is not known here"},
        {"rooms: {list: a, decay: 1}\n", "the key \"decay\" is not known here"},
        {"telephone: {line: 1}\n", "the key \"line\" is not known here"},
        {"mask: {bands: 1.5}\n", "expected a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ting_augment_plan p;
        assert_fails(TING_ERR_FORMAT, cases[i].sentence, read_plan(cases[i].text, &p));
    }
}

static bool all_finite(const ting_sound *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!isfinite(s->samples[i]) || fabsf(s->samples[i]) > 1)
            return false;
    return true;
}

static void nothing_planned_changes_nothing(void **state)
{
    (void)state;
    static float samples[20000];
    ting_tiny_sound(samples, 20000);
    ting_augment *augment = made("round: false\n");
    ting_rng rng = ting_rng_new(1, 2);
    ting_sound sound = {0};
    float features[6] = {1, 2, 3, 4, 5, 6};
    assert_ok(ting_sound_set(&sound, samples, 20000));
    assert_ok(ting_augment_voice(augment, &rng, &sound));
    assert_ok(ting_augment_channel(augment, &rng, &sound));
    assert_ok(ting_augment_features(augment, &rng, TING_TIMING_FREE, features, 3, 2));
    assert_int_equal(sound.count, 20000);
    assert_memory_equal(sound.samples, samples, sizeof samples);
    assert_true(features[0] == 1 && features[5] == 6);
    ting_sound_free(&sound);
    ting_augment_free(augment);
}

static void hard_sounds_stay_finite(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 159, 160, 257, 1000, 16000};
    ting_augment *loud = made(everything);
    ting_augment *noiseless = made("speed: [0.9, 1.1]\ntempo: {share: 1}\npitch: {share: 1}\nformant: {share: 1}\nrooms: {share: 1}\n"
                                   "equaliser: {share: 1}\nband: {share: 1}\ntelephone: {share: 1}\nvolume: {share: 1}\n"
                                   "clipping: {share: 1}\n");
    ting_sound sound = {0};
    for (int kind = 0; kind < 4; kind++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (uint64_t seed = 0; seed < 5; seed++) {
                ting_rng rng = ting_rng_new(seed, 3);
                assert_ok(ting_sound_reserve(&sound, lengths[l]));
                sound.count = lengths[l];
                for (size_t i = 0; i < sound.count; i++) /* silence, full scale, alternating, the smallest numbers */
                    sound.samples[i] = kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? (i % 2 ? 1.0F : -1.0F) : 1e-38F;
                const ting_augment *augment = seed % 2 == 0 ? loud : noiseless;
                assert_ok(ting_augment_voice(augment, &rng, &sound));
                const size_t count = sound.count;
                assert_true(lengths[l] > 0 || count == 0);
                assert_ok(ting_augment_channel(augment, &rng, &sound));
                assert_int_equal(sound.count, count);
                assert_true(all_finite(&sound));
                if (kind == 0 && augment == noiseless)
                    assert_true(ting_sound_peak(sound.samples, sound.count) == 0);
                if (kind == 0 && augment == loud && count > 1000)
                    assert_true(ting_sound_peak(sound.samples, sound.count) > 0);
            }
    ting_sound_free(&sound);
    ting_augment_free(loud);
    ting_augment_free(noiseless);
}

enum { JOBS = 24, FRAMES = 90, BINS = 20 };

typedef struct job {
    const ting_augment *augment;
    ting_sound sounds[JOBS];
    float features[JOBS][FRAMES * BINS];
    ting_err errs[JOBS];
} job;

static ting_err augment_one(job *j, int index)
{
    static const size_t step = 997;
    ting_err err = TING_OK;
    ting_rng rng = ting_rng_new((uint64_t)index, 4);
    ting_sound *sound = &j->sounds[index];
    const size_t count = 4000 + (size_t)index * step;
    TRY(ting_sound_reserve(sound, count));
    ting_tiny_sound(sound->samples, count);
    sound->count = count;
    TRY(ting_augment_voice(j->augment, &rng, sound));
    TRY(ting_augment_channel(j->augment, &rng, sound));
    for (int i = 0; i < FRAMES * BINS; i++)
        j->features[index][i] = (float)(i % 37) + (float)index;
    TRY(ting_augment_features(j->augment, &rng, TING_TIMING_FREE, j->features[index], FRAMES, BINS));
out:
    return err;
}

static void work(void *arg, int index)
{
    job *j = arg;
    j->errs[index] = augment_one(j, index);
}

static void threads_share_an_augmentation(void **state)
{
    (void)state;
    ting_augment *augment = made(everything);
    job *one = ting_alloc(1, sizeof *one), *many = ting_alloc(1, sizeof *many);
    assert_non_null(one);
    assert_non_null(many);
    one->augment = many->augment = augment;
    ting_pool *pool = ting_pool_new(4);
    ting_pool_run(NULL, JOBS, work, one);
    ting_pool_run(pool, JOBS, work, many);
    int differ = 0;
    for (int i = 0; i < JOBS; i++) {
        assert_true(one->errs[i] == TING_OK && many->errs[i] == TING_OK);
        assert_int_equal(one->sounds[i].count, many->sounds[i].count);
        assert_memory_equal(one->sounds[i].samples, many->sounds[i].samples, one->sounds[i].count * sizeof(float));
        assert_memory_equal(one->features[i], many->features[i], sizeof one->features[i]);
        differ += i > 0 && memcmp(one->features[i], one->features[0], sizeof one->features[i]) != 0;
        ting_sound_free(&one->sounds[i]);
        ting_sound_free(&many->sounds[i]);
    }
    assert_int_equal(differ, JOBS - 1);
    ting_pool_free(pool);
    ting_free(one);
    ting_free(many);
    ting_augment_free(augment);
}

static ting_err everything_once(void *arg)
{
    (void)arg;
    ting_err err = TING_OK;
    ting_augment_plan plan;
    ting_augment *augment = NULL;
    ting_sound sound = {0};
    ting_rng rng = ting_rng_new(3, 5);
    float x[40 * 4] = {0};
    TRY(read_plan(everything, &plan));
    TRY(ting_augment_new(&plan, NULL, &augment));
    TRY(ting_sound_reserve(&sound, 3000));
    ting_tiny_sound(sound.samples, 3000);
    sound.count = 3000;
    TRY(ting_augment_voice(augment, &rng, &sound));
    TRY(ting_augment_channel(augment, &rng, &sound));
    TRY(ting_augment_features(augment, &rng, TING_TIMING_FREE, x, 40, 4));
out:
    ting_sound_free(&sound);
    ting_augment_free(augment);
    return err;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(everything_once, NULL) > 100);
}

/* ---- lists ---- */

typedef struct remarks {
    int warnings;
    char last_info[512];
} remarks;

static void note(void *self, ting_log_level level, const char *sentence)
{
    remarks *r = self;
    r->warnings += level == TING_LOG_WARNING;
    if (level == TING_LOG_INFO)
        strncpy(r->last_info, sentence, sizeof r->last_info - 1);
}

static void save_list(const char *name, const char *text)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_file_save(path, text, strlen(text)));
    ting_free(path);
}

static ting_err load(const char *base, ting_augment_source source, remarks *r)
{
    const ting_log log = {note, r};
    ting_augment *augment;
    ting_augment_plan plan = {.base = base, .noises = 1};
    *r = (remarks){0};
    plan.noise[0] = (ting_augment_noise){.source = source, .share = 1, .voices_low = 1, .voices_high = 1};
    ting_err err = ting_augment_new(&plan, &log, &augment);
    ting_augment_free(augment);
    return err;
}

static void lists_are_loaded_and_bad_files_left_out(void **state)
{
    (void)state;
    static float samples[16000];
    ting_tiny_sound(samples, 16000);
    char *folder = ting_temp_path(""), *wav = ting_temp_path("a.wav"), *silent = ting_temp_path("b.wav");
    assert_ok(ting_tiny_wav_save(wav, samples, 16000, 16000));
    memset(samples, 0, sizeof samples);
    assert_ok(ting_tiny_wav_save(silent, samples, 16000, 16000));
    save_list("noise.txt", "a.wav\n\nb.wav\nmissing.wav\n  a.wav \n");
    save_list("noise.tsv", "id\tpath\tx\n1\ta.wav\t\n2\t./a.wav\t\n3\n");
    save_list("bad.wav", "this is no sound");
    save_list("bad.txt", "bad.wav\n");
    remarks r;
    assert_ok(load(folder, (ting_augment_source){.list = "noise.txt", .seconds = 100}, &r));
    assert_int_equal(r.warnings, 2); /* silent, missing */
    assert_non_null(strstr(r.last_info, "2 sounds"));
    assert_ok(load(folder, (ting_augment_source){.list = "noise.txt", .seconds = 0.5}, &r));
    assert_non_null(strstr(r.last_info, "1 sounds, 1 s; 0 could not be read, 3 left out"));
    assert_ok(load(folder, (ting_augment_source){.list = "noise.tsv", .seconds = 100}, &r));
    assert_non_null(strstr(r.last_info, "2 sounds"));
    assert_ok(load(folder, (ting_augment_source){.list = "noise.tsv", .only = "./", .seconds = 100}, &r));
    assert_non_null(strstr(r.last_info, "1 sounds"));
    assert_fails(TING_ERR_FORMAT, "names no sound that can be used under x/",
                 load(folder, (ting_augment_source){.list = "noise.tsv", .only = "x/", .seconds = 100}, &r));
    assert_fails(TING_ERR_FORMAT, "bad.txt: names no sound that can be used, 1 could not be read",
                 load(folder, (ting_augment_source){.list = "bad.txt", .seconds = 100}, &r));
    assert_fails(TING_ERR_IO, "nowhere.txt", load(folder, (ting_augment_source){.list = "nowhere.txt", .seconds = 100}, &r));
    ting_free(folder);
    ting_free(wav);
    ting_free(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_have_defaults),
        cmocka_unit_test(recipes_name_the_line_of_a_mistake),
        cmocka_unit_test(nothing_planned_changes_nothing),
        cmocka_unit_test(hard_sounds_stay_finite),
        cmocka_unit_test(threads_share_an_augmentation),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(lists_are_loaded_and_bad_files_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
