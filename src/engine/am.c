/* SPDX-License-Identifier: Apache-2.0 */
/* am.c - see am.h. */
#include "engine/am.h"

#include "base/mem.h"

#include <string.h>

static ting_err read_tokens(const ting_network *am, const ting_transducer_config *config, ting_am *out)
{
    ting_err err = TING_OK;
    const char *label = am->keys.file->label;
    TRY(ting_keys_texts(&am->keys, TING_KEY_TOKENS, &out->tokens));
    if (out->tokens.count < (size_t)config->vocab)
        FAIL(TING_ERR_MODEL, "%s: %zu tokens for %d outputs of the joiner", label, out->tokens.count, config->vocab);
    if (config->blank >= config->vocab)
        FAIL(TING_ERR_MODEL, "%s: blank is token %d, but the joiner has %d outputs", label, config->blank, config->vocab);
    out->pieces = ting_alloc(out->tokens.count, sizeof *out->pieces);
    if (out->pieces == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its tokens", label);
    for (size_t i = 0; i < out->tokens.count; i++)
        out->pieces[i] = ting_piece_read(out->tokens.items[i], strlen(out->tokens.items[i]));
out:
    return err;
}

static ting_err load_weights(ting_network *am, ting_precision precision, ting_am *out)
{
    const ting_source source = ting_table_source(&am->tensors, am->keys.file->label);
    const ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect()), .precision = precision};
    return ting_params_load(out->params, &source, &options);
}

ting_err ting_am_open(const ting_gguf *file, ting_precision precision, ting_am *out)
{
    ting_err err = TING_OK;
    ting_network am;
    ting_zipformer_config encoder;
    ting_transducer_config transducer;
    const char *features;
    *out = (ting_am){0};
    TRY(ting_network_find(file, "am", &am));
    if (strcmp(am.architecture, TING_AM_ARCHITECTURE) != 0)
        FAIL(TING_ERR_UNSUPPORTED, "%s: the acoustic model is a \"%s\"; this version runs \"%s\"", file->label,
             am.architecture, TING_AM_ARCHITECTURE);
    TRY(ting_am_read_keys(&am.keys, &encoder, &transducer));
    TRY(ting_keys_text(&am.keys, TING_AM_FEATURES, &features));
    err = ting_feature_parse(features, &out->features);
    if (err != TING_OK) {
        ting_fail_in(err, "%s", file->label);
        goto out;
    }
    if (ting_feature_dim(&out->features) != encoder.features)
        FAIL(TING_ERR_MODEL, "%s: the encoder reads %d values a frame, its feature settings give %d", file->label,
             encoder.features, ting_feature_dim(&out->features));
    TRY(read_tokens(&am, &transducer, out));
    out->params = ting_params_new();
    if (out->params == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", file->label);
    TRY(ting_zipformer_new(&encoder, out->params, &out->encoder));
    TRY(ting_transducer_new(&transducer, out->params, &out->transducer));
    TRY(load_weights(&am, precision, out));
    TRY(ting_zipformer_prepare(out->encoder));
out:
    if (err != TING_OK)
        ting_am_free(out);
    return err;
}

void ting_am_free(ting_am *acoustic)
{
    ting_zipformer_free(acoustic->encoder);
    ting_transducer_free(acoustic->transducer);
    ting_params_free(acoustic->params);
    ting_texts_free(&acoustic->tokens);
    ting_free(acoustic->pieces);
    *acoustic = (ting_am){0};
}
