/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simple_transducer.c - see simple_transducer.h and docs/derive/simple_transducer.md.
 *
 * With P = softmax(am) [T, V] and Q = softmax(lm) [S, V] of an utterance, log p(v | t, u) = log P[t][v] + log Q[u][v] -
 * log Z[t][u], Z = P Q^T. The unigram w of smoothing stands as one more row below Q: its column of Z normalises p_am.
 * Kept for backward (simple_transducer_grad.c) are Z and the passages; P and Q are made again.
 */
#include "loss/simple_transducer.h"

#include "loss/lattice.h"
#include "loss/simple_part.h"
#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

static const ting_real LEAST_UNIGRAM = (ting_real)1e-30; /* keeps a class that no row wants above 0 */

struct job {
    const ting_kern *kern;
    struct ting_rec_simple_transducer op;
    ting_simple_part *parts;
    double *loss;        /* [utterances] */
    ting_wide **scratch; /* [utterances]: arcs and sums of the lattice, then a row of V reals */
    bool passages;       /* wanted */
};

/* Log-probabilities of the arcs of frame t. */
static void fill_frame(const struct job *job, const ting_simple_part *p, int t, ting_real *row, ting_wide *blank,
                       ting_wide *label)
{
    const struct ting_rec_simple_transducer *op = &job->op;
    const int states = p->lm.rows;
    const double lm_only = (double)op->lm_only, am_only = (double)op->am_only, both = 1 - lm_only - am_only;
    const ting_real *am = ting_row(p->am, t);
    ting_real *z = p->z + (size_t)t * (size_t)ting_simple_columns(op, p);
    const double log_am = (double)p->log_am[t];
    const double log_w = op->unigram != NULL ? log((double)z[states]) + log_am : 0;
    for (int u = 0; u < states; u++) {
        const ting_real *lm = ting_row(p->lm, u);
        const double log_lm = (double)p->log_lm[u];
        double log_z = log((double)z[u]) + log_am + log_lm;
        if (z[u] < TING_SIMPLE_LEAST_Z) {
            z[u] = 0;
            log_z = (double)ting_simple_direct_sum(job->kern, p, t, u, row);
        }
        label[u] = TING_WIDE_ZERO;
        for (int arc = 0; arc < (u + 1 < states ? 2 : 1); arc++) {
            const int v = arc == 0 ? op->blank : p->targets[u];
            const double a = (double)am[v], l = (double)lm[v];
            double sum = both * (a + l - log_z) + lm_only * (l - log_lm);
            if (op->unigram != NULL)
                sum += am_only * (a + log((double)op->unigram[v]) - log_w);
            *(arc == 0 ? &blank[u] : &label[u]) = ting_wide_exp(sum);
        }
    }
}

static void one_utterance(void *arg, int s)
{
    const struct job *job = arg;
    const ting_simple_part *p = &job->parts[s];
    const int frames = p->am.rows, states = p->lm.rows;
    const size_t size = (size_t)frames * (size_t)states;
    if (frames == 0) {
        job->loss[s] = states == 1 ? 0 : (double)INFINITY;
        return;
    }
    ting_lattice lattice = {.frames = frames, .labels = states - 1, .width = states};
    ting_wide *blank = job->scratch[s], *label = blank + size, *room = label + size;
    ting_real *row = (ting_real *)(void *)(room + ting_lattice_scratch(&lattice));
    for (int t = 0; t < frames; t++)
        fill_frame(job, p, t, row, blank + (size_t)t * (size_t)states, label + (size_t)t * (size_t)states);
    lattice.blank = blank;
    lattice.label = label;
    job->loss[s] = -ting_lattice_sum(&lattice, room, job->passages ? p->blanks : NULL, p->labels);
}

/* w: the mean of softmax(lm) over the rows of the batch. */
static void take_unigram(ting_ctx *ctx, const struct job *job, ting_real *lm, ting_real *unigram)
{
    int rows = 0;
    memset(unigram, 0, (size_t)job->op.classes * sizeof *unigram);
    for (int s = 0; s < job->op.count; s++) {
        const ting_simple_part *p = &job->parts[s];
        ting_simple_softmax(ctx, p->lm, lm, NULL);
        ting_sum_rows(ctx, p->lm.rows, job->op.classes, lm, job->op.classes, unigram);
        rows += p->lm.rows;
    }
    for (int v = 0; v < job->op.classes; v++)
        unigram[v] = unigram[v] / (ting_real)rows + LEAST_UNIGRAM;
}

/* Z of all utterances and the log sums of their rows. */
static void fill_z(ting_ctx *ctx, struct job *job, ting_real *unigram)
{
    const struct ting_rec_simple_transducer *op = &job->op;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *am, *lm;
    if (!ting_simple_take_rows(ctx, op, &am, &lm))
        return;
    if (unigram != NULL)
        take_unigram(ctx, job, lm, unigram);
    for (int s = 0; s < op->count; s++) {
        const ting_simple_part *p = &job->parts[s];
        ting_simple_softmax(ctx, p->am, am, p->log_am);
        ting_simple_softmax(ctx, p->lm, lm, p->log_lm);
        if (unigram != NULL)
            memcpy(lm + (size_t)p->lm.rows * (size_t)op->classes, unigram, (size_t)op->classes * sizeof *lm);
        if (p->am.rows > 0)
            ting_gemm(&run, TING_PRECISION_F32, p->am.rows, ting_simple_columns(op, p), op->classes, 1,
                      (ting_strided){am, op->classes, 1}, (ting_strided){lm, 1, op->classes}, 0, p->z,
                      ting_simple_columns(op, p));
    }
    ting_ctx_check(ctx);
    ting_arena_rewind(ctx->arena, mark);
}

