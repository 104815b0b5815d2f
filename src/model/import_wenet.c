/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_wenet.c - see import_wenet.h. Sizes that tensors show are read off them, the rest of the settings from train.yaml
 * with the defaults of the reference (wenet/transformer/encoder.py, ConformerEncoder).
 */
#include "model/import_wenet.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"
#include "feat/cmvn.h"
#include "model/am_file.h"
#include "model/tokens.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 16, LEFT = 16 }; /* rows, and chunks to the left: 0.64 s and 10 s at subsampling 4 */

#define CMVN_MEAN  "encoder.global_cmvn.mean"
#define CMVN_SCALE "encoder.global_cmvn.istd"
#define CTC_HEAD   "ctc.ctc_lo"

typedef struct wenet {
    const char *folder;
    ting_yaml_doc settings;
    ting_table checkpoint; /* borrows from out->pickle */
    ting_imported *out;
} wenet;

/* ---- settings ---- */

/* A flag as YAML writers have it; *out stays when it is absent. */
static ting_err flag(ting_yaml *map, const char *key, bool *out)
{
    static const char *const words[] = {"false", "False", "no", "true", "True", "yes"};
    int word = *out ? 3 : 0;
    ting_err err = ting_yaml_word(map, key, 6, words, &word);
    *out = word >= 3;
    return err;
}

/* A setting of which only one value can be run. */
static ting_err must_be(ting_yaml *map, const char *key, const char *wanted)
{
    ting_err err = TING_OK;
    const char *text = wanted;
    TRY(ting_yaml_text(map, key, &text));
    if (strcmp(text, wanted) != 0)
        FAIL(TING_ERR_UNSUPPORTED, "%s: %s is \"%s\", only \"%s\" can be run", map->path, key, text, wanted);
out:
    return err;
}

static ting_err must_be_on(ting_yaml *map, const char *key)
{
    bool on = true;
    ting_err err = flag(map, key, &on);
    if (err == TING_OK && !on)
        err = ting_fail(TING_ERR_UNSUPPORTED, "%s: without %s the encoder cannot be run here", map->path, key);
    return err;
}

/* Extent `axis` of a tensor of the checkpoint. */
static ting_err extent(const wenet *w, const char *name, int axis, int *out)
{
    const ting_stored *tensor = ting_table_find(&w->checkpoint, name);
    if (tensor == NULL)
        return ting_fail(TING_ERR_NOT_FOUND, "%s/" TING_WENET_CHECKPOINT ": no tensor \"%s\": not a Conformer with a CTC head",
                         w->folder, name);
    if (tensor->dims <= axis || tensor->shape[axis] < 1 || tensor->shape[axis] > INT_MAX)
        return ting_fail(TING_ERR_MODEL, "%s/" TING_WENET_CHECKPOINT ": \"%s\" has a shape that cannot be", w->folder, name);
    *out = (int)tensor->shape[axis];
    return TING_OK;
}

static ting_err read_sizes(const wenet *w, ting_conformer_config *c)
{
    ting_err err = TING_OK;
    char name[64];
    TRY(extent(w, "encoder.after_norm.weight", 0, &c->dim));
    TRY(extent(w, "encoder.encoders.0.feed_forward.w_1.weight", 0, &c->feedforward));
    TRY(extent(w, "encoder.encoders.0.conv_module.depthwise_conv.weight", 2, &c->kernel));
    c->macaron = ting_table_find(&w->checkpoint, "encoder.encoders.0.feed_forward_macaron.w_1.weight") != NULL;
    for (c->layers = 0; c->layers < 1000; c->layers++) {
        snprintf(name, sizeof name, "encoder.encoders.%d.norm_final.weight", c->layers);
        if (ting_table_find(&w->checkpoint, name) == NULL)
            break;
    }
out:
    return err;
}

