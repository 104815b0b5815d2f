/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle.c - what Python, numpy and torch wrote is read; the rest is refused; damage is survived. */
#include "support/failing.h"
#include "support/support.h"
#include "support/zips.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/pickle.h"
#include "pickle_vectors.h"

#include <stdlib.h>
#include <string.h>

static const ting_value *at(const ting_value *list, size_t i)
{
    assert_true(i < list->count);
    return list->items[i];
}

static void plain_data_of_every_protocol(void **state)
{
    (void)state;
    for (int protocol = 0; protocol <= 5; protocol++) {
        ting_pickle file;
        assert_ok(ting_pickle_parse(PLAIN[protocol].bytes, PLAIN[protocol].size, &file));
        const ting_value *list = ting_value_get(file.root, "字");
        assert_non_null(list);
        assert_int_equal(list->kind, TING_VALUE_LIST);
        assert_int_equal(list->count, 11);
        static const int64_t integers[] = {1, -2, 300, 70000, INT64_C(1) << 40, -(INT64_C(1) << 40)};
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(at(list, i)->kind, TING_VALUE_INT);
            assert_true(at(list, i)->integer == integers[i]);
        }
        assert_int_equal(at(list, 6)->kind, TING_VALUE_BOOL);
        assert_int_equal(at(list, 6)->integer, 1);
        assert_int_equal(at(list, 7)->kind, TING_VALUE_NONE);
        assert_true(at(list, 8)->kind == TING_VALUE_FLOAT && at(list, 8)->real == 2.5);
        assert_string_equal(at(list, 9)->text, "é");
        assert_int_equal(at(list, 10)->kind, TING_VALUE_BYTES);
        assert_int_equal(at(list, 10)->length, 2);
        assert_memory_equal(at(list, 10)->bytes, "\xff\0", 2);
        assert_int_equal(file.root->count, 4);
        const ting_value *key = at(file.root, 2), *four = ting_value_get(at(file.root, 3), "n");
        assert_true(key->kind == TING_VALUE_TUPLE && key->count == 2 && at(key, 1)->integer == 2);
        assert_true(four->kind == TING_VALUE_TUPLE && four->count == 4 && at(four, 3)->integer == 4);
        ting_pickle_close(&file);
    }
}

static void numpy_arrays_of_every_protocol(void **state)
{
    (void)state;
    for (int protocol = 0; protocol <= 5; protocol++) {
        ting_pickle file;
        assert_ok(ting_pickle_parse(NUMPY[protocol].bytes, NUMPY[protocol].size, &file));
        const ting_value *w = ting_value_get(file.root, "w"), *h = ting_value_get(file.root, "h");
        assert_true(w->kind == TING_VALUE_TENSOR && w->tensor.dims == 2);
        assert_true(w->tensor.shape[0] == 2 && w->tensor.shape[1] == 3);
        for (size_t i = 0; i < 6; i++) /* stored by columns, read by rows */
            assert_true(ting_stored_value(&w->tensor, i) == (double)i);
        assert_int_equal((uintptr_t)w->tensor.data % sizeof(float), 0);
        assert_true(h->tensor.dtype == TING_DTYPE_F16 && ting_stored_value(&h->tensor, 0) == 1.5);
        assert_true(ting_value_get(file.root, "s")->integer == 7);
        assert_true(ting_value_get(file.root, "z")->real == 0.5);
        ting_pickle_close(&file);
    }
}

static void write_torch(const char *path, bool deflated)
{
    ting_zip_part parts[5] = {{"archive/data.pkl", TORCH_PROGRAM.bytes, TORCH_PROGRAM.size},
                              {"archive/data/0", TORCH_DATA[0].bytes, TORCH_DATA[0].size},
                              {"archive/data/1", TORCH_DATA[1].bytes, TORCH_DATA[1].size},
                              {"archive/data/2", TORCH_DATA[2].bytes, TORCH_DATA[2].size},
                              {"archive/data/3", TORCH_DATA[3].bytes, TORCH_DATA[3].size}};
    ting_write_zip(path, parts, 5, deflated);
}

