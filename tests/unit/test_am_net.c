/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_net.c - encoders of every kind behind one interface, the heads on them, and the keys of both: what is written
 * comes back, and what contradicts itself is refused.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/am_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 20, FRAMES = 90 };

static ting_encoder_config zipformer(void)
{
    return (ting_encoder_config){
        .kind = TING_ENCODER_ZIPFORMER,
        .zipformer = {.features = BINS, .embed_channels = {2, 3, 4}, .stacks = 2,
                      .stack = {{.layers = 1, .dim = 8, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2,
                                 .feedforward = 16, .kernel = 7, .downsampling = 1},
                                {.layers = 1, .dim = 12, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2,
                                 .feedforward = 16, .kernel = 5, .downsampling = 4}},
                      .pos_dim = 8, .output_downsampling = 2, .causal = true, .chunk = 8, .left = 16}};
}

static ting_encoder_config conformer(int subsampling, bool causal)
{
    return (ting_encoder_config){
        .kind = TING_ENCODER_CONFORMER,
        .conformer = {.features = BINS, .subsampling = subsampling, .dim = 8, .heads = 2, .layers = 2, .feedforward = 12,
                      .macaron = true, .kernel = 5, .causal = causal, .norm = TING_CONV_LAYER_NORM,
                      .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU, .chunk = causal ? 3 : 0, .left = causal ? 2 : 0}};
}

static ting_encoder_config cnn(void)
{
    return (ting_encoder_config){.kind = TING_ENCODER_CNN,
                                 .cnn = {.features = BINS, .blocks = 3, .dim = 10, .act = TING_ACT_RELU,
                                         .block = {{2, 3, 2, 2}, {1, 4, 2, 3}, {2, 5, 1, 1}}}};
}

static const ting_transducer_config transducer = {.vocab = 7, .context = 2, .decoder_dim = 8, .joiner_dim = 6, .groups = 2};

/* Every kind of network that a file can hold. */
static ting_am_config config_of(int which)
{
    ting_am_config c = {.ctc = {.vocab = 7, .blank = 2}};
    c.encoder = which < 3 ? zipformer() : conformer(which < 5 ? 4 : which == 5 ? 6 : 8, which != 4);
    if (which >= 7)
        c.encoder = cnn();
    if (which == 4 || which == 7)
        c.attention = (ting_attention_config){.begin = 2, .end = 6, .heads = 2, .feedforward = 9, .layers = 2,
                                              .reverse_layers = which == 7 ? 1 : 0, .act = TING_ACT_RELU};
    if (which == 1 || which == 2 || which == 5 || which == 8) {
        c.transducer = transducer;
        c.transducer.blank = 2;
    }
    if (which == 2 || which == 5 || which == 8)
        c.ctc.vocab = 0;
    return c;
}
enum { CONFIGS = 9 };
static const char *const architectures[CONFIGS] = {"zipformer2-ctc", "zipformer2-transducer", "zipformer2-transducer", "conformer-ctc",
                                                   "conformer-ctc", "conformer-transducer", "conformer-ctc", "cnn-ctc", "cnn-transducer"};
static const char *const tokens[] = {"a", "b", "<blk>", "c", "d", "e", "f"};

static void fill(ting_params *params)
{
    ting_rng rng = ting_rng_new(4, 1);
    for (size_t i = 0; i < ting_params_elements(params); i++)
        ting_params_values(params)[i] = (ting_real)(0.3 * ting_rng_normal(&rng));
    for (int i = 0; i < ting_params_count(params); i++) /* variances are positive */
        if (strstr(ting_params_at(params, i)->name, "running_var") != NULL)
            for (int k = 0; k < ting_params_at(params, i)->t.rows; k++)
                ting_row(ting_params_at(params, i)->t, k)[0] = 1;
}

