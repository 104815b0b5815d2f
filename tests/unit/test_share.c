/* SPDX-License-Identifier: Apache-2.0 */
/* test_share.c - batches divided among ranks: even shares that together are the whole, bit for bit. */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/deal.h"
#include "train/am_task.h"
#include "train/p2h_task.h"
#include "tingxie_train.h"

#include <string.h>

enum { ITEMS = 200, RANKS = 3 };

static void everybody_gets_about_the_same(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 5, 37, ITEMS};
    uint32_t lengths[ITEMS];
    int owner[ITEMS], again[ITEMS];
    ting_rng rng = ting_rng_new(3, 0);
    for (int parts = 1; parts <= 7; parts += 3)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            uint64_t total[7] = {0}, most = 0, least = UINT64_MAX;
            uint32_t longest = 0;
            for (size_t i = 0; i < counts[c]; i++) {
                lengths[i] = 50 + ting_rng_below(&rng, 1500);
                longest = lengths[i] > longest ? lengths[i] : longest;
            }
            assert_ok(ting_deal(lengths, counts[c], parts, owner));
            assert_ok(ting_deal(lengths, counts[c], parts, again));
            assert_memory_equal(owner, again, counts[c] * sizeof *owner);
            for (size_t i = 0; i < counts[c]; i++) {
                assert_in_range(owner[i], 0, parts - 1);
                total[owner[i]] += lengths[i];
            }
            for (int p = 0; p < parts; p++) {
                most = total[p] > most ? total[p] : most;
                least = total[p] < least ? total[p] : least;
            }
            assert_true(most - least <= longest); /* the last one dealt went to who had least */
        }
}

/* ---- sound ---- */

static const char recipe_text[] =
    "model: {downsampling: [1, 2], dims: 32, heads: 2, query_dims: 8, value_dims: 8, pos_head_dims: 4, feedforward: "
    "32,\n"
    "        kernels: 7, embed_channels: [2, 4, 8], pos_dim: 16}\n"
    "data: {train: [{manifest: train.tsv}], measure: [{manifest: dev.tsv}], seconds: 14, window: 20}\n"
    "augment: {speed: [0.9, 1.1], volume: {share: 0.5}, noise: [{share: 0.5}], mask: {warp: 20}}\n"
    "loss: {consistency: 0.2}\n";

static const ting_speech_batch *take(ting_am_task *task, size_t place)
{
    const ting_speech_batch *batch;
    assert_ok(ting_speech_batches_take(task->batches, place, &batch));
    return batch;
}

/* Every view of utterance u of the share is that of the same item in the whole. */
static void assert_same_sound(const ting_speech_batch *share, int u, const ting_speech_batch *whole, int dim)
{
    int w = 0;
    while (w < whole->utterances && whole->items[w] != share->items[u])
        w++;
    assert_true(w < whole->utterances);
    for (int v = 0; v < share->views; v++) {
        const int s = v * share->utterances + u, in = v * whole->utterances + w;
        const int frames = share->frames.start[s + 1] - share->frames.start[s];
        assert_int_equal(frames, whole->frames.start[in + 1] - whole->frames.start[in]);
        assert_memory_equal(share->heard + share->frames.start[s] * dim, whole->heard + whole->frames.start[in] * dim,
                            (size_t)(frames * dim) * sizeof(float));
    }
}

