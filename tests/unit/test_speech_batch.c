/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_speech_batch.c - batches in two views with what a teacher hears beside them: same length, same voice, each view spoiled by
 * itself, and no time bent where a teacher listens. Shares of batches are in test_share.c.
 */
#include "support/support.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/speech_batch.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

enum { SECOND = TING_SOUND_RATE, CLIPS = 9, DIM = 80, SHARES = 3 };

static char *home;
static ting_manifest *manifest;
static ting_speech *speech;

/* Nine clips of 3 s and more: long enough for a bend of 80 frames either way. */
static int make_speech(void **state)
{
    (void)state;
    static float samples[5 * SECOND];
    ting_str text = {0};
    home = ting_temp_path("batches");
    assert_ok(ting_folder_make(home));
    for (int i = 0; i < CLIPS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.wav", i);
        char *path = ting_path_join(home, name);
        ting_tiny_sound(samples, 5 * SECOND);
        assert_ok(ting_wav_save(path, samples, (size_t)(3 * SECOND + 3000 * i), SECOND));
        ting_str_addf(&text, "%s\n", name);
        ting_free(path);
    }
    char *list = ting_path_join(home, "list.txt");
    assert_ok(ting_file_save(list, text.text, text.length));
    assert_ok(ting_manifest_read(list, NULL, &manifest));
    assert_ok(ting_speech_new(&(ting_speech_options){.shortest = 0.1, .longest = 30, .unlabelled_too = true, .memory = 1 << 24}, &speech));
    assert_ok(ting_speech_add(speech, manifest, "list"));
    ting_str_free(&text);
    ting_free(list);
    return 0;
}

static int free_speech(void **state)
{
    (void)state;
    ting_speech_free(speech);
    ting_manifest_free(manifest);
    ting_free(home);
    return 0;
}

static int rows(const void *self, int frames)
{
    (void)self;
    return frames / 4;
}

static ting_speech_batches *make(const ting_augment *augment, ting_clean clean, ting_timing timing, ting_share share)
{
    ting_speech_batches *batches;
    size_t count;
    const ting_epoch_group group = {0, CLIPS, 1};
    ting_speech_batches_options options = {.groups = &group,
                                           .group_count = 1,
                                           .seconds = 20,
                                           .window = CLIPS,
                                           .seed = 5,
                                           .views = 2,
                                           .clean = clean,
                                           .timing = timing,
                                           .augment = augment,
                                           .rows = rows,
                                           .share = share,
                                           .threads = 2,
                                           .ahead = 3};
    assert_ok(ting_feature_preset("icefall", &options.features));
    assert_ok(ting_speech_batches_new(speech, &options, &batches));
    assert_ok(ting_speech_batches_epoch(batches, 0, &count));
    assert_in_range(count, 2, CLIPS);
    return batches;
}

static const ting_speech_batch *take(ting_speech_batches *batches, size_t place)
{
    const ting_speech_batch *batch;
    assert_ok(ting_speech_batches_take(batches, place, &batch));
    return batch;
}

static ting_augment *augment_of(ting_augment_plan plan)
{
    ting_augment *augment;
    assert_ok(ting_augment_new(&plan, NULL, &augment));
    return augment;
}

/* Bytes of all frames of one view; both have as many, at the same places. */
static size_t view_bytes(const ting_speech_batch *batch)
{
    const int each = batch->utterances, total = batch->frames.start[each];
    assert_int_equal(batch->views, 2);
    assert_int_equal(batch->frames.count, 2 * each);
    for (int u = 0; u <= each; u++)
        assert_int_equal(batch->frames.start[each + u], total + batch->frames.start[u]);
    return (size_t)total * DIM * sizeof(float);
}

static const float *second_view(const ting_speech_batch *batch)
{
    return batch->heard + batch->frames.start[batch->utterances] * DIM;
}