static void torch_checkpoints_are_a_source(void **state)
{
    (void)state;
    char *path = ting_temp_path("model.pt");
    for (int deflated = 0; deflated < 2; deflated++) {
        write_torch(path, deflated);
        ting_pickle file;
        ting_table table;
        assert_ok(ting_pickle_open(path, &file));
        assert_true(ting_value_get(file.root, "epoch")->integer == 3);
        assert_ok(ting_pickle_tensors(&file, &table));
        assert_int_equal(table.count, 4);
        const ting_stored *a = ting_table_find(&table, "model.a"), *c = ting_table_find(&table, "model.c");
        static const double transposed[] = {0, 3, 1, 4, 2, 5};
        assert_true(a->shape[0] == 3 && a->shape[1] == 2);
        for (size_t i = 0; i < 6; i++)
            assert_true(ting_stored_value(a, i) == transposed[i]);
        assert_true(ting_stored_value(ting_table_find(&table, "model.b"), 1) == -2);
        assert_true(c->shape[0] == 2 && ting_stored_value(c, 0) == 2 && ting_stored_value(c, 1) == 3);
        const ting_stored *d = ting_table_find(&table, "model.d");
        assert_true(d->dims == 0 && ting_stored_value(d, 0) == 3);
        ting_table_free(&table);
        ting_pickle_close(&file);
    }
    ting_free(path);
}

static ting_err parse(const char *bytes, size_t size)
{
    ting_pickle file;
    ting_err err = ting_pickle_parse(bytes, size, &file);
    ting_pickle_close(&file);
    return err;
}

#define PARSE(text) parse(text, sizeof(text) - 1)

static void everything_else_is_refused(void **state)
{
    (void)state;
    assert_ok(PARSE("]."));
    assert_fails(TING_ERR_UNSUPPORTED, "it asks for os.system", PARSE("cos\nsystem\n(S'true'\ntR."));
    assert_fails(TING_ERR_UNSUPPORTED, "builtins.eval", PARSE("\x8c\x08" "builtins\x8c\x04" "eval\x93."));
    assert_fails(TING_ERR_UNSUPPORTED, "opcode 0x81", PARSE("ccollections\nOrderedDict\n)\x81."));
    assert_fails(TING_ERR_UNSUPPORTED, "opcode 0x69", PARSE("(ios\nsystem\n."));
    assert_fails(TING_ERR_UNSUPPORTED, "protocol 9", PARSE("\x80\x09N."));
    assert_fails(TING_ERR_UNSUPPORTED, "64 bits", PARSE("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."));
    assert_fails(TING_ERR_UNSUPPORTED, "outside of the pickle", PARSE("NQ."));
    assert_fails(TING_ERR_FORMAT, "cannot be called", PARSE("N)R."));
    assert_fails(TING_ERR_FORMAT, "stack is empty", PARSE("."));
    assert_fails(TING_ERR_FORMAT, "no mark", PARSE("t."));
    assert_fails(TING_ERR_FORMAT, "too short", PARSE("N\x86."));
    assert_fails(TING_ERR_FORMAT, "kind", PARSE("}Na."));
    assert_fails(TING_ERR_FORMAT, "without value", PARSE("(Nd."));
    assert_fails(TING_ERR_FORMAT, "memo 3 is empty", PARSE("h\x03."));
    assert_fails(TING_ERR_FORMAT, "memo 4294967295", PARSE("Nr\xff\xff\xff\xff."));
    assert_fails(TING_ERR_FORMAT, "truncated", PARSE("B\xff\xff\xff\xff" "abc."));
    assert_fails(TING_ERR_FORMAT, "frame", PARSE("\x95\xff\xff\xff\xff\xff\xff\xff\xffN."));
    assert_fails(TING_ERR_FORMAT, "UTF-8", PARSE("X\x01\x00\x00\x00\xff."));
    /* A list in itself is legal; walking it is the caller's care. */
    assert_ok(PARSE("]q\x00h\x00" "a."));
    /* A dictionary in itself: the walk over tensors stops. */
    ting_pickle file;
    ting_table table;
    assert_ok(ting_pickle_parse("}q\x00X\x01\x00\x00\x00" "ah\x00s.", 13, &file));
    assert_fails(TING_ERR_FORMAT, "nested deeper", ting_pickle_tensors(&file, &table));
    ting_pickle_close(&file);
}

