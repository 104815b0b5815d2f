/* SPDX-License-Identifier: Apache-2.0 */
/* adamw.c - see adamw.h. */
#include "optim/adamw.h"

#include "base/mem.h"

#include <math.h>

enum { PIECE = 16384 }; /* elements a thread takes at a time */

/* A run of elements of one parameter: small enough to share out, of one decay. */
typedef struct piece {
    size_t first;
    int count;
    bool decays;
} piece;

struct ting_adamw {
    ting_params *params;
    ting_adamw_options options;
    long steps;
    ting_real *mean, *square; /* [elements] */
    piece *pieces;
    int count;
};

/* Cuts the trainable parameters into pieces; with `out` NULL only counts them. */
static int cut(ting_params *params, piece *out)
{
    int count = 0;
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *param = ting_params_at(params, i);
        if (param->frozen)
            continue;
        int elements = param->t.rows * param->t.cols;
        for (int first = 0; first < elements; first += PIECE, count++) {
            if (out != NULL)
                out[count] = (piece){.first = param->offset + (size_t)first,
                                     .count = elements - first < PIECE ? elements - first : PIECE,
                                     .decays = param->dims >= 2};
        }
    }
    return count;
}

ting_adamw *ting_adamw_new(ting_params *params, const ting_adamw_options *options)
{
    ting_adamw *adamw = ting_alloc(1, sizeof *adamw);
    if (adamw == NULL)
        return NULL;
    adamw->params = params;
    adamw->options = *options;
    if (options->beta1 == 0)
        adamw->options.beta1 = 0.9;
    if (options->beta2 == 0)
        adamw->options.beta2 = 0.999;
    if (options->eps == 0)
        adamw->options.eps = 1e-8;
    adamw->count = cut(params, NULL);
    adamw->pieces = ting_alloc((size_t)adamw->count, sizeof *adamw->pieces);
    adamw->mean = ting_alloc(ting_params_elements(params), sizeof *adamw->mean);
    adamw->square = ting_alloc(ting_params_elements(params), sizeof *adamw->square);
    if (adamw->pieces == NULL || adamw->mean == NULL || adamw->square == NULL) {
        ting_adamw_free(adamw);
        return NULL;
    }
    cut(params, adamw->pieces);
    return adamw;
}

void ting_adamw_free(ting_adamw *adamw)
{
    if (adamw == NULL)
        return;
    ting_free(adamw->pieces);
    ting_free(adamw->mean);
    ting_free(adamw->square);
    ting_free(adamw);
}

struct step {
    const ting_kern *kern;
    ting_adamw *adamw;
    double rate, step_size, root;
};

static void update_piece(void *arg, int index)
{
    const struct step *step = arg;
    const ting_adamw *adamw = step->adamw;
    const piece *p = &adamw->pieces[index];
    const ting_adamw_options *o = &adamw->options;
    step->kern->adamw(p->count, ting_params_values(adamw->params) + p->first,
                      ting_params_gradients(adamw->params) + p->first, adamw->mean + p->first,
                      adamw->square + p->first, (ting_real)o->beta1, (ting_real)o->beta2,
                      (ting_real)step->step_size, (ting_real)step->root, (ting_real)o->eps,
                      (ting_real)(p->decays ? step->rate * o->weight_decay : 0));
}

void ting_adamw_step(ting_adamw *adamw, const ting_kern *kern, ting_pool *pool, double rate)
{
    const double t = (double)++adamw->steps;
    struct step step = {.kern = kern, .adamw = adamw, .rate = rate};
    step.step_size = rate / (1 - pow(adamw->options.beta1, t));
    step.root = 1 / sqrt(1 - pow(adamw->options.beta2, t));
    ting_pool_run(pool, adamw->count, update_piece, &step);
}

long ting_adamw_steps(const ting_adamw *adamw)
{
    return adamw->steps;
}

void ting_adamw_set_steps(ting_adamw *adamw, long steps)
{
    adamw->steps = steps;
}

ting_real *ting_adamw_mean(ting_adamw *adamw)
{
    return adamw->mean;
}

ting_real *ting_adamw_square(ting_adamw *adamw)
{
    return adamw->square;
}

/* ---- clipping ---- */

enum { MAX_SUMS = 1024 };

struct clip {
    const ting_kern *kern;
    ting_real *gradients;
    size_t elements, part;
    ting_real factor;
    double sums[MAX_SUMS];
};

/* Part `index`: its elements, PIECE at a time, so that a float sum never grows long. */
static void square_part(void *arg, int index)
{
    struct clip *clip = arg;
    size_t end = clip->part * ((size_t)index + 1);
    if (end > clip->elements)
        end = clip->elements;
    double sum = 0;
    for (size_t first = clip->part * (size_t)index; first < end; first += PIECE)
        sum += (double)clip->kern->sum_squares((int)(end - first < PIECE ? end - first : PIECE),
                                               clip->gradients + first);
    clip->sums[index] = sum;
}

static void scale_part(void *arg, int index)
{
    struct clip *clip = arg;
    size_t end = clip->part * ((size_t)index + 1);
    if (end > clip->elements)
        end = clip->elements;
    for (size_t first = clip->part * (size_t)index; first < end; first += PIECE)
        clip->kern->scale((int)(end - first < PIECE ? end - first : PIECE), clip->factor,
                          clip->gradients + first, clip->gradients + first);
}

double ting_clip_gradients(ting_params *params, const ting_kern *kern, ting_pool *pool, double limit)
{
    struct clip clip = {
        .kern = kern, .gradients = ting_params_gradients(params), .elements = ting_params_elements(params)};
    size_t pieces = (clip.elements + PIECE - 1) / PIECE;
    clip.part = (pieces + MAX_SUMS - 1) / MAX_SUMS * PIECE;
    if (clip.part == 0)
        return 0;
    int parts = (int)((clip.elements + clip.part - 1) / clip.part);
    ting_pool_run(pool, parts, square_part, &clip);
    double sum = 0;
    for (int i = 0; i < parts; i++)
        sum += clip.sums[i];
    double norm = sqrt(sum);
    if (limit > 0 && norm > limit && isfinite(norm)) {
        clip.factor = (ting_real)(limit / norm);
        ting_pool_run(pool, parts, scale_part, &clip);
    }
    return norm;
}
