/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_import_zipformer.c - a float export of a tiny streaming Zipformer transducer with random weights, made with
 * python3-torch from icefall's modules (tests/data/tiny-zipformer-onnx, docs/models/zipformer.md), against the outputs of
 * those modules: the walk through the graph, the weights, the caches.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "decode/keywords.h"
#include "decode/transducer_beam.h"
#include "decode/transducer_greedy.h"
#include "engine/tool_convert.h"
#include "model/am_keys.h"
#include "model/import_zipformer_onnx.h"
#include "model/safetensors.h"
#include "model/tokens.h"
#include "onnx.pb-c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER "tests/data/tiny-zipformer-onnx"

struct network {
    ting_params *params;
    ting_zipformer *encoder;
    ting_transducer *transducer;
    ting_ctx ctx;
};

static void build(const ting_zipformer_config *encoder, const ting_transducer_config *transducer,
                  const ting_source *source, struct network *out)
{
    out->params = ting_params_new();
    assert_ok(ting_zipformer_new(encoder, out->params, &out->encoder));
    assert_ok(ting_transducer_new(transducer, out->params, &out->transducer));
    out->ctx =
        (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    ting_load_options options = {.kern = out->ctx.kern};
    assert_ok(ting_params_load(out->params, source, &options));
    assert_ok(ting_zipformer_prepare(out->encoder));
}

static void drop(struct network *n)
{
    ting_zipformer_free(n->encoder);
    ting_transducer_free(n->transducer);
    ting_params_free(n->params);
    ting_arena_free(n->ctx.arena);
}

static ting_tensor tensor(ting_ctx *ctx, const ting_safetensors *file, const char *name)
{
    const ting_stored *stored = ting_table_find(&file->table, name);
    assert_non_null(stored);
    ting_tensor t = ting_ctx_constant(ctx, (int)stored->shape[0], (int)stored->shape[1]);
    for (size_t i = 0; i < ting_stored_elements(stored); i++)
        t.data[i] = (ting_real)ting_stored_value(stored, i);
    return t;
}

/* Both sides compute in float; values are of order 1 and pass about 30 sums of up to 40 terms: 1e-5 is generous for the
 * rounding of either and far below what a wrong tensor gives (a transposed one: order 1). */
static void assert_same(ting_tensor got, ting_tensor want, const char *what)
{
    assert_int_equal(got.rows, want.rows);
    assert_int_equal(got.cols, want.cols);
    for (int r = 0; r < got.rows; r++)
        for (int c = 0; c < got.cols; c++)
            if (!(fabs((double)(ting_row(got, r)[c] - ting_row(want, r)[c])) < 1e-5))
                fail_msg("%s [%d, %d]: got %.7g, want %.7g", what, r, c,
                         (double)ting_row(got, r)[c], (double)ting_row(want, r)[c]);
}

static void check_outputs(struct network *n)
{
    ting_safetensors file;
    assert_ok(ting_safetensors_open(FOLDER "/expected.safetensors", &file));
    ting_ctx *ctx = &n->ctx;
    ting_zipformer_state *state;
    assert_ok(ting_zipformer_state_new(n->encoder, &state));
    ting_tensor x = tensor(ctx, &file, "x"), want = tensor(ctx, &file, "encoder");
    int start[2] = {0, x.rows}, out[2];
    ting_tensor y = ting_zipformer_forward(ctx, n->encoder, x, (ting_segments){1, start},
                                           &(ting_zipformer_mode){.states = &state}, out);
    ting_tensor e = ting_transducer_project_encoder(ctx, n->transducer, y);
    assert_ok(ctx->err);
    assert_same(e, want, "encoder");
    const ting_stored *contexts = ting_table_find(&file.table, "contexts");
    int ids[8];
    for (size_t i = 0; i < 8; i++)
        ids[i] = (int)ting_stored_value(contexts, i);
    ting_tensor d = ting_transducer_contexts(ctx, n->transducer, ids, 4);
    assert_ok(ctx->err);
    assert_same(d, tensor(ctx, &file, "decoder"), "decoder");
    ting_tensor logits = ting_transducer_join(ctx, n->transducer, ting_rows(e, 0, 4), d);
    assert_ok(ctx->err);
    assert_same(logits, tensor(ctx, &file, "logits"), "logits");
    ting_zipformer_state_free(state);
    ting_safetensors_close(&file);
}

static void a_float_export_gives_what_its_modules_give(void **state)
{
    (void)state;
    ting_imported model;
    struct network n;
    assert_ok(ting_import_zipformer_onnx(FOLDER, &model));
    assert_int_equal(model.config.encoder.zipformer.stacks, 2);
    assert_int_equal(model.config.encoder.zipformer.features, 24);
    assert_int_equal(model.config.encoder.zipformer.stack[1].dim, 24);
    assert_int_equal(model.config.encoder.zipformer.stack[1].downsampling, 2);
    assert_int_equal(model.config.encoder.zipformer.stack[0].kernel, 7);
    assert_int_equal(model.config.encoder.zipformer.pos_dim, 12);
    assert_int_equal(model.config.encoder.zipformer.chunk, 8);
    assert_int_equal(model.config.encoder.zipformer.left, 16);
    assert_int_equal(model.config.transducer.vocab, 11);
    assert_int_equal(model.config.transducer.context, 2);
    assert_string_equal(model.tokens.items[10], "ōng");
    ting_table_view view = {&model.tensors, ""};
    ting_source source = ting_table_source(&view, FOLDER);
    build(&model.config.encoder.zipformer, &model.config.transducer, &source, &n);
    check_outputs(&n);
    drop(&n);
    ting_imported_free(&model);
}

static void the_same_through_a_model_file(void **state)
{
    (void)state;
    struct network n;
    char *path = ting_temp_path("tiny.gguf");
    assert_ok(ting_tool_convert(
        &(ting_convert_options){.inputs = (const char *const[]){FOLDER}, .count = 1, .output = path}));
    ting_gguf file;
    ting_network am;
    ting_am_config config;
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_network_find(&file, "am", &am));
    assert_ok(ting_am_read_keys(&am.keys, am.architecture, &config));
    ting_source source = ting_table_source(&am.tensors, path);
    build(&config.encoder.zipformer, &config.transducer, &source, &n);
    check_outputs(&n);
    drop(&n);
    ting_gguf_close(&file);
    ting_free(path);
}

