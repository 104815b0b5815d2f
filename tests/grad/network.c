/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - see network.h. */
#include "grad/network.h"

#include "base/rng.h"
#include "nn/tape.h"
#include "support/support.h"

#include <math.h>

static const bool in_double = sizeof(ting_real) == sizeof(double);

typedef struct subject {
    ting_params *params;
    ting_tensor (*loss)(ting_ctx *ctx, void *self);
    void *self;
    ting_arena *arena;
} subject;

static ting_ctx new_ctx(const subject *s, ting_tape *tape)
{
    ting_arena_reset(s->arena);
    return (ting_ctx){.arena = s->arena, .kern = ting_kern_select(TING_CPU_SCALAR), .tape = tape, .training = true, .again = true};
}

static double value_of(const subject *s)
{
    ting_ctx ctx = new_ctx(s, NULL);
    ting_tensor loss = s->loss(&ctx, s->self);
    assert_ok(ctx.err);
    return (double)loss.data[0];
}

static void move_along(ting_real *w, size_t count, ting_rng from, double step)
{
    for (size_t i = 0; i < count; i++)
        w[i] += (ting_real)(step * ting_rng_normal(&from));
}

static void compare_directions(const subject *s, ting_rng rng)
{
    const size_t count = ting_params_elements(s->params);
    ting_real *w = ting_params_values(s->params);
    const ting_real *g = ting_params_gradients(s->params);
    double length = 0;
    for (size_t i = 0; i < count; i++)
        length += (double)g[i] * (double)g[i];
    assert_true(length > 0);
    const double h = in_double ? 1e-5 : 1e-2, tolerance = (in_double ? 1e-6 : 3e-2) * sqrt(length);
    for (int round = 0; round < 5; round++) {
        const ting_rng from = rng;
        double norm = 0, slope = 0;
        for (size_t i = 0; i < count; i++) {
            const double u = ting_rng_normal(&rng);
            norm += u * u;
            slope += u * (double)g[i];
        }
        norm = sqrt(norm);
        move_along(w, count, from, h / norm);
        const double above = value_of(s);
        move_along(w, count, from, -2 * h / norm);
        const double below = value_of(s);
        move_along(w, count, from, h / norm);
        const double difference = (above - below) / (2 * h);
        if (!(fabs(difference - slope / norm) <= tolerance))
            fail_msg("direction %d: difference %.10g, gradient %.10g, tolerance %.3g", round, difference, slope / norm, tolerance);
    }
}

void ting_grad_check_network(ting_params *params, ting_tensor (*loss)(ting_ctx *ctx, void *self), void *self)
{
    subject s = {params, loss, self, ting_arena_new(1 << 20)};
    ting_rng rng = ting_rng_new(3, 7);
    assert_non_null(s.arena);
    assert_ok(ting_params_alloc(params, true));
    for (size_t i = 0; i < ting_params_elements(params); i++)
        ting_params_values(params)[i] = (ting_real)(0.4 * ting_rng_normal(&rng));
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&s, &tape);
    ting_tensor value = loss(&ctx, self);
    assert_ok(ctx.err);
    assert_true(isfinite((double)value.data[0]));
    value.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    compare_directions(&s, rng);
    ting_arena_free(s.arena);
}
