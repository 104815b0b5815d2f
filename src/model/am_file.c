/* SPDX-License-Identifier: Apache-2.0 */
/* am_file.c - see am_file.h. */
#include "model/am_file.h"

#include "model/precision.h"

#include <stdio.h>

enum { NAME = 256 };

ting_err ting_am_fits(const char *label, const ting_am_config *config, const char *features, const ting_cmvn *cmvn,
                      size_t token_count, ting_feature_config *out)
{
    ting_err err = TING_OK;
    const int wanted = ting_encoder_features(&config->encoder), vocab = ting_am_vocab(config);
    TRY_IN(ting_feature_parse(features, out), "%s", label);
    if (ting_feature_dim(out) != wanted)
        FAIL(TING_ERR_MODEL, "%s: the encoder reads %d values a frame, its feature settings give %d", label, wanted,
             ting_feature_dim(out));
    if ((out->cmvn == TING_CMVN_GLOBAL) != (cmvn != NULL))
        FAIL(TING_ERR_MODEL, "%s: the feature settings %s, but there %s", label,
             cmvn != NULL ? "name no global normalisation" : "name a global normalisation", cmvn != NULL ? "is one" : "is none");
    if (cmvn != NULL && cmvn->dim != wanted)
        FAIL(TING_ERR_MODEL, "%s: the normalisation is for %d values a frame, the encoder reads %d", label, cmvn->dim, wanted);
    if (token_count < (size_t)vocab)
        FAIL(TING_ERR_MODEL, "%s: %zu tokens for %d outputs", label, token_count, vocab);
out:
    return err;
}

static void put_vector(ting_gguf_writer *writer, const char *name, const float *values, int count)
{
    const ting_stored stored = {.dtype = TING_DTYPE_F32, .dims = 1, .shape = {count}, .data = values,
                                .bytes = (size_t)count * sizeof *values};
    ting_gguf_put_tensor(writer, name, &stored, TING_DTYPE_F32);
}

ting_err ting_am_put(ting_gguf_writer *writer, const ting_am_net *net, const ting_am_about *about, ting_dtype dtype)
{
    ting_err err = TING_OK;
    ting_feature_config features;
    TRY(ting_am_fits(about->name, &net->config, about->features, about->cmvn, about->token_count, &features));
    ting_am_put_keys(writer, &net->config);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_AM_FEATURES, about->features);
    ting_gguf_put_texts(writer, TING_AM_PREFIX TING_KEY_TOKENS, about->tokens, about->token_count);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_KEY_LICENSE, about->licence);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_KEY_AUTHORS, about->authors);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_KEY_SOURCE, about->source);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_KEY_TRAINING, about->training);
    if (about->cmvn != NULL) {
        put_vector(writer, "am." TING_AM_CMVN_MEAN, about->cmvn->mean, about->cmvn->dim);
        put_vector(writer, "am." TING_AM_CMVN_SCALE, about->cmvn->scale, about->cmvn->dim);
    }
    for (int i = 0; i < ting_params_count(net->params); i++) {
        const ting_param *p = ting_params_at(net->params, i);
        const ting_stored stored = ting_param_stored(p);
        char name[NAME];
        if (ting_am_only_trains(p))
            continue;
        snprintf(name, sizeof name, "am.%s", p->name);
        ting_gguf_put_tensor(writer, name, &stored, ting_dtype_in_file(dtype, &stored));
    }
out:
    return err;
}

ting_err ting_am_save(const char *path, const ting_am_net *net, const ting_am_about *about, ting_dtype dtype)
{
    ting_err err = TING_OK;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    if (writer == NULL)
        return TING_ERR_MEMORY;
    ting_schema_begin(writer, about->name, (const char *const[]){"am"}, 1);
    TRY(ting_am_put(writer, net, about, dtype));
    TRY(ting_gguf_save(writer, path));
out:
    ting_gguf_writer_free(writer);
    return err;
}
