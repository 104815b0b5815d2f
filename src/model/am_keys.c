/* SPDX-License-Identifier: Apache-2.0 */
/* am_keys.c - see am_keys.h. Tables of keys serve reading and writing. */
#include "model/am_keys.h"

#include "model/act_name.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 20, MAX_KEY = 64 };
#define ATTENTION "attention.layers" /* where there is such a decoder */

typedef struct number_key { /* an int of a struct; a table ends with a NULL key */
    const char *key;
    int least;
    size_t offset;
} number_key;

#define NUMBER(type, key, least, field) {key, least, offsetof(type, field)}

/* The numbers of a stack, as arrays over the stacks. */
static const number_key stack_keys[] = {
    NUMBER(ting_zipformer_stack_config, "encoder.layers", 0, layers),
    NUMBER(ting_zipformer_stack_config, "encoder.dims", 0, dim),
    NUMBER(ting_zipformer_stack_config, "encoder.heads", 0, heads),
    NUMBER(ting_zipformer_stack_config, "encoder.query_dims", 0, query_dim),
    NUMBER(ting_zipformer_stack_config, "encoder.value_dims", 0, value_dim),
    NUMBER(ting_zipformer_stack_config, "encoder.pos_head_dims", 0, pos_head_dim),
    NUMBER(ting_zipformer_stack_config, "encoder.feedforward_dims", 0, feedforward),
    NUMBER(ting_zipformer_stack_config, "encoder.kernels", 0, kernel),
    NUMBER(ting_zipformer_stack_config, "encoder.downsampling", 0, downsampling),
    {NULL, 0, 0},
};

static const number_key zipformer_keys[] = {
    NUMBER(ting_zipformer_config, "encoder.features", 1, features),
    NUMBER(ting_zipformer_config, "encoder.pos_dim", 0, pos_dim),
    NUMBER(ting_zipformer_config, "encoder.output_downsampling", 1, output_downsampling),
    NUMBER(ting_zipformer_config, "encoder.chunk", 0, chunk),
    NUMBER(ting_zipformer_config, "encoder.left", 0, left),
    {NULL, 0, 0},
};

static const number_key conformer_keys[] = {
    NUMBER(ting_conformer_config, "encoder.features", 1, features),
    NUMBER(ting_conformer_config, "encoder.subsampling", 1, subsampling),
    NUMBER(ting_conformer_config, "encoder.dim", 1, dim),
    NUMBER(ting_conformer_config, "encoder.heads", 1, heads),
    NUMBER(ting_conformer_config, "encoder.layers", 1, layers),
    NUMBER(ting_conformer_config, "encoder.feedforward", 1, feedforward),
    NUMBER(ting_conformer_config, "encoder.kernel", 1, kernel),
    NUMBER(ting_conformer_config, "encoder.chunk", 0, chunk),
    NUMBER(ting_conformer_config, "encoder.left", -1, left),
    {NULL, 0, 0},
};

/* The numbers of a block, as arrays over the blocks. */
static const number_key block_keys[] = {
    NUMBER(ting_cnn_block_config, "encoder.convs", 1, convs),
    NUMBER(ting_cnn_block_config, "encoder.channels", 1, channels),
    NUMBER(ting_cnn_block_config, "encoder.stride_time", 1, stride_time),
    NUMBER(ting_cnn_block_config, "encoder.stride_freq", 1, stride_freq),
    {NULL, 0, 0},
};

static const number_key cnn_keys[] = {
    NUMBER(ting_cnn_config, "encoder.features", 1, features),
    NUMBER(ting_cnn_config, "encoder.dim", 1, dim),
    {NULL, 0, 0},
};

static const number_key transducer_keys[] = {
    NUMBER(ting_transducer_config, "decoder.vocab", 1, vocab),
    NUMBER(ting_transducer_config, "decoder.context", 1, context),
    NUMBER(ting_transducer_config, "decoder.dim", 1, decoder_dim),
    NUMBER(ting_transducer_config, "decoder.groups", 0, groups),
    NUMBER(ting_transducer_config, "joiner.dim", 1, joiner_dim),
    NUMBER(ting_transducer_config, TING_AM_BLANK, 0, blank),
    {NULL, 0, 0},
};

