/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc.c - forward and backward sums over the states blank, l1, blank, l2, ..., blank; see ctc.h.
 *
 *     alpha[t][s] = log of all ways to be in state s at frame t, its emission counted
 *     beta[t][s]  = log of all ways to go on from there to the end
 *     d loss / d logit[t][v] = softmax[t][v] - sum over states s that emit v of exp(alpha + beta - log P)
 *
 * The gradient is made together with the loss when a tape records; backward only scales it. docs/derive/ctc.md
 */
#include "loss/ctc.h"

#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/tape.h"

#include <math.h>

struct job {
    const ting_kern *kern;
    ting_tensor logits;
    ting_segments frames, labels;
    const int *targets;
    int blank;
    ting_real *log_p; /* [T, V]; becomes the gradient when that is wanted */
    double **scratch; /* [segments]: alpha and beta [frames + 1, states] each */
    double *loss;     /* [segments] */
    bool gradient;
};

static double log_add(double a, double b)
{
    if (a < b) {
        double c = a;
        a = b;
        b = c;
    }
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}

/* The label of state s of an utterance. */
static int label(const struct job *job, int segment, int s)
{
    return s % 2 == 0 ? job->blank : job->targets[job->labels.start[segment] + s / 2];
}

/* A label may follow another one without a blank between them. */
static bool may_skip(const struct job *job, int segment, int s)
{
    return s % 2 == 1 && s >= 2 && label(job, segment, s) != label(job, segment, s - 2);
}

static const ting_real *row_of(const struct job *job, int segment, int t)
{
    return job->log_p + (size_t)(job->frames.start[segment] + t) * (size_t)job->logits.cols;
}

static double fill_alpha(const struct job *job, int segment, int frames, int states, double *alpha)
{
    for (int t = 0; t < frames; t++) {
        const ting_real *p = row_of(job, segment, t);
        double *now = alpha + (size_t)t * (size_t)states;
        const double *before = now - states;
        for (int s = 0; s < states; s++) {
            double sum = t == 0 ? (s < 2 ? 0 : -INFINITY) : before[s];
            if (t > 0 && s >= 1)
                sum = log_add(sum, before[s - 1]);
            if (t > 0 && may_skip(job, segment, s))
                sum = log_add(sum, before[s - 2]);
            now[s] = sum + (double)p[label(job, segment, s)];
        }
    }
    if (frames == 0)
        return states == 1 ? 0 : -INFINITY;
    const double *last = alpha + (size_t)(frames - 1) * (size_t)states;
    return states == 1 ? last[0] : log_add(last[states - 1], last[states - 2]);
}

static void fill_beta(const struct job *job, int segment, int frames, int states, double *beta)
{
    for (int t = frames - 1; t >= 0; t--) {
        double *now = beta + (size_t)t * (size_t)states;
        const double *after = now + states;
        for (int s = 0; s < states; s++) {
            if (t == frames - 1) {
                now[s] = s >= states - 2 ? 0 : -INFINITY;
                continue;
            }
            const ting_real *p = row_of(job, segment, t + 1);
            double sum = after[s] + (double)p[label(job, segment, s)];
            if (s + 1 < states)
                sum = log_add(sum, after[s + 1] + (double)p[label(job, segment, s + 1)]);
            if (s + 2 < states && may_skip(job, segment, s + 2))
                sum = log_add(sum, after[s + 2] + (double)p[label(job, segment, s + 2)]);
            now[s] = sum;
        }
    }
}

