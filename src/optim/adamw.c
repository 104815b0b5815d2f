/* SPDX-License-Identifier: Apache-2.0 */
/* adamw.c - see adamw.h. */
#include "optim/adamw.h"

#include "base/mem.h"
#include "optim/pieces.h"

#include <math.h>

struct ting_adamw {
    ting_params *params;
    ting_adamw_options options;
    int64_t steps;
    ting_real *mean, *square; /* [elements] */
    ting_piece *pieces;
    int count;
};

ting_adamw *ting_adamw_new(ting_params *params, const ting_adamw_options *options)
{
    ting_adamw *adamw = ting_alloc(1, sizeof *adamw);
    if (adamw == NULL)
        return NULL;
    adamw->params = params;
    adamw->options = *options;
    adamw->count = ting_pieces_cut(params, NULL);
    adamw->pieces = ting_alloc((size_t)adamw->count, sizeof *adamw->pieces);
    adamw->mean = ting_alloc(ting_params_elements(params), sizeof *adamw->mean);
    adamw->square = ting_alloc(ting_params_elements(params), sizeof *adamw->square);
    if (adamw->pieces == NULL || adamw->mean == NULL || adamw->square == NULL) {
        ting_adamw_free(adamw);
        return NULL;
    }
    ting_pieces_cut(params, adamw->pieces);
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

struct update {
    const ting_kern *kern;
    ting_adamw *adamw;
    double rate, step_size, root;
};

static void update_piece(void *arg, int index)
{
    const struct update *u = arg;
    const ting_adamw *adamw = u->adamw;
    const ting_piece *p = &adamw->pieces[index];
    const ting_adamw_options *o = &adamw->options;
    const bool decays = ting_params_at(adamw->params, p->param)->dims >= 2;
    u->kern->adamw(p->count, ting_params_values(adamw->params) + p->first,
                      ting_params_gradients(adamw->params) + p->first, adamw->mean + p->first,
                      adamw->square + p->first, (ting_real)o->beta1, (ting_real)o->beta2,
                      (ting_real)u->step_size, (ting_real)u->root, (ting_real)o->eps,
                      (ting_real)(decays ? u->rate * o->weight_decay : 0));
}

void ting_adamw_step(ting_adamw *adamw, const ting_kern *kern, ting_pool *pool, double rate)
{
    const double t = (double)++adamw->steps;
    struct update update = {.kern = kern, .adamw = adamw, .rate = rate};
    update.step_size = rate / (1 - pow(adamw->options.beta1, t));
    update.root = 1 / sqrt(1 - pow(adamw->options.beta2, t));
    ting_pool_run(pool, adamw->count, update_piece, &update);
}

static void step(void *self, const ting_kern *kern, ting_pool *pool, double rate)
{
    ting_adamw_step(self, kern, pool, rate);
}

static int state(void *self, ting_state_block out[TING_OPTIMIZER_BLOCKS])
{
    ting_adamw *adamw = self;
    const size_t bytes = ting_params_elements(adamw->params) * sizeof(ting_real);
    out[0] = (ting_state_block){"adamw.steps", &adamw->steps, sizeof adamw->steps};
    out[1] = (ting_state_block){"adamw.mean", adamw->mean, bytes};
    out[2] = (ting_state_block){"adamw.square", adamw->square, bytes};
    return 3;
}

static void release(void *self)
{
    ting_adamw_free(self);
}

ting_optimizer ting_adamw_optimizer(ting_adamw *adamw)
{
    return (ting_optimizer){adamw, step, state, release};
}
