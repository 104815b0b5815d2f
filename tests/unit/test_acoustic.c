/* SPDX-License-Identifier: Apache-2.0 */
/* test_acoustic.c - an acoustic model from a file, its keys, and sound to encoder rows in pieces of any size. */
#include "support/support.h"

#include "support/tiny.h"

#include "base/mem.h"
#include "engine/am.h"
#include "engine/listener.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *path;
static ting_gguf file;
static ting_am acoustic;

static int open_tiny(void **state)
{
    (void)state;
    path = ting_temp_path("tiny.gguf");
    assert_ok(ting_tiny_model_save(path, 1, TING_TINY_AM));
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_am_open(&file, TING_PRECISION_F32, &acoustic));
    return 0;
}

static int close_tiny(void **state)
{
    (void)state;
    ting_am_free(&acoustic);
    ting_gguf_close(&file);
    ting_free(path);
    return 0;
}

static void keys_come_back(void **state)
{
    (void)state;
    const ting_zipformer_config *e = &acoustic.net->config.encoder.zipformer;
    assert_int_equal(e->stacks, 2);
    assert_int_equal(e->stack[1].kernel, 5);
    assert_int_equal(e->embed_channels[2], 8);
    assert_true(e->causal);
    const ting_transducer_config *t = ting_transducer_settings(acoustic.net->transducer);
    assert_int_equal(t->context, 2);
    assert_int_equal(t->groups, 4);
    assert_int_equal(acoustic.features.bins, 40);
    assert_int_equal(acoustic.tokens.count, 9);
    assert_int_equal(acoustic.pieces[1].kind, TING_PIECE_INITIAL);
    assert_int_equal(acoustic.pieces[8].kind, TING_PIECE_OTHER);
}

enum { SECONDS = 5, SAMPLES = SECONDS * 16000, MOST_ROWS = 200, DIM = 16 };

typedef struct heard {
    ting_real rows[MOST_ROWS][DIM];
    int count, calls;
} heard;

static ting_err take(void *self, ting_ctx *ctx, ting_tensor rows, long first)
{
    heard *h = self;
    (void)ctx;
    assert_int_equal(first, h->count);
    assert_int_equal(rows.cols, DIM);
    assert_true(h->count + rows.rows <= MOST_ROWS);
    for (int i = 0; i < rows.rows; i++)
        memcpy(h->rows[h->count++], ting_row(rows, i), sizeof h->rows[0]);
    h->calls++;
    return TING_OK;
}

/* Feeds the sound in pieces: of `size` samples, or of random sizes when size is 0. */
static void listen(const float *sound, size_t count, size_t size, int rate, ting_pool *pool, heard *out)
{
    ting_listener *listener;
    memset(out, 0, sizeof *out);
    assert_ok(ting_listener_new(&acoustic, &(ting_listener_options){.rate = rate, .pool = pool}, (ting_row_sink){take, NULL, out}, &listener));
    srand(1);
    for (size_t at = 0; at < count;) {
        size_t part = size > 0 ? size : (size_t)(rand() % 7000);
        part = part < count - at ? part : count - at;
        assert_ok(ting_listener_feed(listener, sound + at, part));
        at += part;
    }
    assert_ok(ting_listener_finish(listener));
    assert_true(fabs(ting_listener_fed(listener) - (double)count / rate) < 1e-9);
    /* whatever was said is covered, and at most a chunk and the tail more */
    assert_true(ting_listener_heard(listener) >= (double)count / rate && ting_listener_heard(listener) < (double)count / rate + 0.7);
    assert_fails(TING_ERR_ARGUMENT, "after the end", ting_listener_feed(listener, sound, 1));
    ting_listener_free(listener);
}

static void pieces_of_any_size_give_the_same_rows(void **state)
{
    (void)state;
    static float sound[SAMPLES];
    static heard whole, other;
    ting_tiny_sound(sound, SAMPLES);
    listen(sound, SAMPLES, SAMPLES, 16000, NULL, &whole);
    assert_true(whole.count > 0 && whole.count % 8 == 0);
    assert_in_range(whole.calls, 1, 2); /* 15 chunks in one call, the silence at the end in another */
    static const size_t sizes[] = {0, 1, 7, 160, 161, 5120, 79999};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        listen(sound, SAMPLES, sizes[i], 16000, NULL, &other);
        assert_int_equal(other.count, whole.count);
        assert_memory_equal(other.rows, whole.rows, sizeof whole.rows);
        assert_true(other.calls >= whole.calls); /* large pieces share calls */
    }
    listen(sound, SAMPLES, 1000, 44100, NULL, &whole); /* through the resampler */
    listen(sound, SAMPLES, 1, 44100, NULL, &other);
    assert_memory_equal(other.rows, whole.rows, sizeof whole.rows);
}

