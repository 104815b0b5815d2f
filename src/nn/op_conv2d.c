/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_conv2d.c - convolution over time and frequency as a matrix product.
 *
 *     x [T, F C] -> patches [F' rows of a block, kt kf C] -> y [T', F' out] = act(patches W^T + b)
 *
 * The patches of a few output rows at a time are gathered into memory that stays in the second-level
 * cache; a patch is kt contiguous runs of the input, so gathering is a hundredth of the product's work.
 */
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/tape.h"

struct work {
    ting_ctx *ctx;
    const ting_conv2d_shape *shape;
    const ting_param *w, *b;
    const ting_real *ordered; /* the filters in patch order; NULL: packed */
    ting_act act;
};

/* One block: y [m, out] from patches [m, k]. */
static void multiply(const struct work *work, int m, const ting_real *patches, ting_real *y)
{
    const ting_kern *kern = work->ctx->kern;
    ting_gemm_run run = ting_ctx_gemm(work->ctx);
    int k = ting_conv2d_patch(work->shape), n = work->shape->out_channels;
    const ting_real *bias = work->b != NULL ? work->b->t.data : NULL;
    if (work->ordered == NULL) {
        ting_gemm_packed(&run, m, patches, k, work->w->packed, bias, work->act, 0, y, n);
        return;
    }
    ting_gemm_bias(&run, work->ctx->multiply, m, n, k, (ting_strided){patches, k, 1}, (ting_strided){work->ordered, 1, k},
                   bias, y, n);
    if (work->act != TING_ACT_NONE)
        kern->act(work->act, m * n, y, y);
}

/* All blocks. Segments follow each other in the output, so a block may span several. */
static void run_blocks(struct work *work, ting_tensor x, ting_segments segments, ting_segments out, ting_tensor y)
{
    ting_ctx *ctx = work->ctx;
    const ting_conv2d_shape *s = work->shape;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const bool use_packed = work->w->packed != NULL && ctx->tape == NULL;
    const bool rows_are_patches = ting_conv2d_rows_are_patches(s) && x.ld == x.cols;
    const int freq = ting_conv2d_freq(s), taps = s->kernel_t * s->kernel_f, most = ting_conv2d_block(s, !use_packed);
    const size_t k = (size_t)ting_conv2d_patch(s);
    ting_conv2d_rows_of block = {.shape = s, .in = segments, .out = out, .count = most < y.rows ? most : y.rows};
    ting_real *patches = rows_are_patches ? NULL : ting_ctx_reals(ctx, (size_t)block.count * (size_t)freq * k);
    ting_real *ordered = use_packed ? NULL : ting_ctx_reals(ctx, (size_t)s->out_channels * k);
    if (ctx->err != TING_OK)
        return;
    if (ordered != NULL)
        ting_conv2d_to_patch_order(s->out_channels, s->in_channels, taps, work->w->t.data, ordered);
    work->ordered = ordered;
    if (rows_are_patches)
        multiply(work, y.rows, x.data, y.data);
    for (; !rows_are_patches && block.first < y.rows; block.first += block.count) {
        block.count = y.rows - block.first < most ? y.rows - block.first : most;
        ting_conv2d_gather(ctx->pool, &block, x, patches);
        multiply(work, block.count * freq, patches, ting_row(y, block.first));
    }
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
    ting_act fused = ctx->tape == NULL ? act : TING_ACT_NONE;
    const ting_segments out = {segments.count, out_start};
    struct work work = {.ctx = ctx, .shape = shape, .w = w, .b = b, .act = fused};
    ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], freq * shape->out_channels);
    if (ctx->err == TING_OK)
        run_blocks(&work, x, segments, out, y);
    struct ting_rec_conv2d *rec = ting_tape_push(ctx, TING_OP_conv2d, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_conv2d){x, y, segments, out, *shape, w, b};
    return fused == act ? y : ting_activate(ctx, act, y);
}
