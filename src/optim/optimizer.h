/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optimizer.h - what a trainer asks of an optimizer: a step, and its state for checkpoints.
 *
 * Every optimizer updates the parameters of one registry from their gradients, skips frozen ones, and gives the
 * same bits on any number of threads. One thread at a time.
 */
#ifndef TING_OPTIM_OPTIMIZER_H
#define TING_OPTIM_OPTIMIZER_H

#include "base/pool.h"
#include "kern/kern.h"

#include <stddef.h>

/* A piece of state, by name: what is saved and restored byte by byte. */
typedef struct ting_state_block {
    const char *name; /* at most 31 bytes, unique among the blocks of a checkpoint */
    void *data;
    size_t bytes;
} ting_state_block;

enum { TING_OPTIMIZER_BLOCKS = 8 };

typedef struct ting_optimizer { /* zeroed: none */
    void *self;
    void (*step)(void *self, const ting_kern *kern, ting_pool *pool, double rate);
    int (*state)(void *self, ting_state_block out[TING_OPTIMIZER_BLOCKS]); /* returns how many */
    void (*free)(void *self);
} ting_optimizer;

#endif
