/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hanzi.c - hanzi for programs and for sentences, by an encoder-decoder with random weights: free lines of any
 * length reach the text whole, sentences get one character a syllable.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "engine/hanzi_p2h.h"
#include "engine/tool_hanzi.h"
#include "model/schema.h"
#include "text/pinyin.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"a1", "a2", "ba4", "ba5"};
static const uint32_t points[] = {0x4E00, 0x4E01, 0x4E02, 0x4E03, 0x4E04};
static const ting_p2h_pair pairs[] = {{4, 4}, {5, 4}, {6, 5}, {7, 6}, {8, 7}};
enum { CHARACTERS = 5, A1 = 4, BA4 = 6, WORDS = 5 };
static const char line[] = "a1 ba4 a1 a1 ba4";

/* An encoder-decoder whose liking for the end of a line is `end`, as a file. */
static void save(const char *path, unsigned seed, double end)
{
    ting_p2h_model m = {.params = ting_params_new()};
    const ting_transformer_shape layer = {.width = 8, .heads = 2, .inner = 12, .norm = TING_NORM_BEFORE,
                                          .act = TING_ACT_RELU, .eps = (ting_real)1e-5};
    assert_ok(ting_p2h_tables_make(&m.tables, 4, names, CHARACTERS, points, sizeof pairs / sizeof pairs[0], pairs));
    m.s2s = ting_s2s_net_new(&(ting_s2s_shape){.syllables = m.tables.syllables, .characters = m.tables.characters,
                                               .encoder_layers = 1, .decoder_layers = 1, .layer = layer},
                             m.params);
    assert_ok(ting_params_alloc(m.params, false));
    ting_rng rng = ting_rng_new(seed, 1);
    for (size_t i = 0; i < ting_params_elements(m.params); i++)
        ting_params_values(m.params)[i] = (ting_real)(0.6 * ting_rng_normal(&rng));
    ting_params_find(m.params, "output.bias")->t.data[TING_P2H_END] = (ting_real)end;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_schema_begin(writer, "test", (const char *const[]){"p2h"}, 1);
    assert_ok(ting_p2h_model_put(writer, &m, TING_DTYPE_F32));
    assert_ok(ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    ting_p2h_model_close(&m);
}

/* What the search finds, written out here: the tool must print the same. Returns the length of the best line. */
static int expect(const char *path, int nbest, ting_str *out)
{
    ting_gguf file;
    ting_p2h_model m;
    ting_p2h_page page;
    ting_arena *arena = ting_arena_new(1 << 16);
    static const int ids[WORDS] = {A1, BA4, A1, A1, BA4};
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_p2h_model_open(&file, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &m));
    assert_ok(ting_p2h_decode(&m, ting_kern_select(ting_cpu_detect()), NULL, arena,
                              &(ting_p2h_options){.limit = TING_P2H_FREE, .nbest = nbest},
                              &(ting_p2h_input){.syllables = ids, .count = WORDS}, 1, &page));
    for (int l = 0; l < page.line_count; l++) {
        ting_str_addf(out, "%d\t%.4f\t", l + 1, page.lines[l].score);
        for (int i = 0; i < page.lines[l].count; i++) {
            char text[4];
            ting_str_add_bytes(out, text, (size_t)ting_utf8_encode(m.tables.character[page.lines[l].characters[i]], text));
        }
        ting_str_add(out, "\n");
    }
    int length = page.lines[0].count;
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
    ting_gguf_close(&file);
    return length;
}