static void one_utterance(void *arg, int segment)
{
    const struct job *job = arg;
    int first = job->frames.start[segment], frames = job->frames.start[segment + 1] - first;
    int states = 2 * (job->labels.start[segment + 1] - job->labels.start[segment]) + 1;
    int vocab = job->logits.cols;
    double *alpha = job->scratch[segment], *beta = alpha + (size_t)frames * (size_t)states;
    for (int t = first; t < first + frames; t++)
        job->kern->log_softmax(vocab, ting_row(job->logits, t),
                               job->log_p + (size_t)t * (size_t)vocab);
    double total = fill_alpha(job, segment, frames, states, alpha);
    job->loss[segment] = -total;
    if (!job->gradient)
        return;
    fill_beta(job, segment, frames, states, beta);
    for (int t = 0; t < frames; t++) {
        ting_real *g = job->log_p + (size_t)(first + t) * (size_t)vocab;
        for (int v = 0; v < vocab; v++)
            g[v] = total == -INFINITY ? 0 : (ting_real)exp((double)g[v]);
        for (int s = 0; s < states && total > -INFINITY; s++) {
            size_t at = (size_t)t * (size_t)states + (size_t)s;
            g[label(job, segment, s)] -= (ting_real)exp(alpha[at] + beta[at] - total);
        }
    }
}

static bool check(ting_ctx *ctx, ting_tensor logits, ting_segments frames, const int *targets,
                  ting_segments labels, int blank)
{
    if (ctx->err != TING_OK)
        return false;
    if (frames.count != labels.count || frames.start[frames.count] != logits.rows || blank < 0 ||
        blank >= logits.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "ctc: %d utterances and %d targets, blank %d of %d classes", frames.count,
                      labels.count, blank, logits.cols);
        return false;
    }
    for (int i = 0; i < labels.start[labels.count]; i++)
        if (targets[i] < 0 || targets[i] >= logits.cols || targets[i] == blank) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                          "ctc: label %d, expected 0 to %d and not the blank %d", targets[i],
                          logits.cols - 1, blank);
            return false;
        }
    return true;
}

/* The sum of the losses that are finite; those that are not a number stay, so that the caller sees them. */
static ting_real add_up(const struct job *job, const ting_ctc_options *options)
{
    double sum = 0;
    int impossible = 0;
    for (int s = 0; s < job->frames.count; s++) {
        if (job->loss[s] == INFINITY)
            impossible++;
        else
            sum += job->loss[s];
        if (options->each != NULL)
            options->each[s] = (ting_real)job->loss[s];
    }
    if (options->impossible != NULL)
        *options->impossible = impossible;
    return (ting_real)sum;
}

ting_tensor ting_ctc_loss(ting_ctx *ctx, ting_tensor logits, ting_segments frames, const int *targets,
                          ting_segments labels, const ting_ctc_options *options)
{
    const ting_ctc_options plain = {0};
    if (options == NULL)
        options = &plain;
    if (!check(ctx, logits, frames, targets, labels, options->blank))
        return (ting_tensor){0};
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.kern = ctx->kern,
                      .logits = logits,
                      .frames = frames,
                      .labels = labels,
                      .targets = targets,
                      .blank = options->blank,
                      .gradient = ctx->tape != NULL};
    job.log_p = ting_ctx_reals(ctx, (size_t)logits.rows * (size_t)logits.cols);
    struct ting_rec_ctc *rec = ting_tape_push(ctx, TING_OP_ctc, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_ctc){.logits = logits, .loss = loss, .g = job.log_p};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.scratch = ting_arena_take_zeroed(ctx->arena, (size_t)frames.count + 1, sizeof *job.scratch);
    job.loss = ting_arena_take_zeroed(ctx->arena, (size_t)frames.count + 1, sizeof *job.loss);
    for (int s = 0; s < frames.count && job.scratch != NULL; s++)
        job.scratch[s] = ting_arena_take_zeroed(
            ctx->arena,
            2 * (size_t)(frames.start[s + 1] - frames.start[s]) *
                    (size_t)(2 * (labels.start[s + 1] - labels.start[s]) + 1) +
                1,
            sizeof(double));
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_pool_run(ctx->pool, frames.count, one_utterance, &job);
    loss.data[0] = add_up(&job, options);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

void ting_bwd_ctc(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_ctc *rec = saved;
    for (int t = 0; t < rec->logits.rows && rec->logits.grad != NULL; t++)
        ctx->kern->axpy(rec->logits.cols, rec->loss.grad[0],
                        rec->g + (size_t)t * (size_t)rec->logits.cols,
                        ting_grad_row(rec->logits, t));
}
