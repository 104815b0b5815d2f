/* SPDX-License-Identifier: Apache-2.0 */
/* am_net.c - see am_net.h. */
#include "model/am_net.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define SIMPLE_AM "simple_am_proj"
#define SIMPLE_LM "simple_lm_proj"
#define HINT "hint."
#define ATTENTION "decoder." /* WeNet's name; a transducer's predictor, of the same name in icefall, has other parameters */

enum { MOST_TOKENS = 1 << 20 };

int ting_am_vocab(const ting_am_config *config)
{
    return config->transducer.vocab > 0 ? config->transducer.vocab : config->ctc.vocab;
}

int ting_am_blank(const ting_am_config *config)
{
    return config->transducer.vocab > 0 ? config->transducer.blank : config->ctc.blank;
}

static ting_err check_heads(const ting_am_config *c)
{
    const int dim = ting_encoder_dim(&c->encoder), vocab = ting_am_vocab(c), blank = ting_am_blank(c);
    const bool both = c->ctc.vocab > 0 && c->transducer.vocab > 0;
    if (c->ctc.vocab < 0 || c->transducer.vocab < 0 || vocab == 0 || vocab > MOST_TOKENS)
        return ting_fail(TING_ERR_MODEL, "acoustic network: heads of %d and %d tokens (CTC, transducer), expected 1 to %d in one "
                                         "of them", c->ctc.vocab, c->transducer.vocab, MOST_TOKENS);
    if (both && (c->ctc.vocab != c->transducer.vocab || c->ctc.blank != c->transducer.blank))
        return ting_fail(TING_ERR_MODEL, "acoustic network: the CTC head has %d tokens and blank %d, the transducer %d and %d",
                         c->ctc.vocab, c->ctc.blank, c->transducer.vocab, c->transducer.blank);
    if (blank < 0 || blank >= vocab)
        return ting_fail(TING_ERR_MODEL, "acoustic network: blank is token %d of %d", blank, vocab);
    if (c->transducer.vocab > 0 && c->transducer.encoder_dim != 0 && c->transducer.encoder_dim != dim)
        return ting_fail(TING_ERR_MODEL, "acoustic network: the joiner reads %d columns, the encoder gives %d",
                         c->transducer.encoder_dim, dim);
    if (c->simple && c->transducer.vocab == 0)
        return ting_fail(TING_ERR_MODEL, "acoustic network: simple heads need a transducer");
    const bool zipformer = c->encoder.kind == TING_ENCODER_ZIPFORMER;
    if (c->hints != 0 && (!zipformer || c->hints != c->encoder.zipformer.stacks + 1))
        return ting_fail(TING_ERR_MODEL, "acoustic network: %d hints of a teacher, expected %s%d", c->hints,
                         zipformer ? "one for the subsampling and one for each stack: " : "none for this encoder: ",
                         zipformer ? c->encoder.zipformer.stacks + 1 : 0);
    if (memchr(c->ctc.name, '\0', sizeof c->ctc.name) == NULL)
        return ting_fail(TING_ERR_MODEL, "acoustic network: the name of the CTC head is too long");
    return TING_OK;
}

/* The attention decoder's settings, with what it has from the network around it. */
static ting_attention_config attention_of(const ting_am_config *config)
{
    ting_attention_config c = config->attention;
    c.vocab = c.vocab == 0 ? config->ctc.vocab : c.vocab;
    c.width = c.width == 0 ? ting_encoder_dim(&config->encoder) : c.width;
    return c;
}

static ting_err check_attention(const ting_am_config *config)
{
    const ting_attention_config c = attention_of(config);
    const int dim = ting_encoder_dim(&config->encoder);
    if (config->ctc.vocab == 0)
        return ting_fail(TING_ERR_MODEL, "acoustic network: an attention decoder needs a CTC head beside it");
    if (c.vocab != config->ctc.vocab || c.width != dim)
        return ting_fail(TING_ERR_MODEL, "acoustic network: an attention decoder of %d tokens and %d columns; the CTC head has %d "
                                         "tokens, the encoder %d columns", c.vocab, c.width, config->ctc.vocab, dim);
    return ting_attention_decoder_check(&c);
}

