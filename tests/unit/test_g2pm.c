/* SPDX-License-Identifier: Apache-2.0 */
/* test_g2pm.c - the polyphone network: a small one against numpy, broken folders, and the public one if it is there. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "g2pm_vectors.h"
#include "model/g2pm.h"
#include "support/failing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TABLES = 4 };
static const struct {
    const char *name;
    const unsigned char *bytes;
    size_t size;
} files[TABLES] = {
    {"char2idx.pkl", g2pm_char2idx, sizeof g2pm_char2idx},
    {"class2idx.pkl", g2pm_class2idx, sizeof g2pm_class2idx},
    {"digest_cedict.pkl", g2pm_digest_cedict, sizeof g2pm_digest_cedict},
    {"np_ckpt.pkl", g2pm_np_ckpt, sizeof g2pm_np_ckpt},
};

/* An owned folder with the small model; file `without` (-1: none) is replaced by `bytes`. */
static char *make_folder(const char *name, int without, const void *bytes, size_t size)
{
    char *folder = ting_temp_path(name);
    mkdir(folder, 0700);
    for (int i = 0; i < TABLES; i++) {
        char *path = ting_path_join(folder, files[i].name);
        assert_non_null(path);
        assert_ok(i == without ? ting_file_save(path, bytes, size) : ting_file_save(path, files[i].bytes, files[i].size));
        ting_free(path);
    }
    return folder;
}

/* Readings of a text, "-" where there is none. */
static void read_text(ting_g2pm *model, const char *text, ting_str *out)
{
    uint32_t points[256] = {0};
    int ids[256], count = 0;
    for (size_t at = 0, size = strlen(text); at < size;) {
        at += (size_t)ting_utf8_decode(text + at, size - at, &points[count]);
        ids[count++] = TING_PINYIN_NONE;
    }
    assert_ok(ting_g2pm_read(model, points, count, NULL, ids));
    ting_str_clear(out);
    ting_str_add(out, "");
    for (int i = 0; i < count; i++) {
        char name[TING_PINYIN_ROOM] = "-";
        if (ids[i] != TING_PINYIN_NONE)
            ting_pinyin_write(ids[i], TING_PINYIN_NUMBERED, name);
        ting_str_addf(out, "%s%s", i > 0 ? " " : "", name);
    }
}

static void a_small_model_reads_as_numpy_does(void **state)
{
    (void)state;
    char *folder = make_folder("small", -1, NULL, 0);
    assert_true(ting_g2pm_is_folder(folder));
    ting_g2pm *model = NULL;
    assert_ok(ting_g2pm_open(folder, &model));
    ting_str out = {0};
    for (size_t i = 0; i < sizeof g2pm_sentences / sizeof g2pm_sentences[0]; i++) {
        read_text(model, g2pm_sentences[i].text, &out);
        assert_string_equal(out.text, g2pm_sentences[i].readings);
    }
    ting_str_free(&out);
    ting_g2pm_free(model);
    ting_free(folder);
}

static void only_what_is_wanted_is_set(void **state)
{
    (void)state;
    char *folder = make_folder("wanted", -1, NULL, 0);
    ting_g2pm *model = NULL;
    assert_ok(ting_g2pm_open(folder, &model));
    const uint32_t text[] = {0x957F, 0x5927, 0x957F}; /* 长大长 */
    const unsigned char wanted[] = {0, 1, 1};
    int ids[] = {-7, -7, -7};
    assert_ok(ting_g2pm_read(model, text, 3, wanted, ids));
    assert_int_equal(ids[0], -7);
    assert_int_equal(ids[1], ting_pinyin_id(TING_BASE_da, 4));
    assert_true(ting_pinyin_base(ids[2]) == TING_BASE_chang || ting_pinyin_base(ids[2]) == TING_BASE_zhang);
    /* more than a window: each window is read by itself, so the second equals a text that begins there */
    enum { LONG = TING_G2PM_WINDOW + 2 };
    uint32_t *many = ting_alloc(LONG, sizeof *many);
    int *got = ting_alloc(LONG, sizeof *got), want[2];
    for (int i = 0; i < LONG; i++)
        many[i] = i % 3 == 0 ? 0x957F : 0x5F97; /* 长得得 */
    assert_ok(ting_g2pm_read(model, many, LONG, NULL, got));
    assert_ok(ting_g2pm_read(model, many + TING_G2PM_WINDOW, 2, NULL, want));
    assert_true(got[LONG - 2] == want[0] && got[LONG - 1] == want[1]);
    ting_free(many);
    ting_free(got);
    ting_g2pm_free(model);
    ting_free(folder);
}

/* {text: 2147483647} as a pickle; text with its length. */
#define ROW(text, length) "}X" length "\0\0\0" text "J\xFF\xFF\xFF\x7Fs.", sizeof "}X" length "\0\0\0" text "J\xFF\xFF\xFF\x7Fs." - 1

