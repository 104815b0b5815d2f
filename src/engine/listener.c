/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - see listener.h. */
#include "engine/listener.h"

#include "audio/dither.h"
#include "audio/resample.h"
#include "base/mem.h"
#include "engine/ears.h"

#include <math.h>

enum { BLOCK = 4096 }; /* samples resampled at a time */
static const double look_seconds = 0.32; /* between two looks for the end of a sentence, in segments */

struct ting_listener { /* one of the two ears is there */
    int rate;
    ting_hearing_run run;
    ting_resampler *resampler; /* NULL: the rates agree */
    ting_dither dither;        /* at the model's rate */
    ting_chunk_ear *chunks;
    ting_segment_ear *segments;
    long long fed; /* samples at the source rate */
    bool finished;
};

ting_err ting_listener_new(const ting_am *am, const ting_listener_options *options, ting_row_sink sink, ting_listener **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_listener *l = ting_alloc(1, sizeof *l);
    if (l == NULL)
        return TING_ERR_MEMORY;
    *l = (ting_listener){.rate = options->rate, .run = {.am = am, .sink = sink, .arena = ting_arena_new(1 << 20)}};
    if (l->run.arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a stream");
    l->run.ctx = (ting_ctx){.arena = l->run.arena, .pool = options->pool, .kern = ting_kern_select(ting_cpu_detect()),
                             .tap = options->tap};
    TRY(!options->whole && ting_chunk_ear_fits(am) ? ting_chunk_ear_new(&l->run, &l->chunks)
                                : ting_segment_ear_new(&l->run, options->pause, options->longest, &l->segments));
    if (l->rate != am->features.rate)
        TRY(ting_resampler_new(l->rate, am->features.rate, &l->resampler));
    l->dither = ting_dither_at(am->features.rate);
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
    ting_chunk_ear_free(l->chunks);
    ting_segment_ear_free(l->segments);
    ting_arena_free(l->run.arena);
    ting_free(l);
}

ting_err ting_listener_reset(ting_listener *l)
{
    ting_err err = TING_OK;
    const int rate = l->run.am->features.rate;
    if (l->resampler != NULL) {
        ting_resampler_free(l->resampler);
        l->resampler = NULL;
        TRY(ting_resampler_new(l->rate, rate, &l->resampler));
    }
    if (l->chunks != NULL)
        ting_chunk_ear_reset(l->chunks);
    else
        ting_segment_ear_reset(l->segments);
    l->dither = ting_dither_at(rate);
    l->run.ctx.err = TING_OK;
    l->run.rows = 0;
    l->fed = 0;
    l->finished = false;
out:
    return err;
}

ting_err ting_hear_frames(ting_hearing_run *run, const float *frames, int count, ting_encoder_state *state, int skip, int keep)
{
    ting_ctx *ctx = &run->ctx;
    int starts[2] = {0, count}, out_starts[2];
    ting_encoder_state *states[1] = {state};
    ting_arena_reset(run->arena);
    if (run->sink.begin != NULL)
        run->sink.begin(run->sink.self, run->rows - skip);
    ting_tensor x = ting_ctx_constant(ctx, count, ting_feature_dim(&run->am->features));
    for (int t = 0; t < x.rows; t++) { /* ting_real is float or double */
        const float *frame = frames + (size_t)t * (size_t)x.cols;
        for (int k = 0; k < x.cols; k++)
            ting_row(x, t)[k] = (ting_real)frame[k];
    }
    ting_tensor rows = ting_encoder_forward(ctx, run->am->net->encoder, x, (ting_segments){1, starts},
                                            &(ting_encoder_mode){.states = state != NULL ? states : NULL}, out_starts);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return ctx->err;
    if (state == NULL && rows.rows < skip + keep)
        return ting_fail(TING_ERR_INTERNAL, "a segment of %d frames gave %d rows, %d were expected", count, rows.rows, skip + keep);
    if (state == NULL)
        rows = ting_rows(rows, skip, keep);
    const long first = run->rows;
    run->rows += rows.rows;
    return run->sink.take(run->sink.self, ctx, rows, first);
}

static ting_err accept(ting_listener *l, const float *heard, size_t count)
{
    float samples[BLOCK];
    ting_dither_run(&l->dither, heard, count, samples);
    return l->chunks != NULL ? ting_chunk_ear_accept(l->chunks, samples, count)
                             : ting_segment_ear_accept(l->segments, samples, count);
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
    if (l->chunks != NULL)
        TRY(ting_chunk_ear_run(l->chunks));
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
    TRY(l->chunks != NULL ? ting_chunk_ear_finish(l->chunks) : ting_segment_ear_finish(l->segments));
out:
    return err;
}

double ting_listener_fed(const ting_listener *l)
{
    return (double)l->fed / l->rate;
}

double ting_listener_row_seconds(const ting_listener *l)
{
    const ting_am *am = l->run.am;
    return (double)ting_encoder_step(&am->net->config.encoder) * am->features.shift / am->features.rate;
}

int ting_listener_chunk_rows(const ting_listener *l)
{
    if (l->chunks != NULL)
        return ting_encoder_chunk_rows(&l->run.am->net->config.encoder);
    const double rows = round(look_seconds / ting_listener_row_seconds(l));
    return rows < 1 ? 1 : (int)rows;
}

double ting_listener_heard(const ting_listener *l)
{
    return (double)l->run.rows * ting_listener_row_seconds(l);
}