static ting_am_net *net_of(const ting_am_config *config)
{
    ting_am_net *net;
    assert_ok(ting_am_net_new(config, &net));
    assert_ok(ting_params_alloc(net->params, false));
    fill(net->params);
    assert_ok(ting_am_net_prepare(net));
    return net;
}

static ting_ctx context(void)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
}

static ting_tensor frames(ting_ctx *ctx, int count)
{
    ting_rng rng = ting_rng_new(9, 2);
    ting_tensor x = ting_ctx_constant(ctx, count, BINS);
    for (int i = 0; i < count * BINS; i++)
        x.data[i] = (ting_real)ting_rng_normal(&rng);
    return x;
}

static ting_tensor forward(ting_ctx *ctx, const ting_am_net *net, ting_tensor x, ting_encoder_mode mode)
{
    int start[2] = {0, x.rows}, out[2];
    return ting_encoder_forward(ctx, net->encoder, x, (ting_segments){1, start}, &mode, out);
}

static void every_length_gives_the_rows_it_promises(void **state)
{
    (void)state;
    for (int which = 0; which < CONFIGS; which++) {
        const ting_am_config config = config_of(which);
        ting_am_net *net = net_of(&config);
        ting_ctx ctx = context();
        const int least = ting_encoder_least(&config.encoder);
        assert_int_equal(ting_encoder_rows(&config.encoder, least - 1), 0);
        for (int count = least; count < least + 20; count++) {
            ting_tensor y = forward(&ctx, net, frames(&ctx, count), (ting_encoder_mode){0});
            assert_ok(ctx.err);
            assert_int_equal(y.rows, ting_encoder_rows(&config.encoder, count));
            assert_int_equal(y.cols, ting_encoder_dim(&config.encoder));
            ting_arena_reset(ctx.arena);
        }
        forward(&ctx, net, frames(&ctx, least - 1), (ting_encoder_mode){0});
        assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
        ting_arena_free(ctx.arena);
        ting_am_net_free(net);
    }
}

/* A stream in calls of one and two chunks is the chunk mask over the whole, bit by bit. */
static void a_stream_is_the_chunk_mask(void **state)
{
    (void)state;
    static const int streaming[] = {0, 3, 5, 6};
    for (int i = 0; i < 4; i++) {
        const ting_am_config config = config_of(streaming[i]);
        const int rows = ting_encoder_chunk_rows(&config.encoder), step = ting_encoder_step(&config.encoder);
        ting_am_net *net = net_of(&config);
        ting_encoder_state *stream;
        ting_ctx ctx = context();
        assert_ok(ting_encoder_state_new(net->encoder, &stream));
        const int count = ting_encoder_frames(stream, 4);
        assert_int_equal(count - ting_encoder_frames(stream, 0), 4 * rows * step);
        ting_tensor x = frames(&ctx, count), whole = forward(&ctx, net, x, (ting_encoder_mode){.chunk = rows, .left = 2});
        assert_ok(ctx.err);
        for (int at = 0, row = 0, chunks = 1; at < count; chunks = 3 - chunks) {
            while (at + ting_encoder_frames(stream, chunks) > count)
                chunks--;
            const int take = ting_encoder_frames(stream, chunks);
            ting_tensor y = forward(&ctx, net, ting_rows(x, at, take), (ting_encoder_mode){.states = &stream});
            assert_ok(ctx.err);
            assert_int_equal(y.rows, chunks * rows);
            for (int r = 0; r < y.rows; r++, row++)
                for (int k = 0; k < y.cols; k++)
                    if (!(fabs((double)(ting_row(y, r)[k] - ting_row(whole, row)[k])) < 1e-5))
                        fail_msg("%s: row %d, column %d", ting_encoder_kind_name(config.encoder.kind), row, k);
            at += take;
        }
        ting_encoder_state_free(stream);
        ting_arena_free(ctx.arena);
        ting_am_net_free(net);
    }
}

