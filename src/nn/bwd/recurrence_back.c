/* SPDX-License-Identifier: Apache-2.0 */
/* recurrence_back.c - see recurrence_back.h; docs/derive/recurrence.md */
#include "nn/bwd/recurrence_back.h"

#include "nn/gradient.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const ting_recurrence *r;
    ting_recurrent_cell_back *cell;
    const void *self;
    int step;
    ting_real *gh;         /* [segments, h] in the order of r->order: gradients of the state */
    ting_real *now;        /* [segments, G h]: gradients of this step's h W_hh^T */
    ting_real *of_h, *of_x; /* [T, G h]: the same for all rows, and gradients of x W_ih^T; one array when they do not differ */
};

static void step_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_recurrence *r = job->r;
    const size_t h = (size_t)r->y.cols, wide = (size_t)r->gate_count * h;
    for (int a = block.first; a < block.first + block.count; a++) {
        const int s = r->order[a], row = ting_recurrence_row(r, s, job->step);
        const ting_recurrent_row at = {job->kern, a, s, job->step, row};
        ting_real *gh = job->gh + (size_t)a * h, *now = job->now + (size_t)a * wide;
        job->kern->add((int)h, gh, ting_grad_row(r->y, row), gh);
        job->cell(job->self, &at, gh, now, job->of_x == job->of_h ? NULL : job->of_x + (size_t)row * wide);
        memcpy(job->of_h + (size_t)row * wide, now, wide * sizeof *now);
    }
}

void ting_recurrence_load(const ting_recurrence *r, ting_tensor from, ting_real *state)
{
    const size_t h = (size_t)r->y.cols;
    for (int a = 0; a < r->segments.count; a++)
        memcpy(state + (size_t)a * h, ting_grad_row(from, r->order[a]), h * sizeof *state);
}

void ting_recurrence_add(const ting_ctx *ctx, const ting_recurrence *r, const ting_real *state, ting_tensor to)
{
    const int h = r->y.cols;
    for (int a = 0; to.grad != NULL && a < r->segments.count; a++) {
        ting_real *row = ting_grad_row(to, r->order[a]);
        ctx->kern->add(h, row, state + (size_t)a * (size_t)h, row);
    }
}

static void back_through_time(ting_ctx *ctx, struct job *job)
{
    const ting_recurrence *r = job->r;
    const ting_tensor w = r->weights.w_hh->t;
    const int h = r->y.cols, wide = r->gate_count * h;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    int running = 0;
    for (job->step = r->segments.count == 0 ? 0 : ting_segment_length(r->segments, r->order[0]); job->step-- > 0;) {
        while (running < r->segments.count && ting_segment_length(r->segments, r->order[running]) > job->step)
            running++;
        ting_rows_run(ctx->pool, running, 8 * wide, step_rows, job);
        ting_gemm(&run, ctx->multiply, running, h, wide, 1, (ting_strided){job->now, wide, 1},
                  (ting_strided){w.data, w.ld, 1}, 1, job->gh, h);
    }
}

/* gW_hh += of_h^T (states before each step) */
static void add_recurrent(ting_ctx *ctx, const struct job *job)
{
    const ting_recurrence *r = job->r;
    const ting_tensor w = r->weights.w_hh->t;
    const int h = r->y.cols, rows = r->x.rows;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *states = ting_ctx_reals(ctx, (size_t)rows * (size_t)h);
    if (states == NULL)
        return;
    for (int s = 0; s < r->segments.count; s++) {
        for (int step = 0; step < ting_segment_length(r->segments, s); step++) {
            const ting_real *from = ting_recurrence_before(r, s, step, r->y.data, r->y.ld, r->h0);
            ting_real *to = states + (size_t)ting_recurrence_row(r, s, step) * (size_t)h;
            if (from == NULL)
                memset(to, 0, (size_t)h * sizeof *to);
            else
                memcpy(to, from, (size_t)h * sizeof *to);
        }
    }
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_gemm(&run, ctx->multiply, w.rows, w.cols, rows, 1, (ting_strided){job->of_h, 1, w.rows},
              (ting_strided){states, h, 1}, 1, w.grad, w.ld);
    ting_arena_rewind(ctx->arena, mark);
}

/* What x and the parameters get from the gradients of all rows. */
static void add_products(ting_ctx *ctx, const struct job *job)
{
    const ting_recurrence *r = job->r;
    const ting_tensor x = r->x, w = r->weights.w_ih->t, b_ih = r->weights.b_ih->t, b_hh = r->weights.b_hh->t;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (x.grad != NULL)
        ting_gemm(&run, ctx->multiply, x.rows, x.cols, w.rows, 1, (ting_strided){job->of_x, w.rows, 1},
                  (ting_strided){w.data, w.ld, 1}, 1, x.grad, x.ld);
    if (w.grad != NULL)
        ting_gemm(&run, ctx->multiply, w.rows, w.cols, x.rows, 1, (ting_strided){job->of_x, 1, w.rows},
                  (ting_strided){x.data, x.ld, 1}, 1, w.grad, w.ld);
    if (r->weights.w_hh->t.grad != NULL)
        add_recurrent(ctx, job);
    if (b_ih.grad != NULL)
        ting_sum_rows(ctx, x.rows, w.rows, job->of_x, w.rows, b_ih.grad);
    if (b_hh.grad != NULL)
        ting_sum_rows(ctx, x.rows, w.rows, job->of_h, w.rows, b_hh.grad);
}

void ting_recurrence_back(ting_ctx *ctx, const ting_recurrence *r, bool apart, ting_recurrent_cell_back *cell, const void *self)
{
    const size_t segments = (size_t)r->segments.count, h = (size_t)r->y.cols, wide = (size_t)r->gate_count * h;
    struct job job = {.kern = ctx->kern, .r = r, .cell = cell, .self = self};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.gh = ting_ctx_reals(ctx, segments * h);
    job.now = ting_ctx_reals(ctx, segments * wide);
    job.of_h = ting_ctx_reals(ctx, (size_t)r->x.rows * wide);
    job.of_x = apart ? ting_ctx_reals(ctx, (size_t)r->x.rows * wide) : job.of_h;
    if (ctx->err != TING_OK)
        return;
    const ting_tensor touched[] = {r->y, r->hn, r->x, r->h0};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
        ting_gradient_touch(ctx, touched[i]);
    ting_recurrence_load(r, r->hn, job.gh);
    back_through_time(ctx, &job);
    ting_recurrence_add(ctx, r, job.gh, r->h0);
    add_products(ctx, &job);
    ting_arena_rewind(ctx->arena, mark);
}
