/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc.c - forward and backward sums over the states blank, l1, blank, l2, ..., blank; see ctc.h.
 *
 *     alpha[t][s] = probability of all ways to be in state s at frame t, its emission counted
 *     beta[t][s]  = that of all ways to go on from there to the end
 *     gamma[t][v] = sum over states s that emit v of alpha beta / P
 *     d loss / d logit[t][v] = softmax[t][v] - gamma[t][v]
 *
 * Of the V classes of a row only those of the labels enter the sums. So forward keeps log sum exp of each row and gamma
 * of the labels; the softmax is made in backward, straight into the gradient. Probabilities are wide numbers
 * (base/wide.h): of thousands of frames, but without a logarithm. docs/derive/ctc.md
 */
#include "loss/ctc.h"

#include "base/wide.h"
#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"
#include "nn/tape.h"

#include <string.h>

enum { ROW_COST = 4 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_ctc op;
    ting_real *log_sum, *gamma; /* those of op, writable; gamma NULL when no gradient is wanted */
    bool *counted;
    ting_wide **scratch; /* [segments] */
    double *loss;        /* [segments] */
};

/* One utterance of `frames` rows from `first` on. */
typedef struct utterance {
    int first, frames, labels, states;
    const int *targets;
    ting_wide *alpha; /* [frames, states]; [2, states] when no gradient is wanted */
    ting_wide *beta;  /* [2, states] */
    ting_wide
        *emission; /* [frames, labels + 1]: probability of the blank and of each label; [1, ..] without gradient */
} utterance;

static size_t scratch_numbers(int frames, int labels, bool gradient)
{
    size_t states = 2 * (size_t)labels + 1, rows = gradient ? (size_t)frames : 2;
    return (rows + 2) * states + (gradient ? rows : 1) * ((size_t)labels + 1);
}

static utterance utterance_of(const struct job *job, int segment)
{
    const ting_segments frames = job->op.frames, labels = job->op.labels;
    utterance u = {.first = frames.start[segment],
                   .labels = labels.start[segment + 1] - labels.start[segment],
                   .targets = job->op.targets + labels.start[segment],
                   .alpha = job->scratch[segment]};
    u.frames = frames.start[segment + 1] - u.first;
    u.states = 2 * u.labels + 1;
    u.beta = u.alpha + (size_t)(job->gamma != NULL ? u.frames : 2) * (size_t)u.states;
    u.emission = u.beta + 2 * (size_t)u.states;
    return u;
}

static ting_wide *emissions_of(const struct job *job, const utterance *u, int t)
{
    return u->emission + (size_t)(job->gamma != NULL ? t : 0) * ((size_t)u->labels + 1);
}

static const ting_wide *read_emissions(const struct job *job, const utterance *u, int t)
{
    ting_wide *emission = emissions_of(job, u, t);
    const ting_real *x = ting_row(job->op.logits, u->first + t);
    double log_sum = (double)job->log_sum[u->first + t];
    emission[0] = ting_wide_exp((double)x[job->op.blank] - log_sum);
    for (int i = 0; i < u->labels; i++)
        emission[i + 1] = ting_wide_exp((double)x[u->targets[i]] - log_sum);
    return emission;
}

/* Of state s: the place of its class among the emissions. */
static int class_of(int s)
{
    return s % 2 == 0 ? 0 : s / 2 + 1;
}

/* A label may follow another one without a blank between them. */
static bool may_skip(const utterance *u, int s)
{
    return s % 2 == 1 && s >= 3 && u->targets[s / 2] != u->targets[s / 2 - 1];
}

/* States first .. *end - 1 can be reached by frame t and can still reach the end; returns first. */
static int reachable(const utterance *u, int t, int *end)
{
    int first = u->states - 2 * (u->frames - t);
    *end = 2 * t + 2 < u->states ? 2 * t + 2 : u->states;
    return first > 0 ? first : 0;
}

/* Both ends of the reachable states move up by at most two a frame: so far around them a neighbour frame looks. */
static void clear_around(const utterance *u, int first, int end, ting_wide *row)
{
    for (int i = 1; i <= 2; i++) {
        if (first - i >= 0)
            row[first - i] = TING_WIDE_ZERO;
        if (end + i - 1 < u->states)
            row[end + i - 1] = TING_WIDE_ZERO;
    }
}

