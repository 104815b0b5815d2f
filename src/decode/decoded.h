/* SPDX-License-Identifier: Apache-2.0 */
/* decoded.h - what every acoustic decoder gives: tokens with the encoder row of their emission and a score. */
#ifndef TING_DECODE_DECODED_H
#define TING_DECODE_DECODED_H

typedef struct ting_emission {
    int token;
    long row;        /* encoder row since the start of the stream (25 a second for Zipformer) */
    double log_prob; /* of the token where it was emitted, given what came before */
} ting_emission;

typedef struct ting_decoded {
    const ting_emission *emissions; /* borrows from the decoder until its next call */
    int count;
    double log_prob; /* of the whole hypothesis */
} ting_decoded;

#endif