static bool check(ting_ctx *ctx, ting_tensor am, ting_tensor lm, const ting_transducer_targets *t,
                  const ting_simple_options *options)
{
    if (ctx->err != TING_OK)
        return false;
    const int count = t->frames.count, labels = t->labels.start[t->labels.count];
    if (t->labels.count != count || t->frames.start[count] != am.rows || labels + count != lm.rows ||
        am.cols != lm.cols || t->blank < 0 || t->blank >= am.cols || t->first != NULL || t->width != NULL) {
        ting_ctx_fail(
            ctx, TING_ERR_INTERNAL,
            "simple transducer loss: %d and %d utterances, [%d, %d] and [%d, %d] for %d frames and %d labels, "
            "blank %d, whole lattices",
            count, t->labels.count, am.rows, am.cols, lm.rows, lm.cols, t->frames.start[count], labels, t->blank);
        return false;
    }
    if (!(options->lm_only >= 0 && options->am_only >= 0 && options->lm_only + options->am_only <= 1)) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                      "simple transducer loss: shares %g and %g, expected from 0 and at most 1 in all",
                      (double)options->lm_only, (double)options->am_only);
        return false;
    }
    for (int i = 0; i < labels; i++)
        if (t->targets[i] < 0 || t->targets[i] >= am.cols || t->targets[i] == t->blank) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                          "simple transducer loss: label %d, expected 0 to %d and not the blank %d", t->targets[i],
                          am.cols - 1, t->blank);
            return false;
        }
    return true;
}

/* What lives as long as the tape. */
static bool take_kept(ting_ctx *ctx, struct job *job, ting_tensor am, ting_tensor lm, const ting_transducer_targets *t)
{
    const int count = t->frames.count, extra = job->op.am_only > 0;
    const size_t rows = (size_t)ting_transducer_rows(t);
    job->parts = ting_arena_take(ctx->arena, ((size_t)count + 1) * sizeof *job->parts);
    ting_real *log_am = ting_ctx_reals(ctx, (size_t)am.rows + (size_t)lm.rows + 1);
    ting_real *z = ting_ctx_reals(ctx, rows + (size_t)(extra * am.rows) + 1);
    ting_real *blanks = ting_ctx_reals(ctx, 2 * rows + 1),
              *unigram = extra ? ting_ctx_reals(ctx, (size_t)am.cols) : NULL;
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return false;
    ting_real *log_lm = log_am + am.rows, *labels = blanks + rows;
    for (int s = 0; s < count; s++) {
        const int frame = t->frames.start[s], label = t->labels.start[s];
        ting_simple_part *p = &job->parts[s];
        *p = (ting_simple_part){.am = ting_rows(am, frame, t->frames.start[s + 1] - frame),
                                .lm = ting_rows(lm, label + s, t->labels.start[s + 1] - label + 1),
                                .targets = t->targets + label,
                                .log_am = log_am + frame,
                                .log_lm = log_lm + label + s,
                                .z = z,
                                .blanks = blanks,
                                .labels = labels};
        const size_t size = (size_t)p->am.rows * (size_t)p->lm.rows;
        z += size + (size_t)(extra * p->am.rows);
        blanks += size;
        labels += size;
    }
    job->op.parts = job->parts;
    job->op.unigram = unigram;
    fill_z(ctx, job, unigram);
    return ctx->err == TING_OK;
}

static bool take_scratch(ting_ctx *ctx, struct job *job)
{
    const int count = job->op.count;
    job->scratch = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *job->scratch);
    job->loss = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *job->loss);
    for (int s = 0; s < count && job->scratch != NULL; s++) {
        const ting_lattice lattice = {.frames = job->parts[s].am.rows, .width = job->parts[s].lm.rows};
        const size_t arcs = 2 * (size_t)lattice.frames * (size_t)lattice.width;
        job->scratch[s] = ting_arena_take(ctx->arena, (arcs + ting_lattice_scratch(&lattice)) * sizeof(ting_wide) +
                                                          (size_t)job->op.classes * sizeof(ting_real));
    }
    ting_ctx_check(ctx);
    return ctx->err == TING_OK;
}

ting_tensor ting_simple_transducer_loss(ting_ctx *ctx, ting_tensor am, ting_tensor lm,
                                        const ting_transducer_targets *targets, const ting_simple_options *options)
{
    const ting_simple_options plain = {0};
    if (options == NULL)
        options = &plain;
    if (!check(ctx, am, lm, targets, options))
        return (ting_tensor){0};
    struct job job = {.kern = ctx->kern,
                      .op = {.loss = ting_ctx_output(ctx, 1, 1),
                             .count = targets->frames.count,
                             .classes = am.cols,
                             .blank = targets->blank,
                             .lm_only = options->lm_only,
                             .am_only = options->am_only},
                      .passages = ctx->tape != NULL || options->arcs != NULL};
    if (ctx->err != TING_OK || !take_kept(ctx, &job, am, lm, targets))
        return (ting_tensor){0};
    struct ting_rec_simple_transducer *rec = ting_tape_push(ctx, TING_OP_simple_transducer, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    if (!take_scratch(ctx, &job))
        return (ting_tensor){0};
    ting_pool_run(ctx->pool, job.op.count, one_utterance, &job);
    job.op.loss.data[0] = ting_loss_of_utterances(job.loss, job.op.count, options->each, options->impossible);
    if (options->arcs != NULL)
        *options->arcs =
            (ting_arcs){job.op.count > 0 ? job.parts[0].blanks : NULL, job.op.count > 0 ? job.parts[0].labels : NULL};
    ting_arena_rewind(ctx->arena, mark);
    return job.op.loss;
}
