/* SPDX-License-Identifier: Apache-2.0 */
/* encoder.c - see encoder.h. Each kind's own words for the same things are translated here. */
#include "model/encoder.h"

#include "base/mem.h"

struct ting_encoder {
    ting_encoder_config config;
    union {
        ting_zipformer *zipformer;
        ting_conformer *conformer;
        ting_cnn *cnn;
    };
};

struct ting_encoder_state { /* of the kinds that can stream */
    const ting_encoder *encoder;
    union {
        ting_zipformer_state *zipformer;
        ting_conformer_state *conformer;
    };
};

enum { ZIPFORMER_STEP = 2 }; /* frames of a row at 50 Hz */

const char *ting_encoder_kind_name(ting_encoder_kind kind)
{
    static const char *const names[TING_ENCODER_KINDS] = {"zipformer2", "conformer", "cnn"};
    return (unsigned)kind < TING_ENCODER_KINDS ? names[kind] : NULL;
}

static void describe_cnn(const ting_cnn_config *c, ting_str *out)
{
    int convs = 0;
    for (int i = 0; i < c->blocks; i++)
        convs += c->block[i].convs;
    ting_str_addf(out, "CNN of %d blocks, %d convolutions up to %d channels", c->blocks, convs, c->block[c->blocks - 1].channels);
}

static void describe_zipformer(const ting_zipformer_config *c, int dim, ting_str *out)
{
    int layers = 0;
    for (int i = 0; i < c->stacks; i++)
        layers += c->stack[i].layers;
    ting_str_addf(out, "Zipformer of %d stacks, %d layers up to %d", c->stacks, layers, dim);
}

void ting_encoder_describe(const ting_encoder_config *config, ting_str *out)
{
    switch (config->kind) {
    case TING_ENCODER_ZIPFORMER: describe_zipformer(&config->zipformer, ting_encoder_dim(config), out); break;
    case TING_ENCODER_CONFORMER:
        ting_str_addf(out, "Conformer of %d layers of %d", config->conformer.layers, config->conformer.dim);
        break;
    case TING_ENCODER_CNN: describe_cnn(&config->cnn, out); break;
    case TING_ENCODER_KINDS: break;
    }
}

ting_err ting_encoder_check(const ting_encoder_config *config)
{
    switch (config->kind) {
    case TING_ENCODER_ZIPFORMER: return ting_zipformer_check(&config->zipformer);
    case TING_ENCODER_CONFORMER: return ting_conformer_check(&config->conformer);
    case TING_ENCODER_CNN: return ting_cnn_check(&config->cnn);
    case TING_ENCODER_KINDS: break;
    }
    return ting_fail(TING_ERR_MODEL, "encoder: kind %d is not known", (int)config->kind);
}

static ting_err new_network(ting_encoder *e, ting_params *params)
{
    switch (e->config.kind) {
    case TING_ENCODER_ZIPFORMER: return ting_zipformer_new(&e->config.zipformer, params, &e->zipformer);
    case TING_ENCODER_CONFORMER: return ting_conformer_new(&e->config.conformer, params, &e->conformer);
    case TING_ENCODER_CNN: return ting_cnn_new(&e->config.cnn, params, &e->cnn);
    case TING_ENCODER_KINDS: break;
    }
    return ting_encoder_check(&e->config);
}

ting_err ting_encoder_new(const ting_encoder_config *config, ting_params *params, ting_encoder **out)
{
    *out = NULL;
    ting_encoder *encoder = ting_alloc(1, sizeof *encoder);
    if (encoder == NULL)
        return TING_ERR_MEMORY;
    encoder->config = *config;
    ting_err err = new_network(encoder, params);
    if (err != TING_OK)
        ting_free(encoder);
    else
        *out = encoder;
    return err;
}

void ting_encoder_free(ting_encoder *encoder)
{
    if (encoder == NULL)
        return;
    switch (encoder->config.kind) {
    case TING_ENCODER_ZIPFORMER: ting_zipformer_free(encoder->zipformer); break;
    case TING_ENCODER_CONFORMER: ting_conformer_free(encoder->conformer); break;
    case TING_ENCODER_CNN: ting_cnn_free(encoder->cnn); break;
    case TING_ENCODER_KINDS: break;
    }
    ting_free(encoder);
}

ting_err ting_encoder_prepare(ting_encoder *encoder)
{
    return encoder->config.kind == TING_ENCODER_ZIPFORMER ? ting_zipformer_prepare(encoder->zipformer) : TING_OK;
}

/* ---- what follows from the settings ---- */

int ting_encoder_features(const ting_encoder_config *config)
{
    switch (config->kind) {
    case TING_ENCODER_ZIPFORMER: return config->zipformer.features;
    case TING_ENCODER_CONFORMER: return config->conformer.features;
    case TING_ENCODER_CNN: return config->cnn.features;
    case TING_ENCODER_KINDS: break;
    }
    return 0;
}

