/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_import_wenet.c - folders as WeNet leaves them, with small random checkpoints: what comes out of them is the network
 * that went in, and what cannot be run is named.
 */
#include "support/support.h"

#include "support/failing.h"
#include "support/tiny.h"
#include "support/wenet.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/tool_convert.h"
#include "model/import_wenet.h"
#include "model/public.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BINS = TING_WENET_BINS, SAMPLES = 48000 };

static const char *const tokens[] = {"<blank>", "<unk>", "中", "国", "你", "好", "<sos/eos>"};

/* `text` with the first `from` replaced by `to` in place; to is not longer and the rest of the line becomes blanks. */
static char *changed(const char *from, const char *to)
{
    char *text = ting_strdup(ting_wenet_settings), *at = from != NULL ? strstr(text, from) : NULL;
    if (at != NULL) {
        const size_t line = strcspn(at, "\n");
        memset(at, ' ', line);
        memcpy(at, to, strlen(to));
    }
    return text;
}

static char *make_folder(const char *name, bool normalised)
{
    char *folder = ting_temp_path(name);
    assert_int_equal(mkdir(folder, 0700), 0);
    ting_wenet_save(folder, 7, normalised);
    return folder;
}

/* What a model hears in the test's sound, with times and scores. */
static char *heard(const char *path)
{
    static float sound[SAMPLES];
    ting_model_options model_options;
    ting_options options;
    ting_model *model;
    ting_result *result;
    char *json;
    ting_model_options_defaults(&model_options, sizeof model_options);
    model_options.folder = "/nonexistent"; /* tokens are characters: no other network is needed */
    ting_options_defaults(&options, sizeof options);
    options.threads = 1;
    options.nbest = 3;
    ting_tiny_sound(sound, SAMPLES);
    assert_ok(ting_model_open(path, &model_options, &model));
    assert_ok(ting_recognize_samples(model, sound, SAMPLES, 16000, &options, &result));
    assert_true(strlen(ting_result_text(result)) > 6);
    assert_ok(ting_result_format(result, TING_FORMAT_JSON, "x", &json));
    ting_result_free(result);
    ting_model_free(model);
    return json;
}

static void keep_remark(void *self, const char *sentence)
{
    ting_str_add(self, sentence);
}

static void the_network_comes_out_that_went_in(void **state)
{
    (void)state;
    char *folder = make_folder("wenet", true), *direct = ting_temp_path("direct.gguf"), *converted = ting_temp_path("converted.gguf");
    float mean[BINS], scale[BINS];
    memcpy(mean, ting_wenet_mean, sizeof mean);
    memcpy(scale, ting_wenet_scale, sizeof scale);
    const ting_cmvn cmvn = {.dim = BINS, .mean = mean, .scale = scale};
    ting_str remark = {0};
    assert_int_equal(ting_public_kind_of(folder), TING_PUBLIC_WENET);
    assert_ok(ting_tiny_net_save(direct, 7, &ting_wenet_config,
                                 &(ting_am_about){.name = "direct", .features = "wenet bins=20 cmvn=global", .cmvn = &cmvn,
                                                  .tokens = tokens, .token_count = 7}));
    assert_ok(ting_tool_convert(&(ting_convert_options){.inputs = (const char *const[]){folder}, .count = 1, .output = converted,
                                                        .remark = keep_remark, .remark_self = &remark}));
    assert_non_null(strstr(remark.text, "wenet: 1 tensors of other parts"));
    char *want = heard(direct), *got = heard(converted), *opened = heard(folder);
    assert_string_equal(got, want);
    assert_string_equal(opened, want);
    ting_text_free(want);
    ting_text_free(got);
    ting_text_free(opened);
    ting_str_free(&remark);
    ting_free(folder);
    ting_free(direct);
    ting_free(converted);
}

