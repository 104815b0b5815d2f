/* SPDX-License-Identifier: Apache-2.0 */
/* test_p2h_data.c - settings, line files, tables, corpus files, batches and confusions of pinyin-to-hanzi training. */
#include "support/support.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/lines.h"
#include "data/p2h_batch.h"
#include "data/p2h_confuse.h"
#include "data/p2h_corpus.h"
#include "data/p2h_prepare.h"
#include "base/yaml.h"
#include "text/pinyin.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ting_err parse(const char *text, ting_yaml_doc *doc)
{
    return ting_yaml_parse("r.yaml", text, strlen(text), doc);
}

static void settings_name_the_line_of_a_mistake(void **state)
{
    (void)state;
    ting_yaml_doc doc;
    int number = 7;
    double real = 0.5;
    bool flag = false;
    const char *text = NULL;
    assert_ok(parse("a: 3\nb: 2.5\nc: true\nd: word\nlist:\n  - {x: 1}\n  - {x: 2}\n", &doc));
    assert_ok(ting_yaml_int(doc.root, "a", 0, 5, &number));
    assert_int_equal(number, 3);
    assert_ok(ting_yaml_int(doc.root, "absent", 0, 5, &number));
    assert_int_equal(number, 3);
    assert_ok(ting_yaml_real(doc.root, "b", 0, 5, &real));
    assert_true(real == 2.5);
    assert_ok(ting_yaml_bool(doc.root, "c", &flag));
    assert_true(flag);
    assert_ok(ting_yaml_text(doc.root, "d", &text));
    assert_string_equal(text, "word");
    assert_fails(TING_ERR_FORMAT, "r.yaml:5: the key \"list\" is not known", ting_yaml_done(doc.root));
    assert_fails(TING_ERR_FORMAT, "r.yaml:4: \"d\" is \"word\", expected a whole number from 0 to 5",
                 ting_yaml_int(doc.root, "d", 0, 5, &number));
    assert_fails(TING_ERR_FORMAT, "r.yaml:1: \"a\" is \"3\", expected a whole number from 4 to 5",
                 ting_yaml_int(doc.root, "a", 4, 5, &number));
    assert_fails(TING_ERR_FORMAT, "expected one of: false, true", ting_yaml_bool(doc.root, "a", &flag));
    ting_yaml *list;
    assert_fails(TING_ERR_FORMAT, "\"a\" must be a list", ting_yaml_child(doc.root, "a", TING_YAML_LIST, &list));
    assert_ok(ting_yaml_child(doc.root, "list", TING_YAML_LIST, &list));
    assert_int_equal(list->first->next->line, 7);
    assert_ok(ting_yaml_done(doc.root));
    ting_yaml_free(&doc);
    assert_fails(TING_ERR_FORMAT, "r.yaml:3: the key \"a\" stands here a second time", parse("a: 1\nb: 2\na: 3\n", &doc));
    assert_fails(TING_ERR_FORMAT, "r.yaml:2:", parse("a: 1\n b: {\n", &doc));
    assert_fails(TING_ERR_FORMAT, "anchors", parse("a: &x 1\n", &doc));
    assert_fails(TING_ERR_FORMAT, "r.yaml:2: anchors", parse("b: 1\na: &x {c: 1}\n", &doc));
    assert_fails(TING_ERR_FORMAT, "anchors", parse("a: &x [1]\n", &doc));
    assert_fails(TING_ERR_FORMAT, "anchors", parse("a: !!map {c: 1}\n", &doc));
    assert_fails(TING_ERR_FORMAT, "anchors", parse("a: !set [1]\n", &doc));
    assert_fails(TING_ERR_FORMAT, "anchors", parse("a: !!str 1\n", &doc));
    assert_fails(TING_ERR_FORMAT, "aliases", parse("a: *x\n", &doc));
    assert_fails(TING_ERR_FORMAT, "lines", parse("- 1\n", &doc));
    assert_fails(TING_ERR_FORMAT, "lines", parse("", &doc));
    assert_fails(TING_ERR_FORMAT, "deeper", parse("a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", &doc));
}