static void free_lines_have_any_length(void **state)
{
    (void)state;
    char *path = ting_temp_path("s2s.gguf");
    int shorter = 0, longer = 0;
    for (unsigned seed = 1; seed <= 4; seed++)
        for (int end = -6; end <= 6; end += 4) {
            ting_str want = {0}, got = {0};
            ting_tool_hanzi *hanzi;
            save(path, seed, end);
            int length = expect(path, 5, &want);
            shorter += length < WORDS;
            longer += length > WORDS;
            assert_ok(ting_tool_hanzi_new(
                &(ting_tool_hanzi_options){.model = path, .threads = 1, .limit = TING_TOOL_HANZI_FREE}, &hanzi));
            assert_ok(ting_tool_hanzi_line(hanzi, line, strlen(line), 5, &got));
            assert_string_equal(got.text, want.text);
            ting_str_clear(&got);
            assert_ok(ting_tool_hanzi_line(hanzi, "", 0, 1, &got)); /* nothing gives one empty line */
            assert_string_equal(got.text, "\n");
            ting_tool_hanzi_free(hanzi);
            ting_str_free(&want);
            ting_str_free(&got);
        }
    assert_true(shorter > 2 && longer > 2); /* both kinds were there */
    ting_free(path);
}

/* All 5^3 lines of 3 characters come, their probabilities adding up to 1, and beside line 0 stand others. */
static void sentences_get_a_character_a_syllable(void **state)
{
    (void)state;
    enum { PLACES = 3, LINES = CHARACTERS * CHARACTERS * CHARACTERS, OTHERS = 2 };
    char *path = ting_temp_path("aligned.gguf");
    ting_hanzi_p2h *p2h;
    ting_hanzi_page page;
    ting_arena *arena = ting_arena_new(1 << 16);
    save(path, 1, 6);
    assert_ok(ting_hanzi_p2h_open(path, TING_PRECISION_F32, &p2h));
    ting_hanzi_p2h_use use = {.p2h = p2h, .kern = ting_kern_select(ting_cpu_detect()), .limit = TING_P2H_FREE, .aligned = true};
    ting_hanzi_writer writer = ting_hanzi_p2h_writer(&use);
    const int syllables[PLACES] = {ting_pinyin_read("a1", 2), ting_pinyin_read("ba4", 3), TING_PINYIN_NONE};
    const ting_hanzi_input input = {.syllables = syllables, .count = PLACES};
    assert_ok(writer.write(writer.self, &input, 1, LINES, OTHERS, arena, &page));
    assert_int_equal(page.line_count, LINES);
    double sum = 0;
    for (int l = 0; l < LINES; l++) {
        assert_int_equal(page.lines[l].count, PLACES);
        for (int i = 0; i < PLACES; i++)
            assert_true(page.lines[l].characters[i][0] != '\0');
        sum += exp(page.lines[l].score);
    }
    assert_true(fabs(sum - 1) < 1e-4); /* float logits, 125 terms */
    for (int i = 0; i < PLACES; i++)
        for (int k = 0; k < OTHERS; k++) {
            assert_true(page.alternatives[i * OTHERS + k][0] != '\0');
            assert_string_not_equal(page.alternatives[i * OTHERS + k], page.lines[0].characters[i]);
        }
    use.aligned = false; /* the same network ends lines as it likes, and its alternatives follow its line */
    assert_ok(writer.write(writer.self, &input, 1, 1, OTHERS, arena, &page));
    assert_true(page.lines[0].count < PLACES);
    assert_null(page.lines[0].origins); /* there is no telling what they are of */
    ting_arena_free(arena);
    ting_hanzi_p2h_close(p2h);
    ting_free(path);
}

static ting_err write_free_line(void *path)
{
    ting_err err = TING_OK;
    ting_str out = {0};
    ting_tool_hanzi *hanzi = NULL;
    TRY(ting_tool_hanzi_new(&(ting_tool_hanzi_options){.model = path, .threads = 1, .limit = TING_TOOL_HANZI_FREE}, &hanzi));
    TRY(ting_tool_hanzi_line(hanzi, line, strlen(line), 3, &out));
out:
    ting_str_free(&out);
    ting_tool_hanzi_free(hanzi);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char *path = ting_temp_path("failing.gguf");
    save(path, 1, -6);
    assert_true(ting_fail_each_allocation(write_free_line, path) > 20);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_lines_have_any_length),
        cmocka_unit_test(sentences_get_a_character_a_syllable),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
