/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - the whole state of a training in one file, replaced atomically.
 *
 *     "TINGCKP1" | u32 bytes of a number, u32 blocks | u64 elements, curve points, corpus hash, shape hash |
 *     i64 step, epoch, place, moments (optimizer steps), decay_from, decay_steps, skipped |
 *     numbers: weights, mean, square, average [elements each] | curve points | u64 fingerprint of all before
 *
 * Native byte order: a checkpoint continues on the kind of machine that wrote it; models travel as GGUF.
 * What is not in it is a function of the recipe and of (epoch, place): see data/p2h_batch.h.
 */
#ifndef TING_TRAIN_CHECKPOINT_H
#define TING_TRAIN_CHECKPOINT_H

#include "base/err.h"
#include "base/real.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ting_curve_point {
    int64_t step;
    double loss, rate; /* mean loss per character since the point before */
    double seconds;    /* of training so far */
    double errors;     /* error rate on the held-out lines, or < 0: not measured here */
} ting_curve_point;

typedef struct ting_checkpoint {
    size_t elements;
    ting_real *values, *mean, *square, *average; /* [elements]; borrowed: written from, or read into */
    uint64_t corpus_hash, shape_hash;
    int64_t step, epoch, place, moments;
    int64_t decay_from, decay_steps; /* decay_steps 0: not decaying */
    int64_t skipped;                 /* steps left out because something was not finite */
    ting_curve_point *curve;         /* owned by whoever filled it */
    size_t curve_count;
} ting_checkpoint;

ting_err ting_checkpoint_save(const char *path, const ting_checkpoint *checkpoint);

/* Reads into the blocks that `out` points to; out->elements and both hashes must match (model: says which does not).
 * out->curve is replaced by an owned block (ting_free). Errors: io, format (truncated, damaged), model, memory. */
ting_err ting_checkpoint_load(const char *path, ting_checkpoint *out);

#endif
