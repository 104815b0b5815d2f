/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_zipformer_onnx.c - the public streaming Zipformer2 transducers of k2-fsa: three ONNX graphs and tokens.txt ->
 * settings and tensors under the names of icefall's checkpoints.
 *
 * Settings come from the encoder's metadata_props and the shapes of its tensors; every tensor is then checked
 * against them when the network is built (ting_imported_check). The tensors: import_zipformer_tensors.c.
 */
#include "model/import_zipformer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "feat/feature.h"
#include "model/tokens.h"
#include "model/zipformer_parts.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 192 };
#define MOST_CACHE (INT64_C(1) << 41) /* values: more than any settings allow, at most 2^16 rows of 2^24 */

/* ---- settings ---- */

/* "4,8,4" -> at least one number, at most `most` of them. */
static ting_err list_of(const ting_onnx *graph, const char *key, int most, int *out, int *count)
{
    const char *text = ting_onnx_metadata(graph, key);
    if (text == NULL)
        return ting_fail(TING_ERR_MODEL,
                         "%s: no \"%s\" in the metadata: not a streaming Zipformer2 of icefall",
                         graph->label, key);
    *count = 0;
    for (const char *at = text;; at++) {
        char *end;
        long value = strtol(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') || *count == most || value < 1 || value > 1 << 20)
            return ting_fail(TING_ERR_MODEL,
                             "%s: \"%s\" in the metadata is \"%.60s\", expected numbers from 1 to 2^20, at most %d",
                             graph->label, key, text, most);
        out[(*count)++] = (int)value;
        at = end;
        if (*at == '\0')
            return TING_OK;
    }
}

static ting_err whole_number(const ting_onnx *graph, const char *key, int *out)
{
    int count;
    return list_of(graph, key, 1, out, &count);
}

/* Size of one dimension of a constant. */
static ting_err size_of(const ting_onnx *graph, const char *name, int axis, int *out)
{
    ting_err err = TING_OK;
    ting_stored stored;
    TRY(ting_onnx_tensor(graph, name, &stored));
    if (axis >= stored.dims || stored.shape[axis] > 1 << 20)
        FAIL(TING_ERR_MODEL,
             "%s: \"%s\" has %d dimensions, expected more than %d of a sensible size", graph->label,
             name, stored.dims, axis);
    *out = (int)stored.shape[axis];
out:
    return err;
}

static ting_err stack_lists(ting_zipformer_import *im, int left[TING_ZIPFORMER_MAX_STACKS])
{
    ting_err err = TING_OK;
    ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    int lists[7][TING_ZIPFORMER_MAX_STACKS];
    static const char *const keys[7] = {
        "num_encoder_layers", "encoder_dims", "cnn_module_kernels", "query_head_dims",
        "value_head_dims",    "num_heads",    "left_context_len"};
    for (int i = 0; i < 7; i++) {
        int count;
        TRY(list_of(&im->encoder, keys[i], TING_ZIPFORMER_MAX_STACKS, lists[i], &count));
        if (i == 0)
            c->stacks = count;
        if (count != c->stacks)
            FAIL(TING_ERR_MODEL, "%s: \"%s\" in the metadata has %d numbers, \"%s\" has %d",
                 im->encoder.label, keys[i], count, keys[0], c->stacks);
    }
    for (int i = 0; i < c->stacks; i++) {
        c->stack[i] = (ting_zipformer_stack_config){.layers = lists[0][i],
                                                    .dim = lists[1][i],
                                                    .kernel = lists[2][i],
                                                    .query_dim = lists[3][i],
                                                    .value_dim = lists[4][i],
                                                    .heads = lists[5][i],
                                                    .downsampling = 1};
        left[i] = lists[6][i];
    }
out:
    return err;
}

void ting_import_stack_name(const ting_zipformer_config *config, int stack,
                            char out[TING_IMPORT_NAME])
{
    snprintf(out, TING_IMPORT_NAME, "encoder.encoders.%d%s", stack,
             config->stack[stack].downsampling > 1 ? ".encoder" : "");
}

/* Downsampling, feed-forward and position dims, which the metadata leaves out. */
static ting_err stack_sizes(ting_zipformer_import *im, int i,
                            const int left[TING_ZIPFORMER_MAX_STACKS])
{
    ting_err err = TING_OK;
    ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    ting_zipformer_stack_config *s = &c->stack[i];
    char stack[TING_IMPORT_NAME], name[NAME];
    int in_proj;
    snprintf(name, sizeof name, "encoder.encoders.%d.out_combiner.bypass_scale", i);
    if (ting_onnx_has_tensor(&im->encoder, name)) {
        s->downsampling = c->left / left[i];
        if (s->downsampling * left[i] != c->left)
            FAIL(TING_ERR_MODEL, "%s: the left context %d of stack %d does not divide %d",
                 im->encoder.label, left[i], i, c->left);
    }
    ting_import_stack_name(c, i, stack);
    snprintf(name, sizeof name, "%s.layers.0.feed_forward2.in_proj.bias", stack);
    TRY(size_of(&im->encoder, name, 0, &s->feedforward));
    snprintf(name, sizeof name, "%s.layers.0.self_attn_weights.in_proj.bias", stack);
    TRY(size_of(&im->encoder, name, 0, &in_proj));
    s->pos_head_dim = in_proj / s->heads - 2 * s->query_dim;
    if (s->pos_head_dim < 1 || in_proj % s->heads != 0)
        FAIL(TING_ERR_MODEL, "%s: \"%s\" has %d values for %d heads with queries of %d",
             im->encoder.label, name, in_proj, s->heads, s->query_dim);
out:
    return err;
}

static const ting_onnx_port *port(const ting_onnx *graph, const char *name)
{
    for (size_t i = 0; i < graph->input_count; i++)
        if (strcmp(graph->inputs[i].name, name) == 0)
            return &graph->inputs[i];
    return NULL;
}

static ting_err read_settings(ting_zipformer_import *im)
{
    ting_err err = TING_OK;
    ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    int left[TING_ZIPFORMER_MAX_STACKS], chunk, frames;
    const char *type = ting_onnx_metadata(&im->encoder, "model_type");
    const ting_onnx_port *x = port(&im->encoder, "x");
    if (type == NULL || strcmp(type, "zipformer2") != 0)
        FAIL(TING_ERR_UNSUPPORTED, "%s: model_type is \"%.40s\", expected zipformer2",
             im->encoder.label, type == NULL ? "not given" : type);
    if (x == NULL || x->dims != 3 || x->shape[2] < 1 || x->shape[2] > 4096)
        FAIL(TING_ERR_MODEL, "%s: no input x of frames with features", im->encoder.label);
    c->features = (int)x->shape[2];
    c->causal = true;
    c->output_downsampling = 2; /* asserted by the reference */
    TRY(whole_number(&im->encoder, "decode_chunk_len", &chunk));
    TRY(whole_number(&im->encoder, "T", &frames));
    c->chunk = chunk / 2;
    if (frames != chunk + TING_ZIP_FIRST_EXTRA)
        FAIL(TING_ERR_UNSUPPORTED,
             "%s: calls of %d frames advance by %d, expected %d more than that", im->encoder.label,
             frames, chunk, TING_ZIP_FIRST_EXTRA);
    for (int i = 0; i < 3; i++) {
        static const char *const names[3] = {"encoder_embed.conv.0.weight",
                                             "encoder_embed.conv.4.weight",
                                             "encoder_embed.conv.7.weight"};
        TRY(size_of(&im->encoder, names[i], 0, &c->embed_channels[i]));
    }
    TRY(stack_lists(im, left));
    for (int i = 0; i < c->stacks; i++)
        c->left = left[i] > c->left ? left[i] : c->left;
    for (int i = 0; i < c->stacks; i++)
        TRY(stack_sizes(im, i, left));
    /* Before anything is laid out by these numbers; pos_dim, still 0, is checked when the networks are declared. */
    TRY_IN(ting_zipformer_check(c), "%s", im->encoder.label);
out:
    return err;
}

/* The caches that the graph passes on must have the shapes of the settings. */
static ting_err check_caches(ting_zipformer_import *im)
{
    ting_err err = TING_OK;
    static const char *const names[TING_ZIP_CACHES] = {"key",  "nonlin_attn", "val1",
                                                       "val2", "conv1",       "conv2"};
    const ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    int layer = 0;
    for (int i = 0; i < c->stacks; i++)
        for (int j = 0; j < c->stack[i].layers; j++, layer++)
            for (int k = 0; k < TING_ZIP_CACHES; k++) {
                char name[NAME];
                int rows, cols;
                int64_t elements = 1;
                ting_zip_cache_size(c, i, (ting_zip_cache)k, &rows, &cols);
                snprintf(name, sizeof name, "cached_%s_%d", names[k], layer);
                const ting_onnx_port *p = port(&im->encoder, name);
                for (int d = 0; p != NULL && d < p->dims; d++) {
                    int64_t size = p->shape[d] > 0 ? p->shape[d] : 1; /* the batch may be open */
                    elements = size > MOST_CACHE / elements ? MOST_CACHE : elements * size;
                }
                if (p == NULL || elements != (int64_t)rows * cols)
                    FAIL(TING_ERR_MODEL, "%s: input %s holds %lld values, expected %d x %d", im->encoder.label, name,
                         p == NULL ? 0LL : (long long)elements, rows, cols);
            }
out:
    return err;
}

/* ---- predictor and joiner ---- */

static ting_err take_transducer(ting_zipformer_import *im)
{
    ting_err err = TING_OK;
    ting_transducer_config *c = &im->out->config.transducer;
    ting_onnx_walk decoder = {&im->decoder, im->walk.table}, joiner = {&im->joiner, im->walk.table};
    int per_group;
    TRY(whole_number(&im->decoder, "context_size", &c->context));
    TRY(whole_number(&im->decoder, "vocab_size", &c->vocab));
    TRY(whole_number(&im->joiner, "joiner_dim", &c->joiner_dim));
    TRY(size_of(&im->decoder, "decoder.embedding.weight", 1, &c->decoder_dim));
    TRY(ting_onnx_take(&decoder, "decoder.embedding.weight", "decoder.embedding.weight"));
    if (c->context > 1) {
        TRY(size_of(&im->decoder, "decoder.conv.weight", 1, &per_group));
        if (per_group < 1 || c->decoder_dim % per_group != 0)
            FAIL(TING_ERR_MODEL, "%s: groups of %d channels do not divide %d", im->decoder.label,
                 per_group, c->decoder_dim);
        c->groups = c->decoder_dim / per_group;
        TRY(ting_onnx_take(&decoder, "decoder.conv.weight", "decoder.conv.weight"));
    }
    c->encoder_dim = ting_encoder_dim(&im->out->config.encoder);
    TRY(ting_onnx_take_linear(&decoder, "decoder_proj", "joiner.decoder_proj"));
    TRY(ting_onnx_take_linear(&joiner, "output_linear", "joiner.output_linear"));
    if (c->vocab > (int)im->out->tokens.count)
        FAIL(TING_ERR_MODEL, "%s: %d outputs, but tokens.txt names %d", im->joiner.label, c->vocab,
             (int)im->out->tokens.count);
out:
    return err;
}

/* ---- the folder ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The ONNX file whose name has `part`; a float one before an int8 one, then by name. Owned in *out. */
static ting_err find_graph(const char *folder, const char *part, char **out)
{
    char best[NAME_MAX + 1] = "";
    bool best_int8 = false;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return ting_fail(TING_ERR_IO, "%s: cannot be listed: %s", folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, part) == NULL ||
            !ends_with(entry->d_name, ".onnx"))
            continue;
        bool int8 = strstr(entry->d_name, "int8") != NULL;
        if (best[0] == '\0' || (best_int8 && !int8) ||
            (best_int8 == int8 && strcmp(entry->d_name, best) < 0)) {
            snprintf(best, sizeof best, "%s", entry->d_name);
            best_int8 = int8;
        }
    }
    closedir(dir);
    if (best[0] == '\0')
        return ting_fail(
            TING_ERR_MODEL,
            "%s: no file *%s*.onnx: a public transducer has encoder, decoder, joiner and "
            "tokens.txt",
            folder, part);
    *out = ting_path_join(folder, best);
    return *out == NULL ? TING_ERR_MEMORY : TING_OK;
}