static void threads_give_the_same_rows(void **state)
{
    (void)state;
    static float sound[SAMPLES];
    static heard one, many;
    ting_tiny_sound(sound, SAMPLES);
    listen(sound, SAMPLES, SAMPLES, 16000, NULL, &one);
    for (int threads = 2; threads <= 8; threads += 3) {
        ting_pool *pool = ting_pool_new(threads);
        listen(sound, SAMPLES, 4096, 16000, pool, &many);
        assert_memory_equal(many.rows, one.rows, sizeof one.rows);
        ting_pool_free(pool);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    ting_listener *listener;
    heard *h = ting_alloc(1, sizeof *h);
    float sound[16] = {0};
    sound[8] = NAN;
    assert_ok(ting_listener_new(&acoustic, &(ting_listener_options){.rate = 8000}, (ting_row_sink){take, NULL, h}, &listener));
    assert_ok(ting_listener_feed(listener, sound, 8));
    assert_fails(TING_ERR_NUMERIC, "at 0.002 s", ting_listener_feed(listener, sound, 16)); /* sample 16 of 8000 a second */
    assert_ok(ting_listener_reset(listener));
    assert_ok(ting_listener_feed(listener, sound, 8));
    ting_listener_free(listener);
    ting_free(h);
}

static void a_model_whose_parts_do_not_fit_is_refused(void **state)
{
    (void)state;
    ting_gguf other;
    ting_am bad;
    ting_file bytes;
    assert_ok(ting_file_map(path, &bytes));
    unsigned char *copy = ting_alloc(bytes.size, 1);
    memcpy(copy, bytes.data, bytes.size);
    /* the feature line is a string in the file: same length, other number of bins */
    for (size_t i = 0; i + 7 < bytes.size; i++) {
        if (memcmp(copy + i, "bins=40", 7) == 0)
            memcpy(copy + i, "bins=41", 7);
    }
    assert_ok(ting_gguf_parse(copy, bytes.size, "changed.gguf", &other));
    assert_fails(TING_ERR_MODEL, "the encoder reads 40 values a frame, its feature settings give 41",
                 ting_am_open(&other, TING_PRECISION_F32, &bad));
    ting_gguf_close(&other);
    ting_file_unmap(&bytes);
    ting_free(copy);
}

/* Each size is allowed, but a product of them is not: 65536 x (2 x 32767 + 2) is 2^32, which an int took for 0. */
static void sizes_whose_products_are_too_large_are_refused(void **state)
{
    (void)state;
    const ting_zipformer_config *good = &acoustic.net->config.encoder.zipformer;
    assert_ok(ting_zipformer_check(good));
    ting_zipformer_config c = *good;
    c.stack[0].heads = 65536;
    c.stack[0].query_dim = 32767;
    c.stack[0].pos_head_dim = 2;
    assert_fails(TING_ERR_MODEL, "stack 0: queries, keys and positions of all heads make 4294967296 numbers",
                 ting_zipformer_check(&c));
    c = *good;
    c.stack[1].heads = c.stack[1].value_dim = 65536;
    assert_fails(TING_ERR_MODEL, "stack 1: values of all heads make 4294967296", ting_zipformer_check(&c));
    c = *good;
    c.stack[1].dim = 65536;
    c.stack[1].kernel = 65535;
    assert_fails(TING_ERR_MODEL, "stack 1: taps of all channels make 4294901760", ting_zipformer_check(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_back),
        cmocka_unit_test(pieces_of_any_size_give_the_same_rows),
        cmocka_unit_test(threads_give_the_same_rows),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(a_model_whose_parts_do_not_fit_is_refused),
        cmocka_unit_test(sizes_whose_products_are_too_large_are_refused),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
