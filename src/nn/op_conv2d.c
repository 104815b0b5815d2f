/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_conv2d.c - convolution over time and frequency as a matrix product.
 *
 *     x [T, F C] -> patches [F' rows of a block, kt kf C] -> y [T', F' out] = act(patches W^T + b)
 *
 * A thread gathers a strip of patches at a time and packs it; a group of packed strips stays in the second-level cache while
 * the filters pass by, and its outputs are activated there. A patch is kt contiguous runs of the input, so gathering is a
 * hundredth of the product's work.
 */
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_conv2d_view view;
    const ting_packed *filters;
    const ting_real *bias;
    ting_tensor x, y, z; /* z = act(y), or y itself */
    ting_act act;
    ting_conv2d_cut cut;
    int positions, k, n;
};

/* The filters by columns of the product: 64 of them stay in the second-level cache beside a group. */
static void multiply_group(const struct job *job, int first, int end, const unsigned char *strips)
{
    enum { COLUMNS = 64 };
    for (int n0 = 0; n0 < job->n; n0 += COLUMNS) {
        const ting_gemm_part part = {.k = job->k, .n0 = n0, .n = job->n - n0 < COLUMNS ? job->n - n0 : COLUMNS};
        const unsigned char *strip = strips;
        for (int p = first; p < end; p += job->cut.strip, strip += job->cut.strip_bytes)
            ting_gemm_strip(job->filters, &part, end - p < job->cut.strip ? end - p : job->cut.strip, strip,
                            job->bias == NULL ? NULL : job->bias + n0, 0, job->y.data + (size_t)p * (size_t)job->n + n0, job->n);
    }
}

static void run_group(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const int first = index * job->cut.group, left = job->positions - first;
    const int end = first + (left < job->cut.group ? left : job->cut.group);
    unsigned char *strip = room;
    ting_real *patches = (ting_real *)(void *)(room + (size_t)(job->cut.group / job->cut.strip) * job->cut.strip_bytes);
    for (int p = first; p < end; p += job->cut.strip, strip += job->cut.strip_bytes) {
        const int count = end - p < job->cut.strip ? end - p : job->cut.strip;
        ting_conv2d_gather(&job->view, job->x, p, count, patches);
        ting_gemm_strip_pack(job->filters, count, job->k, patches, job->k, strip);
    }
    ting_gemm_begin(job->filters);
    multiply_group(job, first, end, room);
    ting_gemm_end(job->filters);
    if (job->act != TING_ACT_NONE)
        job->kern->act(job->act, (end - first) * job->n, job->y.data + (size_t)first * (size_t)job->n,
                       job->z.data + (size_t)first * (size_t)job->n);
}

/* The filters, packed at load or now. */
static const ting_packed *packed_filters(ting_ctx *ctx, const ting_conv2d_shape *s, const ting_param *w)
{
    if (w->packed != NULL && ctx->tape == NULL)
        return w->packed;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int n = s->out_channels, k = ting_conv2d_patch(s);
    ting_real *ordered = ting_ctx_reals(ctx, (size_t)n * (size_t)k);
    if (ctx->err != TING_OK)
        return NULL;
    ting_conv2d_to_patch_order(n, s->in_channels, s->kernel_t * s->kernel_f, w->t.data, ordered);
    const ting_packed *packed = ting_gemm_pack(&run, ctx->multiply, n, k, (ting_strided){ordered, 1, k});
    ting_ctx_check(ctx);
    return packed;
}

static void run_groups(ting_ctx *ctx, struct job *job, const ting_param *w)
{
    enum { SMALL = 4 * 1024 * 1024 }; /* multiplications that aren't worth waking threads for */
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const ting_conv2d_shape *s = job->view.shape;
    job->filters = packed_filters(ctx, s, w);
    if (ctx->err != TING_OK)
        return;
    job->n = s->out_channels;
    job->k = ting_conv2d_patch(s);
    job->positions = job->y.rows * ting_conv2d_freq(s);
    job->cut = ting_conv2d_cut_of(job->filters, job->k);
    if ((double)job->positions * job->n * job->k < SMALL)
        run.pool = NULL;
    const size_t patches = (size_t)job->cut.strip * (size_t)job->k * sizeof(ting_real);
    ting_gemm_tasks(&run, (size_t)(job->cut.group / job->cut.strip) * job->cut.strip_bytes + patches,
                    (job->positions + job->cut.group - 1) / job->cut.group, run_group, job);
    ting_ctx_check(ctx);
    ting_arena_rewind(ctx->arena, mark);
}

ting_tensor ting_conv2d(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                        const ting_conv2d_shape *shape, const ting_param *w, const ting_param *b,
                        ting_act act, int *out_start)
{
    int bad = 0;
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    int freq = ting_conv2d_freq(shape);
    if (x.cols != shape->freq * shape->in_channels || freq <= 0 ||
        w->shape[0] != shape->out_channels || w->shape[1] != shape->in_channels ||
        w->shape[2] != shape->kernel_t || w->shape[3] != shape->kernel_f) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "conv2d: filter %s is [%d, %d, %d, %d], input has %d columns", w->name,
                      w->shape[0], w->shape[1], w->shape[2], w->shape[3], x.cols);
        return (ting_tensor){0};
    }
    if (!ting_conv2d_starts(shape, segments, out_start, &bad)) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                      "conv2d: segment %d has %d frames, fewer than the kernel's %d", bad,
                      segments.start[bad + 1] - segments.start[bad], shape->kernel_t);
        return (ting_tensor){0};
    }
    const ting_segments out = {segments.count, out_start};
    const ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], freq * shape->out_channels);
    ting_tensor z = y;
    struct ting_rec_conv2d *rec = ting_tape_push(ctx, TING_OP_conv2d, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_conv2d){x, y, segments, out, *shape, w, b};
    struct ting_rec_act *then = act == TING_ACT_NONE ? NULL : ting_tape_push(ctx, TING_OP_act, sizeof *then);
    if (then != NULL && act != TING_ACT_RELU) { /* whose slope its value tells */
        z = ting_ctx_constant(ctx, y.rows, y.cols);
        z.grad = y.grad;
    }
    if (then != NULL)
        *then = (struct ting_rec_act){.x = y, .y = z, .kind = act};
    struct job job = {.kern = ctx->kern, .view = {shape, segments, out}, .bias = b != NULL ? b->t.data : NULL, .x = x, .y = y,
                      .z = z, .act = act};
    if (ctx->err == TING_OK)
        run_groups(ctx, &job, w);
    return ctx->err == TING_OK ? z : (ting_tensor){0};
}