/* What no tensor shows: group encoder_conf. */
static ting_err read_encoder(ting_yaml *conf, ting_conformer_config *c)
{
    static const char *const layers[] = {"conv2d", "conv2d6", "conv2d8"}, *const positions[] = {"abs_pos", "rel_pos"};
    static const char *const norms[] = {"batch_norm", "layer_norm"}, *const acts[] = {"swish", "relu", "gelu"};
    static const int subsampling[] = {4, 6, 8};
    static const ting_act act[] = {TING_ACT_SILU, TING_ACT_RELU, TING_ACT_GELU};
    ting_err err = TING_OK;
    int layer = 0, position = 1, norm = 0, activation = 0, chunk = 0;
    bool dynamic = false;
    c->heads = 4;
    TRY(ting_yaml_int(conf, "attention_heads", 1, 4096, &c->heads));
    TRY(ting_yaml_word(conf, "input_layer", 3, layers, &layer));
    TRY(ting_yaml_word(conf, "pos_enc_layer_type", 2, positions, &position));
    TRY(must_be(conf, "selfattention_layer_type", position == 1 ? "rel_selfattn" : "selfattn"));
    TRY(ting_yaml_word(conf, "cnn_module_norm", 2, norms, &norm));
    TRY(ting_yaml_word(conf, "activation_type", 3, acts, &activation));
    TRY(must_be(conf, "mlp_type", "position_wise_feed_forward"));
    TRY(must_be(conf, "layer_norm_type", "layer_norm"));
    TRY(must_be_on(conf, "normalize_before"));
    TRY(must_be_on(conf, "use_cnn_module"));
    TRY(flag(conf, "causal", &c->causal));
    TRY(flag(conf, "use_dynamic_chunk", &dynamic));
    TRY(ting_yaml_int(conf, "static_chunk_size", 0, 4096, &chunk));
    c->subsampling = subsampling[layer];
    c->positions = position == 1 ? TING_POSITIONS_RELATIVE : TING_POSITIONS_ABSOLUTE;
    c->norm = norm == 0 ? TING_CONV_BATCH_NORM : TING_CONV_LAYER_NORM;
    c->act = act[activation];
    if (c->causal && (dynamic || chunk > 0)) {
        c->chunk = chunk > 0 ? chunk : CHUNK;
        c->left = LEFT;
    }
out:
    return err;
}

/* ---- the attention decoder ---- */

/* Layers of a decoder whose tensors begin with `prefix`. */
static int count_decoders(const wenet *w, const char *prefix)
{
    char name[96];
    for (int layers = 0;; layers++) {
        snprintf(name, sizeof name, "%sdecoders.%d.norm1.weight", prefix, layers);
        if (layers > TING_ATTENTION_MOST_LAYERS || ting_table_find(&w->checkpoint, name) == NULL)
            return layers;
    }
}

/* Whether a decoder of this setting is one that can be run here. */
static bool knows_decoder(ting_yaml *conf)
{
    static const char *const wanted[][2] = {{"mlp_type", "position_wise_feed_forward"},
                                            {"layer_norm_type", "layer_norm"},
                                            {"input_layer", "embed"}};
    bool knows = must_be_on(conf, "normalize_before") == TING_OK && must_be_on(conf, "use_output_layer") == TING_OK &&
                 must_be_on(conf, "src_attention") == TING_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        knows = must_be(conf, wanted[i][0], wanted[i][1]) == TING_OK && knows;
    return knows;
}

/* <sos> and <eos> of the tokenizer, which are the last token where it does not say. */
static ting_err read_ends(const wenet *w, ting_attention_config *c)
{
    ting_err err = TING_OK;
    ting_yaml *tokenizer, *special = NULL;
    c->begin = c->end = w->out->config.ctc.vocab - 1;
    TRY(ting_yaml_child(w->settings.root, "tokenizer_conf", TING_YAML_MAP, &tokenizer));
    if (tokenizer != NULL)
        TRY(ting_yaml_child(tokenizer, "special_tokens", TING_YAML_MAP, &special));
    if (special != NULL) {
        TRY(ting_yaml_int(special, "<sos>", 0, INT_MAX, &c->begin));
        TRY(ting_yaml_int(special, "<eos>", 0, INT_MAX, &c->end));
    }
out:
    return err;
}

/* Group decoder_conf; a decoder of another kind, or none, leaves out->layers 0. */
static ting_err read_attention(const wenet *w, ting_attention_config *out)
{
    static const char *const acts[] = {"relu", "swish", "gelu"};
    static const ting_act act[] = {TING_ACT_RELU, TING_ACT_SILU, TING_ACT_GELU};
    ting_err err = TING_OK;
    ting_attention_config c = {.heads = 4};
    ting_yaml *conf;
    const char *kind = "bitransformer";
    int activation = 0;
    char name[96];
    TRY(ting_yaml_text(w->settings.root, "decoder", &kind));
    TRY(ting_yaml_child(w->settings.root, "decoder_conf", TING_YAML_MAP, &conf));
    const bool both = strcmp(kind, "bitransformer") == 0;
    const char *prefix = both ? "decoder.left_decoder." : "decoder.";
    c.layers = count_decoders(w, prefix);
    c.reverse_layers = both ? count_decoders(w, "decoder.right_decoder.") : 0;
    if ((!both && strcmp(kind, "transformer") != 0) || conf == NULL || c.layers == 0 || (both && c.reverse_layers == 0) ||
        !knows_decoder(conf))
        return TING_OK;
    snprintf(name, sizeof name, "%sdecoders.0.feed_forward.w_1.weight", prefix);
    TRY(extent(w, name, 0, &c.feedforward));
    TRY(ting_yaml_int(conf, "attention_heads", 1, 4096, &c.heads));
    TRY(ting_yaml_word(conf, "activation_type", 3, acts, &activation));
    c.act = act[activation];
    TRY(read_ends(w, &c));
    *out = c;
out:
    return err;
}

