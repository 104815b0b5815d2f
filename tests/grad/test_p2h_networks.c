/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_p2h_networks.c - the gradient of a whole pinyin-to-hanzi network along random directions of all its parameters,
 * against the central difference of its loss.
 *
 * For a direction u of unit length and a step h, (f(w + h u) - f(w - h u)) / 2h = g.u + O(h^2 f'''). In double with
 * h = 1e-5 the error of the difference is about 1e-10 and the rounding of f (about 1, 1e4 operations deep) divided by h
 * about 1e-10: a relative tolerance of 1e-6 of |g| leaves room. In float the same sums give 1e-2 with h = 1e-2.
 */
#include "support/support.h"

#include "base/rng.h"
#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"
#include "model/p2h_tables.h"
#include "model/transformer_p2h.h"
#include "model/transformer_s2s.h"
#include "nn/tape.h"

#include <math.h>

static const bool in_double = sizeof(ting_real) == sizeof(double);

static int spoken[] = {5, 9, 4, 7, 5, 9, 10, 8};
static const int spoken_start[] = {0, 3, 4, 8}; /* one of a single syllable */
static int written_in[] = {1, 6, 8, 1, 9, 1, 4, 5};
static int written_out[] = {6, 8, 2, 9, 2, 4, 5, -1};
static const int written_start[] = {0, 3, 5, 8};
static const ting_segments spoken_segments = {3, spoken_start}, written_segments = {3, written_start};

typedef struct subject {
    ting_params *params;
    ting_p2h_net *p2h;
    ting_s2s_net *s2s;
    ting_arena *arena;
} subject;

static ting_tensor one_to_one_loss(ting_ctx *ctx, const ting_p2h_net *net)
{
    static const int some[] = {4, 5, 7, 9}, few[] = {6, 11};
    ting_linear_params output = ting_p2h_net_output(net);
    ting_tensor hidden = ting_p2h_net_forward(ctx, net, spoken, spoken_segments);
    const ting_choice choices[] = {{some, 4, 1}, {few, 2, 0}, {some, 3, -1}, {few, 1, 0}};
    ting_tensor chosen = ting_choice_entropy(ctx, ting_rows(hidden, 0, 4), output.weight, output.bias, choices,
                                             (ting_real)0.1);
    ting_tensor free_loss = ting_cross_entropy(ctx, ting_p2h_net_logits(ctx, net, ting_rows(hidden, 4, 4)), written_out + 4,
                                               &(ting_cross_entropy_options){.sum = true});
    return ting_scale(ctx, ting_add(ctx, chosen, free_loss), (ting_real)0.125);
}

static ting_tensor loss_of(ting_ctx *ctx, const subject *s)
{
    if (s->p2h != NULL)
        return one_to_one_loss(ctx, s->p2h);
    ting_tensor memory = ting_s2s_encode(ctx, s->s2s, spoken, spoken_segments);
    ting_tensor hidden = ting_s2s_decode(ctx, s->s2s, memory, spoken_segments, written_in, written_segments, NULL);
    return ting_cross_entropy(ctx, ting_s2s_logits(ctx, s->s2s, hidden), written_out, NULL);
}

static double value_of(const subject *s)
{
    ting_arena_reset(s->arena);
    ting_ctx ctx = {.arena = s->arena, .kern = ting_kern_select(TING_CPU_SCALAR)};
    ting_tensor loss = loss_of(&ctx, s);
    assert_int_equal(ctx.err, TING_OK);
    return (double)loss.data[0];
}

static void check(subject *s)
{
    assert_ok(ting_params_alloc(s->params, true));
    s->arena = ting_arena_new(1 << 20);
    const size_t count = ting_params_elements(s->params);
    ting_real *w = ting_params_values(s->params), *g = ting_params_gradients(s->params);
    ting_rng rng = ting_rng_new(3, 7);
    for (size_t i = 0; i < count; i++)
        w[i] = (ting_real)(0.4 * ting_rng_normal(&rng));
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = s->arena, .kern = ting_kern_select(TING_CPU_SCALAR), .tape = &tape, .training = true};
    ting_tensor loss = loss_of(&ctx, s);
    assert_int_equal(ctx.err, TING_OK);
    loss.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    double length = 0;
    for (size_t i = 0; i < count; i++)
        length += (double)g[i] * (double)g[i];
    assert_true(length > 0);
    const double h = in_double ? 1e-5 : 1e-2, tolerance = (in_double ? 1e-6 : 2e-2) * sqrt(length);
    for (int round = 0; round < 5; round++) {
        double norm = 0, slope = 0;
        ting_rng keep = rng;
        for (size_t i = 0; i < count; i++) {
            double u = ting_rng_normal(&rng);
            norm += u * u;
            slope += u * (double)g[i];
        }
        norm = sqrt(norm);
        double side[2];
        for (int k = 0; k < 2; k++) {
            ting_rng again = keep;
            for (size_t i = 0; i < count; i++)
                w[i] += (ting_real)((k == 0 ? h : -2 * h) * ting_rng_normal(&again) / norm);
            side[k] = value_of(s);
        }
        ting_rng again = keep;
        for (size_t i = 0; i < count; i++)
            w[i] += (ting_real)(h * ting_rng_normal(&again) / norm);
        double difference = (side[0] - side[1]) / (2 * h);
        if (fabs(difference - slope / norm) > tolerance)
            fail_msg("direction %d: difference %.10g, gradient %.10g, tolerance %.3g", round, difference, slope / norm,
                     tolerance);
    }
    ting_arena_free(s->arena);
    ting_p2h_net_free(s->p2h);
    ting_s2s_net_free(s->s2s);
    ting_params_free(s->params);
}

static ting_transformer_shape layer(ting_norm_place norm)
{
    return (ting_transformer_shape){.width = 8, .heads = 2, .inner = 12, .norm = norm, .act = TING_ACT_GELU,
                                    .eps = (ting_real)1e-5};
}

static void one_to_one_with_n_grams(void **state)
{
    (void)state;
    subject s = {.params = ting_params_new()};
    s.p2h = ting_p2h_net_new(&(ting_p2h_shape){.syllables = 11, .characters = 12, .embedding = 6, .pair_rows = 5,
                                               .triple_rows = 7, .triple_places = 3, .ngram_dim = 4, .layers = 2,
                                               .layer = layer(TING_NORM_BEFORE)},
                             s.params);
    check(&s);
}

static void one_to_one_of_the_tutorial(void **state)
{
    (void)state;
    subject s = {.params = ting_params_new()};
    s.p2h = ting_p2h_net_new(&(ting_p2h_shape){.syllables = 11, .characters = 12, .embedding = 6, .layers = 2,
                                               .input_act = TING_ACT_ELU, .conv_taps = 3, .detour_dim = 9,
                                               .map_layers = 1, .layer = layer(TING_NORM_AFTER)},
                             s.params);
    check(&s);
}

static void encoder_and_decoder(void **state)
{
    (void)state;
    for (int tied = 0; tied < 2; tied++) {
        subject s = {.params = ting_params_new()};
        s.s2s = ting_s2s_net_new(&(ting_s2s_shape){.syllables = 11, .characters = 12, .encoder_layers = 2,
                                                   .decoder_layers = 2, .tied = tied == 1,
                                                   .layer = layer(tied ? TING_NORM_BEFORE : TING_NORM_AFTER)},
                                 s.params);
        check(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one_with_n_grams),
        cmocka_unit_test(one_to_one_of_the_tutorial),
        cmocka_unit_test(encoder_and_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