static int widest_stack(const ting_zipformer_config *c)
{
    int widest = 0;
    for (int i = 0; i < c->stacks; i++)
        widest = c->stack[i].dim > widest ? c->stack[i].dim : widest;
    return widest;
}

int ting_encoder_dim(const ting_encoder_config *config)
{
    switch (config->kind) {
    case TING_ENCODER_ZIPFORMER: return widest_stack(&config->zipformer);
    case TING_ENCODER_CONFORMER: return config->conformer.dim;
    case TING_ENCODER_CNN: return config->cnn.dim;
    case TING_ENCODER_KINDS: break;
    }
    return 0;
}

int ting_encoder_step(const ting_encoder_config *config)
{
    switch (config->kind) {
    case TING_ENCODER_ZIPFORMER: return ZIPFORMER_STEP * config->zipformer.output_downsampling;
    case TING_ENCODER_CONFORMER: return config->conformer.subsampling;
    case TING_ENCODER_CNN: return ting_cnn_step(&config->cnn);
    case TING_ENCODER_KINDS: break;
    }
    return 1;
}

int ting_encoder_least(const ting_encoder_config *config)
{
    int frames = 1;
    while (ting_encoder_rows(config, frames) == 0)
        frames++;
    return frames;
}

int ting_encoder_rows(const ting_encoder_config *config, int frames)
{
    if (config->kind == TING_ENCODER_CONFORMER)
        return ting_conformer_rows(&config->conformer, frames);
    if (config->kind == TING_ENCODER_CNN)
        return ting_cnn_rows(&config->cnn, frames);
    return (ting_zipformer_rows(frames) + config->zipformer.output_downsampling - 1) / config->zipformer.output_downsampling;
}

bool ting_encoder_chunks(const ting_encoder_config *config)
{
    if (config->kind == TING_ENCODER_CONFORMER)
        return config->conformer.causal;
    return config->kind == TING_ENCODER_ZIPFORMER && config->zipformer.causal && config->zipformer.pos_dim > 0;
}

static bool fits_stacks(const ting_zipformer_config *config, int rows)
{
    bool fits = true;
    for (int i = 0; i < config->stacks; i++)
        fits = fits && rows * config->output_downsampling % config->stack[i].downsampling == 0;
    return fits;
}

/* The least number of rows whose time every stack divides into whole rows of its own. */
static int zipformer_unit(const ting_zipformer_config *config)
{
    enum { MOST = 8192 }; /* beyond any chunk */
    int rows = 1;
    while (rows < MOST && !fits_stacks(config, rows))
        rows++;
    return rows;
}

int ting_encoder_chunk_unit(const ting_encoder_config *config)
{
    return config->kind == TING_ENCODER_ZIPFORMER ? zipformer_unit(&config->zipformer) : 1;
}

bool ting_encoder_streams(const ting_encoder_config *config)
{
    if (config->kind == TING_ENCODER_CONFORMER)
        return config->conformer.causal && config->conformer.chunk > 0;
    return config->kind == TING_ENCODER_ZIPFORMER && config->zipformer.causal;
}

bool ting_encoder_hears_whole(const ting_encoder_config *config)
{
    return config->kind != TING_ENCODER_ZIPFORMER || config->zipformer.pos_dim > 0;
}

int ting_encoder_chunk_rows(const ting_encoder_config *config)
{
    if (!ting_encoder_streams(config))
        return 0;
    return config->kind == TING_ENCODER_ZIPFORMER ? config->zipformer.chunk / config->zipformer.output_downsampling
                                                  : config->conformer.chunk;
}

/* ---- forward ---- */

ting_encoder_mode ting_encoder_stream_mode(const ting_encoder_config *config)
{
    const int left = config->kind == TING_ENCODER_ZIPFORMER ? config->zipformer.left / config->zipformer.chunk : config->conformer.left;
    return (ting_encoder_mode){.chunk = ting_encoder_chunk_rows(config), .left = left};
}

static int longest_of(ting_segments segments)
{
    int longest = 0;
    for (int s = 0; s < segments.count; s++) {
        const int frames = segments.start[s + 1] - segments.start[s];
        longest = frames > longest ? frames : longest;
    }
    return longest;
}

