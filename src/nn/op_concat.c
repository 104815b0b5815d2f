/* SPDX-License-Identifier: Apache-2.0 */
/* op_concat.c - tensors side by side, one after the other in time, and cut or widened. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

struct cols_job {
    const ting_tensor *parts;
    int count;
    ting_tensor y;
};

static void concat_cols_rows(void *arg, ting_row_block block)
{
    const struct cols_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *y = ting_row(job->y, r);
        for (int i = 0; i < job->count; i++) {
            memcpy(y, ting_row(job->parts[i], r), (size_t)job->parts[i].cols * sizeof *y);
            y += job->parts[i].cols;
        }
    }
}

ting_tensor ting_concat_cols(ting_ctx *ctx, const ting_tensor *parts, int count)
{
    int cols = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].rows != parts[0].rows) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "concat_cols: part %d has %d rows, part 0 has %d", i,
                          parts[i].rows, parts[0].rows);
            return (ting_tensor){0};
        }
        cols += parts[i].cols;
    }
    ting_tensor y = ting_ctx_output(ctx, count == 0 ? 0 : parts[0].rows, cols);
    struct ting_rec_concat_cols *rec = ting_tape_push(ctx, TING_OP_concat_cols, sizeof *rec);
    if (rec != NULL) {
        ting_tensor *copy = ting_arena_take(ctx->arena, (size_t)count * sizeof *copy);
        ting_ctx_check(ctx);
        if (copy == NULL)
            return (ting_tensor){0};
        memcpy(copy, parts, (size_t)count * sizeof *copy);
        *rec = (struct ting_rec_concat_cols){.parts = copy, .count = count, .y = y};
    }
    struct cols_job job = {.parts = parts, .count = count, .y = y};
    ting_rows_run(ctx->pool, y.rows, y.cols, concat_cols_rows, &job);
    return y;
}

static bool cover(ting_tensor t, ting_segments segments)
{
    return segments.start[segments.count] == t.rows;
}

static void concat_time_rows(void *arg, ting_row_block block)
{
    const struct ting_rec_concat_time *op = arg;
    int segment = 0, from;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_tensor source = ting_concat_time_source(op, r, &segment, &from) ? op->a : op->b;
        memcpy(ting_row(op->y, r), ting_row(source, from), (size_t)op->y.cols * sizeof *op->y.data);
    }
}

ting_tensor ting_concat_time(ting_ctx *ctx, ting_tensor a, ting_segments a_segments, ting_tensor b,
                             ting_segments b_segments)
{
    if (a.cols != b.cols || a_segments.count != b_segments.count || !cover(a, a_segments) || !cover(b, b_segments)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "concat_time: a is [%d, %d] in %d segments, b is [%d, %d] in %d", a.rows,
                      a.cols, a_segments.count, b.rows, b.cols, b_segments.count);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, a.rows + b.rows, a.cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_concat_time op = {.a = a, .b = b, .y = y, .a_segments = a_segments, .b_segments = b_segments};
    struct ting_rec_concat_time *rec = ting_tape_push(ctx, TING_OP_concat_time, sizeof *rec);
    if (rec != NULL)
        *rec = op;
    ting_rows_run(ctx->pool, y.rows, y.cols, concat_time_rows, &op);
    return y;
}

struct fit_job {
    ting_tensor x, y;
};

static void fit_rows(void *arg, ting_row_block block)
{
    const struct fit_job *job = arg;
    int shared = job->x.cols < job->y.cols ? job->x.cols : job->y.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *y = ting_row(job->y, r);
        memcpy(y, ting_row(job->x, r), (size_t)shared * sizeof *y);
        memset(y + shared, 0, (size_t)(job->y.cols - shared) * sizeof *y);
    }
}

ting_tensor ting_fit_cols(ting_ctx *ctx, ting_tensor x, int cols)
{
    ting_tensor y = ting_ctx_output(ctx, x.rows, cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_fit_cols *rec = ting_tape_push(ctx, TING_OP_fit_cols, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_fit_cols){.x = x, .y = y};
    struct fit_job job = {.x = x, .y = y};
    ting_rows_run(ctx->pool, y.rows, y.cols, fit_rows, &job);
    return y;
}
