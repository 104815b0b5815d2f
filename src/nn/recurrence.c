/* SPDX-License-Identifier: Apache-2.0 */
/* recurrence.c - see recurrence.h. */
#include "nn/recurrence.h"

#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const ting_recurrence *r;
    ting_recurrent_cell *cell;
    int step;
    const ting_real *bias; /* [G h] */
    ting_real *h;          /* [segments, h] in the order of r->order: the state */
    ting_real *recurrent;  /* [segments, G h]: h W_hh^T */
};

/* Insertion: the lists are short. */
void ting_segments_by_length(ting_segments segments, int *order)
{
    for (int s = 0; s < segments.count; s++) {
        int at = s;
        for (; at > 0 && ting_segment_length(segments, order[at - 1]) < ting_segment_length(segments, s); at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
}

static bool fits(const ting_recurrence *r, int h)
{
    const ting_recurrent_weights *w = &r->weights;
    const int wide = r->gate_count * h;
    return w->w_hh->t.rows == wide && w->w_ih->t.rows == wide && w->w_ih->t.cols == r->x.cols &&
           ting_param_row(w->b_ih).cols == wide && ting_param_row(w->b_hh).cols == wide &&
           r->segments.start[r->segments.count] == r->x.rows &&
           (r->h0.rows == 0 || (r->h0.rows == r->segments.count && r->h0.cols == h));
}

void ting_recurrence_open(ting_ctx *ctx, ting_recurrence *r)
{
    const int h = r->weights.w_hh->t.cols;
    if (!fits(r, h)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s: x is [%d, %d] in %d segments, %s is [%d, %d], h0 is [%d, %d]", r->op,
                      r->x.rows, r->x.cols, r->segments.count, r->weights.w_hh->name, r->weights.w_hh->t.rows, h,
                      r->h0.rows, r->h0.cols);
        return;
    }
    int *order = ting_ctx_ints(ctx, r->segments.count);
    r->y = ting_ctx_output(ctx, r->x.rows, h);
    r->hn = ting_ctx_output(ctx, r->segments.count, h);
    r->gates = r->gate_count == 1 ? r->y.data
                                  : ting_ctx_reals(ctx, (size_t)r->gate_count * (size_t)r->x.rows * (size_t)h);
    r->order = order;
    if (ctx->err == TING_OK)
        ting_segments_by_length(r->segments, order);
}

/* y = x W^T, packed in inference */
static void multiply(ting_ctx *ctx, int rows, const ting_real *x, int ldx, const ting_param *w, ting_real *y)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (w->packed != NULL && ctx->tape == NULL)
        ting_gemm_packed(&run, rows, x, ldx, w->packed, NULL, TING_ACT_NONE, 0, y, w->t.rows);
    else
        ting_gemm(&run, ctx->multiply, rows, w->t.rows, w->t.cols, 1, (ting_strided){x, ldx, 1},
                  (ting_strided){w->t.data, 1, w->t.ld}, 0, y, w->t.rows);
}

static void bias_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int wide = job->r->gate_count * job->r->y.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *gates = job->r->gates + (size_t)r * (size_t)wide;
        job->kern->add(wide, gates, job->bias, gates);
    }
}

static void step_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_recurrence *r = job->r;
    const int h = r->y.cols, wide = r->gate_count * h;
    for (int a = block.first; a < block.first + block.count; a++) {
        const int s = r->order[a];
        const ting_recurrent_row at = {job->kern, a, s, job->step, ting_recurrence_row(r, s, job->step)};
        ting_real *state = job->h + (size_t)a * (size_t)h;
        job->cell(r, &at, job->recurrent + (size_t)a * (size_t)wide, state);
        memcpy(ting_row(r->y, at.row), state, (size_t)h * sizeof *state);
    }
}

/* State row a takes row order[a] of h0, or zero. */
static void load_state(const ting_recurrence *r, ting_real *state)
{
    const size_t h = (size_t)r->y.cols;
    for (int a = 0; a < r->segments.count; a++) {
        if (r->h0.rows == 0)
            memset(state + (size_t)a * h, 0, h * sizeof *state);
        else
            memcpy(state + (size_t)a * h, ting_row(r->h0, r->order[a]), h * sizeof *state);
    }
}

void ting_recurrence_run(ting_ctx *ctx, const ting_recurrence *r, int biased, ting_recurrent_cell *cell)
{
    const int h = r->y.cols, wide = r->gate_count * h;
    const size_t segments = (size_t)r->segments.count;
    if (ctx->err != TING_OK)
        return;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .r = r, .cell = cell};
    ting_real *bias = ting_ctx_reals(ctx, (size_t)wide);
    job.h = ting_ctx_reals(ctx, segments * (size_t)h);
    job.recurrent = ting_ctx_reals(ctx, segments * (size_t)wide);
    if (ctx->err != TING_OK)
        return;
    job.bias = bias;
    memcpy(bias, r->weights.b_ih->t.data, (size_t)wide * sizeof *bias);
    ctx->kern->add(biased, bias, r->weights.b_hh->t.data, bias);
    load_state(r, job.h);
    multiply(ctx, r->x.rows, r->x.data, r->x.ld, r->weights.w_ih, r->gates);
    ting_rows_run(ctx->pool, r->x.rows, wide, bias_rows, &job);
    int running = r->segments.count;
    for (job.step = 0;; job.step++) {
        while (running > 0 && ting_segment_length(r->segments, r->order[running - 1]) <= job.step)
            running--;
        if (running == 0)
            break;
        multiply(ctx, running, job.h, h, r->weights.w_hh, job.recurrent);
        ting_rows_run(ctx->pool, running, 4 * wide, step_rows, &job);
    }
    for (int a = 0; a < r->segments.count; a++)
        memcpy(ting_row(r->hn, r->order[a]), job.h + (size_t)a * (size_t)h, (size_t)h * sizeof *job.h);
    ting_arena_rewind(ctx->arena, mark);
    ting_ctx_check(ctx);
}