static void shares_hold_the_sound_of_the_whole(void **state)
{
    (void)state;
    char *toy = ting_temp_path("toy"), *path = ting_temp_path("share.yaml");
    ting_am_recipe recipe;
    ting_am_task whole, part[RANKS];
    size_t batches, batches_of_part;
    int empty = 0;
    assert_ok(ting_make_toy_corpus(toy, 30, 1));
    assert_ok(ting_file_save(path, recipe_text, strlen(recipe_text)));
    assert_ok(ting_am_recipe_load(path, NULL, &recipe));
    assert_ok(ting_am_task_make(&whole, &recipe, &(ting_am_files){.data = toy, .to_train = true}, NULL));
    for (int r = 0; r < RANKS; r++) {
        const ting_ranks ranks = {.rank = r, .count = RANKS, .here = RANKS};
        assert_ok(ting_am_task_make(&part[r], &recipe, &(ting_am_files){.data = toy, .ranks = &ranks, .to_train = true},
                                    NULL));
        assert_true((part[r].held != NULL) == (r == 0)); /* who alone measures */
    }
    const int dim = ting_feature_dim(&recipe.features);
    for (int epoch = 0; epoch < 2; epoch++) {
        assert_ok(ting_speech_batches_epoch(whole.batches, epoch, &batches));
        for (int r = 0; r < RANKS; r++) {
            assert_ok(ting_speech_batches_epoch(part[r].batches, epoch, &batches_of_part));
            assert_int_equal(batches, batches_of_part);
        }
        for (size_t place = 0; place < batches; place++) {
            const ting_speech_batch *all = take(&whole, place);
            int utterances = 0;
            for (int r = 0; r < RANKS; r++) {
                const ting_speech_batch *share = take(&part[r], place);
                assert_memory_equal(&share->chance, &all->chance, sizeof all->chance);
                for (int u = 0; u < share->utterances; u++)
                    assert_same_sound(share, u, all, dim);
                utterances += share->utterances;
                empty += share->utterances == 0;
            }
            assert_int_equal(utterances, all->utterances); /* each once: an item is once in an epoch of weight 1 */
        }
    }
    assert_true(empty > 0); /* a window ends in a batch of few */
    ting_am_task_free(&whole);
    for (int r = 0; r < RANKS; r++)
        ting_am_task_free(&part[r]);
    ting_am_recipe_free(&recipe);
    ting_free(toy);
    ting_free(path);
}

