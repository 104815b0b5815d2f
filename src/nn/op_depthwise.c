/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_depthwise.c - one filter per channel over time.
 *
 *     x [T, C], zeros `before` and `after` each segment -> y[t][c] = b[c] + sum_j w[c][j] x[t + j - before][c]
 *
 * The rows with their zeros are laid out once, so that the kernel needs no borders.
 */
#include "nn/depthwise.h"

#include "nn/rec.h"
#include "nn/tape.h"
#include "nn/taps.h"

#include <string.h>

enum { ROWS_PER_TASK = 32 };

void ting_framed_rows(const ting_real *x, int ldx, int cols, ting_segments segments, int before, int after, ting_real *out)
{
    const size_t row = (size_t)cols * sizeof *out;
    for (int s = 0; s < segments.count; s++) {
        memset(out, 0, (size_t)before * row);
        out += (size_t)before * (size_t)cols;
        for (int t = segments.start[s]; t < segments.start[s + 1]; t++, out += cols)
            memcpy(out, x + (size_t)t * (size_t)ldx, row);
        memset(out, 0, (size_t)after * row);
        out += (size_t)after * (size_t)cols;
    }
}

struct job {
    const ting_kern *kern;
    const struct ting_depthwise_run *run;
};

/* Output rows from index x ROWS_PER_TASK on; a task may cross segments. */
static void some_rows(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_depthwise_run *run = job->run;
    const int total = run->out.start[run->out.count], last = (index + 1) * ROWS_PER_TASK;
    int row = index * ROWS_PER_TASK, segment = 0;
    while (row < last && row < total) {
        while (row >= run->out.start[segment + 1])
            segment++;
        int end = run->out.start[segment + 1] < last ? run->out.start[segment + 1] : last;
        /* each segment before this one was framed by taps - 1 rows more than it has output */
        const size_t framed = (size_t)row + (size_t)segment * (size_t)(run->taps - 1);
        job->kern->depthwise(end - row, run->cols, run->taps, run->framed + framed * (size_t)run->cols, run->cols, run->w,
                             run->bias, run->y + (size_t)row * (size_t)run->ldy, run->ldy);
        row = end;
    }
}

void ting_depthwise_rows(ting_ctx *ctx, const struct ting_depthwise_run *run)
{
    struct job job = {ctx->kern, run};
    const int total = run->out.start[run->out.count];
    ting_pool_run(ctx->pool, (total + ROWS_PER_TASK - 1) / ROWS_PER_TASK, some_rows, &job);
}

/* Fills out_start; false when a segment is too short. */
static bool fill_starts(ting_segments segments, int more, int *out_start)
{
    out_start[0] = 0;
    for (int s = 0; s < segments.count; s++) {
        const int rows = segments.start[s + 1] - segments.start[s] + more;
        if (rows < 0)
            return false;
        out_start[s + 1] = out_start[s] + rows;
    }
    return true;
}

ting_tensor ting_depthwise(ting_ctx *ctx, ting_tensor x, ting_segments segments, int before, int after, const ting_param *w,
                           const ting_param *b, int *out_start)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const int taps = ting_taps_count(w), more = before + after + 1 - taps;
    if (w->shape[0] != x.cols || segments.start[segments.count] != x.rows || before < 0 || after < 0 || before >= taps ||
        after >= taps || !fill_starts(segments, more, out_start)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "depthwise: filter %s has %d channels and %d taps, input is [%d, %d], zeros %d "
                      "and %d", w->name, w->shape[0], taps, x.rows, x.cols, before, after);
        return (ting_tensor){0};
    }
    const ting_segments out = {segments.count, out_start};
    ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], x.cols);
    struct ting_rec_depthwise *rec = ting_tape_push(ctx, TING_OP_depthwise, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_depthwise){.x = x, .y = y, .segments = segments, .out = out, .before = before, .after = after,
                                           .w = w, .b = b};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const size_t framed_rows = (size_t)x.rows + (size_t)segments.count * (size_t)(before + after);
    ting_real *framed = ting_ctx_reals(ctx, framed_rows * (size_t)x.cols);
    const ting_real *turned = ting_taps(ctx, w);
    if (ctx->err == TING_OK) {
        ting_framed_rows(x.data, x.ld, x.cols, segments, before, after, framed);
        ting_depthwise_rows(ctx, &(struct ting_depthwise_run){.framed = framed, .w = turned,
                                                              .bias = b != NULL ? b->t.data : NULL, .taps = taps,
                                                              .cols = x.cols, .out = out, .y = y.data, .ldy = y.ld});
    }
    ting_arena_rewind(ctx->arena, mark);
    return y;
}
