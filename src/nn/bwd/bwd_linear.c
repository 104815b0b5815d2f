/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_linear.c - gx += gy W, gW += (x^T gy)^T, gb += sum of the rows of gy. docs/derive/linear.md
 *
 * gy is read once: while a strip of it is in the cache, it is packed for the first product, put into the operand of the
 * second, which follows for some blocks of rows at a time, and summed.
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/strips.h"

enum { SLICE = 1024, COLUMNS = 512 }; /* of gy and of gx: the part of W that a block's strips meet stays in the second-level cache */

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    const ting_packed *w; /* [n, k] as the right operand of gy's rows */
    bool first;           /* nobody has added to gx */
    ting_packed *gy;      /* [TING_SUM_ROWS, n]; NULL when W wants no gradient */
    ting_real *sums;      /* [blocks, n]: of gy; NULL */
    ting_row_strips cut;
    size_t strip_bytes;
    int base; /* the first row of the operand */
};

/* Columns n0 .. n0 + n - 1 of a strip of gy, and where they go. */
static void one_slice(const struct job *job, int row, int rows, int n0, int n, ting_real *sum, unsigned char *strip)
{
    const ting_real one = 1, *gy = ting_grad_row(job->y, row) + n0;
    if (job->x.grad != NULL)
        ting_gemm_strip_pack(job->w, rows, n, gy, job->y.ld, strip);
    if (job->gy != NULL)
        ting_gemm_put(job->gy, row - job->base, rows, n0, n, gy, job->y.ld);
    if (sum != NULL)
        job->kern->mix(rows, n, 1, &one, 0, gy, job->y.ld, sum + n0);
}

/* gx += the block's slice of gy times its rows of W; who comes first doesn't add. */
static void add_rows(const struct job *job, int begin, int end, int n0, int n, const unsigned char *strips)
{
    for (int c = 0; c < job->x.cols; c += COLUMNS) {
        const ting_gemm_part part = {n0, n, c, job->x.cols - c < COLUMNS ? job->x.cols - c : COLUMNS};
        const unsigned char *strip = strips;
        for (int r = begin; r < end; r += job->cut.strip_rows, strip += job->strip_bytes)
            ting_gemm_strip(job->w, &part, ting_strip_count(&job->cut, r, end), strip, NULL, job->first && n0 == 0 ? 0 : 1,
                            ting_grad_row(job->x, r) + c, job->x.ld);
    }
}

static void run_block(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const ting_row_strips *cut = &job->cut;
    const int begin = job->base + index * cut->block_rows, width = job->y.cols;
    const int end = begin + cut->block_rows < job->y.rows ? begin + cut->block_rows : job->y.rows;
    ting_real *sum = job->sums == NULL ? NULL : job->sums + (size_t)(begin / cut->block_rows) * (size_t)width;
    ting_gemm_begin(job->w);
    for (int n0 = 0; n0 < width; n0 += SLICE) {
        const int n = width - n0 < SLICE ? width - n0 : SLICE;
        unsigned char *strip = room;
        for (int r = begin; r < end; r += cut->strip_rows, strip += job->strip_bytes)
            one_slice(job, r, ting_strip_count(cut, r, end), n0, n, sum, strip);
        if (job->x.grad != NULL)
            add_rows(job, begin, end, n0, n, room);
    }
    ting_gemm_end(job->w);
}

static void run_blocks(ting_ctx *ctx, struct job *job, ting_tensor w)
{
    enum { SMALL = 4 * 1024 * 1024 }; /* multiplications that aren't worth waking threads for */
    ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_tensor x = job->x;
    const int most = ting_strips_at_a_time(&job->cut);
    if ((double)x.rows * w.rows * w.cols < SMALL)
        run.pool = NULL;
    for (job->base = 0; job->base < x.rows && ctx->err == TING_OK; job->base += most) {
        const int rows = x.rows - job->base < most ? x.rows - job->base : most;
        ting_gemm_tasks(&run, (size_t)(job->cut.block_rows / job->cut.strip_rows) * job->strip_bytes,
                        (rows + job->cut.block_rows - 1) / job->cut.block_rows, run_block, job);
        if (job->gy != NULL)
            ting_gemm_add(&run, w.cols, rows, (ting_strided){ting_row(x, job->base), 1, x.ld}, job->gy, 1, w.grad, w.ld);
        ting_ctx_check(ctx);
    }
}

void ting_bwd_linear(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_linear *rec = saved;
    const ting_tensor w = rec->w->t;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    struct job job = {.kern = ctx->kern, .x = rec->x, .y = rec->y};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_gradient_touch(ctx, job.y);
    job.first = ting_gradient_first(ctx, job.x);
    job.w = ting_gemm_pack(&run, ctx->multiply, w.cols, w.rows, (ting_strided){w.data, w.ld, 1});
    if (w.grad != NULL)
        job.gy = ting_gemm_room(&run, ctx->multiply, w.rows, job.y.rows < TING_SUM_ROWS ? job.y.rows : TING_SUM_ROWS);
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        job.cut = ting_strips_of(job.w, job.y.rows);
        job.strip_bytes = ting_gemm_strip_bytes(job.w, w.rows < SLICE ? w.rows : SLICE);
        if (rec->b != NULL && rec->b->t.grad != NULL)
            job.sums = ting_arena_take_zeroed(ctx->arena, (size_t)job.cut.blocks * (size_t)w.rows, sizeof *job.sums);
        ting_ctx_check(ctx);
    }
    if (ctx->err == TING_OK)
        run_blocks(ctx, &job, w);
    if (ctx->err == TING_OK && job.sums != NULL)
        ting_sum_rows(ctx, job.cut.blocks, w.rows, job.sums, w.rows, rec->b->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
