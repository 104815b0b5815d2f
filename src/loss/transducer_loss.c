/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_loss.c - see transducer_loss.h. Rows -> log-probabilities of their two arcs -> lattice.h; backward needs of each
 * row its log sum exp and the passages of its arcs only.
 */
#include "loss/transducer_loss.h"

#include "loss/lattice.h"
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>

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
    const int *row_start; /* [utterances + 1] */
    ting_real *log_sum;   /* [rows] */
    ting_real *blanks, *labels; /* [rows]: passages */
    int *target;                /* [rows]: the label of the row's state, -1 behind the last one */
    double **scratch;           /* [utterances] */
    double *loss;               /* [utterances] */
    bool gradient;
};

static void sum_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->log_sum[r] = job->kern->log_sum_exp(job->logits.cols, ting_row(job->logits, r));
}

/* Log-probabilities of an utterance's arcs, -inf outside of the band. */
static void fill_arcs(const struct job *job, int s, double *blank, double *label)
{
    const ting_transducer_targets *t = job->t;
    const int frames = length_of(t->frames, s), states = length_of(t->labels, s) + 1, width = width_of(t, s);
    for (int i = 0; i < frames * states; i++)
        blank[i] = label[i] = -INFINITY;
    for (int f = 0, row = job->row_start[s]; f < frames; f++) {
        const int first = t->first != NULL ? t->first[t->frames.start[s] + f] : 0;
        for (int k = 0; k < width; k++, row++) {
            const ting_real *logits = ting_row(job->logits, row);
            const double log_sum = (double)job->log_sum[row];
            job->target[row] = first + k + 1 < states ? t->targets[t->labels.start[s] + first + k] : -1;
            blank[f * states + first + k] = (double)logits[t->blank] - log_sum;
            if (job->target[row] >= 0)
                label[f * states + first + k] = (double)logits[job->target[row]] - log_sum;
        }
    }
}

static void one_utterance(void *arg, int s)
{
    const struct job *job = arg;
    const ting_transducer_targets *t = job->t;
    const int frames = length_of(t->frames, s), states = length_of(t->labels, s) + 1, width = width_of(t, s);
    const size_t size = (size_t)frames * (size_t)states;
    if (frames == 0) {
        job->loss[s] = states == 1 ? 0 : INFINITY;
        return;
    }
    double *blank = job->scratch[s], *label = blank + size, *room = label + size, *blanks = room + 2 * size;
    double *labels = blanks + size;
    fill_arcs(job, s, blank, label);
    const ting_lattice lattice = {frames, states - 1, blank, label};
    job->loss[s] = -ting_lattice_sum(&lattice, room, job->gradient ? blanks : NULL, labels);
    for (int f = 0, row = job->row_start[s]; job->gradient && f < frames; f++)
        for (int k = 0; k < width; k++, row++) {
            const int state = (t->first != NULL ? t->first[t->frames.start[s] + f] : 0) + k;
            job->blanks[row] = (ting_real)blanks[f * states + state];
            job->labels[row] = (ting_real)labels[f * states + state];
        }
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
            if (t->first[f] < 0 || t->first[f] + width_of(t, s) > length_of(t->labels, s) + 1) {
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
    row_start[0] = 0;
    for (int s = 0; s < count && job->scratch != NULL; s++) {
        const size_t states = (size_t)length_of(t->frames, s) * (size_t)(length_of(t->labels, s) + 1);
        row_start[s + 1] = row_start[s] + length_of(t->frames, s) * width_of(t, s);
        job->scratch[s] = ting_arena_take(ctx->arena, (6 * states + 1) * sizeof(double));
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
    job.row_start = row_start;
    ting_rows_run(ctx->pool, logits.rows, logits.cols, sum_rows, &job);
    ting_pool_run(ctx->pool, count, one_utterance, &job);
    double sum = 0;
    int none = 0;
    for (int s = 0; s < count; s++) {
        none += job.loss[s] == INFINITY;
        sum += job.loss[s] == INFINITY ? 0 : job.loss[s];
        if (each != NULL)
            each[s] = (ting_real)job.loss[s];
    }
    loss.data[0] = (ting_real)sum;
    if (impossible != NULL)
        *impossible = none;
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
    struct backward job = {ctx->kern, rec, rec->loss.grad[0]};
    if (rec->logits.grad != NULL)
        ting_rows_run(ctx->pool, rec->logits.rows, rec->logits.cols, row_gradients, &job);
}
