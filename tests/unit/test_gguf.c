/* SPDX-License-Identifier: Apache-2.0 */
/* test_gguf.c - keys and tensors round trip, conversion of types, damage, failing allocations. */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "kern/half.h"
#include "model/gguf.h"
#include "model/precision.h"
#include "model/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float WEIGHTS[] = {1, -2, 3, 0, 0, 0}; /* [2, 3] */

static ting_stored weights(void)
{
    return (ting_stored){.dtype = TING_DTYPE_F32, .dims = 2, .shape = {2, 3}, .data = WEIGHTS,
                         .bytes = sizeof WEIGHTS};
}

static ting_err write_model(const char *path)
{
    static const char *const networks[] = {"am"}, *const tokens[] = {"<blk>", "zh", "ōng"};
    static const int dims[] = {128, -1};
    static const int8_t bytes[] = {1, -2, 3, 4};
    static const float scale[] = {0.5f, 4};
    ting_stored w = weights();
    ting_stored q = {.dtype = TING_DTYPE_I8, .dims = 2, .shape = {2, 2}, .data = bytes, .bytes = 4,
                     .scale = scale};
    ting_gguf_writer *writer = ting_gguf_writer_new();
    if (writer == NULL)
        return TING_ERR_MEMORY;
    ting_schema_begin(writer, "试", networks, 1);
    ting_gguf_put_text(writer, "tingxie.am.architecture", "zipformer2-transducer");
    ting_gguf_put_texts(writer, "tingxie.am.tokens", tokens, 3);
    ting_gguf_put_integers(writer, "tingxie.am.dims", dims, 2);
    ting_gguf_put_integer(writer, "tingxie.am.wide", INT64_C(-5000000000));
    ting_gguf_put_real(writer, "tingxie.am.tenth", 0.1);
    ting_gguf_put_real(writer, "tingxie.am.half", 0.5);
    ting_gguf_put_flag(writer, "tingxie.am.causal", true);
    ting_gguf_put_tensor(writer, "am.w", &w, TING_DTYPE_F32);
    ting_gguf_put_tensor(writer, "am.w16", &w, TING_DTYPE_F16);
    ting_gguf_put_tensor(writer, "am.wb16", &w, TING_DTYPE_BF16);
    ting_gguf_put_tensor(writer, "am.w8", &w, TING_DTYPE_I8);
    ting_gguf_put_tensor(writer, "am.q", &q, TING_DTYPE_I8);
    ting_err err = ting_gguf_save(writer, path);
    ting_gguf_writer_free(writer);
    return err;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char *path = ting_temp_path("model.gguf");
    assert_ok(write_model(path));
    ting_gguf file;
    assert_ok(ting_gguf_open(path, &file));
    ting_network am;
    assert_ok(ting_network_find(&file, "am", &am));
    assert_string_equal(am.architecture, "zipformer2-transducer");
    assert_fails(TING_ERR_NOT_FOUND, "no network \"p2h\"; the file has am",
                 ting_network_find(&file, "p2h", &(ting_network){0}));

    ting_texts tokens;
    assert_ok(ting_keys_texts(&am.keys, "tokens", &tokens));
    assert_int_equal(tokens.count, 3);
    assert_string_equal(tokens.items[0], "<blk>");
    assert_string_equal(tokens.items[2], "ōng");
    ting_texts_free(&tokens);
    int dims[4];
    size_t count;
    assert_ok(ting_keys_integers(&am.keys, "dims", -1, 200, dims, 4, &count));
    assert_int_equal(count, 2);
    assert_int_equal(dims[1], -1);
    assert_fails(TING_ERR_MODEL, "\"tingxie.am.dims\"[1] is -1",
                 ting_keys_integers(&am.keys, "dims", 0, 200, dims, 4, &count));
    assert_fails(TING_ERR_MODEL, "at most 1", ting_keys_integers(&am.keys, "dims", 0, 200, dims, 1, &count));
    int64_t wide;
    assert_ok(ting_keys_integer(&am.keys, "wide", INT64_MIN, 0, &wide));
    assert_true(wide == INT64_C(-5000000000));
    assert_fails(TING_ERR_MODEL, "expected 0 to 9", ting_keys_integer(&am.keys, "wide", 0, 9, &wide));
    assert_fails(TING_ERR_MODEL, "has type bool", ting_keys_integer(&am.keys, "causal", 0, 9, &wide));
    assert_fails(TING_ERR_NOT_FOUND, "no key \"tingxie.am.absent\"",
                 ting_keys_integer(&am.keys, "absent", 0, 9, &wide));
    double real;
    assert_ok(ting_keys_real(&am.keys, "tenth", &real));
    assert_true(real == 0.1);
    assert_ok(ting_keys_real(&am.keys, "half", &real));
    assert_true(real == 0.5);
    bool causal = false;
    assert_ok(ting_keys_flag(&am.keys, "causal", &causal));
    assert_true(causal);
    ting_gguf_close(&file);
    ting_free(path);
}