/* ---- folders that are not what they should be ---- */

static const char *const files[] = {"encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"};

/* A copy of the folder without `missing`, and with `name` cut to `size` bytes. */
static char *damaged(const char *missing, const char *name, size_t size)
{
    static int count;
    char text[32];
    snprintf(text, sizeof text, "damaged-%d", count++);
    char *folder = ting_temp_path(text);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < 4; i++) {
        if (missing != NULL && strcmp(missing, files[i]) == 0)
            continue;
        char *from = ting_path_join(FOLDER, files[i]), *to = ting_path_join(folder, files[i]);
        ting_file file;
        assert_ok(ting_file_map(from, &file));
        bool cut = name != NULL && strcmp(name, files[i]) == 0;
        assert_ok(ting_file_save(to, file.data, cut && size < file.size ? size : file.size));
        ting_file_unmap(&file);
        ting_free(from);
        ting_free(to);
    }
    return folder;
}

static void bad_folders_are_refused(void **state)
{
    (void)state;
    ting_imported model;
    assert_fails(TING_ERR_IO, "/nowhere", ting_import_zipformer_onnx("/nowhere", &model));
    for (size_t i = 0; i < 3; i++) {
        char *folder = damaged(files[i], NULL, 0);
        assert_fails(TING_ERR_MODEL, "no file *", ting_import_zipformer_onnx(folder, &model));
        ting_free(folder);
    }
    char *folder = damaged("tokens.txt", NULL, 0);
    assert_fails(TING_ERR_IO, "tokens.txt", ting_import_zipformer_onnx(folder, &model));
    ting_free(folder);
    folder = damaged(NULL, "tokens.txt", 30); /* fewer tokens than outputs, or a broken line */
    assert_int_not_equal(ting_import_zipformer_onnx(folder, &model), TING_OK);
    assert_non_null(strstr(ting_error_message(), "tokens.txt"));
    ting_free(folder);
    for (size_t size = 0; size < 130000; size += 9973) {
        folder = damaged(NULL, "encoder.onnx", size);
        assert_int_not_equal(ting_import_zipformer_onnx(folder, &model), TING_OK);
        assert_non_null(strstr(ting_error_message(), "encoder.onnx"));
        ting_free(folder);
    }
}