/* Fills alpha and returns P. */
static ting_wide run_forward(const struct job *job, const utterance *u)
{
    if (u->labels > u->frames)
        return TING_WIDE_ZERO;
    if (u->frames == 0)
        return TING_WIDE_ONE;
    const ting_wide *before = NULL;
    for (int t = 0; t < u->frames; t++) {
        ting_wide *now = u->alpha + (size_t)(job->gamma != NULL ? t : t % 2) * (size_t)u->states;
        int end, first = reachable(u, t, &end);
        const ting_wide *emission = read_emissions(job, u, t);
        clear_around(u, first, end, now);
        for (int s = first; s < end; s++) {
            ting_wide sum = t == 0 ? TING_WIDE_ONE : before[s];
            if (t > 0 && s >= 1)
                sum = ting_wide_add(sum, before[s - 1]);
            if (t > 0 && may_skip(u, s))
                sum = ting_wide_add(sum, before[s - 2]);
            now[s] = ting_wide_mul(sum, emission[class_of(s)]);
        }
        before = now;
    }
    return u->states == 1 ? before[0] : ting_wide_add(before[u->states - 1], before[u->states - 2]);
}

/* One step of beta, from the frame after, to which its emissions are multiplied. */
static void step_back(const utterance *u, int t, const ting_wide *emission, ting_wide *after, ting_wide *now)
{
    int end, first = reachable(u, t + 1, &end);
    for (int s = first; s < end; s++)
        after[s] = ting_wide_mul(after[s], emission[class_of(s)]);
    first = reachable(u, t, &end);
    clear_around(u, first, end, now);
    for (int s = first; s < end; s++) {
        ting_wide sum = after[s];
        if (s + 1 < u->states)
            sum = ting_wide_add(sum, after[s + 1]);
        if (s + 2 < u->states && may_skip(u, s + 2))
            sum = ting_wide_add(sum, after[s + 2]);
        now[s] = sum;
    }
}

/* beta of the last frame: the path ends in the last label or in the blank behind it. */
static void begin_back(const utterance *u, ting_wide *now)
{
    int end, first = reachable(u, u->frames - 1, &end);
    clear_around(u, first, end, now);
    for (int s = first; s < end; s++)
        now[s] = TING_WIDE_ONE;
}

/* Walks beta from the last frame to the first; gamma [frames, labels + 1]: of the blank, then of each label. */
static void run_backward(const struct job *job, const utterance *u, ting_wide total, ting_real *gamma)
{
    const ting_wide inverse = ting_wide_inverse(total);
    ting_wide *after = u->beta, *now = u->beta + u->states;
    for (int t = u->frames - 1; t >= 0; t--) {
        const ting_wide *alpha = u->alpha + (size_t)t * (size_t)u->states;
        ting_real *row = gamma + (size_t)t * (size_t)(u->labels + 1);
        int end, first = reachable(u, t, &end);
        double blank = 0;
        if (t == u->frames - 1)
            begin_back(u, now);
        else
            step_back(u, t, emissions_of(job, u, t + 1), after, now);
        memset(row, 0, (size_t)(u->labels + 1) * sizeof *row);
        for (int s = first; s < end; s++) {
            double occupied = ting_wide_share(ting_wide_mul(ting_wide_mul(alpha[s], inverse), now[s]));
            if (s % 2 == 0)
                blank += occupied;
            else
                row[s / 2 + 1] = (ting_real)occupied;
        }
        row[0] = (ting_real)blank;
        ting_wide *swap = after;
        after = now;
        now = swap;
    }
}

static void one_utterance(void *arg, int segment)
{
    const struct job *job = arg;
    const utterance u = utterance_of(job, segment);
    const ting_wide total = run_forward(job, &u);
    job->loss[segment] = -ting_wide_log(total);
    job->counted[segment] = total.m != 0;
    if (job->gamma != NULL && job->counted[segment])
        run_backward(job, &u, total, job->gamma + job->op.at[segment]);
}

static void sum_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->log_sum[r] = job->kern->log_sum_exp(job->op.logits.cols, ting_row(job->op.logits, r));
}

static bool check(ting_ctx *ctx, ting_tensor logits, ting_segments frames, const int *targets, ting_segments labels,
                  int blank)
{
    if (ctx->err != TING_OK)
        return false;
    if (frames.count != labels.count || frames.start[frames.count] != logits.rows || blank < 0 ||
        blank >= logits.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "ctc: %d utterances and %d targets, blank %d of %d classes", frames.count,
                      labels.count, blank, logits.cols);
        return false;
    }
    for (int i = 0; i < labels.start[labels.count]; i++)
        if (targets[i] < 0 || targets[i] >= logits.cols || targets[i] == blank) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "ctc: label %d, expected 0 to %d and not the blank %d", targets[i],
                          logits.cols - 1, blank);
            return false;
        }
    return true;
}

