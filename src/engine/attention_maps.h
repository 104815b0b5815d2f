/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_maps.h - what the attention of each layer of an encoder looks at, gathered by a tap while it hears: for each row, the
 * keys that it sees with their weights, of each head.
 *
 *     ting_attention_maps maps = {0};
 *     ting_tap tap = ting_attention_maps_tap(&maps);
 *     before each call of the network: ting_attention_maps_call(&maps, number of its first row in the sound)
 */
#ifndef TING_ENGINE_ATTENTION_MAPS_H
#define TING_ENGINE_ATTENTION_MAPS_H

#include "nn/ctx.h"

typedef struct ting_attention_look { /* of a query */
    long call;                       /* the encoder's row (of its output) with which its call of the network began */
    int row;                         /* of the layer, since then */
    int lag;                         /* the first key's row less its own: -12 is twelve rows of the layer ago */
    int keys;
    size_t at; /* weights [heads, keys] */
} ting_attention_look;

typedef struct ting_attention_map { /* of a layer */
    char name[64];                  /* as the tap sees its output: "encoder.encoders.0.layers.0" */
    int heads;
    ting_attention_look *rows; /* [count] in order of time */
    int count;
    float *weights; /* [weight_count] */
    size_t row_room, weight_count, weight_room;
} ting_attention_map;

typedef struct ting_attention_maps { /* start with {0}; free with ting_attention_maps_free */
    ting_attention_map *items;       /* [count] layer after layer */
    int count;
    size_t room, total; /* weights of all */
    int at;             /* the layer that comes next in the call at hand */
    long call;
    bool full;    /* what came later is left out: at most 64 MiB are kept */
    ting_err err; /* sticky: memory */
} ting_attention_maps;

/* Borrows the maps. Attention over several utterances at once is not for it. */
ting_tap ting_attention_maps_tap(ting_attention_maps *maps);
void ting_attention_maps_call(ting_attention_maps *maps, long first);
void ting_attention_maps_free(ting_attention_maps *maps);

#endif