/* Left contexts beyond the beginning are all there is; the unit of chunks is what the stacks divide. */
static void chunks_are_counted_alike(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which += 3) {
        const ting_am_config config = config_of(which);
        const int unit = ting_encoder_chunk_unit(&config.encoder);
        ting_am_net *net = net_of(&config);
        ting_ctx ctx = context();
        assert_int_equal(unit, which == 0 ? 2 : 1); /* 4 rows at 50 Hz are 2 of the output */
        assert_true(ting_encoder_chunks(&config.encoder));
        ting_tensor x = frames(&ctx, FRAMES);
        ting_tensor all = forward(&ctx, net, x, (ting_encoder_mode){.chunk = unit, .left = -1});
        ting_tensor many = forward(&ctx, net, x, (ting_encoder_mode){.chunk = unit, .left = 1 << 24});
        ting_tensor few = forward(&ctx, net, x, (ting_encoder_mode){.chunk = unit, .left = 1});
        assert_ok(ctx.err);
        const size_t size = (size_t)all.rows * (size_t)all.cols * sizeof(ting_real);
        assert_memory_equal(all.data, many.data, size);
        assert_memory_not_equal(all.data, few.data, size);
        if (which == 0) {
            forward(&ctx, net, x, (ting_encoder_mode){.chunk = 1, .left = 1});
            assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
        }
        ting_arena_free(ctx.arena);
        ting_am_net_free(net);
    }
}

/* ---- files ---- */

static char *saved(const ting_am_config *config, const ting_cmvn *cmvn, ting_dtype dtype)
{
    char *path = ting_temp_path("net.gguf");
    ting_am_net *net = net_of(config);
    assert_ok(ting_am_save(path, net,
                           &(ting_am_about){.name = "test", .features = cmvn != NULL ? "wenet bins=20 cmvn=global" : "icefall bins=20",
                                            .cmvn = cmvn, .tokens = tokens, .token_count = 7, .licence = "CC0-1.0",
                                            .training = "{}"},
                           dtype));
    ting_am_net_free(net);
    return path;
}

static void settings_and_weights_come_back(void **state)
{
    (void)state;
    for (int which = 0; which < CONFIGS; which++) {
        ting_am_config config = config_of(which), read;
        config.simple = which == 1; /* heads that only train are not written */
        char *path = saved(&config, NULL, TING_DTYPE_F32);
        ting_gguf file;
        ting_network network;
        assert_ok(ting_gguf_open(path, &file));
        assert_ok(ting_network_find(&file, "am", &network));
        assert_string_equal(network.architecture, architectures[which]);
        assert_ok(ting_am_read_keys(&network.keys, network.architecture, &read));
        assert_null(ting_table_find(&file.table, "am.simple_am_proj.weight"));
        ting_am_net *net, *first;
        ting_source source = ting_table_source(&network.tensors, path);
        assert_ok(ting_am_net_new(&read, &net));
        assert_ok(ting_params_load(net->params, &source, &(ting_load_options){.kern = ting_kern_select(ting_cpu_detect()),
                                                                              .keep_values = true}));
        assert_ok(ting_am_net_prepare(net));
        config.simple = false;
        first = net_of(&config);
        assert_int_equal(memcmp(&first->config.encoder, &net->config.encoder, sizeof read.encoder), 0);
        assert_int_equal(memcmp(&first->config.transducer, &net->config.transducer, sizeof read.transducer), 0);
        assert_int_equal(memcmp(&first->config.attention, &net->config.attention, sizeof read.attention), 0);
        assert_int_equal(net->attention != NULL, which == 4 || which == 7);
        assert_int_equal(ting_am_vocab(&net->config), 7);
        assert_int_equal(ting_am_blank(&net->config), 2);
        assert_int_equal(net->config.ctc.vocab, config.ctc.vocab);
        for (int i = 0; i < ting_params_count(net->params); i++) {
            const ting_param *a = ting_params_at(net->params, i), *b = ting_params_find(first->params, a->name);
            assert_non_null(b);
            if (which != 1) /* where the simple heads took random numbers too, the last values are others */
                assert_memory_equal(a->t.data, b->t.data, (size_t)a->t.rows * (size_t)a->t.cols * sizeof(ting_real));
        }
        ting_am_net_free(first);
        ting_am_net_free(net);
        ting_gguf_close(&file);
        ting_free(path);
    }
}