static void broken_folders_are_refused(void **state)
{
    (void)state;
    ting_g2pm *model = NULL;
    assert_fails(TING_ERR_IO, "/nowhere", ting_g2pm_open("/nowhere", &model));
    assert_false(ting_g2pm_is_folder("/nowhere"));
    const struct {
        int file;
        const void *bytes;
        size_t size;
        ting_err code;
        const char *part;
    } rows[] = {
        {0, "", 0, TING_ERR_FORMAT, "char2idx.pkl"},
        {0, "]q\0.", 4, TING_ERR_MODEL, "not a dictionary"},
        {0, "}.", 2, TING_ERR_MODEL, "<UNK>"},
        {0, ROW("<UNK>", "\x05"), TING_ERR_MODEL, "char2idx.pkl: entry 0 is not text -> number below 16777216"},
        {1, ROW("chang2", "\x06"), TING_ERR_MODEL, "class2idx.pkl: output 2147483647, expected a number below"},
        {1, g2pm_digest_cedict, sizeof g2pm_digest_cedict - 1, TING_ERR_FORMAT, "class2idx.pkl"},
        {2, g2pm_char2idx, sizeof g2pm_char2idx, TING_ERR_MODEL, "is no list"},
        {3, g2pm_char2idx, sizeof g2pm_char2idx, TING_ERR_MODEL, "no matrix \"embedding.weight\""},
        {3, g2pm_np_ckpt, sizeof g2pm_np_ckpt / 2, TING_ERR_FORMAT, "np_ckpt.pkl"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[] = "broken0";
        name[6] = (char)('0' + i);
        char *folder = make_folder(name, rows[i].file, rows[i].bytes, rows[i].size);
        assert_fails(rows[i].code, rows[i].part, ting_g2pm_open(folder, &model));
        assert_null(model);
        ting_free(folder);
    }
}

/* The first two columns of a line; false when there are fewer. */
static bool columns(char *line, char **first, char **second)
{
    *first = strtok(line, "\t");
    *second = strtok(NULL, "\t\n");
    return *first != NULL && *second != NULL;
}

/* The text of an id in the manifest, or NULL; owned. */
static char *text_of(const char *manifest, const char *id)
{
    char *found = NULL, *copy = ting_strdup(manifest), *rest = copy;
    assert_non_null(copy);
    for (char *line; found == NULL && (line = strsep(&rest, "\n")) != NULL;) {
        char *fields[6] = {0};
        for (int i = 0; i < 6 && line != NULL; i++)
            fields[i] = strsep(&line, "\t");
        if (fields[0] != NULL && fields[5] != NULL && strcmp(fields[0], id) == 0)
            found = ting_strdup(fields[5]);
    }
    ting_free(copy);
    return found;
}

static char *whole_file(const char *path)
{
    ting_file file;
    if (ting_file_map(path, &file) != TING_OK)
        return NULL;
    ting_str text = {0};
    ting_str_add_bytes(&text, file.data, file.size);
    ting_file_unmap(&file);
    return text.text;
}

static void the_public_model_reads_as_its_authors_do(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS"), *shared = getenv("TING_SHARED");
    char *folder = ting_path_join(models != NULL ? models : "../shared/models", "g2pm");
    char *speech = ting_path_join(shared != NULL ? shared : "../shared", "speech");
    char *manifest_path = ting_path_join(speech, "manifest.tsv"), *pinyin_path = ting_path_join(speech, "dev-pinyin.tsv");
    char *manifest = whole_file(manifest_path), *pinyin = whole_file(pinyin_path);
    ting_g2pm *model = NULL;
    bool there = ting_g2pm_is_folder(folder) && manifest != NULL && pinyin != NULL;
    if (there) {
        assert_ok(ting_g2pm_open(folder, &model));
        ting_str out = {0};
        char *rest = pinyin, *line, *id, *want;
        int sentences = 0;
        strsep(&rest, "\n"); /* the head */
        while ((line = strsep(&rest, "\n")) != NULL && columns(line, &id, &want)) {
            char *text = text_of(manifest, id);
            assert_non_null(text);
            read_text(model, text, &out);
            assert_string_equal(out.text, want);
            ting_free(text);
            sentences++;
        }
        assert_int_equal(sentences, 165);
        ting_str_free(&out);
    }
    ting_g2pm_free(model);
    char *owned[] = {folder, speech, manifest_path, pinyin_path, manifest, pinyin};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        ting_free(owned[i]);
    if (!there)
        skip_because("no g2pm in TING_MODELS or ../shared/models, or no speech/dev-pinyin.tsv in TING_SHARED or ../shared");
}

static ting_err open_and_read(void *folder)
{
    ting_err err = TING_OK;
    ting_g2pm *model = NULL;
    const uint32_t text[] = {0x957F, 0x5927};
    int ids[2];
    TRY(ting_g2pm_open(folder, &model));
    TRY(ting_g2pm_read(model, text, 2, NULL, ids));
out:
    ting_g2pm_free(model);
    return err;
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    char *folder = make_folder("memory", -1, NULL, 0);
    assert_true(ting_fail_each_allocation(open_and_read, folder) > 20);
    ting_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_model_reads_as_numpy_does),
        cmocka_unit_test(only_what_is_wanted_is_set),
        cmocka_unit_test(broken_folders_are_refused),
        cmocka_unit_test(failed_allocations_are_reported),
        cmocka_unit_test(the_public_model_reads_as_its_authors_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
