/* SPDX-License-Identifier: Apache-2.0 */
/* test_ogg.c - Ogg files that libsndfile reads only in part: several streams one after the other, and a cut-off end. */
#include "support/support.h"

#include "audio/audio.h"
#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

enum { FRAMES = 480000 }; /* at 16 kHz: several pages of any codec */

static char *write_tone(const char *name, int format)
{
    char *path = ting_temp_path(name);
    SF_INFO info = {.samplerate = 16000, .channels = 1, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    float *samples = ting_alloc(FRAMES, sizeof *samples);
    if (file == NULL || samples == NULL)
        fail_msg("%s: %s", path, sf_strerror(NULL));
    for (int i = 0; i < FRAMES; i++)
        samples[i] = 0.5f * (float)sin(i * 0.17);
    assert_int_equal(sf_writef_float(file, samples, FRAMES), FRAMES);
    sf_close(file);
    ting_free(samples);
    return path;
}

static void last_sentence(void *self, ting_log_level level, const char *sentence)
{
    if (level == TING_LOG_WARNING)
        snprintf(self, 256, "%s", sentence);
}

static void chained_and_truncated_ogg_are_said(void **state)
{
    (void)state;
    const int formats[] = {SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS};
    for (int i = 0; i < 2; i++) {
        char *path = write_tone("a.ogg", formats[i]), *odd = ting_temp_path("odd.ogg");
        char sentence[256] = "";
        ting_log log = {last_sentence, sentence};
        float *samples = NULL;
        size_t count = 0;
        ting_file file;
        ting_audio_info info;
        assert_ok(ting_audio_load(path, &(ting_audio_options){.log = &log}, &samples, &count, &info));
        assert_string_equal(sentence, ""); /* a whole file needs no remark */
        assert_false(info.truncated);
        ting_free(samples);
        assert_ok(ting_file_map(path, &file));
        unsigned char *twice = ting_alloc(2, file.size);
        memcpy(twice, file.data, file.size);
        memcpy(twice + file.size, file.data, file.size);
        assert_ok(ting_file_save(odd, twice, 2 * file.size));
        assert_ok(ting_audio_load(odd, &(ting_audio_options){.log = &log}, &samples, &count, &info));
        assert_non_null(strstr(sentence, "odd.ogg: holds several sounds one after the other"));
        ting_free(samples);
        assert_ok(ting_file_save(odd, twice, file.size - 100));
        assert_ok(ting_audio_load(odd, &(ting_audio_options){.log = &log}, &samples, &count, &info));
        assert_non_null(strstr(sentence, "what is there is used"));
        assert_true(info.truncated);
        ting_free(samples), ting_free(twice), ting_free(path), ting_free(odd);
        ting_file_unmap(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chained_and_truncated_ogg_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
