/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_conv1d.c - that of linear on the unfolded input, whose gradient is folded back. docs/derive/conv1d.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"
#include "nn/unfold.h"

struct job {
    const struct ting_rec_conv1d *rec;
    const ting_real *folded; /* gradient of the unfolded input [T, cols taps] */
};

/* gx[t][c] += sum_j folded[t - j + left][c taps + j], rows of the same segment only */
static void fold_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_conv1d *rec = job->rec;
    const int cols = rec->x.cols, taps = rec->taps;
    int s = ting_segment_of(rec->segments, block.first);
    for (int t = block.first; t < block.first + block.count; t++) {
        s = ting_segment_next(rec->segments, s, t);
        ting_real *gx = ting_grad_row(rec->x, t);
        for (int j = 0; j < taps; j++) {
            int from = t - j + rec->left;
            if (from < rec->segments.start[s] || from >= rec->segments.start[s + 1])
                continue;
            const ting_real *g = job->folded + (size_t)from * (size_t)cols * (size_t)taps;
            for (int c = 0; c < cols; c++)
                gx[c] += g[c * taps + j];
        }
    }
}

void ting_bwd_conv1d(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_conv1d *rec = saved;
    const ting_tensor x = rec->x, y = rec->y, w = rec->w->t;
    const int outputs = y.cols / rec->groups, depth = w.cols, ld = x.cols * rec->taps;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_gradient_touch(ctx, y);
    ting_gradient_touch(ctx, x);
    if (w.grad != NULL) {
        ting_real *unfolded = ting_unfold(ctx, x, rec->segments, rec->taps, rec->left);
        if (unfolded == NULL)
            return;
        for (int g = 0; g < rec->groups; g++)
            ting_gemm(&run, ctx->multiply, outputs, depth, x.rows, 1, (ting_strided){y.grad + g * outputs, 1, y.ld},
                      (ting_strided){unfolded + g * depth, ld, 1}, 1, ting_grad_row(w, g * outputs), w.ld);
        ting_arena_rewind(ctx->arena, mark);
    }
    if (x.grad != NULL) {
        ting_real *folded = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)ld);
        if (folded == NULL)
            return;
        for (int g = 0; g < rec->groups; g++)
            ting_gemm(&run, ctx->multiply, x.rows, depth, outputs, 1, (ting_strided){y.grad + g * outputs, y.ld, 1},
                      (ting_strided){ting_row(w, g * outputs), w.ld, 1}, 0, folded + g * depth, ld);
        struct job job = {.rec = rec, .folded = folded};
        ting_rows_run(ctx->pool, x.rows, ld, fold_rows, &job);
        ting_arena_rewind(ctx->arena, mark);
    }
    if (rec->b != NULL && rec->b->t.grad != NULL)
        ting_sum_rows(ctx, y.rows, y.cols, y.grad, y.ld, rec->b->t.grad);
}
