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

/* One block: y [m, out] from patches [m, k]. */
static void multiply(ting_ctx *ctx, const ting_conv2d_shape *s, const ting_param *w,
                     const ting_param *b, const ting_real *ordered, ting_act act, int m,
                     const ting_real *patches, ting_real *y)
{
    ting_gemm_run run = {ctx->kern, ctx->pool, ctx->arena};
    int k = ting_conv2d_patch(s), n = s->out_channels;
    const ting_real *bias = b != NULL ? b->t.data : NULL;
    if (ordered == NULL) {
        ting_gemm_packed(&run, m, patches, k, w->packed, bias, act, 0, y, n);
        return;
    }
    ting_gemm(&run, ctx->multiply, m, n, k, 1, (ting_strided){patches, k, 1},
              (ting_strided){ordered, 1, k}, 0, y, n);
    if (bias != NULL)
        for (int i = 0; i < m; i++)
            ctx->kern->add(n, y + (size_t)i * (size_t)n, bias, y + (size_t)i * (size_t)n);
    if (act != TING_ACT_NONE)
        ctx->kern->act(act, m * n, y, y);
}

/* All blocks. Segments follow each other in the output, so a block may span several. */
static void run_blocks(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                       const ting_conv2d_shape *s, const ting_param *w, const ting_param *b,
                       ting_act act, const int *out_start, ting_tensor y)
{
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int block = ting_conv2d_block(s), freq = ting_conv2d_freq(s), taps = s->kernel_t * s->kernel_f;
    size_t k = (size_t)ting_conv2d_patch(s);
    bool use_packed = w->packed != NULL && ctx->tape == NULL;
    bool rows_are_patches = s->kernel_t == 1 && s->kernel_f == s->freq && s->stride_t == 1 &&
                            s->pad_t == 0 && s->pad_f == 0 && x.ld == x.cols;
    block = block < y.rows ? block : y.rows;
    ting_real *patches =
        rows_are_patches ? NULL : ting_ctx_reals(ctx, (size_t)block * (size_t)freq * k);
    ting_real *ordered = use_packed ? NULL : ting_ctx_reals(ctx, (size_t)s->out_channels * k);
    if (ctx->err != TING_OK)
        return;
    if (ordered != NULL)
        ting_conv2d_to_patch_order(s->out_channels, s->in_channels, taps, w->t.data, ordered);
    int segment = 0;
    if (rows_are_patches)
        multiply(ctx, s, w, b, ordered, act, y.rows, x.data, y.data);
    for (int first = rows_are_patches ? y.rows : 0; first < y.rows; first += block) {
        int rows = y.rows - first < block ? y.rows - first : block;
        for (int i = 0; i < rows; i++) {
            while (first + i >= out_start[segment + 1])
                segment++;
            int in = segments.start[segment];
            ting_conv2d_gather(s, ting_row(x, in), x.ld, segments.start[segment + 1] - in,
                               first + i - out_start[segment],
                               patches + (size_t)i * (size_t)freq * k);
        }
        multiply(ctx, s, w, b, ordered, act, rows * freq, patches, ting_row(y, first));
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
    ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], freq * shape->out_channels);
    if (ctx->err == TING_OK)
        run_blocks(ctx, x, segments, shape, w, b, fused, out_start, y);
    struct ting_rec_conv2d *rec = ting_tape_push(ctx, TING_OP_conv2d, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_conv2d){x, y, segments, {segments.count, out_start}, *shape, w, b};
    return fused == act ? y : ting_activate(ctx, act, y);
}
