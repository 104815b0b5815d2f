/* SPDX-License-Identifier: Apache-2.0 */
/* am_from.c - see am_from.h. */
#include "train/am_from.h"

#include "model/am_keys.h"

#include <string.h>

enum { SAID = 5 };

/* Whether a row of the parameter belongs to a token. */
static bool is_of_tokens(const char *name)
{
    static const char *const heads[] = {"ctc_output.", "decoder.embedding.", "joiner.output_linear.", "simple_am_proj.",
                                        "simple_lm_proj.", "decoder.embed.", "decoder.output_layer.",
                                        "decoder.left_decoder.embed.", "decoder.left_decoder.output_layer.",
                                        "decoder.right_decoder.embed.", "decoder.right_decoder.output_layer."};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

static ting_err same_tokens(const ting_keys *keys, const ting_texts *mine, bool *out)
{
    ting_err err = TING_OK;
    ting_texts theirs = {0};
    TRY(ting_keys_texts(keys, TING_KEY_TOKENS, &theirs));
    *out = theirs.count == mine->count;
    for (size_t i = 0; *out && i < mine->count; i++)
        *out = strcmp(theirs.items[i], mine->items[i]) == 0;
out:
    ting_texts_free(&theirs);
    return err;
}

/* The first setting that two encoders of one kind differ in and that the shapes of their parameters do not show. */
static const char *hidden_difference(const ting_encoder_config *a, const ting_encoder_config *b)
{
    if (a->kind == TING_ENCODER_CONFORMER) {
        const ting_conformer_config *x = &a->conformer, *y = &b->conformer;
        return x->dim == y->dim && x->heads != y->heads ? "heads"
               : x->positions != y->positions           ? "positions"
               : x->act != y->act                       ? "activation"
               : x->macaron != y->macaron               ? "macaron"
               : x->norm != y->norm                     ? "norm"
               : x->causal != y->causal                 ? "causal"
                                                        : NULL;
    }
    for (int i = 0; a->kind == TING_ENCODER_ZIPFORMER && i < a->zipformer.stacks && i < b->zipformer.stacks; i++) {
        const ting_zipformer_stack_config *x = &a->zipformer.stack[i], *y = &b->zipformer.stack[i];
        if (x->downsampling != y->downsampling)
            return "downsampling";
        if (x->dim == y->dim && x->heads != y->heads)
            return "heads";
    }
    for (int i = 0; a->kind == TING_ENCODER_CNN && i < a->cnn.blocks && i < b->cnn.blocks; i++)
        if (a->cnn.block[i].stride_time != b->cnn.block[i].stride_time)
            return "stride_time";
        else if (a->cnn.block[i].stride_freq != b->cnn.block[i].stride_freq)
            return "stride_freq";
    return NULL;
}

/* The same of two attention decoders. */
static const char *attention_difference(const ting_attention_config *a, const ting_attention_config *b)
{
    if (a->layers == 0 || b->layers == 0)
        return NULL;
    return a->heads != b->heads ? "heads" : a->act != b->act ? "activation" : NULL;
}

/* Whether the file's weights mean here what they meant there. */
static ting_err check_meaning(const ting_am_start *to, const ting_network *am, bool same_tokens, const char *path)
{
    ting_err err = TING_OK;
    ting_am_config theirs;
    ting_feature_config features;
    const char *line;
    const ting_am_config *own = &to->net->config;
    TRY(ting_am_read_keys(&am->keys, am->architecture, &theirs));
    if (theirs.encoder.kind != own->encoder.kind)
        FAIL(TING_ERR_MODEL, "%s: its encoder is a %s, the recipe's a %s", path,
             ting_encoder_kind_name(theirs.encoder.kind), ting_encoder_kind_name(own->encoder.kind));
    const char *difference = hidden_difference(&theirs.encoder, &own->encoder);
    if (difference != NULL)
        FAIL(TING_ERR_MODEL,
             "%s: its encoder and the recipe's differ in %s, so that its weights mean something else there", path,
             difference);
    difference = attention_difference(&theirs.attention, &own->attention);
    if (difference != NULL)
        FAIL(TING_ERR_MODEL, "%s: its attention decoder and the recipe's differ in %s", path, difference);
    if (same_tokens && ting_am_blank(&theirs) != ting_am_blank(own))
        FAIL(TING_ERR_MODEL, "%s: its blank is token %d, the recipe's %d", path, ting_am_blank(&theirs),
             ting_am_blank(own));
    TRY(ting_keys_text(&am->keys, TING_AM_FEATURES, &line));
    TRY_IN(ting_feature_parse(line, &features), "%s", path);
    TRY(ting_feature_agree(to->features, "the recipe", &features, path));
out:
    return err;
}

static ting_err copy_all(const ting_am_start *to, const ting_source *source, bool same_tokens, const char *path,
                         const ting_log *log)
{
    ting_err err = TING_OK;
    int taken = 0, missing = 0;
    size_t elements = 0;
    const int count = ting_params_count(to->net->params);
    for (int i = 0; i < count; i++) {
        ting_param *p = ting_params_at(to->net->params, i);
        if (!same_tokens && is_of_tokens(p->name))
            continue;
        if (ting_param_read(p, source) == TING_OK) {
            taken++;
            elements += (size_t)p->t.rows * (size_t)p->t.cols;
        } else if (missing++ < SAID)
            ting_log_write(log, TING_LOG_WARNING, "%s: %s is not there in this shape: it starts with random numbers",
                           path, p->name);
    }
    if (taken == 0)
        FAIL(TING_ERR_MODEL, "%s: none of its parameters fits the recipe's network", path);
    const double share = (double)elements / (double)ting_params_elements(to->net->params);
    ting_log_write(log, share < 0.5 ? TING_LOG_WARNING : TING_LOG_INFO,
                   "%s: first weights of %d of %d parameters, %.0f %% of the network's numbers%s", path, taken, count, 100 * share,
                   share < 0.5 ? ": most of it is learnt from the beginning" : "");
out:
    return err;
}

ting_err ting_am_from(const ting_am_start *to, const char *path, const ting_log *log)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_network am;
    bool same;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_network_find(&file, "am", &am));
    TRY(same_tokens(&am.keys, to->tokens, &same));
    TRY(check_meaning(to, &am, same, path));
    if (!same)
        ting_log_write(log, TING_LOG_WARNING, "%s: it has other tokens: the heads start with random numbers", path);
    const ting_source source = ting_table_source(&am.tensors, path);
    TRY(copy_all(to, &source, same, path, log));
out:
    ting_gguf_close(&file);
    return err;
}
