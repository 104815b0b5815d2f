/* SPDX-License-Identifier: Apache-2.0 */
/* test_diff.c - tool_diff: keys, values, shapes, NaN, types; outputs of a public encoder when it is at hand. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/tool_diff.h"
#include "model/gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct content { /* of a small file */
    const char *key, *text;
    float values[6];
    int64_t rows, cols;
    ting_dtype dtype;
    const char *extra; /* name of a second tensor, or NULL */
} content;

static const content BASE = {"k", "v", {1, 2, 3, 4, 5, 6}, 2, 3, TING_DTYPE_F32, NULL};

static char *write_file(const char *name, content c)
{
    char *path = ting_temp_path(name);
    ting_stored tensor = {.dtype = TING_DTYPE_F32, .dims = 2, .shape = {c.rows, c.cols}, .data = c.values,
                          .bytes = sizeof c.values};
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_gguf_put_text(writer, c.key, c.text);
    ting_gguf_put_tensor(writer, "t", &tensor, c.dtype);
    if (c.extra != NULL)
        ting_gguf_put_tensor(writer, c.extra, &tensor, TING_DTYPE_F32);
    assert_ok(ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    return path;
}

/* Compares BASE with c; the text must contain `part`, or be empty when it is NULL. */
static void check(content c, double tolerance, const char *part)
{
    char *a = write_file("a.gguf", BASE), *b = write_file("b.gguf", c);
    ting_str out = {0};
    bool same = part != NULL;
    assert_ok(ting_tool_diff_files(&(ting_diff_options){.a = a, .b = b, .tolerance = tolerance, .all = true}, &out, &same));
    assert_int_equal(same, part == NULL);
    if (part == NULL ? out.length != 0 : strstr(out.text, part) == NULL)
        fail_msg("got \"%s\", want \"%s\"", out.length == 0 ? "" : out.text, part == NULL ? "" : part);
    ting_str_free(&out);
    ting_free(a);
    ting_free(b);
}

static void differences_are_named(void **state)
{
    (void)state;
    content c = BASE;
    check(c, 0, NULL);
    c.values[4] = 5.25f;
    check(c, 0, "tensor t: F32 [2, 3] and F32, largest difference 0.25 at [1, 1] (5 and 5.25)");
    check(c, 0.05, NULL); /* 0.25 <= 0.05 * 6 */
    check(c, 0.04, "t: F32"); /* 0.25 > 0.04 * 6 */
    c = BASE, c.values[2] = NAN;
    check(c, 1, "at [0, 2] (3 and nan)");
    c = BASE, c.rows = 3, c.cols = 2;
    check(c, 0, "tensor t: F32 [2, 3] and F32 [3, 2]");
    c = BASE, c.dtype = TING_DTYPE_F16; /* small whole numbers are exact */
    check(c, 0, NULL);
    c = BASE, c.dtype = TING_DTYPE_I8; /* off by at most half a step of 6 / 127 */
    check(c, 0.5 / 127 * 1.001, NULL);
    check(c, 0, "F32 [2, 3] and I8");
    c = BASE, c.text = "w";
    check(c, 0, "key k: differs");
    c = BASE, c.key = "l";
    check(c, 0, "key k: only in ");
    c = BASE, c.extra = "u";
    check(c, 0, "tensor u: only in ");
}

static void outputs_are_compared(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS");
    char *model = ting_path_join(models != NULL ? models : "../shared/models", "zipformer-wenetspeech-3.3m");
    char *sound = ting_path_join(model, "test_wavs/3.wav");
    if (!ting_file_exists(sound)) {
        ting_free(model);
        ting_free(sound);
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
    }
    ting_str out = {0};
    bool same = false;
    ting_diff_options options = {.a = model, .b = model, .sound = sound};
    assert_ok(ting_tool_diff_outputs(&options, &out, &same));
    assert_true(same && out.length == 0);
    options.precision_b = TING_PRECISION_INT8;
    assert_ok(ting_tool_diff_outputs(&options, &out, &same));
    assert_false(same);
    assert_non_null(strstr(out.text, "output encoder_embed.convnext ["));
    assert_null(strstr(out.text, "output encoder.encoders.0")); /* only the first */
    ting_str_free(&out);
    ting_free(model);
    ting_free(sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(outputs_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