static void tensors_keep_their_values(void **state)
{
    (void)state;
    char *path = ting_temp_path("tensors.gguf");
    assert_ok(write_model(path));
    ting_gguf file;
    assert_ok(ting_gguf_open(path, &file));
    ting_table_view view = {&file.table, "am."};
    ting_source source = ting_table_source(&view, path);
    static const char *const exact[] = {"w", "w16", "wb16"};
    ting_stored tensor;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(source.find(source.self, exact[i], &tensor));
        assert_int_equal((uintptr_t)tensor.data % TING_ALIGN, 0);
        assert_int_equal(tensor.shape[0], 2);
        assert_int_equal(tensor.shape[1], 3);
        for (size_t j = 0; j < 6; j++)
            assert_true(ting_stored_value(&tensor, j) == (double)WEIGHTS[j]);
    }
    /* Row 0: scale 3 / 127, so 1 -> 42 (42.33), -2 -> -85 (-84.67), 3 -> 127; the row of zeros has scale 1. */
    assert_ok(source.find(source.self, "w8", &tensor));
    assert_memory_equal(tensor.data, ((const int8_t[]){42, -85, 127, 0, 0, 0}), 6);
    assert_true(tensor.scale[0] == (float)(3.0 / 127) && tensor.scale[1] == 1);
    assert_ok(source.find(source.self, "q", &tensor));
    assert_true(ting_stored_value(&tensor, 1) == -1 && ting_stored_value(&tensor, 3) == 16);
    ting_gguf_close(&file);
    ting_free(path);
}

static void halves_round_to_nearest_even(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t f16, bf16;
    } cases[] = {
        {1, 0x3C00, 0x3F80},
        {-0.0f, 0x8000, 0x8000},
        {0x1.002p0f, 0x3C00, 0x3F80},  /* 1 + 2^-11: halfway in f16, to even */
        {0x1.006p0f, 0x3C02, 0x3F80},  /* 1 + 3 * 2^-11: halfway, up to even */
        {0x1.01p0f, 0x3C04, 0x3F80},   /* 1 + 2^-8: halfway in bf16, to even */
        {0x1.03p0f, 0x3C0C, 0x3F82},   /* 1 + 3 * 2^-8: up to even */
        {65519, 0x7BFF, 0x4780},       /* 65504 is the largest f16; 65519 < 65520 */
        {65520, 0x7C00, 0x4780},
        {0x1.ff8p-15f, 0x03FF, 0x3880}, /* 1023 units of 2^-24, subnormal in f16 */
        {0x1.ffcp-15f, 0x0400, 0x3880}, /* 1023.5 units: to even, the smallest normal */
        {0x1p-25f, 0x0000, 0x3300},    /* half the smallest subnormal, to even */
        {INFINITY, 0x7C00, 0x7F80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ting_f16_of_float(cases[i].value), cases[i].f16);
        assert_int_equal(ting_bf16_of_float(cases[i].value), cases[i].bf16);
    }
    /* Every finite f16 comes back from its value. */
    for (uint32_t bits = 0; bits < 0x7C00; bits++) {
        uint16_t half = (uint16_t)bits;
        ting_stored stored = {.dtype = TING_DTYPE_F16, .dims = 0, .data = &half, .bytes = 2};
        assert_int_equal(ting_f16_of_float((float)ting_stored_value(&stored, 0)), bits);
    }
    assert_int_equal(ting_f16_of_float(NAN) & 0x7C00, 0x7C00);
    assert_int_not_equal(ting_f16_of_float(NAN) & 0x03FF, 0);
    assert_int_not_equal(ting_bf16_of_float(NAN) & 0x007F, 0);
}

