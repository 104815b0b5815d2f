/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zipformer_reference.c - the public Zipformer transducer against recorded runs of its own graph: encoder rows,
 * tokens and times of three clips, from recorded features. Any number of chunks a call and any number of threads must
 * give the same bits.
 *
 * Wants the folder zipformer-wenetspeech-3.3m in $TING_MODELS or ../shared/models, and skips without it.
 */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "decode/keywords.h"
#include "decode/transducer_beam.h"
#include "decode/transducer_greedy.h"
#include "model/import_zipformer_onnx.h"
#include "model/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const clips[] = {"0", "3", "4"};

static struct {
    char folder[512];
    ting_imported model;
    ting_params *params;
    ting_zipformer *encoder;
    ting_transducer *transducer;
} ref;

static int open_reference(void **state)
{
    (void)state;
    const char *models = getenv("TING_MODELS");
    snprintf(ref.folder, sizeof ref.folder, "%s/zipformer-wenetspeech-3.3m",
             models != NULL ? models : "../shared/models");
    if (!ting_file_is_folder(ref.folder)) {
        ref.folder[0] = '\0';
        return 0;
    }
    assert_ok(ting_import_zipformer_onnx(ref.folder, &ref.model));
    ref.params = ting_params_new();
    assert_non_null(ref.params);
    assert_ok(ting_zipformer_new(&ref.model.config.encoder.zipformer, ref.params, &ref.encoder));
    assert_ok(ting_transducer_new(&ref.model.config.transducer, ref.params, &ref.transducer));
    ting_table_view view = {&ref.model.tensors, ""};
    ting_source source = ting_table_source(&view, ref.folder);
    ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect())};
    assert_ok(ting_params_load(ref.params, &source, &options));
    assert_ok(ting_zipformer_prepare(ref.encoder));
    return 0;
}

static int close_reference(void **state)
{
    (void)state;
    ting_zipformer_free(ref.encoder);
    ting_transducer_free(ref.transducer);
    ting_params_free(ref.params);
    if (ref.folder[0] != '\0')
        ting_imported_free(&ref.model);
    return 0;
}

typedef struct clip {
    ting_npy file;
    ting_stored fbank, encoder, tokens, frames;
} clip;

static ting_stored member(const clip *c, const char *name)
{
    const ting_stored *found = ting_table_find(&c->file.table, name);
    assert_non_null(found);
    return *found;
}

static void open_clip(const char *name, clip *out)
{
    char path[600];
    snprintf(path, sizeof path, "%s/reference/%s.npz", ref.folder, name);
    assert_ok(ting_npy_open(path, &out->file));
    out->fbank = member(out, "fbank");
    out->encoder = member(out, "enc_float");
    out->tokens = member(out, "tok_float");
    out->frames = member(out, "frame_float");
}

/* Runs the recorded features, `step` chunks a call, on `threads` threads; the projected encoder rows in memory of
 * their own [*rows, joiner_dim], and what greedy search finds. */
static ting_real *run(const clip *c, int step, int threads, int *rows, ting_greedy *search)
{
    ting_zipformer_state *state;
    assert_ok(ting_zipformer_state_new(ref.encoder, &state));
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20),
                    .pool = ting_pool_new(threads),
                    .kern = ting_kern_select(ting_cpu_detect())};
    int total = (int)c->fbank.shape[0], bins = (int)c->fbank.shape[1], at = 0;
    int dim = ref.model.config.transducer.joiner_dim;
    ting_real *all = ting_alloc((size_t)total * (size_t)dim, sizeof *all);
    assert_non_null(all);
    *rows = 0;
    for (;;) {
        int chunks = step;
        while (chunks > 0 && at + ting_zipformer_frames(ref.encoder, state, chunks) > total)
            chunks--;
        if (chunks == 0)
            break;
        int count = ting_zipformer_frames(ref.encoder, state, chunks), start[2] = {0, count},
            out[2];
        ting_arena_reset(ctx.arena);
        ting_tensor x = ting_ctx_constant(&ctx, count, bins);
        for (int i = 0; i < count * bins; i++)
            x.data[i] = (ting_real)ting_stored_value(&c->fbank, (size_t)(at * bins + i));
        ting_tensor y = ting_zipformer_forward(&ctx, ref.encoder, x, (ting_segments){1, start},
                                               &(ting_zipformer_mode){.states = &state}, out);
        assert_ok(ctx.err);
        assert_ok(ting_greedy_accept(search, &ctx, y));
        y = ting_transducer_project_encoder(&ctx, ref.transducer, y);
        assert_ok(ctx.err);
        memcpy(all + (size_t)*rows * (size_t)dim, y.data,
               (size_t)y.rows * (size_t)dim * sizeof *all);
        *rows += y.rows;
        at += count;
    }
    ting_zipformer_state_free(state);
    ting_pool_free(ctx.pool);
    ting_arena_free(ctx.arena);
    return all;
}

