/* SPDX-License-Identifier: Apache-2.0 */
/* test_npy.c - arrays by rows and by columns, archives, damage. */
#include "support/failing.h"
#include "support/support.h"
#include "support/zips.h"

#include "base/mem.h"
#include "model/npy.h"

#include <stdio.h>
#include <string.h>

/* A version 1 file from its header text and data; returns its size. */
static size_t make(unsigned char *out, size_t room, const char *header, const void *data, size_t bytes)
{
    size_t length = strlen(header);
    assert_true(10 + length + bytes <= room);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, header, length);
    memcpy(out + 10 + length, data, bytes);
    return 10 + length + bytes;
}

static const float VALUES[] = {0, 1, 2, 3, 4, 5};

static void arrays_are_read_by_rows(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{\"shape\":(2,3),\"fortran_order\":True,\"descr\":\"<f4\"}\n",
    };
    static const double want[2][6] = {{0, 1, 2, 3, 4, 5}, {0, 2, 4, 1, 3, 5}};
    unsigned char bytes[256];
    for (int i = 0; i < 2; i++) {
        ting_npy file;
        size_t size = make(bytes, sizeof bytes, headers[i], VALUES, sizeof VALUES);
        assert_ok(ting_npy_parse(bytes, size, &file));
        const ting_stored *array = ting_table_find(&file.table, "");
        assert_true(array->dims == 2 && array->shape[0] == 2 && array->shape[1] == 3);
        for (size_t j = 0; j < 6; j++)
            assert_true(ting_stored_value(array, j) == want[i][j]);
        ting_npy_close(&file);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    const int64_t wide[] = {-1, INT64_C(1) << 50};
    ting_stored cases[] = {
        {.dtype = TING_DTYPE_I64, .dims = 1, .shape = {2}, .data = wide, .bytes = 16},
        {.dtype = TING_DTYPE_F32, .dims = 2, .shape = {2, 3}, .data = VALUES, .bytes = 24},
        {.dtype = TING_DTYPE_F32, .dims = 0, .data = VALUES + 5, .bytes = 4},
    };
    for (size_t i = 0; i < 3; i++) {
        ting_npy file;
        ting_str bytes = {0};
        ting_npy_head(&bytes, cases[i].dtype, cases[i].dims, cases[i].shape);
        assert_int_equal(bytes.length % 64, 0);
        ting_str_add_bytes(&bytes, cases[i].data, cases[i].bytes);
        assert_ok(ting_npy_parse(bytes.text, bytes.length, &file));
        const ting_stored *array = ting_table_find(&file.table, "");
        assert_int_equal(array->dims, cases[i].dims);
        assert_int_equal(ting_stored_elements(array), ting_stored_elements(&cases[i]));
        for (size_t j = 0; j < ting_stored_elements(array); j++)
            assert_true(ting_stored_value(array, j) == ting_stored_value(&cases[i], j));
        ting_npy_close(&file);
        ting_str_free(&bytes);
    }
}

static void write_archive(const char *path)
{
    unsigned char a[256], b[256];
    size_t a_size = make(a, sizeof a, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", VALUES, 24);
    size_t b_size = make(b, sizeof b, "{'descr': '|i1', 'fortran_order': True, 'shape': ()}", "\xfe", 1);
    ting_write_zip(path, (ting_zip_part[]){{"enc_float.npy", a, a_size}, {"b.npy", b, b_size}}, 2, true);
}

static void archives_are_read(void **state)
{
    (void)state;
    char *path = ting_temp_path("a.npz");
    write_archive(path);
    ting_npy file;
    assert_ok(ting_npy_open(path, &file));
    assert_int_equal(file.table.count, 2);
    assert_true(ting_stored_value(ting_table_find(&file.table, "enc_float"), 5) == 5);
    assert_true(ting_stored_value(ting_table_find(&file.table, "b"), 0) == -2);
    ting_npy_close(&file);
    ting_free(path);
}

static ting_err parse(const char *header, size_t bytes)
{
    unsigned char file_bytes[512];
    static const unsigned char zeros[64];
    ting_npy file;
    size_t size = make(file_bytes, sizeof file_bytes, header, zeros, bytes);
    ting_err err = ting_npy_parse(file_bytes, size, &file);
    ting_npy_close(&file);
    return err;
}

static void damage_is_named(void **state)
{
    (void)state;
    assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8));
    assert_fails(TING_ERR_FORMAT, "truncated", parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7));
    assert_fails(TING_ERR_UNSUPPORTED, "\">f4\"", parse("{'descr': '>f4', 'fortran_order': False, 'shape': ()}", 8));
    assert_fails(TING_ERR_UNSUPPORTED, "\"|O\"", parse("{'descr': '|O', 'fortran_order': False, 'shape': ()}", 8));
    assert_fails(TING_ERR_UNSUPPORTED, "structured",
                 parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", 8));
    assert_fails(TING_ERR_UNSUPPORTED, "dimensions",
                 parse("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1)}", 8));
    assert_fails(TING_ERR_FORMAT, "2^40",
                 parse("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999,)}", 8));
    /* no element, but strides of 2^80 */
    assert_fails(TING_ERR_FORMAT, "2^40",
                 parse("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 1099511627776, 1099511627776)}", 0));
    assert_fails(TING_ERR_FORMAT, "2^40",
                 parse("{'descr': '<f4', 'fortran_order': True, 'shape': (1099511627776, 1099511627776, 0)}", 0));
    assert_ok(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0, 1099511)}", 0));
    assert_fails(TING_ERR_FORMAT, "lacks", parse("{'descr': '<f4', 'shape': ()}", 8));
    assert_fails(TING_ERR_FORMAT, "key \"x\"", parse("{'x': 1}", 8));
    assert_fails(TING_ERR_FORMAT, "dictionary", parse("{'descr': '<f4'", 8));
    assert_fails(TING_ERR_FORMAT, "tuple", parse("{'shape': (a)}", 8));
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    char *path = ting_temp_path("cut.npz");
    write_archive(path);
    ting_file whole;
    assert_ok(ting_file_map(path, &whole));
    for (size_t cut = 0; cut < whole.size; cut++) {
        unsigned char *part = ting_alloc(cut, 1); /* exact size: a read beyond it shows under ASan */
        memcpy(part, whole.data, cut);
        ting_npy file;
        if (ting_npy_parse(part, cut, &file) == TING_OK)
            fail_msg("an archive cut to %zu bytes was accepted", cut);
        ting_free(part);
    }
    ting_file_unmap(&whole);
    ting_free(path);
}

static ting_err read_archive(void *path)
{
    ting_npy file;
    ting_err err = ting_npy_open(path, &file);
    ting_npy_close(&file);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char *path = ting_temp_path("failing.npz");
    write_archive(path);
    assert_true(ting_fail_each_allocation(read_archive, path) > 5);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read_by_rows),   cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(archives_are_read),         cmocka_unit_test(damage_is_named),
        cmocka_unit_test(every_truncation_is_an_error), cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