static void names_put_twice_are_refused(void **state)
{
    (void)state;
    char *path = ting_temp_path("twins.gguf");
    ting_stored w = weights();
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_gguf_put_tensor(writer, "w", &w, TING_DTYPE_F32);
    ting_gguf_put_tensor(writer, "w", &w, TING_DTYPE_F32);
    assert_fails(TING_ERR_FORMAT, "tensor \"w\" was put twice", ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    writer = ting_gguf_writer_new();
    ting_gguf_put_flag(writer, "k", true);
    ting_gguf_put_text(writer, "k", "");
    assert_fails(TING_ERR_FORMAT, "key \"k\" was put twice", ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    assert_false(ting_file_exists(path));
    ting_free(path);
}

/* ---- damage: a small file made by hand ---- */

typedef struct bytes {
    _Alignas(TING_ALIGN) unsigned char data[512];
    size_t size;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    assert_true(b->size + size <= sizeof b->data);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put32(bytes *b, uint32_t value)
{
    put(b, &value, 4);
}

static void put64(bytes *b, uint64_t value)
{
    put(b, &value, 8);
}

static void put_text(bytes *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

typedef struct recipe { /* what stands in the file; the defaults make a good one */
    uint32_t version, key_type, dims, tensor_type;
    uint64_t tensors, keys, size0, offset, strings, alignment;
    const char *second_key;
} recipe;

static const recipe GOOD = {3, 9, 2, 0, 1, 3, 2, 0, 2, 32, "b"};

static bytes make(recipe r)
{
    bytes b = {.size = 0};
    put(&b, "GGUF", 4);
    put32(&b, r.version);
    put64(&b, r.tensors);
    put64(&b, r.keys);
    put_text(&b, "a");
    put32(&b, r.key_type);
    put32(&b, 8);
    put64(&b, r.strings);
    put_text(&b, "x");
    put_text(&b, "字");
    put_text(&b, r.second_key);
    put32(&b, 6);
    put32(&b, 0x3F800000);
    put_text(&b, "general.alignment");
    put32(&b, 4);
    put32(&b, (uint32_t)r.alignment);
    put_text(&b, "t");
    put32(&b, r.dims);
    put64(&b, r.size0);
    put64(&b, 1);
    put32(&b, r.tensor_type);
    put64(&b, r.offset);
    while (b.size % 32 != 0)
        put(&b, "", 1);
    put64(&b, 0);
    return b;
}

static ting_err parse(recipe r)
{
    bytes b = make(r);
    ting_gguf file;
    ting_err err = ting_gguf_parse(b.data, b.size, "m.gguf", &file);
    ting_gguf_close(&file);
    return err;
}

static void damage_is_named(void **state)
{
    (void)state;
    recipe r = GOOD;
    assert_ok(parse(r));
    r.version = 2;
    assert_fails(TING_ERR_UNSUPPORTED, "m.gguf: GGUF version 2, expected 3", parse(r));
    r = GOOD, r.version = 0x03000000;
    assert_fails(TING_ERR_UNSUPPORTED, "big-endian", parse(r));
    r = GOOD, r.key_type = 77;
    assert_fails(TING_ERR_UNSUPPORTED, "key \"a\": a value of type 77", parse(r));
    r = GOOD, r.keys = UINT64_MAX;
    assert_fails(TING_ERR_FORMAT, "keys announced", parse(r));
    r = GOOD, r.tensors = UINT64_MAX / 2;
    assert_fails(TING_ERR_FORMAT, "tensors announced", parse(r));
    r = GOOD, r.strings = UINT64_MAX;
    assert_fails(TING_ERR_FORMAT, "truncated", parse(r));
    r = GOOD, r.second_key = "a";
    assert_fails(TING_ERR_FORMAT, "the key \"a\" stands twice", parse(r));
    r = GOOD, r.second_key = "\xFF";
    assert_fails(TING_ERR_FORMAT, "not UTF-8", parse(r));
    r = GOOD, r.alignment = 48;
    assert_fails(TING_ERR_FORMAT, "power of two", parse(r));
    r = GOOD, r.alignment = 0;
    assert_fails(TING_ERR_MODEL, "general.alignment", parse(r));
    r = GOOD, r.dims = 5;
    assert_fails(TING_ERR_UNSUPPORTED, "tensor \"t\": 5 dimensions", parse(r));
    r = GOOD, r.tensor_type = 12;
    assert_fails(TING_ERR_UNSUPPORTED, "ggml type 12", parse(r));
    r = GOOD, r.tensor_type = 8;
    assert_fails(TING_ERR_FORMAT, "multiple of 32", parse(r));
    r = GOOD, r.size0 = 3;
    assert_fails(TING_ERR_FORMAT, "12 bytes at 0 of 8 bytes of data", parse(r));
    r = GOOD, r.size0 = UINT64_MAX;
    assert_fails(TING_ERR_FORMAT, "2^40", parse(r));
    r = GOOD, r.offset = 4, r.size0 = 1;
    assert_fails(TING_ERR_FORMAT, "not a multiple of 32", parse(r));
    r = GOOD, r.offset = UINT64_MAX - 31;
    assert_fails(TING_ERR_FORMAT, "of data", parse(r));
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    bytes whole = make(GOOD);
    ting_gguf file;
    for (size_t cut = 0; cut < whole.size; cut++) {
        unsigned char *part = ting_alloc(cut, 1); /* exact size: a read beyond it shows under ASan */
        memcpy(part, whole.data, cut);
        assert_fails(TING_ERR_FORMAT, "m.gguf: ", ting_gguf_parse(part, cut, "m.gguf", &file));
        ting_free(part);
    }
}

static ting_err write_and_read(void *path)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_texts tokens = {0};
    TRY(write_model(path));
    TRY(ting_gguf_open(path, &file));
    TRY(ting_keys_texts(&(ting_keys){&file, "tingxie.am."}, "tokens", &tokens));
out:
    ting_texts_free(&tokens);
    ting_gguf_close(&file);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char *path = ting_temp_path("failing.gguf");
    assert_true(ting_fail_each_allocation(write_and_read, path) > 50);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(tensors_keep_their_values),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(names_put_twice_are_refused),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
