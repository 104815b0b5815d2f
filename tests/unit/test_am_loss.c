/* SPDX-License-Identifier: Apache-2.0 */
/* test_am_loss.c - the loss of a batch: what is counted beside it. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "tingxie_train.h"
#include "train/am_task.h"

#include <string.h>

/* In both views CTC has no path for the one sentence that is too long for its rows. */
static void an_impossible_utterance_counts_once(void **state)
{
    (void)state;
    enum { LONG = 60, OTHER = 2 }; /* tokens; a toy sentence has some 2 s: 50 rows */
    static const char text[] =
        "model: {downsampling: [1, 2], dims: 32, heads: 2, query_dims: 8, value_dims: 8, pos_head_dims: 4, feedforward: 32,\n"
        "        kernels: 7, embed_channels: [2, 4, 8], pos_dim: 16, ctc: true, transducer: {decoder_dim: 8, joiner_dim: 8}}\n"
        "data: {train: [{manifest: train.tsv}], seconds: 14, window: 20}\n"
        "loss: {ctc: 1, transducer: 1, simple: 0, prune: 0, consistency: 0.2}\n";
    char *toy = ting_temp_path("toy"), *path = ting_temp_path("r.yaml");
    ting_am_recipe recipe;
    ting_am_task task;
    ting_tensor sum;
    double units;
    size_t batches;
    const ting_speech_batch *made;
    assert_ok(ting_make_toy_corpus(toy, 30, 1));
    assert_ok(ting_file_save(path, text, sizeof text - 1));
    assert_ok(ting_am_recipe_load(path, NULL, &recipe));
    assert_ok(ting_am_task_make(&task, &recipe, &(ting_am_files){.data = toy, .to_train = true}, NULL));
    assert_ok(ting_speech_batches_epoch(task.batches, 0, &batches));
    assert_ok(ting_speech_batches_take(task.batches, 0, &made));
    assert_true(made->labelled >= 2);
    int ids[LONG + OTHER], starts[] = {0, LONG, LONG + OTHER};
    for (int i = 0; i < LONG + OTHER; i++)
        ids[i] = 1; /* equal neighbours: CTC needs 119 rows for the first */
    ting_speech_batch batch = *made;
    batch.labelled = 2;
    batch.labels = (ting_segments){2, starts};
    batch.label_ids = ids;
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(TING_CPU_SCALAR)};
    for (int round = 1; round <= 2; round++) {
        assert_ok(ting_am_loss_of(&task, &ctx, &batch, &sum, &units));
        assert_ok(ctx.err);
        assert_int_equal(task.terms.impossible, round);
    }
    ting_arena_free(ctx.arena);
    ting_am_task_free(&task);
    ting_am_recipe_free(&recipe);
    ting_free(toy);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_impossible_utterance_counts_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