/* Group dataset_conf as a features line; collate_conf and feature_extraction_conf of the oldest releases are not known. */
static ting_err read_features(wenet *w, bool normalised)
{
    ting_err err = TING_OK;
    ting_yaml *dataset, *fbank = NULL, *resample = NULL;
    ting_feature_config features;
    ting_str line = {0};
    int bins = 80, rate = 16000;
    double shift = 10, length = 25;
    TRY(ting_feature_preset("wenet", &features));
    TRY(ting_yaml_child(w->settings.root, "dataset_conf", TING_YAML_MAP, &dataset));
    if (dataset != NULL) {
        TRY(must_be(dataset, "feats_type", "fbank"));
        TRY(ting_yaml_child(dataset, "fbank_conf", TING_YAML_MAP, &fbank));
        TRY(ting_yaml_child(dataset, "resample_conf", TING_YAML_MAP, &resample));
    }
    if (resample != NULL)
        TRY(ting_yaml_int(resample, "resample_rate", 1000, 768000, &rate));
    if (fbank != NULL) {
        TRY(ting_yaml_int(fbank, "num_mel_bins", 1, 4096, &bins));
        TRY(ting_yaml_real(fbank, "frame_shift", 1, 1000, &shift));
        TRY(ting_yaml_real(fbank, "frame_length", 1, 1000, &length));
    }
    features.rate = rate;
    features.bins = bins;
    features.shift = (int)(shift * rate / 1000);
    features.window = (int)(length * rate / 1000);
    for (features.fft = 1; features.fft < features.window;)
        features.fft *= 2;
    features.cmvn = normalised ? TING_CMVN_GLOBAL : TING_CMVN_NONE;
    TRY_IN(ting_feature_check(&features), "%s", w->settings.root->path);
    w->out->config.encoder.conformer.features = bins;
    ting_feature_print(&features, &line);
    w->out->features = ting_str_ok(&line) ? ting_strdup(line.text) : NULL;
    if (w->out->features == NULL)
        err = TING_ERR_MEMORY;
out:
    ting_str_free(&line);
    return err;
}

static ting_err read_settings(wenet *w, bool normalised)
{
    ting_err err = TING_OK;
    ting_yaml *encoder = NULL, *ctc = NULL;
    ting_am_config *c = &w->out->config;
    c->encoder.kind = TING_ENCODER_CONFORMER;
    TRY(must_be(w->settings.root, "encoder", "conformer"));
    TRY(ting_yaml_child(w->settings.root, "encoder_conf", TING_YAML_MAP, &encoder));
    if (encoder == NULL)
        FAIL(TING_ERR_FORMAT, "%s: no group encoder_conf: not the settings of a WeNet model", w->settings.root->path);
    TRY(read_sizes(w, &c->encoder.conformer));
    TRY(read_encoder(encoder, &c->encoder.conformer));
    TRY(read_features(w, normalised));
    snprintf(c->ctc.name, sizeof c->ctc.name, CTC_HEAD);
    TRY(extent(w, CTC_HEAD ".weight", 0, &c->ctc.vocab));
    TRY(ting_yaml_child(w->settings.root, "ctc_conf", TING_YAML_MAP, &ctc));
    if (ctc != NULL)
        TRY(ting_yaml_int(ctc, "ctc_blank_id", 0, INT_MAX, &c->ctc.blank));
    TRY(read_attention(w, &c->attention));
out:
    return err;
}

/* ---- files of the folder ---- */

static ting_err open_files(wenet *w)
{
    ting_err err = TING_OK;
    char *settings = ting_path_join(w->folder, TING_WENET_SETTINGS), *checkpoint = ting_path_join(w->folder, TING_WENET_CHECKPOINT);
    if (settings == NULL || checkpoint == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_yaml_load(settings, &w->settings));
    TRY(ting_pickle_open(checkpoint, &w->out->pickle));
    TRY_IN(ting_pickle_tensors(&w->out->pickle, &w->checkpoint), "%s", checkpoint);
out:
    ting_free(settings);
    ting_free(checkpoint);
    return err;
}