static ting_err open_graph(const char *folder, const char *part, ting_onnx *out)
{
    ting_err err = TING_OK;
    char *path = NULL;
    TRY(find_graph(folder, part, &path));
    TRY(ting_onnx_open(path, out));
out:
    ting_free(path);
    return err;
}

/* The graphs don't hold the feature settings: icefall's, with as many bins as the encoder reads. */
static ting_err set_features(ting_zipformer_import *im)
{
    ting_err err = TING_OK;
    ting_feature_config features;
    ting_str line = {0};
    TRY(ting_feature_preset("icefall", &features));
    features.bins = im->out->config.encoder.zipformer.features;
    ting_feature_print(&features, &line);
    im->out->features = ting_str_ok(&line) ? ting_strdup(line.text) : NULL;
    if (im->out->features == NULL)
        err = TING_ERR_MEMORY;
out:
    ting_str_free(&line);
    return err;
}

ting_err ting_import_zipformer_onnx(const char *folder, ting_imported *out)
{
    ting_err err = TING_OK;
    ting_zipformer_import im = {.out = out};
    char *tokens = NULL;
    *out = (ting_imported){0};
    im.walk = (ting_onnx_walk){&im.encoder, &out->tensors};
    TRY(open_graph(folder, "encoder", &im.encoder));
    TRY(open_graph(folder, "decoder", &im.decoder));
    TRY(open_graph(folder, "joiner", &im.joiner));
    tokens = ting_path_join(folder, "tokens.txt");
    if (tokens == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_tokens_read(tokens, &out->tokens));
    TRY(read_settings(&im));
    TRY(check_caches(&im));
    TRY(ting_import_encoder_tensors(&im));
    TRY(take_transducer(&im));
    TRY(set_features(&im));
    TRY(ting_table_seal(&out->tensors));
    TRY(ting_imported_check(out, folder));
out:
    ting_free(tokens);
    ting_onnx_close(&im.encoder);
    ting_onnx_close(&im.decoder);
    ting_onnx_close(&im.joiner);
    if (err != TING_OK)
        ting_imported_free(out);
    return err;
}
