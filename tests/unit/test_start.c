/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_start.c - what a training from nothing starts with: the numbers of torch's layers, icefall's (scaling.py, zipformer.py,
 * subsampling.py, decoder.py, joiner.py) and WeNet's (attention.py), parameter by parameter.
 */
#include "support/support.h"

#include "model/conformer.h"
#include "model/ctc_head.h"
#include "model/transducer.h"
#include "model/transformer_p2h.h"
#include "model/transformer_s2s.h"
#include "model/zipformer.h"

#include <math.h>
#include <string.h>

/* A parameter and what it has to hold. */
typedef struct expected {
    const char *name;
    ting_init_kind kind;
    double size;
} expected;

static size_t count_of(const ting_param *p)
{
    return (size_t)p->t.rows * (size_t)p->t.cols;
}

/* n numbers from a distribution of deviation d: their mean is off by d / sqrt(n) and their rms, for no longer tails than
 * the normal's, by d / sqrt(2 n); five times that is allowed. */
static void check(const ting_param *p, ting_init_kind kind, double size)
{
    const double n = (double)count_of(p), deviation = kind == TING_INIT_UNIFORM ? size / sqrt(3.0) : size;
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < count_of(p); i++) {
        const double x = (double)p->t.data[i];
        sum += x;
        squares += x * x;
        largest = fmax(largest, fabs(x));
        if (kind == TING_INIT_CONSTANT && x != (double)(ting_real)size)
            fail_msg("%s[%zu] is %g, expected %g", p->name, i, x, size);
    }
    if (kind == TING_INIT_CONSTANT)
        return;
    if (fabs(sum / n) > 5 * deviation / sqrt(n) || fabs(sqrt(squares / n) - deviation) > 5 * deviation / sqrt(2 * n))
        fail_msg("%s: %g numbers of mean %g and rms %g, expected 0 and %g", p->name, n, sum / n, sqrt(squares / n), deviation);
    if (kind == TING_INIT_UNIFORM && largest > size * (1 + 1e-6))
        fail_msg("%s: up to %g, expected %g", p->name, largest, size);
}

static void start_and_check(ting_params *params, const expected *list, size_t count)
{
    assert_ok(ting_params_alloc(params, true));
    assert_ok(ting_params_start(params, 5));
    for (size_t i = 0; i < count; i++) {
        const ting_param *p = ting_params_find(params, list[i].name);
        if (p == NULL)
            fail_msg("there is no %s", list[i].name);
        check(p, list[i].kind, list[i].size);
    }
    ting_params_free(params);
}

#define START(params, list) start_and_check(params, list, sizeof(list) / sizeof *(list))

static const ting_zipformer_config zipformer_config = {
    .features = 80, .embed_channels = {8, 32, 128}, .stacks = 2, .pos_dim = 48, .output_downsampling = 2,
    .stack = {{1, 64, 4, 16, 12, 4, 128, 31, 1}, {1, 96, 4, 16, 12, 4, 192, 15, 2}}};

#define LAYER "encoder.encoders.0.layers.0."
#define SLOW "encoder.encoders.1.encoder.layers.0."

