/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_gguf.c - GGUF: parsing, then every getter on every key and a look at each tensor's ends. */
#include "fuzz/fuzz.h"
#include "support/support.h"

#include "base/mem.h"
#include "model/gguf.h"
#include "model/schema.h"

#include <string.h>

static void look_at_keys(const ting_gguf *file)
{
    ting_keys all = {file, ""};
    for (size_t i = 0; i < file->count; i++) {
        const char *key = file->entries[i].key, *text;
        int64_t integer;
        double real;
        bool flag;
        int few[8];
        size_t count;
        ting_texts texts;
        ting_keys_text(&all, key, &text);
        ting_keys_integer(&all, key, 0, 100, &integer);
        ting_keys_real(&all, key, &real);
        ting_keys_flag(&all, key, &flag);
        ting_keys_integers(&all, key, -100, 100, few, 8, &count);
        if (ting_keys_texts(&all, key, &texts) == TING_OK)
            ting_texts_free(&texts);
    }
}

static void look_at_tensors(const ting_gguf *file)
{
    ting_network network;
    ting_table_view view = {&file->table, ""};
    ting_source source = ting_table_source(&view, "fuzz");
    ting_network_find(file, "am", &network);
    for (size_t i = 0; i < file->table.count; i++) {
        ting_stored tensor;
        if (source.find(source.self, file->table.items[i].name, &tensor) != TING_OK)
            continue;
        size_t elements = ting_stored_elements(&tensor);
        if (elements > 0) {
            ting_stored_value(&tensor, 0);
            ting_stored_value(&tensor, elements - 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_gguf file;
    if (ting_gguf_parse(bytes, size, "fuzz", &file) == TING_OK) {
        look_at_keys(&file);
        look_at_tensors(&file);
    }
    ting_gguf_close(&file);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char *const networks[] = {"am"}, *const tokens[] = {"<blk>", "zh", "ōng"};
    static const int8_t int8[] = {1, -2, 3, 4};
    static const float scale[] = {0.5f, 4}, values[] = {1, 2, 3};
    ting_stored q = {.dtype = TING_DTYPE_I8, .dims = 2, .shape = {2, 2}, .data = int8, .bytes = 4, .scale = scale};
    ting_stored f = {.dtype = TING_DTYPE_F32, .dims = 1, .shape = {3}, .data = values, .bytes = 12};
    char *path = ting_temp_path("seed.gguf");
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_schema_begin(writer, "seed", networks, 1);
    ting_gguf_put_text(writer, "tingxie.am.architecture", "x");
    ting_gguf_put_texts(writer, "tingxie.am.tokens", tokens, 3);
    ting_gguf_put_integers(writer, "dims", (const int[]){1, 2}, 2);
    ting_gguf_put_real(writer, "r", 0.1);
    ting_gguf_put_flag(writer, "f", true);
    ting_gguf_put_tensor(writer, "am.q", &q, TING_DTYPE_I8);
    ting_gguf_put_tensor(writer, "am.f", &f, TING_DTYPE_F16);
    assert_ok(ting_gguf_save(writer, path));
    ting_gguf_writer_free(writer);
    ting_fuzz_take_file(take, self, path);
    ting_free(path);
}
