/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sound_blocks.h - the sounds of a manifest's clips, examined by a team of threads, a block of clips at a time.
 *
 *     TRY(ting_sound_blocks_start(&blocks, &plan, manifest));
 *     for (;;) {
 *         TRY(ting_sound_blocks_next(&blocks));
 *         if (blocks.count == 0)
 *             break;
 *         ... blocks.sounds[i] is of clip blocks.first + i ...
 *     }
 *     ting_sound_blocks_free(&blocks);     in any case
 *
 * Clips that stand one after the other and have one file are in one block and opened once.
 */
#ifndef TING_DATA_SOUND_BLOCKS_H
#define TING_DATA_SOUND_BLOCKS_H

#include "base/pool.h"
#include "data/clip_sound.h"

typedef struct ting_sound_plan {
    bool decode;             /* see clip_sound.h */
    int threads;             /* 0: one for each processor */
    int (*stop)(void *self); /* may be NULL; asked by any of the threads, 1: cancelled */
    void *self;
} ting_sound_plan;

typedef struct ting_sound_blocks { /* start with {0} */
    ting_sound_plan plan;
    const ting_manifest *manifest;
    ting_pool *pool;
    size_t first, count;     /* the block; count 0: no more */
    ting_clip_sound *sounds; /* [count] */
    size_t room;
    size_t *runs; /* [run_count + 1], private: where in the block another file begins */
    size_t run_count, run_room;
} ting_sound_blocks;

/* Borrows the manifest until free. Errors: memory. */
ting_err ting_sound_blocks_start(ting_sound_blocks *blocks, const ting_sound_plan *plan, const ting_manifest *manifest);

/* The next block. What is wrong with a sound stands in its `err`. Errors: memory, cancelled. */
ting_err ting_sound_blocks_next(ting_sound_blocks *blocks);
void ting_sound_blocks_free(ting_sound_blocks *blocks);

#endif