/* heads 4, queries of 16, so attention is scaled by 16^-0.25 = 1/2; values 48; feed-forward 128 in the first stack */
static void zipformer_starts_as_icefall(void **state)
{
    (void)state;
    const expected list[] = {
        {"encoder_embed.conv.0.weight", TING_INIT_UNIFORM, 1 / 3.0},
        {"encoder_embed.conv.7.weight", TING_INIT_UNIFORM, 1 / sqrt(9.0 * 32)},
        {"encoder_embed.conv.7.bias", TING_INIT_UNIFORM, 1 / sqrt(9.0 * 32)},
        {"encoder_embed.convnext.depthwise_conv.weight", TING_INIT_UNIFORM, 1 / 7.0},
        {"encoder_embed.convnext.pointwise_conv1.weight", TING_INIT_UNIFORM, 1 / sqrt(128.0)},
        {"encoder_embed.convnext.pointwise_conv2.weight", TING_INIT_UNIFORM, 0.01 / sqrt(3 * 128.0)},
        {"encoder_embed.convnext.pointwise_conv2.bias", TING_INIT_UNIFORM, 0.001},
        {"encoder_embed.out.weight", TING_INIT_UNIFORM, 1 / sqrt(19 * 128.0)},
        {"encoder_embed.out_norm.bias", TING_INIT_NORMAL, 1e-4},
        {"encoder_embed.out_norm.log_scale", TING_INIT_CONSTANT, 1},
        {LAYER "self_attn_weights.in_proj.weight", TING_INIT_UNIFORM, 0.5 / 8},
        {LAYER "self_attn_weights.in_proj.bias", TING_INIT_UNIFORM, 0.05},
        {LAYER "self_attn_weights.linear_pos.weight", TING_INIT_UNIFORM, 0.05 / sqrt(48.0)},
        {LAYER "self_attn1.in_proj.weight", TING_INIT_UNIFORM, 1 / 8.0},
        {LAYER "self_attn1.out_proj.weight", TING_INIT_UNIFORM, 0.05 / sqrt(48.0)},
        {LAYER "self_attn2.out_proj.bias", TING_INIT_UNIFORM, 0.005},
        {LAYER "feed_forward1.in_proj.weight", TING_INIT_UNIFORM, 1 / 8.0},
        {LAYER "feed_forward1.out_proj.weight", TING_INIT_UNIFORM, 0.1 / sqrt(96.0)},
        {LAYER "feed_forward3.out_proj.bias", TING_INIT_UNIFORM, 0.01},
        {LAYER "nonlin_attention.in_proj.bias", TING_INIT_UNIFORM, 1 / 8.0},
        {LAYER "nonlin_attention.out_proj.weight", TING_INIT_UNIFORM, 0.05 / sqrt(48.0)},
        {LAYER "conv_module1.in_proj.weight", TING_INIT_UNIFORM, 1 / 8.0},
        {LAYER "conv_module1.depthwise_conv.weight", TING_INIT_UNIFORM, 1 / sqrt(31.0)},
        {LAYER "conv_module1.depthwise_conv.bias", TING_INIT_UNIFORM, 1 / sqrt(31.0)},
        {LAYER "conv_module2.out_proj.weight", TING_INIT_UNIFORM, 0.05 / 8},
        {LAYER "norm.log_scale", TING_INIT_CONSTANT, 1},
        {LAYER "norm.bias", TING_INIT_NORMAL, 1e-4},
        {LAYER "bypass.bypass_scale", TING_INIT_CONSTANT, 0.5},
        {LAYER "bypass_mid.bypass_scale", TING_INIT_CONSTANT, 0.5},
        {SLOW "feed_forward2.out_proj.weight", TING_INIT_UNIFORM, 0.1 / sqrt(192.0)},
        {"encoder.encoders.1.downsample.bias", TING_INIT_CONSTANT, 0},
        {"encoder.encoders.1.out_combiner.bypass_scale", TING_INIT_CONSTANT, 0.5},
        {"encoder.downsample_output.bias", TING_INIT_CONSTANT, 0},
    };
    ting_zipformer *model = NULL;
    ting_params *params = ting_params_new();
    assert_ok(ting_zipformer_new(&zipformer_config, params, &model));
    START(params, list);
    ting_zipformer_free(model);
}

static void a_causal_zipformer_starts_as_icefall(void **state)
{
    (void)state;
    const expected list[] = {
        {LAYER "conv_module1.depthwise_conv.causal_conv.weight", TING_INIT_UNIFORM, 1 / 4.0},
        {LAYER "conv_module1.depthwise_conv.causal_conv.bias", TING_INIT_UNIFORM, 0.1},
        {LAYER "conv_module1.depthwise_conv.chunkwise_conv.weight", TING_INIT_UNIFORM, 1 / sqrt(31.0)},
        {LAYER "conv_module1.depthwise_conv.chunkwise_conv.bias", TING_INIT_UNIFORM, 1 / sqrt(31.0)},
        {LAYER "conv_module1.depthwise_conv.chunkwise_conv_scale", TING_INIT_CONSTANT, 0},
    };
    ting_zipformer_config causal = zipformer_config;
    ting_zipformer *model = NULL;
    causal.causal = true;
    causal.chunk = 16;
    causal.left = 64;
    ting_params *params = ting_params_new();
    assert_ok(ting_zipformer_new(&causal, params, &model));
    START(params, list);
    ting_zipformer_free(model);
    causal.pos_dim = 0; /* tables of projected positions: made for one chunk size, not to be learnt */
    params = ting_params_new();
    assert_ok(ting_zipformer_new(&causal, params, &model));
    assert_ok(ting_params_alloc(params, true));
    assert_fails(TING_ERR_INTERNAL, "linear_pos.table", ting_params_start(params, 5));
    ting_zipformer_free(model);
    ting_params_free(params);
}

