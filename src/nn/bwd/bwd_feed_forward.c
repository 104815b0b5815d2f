/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_feed_forward.c - as the forward, a block of rows at a time on each thread: what stands before the activation again, where it
 * was not kept, the inside from it, and the gradient g through it,
 *     before = x W1^T + b1,  g = f'(before) mask (gy W2),  gx += g W1
 * Both are put into the operands of the weights' gradients, which follow for some blocks at a time:
 *     gW2 += gy^T inside,  gW1 += (x^T g)^T,  gb1 += sum of the rows of g
 * docs/derive/feed_forward.md
 */
#include "nn/bwd/bwd.h"
#include "nn/feed_forward.h"
#include "nn/gradient.h"

struct job {
    const ting_kern *kern;
    const struct ting_rec_feed_forward *rec;
    const ting_packed *first, *second; /* W1 and W2 as the right operand of a gradient's rows */
    const ting_packed *forward;        /* W1 as that of a row of x; NULL: `before` was kept */
    bool fresh;                        /* nobody has added to gx */
    ting_packed *inside, *g;           /* [TING_SUM_ROWS, n]; NULL where the weight wants no gradient */
    ting_real *sums;                   /* [blocks, n]: sums of g; NULL */
    ting_row_strips cut;
    size_t x_bytes, gy_bytes, g_bytes; /* of a strip */
    int d, n, m;
    int base; /* the first row of the operands */
};

/* What stands before the activation in a piece of a strip, [rows, *ld]. */
static const ting_real *before_piece(const struct job *job, int row, int rows, const unsigned char *x, int n0, int n, ting_real *room,
                                     int *ld)
{
    const struct ting_rec_feed_forward *rec = job->rec;
    *ld = job->forward == NULL ? rec->before.ld : TING_FEED_FORWARD_LD;
    if (job->forward == NULL)
        return ting_row(rec->before, row) + n0;
    ting_gemm_strip(job->forward, &(ting_gemm_part){.k = job->d, .n0 = n0, .n = n}, rows, x, rec->b1->t.data + n0, 0, room, *ld);
    return room;
}

/* One piece of a strip: g and the inside, and where they go. values [3][strip_rows][LD]: room. */
static void one_piece(const struct job *job, int row, int rows, const unsigned char *x, const unsigned char *gy,
                      const ting_gemm_part *part, ting_real *values, ting_real *sum)
{
    const struct ting_rec_feed_forward *rec = job->rec;
    const int ld = TING_FEED_FORWARD_LD;
    const ting_real one = 1;
    const int apart = job->cut.strip_rows * ld;
    ting_real *gs = values, *insides = values + apart, mask[TING_GEMM_PIECE];
    int before_ld, mask_row = -1; /* what mask holds */
    const ting_real *befores = before_piece(job, row, rows, x, part->n0, part->n, values + 2 * apart, &before_ld);
    ting_gemm_strip(job->second, part, rows, gy, NULL, 0, gs, ld);
    for (int r = 0; r < rows; r++) {
        const ting_real *before = befores + (ptrdiff_t)r * before_ld;
        ting_real *g = gs + r * ld, *inside = insides + r * ld;
        if (job->inside != NULL)
            job->kern->act_both(rec->act, part->n, before, g, inside, g);
        else
            job->kern->act_chain(rec->act, part->n, before, g, g);
        if (rec->mask.threshold == 0)
            continue;
        if (ting_feed_forward_mask_row(rec, row + r) != mask_row) {
            mask_row = ting_feed_forward_mask_row(rec, row + r);
            ting_mask_row(job->kern, &rec->mask, mask_row, part->n0, part->n, mask);
        }
        job->kern->mul(part->n, mask, g, g);
        if (job->inside != NULL)
            job->kern->mul(part->n, mask, inside, inside);
    }
    if (job->inside != NULL)
        ting_gemm_put(job->inside, row - job->base, rows, part->n0, part->n, insides, ld);
    if (job->g != NULL)
        ting_gemm_put(job->g, row - job->base, rows, part->n0, part->n, gs, ld);
    if (sum != NULL)
        job->kern->mix(rows, part->n, 1, &one, 0, gs, ld, sum + part->n0);
}

static size_t room_bytes(const struct job *job)
{
    const size_t strips = (size_t)(job->cut.block_rows / job->cut.strip_rows);
    const size_t values = (size_t)(3 * job->cut.strip_rows * TING_FEED_FORWARD_LD);
    return strips * (job->x_bytes + job->gy_bytes + job->g_bytes) + values * sizeof(ting_real);
}

