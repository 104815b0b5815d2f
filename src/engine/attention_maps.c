/* SPDX-License-Identifier: Apache-2.0 */
/* attention_maps.c - see attention_maps.h. */
#include "engine/attention_maps.h"

#include "base/mem.h"
#include "nn/attention.h"

#include <stdio.h>
#include <string.h>

static const size_t most_weights = (size_t)16 << 20;

void ting_attention_maps_call(ting_attention_maps *maps, long first)
{
    maps->call = first;
    maps->at = 0;
}

/* The row of a query: the weights of all heads for the keys that it sees. */
static ting_err keep_row(ting_attention_maps *maps, ting_attention_map *map, const ting_attention *geometry, ting_tensor weights,
                         int span, int query)
{
    ting_err err = TING_OK;
    const ting_span *s = &geometry->spans[span];
    int first, end;
    ting_attention_visible(geometry, span, query, &first, &end);
    const size_t keys = end > first ? (size_t)(end - first) : 0, count = keys * (size_t)geometry->heads;
    if (maps->total + count > most_weights) {
        maps->full = true;
        goto out;
    }
    TRY(ting_reserve(&map->rows, (size_t)map->count, 1, &map->row_room, sizeof *map->rows));
    TRY(ting_reserve(&map->weights, map->weight_count, count, &map->weight_room, sizeof *map->weights));
    map->rows[map->count++] = (ting_attention_look){
        .call = maps->call, .row = s->q0 + query, .lag = first - s->first_key - query, .keys = (int)keys, .at = map->weight_count};
    for (int head = 0; head < geometry->heads; head++) {
        const ting_real *row = ting_row(weights, ting_attention_row(geometry, span, head, query));
        for (size_t k = 0; k < keys; k++)
            map->weights[map->weight_count++] = (float)row[(size_t)first + k];
    }
    maps->total += count;
out:
    return err;
}

static void attend(void *self, const ting_attention *geometry, ting_tensor weights)
{
    ting_attention_maps *maps = self;
    if (maps->err != TING_OK || maps->full)
        return;
    if (maps->at == maps->count) {
        maps->err = ting_reserve(&maps->items, (size_t)maps->count, 1, &maps->room, sizeof *maps->items);
        if (maps->err != TING_OK)
            return;
        maps->items[maps->count++] = (ting_attention_map){.heads = geometry->heads};
    }
    ting_attention_map *map = &maps->items[maps->at++];
    for (int s = 0; s < geometry->count; s++)
        for (int i = 0; i < geometry->spans[s].q1 - geometry->spans[s].q0 && maps->err == TING_OK; i++)
            maps->err = keep_row(maps, map, geometry, weights, s, i);
}

/* A layer's output bears the name that its attention, seen before it, lacks. */
static void see(void *self, const char *name, ting_tensor value)
{
    (void)value;
    ting_attention_maps *maps = self;
    ting_attention_map *map = maps->at > 0 ? &maps->items[maps->at - 1] : NULL;
    if (map != NULL && map->name[0] == '\0')
        snprintf(map->name, sizeof map->name, "%s", name);
}

ting_tap ting_attention_maps_tap(ting_attention_maps *maps)
{
    return (ting_tap){.see = see, .attend = attend, .self = maps};
}

void ting_attention_maps_free(ting_attention_maps *maps)
{
    for (int i = 0; i < maps->count; i++) {
        ting_free(maps->items[i].rows);
        ting_free(maps->items[i].weights);
    }
    ting_free(maps->items);
    *maps = (ting_attention_maps){0};
}
