/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_chunk_conv.c - tap by tap; the edge factors get gy times the within-chunk sum, which is computed
 * again. docs/derive/convolution.md
 */
#include "nn/bwd/bwd.h"
#include "nn/chunk_conv.h"
#include "nn/rec.h"
#include "nn/taps.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_chunk_conv *rec;
    int half;
    const ting_real *causal, *within;     /* [taps, C] */
    ting_real *causal_grad, *within_grad; /* the same, or NULL when not wanted */
    ting_real *scale;                     /* [chunk, C] */
    ting_real *sum, *gz;                  /* [C] */
};

static void look_back(const struct job *job, int first, int last)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    int c = rec->x.cols;
    for (int t = first; t < last; t++) {
        const ting_real *gy = ting_grad_row(rec->y, t);
        for (int j = 0; j <= job->half; j++) {
            int from = t - job->half + j;
            if (from < first)
                continue;
            if (job->causal_grad != NULL)
                job->kern->muladd(c, ting_row(rec->x, from), gy,
                                  job->causal_grad + (size_t)j * (size_t)c);
            if (rec->x.grad != NULL)
                job->kern->muladd(c, job->causal + (size_t)j * (size_t)c, gy,
                                  ting_grad_row(rec->x, from));
        }
        if (rec->weights.causal_b->t.grad != NULL)
            job->kern->add(c, rec->weights.causal_b->t.grad, gy, rec->weights.causal_b->t.grad);
    }
}

/* gradient of scale[.][c][position] for position i of a chunk of n */
static void edge_gradient(const struct job *job, int i, int n, const ting_real *gy)
{
    const ting_param *edge = job->rec->weights.edge_scale;
    int c = job->rec->x.cols, taps = 2 * job->half + 1, r = i - (n - taps);
    ting_real *left = edge->t.grad, *right = left + (size_t)c * (size_t)taps;
    for (int k = 0; k < c; k++) {
        if (i < taps)
            left[(size_t)k * (size_t)taps + (size_t)i] += gy[k] * job->sum[k];
        if (r >= 0)
            right[(size_t)k * (size_t)taps + (size_t)r] += gy[k] * job->sum[k];
    }
}

/* Output row t0 + i of a chunk of `rows` present rows out of n. */
static void within_row(const struct job *job, int t0, int rows, int n, int i)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    int c = rec->x.cols;
    const ting_real *gy = ting_grad_row(rec->y, t0 + i);
    memcpy(job->sum, rec->weights.chunk_b->t.data, (size_t)c * sizeof *job->sum);
    job->kern->mul(c, gy, job->scale + (size_t)i * (size_t)c, job->gz);
    for (int j = 0; j <= 2 * job->half; j++) {
        int from = i - job->half + j;
        if (from < 0 || from >= rows)
            continue;
        const ting_real *w = job->within + (size_t)j * (size_t)c;
        job->kern->muladd(c, w, ting_row(rec->x, t0 + from), job->sum);
        if (job->within_grad != NULL)
            job->kern->muladd(c, ting_row(rec->x, t0 + from), job->gz,
                              job->within_grad + (size_t)j * (size_t)c);
        if (rec->x.grad != NULL)
            job->kern->muladd(c, w, job->gz, ting_grad_row(rec->x, t0 + from));
    }
    if (rec->weights.chunk_b->t.grad != NULL)
        job->kern->add(c, rec->weights.chunk_b->t.grad, job->gz, rec->weights.chunk_b->t.grad);
    if (rec->weights.edge_scale != NULL && rec->weights.edge_scale->t.grad != NULL)
        edge_gradient(job, i, n, gy);
}

static void one_segment(const struct job *job, int first, int last)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    int rows = last - first, n = rec->chunk <= 0 || rec->chunk > rows ? rows : rec->chunk;
    if (job->causal == NULL)
        n = rows;
    else
        look_back(job, first, last);
    ting_chunk_conv_edges(&rec->weights, n, job->scale);
    for (int t0 = first; t0 < last; t0 += n) {
        int present = last - t0 < n ? last - t0 : n;
        for (int i = 0; i < present; i++)
            within_row(job, t0, present, n, i);
    }
}

/* Zeroed room for the turned gradient of a filter, or NULL when it wants none. */
static ting_real *gradient_room(ting_ctx *ctx, const ting_param *w)
{
    if (w == NULL || w->t.grad == NULL)
        return NULL;
    return ting_arena_take_zeroed(ctx->arena, (size_t)w->shape[0] * (size_t)ting_taps_count(w),
                                  sizeof(ting_real));
}

void ting_bwd_chunk_conv(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_chunk_conv *rec = saved;
    const ting_chunk_conv_weights *w = &rec->weights;
    size_t c = (size_t)rec->x.cols;
    int longest = 0;
    for (int s = 0; s < rec->segments.count; s++)
        if (rec->segments.start[s + 1] - rec->segments.start[s] > longest)
            longest = rec->segments.start[s + 1] - rec->segments.start[s];
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .rec = rec, .half = w->chunk_w->shape[2] / 2};
    job.within = ting_taps(ctx, w->chunk_w);
    job.within_grad = gradient_room(ctx, w->chunk_w);
    if (w->causal_w != NULL)
        job.causal = ting_taps(ctx, w->causal_w);
    job.causal_grad = gradient_room(ctx, w->causal_w);
    job.scale = ting_ctx_reals(ctx, (size_t)longest * c);
    job.sum = ting_ctx_reals(ctx, c);
    job.gz = ting_ctx_reals(ctx, c);
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        for (int s = 0; s < rec->segments.count; s++)
            if (rec->segments.start[s + 1] > rec->segments.start[s])
                one_segment(&job, rec->segments.start[s], rec->segments.start[s + 1]);
        if (job.within_grad != NULL)
            ting_taps_add_gradient(w->chunk_w, job.within_grad);
        if (job.causal_grad != NULL)
            ting_taps_add_gradient(w->causal_w, job.causal_grad);
    }
    ting_arena_rewind(ctx->arena, mark);
}
