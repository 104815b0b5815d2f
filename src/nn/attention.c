/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - see attention.h. */
#include "nn/attention.h"

#include <string.h>

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

/* ---- what items compute ---- */

/* y[j] += s x . z_j */
static void add_dots(const ting_kern *kern, int d, ting_real s, const ting_real *x, ting_attention_rows z, ting_real *y)
{
    enum { PIECE = 256 };
    ting_real piece[PIECE];
    for (int first = 0; first < z.count; first += PIECE) {
        const int count = z.count - first < PIECE ? z.count - first : PIECE;
        kern->dots(count, d, s, x, z.data + first * z.rs, z.rs, piece);
        kern->add(count, y + first, piece, y + first);
    }
}

void ting_attention_dots(const ting_gemm_desk *desk, const ting_kern *kern, int d, ting_real s, ting_attention_rows x,
                         ting_attention_rows z, int accumulate, ting_real *y, int ldy)
{
    if (desk != NULL) {
        ting_gemm_at(desk, x.count, z.count, d, s, (ting_strided){x.data, x.rs, 1}, (ting_strided){z.data, 1, z.rs},
                     accumulate, y, ldy);
        return;
    }
    for (int i = 0; i < x.count; i++)
        if (accumulate)
            add_dots(kern, d, s, x.data + i * x.rs, z, y + (ptrdiff_t)i * ldy);
        else
            kern->dots(z.count, d, s, x.data + i * x.rs, z.data, z.rs, y + (ptrdiff_t)i * ldy);
}

void ting_attention_mix(const ting_gemm_desk *desk, const ting_kern *kern, int d, ting_real s, ting_attention_rows w,
                        ting_attention_rows z, int accumulate, ting_real *y, int ldy)
{
    if (desk != NULL) {
        ting_gemm_at(desk, w.count, d, z.count, s, (ting_strided){w.data, w.rs, w.cs}, (ting_strided){z.data, z.rs, 1},
                     accumulate, y, ldy);
        return;
    }
    for (int i = 0; i < w.count; i++) {
        ting_real *row = y + (ptrdiff_t)i * ldy;
        if (!accumulate)
            memset(row, 0, (size_t)d * sizeof *row);
        kern->mix(z.count, d, s, w.data + i * w.rs, w.cs, z.data, z.rs, row);
    }
}

/* ---- handing items out ---- */

/* Whether a span's sums are worth a product: packing its rows costs less than it saves. It depends on the span alone, so
 * that a span gives the same bits wherever it is computed. */
static bool by_product(const ting_span *s)
{
    return s->q1 - s->q0 >= 8 && (double)(s->q1 - s->q0) * (s->k1 - s->k0) > 2048;
}

struct job {
    const ting_kern *kern;
    const ting_attention *geometry;
    int heads;
    ting_attention_work *work;
    void *arg;
};

static void run_span(const struct job *job, const ting_gemm_desk *desk, int span, int head)
{
    const ting_span *s = &job->geometry->spans[span];
    job->work(job->arg, &(ting_attention_item){.kern = job->kern, .geometry = job->geometry, .desk = by_product(s) ? desk : NULL,
                                               .room = desk->room, .span = span, .head = head, .queries = s->q1 - s->q0,
                                               .keys = s->k1 - s->k0});
}

static void run_item(void *arg, const ting_gemm_desk *desk, int index)
{
    const struct job *job = arg;
    run_span(job, desk, index / job->heads, index % job->heads);
}

static void run_head(void *arg, const ting_gemm_desk *desk, int index)
{
    const struct job *job = arg;
    for (int s = 0; s < job->geometry->count; s++)
        run_span(job, desk, s, index);
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

/* The most queries, keys or columns of a product; 0: there is none. */
static int widest_product(const ting_attention *geometry, int width)
{
    int widest = 0;
    for (int i = 0; width > 0 && i < geometry->count; i++) {
        const ting_span *s = &geometry->spans[i];
        const int queries = s->q1 - s->q0, keys = s->k1 - s->k0, more = queries > keys ? queries : keys;
        if (by_product(s) && more > widest)
            widest = more;
    }
    return widest > 0 && widest < width ? width : widest;
}

void ting_attention_run(ting_ctx *ctx, const ting_attention *geometry, const ting_attention_need *need, ting_attention_work *work,
                        void *arg)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    struct job job = {.kern = ctx->kern, .geometry = geometry, .heads = need->heads, .work = work, .arg = arg};
    const int widest = widest_product(geometry, need->width);
    const bool by_heads = need->exclusive && share_keys(geometry);
    if (is_small(geometry, need->heads, need->cost))
        run.pool = NULL;
    ting_gemm_desks(&run, ctx->multiply, widest, widest, need->room, by_heads ? need->heads : geometry->count * need->heads,
                    by_heads ? run_head : run_item, &job);
    ting_ctx_check(ctx);
}
