/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - what memory there is, what a training needs, and that it is refused where it cannot have it. */
#include "support/support.h"

#include "base/available.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "optim/adamw.h"
#include "train/footprint.h"
#include "tingxie_train.h"

#include <string.h>

static void put(const char *root, const char *name, const char *text)
{
    char *path = ting_path_join(root, name);
    assert_ok(ting_folder_make_above(path));
    assert_ok(ting_file_save(path, text, strlen(text)));
    ting_free(path);
}

static const char meminfo[] = "MemTotal:       2000000 kB\nMemFree:  5 kB\nMemAvailable:    1000000 kB\n";

static void the_least_that_machine_and_groups_leave(void **state)
{
    (void)state;
    char *none = ting_temp_path("none"), *machine = ting_temp_path("machine"), *second = ting_temp_path("v2"),
         *first = ting_temp_path("v1"), *inside = ting_temp_path("inside");
    assert_true(ting_memory_available(none) == UINT64_MAX);

    put(machine, "proc/meminfo", meminfo);
    assert_true(ting_memory_available(machine) == UINT64_C(1024000000));

    /* version 2: the group around the own one leaves least; what its file pages take can be had */
    put(second, "proc/meminfo", meminfo);
    put(second, "proc/self/cgroup", "0::/outer/inner\n");
    put(second, "sys/fs/cgroup/outer/inner/memory.max", "max\n");
    put(second, "sys/fs/cgroup/outer/memory.max", "500000000\n");
    put(second, "sys/fs/cgroup/outer/memory.current", "300000000\n");
    put(second, "sys/fs/cgroup/outer/memory.stat", "anon 200000000\nfile 100000000\ninactive_file 40000000\n");
    assert_true(ting_memory_available(second) == 240000000);
    put(second, "sys/fs/cgroup/outer/memory.current", "900000000\n"); /* the limit was lowered */
    assert_true(ting_memory_available(second) == 0);

    /* version 1, and one that limits nothing */
    put(first, "proc/meminfo", meminfo);
    put(first, "proc/self/cgroup", "5:memory:/job\n4:cpu:/\n");
    put(first, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put(first, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "400000000\n");
    put(first, "sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100000000\n");
    put(first, "sys/fs/cgroup/memory/job/memory.stat", "cache 5\ninactive_file 7\ntotal_inactive_file 1000000\n");
    assert_true(ting_memory_available(first) == 301000000);

    /* a container that does not see its own group's name */
    put(inside, "proc/meminfo", meminfo);
    put(inside, "proc/self/cgroup", "0::/somewhere/else\n");
    put(inside, "sys/fs/cgroup/memory.max", "200000000\n");
    assert_true(ting_memory_available(inside) == 200000000);

    assert_true(ting_memory_available("") > 0 && ting_memory_peak() > 100000);
    char *const all[] = {none, machine, second, first, inside};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* The sizes said are those taken. */
static void a_footprint_is_what_is_taken(void **state)
{
    (void)state;
    ting_params *params = ting_params_new();
    ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){300, 200}, "w"), ting_init_constant(0));
    assert_ok(ting_params_alloc(params, true));
    const ting_footprint f = ting_footprint_of(params, &(ting_train_plan){.average = 0.9}, 0);
    const ting_footprint more = ting_footprint_of(params, &(ting_train_plan){.average = 0.9}, 1e6);
    ting_adamw *adamw = ting_adamw_new(params, &(ting_adamw_options){.beta1 = 0.9, .beta2 = 0.9});
    ting_optimizer optimizer = ting_adamw_optimizer(adamw);
    ting_state_block blocks[TING_OPTIMIZER_BLOCKS];
    size_t bytes = 0;
    for (int i = optimizer.state(optimizer.self, blocks) - 1; i >= 0; i--)
        bytes += blocks[i].bytes;
    assert_true((double)bytes >= f.optimizer && (double)bytes < 1.01 * f.optimizer);
    assert_true(f.parameters == 60000.0 * sizeof(ting_real) && f.gradients == f.parameters &&
                f.average == f.parameters);
    assert_true(f.checkpoint == 4 * f.parameters);
    optimizer.free(optimizer.self);
    ting_params_free(params);

    const uint64_t need = 5 * 60000 * sizeof(ting_real);
    assert_ok(ting_footprint_fit(&f, 1, need, "x.yaml"));
    assert_ok(ting_footprint_fit(&f, 1, UINT64_MAX, "x.yaml"));
    assert_fails(TING_ERR_MEMORY, "x.yaml: the training needs 1.2 MB", ting_footprint_fit(&f, 1, need - 1, "x.yaml"));
    assert_fails(TING_ERR_MEMORY, "1.0 MB sound and batches", ting_footprint_fit(&more, 1, need + 999999, "x.yaml"));
    assert_ok(ting_footprint_fit(&more, 1, need + 1000000, "x.yaml"));
    assert_fails(TING_ERR_MEMORY, "in each of 4 processes", ting_footprint_fit(&f, 4, 4 * need - 1, "x.yaml"));
}

/* Refused before any of it is taken: no machine has these terabytes. */
static void what_cannot_fit_is_refused(void **state)
{
    (void)state;
    char *recipe = ting_temp_path("huge.yaml"), *toy = ting_temp_path("toy"), *folder = ting_temp_path("huge");
    const char *text = "model: {encoder: conformer, dim: 8192, heads: 8, layers: 256, feedforward: 65536}\n"
                       "data: {train: [{manifest: train.tsv}]}\n";
    assert_ok(ting_make_toy_corpus(toy, 10, 1));
    assert_ok(ting_file_save(recipe, text, strlen(text)));
    const ting_train_options options = {.recipe = recipe, .data = toy, .folder = folder};
    assert_fails(TING_ERR_MEMORY, "huge.yaml: the training needs ", ting_train_am(&options));
    assert_non_null(strstr(ting_error_message(), " MB optimizer"));
    assert_false(ting_file_exists(folder));
    char *const all[] = {recipe, toy, folder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_that_machine_and_groups_leave),
        cmocka_unit_test(a_footprint_is_what_is_taken),
        cmocka_unit_test(what_cannot_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
