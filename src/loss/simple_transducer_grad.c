/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simple_transducer_grad.c - backward of the simple transducer loss; docs/derive/simple_transducer.md.
 *
 * With K[t][u] = share passages / Z, rows of the gradient of am are P * (K Q), those of lm Q * (K^T P), less the
 * passages of the arcs at their classes. The unigram's row of K^T P leads on to all rows of lm.
 */
#include "loss/simple_part.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rows.h"

#include <string.h>

enum { ROW_COST = 8 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    const struct ting_rec_simple_transducer *op;
    const ting_simple_part *part;
    ting_real g;        /* of the loss */
    ting_real *p, *q;   /* [T, V], [S + 1, V] */
    ting_real *k;       /* [T, columns] */
    ting_real *product; /* K Q [T, V], then K^T P [columns, V] */
    ting_real *unigram; /* [V]: gradient of w; NULL without */
    ting_real per_row;  /* 1 / rows of lm in all */
};

static ting_real *row_of(ting_real *rows, const struct job *job, int r)
{
    return rows + (size_t)r * (size_t)job->op->classes;
}

static ting_real share_of_both(const struct job *job)
{
    return job->g * (1 - job->op->lm_only - job->op->am_only);
}

static void fill_k(const struct job *job)
{
    const ting_simple_part *part = job->part;
    const int states = part->lm.rows, columns = ting_simple_columns(job->op, part);
    for (int t = 0; t < part->am.rows; t++) {
        const ting_real *z = part->z + (size_t)t * (size_t)columns;
        const ting_real *blanks = part->blanks + (size_t)t * (size_t)states,
                        *labels = part->labels + (blanks - part->blanks);
        ting_real *k = job->k + (size_t)t * (size_t)columns;
        double all = 0;
        for (int u = 0; u < states; u++) {
            const ting_real passages = blanks[u] + labels[u];
            all += (double)passages;
            k[u] = z[u] > 0 ? share_of_both(job) * passages / z[u] : 0;
        }
        if (columns > states)
            k[states] = job->g * job->op->am_only * (ting_real)all / z[states];
    }
}

/* The state's share of a gradient row where Z was too small; row is scratch. */
static void add_direct(const struct job *job, int t, int u, ting_real *row, ting_real *gradient)
{
    const ting_simple_part *part = job->part;
    const size_t at = (size_t)t * (size_t)part->lm.rows + (size_t)u;
    const ting_real passages = part->blanks[at] + part->labels[at];
    if (part->z[(size_t)t * (size_t)ting_simple_columns(job->op, part) + (size_t)u] > 0 || passages == 0)
        return;
    const ting_real log_sum = ting_simple_direct_sum(job->kern, part, t, u, row);
    job->kern->cross_entropy_grad(job->op->classes, row, log_sum, share_of_both(job) * passages, 0, gradient);
}

static void am_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_simple_part *part = job->part;
    const int states = part->lm.rows;
    const ting_real share = job->g * (1 - job->op->lm_only);
    for (int t = block.first; t < block.first + block.count; t++) {
        ting_real *gradient = ting_grad_row(part->am, t), *product = row_of(job->product, job, t);
        const ting_real *blanks = part->blanks + (size_t)t * (size_t)states,
                        *labels = part->labels + (blanks - part->blanks);
        job->kern->muladd(job->op->classes, row_of(job->p, job, t), product, gradient);
        double blank = 0;
        for (int u = 0; u < states; u++) {
            add_direct(job, t, u, product, gradient);
            blank += (double)blanks[u];
            if (u + 1 < states)
                gradient[part->targets[u]] -= share * labels[u];
        }
        gradient[job->op->blank] -= share * (ting_real)blank;
    }
}

/* How often the arcs of state u are passed in all frames. */
static void passages_of(const ting_simple_part *part, int u, double *blank, double *label)
{
    *blank = *label = 0;
    for (int t = 0; t < part->am.rows; t++) {
        const size_t at = (size_t)t * (size_t)part->lm.rows + (size_t)u;
        *blank += (double)part->blanks[at];
        *label += (double)part->labels[at];
    }
}

static void lm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_simple_part *part = job->part;
    const ting_real share = job->g * (1 - job->op->am_only);
    for (int u = block.first; u < block.first + block.count; u++) {
        ting_real *gradient = ting_grad_row(part->lm, u), *product = row_of(job->product, job, u);
        const ting_real *q = row_of(job->q, job, u);
        double blank, label;
        passages_of(part, u, &blank, &label);
        job->kern->muladd(job->op->classes, q, product, gradient);
        job->kern->axpy(job->op->classes, job->g * job->op->lm_only * (ting_real)(blank + label), q, gradient);
        for (int t = 0; t < part->am.rows; t++)
            add_direct(job, t, u, product, gradient);
        gradient[job->op->blank] -= share * (ting_real)blank;
        if (u + 1 < part->lm.rows)
            gradient[part->targets[u]] -= share * (ting_real)label;
    }
}

