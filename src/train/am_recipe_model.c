/* SPDX-License-Identifier: Apache-2.0 */
/* am_recipe_model.c - see am_recipe_model.h. */
#include "train/am_recipe_model.h"

#include "base/err.h"
#include "model/act_name.h"

#include <stddef.h>

/* The sizes of the public 3.3 M parameter model of icefall's egs/wenetspeech/KWS. */
static const ting_zipformer_config small_zipformer = {
    .features = 80,
    .embed_channels = {8, 32, 128},
    .stacks = 6,
    .stack = {{1, 128, 4, 32, 12, 4, 192, 31, 1},
              {1, 128, 4, 32, 12, 4, 192, 31, 2},
              {1, 128, 4, 32, 12, 4, 192, 15, 4},
              {1, 128, 8, 32, 12, 4, 192, 15, 8},
              {1, 128, 4, 32, 12, 4, 192, 15, 4},
              {1, 128, 4, 32, 12, 4, 192, 31, 2}},
    .pos_dim = 48,
    .output_downsampling = 2,
    .causal = true,
    .chunk = 16,
    .left = 64,
};

/* The sizes of the Conformer (S) of Gulati 2020. */
static const ting_conformer_config small_conformer = {
    .features = 80,
    .subsampling = 4,
    .dim = 144,
    .heads = 4,
    .layers = 16,
    .feedforward = 576,
    .macaron = true,
    .kernel = 15,
    .norm = TING_CONV_BATCH_NORM,
    .positions = TING_POSITIONS_RELATIVE,
    .act = TING_ACT_SILU,
    .dropout = (ting_real)0.1,
    .attention_dropout = (ting_real)0.1,
    .position_dropout = (ting_real)0.1,
};

/* WeNet's, but for the size. */
static const ting_attention_config small_attention = {
    .heads = 4,
    .feedforward = 576,
    .layers = 3,
    .act = TING_ACT_RELU,
    .dropout = (ting_real)0.1,
    .position_dropout = (ting_real)0.1,
};

/* The sizes of ASRT's model 251. */
static const ting_cnn_config small_cnn = {
    .features = 80,
    .blocks = 5,
    .block = {{2, 32, 2, 2}, {2, 64, 2, 2}, {2, 128, 2, 2}, {2, 128, 1, 1}, {2, 128, 1, 1}},
    .dim = 256,
    .act = TING_ACT_RELU,
    .dropout = (ting_real)0.1,
};

void ting_am_recipe_model_defaults(ting_encoder_kind kind, ting_am_config *model)
{
    *model = (ting_am_config){.encoder = {.kind = kind},
                              .transducer = {.context = 2, .decoder_dim = 320, .joiner_dim = 320}};
    if (kind == TING_ENCODER_CONFORMER)
        model->encoder.conformer = small_conformer;
    else if (kind == TING_ENCODER_CNN)
        model->encoder.cnn = small_cnn;
    else
        model->encoder.zipformer = small_zipformer;
}

void ting_am_recipe_model_features(int values, ting_encoder_config *encoder)
{
    switch (encoder->kind) {
    case TING_ENCODER_ZIPFORMER: encoder->zipformer.features = values; break;
    case TING_ENCODER_CONFORMER: encoder->conformer.features = values; break;
    case TING_ENCODER_CNN: encoder->cnn.features = values; break;
    case TING_ENCODER_KINDS: break;
    }
}

/* A list of whole numbers, or one without brackets; *count stays where the key is absent. */
static ting_err read_ints(ting_yaml *map, const char *key, long low, long high, int most, int *out, int *count)
{
    enum { MOST = TING_MOST_HINTS };
    ting_err err = TING_OK;
    double values[MOST];
    int found = 0;
    const ting_yaml *node = ting_yaml_find(map, key);
    if (node == NULL)
        return TING_OK;
    TRY(ting_yaml_reals(map, key, (double)low, (double)high, most < MOST ? most : MOST, values, &found));
    for (int i = 0; i < found; i++) {
        out[i] = (int)values[i];
        if ((double)out[i] != values[i])
            FAIL(TING_ERR_FORMAT, "%s:%d: %s holds %g, expected whole numbers", node->path, node->line, key, values[i]);
    }
    *count = found;
out:
    return err;
}