static void each_view_is_spoiled_by_itself(void **state)
{
    (void)state;
    ting_augment *augment = augment_of((ting_augment_plan){.speeds = 2,
                                                           .speed = {0.9, 1.1},
                                                           .noises = 1,
                                                           .noise = {{.share = 1, .snr = {10, 20}, .voices_low = 1, .voices_high = 1}}});
    ting_speech_batches *whole = make(augment, TING_CLEAN_VOICE, TING_TIMING_KEPT, (ting_share){0, 1}), *part[SHARES];
    for (int p = 0; p < SHARES; p++)
        part[p] = make(augment, TING_CLEAN_VOICE, TING_TIMING_KEPT, (ting_share){p, SHARES});
    for (size_t place = 0; place < 2; place++) {
        const ting_speech_batch *all = take(whole, place);
        const size_t bytes = view_bytes(all);
        assert_memory_not_equal(all->heard, all->clean, bytes);
        assert_memory_not_equal(all->heard, second_view(all), bytes);
        int found = 0;
        for (int p = 0; p < SHARES; p++) { /* what a teacher hears is dealt like what is trained on */
            const ting_speech_batch *share = take(part[p], place);
            for (int u = 0; u < share->utterances; u++, found++) {
                int w = 0;
                while (w < all->utterances && all->items[w] != share->items[u])
                    w++;
                assert_true(w < all->utterances);
                const int frames = share->frames.start[u + 1] - share->frames.start[u];
                assert_int_equal(frames, all->frames.start[w + 1] - all->frames.start[w]);
                assert_memory_equal(share->clean + share->frames.start[u] * DIM, all->clean + all->frames.start[w] * DIM,
                                    (size_t)frames * DIM * sizeof(float));
            }
        }
        assert_int_equal(found, all->utterances);
    }
    for (int p = 0; p < SHARES; p++)
        ting_speech_batches_free(part[p]);
    ting_speech_batches_free(whole);
    ting_augment_free(augment);
}

/* Bends alone, without masks: both views alike; none where a teacher has heard the sound as it was. */
static void time_is_bent_once_and_never_for_a_teacher(void **state)
{
    (void)state;
    ting_augment *augment = augment_of((ting_augment_plan){.mask = {.share = 1, .warp = 80, .width = 1, .length = 1}});
    ting_speech_batches *bent = make(augment, TING_CLEAN_VOICE, TING_TIMING_FREE, (ting_share){0, 1}),
                        *kept = make(augment, TING_CLEAN_VOICE, TING_TIMING_KEPT, (ting_share){0, 1});
    for (size_t place = 0; place < 2; place++) {
        const ting_speech_batch *batch = take(bent, place);
        assert_memory_equal(batch->heard, second_view(batch), view_bytes(batch));
        assert_memory_not_equal(batch->heard, batch->clean, view_bytes(batch));
        batch = take(kept, place);
        assert_memory_equal(batch->heard, batch->clean, view_bytes(batch));
        assert_memory_equal(second_view(batch), batch->clean, view_bytes(batch));
    }
    ting_speech_batches_free(bent);
    ting_speech_batches_free(kept);
    ting_augment_free(augment);
}

/* With TING_CLEAN_LINE a teacher hears the noise, but not that it is all 20 dB quieter. */
static void a_teacher_hears_the_line_at_its_own_level(void **state)
{
    (void)state;
    const double quieter = log(100);
    ting_augment *augment = augment_of((ting_augment_plan){.noises = 1,
                                                           .noise = {{.share = 1, .snr = {5, 10}, .voices_low = 1, .voices_high = 1}},
                                                           .volume = {1, {-20, -20}}});
    ting_speech_batches *line = make(augment, TING_CLEAN_LINE, TING_TIMING_KEPT, (ting_share){0, 1}),
                        *voice = make(augment, TING_CLEAN_VOICE, TING_TIMING_KEPT, (ting_share){0, 1});
    const ting_speech_batch *batch = take(line, 0), *other = take(voice, 0);
    const size_t count = view_bytes(batch) / sizeof(float);
    double worst = 0, apart = 0;
    assert_memory_equal(batch->heard, other->heard, 2 * view_bytes(batch)); /* what is trained on is the same */
    for (size_t i = 0; i < count; i++) {
        if (batch->heard[i] > -12) /* the floor, log(1.2e-7), is far */
            worst = fmax(worst, fabs((double)batch->clean[i] - (double)batch->heard[i] - quieter));
        apart = fmax(apart, fabs((double)other->clean[i] - (double)batch->heard[i] - quieter));
    }
    assert_true(worst < 1e-2); /* rounding of small energies */
    assert_true(apart > 1);    /* the voice alone has no noise */
    ting_speech_batches_free(line);
    ting_speech_batches_free(voice);
    ting_augment_free(augment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_view_is_spoiled_by_itself),
        cmocka_unit_test(time_is_bent_once_and_never_for_a_teacher),
        cmocka_unit_test(a_teacher_hears_the_line_at_its_own_level),
    };
    return cmocka_run_group_tests(tests, make_speech, free_speech);
}