static const number_key ctc_keys[] = {
    NUMBER(ting_ctc_config, "ctc.vocab", 1, vocab),
    NUMBER(ting_ctc_config, TING_AM_BLANK, 0, blank),
    {NULL, 0, 0},
};

static const number_key attention_keys[] = {
    NUMBER(ting_attention_config, ATTENTION, 1, layers),
    NUMBER(ting_attention_config, "attention.reverse_layers", 0, reverse_layers),
    NUMBER(ting_attention_config, "attention.heads", 1, heads),
    NUMBER(ting_attention_config, "attention.feedforward", 1, feedforward),
    NUMBER(ting_attention_config, "attention.begin", 0, begin),
    NUMBER(ting_attention_config, "attention.end", 0, end),
    {NULL, 0, 0},
};

static int *field(void *config, size_t offset)
{
    return (int *)(void *)((char *)config + offset);
}

static const char *head_name(const ting_am_config *config)
{
    return config->transducer.vocab > 0 ? "transducer" : "ctc";
}

/* ---- reading ---- */

static ting_err read_numbers(const ting_keys *keys, const number_key *list, void *config)
{
    ting_err err = TING_OK;
    int64_t value = 0;
    for (; list->key != NULL; list++) {
        TRY(ting_keys_integer(keys, list->key, list->least, MOST, &value));
        *field(config, list->offset) = (int)value;
    }
out:
    return err;
}

static ting_err read_word(const ting_keys *keys, const char *key, int count, const char *const *words, int *out)
{
    ting_err err = TING_OK;
    const char *word;
    TRY(ting_keys_text(keys, key, &word));
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return TING_OK;
        }
    FAIL(TING_ERR_MODEL, "%s: %s%s is \"%s\", which is not known here", keys->file->label, keys->prefix, key, word);
out:
    return err;
}

/* Arrays of equal length over parts (stacks, blocks) of `size` bytes each, at most `most` of them. */
static ting_err read_arrays(const ting_keys *keys, const number_key *list, void *parts, size_t size, size_t most, int *out)
{
    ting_err err = TING_OK;
    int values[TING_ZIPFORMER_MAX_STACKS];
    size_t count = 0, first = 0;
    for (const number_key *k = list; k->key != NULL; k++) {
        TRY(ting_keys_integers(keys, k->key, k->least, MOST, values, most, &count));
        first = k == list ? count : first;
        if (count != first)
            FAIL(TING_ERR_MODEL, "%s: %s%s has %zu entries, %s has %zu", keys->file->label, keys->prefix, k->key, count, list->key,
                 first);
        for (size_t i = 0; i < count; i++)
            *field((char *)parts + i * size, k->offset) = values[i];
    }
    *out = (int)first;
out:
    return err;
}

static ting_err read_zipformer(const ting_keys *keys, ting_zipformer_config *c)
{
    ting_err err = TING_OK;
    size_t count = 0;
    TRY(read_arrays(keys, stack_keys, c->stack, sizeof c->stack[0], TING_ZIPFORMER_MAX_STACKS, &c->stacks));
    TRY(read_numbers(keys, zipformer_keys, c));
    TRY(ting_keys_integers(keys, "encoder.embed_channels", 1, MOST, c->embed_channels, 3, &count));
    if (count != 3)
        FAIL(TING_ERR_MODEL, "%s: %sencoder.embed_channels has %zu entries, expected 3", keys->file->label, keys->prefix, count);
    TRY(ting_keys_flag(keys, "encoder.causal", &c->causal));
out:
    return err;
}

static ting_err read_activation(const ting_keys *keys, const char *key, ting_act *out)
{
    ting_err err = TING_OK;
    const char *act;
    TRY(ting_keys_text(keys, key, &act));
    if (!ting_act_find(act, out))
        FAIL(TING_ERR_MODEL, "%s: %s%s is \"%s\", which is not known here", keys->file->label, keys->prefix, key, act);
out:
    return err;
}