static void check_lines(const char *path, const char *const *want, int count)
{
    ting_lines lines;
    const char *text;
    size_t length;
    int n = 0;
    assert_ok(ting_lines_open(path, &lines));
    while (ting_lines_next(&lines, &text, &length)) {
        assert_true(n < count);
        assert_int_equal(length, strlen(want[n]));
        assert_string_equal(text, want[n++]);
    }
    assert_ok(lines.err);
    assert_int_equal(n, count);
    ting_lines_close(&lines);
}

static void lines_come_plain_and_compressed(void **state)
{
    (void)state;
    /* 200,000 bytes in one line: longer than a block of input; then line ends of both kinds, none at the end */
    static char text[200100], packed[20000];
    memset(text, 'a', 200000);
    strcpy(text + 200000, "\nb\r\n\nlast");
    static char long_line[200001];
    memset(long_line, 'a', 200000);
    const char *const want[] = {long_line, "b", "", "last"};
    size_t size = strlen(text), used = 0;
    char *plain = ting_temp_path("lines.txt"), *xz = ting_temp_path("lines.any"), *cut = ting_temp_path("cut.xz");
    assert_ok(ting_file_save(plain, text, size));
    check_lines(plain, want, 4);
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, size, (uint8_t *)packed,
                                             &used, sizeof packed),
                     LZMA_OK);
    assert_ok(ting_file_save(xz, packed, used));
    check_lines(xz, want, 4);
    assert_ok(ting_file_save(cut, packed, used - 20));
    ting_lines lines;
    const char *line;
    size_t length;
    assert_ok(ting_lines_open(cut, &lines));
    while (ting_lines_next(&lines, &line, &length))
        ;
    assert_int_equal(lines.err, TING_ERR_FORMAT);
    ting_lines_close(&lines);
    assert_fails(TING_ERR_IO, "/nowhere", ting_lines_open("/nowhere", &lines));
    assert_ok(ting_file_save(plain, "\xEF\xBB\xBF" "b\n\xFF\n", 6));
    assert_ok(ting_lines_open(plain, &lines));
    assert_true(ting_lines_next(&lines, &line, &length));
    assert_string_equal(line, "b"); /* no byte order mark */
    assert_ok(ting_lines_check(&lines, line, length));
    assert_true(ting_lines_next(&lines, &line, &length));
    assert_fails(TING_ERR_FORMAT, "lines.txt:2: not UTF-8 at byte 1", ting_lines_check(&lines, line, length));
    ting_lines_close(&lines);
    ting_free(plain);
    ting_free(xz);
    ting_free(cut);
}

static void tables_find_ids_and_choices(void **state)
{
    (void)state;
    const char *const syllables[] = {"hang2", "xing2", "xing4", "zi5"};
    const uint32_t characters[] = {0x5B50, 0x6027, 0x884C}; /* 子 性 行 */
    const ting_p2h_pair pairs[] = {{6, 5}, {6, 4}, {5, 6}, {4, 7}, {6, 4}};
    ting_p2h_tables t;
    const int *list;
    assert_ok(ting_p2h_tables_make(&t, 4, syllables, 3, characters, 5, pairs));
    assert_int_equal(ting_p2h_syllable(&t, "xing4", 5), 6);
    assert_int_equal(ting_p2h_syllable(&t, "zi", 2), 7);    /* neutral without a digit */
    assert_int_equal(ting_p2h_syllable(&t, "xing", 4), 5);  /* no neutral one: the first tone there is */
    assert_int_equal(ting_p2h_syllable(&t, "xing5", 5), TING_P2H_UNKNOWN);
    assert_int_equal(ting_p2h_syllable(&t, "xinginging", 10), TING_P2H_UNKNOWN);
    assert_int_equal(ting_p2h_syllable(&t, "", 0), TING_P2H_UNKNOWN);
    assert_int_equal(ting_p2h_character(&t, 0x6027), 5);
    assert_int_equal(ting_p2h_character(&t, 0x6028), TING_P2H_UNKNOWN);
    assert_int_equal(ting_p2h_allowed(&t, TING_P2H_EXACT, 5, &list), 1);
    assert_int_equal(list[0], 6);
    assert_int_equal(ting_p2h_allowed(&t, TING_P2H_TONELESS, 5, &list), 2); /* xing2 or xing4: 性 行 */
    assert_int_equal(list[0], 5);
    assert_int_equal(list[1], 6);
    assert_int_equal(ting_p2h_allowed(&t, TING_P2H_FREE, 5, &list), 0);
    assert_int_equal(ting_p2h_allowed(&t, TING_P2H_EXACT, TING_P2H_UNKNOWN, &list), 0);
    ting_p2h_tables_free(&t);
    assert_fails(TING_ERR_FORMAT, "ascending",
                 ting_p2h_tables_make(&t, 2, (const char *const[]){"b1", "a1"}, 0, NULL, 0, NULL));
    assert_fails(TING_ERR_FORMAT, "tone", ting_p2h_tables_make(&t, 1, (const char *const[]){"b6"}, 0, NULL, 0, NULL));
    assert_fails(TING_ERR_FORMAT, "names character 9",
                 ting_p2h_tables_make(&t, 4, syllables, 3, characters, 1, &(ting_p2h_pair){9, 5}));
}