static void rows_tokens_and_times_are_those_of_the_reference(void **state)
{
    (void)state;
    if (ref.folder[0] == '\0')
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++) {
        clip c;
        int rows;
        ting_greedy *search;
        open_clip(clips[i], &c);
        assert_ok(ting_greedy_new(ref.transducer, &(ting_greedy_options){0}, &search));
        ting_real *got = run(&c, 1, 1, &rows, search);
        assert_int_equal(rows, c.encoder.shape[0]);
        double error = 0, size = 0;
        for (size_t k = 0; k < ting_stored_elements(&c.encoder); k++) {
            double want = ting_stored_value(&c.encoder, k), off = (double)got[k] - want;
            error += off * off;
            size += want * want;
        }
        print_message("# clip %s: %d rows, relative RMS error %.2e\n", clips[i], rows,
                      sqrt(error / size));
        assert_true(sqrt(error / size) < 1e-4);
        ting_decoded h = ting_greedy_result(search);
        assert_int_equal(h.count, ting_stored_elements(&c.tokens));
        for (int k = 0; k < h.count; k++) {
            assert_int_equal(h.emissions[k].token, (int)ting_stored_value(&c.tokens, (size_t)k));
            assert_int_equal(h.emissions[k].row, (int)ting_stored_value(&c.frames, (size_t)k));
        }
        ting_greedy_free(search);
        ting_free(got);
        ting_npy_close(&c.file);
    }
}

static void chunks_a_call_and_threads_do_not_matter(void **state)
{
    (void)state;
    if (ref.folder[0] == '\0')
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
    static const int cuts[][2] = {
        {3, 1}, {8, 1}, {1000, 1}, {1, 2}, {8, 8}}; /* chunks a call, threads */
    clip c;
    ting_greedy *search;
    int rows, again;
    open_clip("4", &c);
    assert_ok(ting_greedy_new(ref.transducer, &(ting_greedy_options){0}, &search));
    ting_real *want = run(&c, 1, 1, &rows, search);
    int count = ting_greedy_result(search).count;
    double log_prob = ting_greedy_result(search).log_prob;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        ting_greedy_reset(search);
        ting_real *got = run(&c, cuts[i][0], cuts[i][1], &again, search);
        assert_int_equal(again, rows);
        assert_memory_equal(got, want,
                            (size_t)rows * (size_t)ref.model.config.transducer.joiner_dim * sizeof *got);
        assert_int_equal(ting_greedy_result(search).count, count);
        assert_true(ting_greedy_result(search).log_prob == log_prob);
        ting_free(got);
    }
    ting_free(want);
    ting_greedy_free(search);
    ting_npy_close(&c.file);
}

/* Encoder rows of a clip, for the other searches. */
static ting_tensor encoder_rows(const char *name, ting_ctx *ctx)
{
    clip c;
    ting_zipformer_state *state;
    open_clip(name, &c);
    assert_ok(ting_zipformer_state_new(ref.encoder, &state));
    int chunk = ref.model.config.encoder.zipformer.chunk, bins = (int)c.fbank.shape[1],
        total = (int)c.fbank.shape[0];
    int chunks = (total - ting_zipformer_frames(ref.encoder, state, 0)) / (2 * chunk);
    int start[2] = {0, ting_zipformer_frames(ref.encoder, state, chunks)}, out[2];
    ting_tensor x = ting_ctx_constant(ctx, start[1], bins);
    for (int i = 0; i < start[1] * bins; i++)
        x.data[i] = (ting_real)ting_stored_value(&c.fbank, (size_t)i);
    ting_tensor y = ting_zipformer_forward(ctx, ref.encoder, x, (ting_segments){1, start},
                                           &(ting_zipformer_mode){.states = &state}, out);
    assert_ok(ctx->err);
    ting_zipformer_state_free(state);
    ting_npy_close(&c.file);
    return y;
}