static void transducer_and_head_start_as_icefall(void **state)
{
    (void)state;
    const expected list[] = {
        {"decoder.embedding.weight", TING_INIT_NORMAL, 1},
        {"decoder.conv.weight", TING_INIT_UNIFORM, 1 / sqrt(8.0)}, /* groups of 4 channels, 2 tokens */
        {"joiner.encoder_proj.weight", TING_INIT_UNIFORM, 0.25 / sqrt(96.0)},
        {"joiner.encoder_proj.bias", TING_INIT_UNIFORM, 0.025},
        {"joiner.decoder_proj.weight", TING_INIT_UNIFORM, 0.25 / 8},
        {"joiner.output_linear.weight", TING_INIT_UNIFORM, 1 / sqrt(80.0)},
        {"joiner.output_linear.bias", TING_INIT_UNIFORM, 1 / sqrt(80.0)},
        {"ctc_output.1.weight", TING_INIT_UNIFORM, 1 / sqrt(96.0)},
    };
    const ting_transducer_config config = {.vocab = 300, .context = 2, .encoder_dim = 96, .decoder_dim = 64,
                                           .joiner_dim = 80};
    ting_transducer *model = NULL;
    ting_params *params = ting_params_new();
    assert_ok(ting_transducer_new(&config, params, &model));
    ting_ctc_head_declare(params, "ctc_output.1", 300, 96);
    START(params, list);
    ting_transducer_free(model);
}

static void conformer_starts_as_wenet(void **state)
{
    (void)state;
    const expected list[] = {
        {"encoder.embed.conv.0.weight", TING_INIT_UNIFORM, 1 / 3.0},
        {"encoder.embed.conv.2.bias", TING_INIT_UNIFORM, 1 / sqrt(9 * 64.0)},
        {"encoder.embed.out.0.weight", TING_INIT_UNIFORM, 1 / sqrt(19 * 64.0)},
        {"encoder.encoders.0.self_attn.linear_q.weight", TING_INIT_UNIFORM, 1 / 8.0},
        {"encoder.encoders.0.self_attn.linear_pos.weight", TING_INIT_UNIFORM, 1 / 8.0},
        {"encoder.encoders.0.self_attn.pos_bias_u", TING_INIT_UNIFORM, sqrt(6.0 / (4 + 16))},
        {"encoder.encoders.0.self_attn.pos_bias_v", TING_INIT_UNIFORM, sqrt(6.0 / (4 + 16))},
        {"encoder.encoders.0.feed_forward.w_2.weight", TING_INIT_UNIFORM, 1 / sqrt(160.0)},
        {"encoder.encoders.0.conv_module.depthwise_conv.weight", TING_INIT_UNIFORM, 1 / sqrt(15.0)},
        {"encoder.encoders.0.conv_module.depthwise_conv.bias", TING_INIT_UNIFORM, 1 / sqrt(15.0)},
        {"encoder.encoders.0.conv_module.norm.weight", TING_INIT_CONSTANT, 1},
        {"encoder.encoders.0.conv_module.norm.running_mean", TING_INIT_CONSTANT, 0},
        {"encoder.encoders.0.conv_module.norm.running_var", TING_INIT_CONSTANT, 1},
        {"encoder.encoders.0.norm_mha.bias", TING_INIT_CONSTANT, 0},
        {"encoder.after_norm.weight", TING_INIT_CONSTANT, 1},
    };
    const ting_conformer_config config = {.features = 80, .subsampling = 4, .dim = 64, .heads = 4, .layers = 1,
                                          .feedforward = 160, .macaron = true, .kernel = 15, .norm = TING_CONV_BATCH_NORM,
                                          .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU};
    ting_conformer *model = NULL;
    ting_params *params = ting_params_new();
    assert_ok(ting_conformer_new(&config, params, &model));
    START(params, list);
    ting_conformer_free(model);
}

static const ting_transformer_shape layer = {.width = 64, .heads = 4, .inner = 192, .norm = TING_NORM_BEFORE,
                                             .act = TING_ACT_GELU, .eps = (ting_real)1e-5};

