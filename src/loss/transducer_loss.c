/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_loss.c - see transducer_loss.h. Rows -> log-probabilities of their two arcs -> lattice.h; backward needs of each
 * row its log sum exp and the passages of its arcs only.
 */
#include "loss/transducer_loss.h"

#include "loss/lattice.h"
#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>

enum { ROW_COST = 4 }; /* simple operations a class */

static int length_of(ting_segments segments, int s)
{
    return segments.start[s + 1] - segments.start[s];
}

static int width_of(const ting_transducer_targets *t, int s)
{
    return t->width != NULL ? t->width[s] : length_of(t->labels, s) + 1;
}

int ting_transducer_rows(const ting_transducer_targets *t)
{
    int rows = 0;
    for (int s = 0; s < t->frames.count; s++)
        rows += length_of(t->frames, s) * width_of(t, s);
    return rows;
}

void ting_transducer_pairs(const ting_transducer_targets *t, int *encoder, int *predictor)
{
    for (int s = 0, row = 0; s < t->frames.count; s++)
        for (int f = t->frames.start[s]; f < t->frames.start[s + 1]; f++)
            for (int k = 0; k < width_of(t, s); k++, row++) {
                encoder[row] = f;
                /* utterances before this one have a state more than labels */
                predictor[row] = t->labels.start[s] + s + (t->first != NULL ? t->first[f] : 0) + k;
            }
}

struct job {
    const ting_kern *kern;
    ting_tensor logits;
    const ting_transducer_targets *t;
    const int *row_start;       /* [utterances + 1] */
    ting_real *log_sum;         /* [rows] */
    ting_real *blanks, *labels; /* [rows]: passages */
    int *target;                /* [rows]: the label of the row's state, -1 behind the last one */
    ting_wide *blank, *label;   /* [rows]: probabilities of the arcs */
    ting_wide **scratch;        /* [utterances] */
    double *loss;               /* [utterances] */
    bool gradient;
};

static void fill_targets(const struct job *job)
{
    const ting_transducer_targets *t = job->t;
    for (int s = 0, row = 0; s < t->frames.count; s++)
        for (int f = t->frames.start[s]; f < t->frames.start[s + 1]; f++)
            for (int k = 0; k < width_of(t, s); k++, row++) {
                const int state = (t->first != NULL ? t->first[f] : 0) + k;
                job->target[row] = state < length_of(t->labels, s) ? t->targets[t->labels.start[s] + state] : -1;
            }
}

static void arcs_of_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *logits = ting_row(job->logits, r);
        const double log_sum = (double)(job->log_sum[r] = job->kern->log_sum_exp(job->logits.cols, logits));
        job->blank[r] = ting_wide_exp((double)logits[job->t->blank] - log_sum);
        job->label[r] = job->target[r] < 0 ? TING_WIDE_ZERO : ting_wide_exp((double)logits[job->target[r]] - log_sum);
    }
}

static ting_lattice lattice_of(const struct job *job, int s)
{
    const ting_transducer_targets *t = job->t;
    return (ting_lattice){.frames = length_of(t->frames, s), .labels = length_of(t->labels, s), .width = width_of(t, s),
                          .first = t->first != NULL ? t->first + t->frames.start[s] : NULL,
                          .blank = job->blank + job->row_start[s], .label = job->label + job->row_start[s]};
}

static void one_utterance(void *arg, int s)
{
    const struct job *job = arg;
    const ting_lattice lattice = lattice_of(job, s);
    const int row = job->row_start[s];
    if (lattice.frames == 0)
        job->loss[s] = lattice.labels == 0 ? 0 : (double)INFINITY;
    else
        job->loss[s] = -ting_lattice_sum(&lattice, job->scratch[s], job->gradient ? job->blanks + row : NULL,
                                         job->labels + row);
}

