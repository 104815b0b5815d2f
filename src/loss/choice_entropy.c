/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choice_entropy.c - see choice_entropy.h.
 *
 * Backward needs only d loss / d z, which forward has at hand: p minus the smoothed target. It is kept, a
 * dozen numbers a row. Then gx_t += sum_i g_i W[c_i] goes row by row; gW[c_i] += g_i x_t is split over the
 * threads by columns, so equal classes of different rows never collide and every sum runs in row order.
 */
#include "loss/choice_entropy.h"

#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

enum { STRIP = 64 };

struct job {
    const ting_kern *kern;
    struct ting_rec_choice_entropy op;
    const ting_real *shift;
    ting_real *loss; /* [T] */
};

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_choice_entropy *op = &job->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_choice *choice = &op->choices[r];
        ting_real *g = op->g + op->offset[r];
        job->loss[r] = 0;
        if (choice->target < 0 || choice->count == 0)
            continue;
        for (int i = 0; i < choice->count; i++)
            g[i] = op->b->t.data[choice->classes[i]] - (job->shift != NULL ? job->shift[choice->classes[i]] : 0) +
                   job->kern->dot(op->x.cols, ting_row(op->x, r), ting_row(op->w->t, choice->classes[i]));
        job->kern->log_softmax(choice->count, g, g);
        const ting_real even = op->smoothing / (ting_real)choice->count;
        job->loss[r] = -(1 - op->smoothing) * g[choice->target];
        if (op->smoothing != 0)
            job->loss[r] -= even * job->kern->sum(choice->count, g);
        job->kern->act(TING_ACT_EXP, choice->count, g, g);
        for (int i = 0; i < choice->count; i++)
            g[i] -= even;
        g[choice->target] -= 1 - op->smoothing;
    }
}

/* Places of the rows in g; false and the sticky error when a choice is out of range. */
static bool lay_out(ting_ctx *ctx, int rows, int classes, const ting_choice *choices, int *offset)
{
    size_t used = 0;
    for (int r = 0; r < rows; r++) {
        offset[r] = (int)used;
        bool fits = choices[r].target < choices[r].count;
        for (int i = 0; fits && i < choices[r].count; i++)
            fits = choices[r].classes[i] >= 0 && choices[r].classes[i] < classes;
        used += (size_t)choices[r].count;
        if (!fits || used > INT32_MAX) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "choice_entropy: row %d has %d choices, target %d, of %d classes", r,
                          choices[r].count, choices[r].target, classes);
            return false;
        }
    }
    offset[rows] = (int)used;
    return true;
}

ting_tensor ting_choice_entropy(ting_ctx *ctx, ting_tensor x, const ting_param *w, const ting_param *b,
                                const ting_choice *choices, const ting_real *shift, ting_real smoothing)
{
    if (w->t.data == NULL || w->t.cols != x.cols || b->t.rows * b->t.cols != w->t.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "choice_entropy: x is [%d, %d], %s is [%d, %d]%s", x.rows, x.cols, w->name,
                      w->t.rows, w->t.cols, w->t.data == NULL ? " and packed" : "");
        return (ting_tensor){0};
    }
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    int *offset = ting_ctx_ints(ctx, x.rows + 1);
    if (ctx->err != TING_OK || !lay_out(ctx, x.rows, w->t.rows, choices, offset))
        return (ting_tensor){0};
    struct job job = {.kern = ctx->kern,
                      .op = {.x = x, .loss = loss, .w = w, .b = b, .choices = choices, .offset = offset,
                             .smoothing = smoothing},
                      .shift = shift};
    job.op.g = ting_ctx_reals(ctx, (size_t)offset[x.rows]);
    job.loss = ting_ctx_reals(ctx, (size_t)x.rows);
    ting_choice *copy = ting_arena_take(ctx->arena, (size_t)x.rows * sizeof *copy);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    memcpy(copy, choices, (size_t)x.rows * sizeof *copy);
    job.op.choices = copy;
    struct ting_rec_choice_entropy *rec = ting_tape_push(ctx, TING_OP_choice_entropy, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_rows_run(ctx->pool, x.rows, 32 * x.cols, loss_rows, &job);
    loss.data[0] = ting_loss_of_rows(job.loss, x.rows);
    return loss;
}

static void input_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_choice_entropy *op = &job->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_choice *choice = &op->choices[r];
        for (int i = 0; choice->target >= 0 && i < choice->count; i++)
            job->kern->axpy(op->x.cols, op->loss.grad[0] * op->g[op->offset[r] + i],
                            ting_row(op->w->t, choice->classes[i]), ting_grad_row(op->x, r));
    }
}

static void weight_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_choice_entropy *op = &job->op;
    int first = index * STRIP, count = op->x.cols - first < STRIP ? op->x.cols - first : STRIP;
    for (int r = 0; r < op->x.rows; r++) {
        const ting_choice *choice = &op->choices[r];
        for (int i = 0; choice->target >= 0 && i < choice->count; i++)
            job->kern->axpy(count, op->loss.grad[0] * op->g[op->offset[r] + i], ting_row(op->x, r) + first,
                            ting_grad_row(op->w->t, choice->classes[i]) + first);
    }
}

void ting_bwd_choice_entropy(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_choice_entropy *op = saved;
    struct job job = {.kern = ctx->kern, .op = *op};
    ting_gradient_touch(ctx, op->loss);
    ting_gradient_touch(ctx, op->x);
    if (op->x.grad != NULL)
        ting_rows_run(ctx->pool, op->x.rows, 32 * op->x.cols, input_rows, &job);
    if (op->w->t.grad != NULL)
        ting_pool_run(ctx->pool, (op->x.cols + STRIP - 1) / STRIP, weight_strip, &job);
    for (int r = 0; op->b->t.grad != NULL && r < op->x.rows; r++) {
        const ting_choice *choice = &op->choices[r];
        for (int i = 0; choice->target >= 0 && i < choice->count; i++)
            op->b->t.grad[choice->classes[i]] += op->loss.grad[0] * op->g[op->offset[r] + i];
    }
}
