/* SPDX-License-Identifier: Apache-2.0 */
/* wenet.c - see wenet.h. */
#include "support/wenet.h"

#include "support/support.h"
#include "support/tiny.h"
#include "support/torch.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/import_wenet.h"

#include <string.h>

enum { MOST = 200 };

const char ting_wenet_settings[] = "accum_grad: 1\n"
                               "cmvn: global_cmvn\n"
                               "cmvn_conf:\n  cmvn_file: /nowhere/global_cmvn\n  is_json_cmvn: true\n"
                               "ctc_conf:\n  ctc_blank_id: 0\n"
                               "dataset_conf:\n"
                               "  fbank_conf:\n    dither: 1.0\n    frame_length: 25\n    frame_shift: 10\n    num_mel_bins: 20\n"
                               "  resample_conf:\n    resample_rate: 16000\n"
                               "decoder: bitransformer\n"
                               "encoder: conformer\n"
                               "encoder_conf:\n"
                               "  activation_type: swish\n  attention_heads: 2\n  causal: true\n  cnn_module_kernel: 8\n"
                               "  cnn_module_norm: layer_norm\n  input_layer: conv2d\n  normalize_before: true\n"
                               "  num_blocks: 2\n  output_size: 16\n  pos_enc_layer_type: rel_pos\n"
                               "  selfattention_layer_type: rel_selfattn\n  use_cnn_module: True\n  use_dynamic_chunk: true\n"
                               "decoder_conf:\n  attention_heads: 4\n  linear_units: 20\n  num_blocks: 2\n  r_num_blocks: 1\n"
                               "tokenizer_conf:\n  special_tokens:\n    <blank>: 0\n    <unk>: 1\n";
const char ting_wenet_units[] = "<blank> 0\n<unk> 1\n中 2\n国 3\n你 4\n好 5\n<sos/eos> 6\n";

const ting_am_config ting_wenet_config = {
    .encoder = {.kind = TING_ENCODER_CONFORMER,
                .conformer = {.features = TING_WENET_BINS, .subsampling = 4, .dim = 16, .heads = 2, .layers = 2, .feedforward = 24,
                              .macaron = true, .kernel = 8, .causal = true, .norm = TING_CONV_LAYER_NORM,
                              .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU, .chunk = 16, .left = 16}},
    .ctc = {.vocab = 7, .name = "ctc.ctc_lo"}};

const ting_attention_config ting_wenet_attention = {
    .vocab = 7, .begin = 6, .end = 6, .width = 16, .heads = 4, .feedforward = 20, .layers = 2, .reverse_layers = 1, .act = TING_ACT_RELU};

const float ting_wenet_mean[TING_WENET_BINS] = {8, 8.1f, 8.2f, 8.3f, 8.4f, 8.5f, 8.6f, 8.7f, 8.8f, 8.9f,
                                                9, 9.1f, 9.2f, 9.3f, 9.4f, 9.5f, 9.6f, 9.7f, 9.8f, 9.9f};
const float ting_wenet_scale[TING_WENET_BINS] = {0.25f, 0.26f, 0.27f, 0.28f, 0.29f, 0.3f,  0.31f, 0.32f, 0.33f, 0.34f,
                                                 0.35f, 0.36f, 0.37f, 0.38f, 0.39f, 0.4f,  0.41f, 0.42f, 0.43f, 0.44f};

void ting_wenet_put(const char *folder, const char *name, const char *text)
{
    char *path = ting_path_join(folder, name);
    assert_ok(ting_file_save(path, text, strlen(text)));
    ting_free(path);
}

void ting_wenet_save_checkpoint(const char *folder, const ting_am_net *net, bool normalised, const char *without)
{
    ting_torch_tensor list[MOST];
    size_t count = 0;
    static const float other[4] = {1, 2, 3, 4};
    const ting_stored vector = {.dims = 1, .shape = {TING_WENET_BINS}, .bytes = TING_WENET_BINS * sizeof(float)};
    for (int i = 0; i < ting_params_count(net->params); i++)
        list[count++] = (ting_torch_tensor){ting_params_at(net->params, i)->name, ting_param_stored(ting_params_at(net->params, i))};
    list[count++] = (ting_torch_tensor){"decoder.embed.0.weight", {.dims = 2, .shape = {2, 2}, .data = other, .bytes = sizeof other}};
    for (int i = 0; i < 2 && normalised; i++) {
        list[count] = (ting_torch_tensor){i == 0 ? "encoder.global_cmvn.mean" : "encoder.global_cmvn.istd", vector};
        list[count++].tensor.data = i == 0 ? ting_wenet_mean : ting_wenet_scale;
    }
    for (size_t i = 0; i < count; i++)
        if (without != NULL && strcmp(list[i].name, without) == 0)
            list[i] = list[--count];
    char *path = ting_path_join(folder, TING_WENET_CHECKPOINT);
    ting_write_torch(path, list, count);
    ting_free(path);
}

void ting_wenet_save(const char *folder, unsigned seed, bool normalised)
{
    ting_am_net *net;
    ting_wenet_put(folder, TING_WENET_SETTINGS, ting_wenet_settings);
    ting_wenet_put(folder, "units.txt", ting_wenet_units);
    assert_ok(ting_tiny_net(&ting_wenet_config, seed, &net));
    ting_wenet_save_checkpoint(folder, net, normalised, NULL);
    ting_am_net_free(net);
}
