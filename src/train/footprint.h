/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint.h - the memory that a training holds from its first step to its last: known from the shapes of the
 * parameters and from the task, before any of it is taken. Activations come on top; they are measured (trainer.c).
 */
#ifndef TING_TRAIN_FOOTPRINT_H
#define TING_TRAIN_FOOTPRINT_H

#include "base/str.h"
#include "nn/param.h"
#include "train/plan.h"

#include <stdint.h>

typedef struct ting_footprint { /* bytes, of one process */
    double parameters, gradients, optimizer, average;
    double data;       /* what the task takes while it trains: decoded sound, batches made ahead */
    double checkpoint; /* on disk, without the curve */
} ting_footprint;

/* The parameters need be declared only. */
ting_footprint ting_footprint_of(ting_params *params, const ting_train_plan *plan, double data);

/* Whether so many processes with this footprint fit into `available` bytes. Errors: memory, with the sum; `recipe`
 * begins the sentence. */
ting_err ting_footprint_fit(const ting_footprint *footprint, int processes, uint64_t available, const char *recipe);

/* "13.2 MB parameters, 13.2 MB gradients, ..." */
void ting_footprint_print(const ting_footprint *footprint, ting_str *out);

#endif
