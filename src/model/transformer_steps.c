/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transformer_steps.c - see transformer_steps.h.
 *
 * Kept for each layer: keys and values of the memory, made once, and of the places of each hypothesis, `longest` rows a
 * hypothesis. Hypotheses that change places are copied into a second set of rows, which then takes the place of the first.
 */
#include "model/transformer_steps.h"

#include "base/mem.h"

#include <string.h>

enum { MOST_PLACES = 1 << 24 }; /* of all hypotheses */

struct ting_transformer_steps {
    const ting_transformer_shape *shape;
    const ting_transformer_layer *layers;
    int layer_count;
    int most, longest;
    int count, length;              /* hypotheses, places in each of them */
    int *memory_start;              /* [segments + 1] */
    int *of_memory, *of_memory_new; /* [most] each hypothesis's segment */
    ting_real *memory;              /* [layers] of keys, then of values, [M, width] each */
    ting_real *past, *past_new;     /* the same, [most longest, width] each */
    int memory_rows;
};

/* Keys or values of a layer in one of the blocks above. */
static ting_tensor part_of(const ting_transformer_steps *s, ting_real *block, int rows, int layer, int value)
{
    const int width = s->shape->width;
    return (ting_tensor){.data = block + (size_t)(2 * layer + value) * (size_t)rows * (size_t)width,
                         .rows = rows, .cols = width, .ld = width};
}

static ting_mha_kept kept_of(const ting_transformer_steps *s, ting_real *block, int rows, int layer, const int *row)
{
    return (ting_mha_kept){part_of(s, block, rows, layer, 0), part_of(s, block, rows, layer, 1), row};
}

static void keep_memory(ting_ctx *ctx, ting_transformer_steps *s, ting_tensor memory)
{
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    for (int i = 0; i < s->layer_count && ctx->err == TING_OK; i++) {
        const ting_mha_kept made = ting_mha_keep(ctx, &s->layers[i].cross, memory);
        const ting_mha_kept to = kept_of(s, s->memory, memory.rows, i, NULL);
        for (int r = 0; r < made.values.rows; r++) {
            memcpy(ting_row(to.keys, r), ting_row(made.keys, r), (size_t)memory.cols * sizeof(ting_real));
            memcpy(ting_row(to.values, r), ting_row(made.values, r), (size_t)memory.cols * sizeof(ting_real));
        }
    }
    ting_arena_rewind(ctx->arena, mark);
}