static bool check(ting_ctx *ctx, ting_tensor logits, const ting_transducer_targets *t)
{
    if (ctx->err != TING_OK)
        return false;
    if (t->frames.count != t->labels.count || t->blank < 0 || t->blank >= logits.cols ||
        ting_transducer_rows(t) != logits.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "transducer loss: %d utterances, %d targets, %d rows for %d logits, blank %d of %d",
                      t->frames.count, t->labels.count, ting_transducer_rows(t), logits.rows, t->blank, logits.cols);
        return false;
    }
    for (int i = 0; i < t->labels.start[t->labels.count]; i++)
        if (t->targets[i] < 0 || t->targets[i] >= logits.cols || t->targets[i] == t->blank) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "transducer loss: label %d, expected 0 to %d and not the blank %d",
                          t->targets[i], logits.cols - 1, t->blank);
            return false;
        }
    for (int s = 0; s < t->frames.count; s++)
        for (int f = t->frames.start[s]; t->first != NULL && f < t->frames.start[s + 1]; f++)
            if (t->first[f] < 0 || width_of(t, s) < 1 || t->first[f] + width_of(t, s) > length_of(t->labels, s) + 1) {
                ting_ctx_fail(ctx, TING_ERR_INTERNAL, "transducer loss: a band of %d states from %d on, the utterance has %d",
                              width_of(t, s), t->first[f], length_of(t->labels, s) + 1);
                return false;
            }
    return true;
}

/* Memory of all utterances; false after a failure. */
static bool make_room(ting_ctx *ctx, struct job *job, int *row_start)
{
    const ting_transducer_targets *t = job->t;
    const int count = t->frames.count;
    job->scratch = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *job->scratch);
    job->loss = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *job->loss);
    job->blank = ting_arena_take(ctx->arena, (2 * (size_t)job->logits.rows + 1) * sizeof *job->blank);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return false;
    job->label = job->blank + job->logits.rows;
    job->row_start = row_start;
    row_start[0] = 0;
    for (int s = 0; s < count; s++) {
        const ting_lattice lattice = lattice_of(job, s);
        row_start[s + 1] = row_start[s] + lattice.frames * lattice.width;
        job->scratch[s] = ting_arena_take(ctx->arena, ting_lattice_scratch(&lattice) * sizeof(ting_wide));
    }
    ting_ctx_check(ctx);
    return ctx->err == TING_OK;
}

ting_tensor ting_transducer_loss(ting_ctx *ctx, ting_tensor logits, const ting_transducer_targets *targets, ting_real *each,
                                 int *impossible)
{
    if (!check(ctx, logits, targets))
        return (ting_tensor){0};
    const int count = targets->frames.count;
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.kern = ctx->kern, .logits = logits, .t = targets, .gradient = ctx->tape != NULL};
    job.log_sum = ting_ctx_reals(ctx, 3 * (size_t)logits.rows + 1);
    job.target = ting_ctx_ints(ctx, logits.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    job.blanks = job.log_sum + logits.rows;
    job.labels = job.blanks + logits.rows;
    struct ting_rec_transducer *rec = ting_tape_push(ctx, TING_OP_transducer, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_transducer){.logits = logits, .loss = loss, .log_sum = job.log_sum, .blanks = job.blanks,
                                            .labels = job.labels, .target = job.target, .blank = targets->blank};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int *row_start = ting_ctx_ints(ctx, count + 1);
    if (row_start == NULL || !make_room(ctx, &job, row_start))
        return (ting_tensor){0};
    fill_targets(&job);
    ting_rows_run(ctx->pool, logits.rows, ROW_COST * logits.cols, arcs_of_rows, &job);
    ting_pool_run(ctx->pool, count, one_utterance, &job);
    loss.data[0] = ting_loss_of_utterances(job.loss, count, each, impossible);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

struct backward {
    const ting_kern *kern;
    const struct ting_rec_transducer *rec;
    ting_real g;
};

static void row_gradients(void *arg, ting_row_block block)
{
    const struct backward *job = arg;
    const struct ting_rec_transducer *rec = job->rec;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real blanks = rec->blanks[r], labels = rec->labels[r];
        ting_real *g = ting_grad_row(rec->logits, r);
        if (blanks + labels == 0)
            continue;
        job->kern->cross_entropy_grad(rec->logits.cols, ting_row(rec->logits, r), rec->log_sum[r], job->g * (blanks + labels), 0,
                                      g);
        g[rec->blank] -= job->g * blanks;
        if (rec->target[r] >= 0)
            g[rec->target[r]] -= job->g * labels;
    }
}

void ting_bwd_transducer(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_transducer *rec = saved;
    ting_gradient_touch(ctx, rec->loss);
    ting_gradient_touch(ctx, rec->logits);
    struct backward job = {ctx->kern, rec, rec->loss.grad[0]};
    if (rec->logits.grad != NULL)
        ting_rows_run(ctx->pool, rec->logits.rows, ROW_COST * rec->logits.cols, row_gradients, &job);
}
