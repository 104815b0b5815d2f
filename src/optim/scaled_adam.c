/* SPDX-License-Identifier: Apache-2.0 */
/* scaled_adam.c - see scaled_adam.h. A step: sums over pieces -> clipping of groups -> sizes -> update of pieces. */
#include "optim/scaled_adam.h"

#include "base/mem.h"
#include "optim/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const ting_scaled_adam_options ting_scaled_adam_defaults = {
    .clip = 2, .beta1 = 0.9, .beta2 = 0.98, .scalar_rate = 0.1, .eps = 1e-8, .min_rms = 1e-5, .max_rms = 3, .scalar_max = 10,
    .size_period = 4, .clip_period = 100};

typedef struct sums { /* over a piece or a parameter: w . g, g . g, w . w */
    double dot, squares, own;
} sums;

typedef struct clip_group {
    double rate;      /* times the step's */
    double threshold; /* of the norm; < 0: not set yet */
    double clipped;   /* of the last step */
    double norm;
} clip_group;

typedef struct update { /* of one parameter in this step */
    double step, scale; /* -step g' / (...) + scale w */
} update;

struct ting_scaled_adam {
    ting_params *params;
    ting_scaled_adam_options options;
    int64_t steps;
    int count, piece_count, group_count;
    int *group_of; /* [count] */
    ting_piece *pieces; /* [piece_count] */
    sums *sums;         /* [piece_count] of this step */
    clip_group *groups;
    update *updates;           /* [count] */
    double *norms, *sorted;    /* [groups, clip_period], [clip_period] */
    double *rms, *size_square; /* [count] */
    double *size_grads;        /* [size_period, count] */
    ting_real *mean, *square;  /* [elements] */
    /* of the current step */
    const ting_kern *kern;
    double correction;
};

static int elements_of(const ting_param *p)
{
    return p->t.rows * p->t.cols;
}

static bool take_memory(ting_scaled_adam *a)
{
    const size_t count = (size_t)a->count, elements = ting_params_elements(a->params);
    a->group_of = ting_alloc(count, sizeof *a->group_of);
    a->pieces = ting_alloc((size_t)a->piece_count, sizeof *a->pieces);
    a->sums = ting_alloc((size_t)a->piece_count, sizeof *a->sums);
    a->groups = ting_alloc((size_t)a->group_count, sizeof *a->groups);
    a->updates = ting_alloc(count, sizeof *a->updates);
    a->norms = ting_alloc((size_t)a->group_count * (size_t)a->options.clip_period, sizeof *a->norms);
    a->sorted = ting_alloc((size_t)a->options.clip_period, sizeof *a->sorted);
    a->rms = ting_alloc(count, sizeof *a->rms);
    a->size_square = ting_alloc(count, sizeof *a->size_square);
    a->size_grads = ting_alloc(count * (size_t)a->options.size_period, sizeof *a->size_grads);
    a->mean = ting_alloc(elements, sizeof *a->mean);
    a->square = ting_alloc(elements, sizeof *a->square);
    return a->group_of != NULL && a->pieces != NULL && a->sums != NULL && a->groups != NULL && a->updates != NULL &&
           a->norms != NULL && a->sorted != NULL && a->rms != NULL && a->size_square != NULL && a->size_grads != NULL && a->mean != NULL &&
           a->square != NULL;
}

ting_scaled_adam *ting_scaled_adam_new(ting_params *params, const ting_scaled_adam_options *options,
                                       const ting_scaled_adam_groups *groups)
{
    ting_scaled_adam *a = ting_alloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    *a = (ting_scaled_adam){.params = params, .options = *options, .count = ting_params_count(params),
                            .piece_count = ting_pieces_cut(params, NULL), .group_count = groups != NULL ? groups->count : 1};
    if (!take_memory(a)) {
        ting_scaled_adam_free(a);
        return NULL;
    }
    ting_pieces_cut(params, a->pieces);
    for (int i = 0; groups != NULL && i < a->count; i++)
        a->group_of[i] = groups->of[i];
    for (int g = 0; g < a->group_count; g++)
        a->groups[g] = (clip_group){.rate = groups != NULL ? groups->rate[g] : 1, .threshold = -1, .clipped = 1};
    return a;
}

