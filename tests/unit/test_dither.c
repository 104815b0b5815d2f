/* SPDX-License-Identifier: Apache-2.0 */
/* test_dither.c - runs of zeros become noise of one step, nothing else changes, however the sound is cut. */
#include "support/support.h"

#include "audio/dither.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { RATE = 16000, COUNT = 8000, FIRST = 503, END = 7501, PASS = RATE / 4 };

static void runs_of_zeros_become_noise(void **state)
{
    (void)state;
    float sound[COUNT], whole[COUNT], pieces[COUNT];
    for (int i = 0; i < COUNT; i++) /* short runs of zeros in speech, a long one in the middle */
        sound[i] = (i >= FIRST && i < END) || i % 7 < 3 ? 0 : (float)sin(i);
    ting_dither d = ting_dither_at(RATE);
    ting_dither_run(&d, sound, COUNT, whole);
    int up = 0, down = 0;
    for (int i = 0; i < COUNT; i++) {
        const bool dithered = i >= FIRST + PASS && i < END;
        if (!dithered)
            assert_true(whole[i] == sound[i]);
        up += dithered && whole[i] == 1.0F / 32768;
        down += dithered && whole[i] == -1.0F / 32768;
    }
    assert_int_equal(up + down, END - FIRST - PASS);
    assert_true(up > 300 && down > 300);
    d = ting_dither_at(RATE);
    for (int at = 0, part = 1; at < COUNT; at += part, part = part * 3 % 101 + 1)
        ting_dither_run(&d, sound + at, (size_t)(at + part < COUNT ? part : COUNT - at), pieces + at);
    assert_memory_equal(pieces, whole, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_of_zeros_become_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