static ting_tensor zipformer_forward(ting_ctx *ctx, const ting_encoder *encoder, ting_tensor x, ting_segments segments,
                                     const ting_encoder_mode *mode, int *out_start)
{
    ting_zipformer_mode own = {.chunk = mode->chunk * encoder->config.zipformer.output_downsampling};
    const int most = longest_of(segments) / ZIPFORMER_STEP; /* rows at 50 Hz: to see more of them is to see all */
    own.left = mode->left < 0 || mode->left > most / (own.chunk > 0 ? own.chunk : 1) ? most + own.chunk : mode->left * own.chunk;
    ting_zipformer_state **states = NULL;
    if (mode->states != NULL) {
        states = ting_arena_take_zeroed(ctx->arena, (size_t)segments.count, sizeof *states);
        ting_ctx_check(ctx);
        for (int s = 0; s < segments.count && states != NULL; s++)
            states[s] = mode->states[s]->zipformer;
    }
    own.states = states;
    own.given = mode->given;
    return ting_zipformer_forward(ctx, encoder->zipformer, x, segments, &own, out_start);
}

static ting_tensor conformer_forward(ting_ctx *ctx, const ting_encoder *encoder, ting_tensor x, ting_segments segments,
                                     const ting_encoder_mode *mode, int *out_start)
{
    ting_conformer_mode own = {.chunk = mode->chunk, .left = mode->left};
    ting_conformer_state **states = NULL;
    if (mode->states != NULL) {
        states = ting_arena_take_zeroed(ctx->arena, (size_t)segments.count, sizeof *states);
        ting_ctx_check(ctx);
        for (int s = 0; s < segments.count && states != NULL; s++)
            states[s] = mode->states[s]->conformer;
    }
    own.states = states;
    return ting_conformer_forward(ctx, encoder->conformer, x, segments, &own, out_start);
}

ting_tensor ting_encoder_forward(ting_ctx *ctx, const ting_encoder *encoder, ting_tensor x, ting_segments segments,
                                 const ting_encoder_mode *mode, int *out_start)
{
    const int least = mode->states != NULL ? 0 : ting_encoder_least(&encoder->config);
    for (int s = 0; s < segments.count; s++)
        if (segments.start[s + 1] - segments.start[s] < least)
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "encoder: utterance %d has %d frames, at least %d give a row", s,
                          segments.start[s + 1] - segments.start[s], least);
    if (encoder->config.kind == TING_ENCODER_CNN && mode->chunk > 0)
        ting_ctx_fail(ctx, TING_ERR_MODEL, "cnn: the model hears whole utterances only");
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    switch (encoder->config.kind) {
    case TING_ENCODER_ZIPFORMER: return zipformer_forward(ctx, encoder, x, segments, mode, out_start);
    case TING_ENCODER_CONFORMER: return conformer_forward(ctx, encoder, x, segments, mode, out_start);
    case TING_ENCODER_CNN: return ting_cnn_forward(ctx, encoder->cnn, x, segments, out_start);
    case TING_ENCODER_KINDS: break;
    }
    return (ting_tensor){0};
}

/* ---- streams ---- */

ting_err ting_encoder_state_new(const ting_encoder *encoder, ting_encoder_state **out)
{
    ting_err err = TING_OK;
    const ting_encoder_config *config = &encoder->config;
    *out = NULL;
    ting_encoder_state *state = ting_alloc(1, sizeof *state);
    if (state == NULL)
        return TING_ERR_MEMORY;
    state->encoder = encoder;
    if (!ting_encoder_streams(config))
        FAIL(TING_ERR_MODEL, "%s: the model was not made for streams", ting_encoder_kind_name(config->kind));
    TRY(config->kind == TING_ENCODER_ZIPFORMER
            ? ting_zipformer_state_new(encoder->zipformer, &state->zipformer)
            : ting_conformer_state_new(encoder->conformer, config->conformer.chunk, config->conformer.left, &state->conformer));
    *out = state;
    state = NULL;
out:
    ting_free(state);
    return err;
}

void ting_encoder_state_free(ting_encoder_state *state)
{
    if (state == NULL)
        return;
    if (state->encoder->config.kind == TING_ENCODER_ZIPFORMER)
        ting_zipformer_state_free(state->zipformer);
    else
        ting_conformer_state_free(state->conformer);
    ting_free(state);
}

void ting_encoder_state_reset(ting_encoder_state *state)
{
    if (state->encoder->config.kind == TING_ENCODER_ZIPFORMER)
        ting_zipformer_state_reset(state->zipformer);
    else
        ting_conformer_state_reset(state->conformer);
}

int ting_encoder_frames(const ting_encoder_state *state, int chunks)
{
    return state->encoder->config.kind == TING_ENCODER_ZIPFORMER
               ? ting_zipformer_frames(state->encoder->zipformer, state->zipformer, chunks)
               : ting_conformer_frames(state->encoder->conformer, state->conformer, chunks);
}

int ting_encoder_last_frames(const ting_encoder_state *state)
{
    if (state->encoder->config.kind == TING_ENCODER_ZIPFORMER)
        return ting_encoder_frames(state, 1);
    return ting_encoder_frames(state, 0) + state->encoder->config.conformer.subsampling;
}
