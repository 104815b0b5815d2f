/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h - a stream with somebody who watches how its sentences come about: what is seen is what recognition does, not a
 * repetition of it.
 */
#ifndef TING_ENGINE_WITNESS_H
#define TING_ENGINE_WITNESS_H

#include "engine/hanzi_p2h.h"
#include "engine/listener.h"
#include "engine/sentence.h"

typedef struct ting_testimony {    /* of one sentence */
    const ting_sentence *sentence; /* as the stream gives it: valid until the poll that finds nothing */
    const ting_heard *heard;       /* [heard_count] what the search heard, the likeliest first; until the call returns */
    int heard_count;
    const ting_hanzi_seen *seen;   /* the same; what it holds lies where the sentence does. NULL: no hanzi were looked for */
    const ting_hanzi_p2h_use *use; /* the network, the language model and the weights that chose; NULL likewise */
} ting_testimony;

typedef struct ting_witness {
    const ting_tap *tap;                                        /* inside the encoder; NULL: none */
    void (*call)(void *self, long first);                       /* see ting_row_sink.begin */
    ting_err (*rows)(void *self, ting_tensor rows, long first); /* of the encoder; until the call returns */
    ting_err (*sentence)(void *self, const ting_testimony *testimony);
    void *self;
} ting_witness;

/* As ting_stream_new; the witness is borrowed until the stream is freed, its errors are the stream's. */
ting_err ting_stream_new_watched(const ting_model *model, const ting_options *options, int rate, const ting_witness *witness,
                                 ting_stream **out);

#endif
