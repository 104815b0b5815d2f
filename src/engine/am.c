/* SPDX-License-Identifier: Apache-2.0 */
/* am.c - see am.h. */
#include "engine/am.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "model/am_file.h"
#include "model/public.h"

#include <string.h>

/* Out of what and under which name an acoustic part is built. */
typedef struct parts {
    const char *label;
    const ting_am_config *config;
    const char *features;
    const ting_source *source;
    ting_precision precision;
} parts;

static bool is_hanzi(const char *token)
{
    uint32_t c = 0;
    const size_t length = strlen(token);
    return length > 0 && ting_utf8_decode(token, length, &c) == (int)length && ting_utf8_is_hanzi(c);
}

/* out->tokens is filled in already. A table of characters has letters beside them, which are no finals there. */
static ting_err read_pieces(const parts *from, ting_am *out)
{
    ting_err err = TING_OK;
    out->pieces = ting_alloc(out->tokens.count, sizeof *out->pieces);
    if (out->pieces == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its tokens", from->label);
    size_t hanzi = 0, pinyin = 0;
    for (size_t i = 0; i < out->tokens.count; i++) {
        out->pieces[i] = ting_piece_read(out->tokens.items[i], strlen(out->tokens.items[i]));
        hanzi += is_hanzi(out->tokens.items[i]);
        pinyin += out->pieces[i].kind != TING_PIECE_OTHER;
    }
    out->writes = hanzi > pinyin;
    for (size_t i = 0; out->writes && i < out->tokens.count; i++)
        out->pieces[i] = (ting_piece){.kind = TING_PIECE_OTHER, .syllable = TING_PINYIN_NONE};
out:
    return err;
}

static ting_err read_vector(const parts *from, const char *name, int dim, float *out)
{
    ting_err err = TING_OK;
    ting_stored stored;
    TRY(from->source->find(from->source->self, name, &stored));
    if (ting_stored_elements(&stored) != (size_t)dim)
        FAIL(TING_ERR_MODEL, "%s: %s has %zu values, expected %d", from->label, name, ting_stored_elements(&stored), dim);
    for (int i = 0; i < dim; i++)
        out[i] = (float)ting_stored_value(&stored, (size_t)i);
out:
    return err;
}

/* A global normalisation, if the features line names one. */
static ting_err read_cmvn(const parts *from, ting_am *out)
{
    ting_err err = TING_OK;
    ting_feature_config features;
    float *mean = NULL, *scale = NULL;
    TRY_IN(ting_feature_parse(from->features, &features), "%s", from->label);
    if (features.cmvn != TING_CMVN_GLOBAL)
        goto out;
    const int dim = ting_feature_dim(&features);
    mean = ting_alloc((size_t)dim, sizeof *mean);
    scale = ting_alloc((size_t)dim, sizeof *scale);
    if (mean == NULL || scale == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", from->label);
    TRY(read_vector(from, TING_AM_CMVN_MEAN, dim, mean));
    TRY(read_vector(from, TING_AM_CMVN_SCALE, dim, scale));
    TRY_IN(ting_cmvn_init(dim, mean, scale, &out->cmvn), "%s", from->label);
out:
    ting_free(mean);
    ting_free(scale);
    return err;
}

static ting_err build(const parts *from, ting_am *out)
{
    ting_err err = TING_OK;
    const ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect()), .precision = from->precision};
    TRY(read_cmvn(from, out));
    TRY(ting_am_fits(from->label, from->config, from->features, out->cmvn.dim > 0 ? &out->cmvn : NULL, out->tokens.count,
                     &out->features));
    TRY(read_pieces(from, out));
    TRY_IN(ting_am_net_new(from->config, &out->net), "%s", from->label);
    TRY(ting_params_load(out->net->params, from->source, &options));
    TRY(ting_am_net_prepare(out->net));
out:
    return err;
}

ting_err ting_am_open(const ting_gguf *file, ting_precision precision, ting_am *out)
{
    ting_err err = TING_OK;
    ting_network am;
    ting_am_config config;
    parts from = {.label = file->label, .config = &config, .precision = precision};
    *out = (ting_am){0};
    TRY(ting_network_find(file, "am", &am));
    TRY(ting_am_read_keys(&am.keys, am.architecture, &config));
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
    TRY(ting_public_import(folder, &model));
    ting_table_view view = {&model.tensors, ""};
    const ting_source source = ting_table_source(&view, folder);
    const parts from = {folder, &model.config, model.features, &source, precision};
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
    ting_am_net_free(acoustic->net);
    ting_cmvn_free(&acoustic->cmvn);
    ting_texts_free(&acoustic->tokens);
    ting_free(acoustic->pieces);
    *acoustic = (ting_am){0};
}