static void run_block(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const ting_tensor x = job->rec->x, y = job->rec->y;
    const ting_row_strips *cut = &job->cut;
    const int begin = job->base + index * cut->block_rows;
    const int end = begin + cut->block_rows < x.rows ? begin + cut->block_rows : x.rows;
    const int strips = cut->block_rows / cut->strip_rows;
    unsigned char *xs = room, *gys = xs + (size_t)strips * job->x_bytes, *gs = gys + (size_t)strips * job->gy_bytes;
    ting_real *values = (ting_real *)(void *)(gs + (size_t)strips * job->g_bytes);
    ting_real *sum = job->sums == NULL ? NULL : job->sums + (size_t)(begin / cut->block_rows) * (size_t)job->n;
    ting_gemm_begin(job->first);
    for (int r = begin, s = 0; r < end; r += cut->strip_rows, s++) {
        const int rows = ting_strip_count(cut, r, end);
        ting_gemm_strip_pack(job->second, rows, job->m, ting_grad_row(y, r), y.ld, gys + (size_t)s * job->gy_bytes);
        if (job->forward != NULL)
            ting_gemm_strip_pack(job->forward, rows, job->d, ting_row(x, r), x.ld, xs + (size_t)s * job->x_bytes);
    }
    for (int n0 = 0; n0 < job->n; n0 += TING_GEMM_PIECE) {
        const int n = job->n - n0 < TING_GEMM_PIECE ? job->n - n0 : TING_GEMM_PIECE;
        for (int r = begin, s = 0; r < end; r += cut->strip_rows, s++) {
            const int rows = ting_strip_count(cut, r, end);
            one_piece(job, r, rows, xs + (size_t)s * job->x_bytes, gys + (size_t)s * job->gy_bytes,
                      &(ting_gemm_part){.k = job->m, .n0 = n0, .n = n}, values, sum);
            if (x.grad != NULL)
                ting_gemm_strip_pack(job->first, rows, n, values, TING_FEED_FORWARD_LD, gs + (size_t)s * job->g_bytes);
        }
        for (int r = begin, s = 0; x.grad != NULL && r < end; r += cut->strip_rows, s++)
            ting_gemm_strip(job->first, &(ting_gemm_part){.k0 = n0, .k = n, .n = job->d}, ting_strip_count(cut, r, end),
                            gs + (size_t)s * job->g_bytes, NULL, job->fresh && n0 == 0 ? 0 : 1, ting_grad_row(x, r), x.ld);
    }
    ting_gemm_end(job->first);
}

/* All rows, some blocks at a time. */
static void run_blocks(ting_ctx *ctx, struct job *job)
{
    const struct ting_rec_feed_forward *rec = job->rec;
    const ting_tensor x = rec->x, y = rec->y, w1 = rec->w1->t, w2 = rec->w2->t;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int most = ting_strips_at_a_time(&job->cut);
    for (job->base = 0; job->base < x.rows && ctx->err == TING_OK; job->base += most) {
        const int rows = x.rows - job->base < most ? x.rows - job->base : most;
        ting_gemm_tasks(&run, room_bytes(job), (rows + job->cut.block_rows - 1) / job->cut.block_rows, run_block, job);
        if (job->inside != NULL)
            ting_gemm_add(&run, w2.rows, rows, (ting_strided){ting_grad_row(y, job->base), 1, y.ld}, job->inside, 0, w2.grad, w2.ld);
        if (job->g != NULL)
            ting_gemm_add(&run, w1.cols, rows, (ting_strided){ting_row(x, job->base), 1, x.ld}, job->g, 1, w1.grad, w1.ld);
        ting_ctx_check(ctx);
    }
}

/* The packed weights and the room that a backward needs. */
static void prepare(ting_ctx *ctx, struct job *job)
{
    const struct ting_rec_feed_forward *rec = job->rec;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_tensor w1 = rec->w1->t, w2 = rec->w2->t;
    const int most = rec->x.rows < TING_SUM_ROWS ? rec->x.rows : TING_SUM_ROWS;
    job->first = ting_gemm_pack(&run, ctx->multiply, w1.cols, w1.rows, (ting_strided){w1.data, w1.ld, 1});
    job->second = ting_gemm_pack(&run, ctx->multiply, w2.cols, w2.rows, (ting_strided){w2.data, w2.ld, 1});
    if (rec->before.data == NULL)
        job->forward = ting_gemm_pack(&run, ctx->multiply, w1.rows, w1.cols, (ting_strided){w1.data, 1, w1.ld});
    if (w2.grad != NULL)
        job->inside = ting_gemm_room(&run, ctx->multiply, job->n, most);
    if (w1.grad != NULL)
        job->g = ting_gemm_room(&run, ctx->multiply, job->n, most);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    job->cut = ting_strips_of(job->first, rec->x.rows);
    job->x_bytes = job->forward == NULL ? 0 : ting_gemm_strip_bytes(job->first, job->d);
    job->gy_bytes = ting_gemm_strip_bytes(job->first, job->m);
    job->g_bytes = ting_gemm_strip_bytes(job->first, TING_GEMM_PIECE);
    if (rec->b1->t.grad != NULL)
        job->sums = ting_arena_take_zeroed(ctx->arena, (size_t)job->cut.blocks * (size_t)job->n, sizeof *job->sums);
    ting_ctx_check(ctx);
}

void ting_bwd_feed_forward(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_feed_forward *rec = saved;
    const ting_tensor y = rec->y;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .rec = rec, .d = rec->w1->t.cols, .n = rec->w1->t.rows, .m = rec->w2->t.rows};
    ting_gradient_touch(ctx, y);
    job.fresh = ting_gradient_first(ctx, rec->x);
    prepare(ctx, &job);
    if (ctx->err == TING_OK)
        run_blocks(ctx, &job);
    if (ctx->err == TING_OK && job.sums != NULL)
        ting_sum_rows(ctx, job.cut.blocks, job.n, job.sums, job.n, rec->b1->t.grad);
    if (ctx->err == TING_OK && rec->b2->t.grad != NULL)
        ting_sum_rows(ctx, y.rows, y.cols, y.grad, y.ld, rec->b2->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