/* unigram += the part's derivative by w: its row of K^T P, less passages / w. */
static void add_unigram(const struct job *job)
{
    const ting_simple_part *part = job->part;
    const struct ting_rec_simple_transducer *op = job->op;
    const ting_real share = job->g * op->am_only;
    job->kern->add(op->classes, row_of(job->product, job, part->lm.rows), job->unigram, job->unigram);
    for (int u = 0; u < part->lm.rows; u++) {
        double blank, label;
        passages_of(part, u, &blank, &label);
        job->unigram[op->blank] -= share * (ting_real)blank / op->unigram[op->blank];
        if (u + 1 < part->lm.rows)
            job->unigram[part->targets[u]] -= share * (ting_real)label / op->unigram[part->targets[u]];
    }
}

static void one_part(ting_ctx *ctx, struct job *job, const ting_simple_part *part)
{
    const struct ting_rec_simple_transducer *op = job->op;
    const int frames = part->am.rows, columns = ting_simple_columns(op, part), classes = op->classes;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int cost = ROW_COST * classes + part->lm.rows;
    if (frames == 0)
        return;
    job->part = part;
    ting_simple_softmax(ctx, part->am, job->p, NULL);
    ting_simple_softmax(ctx, part->lm, job->q, NULL);
    if (op->unigram != NULL)
        memcpy(row_of(job->q, job, part->lm.rows), op->unigram, (size_t)classes * sizeof *job->q);
    fill_k(job);
    if (part->am.grad != NULL) {
        ting_gemm(&run, TING_PRECISION_F32, frames, classes, columns, 1, (ting_strided){job->k, columns, 1},
                  (ting_strided){job->q, classes, 1}, 0, job->product, classes);
        ting_rows_run(ctx->pool, frames, cost, am_rows, job);
    }
    if (part->lm.grad != NULL) {
        ting_gemm(&run, TING_PRECISION_F32, columns, classes, frames, 1, (ting_strided){job->k, 1, columns},
                  (ting_strided){job->p, classes, 1}, 0, job->product, classes);
        if (op->unigram != NULL)
            add_unigram(job);
        ting_rows_run(ctx->pool, part->lm.rows, cost, lm_rows, job);
    }
}

/* w is the mean of the rows Q: each gets its share, through its softmax. */
static void unigram_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int u = block.first; u < block.first + block.count; u++)
        job->kern->softmax_grad(job->op->classes, row_of(job->q, job, u), job->unigram,
                                ting_grad_row(job->part->lm, u));
}

static void spread_unigram(ting_ctx *ctx, struct job *job)
{
    const struct ting_rec_simple_transducer *op = job->op;
    job->kern->scale(op->classes, job->per_row, job->unigram, job->unigram);
    for (int s = 0; s < op->count; s++) {
        job->part = &op->parts[s];
        ting_simple_softmax(ctx, job->part->lm, job->q, NULL);
        ting_rows_run(ctx->pool, job->part->lm.rows, ROW_COST * op->classes, unigram_rows, job);
    }
}

void ting_bwd_simple_transducer(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = saved};
    const struct ting_rec_simple_transducer *op = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    size_t most = 0, rows = 0, all = 0;
    for (int s = 0; s < op->count; s++) {
        const size_t frames = (size_t)op->parts[s].am.rows, columns = (size_t)ting_simple_columns(op, &op->parts[s]);
        most = frames * columns > most ? frames * columns : most;
        rows = frames > rows ? frames : rows;
        rows = columns > rows ? columns : rows;
        all += (size_t)op->parts[s].lm.rows;
    }
    for (int s = 0; s < op->count; s++) {
        ting_gradient_touch(ctx, op->parts[s].am);
        ting_gradient_touch(ctx, op->parts[s].lm);
    }
    ting_gradient_touch(ctx, op->loss);
    job.g = op->loss.grad[0];
    job.per_row = all > 0 ? 1 / (ting_real)all : 0;
    job.k = ting_ctx_reals(ctx, most + 1);
    job.product = ting_ctx_reals(ctx, rows * (size_t)op->classes + 1);
    job.unigram =
        op->unigram != NULL ? ting_arena_take_zeroed(ctx->arena, (size_t)op->classes, sizeof *job.unigram) : NULL;
    ting_ctx_check(ctx);
    if (!ting_simple_take_rows(ctx, op, &job.p, &job.q))
        return;
    for (int s = 0; s < op->count; s++)
        one_part(ctx, &job, &op->parts[s]);
    if (op->unigram != NULL && op->count > 0 && op->parts[0].lm.grad != NULL)
        spread_unigram(ctx, &job);
    ting_arena_rewind(ctx->arena, mark);
}
