/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_lstm.c - back through time, all segments together as in op_lstm.c; the products with x and with
 * the states before each step are made once, for all rows, at the end. docs/derive/lstm.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>
#include <tgmath.h>

struct job {
    const struct ting_rec_lstm *rec;
    int step;
    ting_real *gh, *gc; /* [segments, h] in the order of rec->order: gradients of the state */
    ting_real *now;     /* [segments, 4 h]: gradients before the activations of this step's gates */
    ting_real *gates;   /* [T, 4 h]: the same for all rows */
};

static int length(ting_segments segments, int s)
{
    return segments.start[s + 1] - segments.start[s];
}

static int row_at(const struct ting_rec_lstm *rec, int s, int step)
{
    return rec->reverse ? rec->segments.start[s + 1] - 1 - step : rec->segments.start[s] + step;
}

/* The state of segment s before a step: from its row before, from the start, or NULL for zeros. */
static const ting_real *before(const struct ting_rec_lstm *rec, int s, int step, const ting_real *rows,
                               int ld, ting_tensor start)
{
    if (step > 0)
        return rows + (size_t)row_at(rec, s, step - 1) * (size_t)ld;
    return start.rows == 0 ? NULL : ting_row(start, s);
}

static void step_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_lstm *rec = job->rec;
    const int h = rec->y.cols;
    for (int a = block.first; a < block.first + block.count; a++) {
        const int s = rec->order[a], row = row_at(rec, s, job->step);
        const ting_real *gate = rec->gates + (size_t)row * 4 * (size_t)h;
        const ting_real *cell = rec->cell + (size_t)row * (size_t)h;
        const ting_real *cell_before = before(rec, s, job->step, rec->cell, h, rec->c0);
        const ting_real *gy = ting_grad_row(rec->y, row);
        const ting_real *gh = job->gh + (size_t)a * (size_t)h;
        ting_real *gc = job->gc + (size_t)a * (size_t)h, *out = job->now + (size_t)a * 4 * (size_t)h;
        for (int u = 0; u < h; u++) {
            const ting_real i = gate[u], f = gate[h + u], g = gate[2 * h + u], o = gate[3 * h + u];
            const ting_real squashed = tanh(cell[u]);
            const ting_real g_h = gh[u] + gy[u];
            const ting_real g_c = gc[u] + g_h * o * (1 - squashed * squashed);
            out[u] = g_c * g * i * (1 - i);
            out[h + u] = cell_before == NULL ? 0 : g_c * cell_before[u] * f * (1 - f);
            out[2 * h + u] = g_c * i * (1 - g * g);
            out[3 * h + u] = g_h * squashed * o * (1 - o);
            gc[u] = g_c * f;
        }
        memcpy(job->gates + (size_t)row * 4 * (size_t)h, out, 4 * (size_t)h * sizeof *out);
    }
}

/* Gradients of the state in the order of rec->order, from those of hn or cn. */
static void load_state(const struct ting_rec_lstm *rec, ting_tensor from, ting_real *state)
{
    const int h = rec->y.cols;
    for (int a = 0; a < rec->segments.count; a++)
        memcpy(state + (size_t)a * (size_t)h, ting_grad_row(from, rec->order[a]), (size_t)h * sizeof *state);
}

static void add_state(const ting_kern *kern, const struct ting_rec_lstm *rec, const ting_real *state, ting_tensor to)
{
    const int h = rec->y.cols;
    for (int a = 0; to.grad != NULL && a < rec->segments.count; a++)
        kern->add(h, ting_grad_row(to, rec->order[a]), state + (size_t)a * (size_t)h, ting_grad_row(to, rec->order[a]));
}

static void back_through_time(ting_ctx *ctx, struct job *job)
{
    const struct ting_rec_lstm *rec = job->rec;
    const ting_tensor w = rec->weights.w_hh->t;
    const int h = rec->y.cols;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    int running = 0;
    for (job->step = rec->segments.count == 0 ? 0 : length(rec->segments, rec->order[0]); job->step-- > 0;) {
        while (running < rec->segments.count && length(rec->segments, rec->order[running]) > job->step)
            running++;
        ting_rows_run(ctx->pool, running, 32 * h, step_rows, job);
        ting_gemm(&run, ctx->multiply, running, h, 4 * h, 1, (ting_strided){job->now, 4 * h, 1},
                  (ting_strided){w.data, w.ld, 1}, 0, job->gh, h);
    }
}

/* gW_hh += gates^T (states before each step) */
static void add_recurrent(ting_ctx *ctx, const struct job *job)
{
    const struct ting_rec_lstm *rec = job->rec;
    const ting_tensor w = rec->weights.w_hh->t;
    const int h = rec->y.cols, rows = rec->x.rows;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *states = ting_ctx_reals(ctx, (size_t)rows * (size_t)h);
    if (states == NULL)
        return;
    for (int s = 0; s < rec->segments.count; s++) {
        for (int step = 0; step < length(rec->segments, s); step++) {
            const ting_real *from = before(rec, s, step, rec->y.data, rec->y.ld, rec->h0);
            ting_real *to = states + (size_t)row_at(rec, s, step) * (size_t)h;
            if (from == NULL)
                memset(to, 0, (size_t)h * sizeof *to);
            else
                memcpy(to, from, (size_t)h * sizeof *to);
        }
    }
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_gemm(&run, ctx->multiply, w.rows, w.cols, rows, 1, (ting_strided){job->gates, 1, 4 * h},
              (ting_strided){states, h, 1}, 1, w.grad, w.ld);
    ting_arena_rewind(ctx->arena, mark);
}

void ting_bwd_lstm(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_lstm *rec = saved;
    const ting_tensor x = rec->x, w = rec->weights.w_ih->t;
    const int h = rec->y.cols;
    const size_t state = (size_t)rec->segments.count * (size_t)h;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.rec = rec};
    job.gh = ting_ctx_reals(ctx, state);
    job.gc = ting_ctx_reals(ctx, state);
    job.now = ting_ctx_reals(ctx, 4 * state);
    job.gates = ting_ctx_reals(ctx, 4 * (size_t)x.rows * (size_t)h);
    if (ctx->err != TING_OK)
        return;
    const ting_tensor touched[] = {rec->y, rec->hn, rec->cn, x, rec->h0, rec->c0};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
        ting_gradient_touch(ctx, touched[i]);
    load_state(rec, rec->hn, job.gh);
    load_state(rec, rec->cn, job.gc);
    back_through_time(ctx, &job);
    add_state(ctx->kern, rec, job.gh, rec->h0);
    add_state(ctx->kern, rec, job.gc, rec->c0);
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (x.grad != NULL)
        ting_gemm(&run, ctx->multiply, x.rows, x.cols, 4 * h, 1, (ting_strided){job.gates, 4 * h, 1},
                  (ting_strided){w.data, w.ld, 1}, 1, x.grad, x.ld);
    if (w.grad != NULL)
        ting_gemm(&run, ctx->multiply, w.rows, w.cols, x.rows, 1, (ting_strided){job.gates, 1, 4 * h},
                  (ting_strided){x.data, x.ld, 1}, 1, w.grad, w.ld);
    if (rec->weights.w_hh->t.grad != NULL)
        add_recurrent(ctx, &job);
    if (rec->weights.b_ih->t.grad != NULL)
        ting_sum_rows(ctx, x.rows, 4 * h, job.gates, 4 * h, rec->weights.b_ih->t.grad);
    if (rec->weights.b_hh->t.grad != NULL)
        ting_sum_rows(ctx, x.rows, 4 * h, job.gates, 4 * h, rec->weights.b_hh->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