/* One number for each stack, or one for all. */
static ting_err read_stacks(ting_yaml *map, const char *key, size_t offset, ting_zipformer_config *z)
{
    ting_err err = TING_OK;
    int values[TING_ZIPFORMER_MAX_STACKS], count = 0;
    TRY(read_ints(map, key, 1, 65536, TING_ZIPFORMER_MAX_STACKS, values, &count));
    if (count > 1 && count != z->stacks)
        FAIL(TING_ERR_FORMAT,
             "%s:%d: %s has %d numbers, expected one, or one for each of the %d stacks of `downsampling`", map->path,
             ting_yaml_find(map, key)->line, key, count, z->stacks);
    for (int s = 0; s < z->stacks && count > 0; s++)
        *(int *)(void *)((char *)&z->stack[s] + offset) = values[count == 1 ? 0 : s];
out:
    return err;
}

static ting_err read_zipformer(ting_yaml *map, ting_zipformer_config *z)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = {
        {"downsampling", offsetof(ting_zipformer_stack_config, downsampling)},
        {"layers", offsetof(ting_zipformer_stack_config, layers)},
        {"dims", offsetof(ting_zipformer_stack_config, dim)},
        {"heads", offsetof(ting_zipformer_stack_config, heads)},
        {"query_dims", offsetof(ting_zipformer_stack_config, query_dim)},
        {"value_dims", offsetof(ting_zipformer_stack_config, value_dim)},
        {"pos_head_dims", offsetof(ting_zipformer_stack_config, pos_head_dim)},
        {"feedforward", offsetof(ting_zipformer_stack_config, feedforward)},
        {"kernels", offsetof(ting_zipformer_stack_config, kernel)},
        {"unmasked", offsetof(ting_zipformer_stack_config, unmasked)},
    };
    ting_err err = TING_OK;
    int downsampling[TING_ZIPFORMER_MAX_STACKS], channels = 3;
    TRY(read_ints(map, "downsampling", 1, 64, TING_ZIPFORMER_MAX_STACKS, downsampling, &z->stacks));
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        TRY(read_stacks(map, keys[k].key, keys[k].offset, z));
    TRY(read_ints(map, "embed_channels", 1, 4096, 3, z->embed_channels, &channels));
    if (channels != 3)
        FAIL(TING_ERR_FORMAT, "%s:%d: embed_channels has %d numbers, expected 3", map->path, map->line, channels);
    TRY(ting_yaml_int(map, "pos_dim", 2, 65536, &z->pos_dim));
    ting_real dropout = 1 - z->less_chance;
    TRY(ting_yaml_real_into(map, "dropout", 0, 1, &dropout));
    z->less_chance = 1 - dropout;
    TRY(ting_yaml_int(map, "output_downsampling", 1, 64, &z->output_downsampling));
    TRY(ting_yaml_bool(map, "recompute", &z->recompute));
    TRY(ting_yaml_bool(map, "causal", &z->causal));
    TRY(ting_yaml_int(map, "chunk", 1, 4096, &z->chunk));
    TRY(ting_yaml_int(map, "left", 1, 65536, &z->left));
out:
    return err;
}

/* Rows to the left as whole chunks; < 0 stays: all. */
static int chunks_of(int rows, int chunk)
{
    return rows < 0 || chunk < 1 ? rows : (rows + chunk - 1) / chunk;
}

