/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk_ear.c - see ears.h. As many whole chunks as there are, up to a limit, go through the network in one call; in steady
 * state nothing is allocated.
 *
 * At the end an encoder that takes whole chunks only (Zipformer) gets silence, as its reference does, so that the look-ahead
 * of the last sounds is filled; what then does not fill a chunk is silence and is dropped. Another gets what is left.
 */
#include "engine/ears.h"

#include "base/mem.h"
#include "feat/fbank.h"

#include <math.h>

enum {
    MAX_CHUNKS = 16,   /* that go through the network in one call: 16 of 0.32 s take about 3 MB of arena */
    SILENCE = 1024,    /* samples at a time */
};
static const double tail_seconds = 0.66; /* of silence at the end, at least: more than a chunk of 0.32 s and its look-ahead */

struct ting_chunk_ear {
    ting_hearing_run *run;
    ting_fbank *fbank;
    ting_encoder_state *state;
    float *frames; /* [max_frames, dim] */
    int max_frames;
};

bool ting_chunk_ear_fits(const ting_am *am)
{
    return ting_encoder_streams(&am->net->config.encoder) && am->features.kind == TING_FEATURE_FBANK &&
           (am->features.cmvn == TING_CMVN_NONE || am->features.cmvn == TING_CMVN_GLOBAL);
}

ting_err ting_chunk_ear_new(ting_hearing_run *run, ting_chunk_ear **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_chunk_ear *ear = ting_alloc(1, sizeof *ear);
    if (ear == NULL)
        return TING_ERR_MEMORY;
    ear->run = run;
    TRY(ting_encoder_state_new(run->am->net->encoder, &ear->state));
    ear->max_frames = ting_encoder_frames(ear->state, MAX_CHUNKS);
    ear->frames = ting_alloc((size_t)ear->max_frames * (size_t)ting_feature_dim(&run->am->features), sizeof *ear->frames);
    if (ear->frames == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a stream");
    TRY(ting_fbank_new(&run->am->features, &ear->fbank));
    *out = ear;
    ear = NULL;
out:
    ting_chunk_ear_free(ear);
    return err;
}

void ting_chunk_ear_free(ting_chunk_ear *ear)
{
    if (ear == NULL)
        return;
    ting_fbank_free(ear->fbank);
    ting_encoder_state_free(ear->state);
    ting_free(ear->frames);
    ting_free(ear);
}

void ting_chunk_ear_reset(ting_chunk_ear *ear)
{
    ting_fbank_reset(ear->fbank);
    ting_encoder_state_reset(ear->state);
}

/* The next `count` frames, through the network. */
static ting_err run_frames(ting_chunk_ear *ear, int count)
{
    const ting_am *am = ear->run->am;
    ting_fbank_read(ear->fbank, ear->frames, (size_t)count);
    if (am->features.cmvn == TING_CMVN_GLOBAL)
        ting_cmvn_apply(&am->cmvn, ear->frames, (size_t)count);
    return ting_hear_frames(ear->run, ear->frames, count, ear->state, 0, 0);
}

ting_err ting_chunk_ear_run(ting_chunk_ear *ear)
{
    ting_err err = TING_OK;
    for (;;) {
        size_t ready = ting_fbank_ready(ear->fbank);
        int chunks = MAX_CHUNKS;
        while (chunks > 0 && (size_t)ting_encoder_frames(ear->state, chunks) > ready)
            chunks--;
        if (chunks == 0)
            break;
        TRY(run_frames(ear, ting_encoder_frames(ear->state, chunks)));
    }
out:
    return err;
}

ting_err ting_chunk_ear_accept(ting_chunk_ear *ear, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    TRY(ting_fbank_accept(ear->fbank, samples, count));
    if (ting_fbank_ready(ear->fbank) >= (size_t)ear->max_frames)
        TRY(ting_chunk_ear_run(ear));
out:
    return err;
}

ting_err ting_chunk_ear_finish(ting_chunk_ear *ear)
{
    ting_err err = TING_OK;
    static const float silence[SILENCE];
    const ting_feature_config *features = &ear->run->am->features;
    const bool whole = ting_encoder_last_frames(ear->state) == ting_encoder_frames(ear->state, 1);
    const double frames = ting_encoder_frames(ear->state, 1) + 20; /* 0.2 s to spare */
    const double seconds = whole ? fmax(tail_seconds, frames * features->shift / features->rate) : 0;
    for (long left = lround(seconds * features->rate); left > 0; left -= SILENCE)
        TRY(ting_chunk_ear_accept(ear, silence, left < SILENCE ? (size_t)left : SILENCE));
    ting_fbank_finish(ear->fbank);
    TRY(ting_chunk_ear_run(ear));
    const size_t ready = ting_fbank_ready(ear->fbank);
    if (ready >= (size_t)ting_encoder_last_frames(ear->state)) /* less than a chunk, so there is room */
        TRY(run_frames(ear, (int)ready));
out:
    return err;
}
