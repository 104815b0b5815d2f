/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_rescore.c - see p2h_rescore.h. */
#include "decode/p2h_rescore.h"

#include "model/lm_places.h"

ting_err ting_p2h_rescore(ting_ctx *ctx, const ting_p2h_rescorer *r, ting_p2h_line *lines, int count)
{
    size_t total = 0;
    if (r == NULL || count == 0)
        return TING_OK;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    for (int l = 0; l < count; l++)
        total += (size_t)lines[l].count + 2;
    uint32_t *ids = ting_arena_take(ctx->arena, total * sizeof *ids), *to = ids;
    size_t *start = ting_arena_take(ctx->arena, ((size_t)count + 1) * sizeof *start);
    double *log_p = ting_arena_take(ctx->arena, total * sizeof *log_p);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return ctx->err;
    for (int l = 0; l < count; l++) {
        start[l] = (size_t)(to - ids);
        *to++ = TING_NGRAM_BEGIN;
        for (int i = 0; i < lines[l].count; i++) {
            const bool foreign = lines[l].characters[i] == TING_P2H_FOREIGN;
            *to = foreign ? TING_NGRAM_UNKNOWN : r->word[lines[l].characters[i]];
            lines[l].score += !foreign && *to == TING_NGRAM_UNKNOWN ? r->weight * r->unknown : 0;
            to++;
        }
        *to++ = TING_NGRAM_END;
    }
    start[count] = total;
    const ting_lm_tokens tokens = {ids, start, (size_t)count};
    if (r->ngram != NULL)
        ting_ngram_places(r->ngram, &tokens, log_p);
    else
        ting_lm_net_places(ctx, r->net, &tokens, log_p);
    if (ctx->err != TING_OK)
        return ctx->err;
    for (int l = 0; l < count; l++)
        for (int i = 0; i <= lines[l].count; i++)
            lines[l].score += r->weight * log_p[ting_lm_place(&tokens, (size_t)l) + (size_t)i];
    ting_arena_rewind(ctx->arena, mark);
    return TING_OK;
}