ting_err ting_transformer_steps_new(ting_ctx *ctx, const ting_transformer_shape *shape, const ting_transformer_layer *layers,
                                    int layer_count, ting_tensor memory, ting_segments memory_segments, int most, int longest,
                                    ting_transformer_steps **out)
{
    ting_err err = TING_OK;
    ting_transformer_steps *s = NULL;
    *out = NULL;
    TRY(ctx->err);
    if (memory_segments.count < 1 || most < memory_segments.count || longest < 1 || longest > MOST_PLACES / most)
        FAIL(TING_ERR_ARGUMENT, "decoder: %d hypotheses of at most %d tokens for %d utterances", most, longest, memory_segments.count);
    s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    const size_t row = 2 * (size_t)layer_count * (size_t)shape->width;
    *s = (ting_transformer_steps){.shape = shape, .layers = layers, .layer_count = layer_count, .most = most, .longest = longest,
                                  .count = memory_segments.count, .memory_rows = memory.rows};
    s->memory_start = ting_alloc((size_t)memory_segments.count + 1, sizeof *s->memory_start);
    s->of_memory = ting_alloc((size_t)most, sizeof *s->of_memory);
    s->of_memory_new = ting_alloc((size_t)most, sizeof *s->of_memory_new);
    s->memory = ting_alloc((size_t)memory.rows * row, sizeof *s->memory);
    s->past = ting_alloc((size_t)most * (size_t)longest * row, sizeof *s->past);
    s->past_new = ting_alloc((size_t)most * (size_t)longest * row, sizeof *s->past_new);
    if (s->memory_start == NULL || s->of_memory == NULL || s->of_memory_new == NULL || s->memory == NULL || s->past == NULL ||
        s->past_new == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d hypotheses of %d tokens", most, longest);
    memcpy(s->memory_start, memory_segments.start, ((size_t)memory_segments.count + 1) * sizeof *s->memory_start);
    for (int h = 0; h < s->count; h++)
        s->of_memory[h] = h;
    keep_memory(ctx, s, memory);
    TRY(ctx->err);
    *out = s;
    s = NULL;
out:
    ting_transformer_steps_free(s);
    return err;
}

void ting_transformer_steps_free(ting_transformer_steps *s)
{
    if (s == NULL)
        return;
    ting_free(s->memory_start);
    ting_free(s->of_memory);
    ting_free(s->of_memory_new);
    ting_free(s->memory);
    ting_free(s->past);
    ting_free(s->past_new);
    ting_free(s);
}

static void swap(ting_real **a, ting_real **b)
{
    ting_real *kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts hypothesis parents[i] at place i. */
static void follow(ting_transformer_steps *s, const int *parents, int count)
{
    const int rows = s->most * s->longest, width = s->shape->width;
    for (int part = 0; part < 2 * s->layer_count; part++) {
        const ting_tensor from = part_of(s, s->past, rows, part / 2, part % 2), to = part_of(s, s->past_new, rows, part / 2, part % 2);
        for (int i = 0; i < count && s->length > 0; i++)
            memcpy(ting_row(to, i * s->longest), ting_row(from, parents[i] * s->longest),
                   (size_t)s->length * (size_t)width * sizeof(ting_real));
    }
    swap(&s->past, &s->past_new);
    for (int i = 0; i < count; i++)
        s->of_memory_new[i] = s->of_memory[parents[i]];
    memcpy(s->of_memory, s->of_memory_new, (size_t)count * sizeof *s->of_memory);
}

static bool check(ting_ctx *ctx, const ting_transformer_steps *s, const int *parents, int count)
{
    if (count < 1 || count > s->most || s->length >= s->longest)
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "decoder: %d hypotheses of %d tokens, there is room for %d of %d", count,
                      s->length + 1, s->most, s->longest);
    for (int i = 0; i < count && ctx->err == TING_OK; i++) {
        const int parent = parents == NULL ? i : parents[i];
        if (parent < 0 || parent >= s->count)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "decoder: hypothesis %d of %d goes on", parent, s->count);
    }
    return ctx->err == TING_OK;
}

/* Who sees what: each query its hypothesis's tokens, and all rows of its utterance; the rows that are new. */
static int *look(ting_ctx *ctx, const ting_transformer_steps *s, ting_attention *self, ting_attention *across)
{
    const size_t count = (size_t)s->count;
    ting_span *spans = ting_arena_take_zeroed(ctx->arena, 2 * count, sizeof *spans);
    int *row = ting_ctx_ints(ctx, s->count);
    if (spans == NULL)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "no memory for the spans of %d hypotheses", s->count);
    if (ctx->err != TING_OK)
        return NULL;
    for (int i = 0; i < s->count; i++) {
        const int first = i * s->longest, m = s->of_memory[i];
        row[i] = first + s->length;
        spans[i] = (ting_span){.q0 = i, .q1 = i + 1, .k0 = first, .k1 = row[i] + 1};
        spans[s->count + i] = (ting_span){.q0 = i, .q1 = i + 1, .k0 = s->memory_start[m], .k1 = s->memory_start[m + 1]};
    }
    *self = (ting_attention){.spans = spans, .count = s->count, .heads = s->shape->heads};
    *across = (ting_attention){.spans = spans + count, .count = s->count, .heads = s->shape->heads};
    return row;
}

int ting_transformer_steps_length(const ting_transformer_steps *s)
{
    return s->length;
}

ting_tensor ting_transformer_steps_take(ting_ctx *ctx, ting_transformer_steps *s, ting_tensor x, const int *parents)
{
    const ting_tensor none = {0};
    ting_attention self, across;
    if (ctx->err != TING_OK || !check(ctx, s, parents, x.rows))
        return none;
    if (parents != NULL)
        follow(s, parents, x.rows);
    s->count = x.rows;
    const int *row = look(ctx, s, &self, &across);
    for (int i = 0; i < s->layer_count && ctx->err == TING_OK; i++) {
        const ting_mha_kept past = kept_of(s, s->past, s->most * s->longest, i, row);
        const ting_mha_kept memory = kept_of(s, s->memory, s->memory_rows, i, NULL);
        x = ting_transformer_layer_step(ctx, s->shape, &s->layers[i], x, &self, &past, &across, &memory);
    }
    if (ctx->err != TING_OK)
        return none;
    s->length++;
    return x;
}