/* Without vectors in the checkpoint: those of global_cmvn, if it is there. */
static void normalisation_may_stand_in_a_file(void **state)
{
    (void)state;
    char *folder = make_folder("separate", false);
    ting_imported model;
    ting_str text = {0};
    assert_ok(ting_import_wenet(folder, &model));
    assert_non_null(strstr(model.features, "cmvn=none"));
    assert_null(ting_table_find(&model.tensors, "features.mean"));
    ting_imported_free(&model);
    ting_str_add(&text, "{\"mean_stat\": [");
    for (int i = 0; i < BINS; i++)
        ting_str_addf(&text, "%s%d", i > 0 ? ", " : "", 10 * i); /* of 10 frames: mean i */
    ting_str_add(&text, "], \"var_stat\": [");
    for (int i = 0; i < BINS; i++)
        ting_str_addf(&text, "%s%d", i > 0 ? ", " : "", 10 * (i * i + 4)); /* variance 4 */
    ting_str_add(&text, "], \"frame_num\": 10}");
    ting_wenet_put(folder, "global_cmvn", text.text);
    assert_ok(ting_import_wenet(folder, &model));
    assert_non_null(strstr(model.features, "cmvn=global"));
    for (size_t i = 0; i < BINS; i++) {
        assert_true(ting_stored_value(ting_table_find(&model.tensors, "features.mean"), i) == (double)i);
        assert_true(ting_stored_value(ting_table_find(&model.tensors, "features.istd"), i) == 0.5);
    }
    ting_imported_free(&model);
    ting_str_free(&text);
    ting_free(folder);
}

