/* SPDX-License-Identifier: Apache-2.0 */
/* predictor_cache.c - see predictor_cache.h. */
#include "decode/predictor_cache.h"

#include "base/mem.h"
#include "base/rng.h"

#include <string.h>

enum { PLACES = 256 };

struct ting_predictor_cache {
    const ting_transducer *model;
    int length, dim;
    int *keys;       /* [PLACES, length] */
    bool *full;      /* [PLACES] */
    ting_real *rows; /* [PLACES, dim] */
};

void ting_predictor_start(const ting_transducer *model, int before, int *context)
{
    const ting_transducer_config *config = ting_transducer_settings(model);
    for (int i = 0; i < TING_TRANSDUCER_MAX_CONTEXT; i++)
        context[i] = before;
    context[config->context - 1] = config->blank;
}

void ting_predictor_push(const ting_transducer *model, int token, int *context)
{
    int length = ting_transducer_settings(model)->context;
    memmove(context, context + 1, (size_t)(length - 1) * sizeof *context);
    context[length - 1] = token;
}

ting_predictor_cache *ting_predictor_cache_new(const ting_transducer *model)
{
    const ting_transducer_config *config = ting_transducer_settings(model);
    ting_predictor_cache *cache = ting_alloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    cache->model = model;
    cache->length = config->context;
    cache->dim = config->joiner_dim;
    cache->keys = ting_alloc(PLACES * (size_t)cache->length, sizeof *cache->keys);
    cache->full = ting_alloc(PLACES, sizeof *cache->full);
    cache->rows = ting_alloc(PLACES * (size_t)cache->dim, sizeof *cache->rows);
    if (cache->keys == NULL || cache->full == NULL || cache->rows == NULL) {
        ting_predictor_cache_free(cache);
        return NULL;
    }
    return cache;
}

void ting_predictor_cache_free(ting_predictor_cache *cache)
{
    if (cache == NULL)
        return;
    ting_free(cache->keys);
    ting_free(cache->full);
    ting_free(cache->rows);
    ting_free(cache);
}

static size_t place_of(const ting_predictor_cache *cache, const int *context)
{
    uint64_t hash = 0;
    for (int i = 0; i < cache->length; i++)
        hash = ting_rng_at(hash, (uint64_t)(uint32_t)context[i]);
    return (size_t)(hash % PLACES);
}

/* The row of a context, computed if it is not there. */
static const ting_real *row_of(ting_predictor_cache *cache, ting_ctx *ctx, const int *context)
{
    size_t place = place_of(cache, context), key = (size_t)cache->length * sizeof *context;
    ting_real *row = cache->rows + place * (size_t)cache->dim;
    int *stored = cache->keys + place * (size_t)cache->length;
    if (cache->full[place] && memcmp(stored, context, key) == 0)
        return row;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_tensor fresh = ting_transducer_contexts(ctx, cache->model, context, 1);
    if (ctx->err == TING_OK) {
        memcpy(row, fresh.data, (size_t)cache->dim * sizeof *row);
        memcpy(stored, context, key);
        cache->full[place] = true;
    }
    ting_arena_rewind(ctx->arena, mark);
    return row;
}

ting_tensor ting_predictor_rows(ting_predictor_cache *cache, ting_ctx *ctx, const int *contexts,
                                int count)
{
    ting_tensor rows = ting_ctx_constant(ctx, count, cache->dim);
    for (int i = 0; i < count && ctx->err == TING_OK; i++)
        memcpy(ting_row(rows, i), row_of(cache, ctx, contexts + (size_t)i * (size_t)cache->length),
               (size_t)cache->dim * sizeof *rows.data);
    return rows;
}