static ting_err read_cnn(const ting_keys *keys, ting_cnn_config *c)
{
    ting_err err = TING_OK;
    TRY(read_arrays(keys, block_keys, c->block, sizeof c->block[0], TING_CNN_MAX_BLOCKS, &c->blocks));
    TRY(read_numbers(keys, cnn_keys, c));
    TRY(read_activation(keys, "encoder.activation", &c->act));
out:
    return err;
}

static ting_err read_conformer(const ting_keys *keys, ting_conformer_config *c)
{
    ting_err err = TING_OK;
    int word = 0;
    TRY(read_numbers(keys, conformer_keys, c));
    TRY(ting_keys_flag(keys, "encoder.macaron", &c->macaron));
    TRY(ting_keys_flag(keys, "encoder.causal", &c->causal));
    TRY(read_word(keys, "encoder.conv_norm", TING_CONFORMER_NORMS, ting_conformer_norm_names, &word));
    c->norm = (ting_conformer_norm)word;
    TRY(read_word(keys, "encoder.positions", TING_CONFORMER_POSITIONS, ting_conformer_position_names, &word));
    c->positions = (ting_conformer_positions)word;
    TRY(read_activation(keys, "encoder.activation", &c->act));
out:
    return err;
}

/* "<encoder>-<head>" */
static ting_err read_architecture(const ting_keys *keys, const char *architecture, ting_am_config *out, bool *transducer)
{
    for (int kind = 0; kind < TING_ENCODER_KINDS; kind++) {
        const char *name = ting_encoder_kind_name((ting_encoder_kind)kind);
        const size_t length = strlen(name);
        if (strncmp(architecture, name, length) != 0 || architecture[length] != '-')
            continue;
        *transducer = strcmp(architecture + length + 1, "transducer") == 0;
        out->encoder.kind = (ting_encoder_kind)kind;
        if (*transducer || strcmp(architecture + length + 1, "ctc") == 0)
            return TING_OK;
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "%s: the acoustic model is a \"%s\"; this version runs zipformer2, conformer and cnn, "
                                           "each with -ctc or -transducer", keys->file->label, architecture);
}

static ting_err read_ctc(const ting_keys *keys, ting_ctc_config *c)
{
    ting_err err = TING_OK;
    const char *name;
    TRY(read_numbers(keys, ctc_keys, c));
    TRY(ting_keys_text(keys, "ctc.name", &name));
    if (name[0] == '\0' || strlen(name) >= sizeof c->name)
        FAIL(TING_ERR_MODEL, "%s: %sctc.name has %zu bytes, expected 1 to %zu", keys->file->label, keys->prefix, strlen(name),
             sizeof c->name - 1);
    snprintf(c->name, sizeof c->name, "%s", name);
out:
    return err;
}

ting_err ting_am_read_keys(const ting_keys *keys, const char *architecture, ting_am_config *out)
{
    ting_err err = TING_OK;
    bool transducer = false;
    *out = (ting_am_config){0};
    TRY(read_architecture(keys, architecture, out, &transducer));
    switch (out->encoder.kind) {
    case TING_ENCODER_ZIPFORMER: TRY(read_zipformer(keys, &out->encoder.zipformer)); break;
    case TING_ENCODER_CONFORMER: TRY(read_conformer(keys, &out->encoder.conformer)); break;
    case TING_ENCODER_CNN: TRY(read_cnn(keys, &out->encoder.cnn)); break;
    case TING_ENCODER_KINDS: break;
    }
    if (transducer) {
        TRY(read_numbers(keys, transducer_keys, &out->transducer));
        out->transducer.encoder_dim = ting_encoder_dim(&out->encoder);
    }
    if (!transducer || ting_keys_has(keys, "ctc.vocab"))
        TRY(read_ctc(keys, &out->ctc));
    if (ting_keys_has(keys, ATTENTION)) {
        TRY(read_numbers(keys, attention_keys, &out->attention));
        TRY(read_activation(keys, "attention.activation", &out->attention.act));
    }
    TRY_IN(ting_am_net_check(out), "%s", keys->file->label);
out:
    return err;
}

/* ---- writing ---- */