static void settings_are_taken(void **state)
{
    (void)state;
    char *folder = make_folder("settings", true);
    ting_imported model;
    assert_ok(ting_import_wenet(folder, &model));
    assert_memory_equal(&model.config.encoder, &ting_wenet_config.encoder, sizeof ting_wenet_config.encoder);
    assert_int_equal(model.config.ctc.vocab, 7);
    ting_imported_free(&model);
    static const struct {
        const char *from, *to;
        int chunk;
    } cases[] = {{"use_dynamic_chunk: true", "use_dynamic_chunk: no", 0},
                 {"use_dynamic_chunk: true", "static_chunk_size: 8", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = changed(cases[i].from, cases[i].to);
        ting_wenet_put(folder, TING_WENET_SETTINGS, text);
        assert_ok(ting_import_wenet(folder, &model));
        assert_int_equal(model.config.encoder.conformer.chunk, cases[i].chunk);
        ting_imported_free(&model);
        ting_free(text);
    }
    ting_free(folder);
}

static void the_attention_decoder_is_taken(void **state)
{
    (void)state;
    char *folder = make_folder("attention", true);
    ting_imported model;
    ting_am_config config = ting_wenet_config;
    ting_am_net *net;
    config.attention = ting_wenet_attention;
    config.attention.vocab = config.attention.width = 0; /* the head's, the encoder's */
    assert_ok(ting_tiny_net(&config, 7, &net));
    ting_wenet_save_checkpoint(folder, net, true, NULL);
    assert_ok(ting_import_wenet(folder, &model));
    assert_memory_equal(&model.config.attention, &config.attention, sizeof config.attention);
    assert_non_null(strstr(model.remark, "1 tensors of other parts (predictor, joiner)"));
    for (int i = 0; i < ting_params_count(net->params); i++)
        assert_non_null(ting_table_find(&model.tensors, ting_params_at(net->params, i)->name));
    ting_imported_free(&model);
    /* what the tokenizer calls its ends, and a decoder that cannot be run */
    char *text = changed("    <unk>: 1", "    <sos>: 2");
    ting_wenet_put(folder, TING_WENET_SETTINGS, text);
    assert_ok(ting_import_wenet(folder, &model));
    assert_int_equal(model.config.attention.begin, 2);
    assert_int_equal(model.config.attention.end, 6);
    ting_imported_free(&model);
    ting_free(text);
    text = changed("decoder: bitransformer", "decoder: another");
    ting_wenet_put(folder, TING_WENET_SETTINGS, text);
    assert_ok(ting_import_wenet(folder, &model));
    assert_int_equal(model.config.attention.layers, 0);
    assert_non_null(strstr(model.remark, "(attention decoder, predictor, joiner)"));
    ting_imported_free(&model);
    ting_free(text);
    ting_am_net_free(net);
    ting_free(folder);
}

static void what_cannot_be_run_is_named(void **state)
{
    (void)state;
    char *folder = make_folder("refused", true);
    ting_imported model;
    static const struct {
        const char *from, *to, *sentence;
        ting_err err;
    } cases[] = {
        {"encoder: conformer", "encoder: branch", "train.yaml: encoder is \"branch\"", TING_ERR_UNSUPPORTED},
        {"use_cnn_module: True", "use_cnn_module: No", "expected one of", TING_ERR_FORMAT},
        {"use_cnn_module: True", "use_cnn_module: no", "without use_cnn_module", TING_ERR_UNSUPPORTED},
        {"pos_enc_layer_type: rel_pos", "pos_enc_layer_type: no_pos", "pos_enc_layer_type", TING_ERR_FORMAT},
        {"pos_enc_layer_type: rel_pos", "pos_enc_layer_type: abs_pos", "only \"selfattn\" can be run", TING_ERR_UNSUPPORTED},
        {"attention_heads: 2", "attention_heads: 3", "3 heads do not divide", TING_ERR_MODEL},
        {"input_layer: conv2d", "input_layer: conv", "input_layer", TING_ERR_FORMAT},
        {"num_mel_bins: 20", "num_mel_bins: 40", "encoder.embed.out.0.weight", TING_ERR_MODEL},
        {"cnn_module_norm: layer_norm", "x: y", "no tensor \"encoder.encoders.0.conv_module.norm.running_mean\"", TING_ERR_NOT_FOUND},
        {"encoder_conf:", "encoder_cnf:", "no group encoder_conf", TING_ERR_FORMAT},
        {"ctc_blank_id: 0", "ctc_blank_id: 7", "blank is token 7 of 7", TING_ERR_MODEL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = changed(cases[i].from, cases[i].to);
        ting_wenet_put(folder, TING_WENET_SETTINGS, text);
        assert_fails(cases[i].err, cases[i].sentence, ting_import_wenet(folder, &model));
        ting_free(text);
    }
    ting_wenet_put(folder, TING_WENET_SETTINGS, ting_wenet_settings);
    ting_wenet_put(folder, "units.txt", "<blank> 0\n中 1\n");
    assert_fails(TING_ERR_MODEL, "2 tokens for 7 outputs", ting_public_import(folder, &model));
    char *path = ting_path_join(folder, "units.txt");
    unlink(path);
    ting_free(path);
    assert_fails(TING_ERR_NOT_FOUND, "no units.txt", ting_import_wenet(folder, &model));
    ting_wenet_put(folder, "lang_char.txt", ting_wenet_units);
    ting_am_net *net;
    assert_ok(ting_tiny_net(&ting_wenet_config, 7, &net));
    static const char *const needed[] = {"ctc.ctc_lo.weight", "encoder.after_norm.weight", "encoder.encoders.1.self_attn.pos_bias_u"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        ting_wenet_save_checkpoint(folder, net, true, needed[i]);
        assert_fails(TING_ERR_NOT_FOUND, needed[i], ting_import_wenet(folder, &model));
    }
    ting_am_net_free(net);
    ting_wenet_put(folder, TING_WENET_CHECKPOINT, "not a checkpoint");
    assert_fails(TING_ERR_UNSUPPORTED, "final.pt", ting_import_wenet(folder, &model));
    ting_free(folder);
}

static ting_err import(void *folder)
{
    ting_imported model;
    ting_err err = ting_import_wenet(folder, &model);
    ting_imported_free(&model);
    return err;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    char *folder = make_folder("failing", true);
    assert_true(ting_fail_each_allocation(import, folder) > 100);
    ting_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_comes_out_that_went_in),
        cmocka_unit_test(normalisation_may_stand_in_a_file),
        cmocka_unit_test(settings_are_taken),
        cmocka_unit_test(the_attention_decoder_is_taken),
        cmocka_unit_test(what_cannot_be_run_is_named),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
