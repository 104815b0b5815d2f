/* SPDX-License-Identifier: Apache-2.0 */
/* decoded.h - what every acoustic decoder gives: tokens with the encoder row of their emission and a score. */
#ifndef TING_DECODE_DECODED_H
#define TING_DECODE_DECODED_H

enum { TING_RIVALS = 3 };

typedef struct ting_rival { /* a token that was nearly emitted instead */
    int token;              /* -1: there is none */
    double log_prob;
} ting_rival;

typedef struct ting_emission {
    int token;
    long row;        /* encoder row since the start of the stream (25 a second for Zipformer) */
    double log_prob; /* of the token where it was emitted, given what came before */
    ting_rival rivals[TING_RIVALS]; /* likeliest first, with what came before */
} ting_emission;

typedef struct ting_decoded {
    const ting_emission *emissions; /* borrows from the decoder until its next call */
    int count;
    double log_prob; /* of the whole hypothesis */
} ting_decoded;

#endif
