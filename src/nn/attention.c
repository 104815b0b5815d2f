/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - see attention.h. */
#include "nn/attention.h"

bool ting_attention_check(ting_ctx *ctx, const ting_attention *geometry, int queries, int keys,
                          const char *op)
{
    int next = 0;
    for (int s = 0; s < geometry->count; s++) {
        const ting_span *span = &geometry->spans[s];
        if (span->q0 != next || span->q1 < span->q0 || span->k0 < 0 || span->k1 < span->k0 ||
            span->k1 > keys || span->masked < 0 || span->masked > span->k1 - span->k0) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                          "%s: span %d has queries %d to %d (expected from %d), keys %d to %d of "
                          "%d, %d masked",
                          op, s, span->q0, span->q1, next, span->k0, span->k1, keys, span->masked);
            return false;
        }
        next = span->q1;
    }
    if (next != queries)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s: the spans cover %d queries of %d", op, next,
                      queries);
    return ctx->err == TING_OK;
}

int ting_attention_longest(const ting_attention *geometry)
{
    int longest = 0;
    for (int s = 0; s < geometry->count; s++) {
        int keys = geometry->spans[s].k1 - geometry->spans[s].k0;
        longest = keys > longest ? keys : longest;
    }
    return longest;
}

static bool share_keys(const ting_attention *geometry)
{
    for (int s = 1; s < geometry->count; s++) {
        if (geometry->spans[s].k0 < geometry->spans[s - 1].k1)
            return true;
    }
    return false;
}

struct job {
    const ting_attention *geometry;
    int heads;
    void (*work)(void *arg, int span, int head);
    void *arg;
};

static void run_item(void *arg, int index)
{
    const struct job *job = arg;
    job->work(job->arg, index / job->heads, index % job->heads);
}

static void run_head(void *arg, int index)
{
    const struct job *job = arg;
    for (int s = 0; s < job->geometry->count; s++)
        job->work(job->arg, s, index);
}

/* Waking the pool costs more than this many simple operations. */
static bool is_small(const ting_attention *geometry, int heads, int cost)
{
    double operations = 0;
    for (int s = 0; s < geometry->count; s++) {
        const ting_span *span = &geometry->spans[s];
        operations += (double)(span->q1 - span->q0) * (span->k1 - span->k0);
    }
    return operations * heads * cost < 200000;
}

void ting_attention_run(ting_pool *pool, const ting_attention *geometry, int heads, int cost,
                        bool exclusive, void (*work)(void *arg, int span, int head), void *arg)
{
    if (is_small(geometry, heads, cost))
        pool = NULL;
    struct job job = {.geometry = geometry, .heads = heads, .work = work, .arg = arg};
    if (exclusive && share_keys(geometry))
        ting_pool_run(pool, heads, run_head, &job);
    else
        ting_pool_run(pool, geometry->count * heads, run_item, &job);
}