static const char *full(const char *key, char room[MAX_KEY])
{
    snprintf(room, MAX_KEY, "%s%s", TING_AM_PREFIX, key);
    return room;
}

static void put_numbers(ting_gguf_writer *writer, const number_key *list, void *config)
{
    char room[MAX_KEY];
    for (; list->key != NULL; list++)
        ting_gguf_put_integer(writer, full(list->key, room), *field(config, list->offset));
}

static void put_arrays(ting_gguf_writer *writer, const number_key *list, void *parts, size_t size, int count)
{
    char room[MAX_KEY];
    for (; list->key != NULL; list++) {
        int values[TING_ZIPFORMER_MAX_STACKS];
        for (int i = 0; i < count; i++)
            values[i] = *field((char *)parts + (size_t)i * size, list->offset);
        ting_gguf_put_integers(writer, full(list->key, room), values, (size_t)count);
    }
}

static void put_zipformer(ting_gguf_writer *writer, ting_zipformer_config c)
{
    char room[MAX_KEY];
    put_arrays(writer, stack_keys, c.stack, sizeof c.stack[0], c.stacks);
    put_numbers(writer, zipformer_keys, &c);
    ting_gguf_put_integers(writer, full("encoder.embed_channels", room), c.embed_channels, 3);
    ting_gguf_put_flag(writer, full("encoder.causal", room), c.causal);
}

static void put_activation(ting_gguf_writer *writer, const char *key, ting_act act)
{
    char room[MAX_KEY];
    ting_gguf_put_text(writer, full(key, room), ting_act_names[ting_act_name_index(act)]);
}

static void put_cnn(ting_gguf_writer *writer, ting_cnn_config c)
{
    put_arrays(writer, block_keys, c.block, sizeof c.block[0], c.blocks);
    put_numbers(writer, cnn_keys, &c);
    put_activation(writer, "encoder.activation", c.act);
}

static void put_conformer(ting_gguf_writer *writer, ting_conformer_config c)
{
    char room[MAX_KEY];
    put_numbers(writer, conformer_keys, &c);
    ting_gguf_put_flag(writer, full("encoder.macaron", room), c.macaron);
    ting_gguf_put_flag(writer, full("encoder.causal", room), c.causal);
    ting_gguf_put_text(writer, full("encoder.conv_norm", room), ting_conformer_norm_names[c.norm]);
    ting_gguf_put_text(writer, full("encoder.positions", room), ting_conformer_position_names[c.positions]);
    put_activation(writer, "encoder.activation", c.act);
}

void ting_am_put_keys(ting_gguf_writer *writer, const ting_am_config *config)
{
    char room[MAX_KEY], architecture[MAX_KEY];
    ting_am_config c = *config;
    snprintf(architecture, sizeof architecture, "%s-%s", ting_encoder_kind_name(c.encoder.kind), head_name(&c));
    ting_gguf_put_text(writer, full(TING_KEY_ARCHITECTURE, room), architecture);
    switch (c.encoder.kind) {
    case TING_ENCODER_ZIPFORMER: put_zipformer(writer, c.encoder.zipformer); break;
    case TING_ENCODER_CONFORMER: put_conformer(writer, c.encoder.conformer); break;
    case TING_ENCODER_CNN: put_cnn(writer, c.encoder.cnn); break;
    case TING_ENCODER_KINDS: break;
    }
    if (c.transducer.vocab > 0)
        put_numbers(writer, transducer_keys, &c.transducer);
    if (c.ctc.vocab > 0) { /* the blank is the transducer's, if there is one */
        ting_gguf_put_integer(writer, full("ctc.vocab", room), c.ctc.vocab);
        ting_gguf_put_text(writer, full("ctc.name", room), c.ctc.name[0] != '\0' ? c.ctc.name : TING_CTC_HEAD);
    }
    if (c.attention.layers > 0) {
        put_numbers(writer, attention_keys, &c.attention);
        put_activation(writer, "attention.activation", c.attention.act);
    }
    if (c.transducer.vocab == 0)
        ting_gguf_put_integer(writer, full(TING_AM_BLANK, room), c.ctc.blank);
}
