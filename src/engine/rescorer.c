/* SPDX-License-Identifier: Apache-2.0 */
/* rescorer.c - see rescorer.h. */
#include "engine/rescorer.h"

#include "base/mem.h"

#include <string.h>

/* Rows before the first token that belong to the sentence (a second, where a row is 40 ms), and the most that are kept. */
enum { LEAD = 25, MOST_ROWS = 8192 };

struct ting_rescorer {
    const ting_attention_decoder *decoder;
    ting_rescore_options options;
    ting_ctx where; /* arena, pool and kernels of the last rows */
    int width;
    ting_real *rows; /* [count, width] */
    size_t room;     /* numbers */
    int count;
    long first; /* row of the stream that rows[0] is */
    ting_decoded *ordered;
    size_t ordered_room;
};

ting_err ting_rescorer_new(const ting_attention_decoder *decoder, const ting_rescore_options *options, ting_rescorer **out)
{
    *out = ting_alloc(1, sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    **out = (ting_rescorer){.decoder = decoder, .options = *options, .width = ting_attention_decoder_settings(decoder)->width};
    return TING_OK;
}

void ting_rescorer_free(ting_rescorer *r)
{
    if (r == NULL)
        return;
    ting_free(r->rows);
    ting_free(r->ordered);
    ting_free(r);
}

void ting_rescorer_reset(ting_rescorer *r)
{
    r->first = 0;
    r->count = 0;
}

void ting_rescorer_cut(ting_rescorer *r)
{
    r->first += r->count;
    r->count = 0;
}

ting_err ting_rescorer_hear(ting_rescorer *r, const ting_ctx *ctx, ting_tensor rows)
{
    ting_err err = TING_OK;
    const size_t width = (size_t)r->width;
    r->where = (ting_ctx){.arena = ctx->arena, .pool = ctx->pool, .kern = ctx->kern, .multiply = ctx->multiply};
    if (r->count > MOST_ROWS) {
        const int gone = r->count / 2;
        memmove(r->rows, r->rows + (size_t)gone * width, (size_t)(r->count - gone) * width * sizeof *r->rows);
        r->first += gone;
        r->count -= gone;
    }
    TRY(ting_reserve(&r->rows, (size_t)r->count * width, (size_t)rows.rows * width, &r->room, sizeof *r->rows));
    for (int i = 0; i < rows.rows; i++)
        memcpy(r->rows + (size_t)r->count++ * width, ting_row(rows, i), width * sizeof *r->rows);
out:
    return err;
}

/* The rows from shortly before the first token that any hypothesis has. */
static ting_tensor sentence_of(const ting_rescorer *r, const ting_decoded *found, int count)
{
    const ting_tensor all = {.data = r->rows, .rows = r->count, .cols = r->width, .ld = r->width};
    long first = r->first + r->count;
    for (int h = 0; h < count; h++)
        if (found[h].count > 0 && found[h].emissions[0].row < first)
            first = found[h].emissions[0].row;
    const int skip = first - r->first > LEAD ? (int)(first - r->first) - LEAD : 0;
    return ting_rows(all, skip, all.rows - skip);
}

/* Scores of the hypotheses, in the arena. */
static ting_err score(ting_rescorer *r, ting_ctx *ctx, const ting_decoded *found, int count, ting_rescored *scores)
{
    ting_err err = TING_OK;
    int total = 0;
    for (int h = 0; h < count; h++)
        total += found[h].count;
    int *tokens = ting_ctx_ints(ctx, total + 1), *start = ting_ctx_ints(ctx, count + 1), *of_memory = ting_ctx_ints(ctx, count);
    double *first = ting_arena_take(ctx->arena, (size_t)count * sizeof *first);
    if (ctx->err != TING_OK || first == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d hypotheses", count);
    start[0] = 0;
    for (int h = 0, at = 0; h < count; h++) {
        for (int i = 0; i < found[h].count; i++)
            tokens[at++] = found[h].emissions[i].token;
        start[h + 1] = at;
        of_memory[h] = 0;
        first[h] = found[h].log_prob;
    }
    const ting_tensor memory = sentence_of(r, found, count);
    const int memory_start[] = {0, memory.rows};
    TRY(ting_attention_rescore(ctx, r->decoder, memory, (ting_segments){1, memory_start}, tokens, (ting_segments){count, start},
                               of_memory, first, &r->options, scores));
out:
    return err;
}

ting_err ting_rescorer_order(ting_rescorer *r, const ting_decoded *found, int count, const ting_decoded **out)
{
    ting_err err = TING_OK;
    *out = found;
    if (r->count == 0) /* nothing was heard: there is no context to compute in yet */
        return TING_OK;
    ting_ctx ctx = r->where;
    const ting_arena_mark mark = ting_arena_tell(ctx.arena);
    TRY(ting_reserve(&r->ordered, 0, (size_t)count, &r->ordered_room, sizeof *r->ordered));
    ting_rescored *scores = ting_arena_take(ctx.arena, (size_t)count * sizeof *scores);
    int *order = ting_ctx_ints(&ctx, count);
    if (scores == NULL || order == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d hypotheses", count);
    TRY(score(r, &ctx, found, count, scores));
    ting_rescored_order(scores, count, order);
    for (int i = 0; i < count; i++) {
        r->ordered[i] = found[order[i]];
        r->ordered[i].log_prob = scores[order[i]].score;
    }
    *out = r->ordered;
out:
    ting_arena_rewind(ctx.arena, mark);
    return err;
}
