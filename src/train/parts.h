/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - parts of a network that are trained in their own way: the keys `freeze` and `groups` of a recipe's group `train`.
 *
 *     freeze: [encoder_embed, encoder.encoders.0]            as they are
 *     groups: [{prefix: encoder, rate: 0.1}]                 at a tenth of the learning rate
 *
 * A prefix names the parameters that are called so or whose name goes on with a dot ("encoder.encoders.1" is not a part of
 * "encoder.encoders.10"); `tingxie inspect` lists the names (behind "am."). Where several fit, the longest counts.
 */
#ifndef TING_TRAIN_PARTS_H
#define TING_TRAIN_PARTS_H

#include "base/yaml.h"
#include "nn/param.h"

enum { TING_MOST_PARTS = 32 };

typedef struct ting_train_part { /* texts borrow from the recipe's document */
    const char *prefix, *path;   /* of the recipe */
    int line;
    double rate; /* times the learning rate; 0: frozen */
} ting_train_part;

typedef struct ting_train_parts {
    ting_train_part item[TING_MOST_PARTS];
    int count;
} ting_train_parts;

/* Reads both keys where they are there. Errors: format, naming the line. */
ting_err ting_train_parts_read(ting_yaml *map, ting_train_parts *parts);

/* Freezes parameters, between their declaration and ting_params_alloc. Errors: format (a prefix that names nothing; nothing
 * left to train), naming the line. */
ting_err ting_train_parts_freeze(const ting_train_parts *parts, ting_params *params);

/* The part that parameter `index` belongs to; -1: none. */
int ting_train_part_of(const ting_train_parts *parts, ting_params *params, int index);

#endif