static ting_err read_tokens(wenet *w)
{
    static const char *const names[] = {"units.txt", "lang_char.txt", "words.txt"};
    ting_err err = TING_OK;
    char *path = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ting_free(path);
        path = ting_path_join(w->folder, names[i]);
        if (path == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        if (ting_file_exists(path)) {
            err = ting_tokens_read(path, &w->out->tokens);
            goto out;
        }
    }
    FAIL(TING_ERR_NOT_FOUND, "%s: no units.txt (nor lang_char.txt, words.txt): what the outputs mean is not known", w->folder);
out:
    ting_free(path);
    return err;
}

static ting_err give_vector(wenet *w, const char *name, const float *values, int count)
{
    float *copy = ting_alloc((size_t)count, sizeof *copy);
    if (copy == NULL)
        return TING_ERR_MEMORY;
    memcpy(copy, values, (size_t)count * sizeof *copy);
    const ting_stored stored = {.dtype = TING_DTYPE_F32, .dims = 1, .shape = {count}, .data = copy,
                                .bytes = (size_t)count * sizeof *copy};
    return ting_table_add(&w->out->tensors, name, strlen(name), &stored, copy);
}

static ting_err give(wenet *w, const char *from, const char *name)
{
    const ting_stored *tensor = ting_table_find(&w->checkpoint, from);
    if (tensor == NULL)
        return ting_fail(TING_ERR_NOT_FOUND, "%s/" TING_WENET_CHECKPOINT ": no tensor \"%s\"", w->folder, from);
    return ting_table_add(&w->out->tensors, name, strlen(name), tensor, NULL);
}

/* Mean and deviation from the checkpoint, else from global_cmvn, if there is one. */
static ting_err take_normalisation(wenet *w, bool *found)
{
    ting_err err = TING_OK;
    ting_cmvn cmvn = {0};
    char *path = ting_path_join(w->folder, "global_cmvn");
    if (path == NULL)
        return TING_ERR_MEMORY;
    *found = ting_table_find(&w->checkpoint, CMVN_MEAN) != NULL;
    if (*found) {
        TRY(give(w, CMVN_MEAN, TING_AM_CMVN_MEAN));
        TRY(give(w, CMVN_SCALE, TING_AM_CMVN_SCALE));
    } else if (ting_file_exists(path)) {
        *found = true;
        TRY(ting_cmvn_load(path, &cmvn));
        TRY(give_vector(w, TING_AM_CMVN_MEAN, cmvn.mean, cmvn.dim));
        TRY(give_vector(w, TING_AM_CMVN_SCALE, cmvn.scale, cmvn.dim));
    }
out:
    ting_cmvn_free(&cmvn);
    ting_free(path);
    return err;
}

/* Every parameter of the network, and a remark on what else the checkpoint holds. */
static ting_err take_tensors(wenet *w)
{
    ting_err err = TING_OK;
    ting_am_net *net = NULL;
    char remark[256];
    TRY_IN(ting_am_net_new(&w->out->config, &net), "%s", w->folder);
    for (int i = 0; i < ting_params_count(net->params); i++)
        TRY(give(w, ting_params_at(net->params, i)->name, ting_params_at(net->params, i)->name));
    size_t others = 0;
    for (size_t i = 0; i < w->checkpoint.count; i++) {
        const char *name = w->checkpoint.items[i].name;
        others += strncmp(name, "encoder.", 8) != 0 && strncmp(name, "ctc.", 4) != 0 && ting_params_find(net->params, name) == NULL;
    }
    if (others == 0)
        goto out;
    snprintf(remark, sizeof remark, "%zu tensors of other parts (%spredictor, joiner) are left out", others,
             w->out->config.attention.layers == 0 ? "attention decoder, " : "");
    w->out->remark = ting_strdup(remark);
    if (w->out->remark == NULL)
        err = TING_ERR_MEMORY;
out:
    ting_am_net_free(net);
    return err;
}

ting_err ting_import_wenet(const char *folder, ting_imported *out)
{
    ting_err err = TING_OK;
    wenet w = {.folder = folder, .out = out};
    bool normalised = false;
    *out = (ting_imported){0};
    TRY(open_files(&w));
    TRY(read_tokens(&w));
    TRY(take_normalisation(&w, &normalised));
    TRY(read_settings(&w, normalised));
    TRY(take_tensors(&w));
    TRY(ting_table_seal(&out->tensors));
    TRY(ting_imported_check(out, folder));
out:
    ting_yaml_free(&w.settings);
    ting_table_free(&w.checkpoint);
    if (err != TING_OK)
        ting_imported_free(out);
    return err;
}