static void write_file(const char *path, const char *text)
{
    assert_ok(ting_file_save(path, text, strlen(text)));
}

/* A corpus of four sources: held out, trusted pairs, text read by a small lexicon, pairs without a header line. */
static char *small_corpus(const char *extra_settings, ting_p2h_counts *counts)
{
    static int number;
    char name[32];
    char *settings = ting_temp_path("settings.yaml"), *folder = ting_temp_path("lexicon"), *table, *text, *pairs, *bare, *out;
    snprintf(name, sizeof name, "corpus%d", number++);
    out = ting_temp_path(name);
    char command[512];
    snprintf(command, sizeof command, "mkdir -p '%s'", folder);
    assert_int_equal(system(command), 0);
    const char *const tables[][2] = {{"char-pinyin-8105.tsv", "我\two3\n你\tni3\n好\thao3 hao4\n人\tren2\n长\tzhang3 chang2\n大\tda4\n"},
                                     {"char-pinyin-freq.tsv", ""},
                                     {"phrase-pinyin.tsv", "长大\tzhang3 da4\n"},
                                     {"char-pinyin.tsv", ""}};
    for (int i = 0; i < 4; i++) {
        table = ting_path_join(folder, tables[i][0]);
        write_file(table, tables[i][1]);
        ting_free(table);
    }
    text = ting_temp_path("text.txt");
    pairs = ting_temp_path("pairs.tsv");
    write_file(text, "我好\n你好人\nA好\n我长大\n你好\n我好人\n好人\n");
    write_file(pairs, "id\ttext\tpinyin\nx\t长人\tchang2 ren2\ny\t我你\two3 ni2\nz\t你好\tni3 hao3\n");
    bare = ting_temp_path("bare.tsv");
    write_file(bare, "x\thao3 ren2\t好人\n");
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "cut: 1\n%ssources:\n  - {name: held, file: %s, format: pairs, only_last: 1, measure: true}\n"
             "  - {name: pairs, file: %s, format: pairs, drop_last: 1, licence: Apache-2.0}\n"
             "  - {name: text, file: %s, leave_every: 7}\n"
             "  - {name: bare, file: %s, format: pairs, pinyin_column: 2, text_column: 3}\n",
             extra_settings, pairs, pairs, text, bare);
    write_file(settings, yaml);
    assert_ok(ting_p2h_prepare(&(ting_p2h_files){settings, out, NULL, folder}, NULL, counts));
    ting_free(settings);
    ting_free(folder);
    ting_free(text);
    ting_free(pairs);
    ting_free(bare);
    return out;
}

