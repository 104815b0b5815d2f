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
    ting_real *patches;                /* [block F', k] */
};

static void gather(const struct job *job, int segment, int row, ting_real *patches)
{
    const ting_tensor x = job->rec->x;
    int first = job->rec->segments.start[segment];
    ting_conv2d_gather(&job->rec->shape, ting_row(x, first), x.ld,
                       job->rec->segments.start[segment + 1] - first, row, patches);
}

/* `rows` output rows of one segment from `row` on. */
static void one_block(const struct job *job, int segment, int row, int rows)
{
    const struct ting_rec_conv2d *rec = job->rec;
    ting_gemm_run run = ting_ctx_gemm(job->ctx);
    const ting_tensor x = rec->x;
    int n = rec->shape.out_channels, m = rows * job->freq, first = rec->segments.start[segment];
    size_t stride = (size_t)job->freq * (size_t)job->k;
    const ting_real *gy = ting_grad_row(rec->y, rec->out.start[segment] + row);
    if (job->filters_grad != NULL) {
        for (int i = 0; i < rows; i++)
            gather(job, segment, row + i, job->patches + (size_t)i * stride);
        ting_gemm(&run, job->ctx->multiply, n, job->k, m, 1, (ting_strided){gy, 1, n},
                  (ting_strided){job->patches, job->k, 1}, 1, job->filters_grad, job->k);
    }
    if (x.grad == NULL)
        return;
    ting_gemm(&run, job->ctx->multiply, m, job->k, n, 1, (ting_strided){gy, n, 1},
              (ting_strided){job->filters, job->k, 1}, 0, job->patches, job->k);
    for (int i = 0; i < rows; i++)
        ting_conv2d_scatter(&rec->shape, job->ctx->kern, job->patches + (size_t)i * stride, row + i,
                            rec->segments.start[segment + 1] - first, ting_grad_row(x, first),
                            x.ld);
}

void ting_bwd_conv2d(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_conv2d *rec = saved;
    const ting_conv2d_shape *s = &rec->shape;
    struct job job = {
        .ctx = ctx, .rec = rec, .freq = ting_conv2d_freq(s), .k = ting_conv2d_patch(s)};
    int block = ting_conv2d_block(s), taps = s->kernel_t * s->kernel_f;
    size_t weights = (size_t)s->out_channels * (size_t)job.k;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.patches = ting_ctx_reals(ctx, (size_t)block * (size_t)job.freq * (size_t)job.k);
    job.filters = ting_ctx_reals(ctx, weights);
    if (rec->w->t.grad != NULL)
        job.filters_grad = ting_arena_take_zeroed(ctx->arena, weights, sizeof *job.filters_grad);
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        ting_conv2d_to_patch_order(s->out_channels, s->in_channels, taps, rec->w->t.data,
                                   job.filters);
        for (int seg = 0; seg < rec->out.count; seg++) {
            int rows = rec->out.start[seg + 1] - rec->out.start[seg];
            for (int row = 0; row < rows; row += block)
                one_block(&job, seg, row, rows - row < block ? rows - row : block);
        }
        if (job.filters_grad != NULL)
            ting_conv2d_add_from_patch_order(s->out_channels, s->in_channels, taps,
                                             job.filters_grad, rec->w->t.grad);
        if (rec->b != NULL && rec->b->t.grad != NULL)
            ting_sum_rows(ctx, rec->y.rows * job.freq, s->out_channels, rec->y.grad,
                          s->out_channels, rec->b->t.grad);
    }
    ting_arena_rewind(ctx->arena, mark);
}
