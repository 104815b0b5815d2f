/* SPDX-License-Identifier: Apache-2.0 */
/* test_safetensors.c - round trip, damage, and stored values of every type. */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "model/safetensors.h"

#include <string.h>

static void add(ting_table *table, const char *name, ting_dtype dtype, int dims, const int64_t *shape,
                const void *data)
{
    ting_stored tensor = {.dtype = dtype, .dims = dims, .data = data};
    for (int d = 0; d < dims; d++)
        tensor.shape[d] = shape[d];
    tensor.bytes = ting_dtype_bytes(dtype, ting_stored_elements(&tensor));
    assert_ok(ting_table_add(table, name, strlen(name), &tensor, NULL));
}

static void values_of_every_type(void **state)
{
    (void)state;
    const float f32[] = {1.5f, -3};
    const double f64[] = {0.1, 1e300};
    const uint16_t f16[] = {0x3C00, 0xC100, 0x0001, 0x7BFF}; /* 1, -2.5, 2^-24, 65504 */
    const uint16_t bf16[] = {0x3F80, 0xC049};                /* 1, -3.140625 */
    const int8_t i8[] = {1, -2, 127, -128};
    const int32_t i32[] = {-70000};
    const int64_t i64[] = {INT64_C(1) << 40};
    unsigned char q8[34] = {0x00, 0x38}; /* scale 0.5 in f16 */
    q8[2 + 31] = (unsigned char)-7;
    const float scale[] = {0.5f, 2};
    struct {
        ting_stored stored;
        size_t i;
        double want;
    } cases[] = {
        {{.dtype = TING_DTYPE_F32, .dims = 1, .shape = {2}, .data = f32}, 1, -3},
        {{.dtype = TING_DTYPE_F64, .dims = 1, .shape = {2}, .data = f64}, 1, 1e300},
        {{.dtype = TING_DTYPE_F16, .dims = 1, .shape = {4}, .data = f16}, 1, -2.5},
        {{.dtype = TING_DTYPE_F16, .dims = 1, .shape = {4}, .data = f16}, 2, 0x1p-24},
        {{.dtype = TING_DTYPE_F16, .dims = 1, .shape = {4}, .data = f16}, 3, 65504},
        {{.dtype = TING_DTYPE_BF16, .dims = 1, .shape = {2}, .data = bf16}, 1, -3.140625},
        {{.dtype = TING_DTYPE_I8, .dims = 1, .shape = {4}, .data = i8}, 3, -128},
        {{.dtype = TING_DTYPE_I8, .dims = 2, .shape = {2, 2}, .data = i8, .scale = scale}, 1, -1},
        {{.dtype = TING_DTYPE_I8, .dims = 2, .shape = {2, 2}, .data = i8, .scale = scale}, 2, 254},
        {{.dtype = TING_DTYPE_Q8_0, .dims = 1, .shape = {32}, .data = q8}, 31, -3.5},
        {{.dtype = TING_DTYPE_I32, .dims = 0, .data = i32}, 0, -70000},
        {{.dtype = TING_DTYPE_I64, .dims = 0, .data = i64}, 0, 0x1p40},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        if (ting_stored_value(&cases[c].stored, cases[c].i) != cases[c].want)
            fail_msg("case %zu: %g, want %g", c, ting_stored_value(&cases[c].stored, cases[c].i),
                     cases[c].want);
    assert_int_equal(ting_dtype_bytes(TING_DTYPE_Q8_0, 33), 68); /* two blocks of 34 */
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char *path = ting_temp_path("round.safetensors");
    const int8_t bytes[] = {1, -2, 3};
    const float scale[] = {1, 2, 4};
    const int64_t big[] = {-5};
    ting_table table = {0};
    add(&table, "w.q", TING_DTYPE_I8, 2, (int64_t[]){3, 1}, bytes);
    add(&table, "w.q.scale", TING_DTYPE_F32, 1, (int64_t[]){3}, scale);
    add(&table, "w.n", TING_DTYPE_I64, 0, NULL, big);
    add(&table, "w.none", TING_DTYPE_I32, 2, (int64_t[]){0, 7}, big);
    char key[] = "kind", value[] = "字 \"quoted\"";
    ting_text_pair metadata[] = {{key, value}};
    assert_ok(ting_safetensors_save(path, &table, metadata, 1));
    ting_table_free(&table);

    ting_safetensors file;
    assert_ok(ting_safetensors_open(path, &file));
    assert_string_equal(ting_safetensors_metadata(&file, "kind"), "字 \"quoted\"");
    assert_null(ting_safetensors_metadata(&file, "absent"));
    assert_int_equal(file.table.count, 4);
    ting_table_view view = {&file.table, "w."};
    ting_source source = ting_table_source(&view, path);
    ting_stored q, n;
    assert_ok(source.find(source.self, "q", &q));
    assert_int_equal((uintptr_t)q.scale % sizeof(float), 0);
    assert_true(ting_stored_value(&q, 2) == 12);
    assert_ok(source.find(source.self, "n", &n));
    assert_true(ting_stored_value(&n, 0) == -5);
    assert_fails(TING_ERR_NOT_FOUND, "\"w.x\"", source.find(source.self, "x", &n));
    ting_safetensors_close(&file);
    ting_free(path);
}

static ting_err parse(const char *header, size_t data_bytes)
{
    unsigned char bytes[1024] = {0};
    uint64_t length = strlen(header);
    assert_true(8 + length + data_bytes <= sizeof bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, (size_t)length);
    ting_safetensors file;
    ting_err err = ting_safetensors_parse(bytes, 8 + (size_t)length + data_bytes, &file);
    ting_safetensors_close(&file);
    return err;
}

static void damage_is_named(void **state)
{
    (void)state;
    assert_ok(parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4));
    assert_fails(TING_ERR_FORMAT, "truncated",
                 parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3));
    assert_fails(TING_ERR_FORMAT, "\"a\": its shape and type F32 need 8 bytes, the file gives 4",
                 parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4));
    assert_fails(TING_ERR_FORMAT, "2^40",
                 parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776],"
                       "\"data_offsets\":[0,4]}}", 4));
    assert_fails(TING_ERR_FORMAT, "a",
                 parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4));
    assert_fails(TING_ERR_FORMAT, "bytes 8 to 4",
                 parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}", 8));
    assert_fails(TING_ERR_UNSUPPORTED, "type U8",
                 parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 4));
    assert_fails(TING_ERR_UNSUPPORTED, "5 dimensions",
                 parse("{\"a\":{\"dtype\":\"I8\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,1]}}", 4));
    assert_fails(TING_ERR_FORMAT, "duplicate", parse("{\"a\":1,\"a\":2}", 0));
    assert_fails(TING_ERR_FORMAT, "object", parse("[]", 0));
    assert_fails(TING_ERR_FORMAT, "header", parse("{\"a\"", 0));
    assert_fails(TING_ERR_FORMAT, "not a text", parse("{\"__metadata__\":{\"a\":1}}", 0));
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    const char *header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    uint64_t length = strlen(header);
    size_t size = 8 + (size_t)length + 8;
    ting_safetensors file;
    for (size_t cut = 0; cut <= size; cut++) {
        unsigned char *bytes = ting_alloc(cut, 1); /* exact size: a read beyond it shows under ASan */
        for (size_t i = 0; i < cut; i++)
            bytes[i] = i < 8 ? (unsigned char)(length >> 8 * i)
                             : i - 8 < length ? (unsigned char)header[i - 8] : 0;
        if (cut < size)
            assert_fails(TING_ERR_FORMAT, "", ting_safetensors_parse(bytes, cut, &file));
        else
            assert_ok(ting_safetensors_parse(bytes, cut, &file));
        ting_safetensors_close(&file);
        ting_free(bytes);
    }
}

static ting_err read_file(void *path)
{
    ting_safetensors file;
    ting_err err = ting_safetensors_open(path, &file);
    ting_safetensors_close(&file);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char key[] = "kind", value[] = "x", *path = ting_temp_path("failing.safetensors");
    const float f[] = {1, 2};
    ting_table table = {0};
    add(&table, "a", TING_DTYPE_F32, 1, (int64_t[]){2}, f);
    assert_ok(ting_safetensors_save(path, &table, &(ting_text_pair){key, value}, 1));
    ting_table_free(&table);
    assert_true(ting_fail_each_allocation(read_file, path) >= 5); /* pairs, key, value, items, name */
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