/* ---- graphs that were changed ---- */

/* A copy of the folder with one graph passed through `change`. */
static char *changed(const char *name, void (*change)(TingOnnx__GraphProto *graph, TingOnnx__ModelProto *model, void *arg), void *arg)
{
    char *folder = damaged(name, NULL, 0), *from = ting_path_join(FOLDER, name), *to = ting_path_join(folder, name);
    ting_file file;
    assert_ok(ting_file_map(from, &file));
    TingOnnx__ModelProto *model = ting_onnx__model_proto__unpack(NULL, file.size, file.data);
    assert_non_null(model);
    change(model->graph, model, arg);
    unsigned char *bytes = ting_alloc(ting_onnx__model_proto__get_packed_size(model), 1);
    assert_ok(ting_file_save(to, bytes, ting_onnx__model_proto__pack(model, bytes)));
    ting_onnx__model_proto__free_unpacked(model, NULL);
    ting_file_unmap(&file);
    ting_free(bytes);
    ting_free(from);
    ting_free(to);
    return folder;
}

static void set_text(char **text, const char *value) /* as protobuf-c allocates it */
{
    free(*text);
    *text = strdup(value);
}

static bool is_initializer(const TingOnnx__GraphProto *graph, const char *value)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(graph->initializer[i]->name, value) == 0)
            return true;
    return false;
}

/* The second factor of the n-th product that has none of the weights becomes the input x of the graph, which no node makes
 * and which is no constant. */
static void take_input(TingOnnx__GraphProto *graph, TingOnnx__ModelProto *model, void *arg)
{
    int *number = arg;
    (void)model;
    for (size_t i = 0; i < graph->n_node; i++) {
        TingOnnx__NodeProto *node = graph->node[i];
        if (strcmp(node->op_type, "MatMul") == 0 && !is_initializer(graph, node->input[1]) && (*number)-- == 0) {
            set_text(&node->input[1], "x");
            return;
        }
    }
}

static void a_factor_that_nobody_makes_is_no_constant(void **state)
{
    (void)state;
    int products = 0;
    ting_imported model;
    for (int left = -1; left < 0; products++) {
        left = products;
        char *folder = changed("encoder.onnx", take_input, &left);
        ting_err err = ting_import_zipformer_onnx(folder, &model); /* some products are of no parameter */
        if (err == TING_OK)
            ting_imported_free(&model);
        else
            assert_true(err == TING_ERR_MODEL || err == TING_ERR_NOT_FOUND);
        ting_free(folder);
    }
    assert_int_equal(products, 2 * 5 + 1); /* keys, positions, three times values in each layer; then no more */
}

typedef struct property {
    const char *key, *value;
} property;

static void set_metadata(TingOnnx__GraphProto *graph, TingOnnx__ModelProto *model, void *arg)
{
    const property *p = arg;
    (void)graph;
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (strcmp(model->metadata_props[i]->key, p->key) == 0)
            set_text(&model->metadata_props[i]->value, p->value);
}