/* A file whose key has another value, read again. */
static ting_err with_text(const ting_am_config *config, const char *key, const char *text)
{
    ting_err err = TING_OK;
    char *path = ting_temp_path("changed.gguf"), room[64];
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_gguf file = {0}, changed = {0};
    ting_network network;
    ting_am_config read;
    char *old = saved(config, NULL, TING_DTYPE_F32);
    snprintf(room, sizeof room, "tingxie.am.%s", key);
    TRY(ting_gguf_open(old, &file));
    for (size_t i = 0; i < file.count; i++)
        if (strcmp(file.entries[i].key, room) != 0 && strcmp(file.entries[i].key, "general.alignment") != 0)
            ting_gguf_put_entry(writer, &file.entries[i]);
    if (text != NULL && text[0] >= '0' && text[0] <= '9')
        ting_gguf_put_integer(writer, room, strtol(text, NULL, 10));
    else if (text != NULL)
        ting_gguf_put_text(writer, room, text);
    TRY(ting_gguf_save(writer, path));
    TRY(ting_gguf_open(path, &changed));
    TRY(ting_network_find(&changed, "am", &network));
    TRY(ting_am_read_keys(&network.keys, network.architecture, &read));
out:
    ting_gguf_close(&changed);
    ting_gguf_close(&file);
    ting_gguf_writer_free(writer);
    ting_free(path);
    ting_free(old);
    return err;
}

