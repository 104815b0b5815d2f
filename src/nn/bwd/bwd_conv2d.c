/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_conv2d.c - the patches' gradient is gy W, the filters' gy^T patches. docs/derive/convolution.md */
#include "nn/bwd/bwd.h"
#include "nn/image.h"
#include "nn/rec.h"

struct job {
    ting_ctx *ctx;
    const struct ting_rec_conv2d *rec;
    int freq, k;
    ting_real *filters, *filters_grad; /* [out, k] in patch order */
    ting_real *patches;                /* [block F', k]; NULL: the rows of x are the patches */
};

/* From gy [m, out]: filters_grad += gy^T patches. */
static void filters_gradient(const struct job *job, int m, const ting_real *gy, const ting_real *patches)
{
    const int n = job->rec->shape.out_channels, k = job->k;
    ting_gemm_run run = ting_ctx_gemm(job->ctx);
    if (job->filters_grad != NULL)
        ting_gemm(&run, job->ctx->multiply, n, k, m, 1, (ting_strided){gy, 1, n}, (ting_strided){patches, k, 1}, 1,
                  job->filters_grad, k);
}

/* patches_grad (+)= gy filters */
static void patches_gradient(const struct job *job, int m, const ting_real *gy, int accumulate, ting_real *patches_grad)
{
    const int n = job->rec->shape.out_channels, k = job->k;
    ting_gemm_run run = ting_ctx_gemm(job->ctx);
    ting_gemm(&run, job->ctx->multiply, m, k, n, 1, (ting_strided){gy, n, 1}, (ting_strided){job->filters, k, 1}, accumulate,
              patches_grad, k);
}

static void one_block(const struct job *job, const ting_conv2d_rows_of *block)
{
    const struct ting_rec_conv2d *rec = job->rec;
    const int m = block->count * job->freq;
    const ting_real *gy = ting_grad_row(rec->y, block->first);
    if (job->filters_grad != NULL) {
        ting_conv2d_gather(job->ctx->pool, block, rec->x, job->patches);
        filters_gradient(job, m, gy, job->patches);
    }
    if (rec->x.grad == NULL)
        return;
    patches_gradient(job, m, gy, 0, job->patches);
    ting_conv2d_scatter(job->ctx->pool, job->ctx->kern, block, job->patches, rec->x);
}

static void all_blocks(const struct job *job)
{
    const struct ting_rec_conv2d *rec = job->rec;
    const int rows = rec->y.rows, most = ting_conv2d_block(&rec->shape, true);
    if (job->patches == NULL) {
        filters_gradient(job, rows, rec->y.grad, rec->x.data);
        if (rec->x.grad != NULL)
            patches_gradient(job, rows, rec->y.grad, 1, rec->x.grad);
        return;
    }
    ting_conv2d_rows_of block = {.shape = &rec->shape, .in = rec->segments, .out = rec->out};
    for (; block.first < rows; block.first += block.count) {
        block.count = rows - block.first < most ? rows - block.first : most;
        one_block(job, &block);
    }
}

void ting_bwd_conv2d(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_conv2d *rec = saved;
    const ting_conv2d_shape *s = &rec->shape;
    struct job job = {.ctx = ctx, .rec = rec, .freq = ting_conv2d_freq(s), .k = ting_conv2d_patch(s)};
    const int most = ting_conv2d_block(s, true), block = most < rec->y.rows ? most : rec->y.rows;
    const int taps = s->kernel_t * s->kernel_f;
    const size_t weights = (size_t)s->out_channels * (size_t)job.k;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    if (!ting_conv2d_rows_are_patches(s) || rec->x.ld != rec->x.cols)
        job.patches = ting_ctx_reals(ctx, (size_t)block * (size_t)job.freq * (size_t)job.k);
    job.filters = ting_ctx_reals(ctx, weights);
    if (rec->w->t.grad != NULL)
        job.filters_grad = ting_arena_take_zeroed(ctx->arena, weights, sizeof *job.filters_grad);
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        ting_conv2d_to_patch_order(s->out_channels, s->in_channels, taps, rec->w->t.data, job.filters);
        all_blocks(&job);
        if (job.filters_grad != NULL)
            ting_conv2d_add_from_patch_order(s->out_channels, s->in_channels, taps, job.filters_grad, rec->w->t.grad);
        if (rec->b != NULL && rec->b->t.grad != NULL)
            ting_sum_rows(ctx, rec->y.rows * job.freq, s->out_channels, rec->y.grad, s->out_channels, rec->b->t.grad);
    }
    ting_arena_rewind(ctx->arena, mark);
}