static ting_err read_conformer(ting_yaml *map, ting_conformer_config *c)
{
    ting_err err = TING_OK;
    int norm = c->norm, position = c->positions, left = c->left;
    TRY(ting_yaml_int(map, "subsampling", 4, 8, &c->subsampling));
    TRY(ting_yaml_int(map, "dim", 1, 65536, &c->dim));
    TRY(ting_yaml_int(map, "heads", 1, 4096, &c->heads));
    TRY(ting_yaml_int(map, "layers", 1, 256, &c->layers));
    TRY(ting_yaml_int(map, "feedforward", 1, 65536, &c->feedforward));
    TRY(ting_yaml_bool(map, "macaron", &c->macaron));
    TRY(ting_yaml_int(map, "kernel", 1, 255, &c->kernel));
    TRY(ting_yaml_bool(map, "recompute", &c->recompute));
    TRY(ting_yaml_bool(map, "causal", &c->causal));
    TRY(ting_yaml_int(map, "chunk", 1, 4096, &c->chunk));
    TRY(ting_yaml_int(map, "left", -1, 4096, &left));
    c->left = chunks_of(left, c->chunk);
    TRY(ting_yaml_word(map, "norm", TING_CONFORMER_NORMS, ting_conformer_norm_names, &norm));
    c->norm = (ting_conformer_norm)norm;
    TRY(ting_yaml_word(map, "positions", TING_CONFORMER_POSITIONS, ting_conformer_position_names, &position));
    c->positions = (ting_conformer_positions)position;
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &c->dropout));
    TRY(ting_yaml_real_into(map, "attention_dropout", 0, 0.9, &c->attention_dropout));
    TRY(ting_yaml_real_into(map, "position_dropout", 0, 0.9, &c->position_dropout));
out:
    return err;
}

/* The lists have a number a block; the first one says how many there are. */
static ting_err read_cnn(ting_yaml *map, ting_cnn_config *c)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = {
        {"channels", offsetof(ting_cnn_block_config, channels)},
        {"convs", offsetof(ting_cnn_block_config, convs)},
        {"stride_time", offsetof(ting_cnn_block_config, stride_time)},
        {"stride_freq", offsetof(ting_cnn_block_config, stride_freq)},
    };
    ting_err err = TING_OK;
    int values[TING_CNN_MAX_BLOCKS];
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        int count = 0;
        TRY(read_ints(map, keys[k].key, 1, 4096, TING_CNN_MAX_BLOCKS, values, &count));
        if (k == 0 && count > 0)
            c->blocks = count;
        if (count > 0 && count != c->blocks)
            FAIL(TING_ERR_FORMAT, "%s:%d: %s has %d numbers, expected one for each of the %d blocks of `channels`", map->path,
                 ting_yaml_find(map, keys[k].key)->line, keys[k].key, count, c->blocks);
        for (int i = 0; i < count; i++)
            *(int *)(void *)((char *)&c->block[i] + keys[k].offset) = values[i];
    }
    TRY(ting_yaml_int(map, "dim", 1, 8192, &c->dim));
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &c->dropout));
out:
    return err;
}

static ting_err read_encoder(ting_yaml *map, ting_encoder_config *encoder)
{
    switch (encoder->kind) {
    case TING_ENCODER_ZIPFORMER: return read_zipformer(map, &encoder->zipformer);
    case TING_ENCODER_CONFORMER: return read_conformer(map, &encoder->conformer);
    case TING_ENCODER_CNN: return read_cnn(map, &encoder->cnn);
    case TING_ENCODER_KINDS: break;
    }
    return TING_OK;
}

/* Columns of the teacher's subsampling and stacks: one number for all, or one for each. */
static ting_err read_hints(ting_yaml *map, ting_am_config *model)
{
    ting_err err = TING_OK;
    const ting_encoder_config *e = &model->encoder;
    int count = 0, of[TING_MOST_HINTS];
    const int most = e->kind == TING_ENCODER_ZIPFORMER ? e->zipformer.stacks + 1 : 1;
    TRY(read_ints(map, "hints", 1, 65536, most, of, &count));
    if (count == 0)
        return TING_OK;
    if (e->kind != TING_ENCODER_ZIPFORMER || (count != 1 && count != most))
        FAIL(TING_ERR_FORMAT, "%s:%d: hints has %d numbers, expected one, or one for the subsampling and each stack of a Zipformer",
             map->path, ting_yaml_find(map, "hints")->line, count);
    model->hints = most;
    for (int i = 0; i < most; i++)
        model->hint_dims[i] = of[count == 1 ? 0 : i];
out:
    return err;
}

