/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_networks.c - the gradient of whole acoustic networks (encoder, CTC head, CTC loss) along random directions of all
 * their parameters, against the central difference of the loss.
 *
 * For a direction u of unit length and a step h, (f(w + h u) - f(w - h u)) / 2h = g.u + O(h^2 f'''). In double with h = 1e-5 the
 * error of the difference is about 1e-10 and the rounding of f (about 10, 1e5 operations deep) divided by h about 1e-9: a
 * relative tolerance of 1e-6 of |g| leaves room. In float the same sums give 1e-2 with h = 1e-2. Activations without a kink, for
 * a step across one is an error of its own.
 */
#include "support/support.h"

#include "base/rng.h"
#include "loss/ctc.h"
#include "model/am_net.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

enum { BINS = 20, FRAMES = 150, VOCAB = 6 };

static const bool in_double = sizeof(ting_real) == sizeof(double);
static const int frame_start[] = {0, 64, 150}, label_start[] = {0, 2, 5}, labels[] = {1, 3, 2, 2, 5};
static const ting_segments utterances = {2, frame_start}, transcripts = {2, label_start};
static ting_real sound[FRAMES * BINS];

typedef struct subject {
    ting_am_net *net;
    ting_encoder_mode mode;
    ting_arena *arena;
} subject;

static ting_tensor loss_of(ting_ctx *ctx, const subject *s)
{
    int *start = ting_ctx_ints(ctx, utterances.count + 1);
    ting_tensor x = ting_ctx_constant(ctx, FRAMES, BINS);
    memcpy(x.data, sound, sizeof sound);
    ting_tensor rows = ting_encoder_forward(ctx, s->net->encoder, x, utterances, &s->mode, start);
    return ting_ctc_loss(ctx, ting_ctc_head_logits(ctx, &s->net->ctc, rows), (ting_segments){utterances.count, start}, labels,
                         transcripts, NULL);
}

/* As in training, but for the running statistics, which stay (ctx->again). */
static double value_of(const subject *s)
{
    ting_arena_reset(s->arena);
    ting_ctx ctx = {.arena = s->arena, .kern = ting_kern_select(TING_CPU_SCALAR), .training = true, .again = true};
    ting_tensor loss = loss_of(&ctx, s);
    assert_int_equal(ctx.err, TING_OK);
    return (double)loss.data[0];
}

static void move_along(ting_real *w, size_t count, ting_rng from, double step)
{
    for (size_t i = 0; i < count; i++)
        w[i] += (ting_real)(step * ting_rng_normal(&from));
}

static void compare_directions(const subject *s, ting_rng rng)
{
    const size_t count = ting_params_elements(s->net->params);
    ting_real *w = ting_params_values(s->net->params);
    const ting_real *g = ting_params_gradients(s->net->params);
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
        if (fabs(difference - slope / norm) > tolerance)
            fail_msg("direction %d: difference %.10g, gradient %.10g, tolerance %.3g", round, difference, slope / norm, tolerance);
    }
}

static void check(const ting_encoder_config *encoder, ting_encoder_mode mode)
{
    const ting_am_config config = {.encoder = *encoder, .ctc = {.vocab = VOCAB}};
    subject s = {.mode = mode, .arena = ting_arena_new(1 << 20)};
    ting_rng rng = ting_rng_new(3, 7);
    assert_ok(ting_am_net_new(&config, &s.net));
    assert_ok(ting_params_alloc(s.net->params, true));
    for (size_t i = 0; i < ting_params_elements(s.net->params); i++)
        ting_params_values(s.net->params)[i] = (ting_real)(0.4 * ting_rng_normal(&rng));
    for (int i = 0; i < FRAMES * BINS; i++)
        sound[i] = (ting_real)ting_rng_normal(&rng);
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = s.arena, .kern = ting_kern_select(TING_CPU_SCALAR), .tape = &tape, .training = true, .again = true};
    ting_tensor loss = loss_of(&ctx, &s);
    assert_int_equal(ctx.err, TING_OK);
    assert_true(isfinite((double)loss.data[0]));
    loss.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    compare_directions(&s, rng);
    ting_arena_free(s.arena);
    ting_am_net_free(s.net);
}

static void cnn_gradients(void **state)
{
    (void)state;
    const ting_encoder_config encoder = {.kind = TING_ENCODER_CNN,
                                         .cnn = {.features = BINS, .blocks = 3, .dim = 10, .act = TING_ACT_SILU,
                                                 .block = {{2, 3, 2, 2}, {1, 4, 2, 3}, {2, 5, 1, 1}}}};
    check(&encoder, (ting_encoder_mode){0});
}

static void conformer_gradients(void **state)
{
    (void)state;
    ting_encoder_config encoder = {.kind = TING_ENCODER_CONFORMER,
                                   .conformer = {.features = BINS, .subsampling = 4, .dim = 8, .heads = 2, .layers = 2,
                                                 .feedforward = 12, .macaron = true, .kernel = 5, .norm = TING_CONV_BATCH_NORM,
                                                 .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU}};
    check(&encoder, (ting_encoder_mode){0});
    encoder.conformer.causal = true;
    encoder.conformer.norm = TING_CONV_LAYER_NORM;
    check(&encoder, (ting_encoder_mode){.chunk = 4, .left = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cnn_gradients), cmocka_unit_test(conformer_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
