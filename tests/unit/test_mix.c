/* SPDX-License-Identifier: Apache-2.0 */
/* test_mix.c - several channels to one: what is lost is said. */
#include "support/support.h"

#include "audio/audio.h"
#include "base/mem.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

static void last_sentence(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    snprintf(self, 256, "%s", sentence);
}

/* Two microphones of which one is wired the wrong way round. */
static void channels_that_cancel_are_said(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign++) { /* opposite, one alone, the same */
        char *path = ting_temp_path("opposite.wav"), sentence[256] = "";
        SF_INFO info = {.samplerate = 16000, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
        SNDFILE *file = sf_open(path, SFM_WRITE, &info);
        assert_non_null(file);
        for (int i = 0; i < 16000; i++) {
            const double x = 0.5 * sin(0.2 * i), pair[2] = {x, sign * x};
            assert_int_equal(sf_writef_double(file, pair, 1), 1);
        }
        sf_close(file);
        for (int channel = 0; channel <= 1; channel++) {
            const ting_log log = {last_sentence, sentence};
            float *samples = NULL;
            size_t count = 0;
            ting_audio_info loaded;
            sentence[0] = '\0';
            assert_ok(ting_audio_load(path, &(ting_audio_options){.log = &log, .channel = channel}, &samples, &count, &loaded));
            if ((strstr(sentence, "its channels cancel each other") != NULL) != (sign < 0 && channel == 0))
                fail_msg("sign %d, channel %d: \"%s\"", sign, channel, sentence);
            ting_free(samples);
        }
        ting_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_that_cancel_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
