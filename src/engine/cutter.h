/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cutter.h - where to cut a sound into the segments that a whole-utterance network hears, from its loudness.
 *
 *     ting_cutter_start(&cutter, &options);
 *     for each unit of sound:  TRY(ting_cutter_add(&cutter, mean_square));
 *                              while (ting_cutter_next(&cutter, &length, &pause))
 *                                  the next `length` units are a segment; `context` more are there behind it
 *
 * A unit is quiet when its level lies below a third of the way from the background to the loudest, both of which are followed
 * as they change. A segment ends in a quiet run of `pause` units; from two thirds of `longest` in any of `short_pause`; at
 * `longest` at the quietest place of its last third. Decisions depend on the units alone, so on nothing else.
 */
#ifndef TING_ENGINE_CUTTER_H
#define TING_ENGINE_CUTTER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_cutter_options { /* in units */
    int pause, short_pause, longest;
    int context;    /* units behind a segment that must be there before it is given */
    double seconds; /* of a unit */
} ting_cutter_options;

typedef struct ting_cutter { /* free levels with ting_cutter_free */
    ting_cutter_options options;
    double *levels; /* [count] in dB, of the units since the segment's beginning */
    int count;
    size_t room;
    int scanned;    /* units that were looked at */
    int quiet;      /* length of the quiet run that ends there */
    bool loud;      /* some unit since the last pause was not quiet */
    int cut;        /* where the segment will end; 0: not known yet */
    bool pause;     /* because of a pause */
    double background, loudest;
    bool begun;     /* background and loudest are known */
} ting_cutter;

void ting_cutter_start(ting_cutter *cutter, const ting_cutter_options *options); /* keeps the memory of levels */
void ting_cutter_free(ting_cutter *cutter);

/* The mean of the squares of a unit's samples. Errors: memory. */
ting_err ting_cutter_add(ting_cutter *cutter, double mean_square);

/* Whether a segment is complete; *pause: it ends in a pause long enough to end a sentence. */
bool ting_cutter_next(ting_cutter *cutter, int *length, bool *pause);

#endif