/* Glorot: sqrt(2 / (inputs + outputs)); the last matrix of a residual part / sqrt(2 layers), five here. */
static void pinyin_to_hanzi_starts_as_documented(void **state)
{
    (void)state;
    const expected list[] = {
        {"embedding.weight", TING_INIT_NORMAL, 1 / 8.0},
        {"pairs.0.weight", TING_INIT_CONSTANT, 0},
        {"triples.1.weight", TING_INIT_CONSTANT, 0},
        {"input_embedding_projecter.weight", TING_INIT_NORMAL, sqrt(2.0 / (64 + 64 + 3 * 16))}, /* two pairs, a triple */
        {"enc_layers.0.mha.wq.weight", TING_INIT_NORMAL, sqrt(2.0 / 128)},
        {"enc_layers.0.mha.dense.weight", TING_INIT_NORMAL, sqrt(2.0 / 128 / 10)},
        {"enc_layers.2.ffn.0.weight", TING_INIT_NORMAL, sqrt(2.0 / 256)},
        {"map_encoders.1.ffn.1.weight", TING_INIT_NORMAL, sqrt(2.0 / 256 / 10)},
        {"map_encoders.1.ffn.1.bias", TING_INIT_CONSTANT, 0},
        {"enc_layers.0.layernorm2.weight", TING_INIT_CONSTANT, 1},
        {"cnn_layers.0.weight", TING_INIT_NORMAL, sqrt(2.0 / (64 + 3 * 64))},
        {"final_norm.weight", TING_INIT_CONSTANT, 1},
        {"final_layer.weight", TING_INIT_NORMAL, 1 / 8.0},
        {"final_layer.bias", TING_INIT_CONSTANT, 0},
    };
    const ting_p2h_shape shape = {.syllables = 300, .characters = 400, .embedding = 64, .pair_rows = 50, .triple_rows = 50,
                                  .triple_places = 1, .ngram_dim = 16, .layers = 3, .map_layers = 2, .layer = layer,
                                  .conv_taps = 3};
    ting_params *params = ting_params_new();
    ting_p2h_net *net = ting_p2h_net_new(&shape, params);
    assert_non_null(net);
    START(params, list);
    ting_p2h_net_free(net);
}

static void an_encoder_decoder_starts_as_documented(void **state)
{
    (void)state;
    const expected list[] = {
        {"encoder.embedding.weight", TING_INIT_NORMAL, 1 / 8.0},
        {"decoder.embedding.weight", TING_INIT_NORMAL, 1 / 8.0},
        {"decoder.layers.1.cross.wk.weight", TING_INIT_NORMAL, sqrt(2.0 / 128)},
        {"decoder.layers.1.cross.dense.weight", TING_INIT_NORMAL, sqrt(2.0 / 128 / 6)}, /* 1 + 2 layers */
        {"decoder.layers.1.layernorm3.weight", TING_INIT_CONSTANT, 1},
        {"output.bias", TING_INIT_CONSTANT, 0},
    };
    for (int tied = 0; tied < 2; tied++) {
        const ting_s2s_shape shape = {.syllables = 300, .characters = 400, .encoder_layers = 1, .decoder_layers = 2,
                                      .layer = layer, .tied = tied == 1};
        ting_params *params = ting_params_new();
        ting_s2s_net *net = ting_s2s_net_new(&shape, params);
        assert_non_null(net);
        if (tied == 0)
            assert_true(ting_params_find(params, "output.weight")->init.size == 1 / 8.0);
        START(params, list);
        ting_s2s_net_free(net);
    }
}

/* The values of parameter i are a function of seed and i: others do not move them. */
static void first_values_depend_on_seed_and_place(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    ting_real first[COUNT];
    for (int run = 0; run < 4; run++) { /* as it is, again, with a longer neighbour, with another seed */
        ting_params *params = ting_params_new();
        ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){run == 2 ? 7 : 5}, "a"), ting_init_normal(2));
        const ting_param *b = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){COUNT}, "b"),
                                              ting_init_uniform(3));
        assert_ok(ting_params_alloc(params, false));
        assert_ok(ting_params_start(params, run == 3 ? 2 : 1));
        if (run == 0)
            memcpy(first, b->t.data, sizeof first);
        assert_true((memcmp(first, b->t.data, sizeof first) == 0) == (run < 3));
        ting_params_free(params);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zipformer_starts_as_icefall),
        cmocka_unit_test(a_causal_zipformer_starts_as_icefall),
        cmocka_unit_test(transducer_and_head_start_as_icefall),
        cmocka_unit_test(conformer_starts_as_wenet),
        cmocka_unit_test(pinyin_to_hanzi_starts_as_documented),
        cmocka_unit_test(an_encoder_decoder_starts_as_documented),
        cmocka_unit_test(first_values_depend_on_seed_and_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