ting_err ting_am_net_check(const ting_am_config *config)
{
    ting_err err = TING_OK;
    ting_transducer_config transducer = config->transducer;
    TRY(ting_encoder_check(&config->encoder));
    TRY(check_heads(config));
    transducer.encoder_dim = ting_encoder_dim(&config->encoder);
    if (transducer.vocab > 0)
        TRY(ting_transducer_check(&transducer));
    if (config->attention.layers != 0)
        TRY(check_attention(config));
out:
    return err;
}

static ting_err declare(ting_am_net *net)
{
    ting_err err = TING_OK;
    ting_am_config *c = &net->config;
    const int dim = ting_encoder_dim(&c->encoder);
    TRY(ting_encoder_new(&c->encoder, net->params, &net->encoder));
    if (c->ctc.vocab > 0)
        net->ctc = ting_ctc_head_declare(net->params, c->ctc.name, c->ctc.vocab, dim);
    if (c->transducer.vocab > 0)
        TRY(ting_transducer_new(&c->transducer, net->params, &net->transducer));
    if (c->attention.layers > 0)
        TRY(ting_attention_decoder_new(&c->attention, ATTENTION, net->params, &net->attention));
    if (c->simple) {
        net->simple_am = ting_linear_declare(net->params, c->transducer.vocab, dim, "", SIMPLE_AM);
        net->simple_lm = ting_linear_declare(net->params, c->transducer.vocab, c->transducer.decoder_dim, "", SIMPLE_LM);
    }
    for (int i = 0; i < c->hints; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        net->hint[i] = ting_linear_declare(net->params, c->hint_dims[i],
                                           c->encoder.zipformer.stack[i == 0 ? 0 : i - 1].dim, HINT, name);
    }
    TRY(ting_params_declared(net->params));
out:
    return err;
}

ting_err ting_am_net_new(const ting_am_config *config, ting_am_net **out)
{
    ting_err err = TING_OK;
    ting_am_net *net = NULL;
    *out = NULL;
    TRY(ting_am_net_check(config));
    net = ting_alloc(1, sizeof *net);
    if (net == NULL)
        return TING_ERR_MEMORY;
    net->config = *config;
    net->config.transducer.encoder_dim = ting_encoder_dim(&config->encoder);
    if (config->attention.layers > 0)
        net->config.attention = attention_of(config);
    if (net->config.ctc.name[0] == '\0')
        snprintf(net->config.ctc.name, sizeof net->config.ctc.name, "%s", TING_CTC_HEAD);
    net->params = ting_params_new();
    if (net->params == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(declare(net));
    *out = net;
    net = NULL;
out:
    ting_am_net_free(net);
    return err;
}

void ting_am_net_free(ting_am_net *net)
{
    if (net == NULL)
        return;
    ting_encoder_free(net->encoder);
    ting_transducer_free(net->transducer);
    ting_attention_decoder_free(net->attention);
    ting_params_free(net->params);
    ting_free(net);
}

ting_err ting_am_net_prepare(ting_am_net *net)
{
    return ting_encoder_prepare(net->encoder);
}

void ting_am_describe(const ting_am_config *config, ting_str *out)
{
    const ting_encoder_config *e = &config->encoder;
    ting_encoder_describe(e, out);
    ting_str_addf(out, ", %s%s%s, %s", config->transducer.vocab > 0 ? "transducer" : "CTC head",
                  config->transducer.vocab > 0 && config->ctc.vocab > 0 ? " and CTC head" : "",
                  config->attention.layers > 0 ? " and attention decoder" : "",
                  !ting_encoder_streams(e) ? "whole utterances" : ting_encoder_hears_whole(e) ? "streaming" : "streaming only");
}

bool ting_am_only_trains(const ting_param *param)
{
    static const char *const prefixes[] = {SIMPLE_AM, SIMPLE_LM, HINT};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(param->name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}
