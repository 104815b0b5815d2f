/* SPDX-License-Identifier: Apache-2.0 */
/* test_convert.c - tool_convert and tool_inspect: precisions, merging, keys, refusals, failing allocations. */
#include "support/failing.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/tool_convert.h"
#include "engine/tool_inspect.h"
#include "model/safetensors.h"
#include "model/schema.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3, COLUMNS = 40 };

static float matrix[ROWS * COLUMNS], vector[ROWS] = {0.1f, 0.2f, 0.3f};

/* A model of one network with a matrix, a vector and, in I8 with scales, another matrix. */
static char *write_model(const char *file_name, const char *network)
{
    static int8_t bytes[ROWS * COLUMNS];
    static const float scale[ROWS] = {0.5f, 0.25f, 0.125f};
    char name[64], *path = ting_temp_path(file_name);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        matrix[i] = sinf((float)i);
        bytes[i] = (int8_t)(i % 255 - 127);
    }
    ting_stored w = {.dtype = TING_DTYPE_F32, .dims = 2, .shape = {ROWS, COLUMNS}, .data = matrix, .bytes = sizeof matrix};
    ting_stored b = {.dtype = TING_DTYPE_F32, .dims = 1, .shape = {ROWS}, .data = vector, .bytes = sizeof vector};
    ting_stored q = {.dtype = TING_DTYPE_I8, .dims = 2, .shape = {ROWS, COLUMNS}, .data = bytes, .bytes = sizeof bytes,
                     .scale = scale};
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_schema_begin(writer, network, &network, 1);
    snprintf(name, sizeof name, "tingxie.%s.architecture", network);
    ting_gguf_put_text(writer, name, "x\033[31m"); /* a terminal must not see the escape */
    snprintf(name, sizeof name, "%s.w", network);
    ting_gguf_put_tensor(writer, name, &w, TING_DTYPE_F32);
    snprintf(name, sizeof name, "%s.b", network);
    ting_gguf_put_tensor(writer, name, &b, TING_DTYPE_F32);
    snprintf(name, sizeof name, "%s.q", network);
    ting_gguf_put_tensor(writer, name, &q, TING_DTYPE_I8);
    assert_ok(ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    return path;
}

static ting_err convert(const char *const *inputs, int count, const char *output, ting_convert_precision precision)
{
    return ting_tool_convert(
        &(ting_convert_options){.inputs = inputs, .count = count, .output = output, .precision = precision});
}

/* Every precision: the type of each tensor, and how far the matrix may be off. */
static void weights_change_their_type(void **state)
{
    (void)state;
    static const struct {
        ting_convert_precision precision;
        ting_dtype w, q;
        double tolerance; /* of values up to 1 */
    } cases[] = {
        {TING_CONVERT_KEEP, TING_DTYPE_F32, TING_DTYPE_I8, 0},
        {TING_CONVERT_F32, TING_DTYPE_F32, TING_DTYPE_F32, 0},
        {TING_CONVERT_F16, TING_DTYPE_F16, TING_DTYPE_F16, 0x1p-12},   /* half of 2^-11 at 1 */
        {TING_CONVERT_BF16, TING_DTYPE_BF16, TING_DTYPE_BF16, 0x1p-9}, /* half of 2^-8 at 1 */
        {TING_CONVERT_INT8, TING_DTYPE_I8, TING_DTYPE_I8, 0.5 / 127 * 1.0001},
    };
    char *in = write_model("in.gguf", "am"), *out = ting_temp_path("out.gguf");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ting_gguf file;
        ting_stored w, b, q;
        assert_ok(convert((const char *[]){in}, 1, out, cases[c].precision));
        assert_ok(ting_gguf_open(out, &file));
        ting_table_view view = {&file.table, "am."};
        ting_source source = ting_table_source(&view, out);
        assert_ok(source.find(source.self, "w", &w));
        assert_ok(source.find(source.self, "b", &b));
        assert_ok(source.find(source.self, "q", &q));
        assert_int_equal(w.dtype, cases[c].w);
        assert_int_equal(b.dtype, TING_DTYPE_F32);
        assert_int_equal(q.dtype, cases[c].q);
        for (size_t i = 0; i < ROWS * COLUMNS; i++) {
            if (fabs(ting_stored_value(&w, i) - (double)matrix[i]) > cases[c].tolerance)
                fail_msg("case %zu, w[%zu]: %.9g, want %.9g", c, i, ting_stored_value(&w, i), (double)matrix[i]);
            /* 8 significant bits times a power of two fit every type here. */
            double exact = (double)((int)i % 255 - 127) * (i < COLUMNS ? 0.5 : i < 2 * COLUMNS ? 0.25 : 0.125);
            if (ting_stored_value(&q, i) != exact)
                fail_msg("case %zu, q[%zu]: %.9g, want %.9g", c, i, ting_stored_value(&q, i), exact);
        }
        ting_gguf_close(&file);
    }
    ting_free(in);
    ting_free(out);
}

