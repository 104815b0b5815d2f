/* SPDX-License-Identifier: Apache-2.0 */
/* training.c - see training.h. */
#include "support/training.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/p2h_corpus.h"
#include "model/schema.h"
#include "support/support.h"
#include "nn/tensor.h"
#include "text/pinyin.h"
#include "train/checkpoint.h"

#include <math.h>
#include <string.h>

char *ting_tiny_corpus(const char *name, int sentences)
{
    static const char *const words[][2] = {
        {"shi4", "是"}, {"shi4", "事"}, {"yi4", "意"}, {"ren2", "人"}, {"hao3", "好"}};
    char *path = ting_temp_path(name);
    ting_p2h_builder *b = ting_p2h_builder_new();
    ting_p2h_counts counts;
    ting_rng rng = ting_rng_new(5, 0);
    ting_p2h_builder_source(b, "tiny", "CC0-1.0", TING_P2H_TRAIN);
    for (int line = 0; line < sentences; line++) {
        uint32_t text[8];
        int ids[8], count = 2 + (int)ting_rng_below(&rng, 6);
        for (int i = 0; i < count; i++) {
            const char *const *word = words[ting_rng_below(&rng, 5)];
            const char *c = word[1]; /* a hanzi of three bytes */
            text[i] = (uint32_t)((c[0] & 0x0F) << 12 | (c[1] & 0x3F) << 6 | (c[2] & 0x3F));
            ids[i] = ting_pinyin_read(word[0], strlen(word[0]));
        }
        ting_p2h_builder_line(b, count, text, ids, 1);
    }
    assert_ok(ting_p2h_builder_write(b, path, 1, &counts));
    ting_p2h_builder_free(b);
    return path;
}

enum { MOST_BLOCKS = 32, NAME_BYTES = 32 };

/* The names of all blocks of a checkpoint, in their order; train/checkpoint.h has the layout. Returns how many. */
static int names_of(const ting_checkpoint *checkpoint, char names[MOST_BLOCKS][NAME_BYTES])
{
    uint64_t count, bytes;
    size_t at = 8;
    memcpy(&count, checkpoint->file.data + at, sizeof count);
    assert_in_range(count, 1, MOST_BLOCKS);
    at += sizeof count;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(names[i], checkpoint->file.data + at, NAME_BYTES);
        memcpy(&bytes, checkpoint->file.data + at + NAME_BYTES, sizeof bytes);
        at += NAME_BYTES + sizeof bytes + (size_t)(bytes + 7) / 8 * 8;
    }
    return (int)count;
}

/* Every block of both but those named, a list that ends with NULL. */
static void assert_same_blocks(const char *a, const char *b, const char *const *but)
{
    char *path[2] = {ting_path_join(a, "checkpoint"), ting_path_join(b, "checkpoint")};
    char names[2][MOST_BLOCKS][NAME_BYTES];
    ting_checkpoint file[2];
    int count[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(ting_checkpoint_open(path[i], &file[i]));
        count[i] = names_of(&file[i], names[i]);
    }
    assert_int_equal(count[0], count[1]);
    for (int k = 0; k < count[0]; k++) {
        const void *data[2];
        size_t bytes[2];
        bool compared = true;
        assert_string_equal(names[0][k], names[1][k]);
        for (int i = 0; but[i] != NULL; i++)
            compared = compared && strcmp(but[i], names[0][k]) != 0;
        for (int i = 0; i < 2; i++)
            assert_true(ting_checkpoint_find(&file[i], names[0][k], &data[i], &bytes[i]));
        if (compared && (bytes[0] != bytes[1] || memcmp(data[0], data[1], bytes[0]) != 0))
            fail_msg("%s and %s differ in \"%s\"", path[0], path[1], names[0][k]);
    }
    for (int i = 0; i < 2; i++) {
        ting_checkpoint_close(&file[i]);
        ting_free(path[i]);
    }
}

void ting_assert_same_state(const char *a, const char *b)
{
    assert_same_blocks(a, b, (const char *const[]){"points", "samples", "recipe", "changes", NULL});
}

void ting_assert_same_state_but_place(const char *a, const char *b)
{
    assert_same_blocks(a, b, (const char *const[]){"points", "samples", "recipe", "changes", "place", NULL});
}

void ting_remove_block(const char *path, const char *name)
{
    char names[MOST_BLOCKS][NAME_BYTES];
    ting_state_block blocks[MOST_BLOCKS];
    ting_checkpoint file;
    int count, kept = 0;
    assert_ok(ting_checkpoint_open(path, &file));
    count = names_of(&file, names);
    for (int i = 0; i < count; i++) {
        const void *data;
        size_t bytes;
        assert_true(ting_checkpoint_find(&file, names[i], &data, &bytes));
        if (strcmp(names[i], name) != 0)
            blocks[kept++] = (ting_state_block){names[i], (void *)(uintptr_t)data, bytes};
    }
    assert_int_equal(kept, count - 1);
    assert_ok(ting_checkpoint_save(path, blocks, kept));
    ting_checkpoint_close(&file);
}

void ting_assert_record(const char *path, const char *network, const char *part)
{
    ting_gguf file;
    ting_network found;
    const char *record;
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_network_find(&file, network, &found));
    assert_ok(ting_keys_text(&found.keys, TING_KEY_TRAINING, &record));
    if (strstr(record, part) == NULL)
        fail_msg("%s: the record %s lacks %s", path, record, part);
    ting_gguf_close(&file);
}

double ting_checkpoint_distance(const char *a, const char *b)
{
    static const char *const blocks[] = {"weights", "average"};
    char *path[2] = {ting_path_join(a, "checkpoint"), ting_path_join(b, "checkpoint")};
    ting_checkpoint file[2];
    double most = 0;
    for (int i = 0; i < 2; i++)
        assert_ok(ting_checkpoint_open(path[i], &file[i]));
    for (int k = 0; k < 2; k++) {
        const void *data[2];
        size_t bytes[2];
        double apart = 0, whole = 0;
        for (int i = 0; i < 2; i++)
            assert_true(ting_checkpoint_find(&file[i], blocks[k], &data[i], &bytes[i]));
        assert_int_equal(bytes[0], bytes[1]);
        for (size_t i = 0; i < bytes[0] / sizeof(ting_real); i++) {
            const double x = (double)((const ting_real *)data[0])[i], y = (double)((const ting_real *)data[1])[i];
            apart += (x - y) * (x - y);
            whole += x * x;
        }
        most = fmax(most, sqrt(apart / whole));
    }
    for (int i = 0; i < 2; i++) {
        ting_checkpoint_close(&file[i]);
        ting_free(path[i]);
    }
    return most;
}

void ting_assert_names(const char *path, const char *const *names, size_t count)
{
    ting_folder folder = {0};
    assert_ok(ting_folder_list(path, "", &folder));
    assert_int_equal(folder.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(folder.names[i], names[i]);
    ting_folder_free(&folder);
}
