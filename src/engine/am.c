/* SPDX-License-Identifier: Apache-2.0 */
/* am.c - see am.h. */
#include "engine/am.h"

#include "base/mem.h"
#include "model/import_zipformer_onnx.h"

#include <string.h>

/* Out of what and under which name an acoustic part is built. */
typedef struct parts {
    const char *label;
    const ting_zipformer_config *encoder;
    const ting_transducer_config *transducer;
    const char *features;
    const ting_source *source;
    ting_precision precision;
} parts;

/* out->tokens is filled in already. */
static ting_err read_pieces(const parts *from, ting_am *out)
{
    ting_err err = TING_OK;
    const ting_transducer_config *config = from->transducer;
    if (out->tokens.count < (size_t)config->vocab)
        FAIL(TING_ERR_MODEL, "%s: %zu tokens for %d outputs of the joiner", from->label, out->tokens.count, config->vocab);
    if (config->blank >= config->vocab)
        FAIL(TING_ERR_MODEL, "%s: blank is token %d, but the joiner has %d outputs", from->label, config->blank,
             config->vocab);
    out->pieces = ting_alloc(out->tokens.count, sizeof *out->pieces);
    if (out->pieces == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its tokens", from->label);
    for (size_t i = 0; i < out->tokens.count; i++)
        out->pieces[i] = ting_piece_read(out->tokens.items[i], strlen(out->tokens.items[i]));
out:
    return err;
}

static ting_err read_features(const parts *from, ting_am *out)
{
    ting_err err = ting_feature_parse(from->features, &out->features);
    if (err != TING_OK)
        return ting_fail_in(err, "%s", from->label);
    if (ting_feature_dim(&out->features) != from->encoder->features)
        return ting_fail(TING_ERR_MODEL, "%s: the encoder reads %d values a frame, its feature settings give %d",
                         from->label, from->encoder->features, ting_feature_dim(&out->features));
    return TING_OK;
}

static ting_err build(const parts *from, ting_am *out)
{
    ting_err err = TING_OK;
    const ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect()), .precision = from->precision};
    TRY(read_features(from, out));
    TRY(read_pieces(from, out));
    out->params = ting_params_new();
    if (out->params == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", from->label);
    TRY(ting_zipformer_new(from->encoder, out->params, &out->encoder));
    TRY(ting_transducer_new(from->transducer, out->params, &out->transducer));
    TRY(ting_params_load(out->params, from->source, &options));
    TRY(ting_zipformer_prepare(out->encoder));
out:
    return err;
}

ting_err ting_am_open(const ting_gguf *file, ting_precision precision, ting_am *out)
{
    ting_err err = TING_OK;
    ting_network am;
    ting_zipformer_config encoder;
    ting_transducer_config transducer;
    parts from = {.label = file->label, .encoder = &encoder, .transducer = &transducer, .precision = precision};
    *out = (ting_am){0};
    TRY(ting_network_find(file, "am", &am));
    if (strcmp(am.architecture, TING_AM_ARCHITECTURE) != 0)
        FAIL(TING_ERR_UNSUPPORTED, "%s: the acoustic model is a \"%s\"; this version runs \"%s\"", file->label,
             am.architecture, TING_AM_ARCHITECTURE);
    TRY(ting_am_read_keys(&am.keys, &encoder, &transducer));
    TRY(ting_keys_text(&am.keys, TING_AM_FEATURES, &from.features));
    TRY(ting_keys_texts(&am.keys, TING_KEY_TOKENS, &out->tokens));
    const ting_source source = ting_table_source(&am.tensors, file->label);
    from.source = &source;
    TRY(build(&from, out));
out:
    if (err != TING_OK)
        ting_am_free(out);
    return err;
}

ting_err ting_am_open_folder(const char *folder, ting_precision precision, ting_am *out)
{
    ting_err err = TING_OK;
    ting_imported model = {0};
    *out = (ting_am){0};
    TRY(ting_import_zipformer_onnx(folder, &model));
    ting_table_view view = {&model.tensors, ""};
    const ting_source source = ting_table_source(&view, folder);
    const parts from = {folder, &model.encoder, &model.transducer, model.features, &source, precision};
    out->tokens = model.tokens;
    model.tokens = (ting_texts){0};
    TRY(build(&from, out));
out:
    ting_imported_free(&model);
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
