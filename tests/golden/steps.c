/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c - a training of a few steps against the losses that the reference had: out.losses holds the loss before each of
 * config.steps steps and after the last one, config.optimizer and config.rate say how. The tolerance of out.losses is
 * absolute: 1e-4 of the smallest loss in float, a quarter of that in double.
 */
#include "golden/golden.h"

#include "optim/adamw.h"
#include "optim/scaled_adam.h"

#include <string.h>

/* What the files' optimizers start from: torch's Adam, icefall's ScaledAdam with the clipping of its recipes. */
static ting_optimizer make_optimizer(ting_golden *g, ting_params *params)
{
    const ting_adamw_options adam = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    if (strcmp(ting_golden_string(g, "optimizer"), "scaled-adam") == 0)
        return ting_scaled_adam_optimizer(ting_scaled_adam_new(params, &ting_scaled_adam_defaults, NULL));
    return ting_adamw_optimizer(ting_adamw_new(params, &adam));
}

ting_err ting_golden_train(ting_golden *g, ting_params *params, ting_tensor (*loss)(void *self), void *self)
{
    const int steps = (int)ting_golden_int(g, "steps");
    const double rate = ting_golden_real(g, "rate");
    ting_optimizer optimizer = make_optimizer(g, params);
    if (optimizer.self == NULL)
        return TING_ERR_MEMORY;
    for (int step = 0; step <= steps && g->ctx.err == TING_OK; step++) {
        ting_arena_mark mark = ting_arena_tell(g->ctx.arena);
        g->tape = (ting_tape){0};
        g->ctx.tape = &g->tape;
        ting_params_zero_gradients(params);
        ting_tensor sum = loss(self);
        if (g->ctx.err != TING_OK)
            break;
        ting_golden_compare(g, "out.losses", (size_t)step, sum.data, 1);
        sum.grad[0] = 1;
        ting_tape_backward(&g->ctx, &g->tape);
        optimizer.step(optimizer.self, g->ctx.kern, NULL, rate);
        ting_arena_rewind(g->ctx.arena, mark);
    }
    optimizer.free(optimizer.self);
    g->ctx.tape = NULL;
    return g->ctx.err;
}