/* What backward needs, in the arena: a copy of the targets, and room for gamma where each utterance has its place. */
static void take_kept(ting_ctx *ctx, struct job *job, const int *targets)
{
    const ting_segments frames = job->op.frames, labels = job->op.labels;
    int count = labels.start[labels.count], *copy = ting_ctx_ints(ctx, count);
    size_t *at = ting_arena_take(ctx->arena, ((size_t)frames.count + 1) * sizeof *at);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    memcpy(copy, targets, (size_t)count * sizeof *copy);
    at[0] = 0;
    for (int s = 0; s < frames.count; s++)
        at[s + 1] = at[s] + (size_t)(frames.start[s + 1] - frames.start[s]) *
                                (size_t)(labels.start[s + 1] - labels.start[s] + 1);
    job->gamma = ting_ctx_reals(ctx, at[frames.count]);
    job->op.targets = copy;
    job->op.at = at;
    job->op.gamma = job->gamma;
}

static void take_scratch(ting_ctx *ctx, struct job *job)
{
    const ting_segments frames = job->op.frames, labels = job->op.labels;
    job->scratch = ting_arena_take_zeroed(ctx->arena, (size_t)frames.count + 1, sizeof *job->scratch);
    job->loss = ting_arena_take_zeroed(ctx->arena, (size_t)frames.count + 1, sizeof *job->loss);
    for (int s = 0; s < frames.count && job->scratch != NULL; s++)
        job->scratch[s] = ting_arena_take(
            ctx->arena, sizeof(ting_wide) * scratch_numbers(frames.start[s + 1] - frames.start[s],
                                                            labels.start[s + 1] - labels.start[s], job->gamma != NULL));
    ting_ctx_check(ctx);
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
                      .op = {.logits = logits,
                             .loss = loss,
                             .frames = frames,
                             .labels = labels,
                             .targets = targets,
                             .blank = options->blank}};
    job.op.log_sum = job.log_sum = ting_ctx_reals(ctx, (size_t)logits.rows);
    job.op.counted = job.counted = ting_arena_take_zeroed(ctx->arena, (size_t)frames.count + 1, sizeof *job.counted);
    if (ctx->tape != NULL)
        take_kept(ctx, &job, targets);
    struct ting_rec_ctc *rec = ting_tape_push(ctx, TING_OP_ctc, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    take_scratch(ctx, &job);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, logits.rows, ROW_COST * logits.cols, sum_rows, &job);
    ting_pool_run(ctx->pool, frames.count, one_utterance, &job);
    loss.data[0] = ting_loss_of_utterances(job.loss, frames.count, options->each, options->impossible);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* gx_v += gloss (softmax_v - gamma_v) */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_ctc *op = &job->op;
    const ting_real s = op->loss.grad[0];
    int segment = ting_segment_of(op->frames, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        while (r >= op->frames.start[segment + 1])
            segment++;
        if (!op->counted[segment])
            continue;
        int label = op->labels.start[segment], labels = op->labels.start[segment + 1] - label;
        const ting_real *gamma =
            op->gamma + op->at[segment] + (size_t)(r - op->frames.start[segment]) * (size_t)(labels + 1);
        ting_real *gx = ting_grad_row(op->logits, r);
        job->kern->cross_entropy_grad(op->logits.cols, ting_row(op->logits, r), op->log_sum[r], s, 0, gx);
        gx[op->blank] -= s * gamma[0];
        for (int i = 0; i < labels; i++)
            gx[op->targets[label + i]] -= s * gamma[i + 1];
    }
}

void ting_bwd_ctc(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_ctc *)saved};
    ting_gradient_touch(ctx, job.op.loss);
    ting_gradient_touch(ctx, job.op.logits);
    if (job.op.logits.grad != NULL)
        ting_rows_run(ctx->pool, job.op.logits.rows, ROW_COST * job.op.logits.cols, grad_rows, &job);
}

int ting_ctc_frames(const int *labels, int count)
{
    int frames = count;
    for (int i = 1; i < count; i++)
        frames += labels[i] == labels[i - 1];
    return frames;
}