void ting_scaled_adam_free(ting_scaled_adam *a)
{
    if (a == NULL)
        return;
    void *const all[] = {a->group_of, a->pieces, a->sums, a->groups, a->updates, a->norms, a->sorted, a->rms,
                         a->size_square, a->size_grads, a->mean, a->square};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_free(a);
}

/* ---- sums ---- */

static void sum_piece(void *arg, int index)
{
    ting_scaled_adam *a = arg;
    const ting_piece *p = &a->pieces[index];
    const ting_real *w = ting_params_values(a->params) + p->first, *g = ting_params_gradients(a->params) + p->first;
    a->sums[index] = (sums){.dot = (double)a->kern->dot(p->count, w, g),
                            .squares = (double)a->kern->sum_squares(p->count, g),
                            .own = (double)a->kern->sum_squares(p->count, w)};
}

/* Sums over the pieces of a parameter; *at is the first of them and moves behind the last. */
static sums param_sums(const ting_scaled_adam *a, int param, int *at)
{
    sums s = {0};
    for (; *at < a->piece_count && a->pieces[*at].param == param; (*at)++) {
        s.dot += a->sums[*at].dot;
        s.squares += a->sums[*at].squares;
        s.own += a->sums[*at].own;
    }
    return s;
}

/* ---- clipping ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value at place (n / 4) 2 of the n sorted norms; `steps` of them when that is fewer than the period. */
static double median_norm(ting_scaled_adam *a, int g, int64_t step)
{
    const int period = a->options.clip_period, count = step < period ? (int)step : period;
    const double *norms = a->norms + (size_t)g * (size_t)period;
    for (int i = 0; i < count; i++) /* step 0 is never clipped and leaves no norm */
        a->sorted[i] = norms[(i + (step < period)) % period];
    qsort(a->sorted, (size_t)count, sizeof *a->sorted, ascending);
    const int place = count / 4 * 2;
    return a->sorted[place < count ? place : count - 1];
}

static void clip_groups(ting_scaled_adam *a)
{
    const int period = a->options.clip_period;
    const int64_t step = a->steps;
    const bool early = (step == 10 || step == 20 || step == 40) && step < period;
    for (int g = 0; g < a->group_count; g++) {
        clip_group *group = &a->groups[g];
        group->clipped = 1;
        if (a->options.clip <= 0 || step == 0)
            continue;
        a->norms[(size_t)g * (size_t)period + (size_t)(step % period)] = group->norm;
        if (step % period == 0 || early)
            group->threshold = a->options.clip * (early ? 2 : 1) * median_norm(a, g, step);
        if (group->threshold >= 0)
            group->clipped = fmin(1, group->threshold / (group->norm + 1e-20));
    }
}

/* ---- sizes ---- */

/* How the size of a parameter changes, every size_period steps: the factor of w. */
static double size_step(ting_scaled_adam *a, int i, double rate)
{
    const ting_scaled_adam_options *o = &a->options;
    const double beta = pow(o->beta2, o->size_period), rms = a->rms[i];
    double sum = 0, squares = 0;
    for (int k = 0; k < o->size_period; k++) {
        const double g = a->size_grads[(size_t)k * (size_t)a->count + (size_t)i];
        sum += g;
        squares += g * g;
    }
    a->size_square[i] = beta * a->size_square[i] + (1 - beta) * squares / o->size_period;
    const double correction = 1 - pow(beta, (double)((a->steps + 1) / o->size_period));
    if (rms < o->min_rms)
        return fmin(0, (o->max_rms - rms) / rms);
    double step = -rate * o->scalar_rate * sqrt(correction) * sum / (sqrt(a->size_square[i]) + o->eps);
    step = fmax(-0.1, fmin(0.1, step));
    return fmin(step, (o->max_rms - rms) / rms);
}