/* One value given to many calls, each of which copies it: memory must follow the file's size, not its square. */
static void calls_that_copy_have_a_budget(void **state)
{
    (void)state;
    enum { LENGTH = 60000, CALLS = 400 };
    ting_str program = {0};
    ting_str_add(&program, "c_codecs\nencode\nq");
    ting_str_add_bytes(&program, "\0X\x60\xEA\0\0", 6); /* 60000 bytes of text */
    for (int i = 0; i < LENGTH; i++)
        ting_str_add(&program, "a");
    ting_str_add_bytes(&program, "q\1X\6\0\0\0latin1q\2", 15);
    size_t start = program.length;
    for (int i = 0; i < CALLS; i++) /* get the three, a tuple of two, call, drop: 24 MB in all */
        ting_str_add_bytes(&program, "h\0h\1h\2\x86R0", 9);
    ting_str_add(&program, ".");
    assert_true(ting_str_ok(&program));
    assert_fails(TING_ERR_FORMAT, "more memory than the file can hold", parse(program.text, program.length));
    program.text[start + 9] = '.'; /* one call is what numpy writes */
    assert_ok(parse(program.text, start + 10));

    ting_str_clear(&program);
    ting_str_add(&program, "ccollections\nOrderedDict\nq");
    ting_str_add_bytes(&program, "\0](", 3);
    for (int i = 0; i < LENGTH / 2; i++)
        ting_str_add(&program, "NN\x86");
    ting_str_add_bytes(&program, "eq\1", 3);
    start = program.length;
    for (int i = 0; i < CALLS; i++)
        ting_str_add_bytes(&program, "h\0h\1\x85R0", 7);
    ting_str_add(&program, ".");
    assert_fails(TING_ERR_FORMAT, "more memory than the file can hold", parse(program.text, program.length));
    program.text[start + 7] = '.';
    assert_ok(parse(program.text, start + 8));
    ting_str_free(&program);
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    for (int protocol = 0; protocol <= 5; protocol++) {
        for (size_t cut = 0; cut < NUMPY[protocol].size; cut++) {
            char *part = ting_alloc(cut, 1); /* exact size: a read beyond it shows under ASan */
            memcpy(part, NUMPY[protocol].bytes, cut);
            if (parse(part, cut) == TING_OK)
                fail_msg("protocol %d cut to %zu bytes was accepted", protocol, cut);
            ting_free(part);
        }
    }
    char *path = ting_temp_path("cut.pt");
    write_torch(path, true);
    ting_file whole;
    assert_ok(ting_file_map(path, &whole));
    for (size_t cut = 0; cut < whole.size; cut++) {
        char *part = ting_alloc(cut, 1);
        memcpy(part, whole.data, cut);
        if (parse(part, cut) == TING_OK)
            fail_msg("a checkpoint cut to %zu bytes was accepted", cut);
        ting_free(part);
    }
    ting_file_unmap(&whole);
    ting_free(path);
}

static ting_err read_all(void *path)
{
    ting_err err = TING_OK;
    ting_pickle file = {0};
    ting_table table = {0};
    TRY(ting_pickle_open(path, &file));
    TRY(ting_pickle_tensors(&file, &table));
out:
    ting_table_free(&table);
    ting_pickle_close(&file);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char *path = ting_temp_path("failing.pt");
    write_torch(path, true);
    assert_true(ting_fail_each_allocation(read_all, path) > 10);
    ting_free(path);
}

/* The public g2pM model, when it is at hand: shapes and values as numpy reads them. */
static void public_files_are_read(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS");
    char *path = ting_path_join(models != NULL ? models : "../shared/models", "g2pm/np_ckpt.pkl");
    if (!ting_file_exists(path)) {
        ting_free(path);
        skip_because("no g2pm/np_ckpt.pkl in TING_MODELS or ../shared/models");
    }
    ting_pickle file;
    ting_table table;
    assert_ok(ting_pickle_open(path, &file));
    assert_ok(ting_pickle_tensors(&file, &table));
    assert_int_equal(table.count, 13);
    const ting_stored *embedding = ting_table_find(&table, "embedding.weight");
    const ting_stored *logits = ting_table_find(&table, "logit_layer.2.weight");
    assert_true(embedding->shape[0] == 5398 && embedding->shape[1] == 64);
    assert_true(ting_stored_value(embedding, 2 * 64 + 3) == -0.6176440715789795);
    assert_true(ting_stored_value(logits, 875 * 32 + 31) == -1.1207163333892822);
    ting_table_free(&table);
    ting_pickle_close(&file);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_data_of_every_protocol),
        cmocka_unit_test(numpy_arrays_of_every_protocol),
        cmocka_unit_test(torch_checkpoints_are_a_source),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(calls_that_copy_have_a_budget),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(public_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