static void networks_become_one_file(void **state)
{
    (void)state;
    char *am = write_model("am.gguf", "am"), *p2h = write_model("p2h.gguf", "p2h"), *out = ting_temp_path("both.gguf");
    assert_ok(convert((const char *[]){am, p2h}, 2, out, TING_CONVERT_KEEP));
    ting_gguf file;
    ting_network network;
    const char *name;
    assert_ok(ting_gguf_open(out, &file));
    assert_ok(ting_network_find(&file, "am", &network));
    assert_ok(ting_network_find(&file, "p2h", &network));
    assert_ok(ting_keys_text(&(ting_keys){&file, ""}, "general.name", &name));
    assert_string_equal(name, "am");
    assert_int_equal(file.table.count, 8); /* w, b, q and q.scale of each */
    ting_gguf_close(&file);
    assert_fails(TING_ERR_MODEL, "its network \"am\" is already in another input",
                 convert((const char *[]){am, out}, 2, p2h, TING_CONVERT_KEEP));
    assert_fails(TING_ERR_ARGUMENT, "is both input and output", convert((const char *[]){am}, 1, am, TING_CONVERT_KEEP));
    assert_fails(TING_ERR_ARGUMENT, "ends in .gguf", convert((const char *[]){am}, 1, "x.bin", TING_CONVERT_KEEP));
    assert_fails(TING_ERR_NOT_FOUND, "no model that is known", convert((const char *[]){"/"}, 1, out, TING_CONVERT_KEEP));
    ting_free(am);
    ting_free(p2h);
    ting_free(out);
}

static void a_network_is_taken_out(void **state)
{
    (void)state;
    char *am = write_model("am-1.gguf", "am"), *p2h = write_model("p2h-1.gguf", "p2h"), *both = ting_temp_path("both-1.gguf"),
         *out = ting_temp_path("out-1.gguf");
    assert_ok(convert((const char *[]){am, p2h}, 2, both, TING_CONVERT_KEEP));
    ting_convert_options options = {.inputs = (const char *[]){both}, .count = 1, .output = out, .network = "p2h"};
    assert_ok(ting_tool_convert(&options));
    ting_gguf file;
    ting_network network;
    assert_ok(ting_gguf_open(out, &file));
    assert_ok(ting_network_find(&file, "p2h", &network));
    assert_false(ting_network_has(&file, "am"));
    assert_int_equal(file.table.count, 4); /* w, b, q and q.scale */
    for (size_t i = 0; i < file.count; i++)
        assert_null(strstr(file.entries[i].key, "tingxie.am."));
    ting_gguf_close(&file);
    options.network = "vad";
    assert_fails(TING_ERR_MODEL, "there is no network \"vad\" in it", ting_tool_convert(&options));
    ting_free(am);
    ting_free(p2h);
    ting_free(both);
    ting_free(out);
}

static void safetensors_go_both_ways(void **state)
{
    (void)state;
    char *in = write_model("st.gguf", "am"), *middle = ting_temp_path("st.safetensors"), *out = ting_temp_path("st2.gguf");
    assert_ok(convert((const char *[]){in}, 1, middle, TING_CONVERT_KEEP));
    assert_ok(convert((const char *[]){middle}, 1, out, TING_CONVERT_KEEP));
    ting_gguf a, b;
    assert_ok(ting_gguf_open(in, &a));
    assert_ok(ting_gguf_open(out, &b));
    assert_int_equal(a.table.count, b.table.count);
    for (size_t i = 0; i < a.table.count; i++) {
        assert_string_equal(a.table.items[i].name, b.table.items[i].name);
        assert_int_equal(a.table.items[i].tensor.bytes, b.table.items[i].tensor.bytes);
        assert_memory_equal(a.table.items[i].tensor.data, b.table.items[i].tensor.data, a.table.items[i].tensor.bytes);
    }
    ting_gguf_close(&a);
    ting_gguf_close(&b);
    ting_free(in);
    ting_free(middle);
    ting_free(out);
}

static void inspection_tells_what_is_there(void **state)
{
    (void)state;
    char *path = write_model("inspect.gguf", "am");
    ting_str text = {0}, json = {0};
    assert_ok(ting_tool_inspect(path, TING_INSPECT_TEXT, &text));
    assert_non_null(strstr(text.text, "network am: "));
    assert_non_null(strstr(text.text, "243 parameters")); /* 2 * 3 * 40 + 3 */
    assert_null(strchr(text.text, '\033'));
    assert_ok(ting_tool_inspect(path, TING_INSPECT_JSON, &json));
    json_t *root = json_loads(json.text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "parameters")), 243);
    assert_int_equal(json_array_size(json_object_get(root, "tensors")), 4);
    json_decref(root);
    ting_str_free(&text);
    ting_str_free(&json);
    ting_free(path);
}

typedef struct paths {
    const char *in, *out;
} paths;

static ting_err convert_paths(void *arg)
{
    const paths *p = arg;
    return convert((const char *[]){p->in}, 1, p->out, TING_CONVERT_INT8);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char *in = write_model("fail.gguf", "am"), *out = ting_temp_path("fail-out.gguf");
    assert_true(ting_fail_each_allocation(convert_paths, &(paths){in, out}) > 40);
    ting_free(in);
    ting_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_change_their_type),        cmocka_unit_test(networks_become_one_file),
        cmocka_unit_test(a_network_is_taken_out),
        cmocka_unit_test(safetensors_go_both_ways),         cmocka_unit_test(inspection_tells_what_is_there),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
