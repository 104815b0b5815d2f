/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ears.h - the two ways in which a listener hears; samples of the model's rate in, rows of the encoder out.
 *
 *     chunk ear     a streaming encoder: frames as they come, a chunk or more a call
 *     segment ear   an encoder of whole utterances, or features of whole recordings: segments between pauses (cutter.h), with
 *                   some sound before and behind as context; each row stands where it would stand in the whole
 */
#ifndef TING_ENGINE_EARS_H
#define TING_ENGINE_EARS_H

#include "engine/listener.h"

typedef struct ting_hearing_run { /* where both run the network and where rows go */
    const ting_am *am;
    ting_row_sink sink;
    ting_arena *arena;
    ting_ctx ctx;
    long rows; /* given to the sink */
} ting_hearing_run;

/* One call of the network on frames [count, dim]: a stream's with its state, or a whole utterance with NULL. Rows skip ..
 * skip + keep - 1 go to the sink, those of a stream all. Errors: memory, numeric, internal, those of the sink. */
ting_err ting_hear_frames(ting_hearing_run *run, const float *frames, int count, ting_encoder_state *state, int skip, int keep);

typedef struct ting_chunk_ear ting_chunk_ear;
bool ting_chunk_ear_fits(const ting_am *am);
ting_err ting_chunk_ear_new(ting_hearing_run *run, ting_chunk_ear **out); /* borrows run */
void ting_chunk_ear_free(ting_chunk_ear *ear);
void ting_chunk_ear_reset(ting_chunk_ear *ear);
/* Takes samples; a full call of the network runs at once, what is ready besides with ting_chunk_ear_run. */
ting_err ting_chunk_ear_accept(ting_chunk_ear *ear, const float *samples, size_t count);
ting_err ting_chunk_ear_run(ting_chunk_ear *ear);
ting_err ting_chunk_ear_finish(ting_chunk_ear *ear);

typedef struct ting_segment_ear ting_segment_ear;
ting_err ting_segment_ear_new(ting_hearing_run *run, double pause, double longest, ting_segment_ear **out); /* borrows run */
void ting_segment_ear_free(ting_segment_ear *ear);
void ting_segment_ear_reset(ting_segment_ear *ear);
ting_err ting_segment_ear_accept(ting_segment_ear *ear, const float *samples, size_t count);
ting_err ting_segment_ear_finish(ting_segment_ear *ear);

#endif
