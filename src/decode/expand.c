/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c - see expand.h. */
#include "decode/expand.h"

#include "decode/rivals.h"

#include <math.h>

/* Keeps `out` sorted, the best first, at most `beam` long. */
static int insert(ting_candidate *out, int count, int beam, ting_candidate fresh)
{
    if (count == beam && fresh.total <= out[count - 1].total)
        return count;
    int at = count < beam ? count : beam - 1;
    for (; at > 0 && out[at - 1].total < fresh.total; at--)
        out[at] = out[at - 1];
    out[at] = fresh;
    return count < beam ? count + 1 : beam;
}

int ting_expand(const ting_expansion *step, ting_ctx *ctx, ting_tensor e, const int *contexts,
                const double *totals, int count, ting_candidate *out)
{
    const ting_transducer_config *config = ting_transducer_settings(step->model);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int found = 0;
    ting_tensor d = ting_predictor_rows(step->cache, ctx, contexts, count);
    ting_tensor logits = ting_transducer_join(ctx, step->model, e, d);
    for (int h = 0; h < count && ctx->err == TING_OK; h++) {
        ting_real *row = ting_row(logits, h);
        row[config->blank] -= (ting_real)step->blank_penalty;
        if (step->temperature != 1)
            ctx->kern->scale(config->vocab, (ting_real)(1 / step->temperature), row, row);
        ctx->kern->log_softmax(config->vocab, row, row);
        if (isnan((double)row[config->blank]))
            ting_ctx_fail(ctx, TING_ERR_NUMERIC, "the scores of the joiner are not numbers");
        for (int v = 0; v < config->vocab; v++) {
            double total = totals[h] + (double)row[v];
            if (found < step->beam || total > out[found - 1].total)
                found = insert(out, found, step->beam,
                               (ting_candidate){.parent = h, .token = v, .total = total, .log_prob = (double)row[v]});
        }
    }
    for (int i = 0; i < found && ctx->err == TING_OK; i++)
        if (out[i].token != config->blank)
            ting_rivals_note(ting_row(logits, out[i].parent), config->vocab, config->blank, out[i].token, out[i].rivals);
    ting_arena_rewind(ctx->arena, mark);
    return ctx->err == TING_OK ? found : -1;
}
