/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_open.c - files to values, and values to a table of tensors; see pickle.h. */
#include "model/pickle_vm.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

enum {
    ARENA_BLOCK = 1 << 16,
    COPY_FACTOR = 8, /* what calls copy (tensors out of order, text to bytes) may take so many times the file's size */
    COPY_SLACK = 1 << 20,
    MOST_DEPTH = 64,
    MOST_VISITS = 1 << 20
};

/* The member that ends in "data.pkl"; its folder goes to `folder`, owned. */
static ting_err read_program(ting_unzip *zip, char **folder, void **program, size_t *size)
{
    static const char wanted[] = "data.pkl";
    ting_err err = TING_OK;
    for (size_t i = 0; i < ting_unzip_count(zip); i++) {
        const char *name = ting_unzip_name(zip, i);
        size_t length = strlen(name), tail = sizeof wanted - 1;
        if (length < tail || strcmp(name + length - tail, wanted) != 0 ||
            (length > tail && name[length - tail - 1] != '/'))
            continue;
        *folder = ting_strdup(name);
        if (*folder == NULL)
            return TING_ERR_MEMORY;
        (*folder)[length - tail] = '\0';
        return ting_unzip_read(zip, i, program, size);
    }
    FAIL(TING_ERR_FORMAT, "a zip archive without data.pkl: not a PyTorch file");
out:
    return err;
}

static ting_err run_archive(ting_pickle_vm *vm, const void *bytes, size_t size)
{
    ting_err err = TING_OK;
    char *folder = NULL;
    void *program = NULL;
    size_t program_size = 0;
    TRY(ting_unzip_open(bytes, size, &vm->zip));
    TRY(read_program(vm->zip, &folder, &program, &program_size));
    vm->zip_folder = folder;
    if (vm->budget <= SIZE_MAX - program_size)
        vm->budget += program_size; /* a deflated program may spell all its bytes as text */
    TRY(ting_reserve(&vm->file->members, 0, 1, &vm->file->member_room, sizeof *vm->file->members));
    vm->file->members[vm->file->member_count++] = program;
    const void *start = program;
    program = NULL; /* values borrow from it */
    TRY(ting_pickle_execute(vm, start, program_size));
out:
    ting_free(program);
    ting_free(folder);
    ting_free(vm->storages);
    ting_free(vm->storage_keys);
    ting_unzip_close(vm->zip);
    return err;
}

ting_err ting_pickle_parse(const void *bytes, size_t size, ting_pickle *out)
{
    ting_err err = TING_OK;
    *out = (ting_pickle){0};
    ting_pickle_vm vm = {.file = out, .budget = size > SIZE_MAX / 16 ? SIZE_MAX : size * COPY_FACTOR + COPY_SLACK};
    out->arena = ting_arena_new(ARENA_BLOCK);
    if (out->arena == NULL)
        err = TING_ERR_MEMORY;
    else if (ting_unzip_is_zip(bytes, size))
        err = run_archive(&vm, bytes, size);
    else
        err = ting_pickle_execute(&vm, bytes, size);
    if (err != TING_OK)
        ting_pickle_close(out);
    return err;
}

ting_err ting_pickle_open(const char *path, ting_pickle *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_pickle){0};
    TRY(ting_file_map(path, &file));
    TRY_IN(ting_pickle_parse(file.data, file.size, out), "%s", path);
    out->file = file;
    file = (ting_file){0};
out:
    ting_file_unmap(&file);
    return err;
}

void ting_pickle_close(ting_pickle *file)
{
    for (size_t i = 0; i < file->member_count; i++)
        ting_free(file->members[i]);
    ting_free(file->members);
    ting_arena_free(file->arena);
    ting_file_unmap(&file->file);
    *file = (ting_pickle){0};
}

const ting_value *ting_value_get(const ting_value *dict, const char *key)
{
    if (dict == NULL || dict->kind != TING_VALUE_DICT)
        return NULL;
    for (size_t i = dict->count; i >= 2; i -= 2) {
        const ting_value *have = dict->items[i - 2];
        if (have->kind == TING_VALUE_TEXT && strcmp(have->text, key) == 0)
            return dict->items[i - 1];
    }
    return NULL;
}

typedef struct walk {
    ting_table *table;
    ting_str name;
    int visits;
} walk;

static ting_err walk_dict(walk *w, const ting_value *dict, int depth)
{
    ting_err err = TING_OK;
    size_t stem = w->name.length;
    if (depth > MOST_DEPTH)
        FAIL(TING_ERR_FORMAT, "dictionaries nested deeper than %d: the file is damaged", MOST_DEPTH);
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const ting_value *key = dict->items[i], *value = dict->items[i + 1];
        if (++w->visits > MOST_VISITS)
            FAIL(TING_ERR_FORMAT, "more than %d values: the file is damaged", MOST_VISITS);
        if (key->kind != TING_VALUE_TEXT || (value->kind != TING_VALUE_DICT && value->kind != TING_VALUE_TENSOR))
            continue;
        ting_str_addf(&w->name, "%s%s", stem > 0 ? "." : "", key->text);
        if (!ting_str_ok(&w->name)) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        if (value->kind == TING_VALUE_DICT)
            TRY(walk_dict(w, value, depth + 1));
        else
            TRY(ting_table_add(w->table, w->name.text, w->name.length, &value->tensor, NULL));
        w->name.length = stem;
        w->name.text[stem] = '\0';
    }
out:
    return err;
}

ting_err ting_pickle_tensors(const ting_pickle *file, ting_table *out)
{
    ting_err err = TING_OK;
    *out = (ting_table){0};
    walk w = {.table = out};
    if (file->root->kind != TING_VALUE_DICT)
        FAIL(TING_ERR_FORMAT, "the pickle holds no dictionary of tensors");
    TRY(walk_dict(&w, file->root, 1));
    TRY(ting_table_seal(out));
out:
    ting_str_free(&w.name);
    if (err != TING_OK)
        ting_table_free(out);
    return err;
}