static void set_cache(TingOnnx__GraphProto *graph, TingOnnx__ModelProto *model, void *arg)
{
    int64_t *size = arg;
    (void)model;
    for (size_t i = 0; i < graph->n_input; i++) {
        TingOnnx__ValueInfoProto *input = graph->input[i];
        if (strcmp(input->name, "cached_key_0") != 0)
            continue;
        for (size_t d = 0; d < input->type->tensor_type->shape->n_dim; d++) {
            TingOnnx__DimensionProto *dim = input->type->tensor_type->shape->dim[d];
            free(dim->dim_param);
            dim->dim_param = NULL;
            dim->has_dim_value = true;
            dim->dim_value = *size;
        }
    }
}

static void metadata_that_say_nothing_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *graph;
        property property;
        const char *part;
    } cases[] = {
        {"encoder.onnx", {"decode_chunk_len", ""}, "\"decode_chunk_len\" in the metadata is \"\", expected numbers"},
        {"encoder.onnx", {"decode_chunk_len", "16,16"}, "at most 1"},
        {"encoder.onnx", {"T", ""}, "\"T\" in the metadata is \"\""},
        {"encoder.onnx", {"num_encoder_layers", ""}, "\"num_encoder_layers\" in the metadata is \"\""},
        {"encoder.onnx", {"encoder_dims", "16,"}, "\"encoder_dims\" in the metadata is \"16,\""},
        {"encoder.onnx", {"encoder_dims", "16,x"}, "at most"},
        {"encoder.onnx", {"encoder_dims", "16,24,24"}, "has 3 numbers"},
        {"encoder.onnx", {"cnn_module_kernels", "7,6"}, "encoder.onnx: zipformer stack 1: a convolution kernel of 6 taps"},
        {"encoder.onnx", {"cnn_module_kernels", "1048575,5"}, "encoder.onnx: zipformer stack 0: a size of 1048575"},
        {"encoder.onnx", {"num_encoder_layers", "1048576,1"}, "encoder.onnx: zipformer stack 0"},
        {"decoder.onnx", {"context_size", ""}, "\"context_size\" in the metadata is \"\""},
        {"joiner.onnx", {"joiner_dim", "-3"}, "\"joiner_dim\" in the metadata is \"-3\""},
    };
    ting_imported model;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        property p = cases[i].property;
        char *folder = changed(cases[i].graph, set_metadata, &p);
        assert_fails(TING_ERR_MODEL, cases[i].part, ting_import_zipformer_onnx(folder, &model));
        ting_free(folder);
    }
    int64_t size = INT64_C(1) << 32; /* the product of three is 2^96 */
    char *folder = changed("encoder.onnx", set_cache, &size);
    assert_fails(TING_ERR_MODEL, "input cached_key_0 holds 2199023255552 values", ting_import_zipformer_onnx(folder, &model));
    ting_free(folder);
}