static void text_becomes_a_corpus(void **state)
{
    (void)state;
    ting_p2h_counts counts;
    ting_p2h_corpus c;
    char *path = small_corpus("", &counts), *again = small_corpus("", &counts);
    /* held: 你好. pairs: 2. text: 我好 你好人 我长大 我好人 (A好 is no hanzi, 你好 is held out, line 7 is left). bare: 好人 */
    assert_int_equal(counts.sentences, 8);
    assert_int_equal(counts.excluded, 1);
    assert_int_equal(counts.tokens, 2 + 2 + 2 + 2 + 3 + 3 + 3 + 2);
    assert_int_equal(counts.characters, 6);
    assert_ok(ting_p2h_corpus_open(path, &c));
    assert_int_equal(c.sources, 4);
    assert_string_equal(c.source[1].licence, "Apache-2.0");
    assert_int_equal(c.source[0].kind, TING_P2H_MEASURE);
    assert_int_equal(c.source[2].count, 4);
    uint32_t at = c.start[c.source[2].first + 2]; /* 我长大: the phrase says zhang3 */
    assert_string_equal(c.tables.syllable[c.spoken[at + 1]], "zhang3");
    assert_int_equal(c.tables.character[c.written[at + 1]], 0x957F);
    const int *list; /* ni2 was seen in the trusted pairs only */
    assert_int_equal(ting_p2h_allowed(&c.tables, TING_P2H_EXACT, ting_p2h_syllable(&c.tables, "ni2", 3), &list), 1);
    assert_int_equal(c.tables.character[list[0]], 0x4F60);
    ting_file a, b;
    assert_ok(ting_file_map(path, &a));
    assert_ok(ting_file_map(again, &b));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size); /* the same input gives the same bytes */
    ting_file_unmap(&a);
    ting_file_unmap(&b);
    ting_p2h_corpus_close(&c);
    ting_free(path);
    ting_free(again);
}

static void column_numbers_go_together(void **state)
{
    (void)state;
    static const char *const wrong[] = {"format: pairs, pinyin_column: 2", "format: pairs, text_column: 2",
                                        "format: text, pinyin_column: 2, text_column: 3"};
    ting_p2h_counts counts;
    char *settings = ting_temp_path("wrong.yaml"), *out = ting_temp_path("wrong.corpus"), *folder = ting_temp_path("lexicon");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "sources:\n  - {name: a, file: a.tsv, %s}\n", wrong[i]);
        write_file(settings, yaml);
        assert_fails(TING_ERR_FORMAT, ":2: \"pinyin_column\" and \"text_column\" go together",
                     ting_p2h_prepare(&(ting_p2h_files){settings, out, NULL, folder}, NULL, &counts));
    }
    ting_free(settings);
    ting_free(out);
    ting_free(folder);
}

/* No damaged file crashes the reader, and a truncated one is always refused. */
static void damaged_corpora_are_refused(void **state)
{
    (void)state;
    ting_p2h_counts counts;
    ting_p2h_corpus c;
    char *path = small_corpus("", &counts), *bad = ting_temp_path("bad.corpus");
    ting_file file;
    assert_ok(ting_file_map(path, &file));
    unsigned char *bytes = ting_alloc(file.size, 1);
    ting_rng rng = ting_rng_new(5, 5);
    for (int round = 0; round < 300; round++) {
        size_t size = file.size;
        memcpy(bytes, file.data, size);
        if (round % 3 == 0)
            size = ting_rng_below(&rng, (uint32_t)size);
        for (int i = 0; i < round % 3; i++)
            bytes[ting_rng_below(&rng, (uint32_t)(round % 2 == 0 ? 64 : size))] = (unsigned char)ting_rng_next(&rng);
        assert_ok(ting_file_save(bad, bytes, size));
        ting_err err = ting_p2h_corpus_open(bad, &c);
        assert_true(err == TING_OK || err == TING_ERR_FORMAT || err == TING_ERR_MEMORY);
        if (round % 3 == 0)
            assert_int_equal(err, TING_ERR_FORMAT);
        if (err == TING_OK)
            ting_p2h_corpus_close(&c);
    }
    ting_file_unmap(&file);
    ting_free(bytes);
    ting_free(path);
    ting_free(bad);
}