static void keys_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        int which;
        const char *key, *value, *sentence;
        ting_err err;
    } cases[] = {
        {3, "architecture", "rnn-ctc", "the acoustic model is a \"rnn-ctc\"", TING_ERR_UNSUPPORTED},
        {3, "architecture", "conformer-s2s", "the acoustic model is a \"conformer-s2s\"", TING_ERR_UNSUPPORTED},
        {3, "architecture", "conformer-transducer", "no key \"tingxie.am.decoder.vocab\"", TING_ERR_NOT_FOUND},
        {3, "encoder.dim", "9", "2 heads do not divide the dimension 9", TING_ERR_MODEL},
        {3, "encoder.dim", "100000000", "encoder.dim", TING_ERR_MODEL},
        {3, "encoder.kernel", "0", "encoder.kernel", TING_ERR_MODEL},
        {4, "encoder.kernel", "4", "must be odd", TING_ERR_MODEL},
        {3, "encoder.subsampling", "5", "subsampling by 5", TING_ERR_MODEL},
        {3, "encoder.positions", "none", "encoder.positions is \"none\"", TING_ERR_MODEL},
        {3, "encoder.conv_norm", "group", "encoder.conv_norm is \"group\"", TING_ERR_MODEL},
        {3, "encoder.activation", "tan", "encoder.activation is \"tan\"", TING_ERR_MODEL},
        {3, "encoder.layers", NULL, "no key \"tingxie.am.encoder.layers\"", TING_ERR_NOT_FOUND},
        {3, "ctc.vocab", "2", "blank is token 2 of 2", TING_ERR_MODEL},
        {3, "ctc.name", "", "ctc.name has 0 bytes", TING_ERR_MODEL},
        {7, "encoder.dim", "9000", "20 features and 9000 columns", TING_ERR_MODEL},
        {4, "attention.heads", "3", "3 heads do not divide the width 8", TING_ERR_MODEL},
        {4, "attention.end", "7", "end is 7, expected 0 to 6", TING_ERR_MODEL},
        {4, "attention.activation", "tan", "attention.activation is \"tan\"", TING_ERR_MODEL},
        {7, "attention.reverse_layers", NULL, "no key \"tingxie.am.attention.reverse_layers\"", TING_ERR_NOT_FOUND},
        {7, "encoder.channels", NULL, "no key \"tingxie.am.encoder.channels\"", TING_ERR_NOT_FOUND},
        {1, "ctc.vocab", "8", "the CTC head has 8 tokens and blank 2, the transducer 7 and 2", TING_ERR_MODEL},
        {1, "decoder.context", "9", "sees 9 tokens", TING_ERR_MODEL},
        {1, "blank_id", "7", "blank is token 7 of 7", TING_ERR_MODEL},
        {1, "decoder.groups", "3", "3 groups do not divide", TING_ERR_MODEL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const ting_am_config config = config_of(cases[i].which);
        assert_fails(cases[i].err, cases[i].sentence, with_text(&config, cases[i].key, cases[i].value));
    }
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    const ting_am_config config = config_of(3);
    ting_am_net *net = net_of(&config);
    ting_gguf_writer *writer = ting_gguf_writer_new();
    float mean[BINS] = {0}, scale[BINS] = {0};
    ting_cmvn cmvn = {.dim = BINS, .mean = mean, .scale = scale}, narrow = {.dim = 3, .mean = mean, .scale = scale};
    ting_am_about about = {.name = "test", .features = "icefall bins=20", .tokens = tokens, .token_count = 6};
    assert_fails(TING_ERR_MODEL, "test: 6 tokens for 7 outputs", ting_am_put(writer, net, &about, TING_DTYPE_F32));
    about.token_count = 7;
    about.features = "icefall bins=21";
    assert_fails(TING_ERR_MODEL, "reads 20 values a frame, its feature settings give 21",
                 ting_am_put(writer, net, &about, TING_DTYPE_F32));
    about.features = "icefall bins=20";
    about.cmvn = &cmvn;
    assert_fails(TING_ERR_MODEL, "name no global normalisation, but there is one", ting_am_put(writer, net, &about, TING_DTYPE_F32));
    about.features = "icefall bins=20 cmvn=global";
    about.cmvn = NULL;
    assert_fails(TING_ERR_MODEL, "name a global normalisation, but there is none", ting_am_put(writer, net, &about, TING_DTYPE_F32));
    about.cmvn = &narrow;
    assert_fails(TING_ERR_MODEL, "is for 3 values a frame", ting_am_put(writer, net, &about, TING_DTYPE_F32));
    ting_gguf_writer_free(writer);
    ting_am_net_free(net);
}

static void networks_without_a_sense_are_refused(void **state)
{
    (void)state;
    ting_am_config c = config_of(0);
    c.ctc.vocab = 0;
    assert_fails(TING_ERR_MODEL, "heads of 0 and 0 tokens", ting_am_net_check(&c));
    c = config_of(0);
    c.simple = true;
    assert_fails(TING_ERR_MODEL, "simple heads need a transducer", ting_am_net_check(&c));
    c = config_of(1);
    c.transducer.encoder_dim = 5;
    assert_fails(TING_ERR_MODEL, "the joiner reads 5 columns, the encoder gives 12", ting_am_net_check(&c));
    c = config_of(1);
    memset(c.ctc.name, 'x', sizeof c.ctc.name);
    assert_fails(TING_ERR_MODEL, "the name of the CTC head is too long", ting_am_net_check(&c));
    c = config_of(0);
    c.encoder.kind = TING_ENCODER_KINDS;
    assert_fails(TING_ERR_MODEL, "kind", ting_am_net_check(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_gives_the_rows_it_promises),
        cmocka_unit_test(a_stream_is_the_chunk_mask),
        cmocka_unit_test(chunks_are_counted_alike),
        cmocka_unit_test(settings_and_weights_come_back),
        cmocka_unit_test(keys_that_cannot_be_are_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(networks_without_a_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