static ting_err read_transducer(ting_yaml *map, ting_transducer_config *t)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_int(map, "context", 1, TING_TRANSDUCER_MAX_CONTEXT, &t->context));
    TRY(ting_yaml_int(map, "decoder_dim", 1, 65536, &t->decoder_dim));
    TRY(ting_yaml_int(map, "joiner_dim", 1, 65536, &t->joiner_dim));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_attention(ting_yaml *map, ting_attention_config *c)
{
    ting_err err = TING_OK;
    int act = ting_act_name_index(small_attention.act);
    *c = small_attention;
    TRY(ting_yaml_int(map, "layers", 1, TING_ATTENTION_MOST_LAYERS, &c->layers));
    TRY(ting_yaml_int(map, "reverse_layers", 0, TING_ATTENTION_MOST_LAYERS, &c->reverse_layers));
    TRY(ting_yaml_int(map, "heads", 1, 4096, &c->heads));
    TRY(ting_yaml_int(map, "feedforward", 1, 65536, &c->feedforward));
    TRY(ting_yaml_word(map, "activation", TING_ACT_NAMES, ting_act_names, &act));
    c->act = ting_act_of_name(act);
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &c->dropout));
    TRY(ting_yaml_real_into(map, "position_dropout", 0, 0.9, &c->position_dropout));
    TRY(ting_yaml_done(map));
out:
    return err;
}

/* What is drawn for each step must be possible in each step. */
static ting_err check_chunks(ting_yaml *map, const ting_am_recipe *r)
{
    ting_err err = TING_OK;
    const ting_yaml *node = ting_yaml_find(map, "chunks");
    const ting_encoder_config *e = &r->model.encoder;
    for (int i = 0; node != NULL && i < r->chunk_count; i++) {
        if (r->chunks[i] > 0 && !ting_encoder_chunks(e))
            FAIL(TING_ERR_FORMAT,
                 "%s:%d: chunks of %d rows, but this encoder hears whole utterances only: causal ones hear chunks",
                 node->path, node->line, r->chunks[i]);
        if (r->chunks[i] % ting_encoder_chunk_unit(e) != 0)
            FAIL(TING_ERR_FORMAT,
                 "%s:%d: chunks of %d rows, expected multiples of %d: each stack's downsampling must fit", node->path,
                 node->line, r->chunks[i], ting_encoder_chunk_unit(e));
    }
out:
    return err;
}

ting_err ting_am_recipe_model_read(ting_yaml *map, ting_am_recipe *r)
{
    static const char *const kinds[TING_ENCODER_KINDS] = {"zipformer", "conformer", "cnn"}; /* in the order of ting_encoder_kind */
    ting_err err = TING_OK;
    ting_yaml *transducer, *attention;
    int kind = r->model.encoder.kind;
    TRY(ting_yaml_word(map, "encoder", TING_ENCODER_KINDS, kinds, &kind));
    ting_am_recipe_model_defaults((ting_encoder_kind)kind, &r->model);
    ting_encoder_config *encoder = &r->model.encoder;
    TRY(read_encoder(map, encoder));
    TRY(read_ints(map, "chunks", 0, 4096, TING_MOST_CHUNKS, r->chunks, &r->chunk_count));
    TRY(read_ints(map, "lefts", -1, 65536, TING_MOST_CHUNKS, r->lefts, &r->left_count));
    TRY(check_chunks(map, r));
    TRY(ting_yaml_bool(map, "ctc", &r->ctc_head));
    r->ctc_dropout = encoder->kind == TING_ENCODER_ZIPFORMER ? (ting_real)0.1 : 0; /* icefall's and WeNet's */
    TRY(ting_yaml_real_into(map, "ctc_dropout", 0, 0.9, &r->ctc_dropout));
    TRY(read_hints(map, &r->model));
    TRY(ting_yaml_child(map, "transducer", TING_YAML_MAP, &transducer));
    r->transducer_head = transducer != NULL;
    if (transducer != NULL)
        TRY(read_transducer(transducer, &r->model.transducer));
    TRY(ting_yaml_child(map, "attention", TING_YAML_MAP, &attention));
    if (attention != NULL)
        TRY(read_attention(attention, &r->model.attention));
    TRY(ting_yaml_done(map));
out:
    return err;
}