static void an_epoch_is_a_function_of_its_number(void **state)
{
    (void)state;
    ting_p2h_counts counts;
    ting_p2h_corpus c;
    char *path = small_corpus("", &counts);
    assert_ok(ting_p2h_corpus_open(path, &c));
    const double weights[] = {1, 3, 2, 0};
    ting_p2h_sampler_options options = {.weight = weights, .tokens = 6, .window = 4, .seed = 9,
                                        .spoil = {.share = 0.5, .tone = 0.5, .reading = 0.5}};
    ting_arena *arena = ting_arena_new(1 << 16);
    int order[2][64], used[2] = {0, 0};
    for (int round = 0; round < 2; round++) {
        ting_p2h_sampler *s = ting_p2h_sampler_new(&c, &options);
        assert_ok(ting_p2h_sampler_epoch(s, 3));
        assert_int_equal(ting_p2h_sampler_tokens(s), 3 * 4 + 2 * 11); /* the held-out source is never drawn */
        size_t tokens = 0;
        for (size_t i = 0; i < ting_p2h_sampler_batches(s); i++) {
            ting_p2h_batch b;
            assert_ok(ting_p2h_sampler_batch(s, i, arena, &b));
            assert_true(b.tokens <= 6 && b.exact_tokens <= b.tokens);
            assert_int_equal(b.segments.start[b.segments.count], b.tokens);
            for (int t = 0; t < b.exact_tokens; t++) /* a clean place always knows its own character */
                assert_int_equal(b.choices[t].classes[b.choices[t].target], b.written[t]);
            for (int t = 0; t < b.tokens; t++)
                order[round][used[round]++] = b.spoken[t];
            tokens += (size_t)b.tokens;
        }
        assert_int_equal(tokens, ting_p2h_sampler_tokens(s));
        ting_p2h_sampler_free(s);
    }
    assert_memory_equal(order[0], order[1], (size_t)used[0] * sizeof(int));
    ting_p2h_sampler *none = ting_p2h_sampler_new(&c, &(ting_p2h_sampler_options){
                                                          .weight = (const double[]){1, 0, 0, 0}, .tokens = 6, .window = 4});
    assert_fails(TING_ERR_ARGUMENT, "nothing to train on", ting_p2h_sampler_epoch(none, 0));
    ting_p2h_sampler_free(none);
    ting_arena_free(arena);
    ting_p2h_corpus_close(&c);
    ting_free(path);
}

static void confusions_change_one_part(void **state)
{
    (void)state;
    ting_p2h_counts counts;
    ting_p2h_corpus c;
    char *path = small_corpus("", &counts);
    assert_ok(ting_p2h_corpus_open(path, &c));
    ting_p2h_confuser *confuser = ting_p2h_confuser_new(&c.tables);
    ting_rng rng = ting_rng_new(1, 1);
    int near = 0, zhong = ting_p2h_syllable(&c.tables, "zhong1", 6);
    for (int i = 0; i < 1000; i++) {
        int other = ting_pinyin_read(c.tables.syllable[ting_p2h_confuse(confuser, TING_CONFUSE_TONE, zhong, &rng)], 6);
        assert_int_equal(ting_pinyin_base(other), ting_pinyin_base(ting_pinyin_read("zhong1", 6)));
        assert_int_not_equal(ting_pinyin_tone(other), 1);
        const char *name = c.tables.syllable[ting_p2h_confuse(confuser, TING_CONFUSE_INITIAL, zhong, &rng)];
        other = ting_pinyin_read(name, strlen(name));
        assert_int_equal(ting_pinyin_final(other), ting_pinyin_final(ting_pinyin_read("zhong1", 6)));
        assert_int_not_equal(ting_pinyin_initial(other), ting_pinyin_initial(ting_pinyin_read("zhong1", 6)));
        near += strcmp(name, "zong1") == 0 || strcmp(name, "chong1") == 0;
        name = c.tables.syllable[ting_p2h_confuse(confuser, TING_CONFUSE_FINAL, zhong, &rng)];
        other = ting_pinyin_read(name, strlen(name));
        assert_int_equal(ting_pinyin_initial(other), ting_pinyin_initial(ting_pinyin_read("zhong1", 6)));
    }
    /* three in four are drawn among zh's neighbours z and ch (j has no jong), and a few of the rest fall on them:
     * at least 750 less 5 sigma (sqrt(1000 x 3/4 x 1/4) = 13.7) */
    assert_true(near > 680);
    assert_int_equal(ting_p2h_confuse(confuser, TING_CONFUSE_TONE, TING_P2H_UNKNOWN, &rng), TING_P2H_UNKNOWN);
    ting_p2h_confuser_free(confuser);
    ting_p2h_corpus_close(&c);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_name_the_line_of_a_mistake),
        cmocka_unit_test(lines_come_plain_and_compressed),
        cmocka_unit_test(tables_find_ids_and_choices),
        cmocka_unit_test(text_becomes_a_corpus),
        cmocka_unit_test(column_numbers_go_together),
        cmocka_unit_test(damaged_corpora_are_refused),
        cmocka_unit_test(an_epoch_is_a_function_of_its_number),
        cmocka_unit_test(confusions_change_one_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