/* The table of characters is made by rank 0, and read by the others. */
static void one_rank_writes_the_tokens(void **state)
{
    (void)state;
    static const char text[] = "tokens: {table: characters}\ndata: {train: [{manifest: train.tsv}]}\n";
    const ting_ranks second = {.rank = 1, .count = 2, .here = 2};
    char *toy = ting_temp_path("tokens-toy"), *path = ting_temp_path("tokens.yaml"),
         *folder = ting_temp_path("tokens-run");
    ting_am_recipe recipe;
    ting_am_task task;
    assert_ok(ting_make_toy_corpus(toy, 20, 1));
    assert_ok(ting_file_save(path, text, strlen(text)));
    assert_ok(ting_am_recipe_load(path, NULL, &recipe));
    const ting_am_files own = {.data = toy, .folder = folder, .to_train = true},
                        its = {.data = toy, .folder = folder, .to_train = true, .ranks = &second};
    assert_fails(TING_ERR_IO, "tokens.txt: cannot be opened", ting_am_task_make(&task, &recipe, &its, NULL));
    ting_am_task_free(&task);
    assert_ok(ting_am_task_make(&task, &recipe, &own, NULL));
    ting_am_task_free(&task);
    assert_ok(ting_am_task_make(&task, &recipe, &its, NULL));
    ting_am_task_free(&task);
    ting_am_recipe_free(&recipe);
    char *const all[] = {toy, path, folder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Two views are masked with the recipe's share, and not at all where it is 0 or no group is there. */
static void views_are_masked_with_the_share(void **state)
{
    (void)state;
    static const struct {
        const char *augment;
        double least, most; /* of the share of utterances whose views differ */
    } cases[] = {{"augment: {speed: [0.9, 1.1]}\n", 0, 0},
                 {"augment: {mask: {share: 0}}\n", 0, 0},
                 {"augment: {mask: {share: 0.3}}\n", 0.3, 0.7}, /* 1 - 0.7^2 = 0.51; of 90, four deviations: 0.21 */
                 {"augment: {mask: {}}\n", 0.9, 1}};
    char *toy = ting_temp_path("views"), *path = ting_temp_path("views.yaml");
    assert_ok(ting_make_toy_corpus(toy, 100, 1));
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ting_str text = {0};
        ting_am_recipe recipe;
        ting_am_task task;
        size_t batches;
        int differ = 0, all = 0;
        ting_str_addf(&text, "data: {train: [{manifest: train.tsv}], seconds: 20}\nloss: {consistency: 0.2}\n%s",
                      cases[c].augment);
        assert_ok(ting_file_save(path, text.text, text.length));
        assert_ok(ting_am_recipe_load(path, NULL, &recipe));
        assert_ok(ting_am_task_make(&task, &recipe, &(ting_am_files){.data = toy, .to_train = true}, NULL));
        const int dim = ting_feature_dim(&recipe.features);
        assert_ok(ting_speech_batches_epoch(task.batches, 0, &batches));
        for (size_t place = 0; place < batches; place++) {
            const ting_speech_batch *b = take(&task, place);
            for (int u = 0; u < b->utterances; u++, all++) {
                const int one = b->frames.start[u], two = b->frames.start[b->utterances + u];
                differ += memcmp(b->heard + one * dim, b->heard + two * dim,
                                 (size_t)((b->frames.start[u + 1] - one) * dim) * sizeof(float)) != 0;
            }
        }
        assert_true(all >= 80);
        assert_true(differ >= cases[c].least * all && differ <= cases[c].most * all);
        ting_am_task_free(&task);
        ting_am_recipe_free(&recipe);
        ting_str_free(&text);
    }
    ting_free(toy);
    ting_free(path);
}

/* ---- text ---- */

/* Whether a sentence of the share stands in the whole as it is, spoiled alike. */
static bool is_in(const ting_p2h_batch *share, int s, const ting_p2h_batch *whole)
{
    const int first = share->segments.start[s], count = share->segments.start[s + 1] - first;
    for (int w = 0; w < whole->segments.count; w++) {
        const int at = whole->segments.start[w];
        if (whole->segments.start[w + 1] - at == count && (at < whole->exact_tokens) == (first < share->exact_tokens) &&
            memcmp(whole->spoken + at, share->spoken + first, (size_t)count * sizeof(int)) == 0 &&
            memcmp(whole->written + at, share->written + first, (size_t)count * sizeof(int)) == 0)
            return true;
    }
    return false;
}

static void shares_hold_the_text_of_the_whole(void **state)
{
    (void)state;
    char *path = ting_tiny_corpus("share.corpus", 40);
    ting_p2h_corpus corpus;
    ting_arena *arena = ting_arena_new(1 << 16);
    assert_ok(ting_p2h_corpus_open(path, &corpus));
    const double weight[] = {2};
    ting_p2h_sampler_options options = {.weight = weight,
                                        .tokens = 12,
                                        .window = 8,
                                        .seed = 4,
                                        .spoil = {.share = 0.5, .tone = 0.5, .initial = 0.5, .reading = 0.5}};
    ting_p2h_sampler *whole = ting_p2h_sampler_new(&corpus, &options), *part[RANKS];
    assert_ok(ting_p2h_sampler_epoch(whole, 1));
    for (int r = 0; r < RANKS; r++) {
        options.share = (ting_share){r, RANKS};
        part[r] = ting_p2h_sampler_new(&corpus, &options);
        assert_ok(ting_p2h_sampler_epoch(part[r], 1));
    }
    int empty = 0;
    for (size_t place = 0; place < ting_p2h_sampler_batches(whole); place++) {
        ting_p2h_batch all, share;
        int tokens = 0, exact = 0;
        ting_arena_reset(arena);
        assert_ok(ting_p2h_sampler_batch(whole, place, arena, &all));
        for (int r = 0; r < RANKS; r++) {
            assert_ok(ting_p2h_sampler_batch(part[r], place, arena, &share));
            for (int s = 0; s < share.segments.count; s++)
                assert_true(is_in(&share, s, &all));
            tokens += share.tokens;
            exact += share.exact_tokens;
            empty += share.tokens == 0;
        }
        assert_int_equal(tokens, all.tokens);
        assert_int_equal(exact, all.exact_tokens);
    }
    assert_true(empty > 0); /* a batch of two sentences for three ranks */
    for (int r = 0; r < RANKS; r++)
        ting_p2h_sampler_free(part[r]);
    ting_p2h_sampler_free(whole);
    ting_p2h_corpus_close(&corpus);
    ting_arena_free(arena);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_about_the_same),     cmocka_unit_test(shares_hold_the_sound_of_the_whole),
        cmocka_unit_test(views_are_masked_with_the_share),   cmocka_unit_test(one_rank_writes_the_tokens),
        cmocka_unit_test(shares_hold_the_text_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
