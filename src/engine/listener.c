/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - see listener.h. */
#include "engine/listener.h"

#include "audio/resample.h"
#include "base/mem.h"
#include "feat/fbank.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 4096,    /* samples resampled at a time */
    MAX_CHUNKS = 16, /* that go through the network in one call: 16 of 0.32 s take about 3 MB of arena */
};
static const double tail_seconds = 0.66; /* of silence at the end: more than a chunk and its look-ahead */

struct ting_listener {
    const ting_encoder *encoder;
    ting_feature_config features;
    int rate;
    ting_row_sink sink;
    ting_resampler *resampler; /* NULL: the rates agree */
    ting_fbank *fbank;
    ting_encoder_state *state;
    ting_arena *arena;
    ting_ctx ctx;
    float *frames; /* [max_frames, bins] */
    int max_frames;
    long long fed; /* samples at the source rate */
    long rows;     /* given to the sink */
    bool finished;
};

static ting_err make_parts(ting_listener *l, ting_pool *pool)
{
    ting_err err = TING_OK;
    l->max_frames = ting_encoder_frames(l->state, MAX_CHUNKS);
    l->arena = ting_arena_new(1 << 20);
    l->frames = ting_alloc((size_t)l->max_frames * (size_t)ting_feature_dim(&l->features), sizeof *l->frames);
    if (l->arena == NULL || l->frames == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a stream");
    l->ctx = (ting_ctx){.arena = l->arena, .pool = pool, .kern = ting_kern_select(ting_cpu_detect())};
    TRY(ting_fbank_new(&l->features, &l->fbank));
    if (l->rate != l->features.rate)
        TRY(ting_resampler_new(l->rate, l->features.rate, &l->resampler));
out:
    return err;
}

ting_err ting_listener_new(const ting_encoder *encoder, const ting_feature_config *features, int rate,
                           ting_pool *pool, ting_row_sink sink, ting_listener **out)
{
    ting_err err = TING_OK;
    const ting_encoder_config *config = ting_encoder_settings(encoder);
    *out = NULL;
    ting_listener *l = ting_alloc(1, sizeof *l);
    if (l == NULL)
        return TING_ERR_MEMORY;
    *l = (ting_listener){.encoder = encoder, .features = *features, .rate = rate, .sink = sink};
    if (!ting_encoder_streams(config))
        FAIL(TING_ERR_UNSUPPORTED, "the acoustic model sees whole recordings at once: it cannot hear a stream; take a "
                                   "causal (streaming) one");
    if (features->kind != TING_FEATURE_FBANK || features->cmvn != TING_CMVN_NONE)
        FAIL(TING_ERR_UNSUPPORTED, "the acoustic model wants features that need the whole recording");
    if (ting_feature_dim(features) != ting_encoder_features(config))
        FAIL(TING_ERR_MODEL, "the acoustic model reads %d values a frame, its feature settings give %d",
             ting_encoder_features(config), ting_feature_dim(features));
    TRY(ting_encoder_state_new(encoder, &l->state));
    TRY(make_parts(l, pool));
    *out = l;
    l = NULL;
out:
    ting_listener_free(l);
    return err;
}

void ting_listener_free(ting_listener *l)
{
    if (l == NULL)
        return;
    ting_resampler_free(l->resampler);
    ting_fbank_free(l->fbank);
    ting_encoder_state_free(l->state);
    ting_arena_free(l->arena);
    ting_free(l->frames);
    ting_free(l);
}

ting_err ting_listener_reset(ting_listener *l)
{
    ting_err err = TING_OK;
    if (l->resampler != NULL) {
        ting_resampler_free(l->resampler);
        l->resampler = NULL;
        TRY(ting_resampler_new(l->rate, l->features.rate, &l->resampler));
    }
    ting_fbank_reset(l->fbank);
    ting_encoder_state_reset(l->state);
    l->ctx.err = TING_OK;
    l->fed = 0;
    l->rows = 0;
    l->finished = false;
out:
    return err;
}

/* One call of the network on `count` frames, which are whole chunks. */
static ting_err run_frames(ting_listener *l, int count)
{
    ting_ctx *ctx = &l->ctx;
    int starts[2] = {0, count}, out_starts[2];
    ting_encoder_state *states[1] = {l->state};
    ting_arena_reset(l->arena);
    ting_tensor x = ting_ctx_constant(ctx, count, ting_feature_dim(&l->features));
    for (int t = 0; t < x.rows; t++) { /* ting_real is float or double */
        const float *frame = l->frames + (size_t)t * (size_t)x.cols;
        for (int k = 0; k < x.cols; k++)
            ting_row(x, t)[k] = (ting_real)frame[k];
    }
    ting_tensor rows = ting_encoder_forward(ctx, l->encoder, x, (ting_segments){1, starts},
                                            &(ting_encoder_mode){.states = states}, out_starts);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return ctx->err;
    long first = l->rows;
    l->rows += rows.rows;
    return l->sink.take(l->sink.self, ctx, rows, first);
}

static ting_err run_ready(ting_listener *l)
{
    ting_err err = TING_OK;
    for (;;) {
        size_t ready = ting_fbank_ready(l->fbank);
        int chunks = MAX_CHUNKS;
        while (chunks > 0 && (size_t)ting_encoder_frames(l->state, chunks) > ready)
            chunks--;
        if (chunks == 0)
            break;
        int count = ting_encoder_frames(l->state, chunks);
        ting_fbank_read(l->fbank, l->frames, (size_t)count);
        TRY(run_frames(l, count));
    }
out:
    return err;
}

static ting_err accept(ting_listener *l, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    TRY(ting_fbank_accept(l->fbank, samples, count));
    TRY(run_ready(l));
out:
    return err;
}

ting_err ting_listener_feed(ting_listener *l, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    float block[BLOCK];
    if (l->finished)
        FAIL(TING_ERR_ARGUMENT, "sound was fed after the end of the stream");
    while (count > 0) {
        size_t part = count < BLOCK ? count : BLOCK, used = part, made = 0;
        for (size_t i = 0; i < part; i++) {
            if (!isfinite(samples[i]))
                FAIL(TING_ERR_NUMERIC, "the sample at %.3f s is not a number", (double)(l->fed + (long long)i) / l->rate);
        }
        if (l->resampler != NULL) {
            TRY(ting_resampler_run(l->resampler, samples, part, &used, block, BLOCK, &made));
            TRY(accept(l, block, made));
        } else {
            TRY(accept(l, samples, part));
        }
        l->fed += (long long)used;
        samples += used;
        count -= used;
    }
out:
    return err;
}

ting_err ting_listener_finish(ting_listener *l)
{
    ting_err err = TING_OK;
    float block[BLOCK];
    if (l->finished)
        goto out;
    l->finished = true;
    for (size_t made = 1; l->resampler != NULL && made > 0;) {
        TRY(ting_resampler_finish(l->resampler, block, BLOCK, &made));
        TRY(accept(l, block, made));
    }
    memset(block, 0, sizeof block);
    for (long left = lround(tail_seconds * l->features.rate); left > 0; left -= BLOCK)
        TRY(accept(l, block, left < BLOCK ? (size_t)left : BLOCK));
    ting_fbank_finish(l->fbank);
    TRY(run_ready(l));
out:
    return err;
}

double ting_listener_fed(const ting_listener *l)
{
    return (double)l->fed / l->rate;
}

double ting_listener_row_seconds(const ting_listener *l)
{
    return (double)ting_encoder_step(ting_encoder_settings(l->encoder)) * l->features.shift / l->features.rate;
}

double ting_listener_heard(const ting_listener *l)
{
    return (double)l->rows * ting_listener_row_seconds(l);
}
