/* SPDX-License-Identifier: Apache-2.0 */
/* op_embedding.c - rows of a table by number, and the fixed sinusoidal positions. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

struct job {
    ting_tensor table, y;
    const int *ids;
};

static void copy_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const size_t bytes = (size_t)job->y.cols * sizeof *job->y.data;
    for (int r = block.first; r < block.first + block.count; r++) {
        if (job->ids[r] < 0)
            memset(ting_row(job->y, r), 0, bytes);
        else
            memcpy(ting_row(job->y, r), ting_row(job->table, job->ids[r]), bytes);
    }
}

ting_tensor ting_embedding(ting_ctx *ctx, const int *ids, int count, const ting_param *table)
{
    for (int i = 0; i < count; i++) {
        if (ids[i] >= table->t.rows) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "embedding: id %d at place %d, %s has %d rows", ids[i], i,
                          table->name, table->t.rows);
            return (ting_tensor){0};
        }
    }
    if (table->t.data == NULL) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "embedding: %s is packed, declare it as values", table->name);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, count, table->t.cols);
    struct ting_rec_embedding *rec = ting_tape_push(ctx, TING_OP_embedding, sizeof *rec);
    if (rec != NULL) {
        int *copy = ting_ctx_ints(ctx, count);
        if (copy == NULL)
            return (ting_tensor){0};
        memcpy(copy, ids, (size_t)count * sizeof *copy);
        *rec = (struct ting_rec_embedding){.ids = copy, .y = y, .table = table};
    }
    struct job job = {.table = table->t, .y = y, .ids = ids};
    ting_rows_run(ctx->pool, y.rows, y.cols, copy_rows, &job);
    return y;
}

/* ---- positions ---- */

struct sinusoid {
    ting_tensor y;
    const double *period; /* [(cols + 1) / 2] 10000^(2 i / cols) */
    long first;
    int step;
};

static void sinusoid_rows(void *arg, ting_row_block block)
{
    const struct sinusoid *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *row = ting_row(job->y, r);
        const double place = (double)(job->first + (long)job->step * r);
        for (int c = 0; c < job->y.cols; c++) {
            const double angle = place / job->period[c / 2];
            row[c] = (ting_real)(c % 2 == 0 ? sin(angle) : cos(angle));
        }
    }
}

void ting_sinusoid_fill(ting_ctx *ctx, long first, int step, ting_tensor out)
{
    enum { DEAR = 16 }; /* a sine costs as much as so many simple operations */
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    double *period = ting_arena_take(ctx->arena, (size_t)(out.cols + 1) / 2 * sizeof *period);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    for (int i = 0; i < (out.cols + 1) / 2; i++)
        period[i] = pow(10000, 2.0 * i / out.cols);
    struct sinusoid job = {out, period, first, step};
    ting_rows_run(ctx->pool, out.rows, DEAR * out.cols, sinusoid_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}

ting_tensor ting_sinusoid(ting_ctx *ctx, ting_segments segments, int d)
{
    ting_tensor y = ting_ctx_constant(ctx, segments.start[segments.count], d);
    if (y.data == NULL)
        return y;
    int longest = 0; /* the table is computed for the longest segment and copied */
    for (int s = 1; s < segments.count; s++)
        if (segments.start[s + 1] - segments.start[s] > segments.start[longest + 1] - segments.start[longest])
            longest = s;
    const int from = segments.start[longest];
    ting_sinusoid_fill(ctx, 0, 1, ting_rows(y, from, segments.start[longest + 1] - from));
    for (int s = 0; s < segments.count && ctx->err == TING_OK; s++) {
        int first = segments.start[s], rows = segments.start[s + 1] - first;
        if (s != longest && rows > 0)
            memcpy(ting_row(y, first), ting_row(y, from), (size_t)rows * (size_t)d * sizeof *y.data);
    }
    return y;
}