/* Keywords are taken from what the clips say; each clip must give its own and no other. */
static void keywords_are_spotted_where_they_are_said(void **state)
{
    (void)state;
    if (ref.folder[0] == '\0')
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
    static const char text[] =
        "j iǎng y ǒu b ó @4\nw én s ēn t è k ǎ s uǒ @3\nf ǎ g uó @3\n"
        "n ǐ h ǎo j ūn g ē @nobody\nx iǎo ài t óng x ué @nobody\nn ǚ ér @4\n";
    static const struct {
        const char *clip;
        int count;
    } cases[] = {{"0", 0}, {"3", 2}, {"4", 2}};
    ting_keywords list;
    assert_ok(ting_keywords_parse("keywords", text, sizeof text - 1, ref.model.tokens.items,
                                  ref.model.tokens.count, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25}, &list));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_ctx ctx = {.arena = ting_arena_new(1 << 20),
                        .kern = ting_kern_select(ting_cpu_detect())};
        ting_spotter *spotter;
        assert_ok(ting_spotter_new(ref.transducer, &list, &(ting_spotter_options){0}, &spotter));
        ting_tensor rows = encoder_rows(cases[i].clip, &ctx);
        assert_ok(ting_spotter_accept(spotter, &ctx, rows));
        assert_ok(ting_spotter_finish(spotter));
        for (int k = 0; k < ting_spotter_count(spotter); k++) {
            ting_spotted s = ting_spotter_at(spotter, k);
            print_message("# clip %s: keyword %d at row %ld, probability %.2f\n", cases[i].clip,
                          s.keyword + 1, s.emissions[0].row, s.probability);
            assert_string_equal(list.items[s.keyword].name, cases[i].clip);
        }
        assert_int_equal(ting_spotter_count(spotter), cases[i].count);
        ting_spotter_free(spotter);
        ting_arena_free(ctx.arena);
    }
    ting_keywords_free(&list);
}

/* Beam search finds at least the probability of the greedy path; on these clear clips the same tokens. */
static void beam_search_agrees_with_greedy_on_clear_speech(void **state)
{
    (void)state;
    if (ref.folder[0] == '\0')
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect())};
    ting_tensor rows = encoder_rows("3", &ctx);
    ting_greedy *greedy;
    ting_beam *beam;
    const ting_decoded *best;
    int count;
    assert_ok(ting_greedy_new(ref.transducer, &(ting_greedy_options){0}, &greedy));
    assert_ok(ting_beam_new(ref.transducer, &(ting_beam_options){.beam = 8}, &beam));
    assert_ok(ting_greedy_accept(greedy, &ctx, rows));
    for (int t = 0; t < rows.rows; t += 7) /* in pieces */
        assert_ok(ting_beam_accept(beam, &ctx,
                                   ting_rows(rows, t, rows.rows - t < 7 ? rows.rows - t : 7)));
    assert_ok(ting_beam_results(beam, 4, &best, &count));
    ting_decoded path = ting_greedy_result(greedy);
    assert_int_equal(count, 4);
    assert_true(best[0].log_prob >= path.log_prob);
    assert_int_equal(best[0].count, path.count);
    for (int i = 0; i < path.count; i++)
        assert_int_equal(best[0].emissions[i].token, path.emissions[i].token);
    ting_greedy_free(greedy);
    ting_beam_free(beam);
    ting_arena_free(ctx.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_tokens_and_times_are_those_of_the_reference),
        cmocka_unit_test(chunks_a_call_and_threads_do_not_matter),
        cmocka_unit_test(keywords_are_spotted_where_they_are_said),
        cmocka_unit_test(beam_search_agrees_with_greedy_on_clear_speech),
    };
    return cmocka_run_group_tests(tests, open_reference, close_reference);
}
