/* SPDX-License-Identifier: Apache-2.0 */
/* op_conv1d.c - convolution over time as a product with the unfolded input, group by group. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"
#include "nn/unfold.h"

struct job {
    const ting_kern *kern;
    ting_tensor y;
    const ting_real *bias;
};

static void bias_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(job->y.cols, ting_row(job->y, r), job->bias, ting_row(job->y, r));
}

ting_tensor ting_conv1d(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w,
                        const ting_param *b, int left, int groups)
{
    const int n = w->shape[0], taps = w->dims == 3 ? w->shape[2] : 1;
    if (w->dims != 3 || groups < 1 || n % groups != 0 || w->shape[1] * groups != x.cols || left < 0 ||
        left >= taps || segments.start[segments.count] != x.rows || (b != NULL && ting_param_row(b).cols != n)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "conv1d: x is [%d, %d], %s has %d dimensions, %d outputs and %d taps for %d groups, left %d",
                      x.rows, x.cols, w->name, w->dims, n, taps, groups, left);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, n);
    if (y.data == NULL)
        return y;
    struct ting_rec_conv1d *rec = ting_tape_push(ctx, TING_OP_conv1d, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_conv1d){.x = x, .y = y, .segments = segments, .w = w, .b = b,
                                        .left = left, .groups = groups, .taps = taps};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *unfolded = ting_unfold(ctx, x, segments, taps, left);
    if (unfolded == NULL)
        return (ting_tensor){0};
    ting_gemm_run run = ting_ctx_gemm(ctx);
    const int outputs = n / groups, depth = w->t.cols, ld = x.cols * taps;
    for (int g = 0; g < groups; g++)
        ting_gemm(&run, ctx->multiply, x.rows, outputs, depth, 1, (ting_strided){unfolded + g * depth, ld, 1},
                  (ting_strided){ting_row(w->t, g * outputs), 1, w->t.ld}, 0, y.data + g * outputs, y.ld);
    if (b != NULL) {
        struct job job = {.kern = ctx->kern, .y = y, .bias = b->t.data};
        ting_rows_run(ctx->pool, y.rows, y.cols, bias_rows, &job);
    }
    ting_arena_rewind(ctx->arena, mark);
    ting_ctx_check(ctx);
    return y;
}