/* Norms, clipping, and what each parameter's update is made of. */
static void plan_updates(ting_scaled_adam *a, double rate)
{
    const ting_scaled_adam_options *o = &a->options;
    const int slot = (int)(a->steps % o->size_period);
    const bool resize = slot == o->size_period - 1;
    int at = 0;
    for (int g = 0; g < a->group_count; g++)
        a->groups[g].norm = 0;
    for (int i = 0; i < a->count; i++) {
        const int elements = elements_of(ting_params_at(a->params, i));
        const sums s = param_sums(a, i, &at);
        const double own = sqrt(s.own / (elements > 0 ? elements : 1));
        if (a->steps == 0)
            a->rms[i] = own;
        a->groups[a->group_of[i]].norm += s.squares * (elements == 1 ? o->scalar_rate * o->scalar_rate : a->rms[i] * a->rms[i]);
        a->size_grads[(size_t)slot * (size_t)a->count + (size_t)i] = s.dot;
        if (resize)
            a->rms[i] = own;
    }
    for (int g = 0; g < a->group_count; g++)
        a->groups[g].norm = sqrt(a->groups[g].norm);
    clip_groups(a);
    for (int i = 0; i < a->count; i++) {
        const clip_group *group = &a->groups[a->group_of[i]];
        const double own_rate = rate * group->rate;
        a->size_grads[(size_t)slot * (size_t)a->count + (size_t)i] *= group->clipped;
        if (elements_of(ting_params_at(a->params, i)) == 1)
            a->updates[i] = (update){own_rate * o->scalar_rate, 0};
        else
            a->updates[i] = (update){own_rate * fmax(a->rms[i], o->min_rms),
                                     resize && a->steps > 0 ? size_step(a, i, own_rate) : 0};
    }
}

/* ---- the step ---- */

static void update_piece(void *arg, int index)
{
    ting_scaled_adam *a = arg;
    const ting_piece *p = &a->pieces[index];
    const ting_scaled_adam_options *o = &a->options;
    const update *u = &a->updates[p->param];
    ting_real *w = ting_params_values(a->params) + p->first;
    a->kern->scaled_adam(p->count, w, ting_params_gradients(a->params) + p->first, a->mean + p->first, a->square + p->first,
                         (ting_real)a->groups[a->group_of[p->param]].clipped, (ting_real)o->beta1, (ting_real)o->beta2,
                         (ting_real)u->step, (ting_real)a->correction, (ting_real)o->eps, (ting_real)u->scale);
    if (elements_of(ting_params_at(a->params, p->param)) == 1)
        w[0] = (ting_real)fmax(-o->scalar_max, fmin(o->scalar_max, (double)w[0]));
}

void ting_scaled_adam_step(ting_scaled_adam *a, const ting_kern *kern, ting_pool *pool, double rate)
{
    const double bias = 1 - pow(a->options.beta2, (double)(a->steps + 1));
    a->kern = kern;
    a->correction = bias < 0.99 ? sqrt(1 / bias) : 1; /* as the reference: it stops correcting there */
    ting_pool_run(pool, a->piece_count, sum_piece, a);
    plan_updates(a, rate);
    ting_pool_run(pool, a->piece_count, update_piece, a);
    a->steps++;
}

void ting_scaled_adam_set_rate(ting_scaled_adam *adam, int group, double rate)
{
    adam->groups[group].rate = rate;
}

double ting_scaled_adam_clipped(const ting_scaled_adam *adam, int group)
{
    return adam->groups[group].clipped;
}

/* ---- as an optimizer ---- */

static void step(void *self, const ting_kern *kern, ting_pool *pool, double rate)
{
    ting_scaled_adam_step(self, kern, pool, rate);
}

static int state(void *self, ting_state_block out[TING_OPTIMIZER_BLOCKS])
{
    ting_scaled_adam *a = self;
    const size_t count = (size_t)a->count * sizeof(double), elements = ting_params_elements(a->params) * sizeof(ting_real);
    const ting_state_block blocks[] = {
        {"scaled_adam.steps", &a->steps, sizeof a->steps},
        {"scaled_adam.groups", a->groups, (size_t)a->group_count * sizeof *a->groups},
        {"scaled_adam.norms", a->norms, (size_t)a->group_count * (size_t)a->options.clip_period * sizeof *a->norms},
        {"scaled_adam.rms", a->rms, count},
        {"scaled_adam.size_square", a->size_square, count},
        {"scaled_adam.size_grads", a->size_grads, count * (size_t)a->options.size_period},
        {"scaled_adam.mean", a->mean, elements},
        {"scaled_adam.square", a->square, elements},
    };
    memcpy(out, blocks, sizeof blocks);
    return (int)(sizeof blocks / sizeof blocks[0]);
}

static void release(void *self)
{
    ting_scaled_adam_free(self);
}

ting_optimizer ting_scaled_adam_optimizer(ting_scaled_adam *adam)
{
    return (ting_optimizer){adam, step, state, release};
}