static void token_files_are_read(void **state)
{
    (void)state;
    ting_texts texts;
    static const char good[] = "<blk> 0\r\n\nb c 2\na 1";
    assert_ok(ting_tokens_parse("t", good, sizeof good - 1, &texts));
    assert_int_equal(texts.count, 3);
    assert_string_equal(texts.items[2], "b c");
    ting_texts_free(&texts);
    const struct {
        const char *text, *part;
    } bad[] = {{"", "no tokens"},
               {"a", "t:1: expected"},
               {"a 0\nb", "t:2: expected"},
               {"a 0\nb 0", "t:2: number 0 stands twice"},
               {"a 5", "number 5"},
               {" 0", "t:1: expected"},
               {"\xff 0", "t:1: expected"},
               {"a 1\n\n", "no token has the number 0"},
               {"a 999999999", "t:1: expected"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(TING_ERR_FORMAT, bad[i].part,
                     ting_tokens_parse("t", bad[i].text, strlen(bad[i].text), &texts));
}

static ting_err import_only(void *arg)
{
    (void)arg;
    ting_imported model;
    ting_err err = ting_import_zipformer_onnx(FOLDER, &model);
    if (err == TING_OK)
        ting_imported_free(&model);
    return err;
}

/* Building, one call of a stream and all three searches. */
static ting_err run_everything(void *arg)
{
    const ting_imported *model = arg;
    ting_err err = TING_OK;
    ting_zipformer *encoder = NULL;
    ting_transducer *transducer = NULL;
    ting_zipformer_state *state = NULL;
    ting_greedy *greedy = NULL;
    ting_beam *beam = NULL;
    ting_spotter *spotter = NULL;
    ting_keywords keywords = {0};
    const ting_decoded *best;
    int count, start[2] = {0}, out[2];
    ting_params *params = ting_params_new();
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    if (params == NULL || ctx.arena == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_zipformer_new(&model->config.encoder.zipformer, params, &encoder));
    TRY(ting_transducer_new(&model->config.transducer, params, &transducer));
    ting_table_view view = {&model->tensors, ""};
    ting_source source = ting_table_source(&view, FOLDER);
    TRY(ting_params_load(params, &source, &(ting_load_options){.kern = ctx.kern}));
    TRY(ting_zipformer_prepare(encoder));
    TRY(ting_zipformer_state_new(encoder, &state));
    TRY(ting_greedy_new(transducer, &(ting_greedy_options){0}, &greedy));
    TRY(ting_beam_new(transducer, &(ting_beam_options){0}, &beam));
    TRY(ting_keywords_parse("k", "n ǐ\nh ǎo", 10, model->tokens.items, model->tokens.count,
                            &(ting_keyword_defaults){.boost = 1, .threshold = 0.25}, &keywords));
    TRY(ting_spotter_new(transducer, &keywords, &(ting_spotter_options){0}, &spotter));
    start[1] = ting_zipformer_frames(encoder, state, 2);
    ting_tensor x = ting_ctx_constant(&ctx, start[1], model->config.encoder.zipformer.features);
    for (int i = 0; x.data != NULL && i < x.rows * x.cols; i++)
        x.data[i] = (ting_real)(i % 17 - 8);
    ting_tensor rows = ting_zipformer_forward(&ctx, encoder, x, (ting_segments){1, start},
                                              &(ting_zipformer_mode){.states = &state}, out);
    ting_ctx_check(&ctx);
    TRY(ctx.err);
    TRY(ting_greedy_accept(greedy, &ctx, rows));
    TRY(ting_beam_accept(beam, &ctx, rows));
    TRY(ting_beam_results(beam, 4, &best, &count));
    TRY(ting_spotter_accept(spotter, &ctx, rows));
out:
    ting_spotter_free(spotter);
    ting_keywords_free(&keywords);
    ting_beam_free(beam);
    ting_greedy_free(greedy);
    ting_zipformer_state_free(state);
    ting_zipformer_free(encoder);
    ting_transducer_free(transducer);
    ting_params_free(params);
    ting_arena_free(ctx.arena);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    ting_imported model;
    int imports = ting_fail_each_allocation(import_only, NULL);
    assert_ok(ting_import_zipformer_onnx(FOLDER, &model));
    int runs = ting_fail_each_allocation(run_everything, &model);
    ting_imported_free(&model);
    print_message("# %d allocations of the import and %d of a run failed in turn\n", imports, runs);
    assert_true(imports > 200 && runs > 200); /* each of about 70 tensors takes several */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_float_export_gives_what_its_modules_give),
        cmocka_unit_test(the_same_through_a_model_file),
        cmocka_unit_test(bad_folders_are_refused),
        cmocka_unit_test(a_factor_that_nobody_makes_is_no_constant),
        cmocka_unit_test(metadata_that_say_nothing_are_refused),
        cmocka_unit_test(token_files_are_read),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
