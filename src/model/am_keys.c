/* SPDX-License-Identifier: Apache-2.0 */
/* am_keys.c - see am_keys.h. */
#include "model/am_keys.h"

#include <stdio.h>

enum { MOST = 1 << 20, MAX_KEY = 64 };

/* The numbers of a stack, as arrays over the stacks. */
static const struct {
    const char *key;
    size_t offset; /* in ting_zipformer_stack_config */
} stack_keys[] = {
    {"encoder.layers", offsetof(ting_zipformer_stack_config, layers)},
    {"encoder.dims", offsetof(ting_zipformer_stack_config, dim)},
    {"encoder.heads", offsetof(ting_zipformer_stack_config, heads)},
    {"encoder.query_dims", offsetof(ting_zipformer_stack_config, query_dim)},
    {"encoder.value_dims", offsetof(ting_zipformer_stack_config, value_dim)},
    {"encoder.pos_head_dims", offsetof(ting_zipformer_stack_config, pos_head_dim)},
    {"encoder.feedforward_dims", offsetof(ting_zipformer_stack_config, feedforward)},
    {"encoder.kernels", offsetof(ting_zipformer_stack_config, kernel)},
    {"encoder.downsampling", offsetof(ting_zipformer_stack_config, downsampling)},
};
enum { STACK_KEYS = sizeof stack_keys / sizeof stack_keys[0] };

/* The single numbers. */
static const struct {
    const char *key;
    int least;
    size_t offset;
} encoder_keys[] = {
    {"encoder.features", 1, offsetof(ting_zipformer_config, features)},
    {"encoder.pos_dim", 0, offsetof(ting_zipformer_config, pos_dim)},
    {"encoder.output_downsampling", 1, offsetof(ting_zipformer_config, output_downsampling)},
    {"encoder.chunk", 0, offsetof(ting_zipformer_config, chunk)},
    {"encoder.left", 0, offsetof(ting_zipformer_config, left)},
}, transducer_keys[] = {
    {"decoder.vocab", 1, offsetof(ting_transducer_config, vocab)},
    {"decoder.context", 1, offsetof(ting_transducer_config, context)},
    {"decoder.dim", 1, offsetof(ting_transducer_config, decoder_dim)},
    {"decoder.groups", 0, offsetof(ting_transducer_config, groups)},
    {"joiner.dim", 1, offsetof(ting_transducer_config, joiner_dim)},
    {TING_AM_BLANK, 0, offsetof(ting_transducer_config, blank)},
};
enum {
    ENCODER_KEYS = sizeof encoder_keys / sizeof encoder_keys[0],
    TRANSDUCER_KEYS = sizeof transducer_keys / sizeof transducer_keys[0]
};

static int *field(void *config, size_t offset)
{
    return (int *)(void *)((char *)config + offset);
}

static ting_err read_number(const ting_keys *keys, const char *key, int least, int *out)
{
    int64_t value = 0;
    ting_err err = ting_keys_integer(keys, key, least, MOST, &value);
    *out = (int)value;
    return err;
}

static ting_err read_stacks(const ting_keys *keys, ting_zipformer_config *encoder)
{
    ting_err err = TING_OK;
    for (int i = 0; i < STACK_KEYS; i++) {
        int values[TING_ZIPFORMER_MAX_STACKS];
        size_t count = 0;
        TRY(ting_keys_integers(keys, stack_keys[i].key, 0, MOST, values, TING_ZIPFORMER_MAX_STACKS, &count));
        if (i == 0)
            encoder->stacks = (int)count;
        if ((int)count != encoder->stacks)
            FAIL(TING_ERR_MODEL, "%s: %s%s has %zu entries, encoder.layers has %d", keys->file->label, keys->prefix,
                 stack_keys[i].key, count, encoder->stacks);
        for (size_t s = 0; s < count; s++)
            *field(&encoder->stack[s], stack_keys[i].offset) = values[s];
    }
out:
    return err;
}

ting_err ting_am_read_keys(const ting_keys *keys, ting_zipformer_config *encoder,
                           ting_transducer_config *transducer)
{
    ting_err err = TING_OK;
    size_t channels = 0;
    *encoder = (ting_zipformer_config){0};
    *transducer = (ting_transducer_config){0};
    TRY(read_stacks(keys, encoder));
    for (int i = 0; i < ENCODER_KEYS; i++)
        TRY(read_number(keys, encoder_keys[i].key, encoder_keys[i].least, field(encoder, encoder_keys[i].offset)));
    TRY(ting_keys_integers(keys, "encoder.embed_channels", 1, MOST, encoder->embed_channels, 3, &channels));
    if (channels != 3)
        FAIL(TING_ERR_MODEL, "%s: %sencoder.embed_channels has %zu entries, expected 3", keys->file->label, keys->prefix,
             channels);
    TRY(ting_keys_flag(keys, "encoder.causal", &encoder->causal));
    for (int i = 0; i < TRANSDUCER_KEYS; i++)
        TRY(read_number(keys, transducer_keys[i].key, transducer_keys[i].least,
                        field(transducer, transducer_keys[i].offset)));
    for (int s = 0; s < encoder->stacks; s++) {
        if (encoder->stack[s].dim > transducer->encoder_dim)
            transducer->encoder_dim = encoder->stack[s].dim; /* the encoder's output is as wide as its widest stack */
    }
    err = ting_zipformer_check(encoder);
    if (err != TING_OK)
        ting_fail_in(err, "%s", keys->file->label);
out:
    return err;
}

static const char *full(const char *key, char room[MAX_KEY])
{
    snprintf(room, MAX_KEY, "%s%s", TING_AM_PREFIX, key);
    return room;
}

void ting_am_put_keys(ting_gguf_writer *writer, const ting_zipformer_config *encoder,
                      const ting_transducer_config *transducer)
{
    char room[MAX_KEY];
    ting_zipformer_config e = *encoder;
    ting_transducer_config t = *transducer;
    ting_gguf_put_text(writer, full(TING_KEY_ARCHITECTURE, room), TING_AM_ARCHITECTURE);
    for (int i = 0; i < STACK_KEYS; i++) {
        int values[TING_ZIPFORMER_MAX_STACKS];
        for (int s = 0; s < e.stacks; s++)
            values[s] = *field(&e.stack[s], stack_keys[i].offset);
        ting_gguf_put_integers(writer, full(stack_keys[i].key, room), values, (size_t)e.stacks);
    }
    for (int i = 0; i < ENCODER_KEYS; i++)
        ting_gguf_put_integer(writer, full(encoder_keys[i].key, room), *field(&e, encoder_keys[i].offset));
    ting_gguf_put_integers(writer, full("encoder.embed_channels", room), e.embed_channels, 3);
    ting_gguf_put_flag(writer, full("encoder.causal", room), e.causal);
    for (int i = 0; i < TRANSDUCER_KEYS; i++)
        ting_gguf_put_integer(writer, full(transducer_keys[i].key, room), *field(&t, transducer_keys[i].offset));
}
