/* SPDX-License-Identifier: Apache-2.0 */
/* test_p2h_networks.c - the gradient of whole pinyin-to-hanzi networks; see network.h. */
#include "grad/network.h"
#include "support/support.h"

#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"
#include "model/bahdanau.h"
#include "model/p2h_tables.h"
#include "model/transformer_p2h.h"
#include "model/transformer_s2s.h"


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
    ting_bahdanau_net *bahdanau;
} subject;

static ting_tensor one_to_one_loss(ting_ctx *ctx, const ting_p2h_net *net)
{
    static const int some[] = {4, 5, 7, 9}, few[] = {6, 11};
    ting_linear_params output = ting_p2h_net_output(net);
    ting_tensor hidden = ting_p2h_net_forward(ctx, net, spoken, spoken_segments);
    const ting_choice choices[] = {{some, 4, 1}, {few, 2, 0}, {some, 3, -1}, {few, 1, 0}};
    ting_tensor chosen = ting_choice_entropy(ctx, ting_rows(hidden, 0, 4), output.weight, output.bias, choices,
                                             NULL, (ting_real)0.1);
    ting_tensor free_loss = ting_cross_entropy(ctx, ting_p2h_net_logits(ctx, net, ting_rows(hidden, 4, 4)), written_out + 4,
                                               &(ting_cross_entropy_options){.sum = true});
    return ting_scale(ctx, ting_add(ctx, chosen, free_loss), (ting_real)0.125);
}

static ting_tensor loss_of(ting_ctx *ctx, void *self)
{
    const subject *s = self;
    static const int other_way[] = {2, 0, 1}; /* which syllables each sentence is written from */
    if (s->p2h != NULL)
        return one_to_one_loss(ctx, s->p2h);
    if (s->bahdanau != NULL) {
        ting_tensor memory = ting_bahdanau_encode(ctx, s->bahdanau, spoken, spoken_segments);
        ting_tensor hidden =
            ting_bahdanau_decode(ctx, s->bahdanau, memory, spoken_segments, written_in, written_segments, other_way);
        return ting_cross_entropy(ctx, ting_bahdanau_logits(ctx, s->bahdanau, hidden), written_out, NULL);
    }
    ting_tensor memory = ting_s2s_encode(ctx, s->s2s, spoken, spoken_segments);
    ting_tensor hidden = ting_s2s_decode(ctx, s->s2s, memory, spoken_segments, written_in, written_segments, NULL);
    return ting_cross_entropy(ctx, ting_s2s_logits(ctx, s->s2s, hidden), written_out, NULL);
}

static void check(subject *s)
{
    ting_grad_check_network(s->params, loss_of, s);
    ting_p2h_net_free(s->p2h);
    ting_s2s_net_free(s->s2s);
    ting_bahdanau_net_free(s->bahdanau);
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

static void recurrent_encoder_and_decoder(void **state)
{
    (void)state;
    subject s = {.params = ting_params_new()};
    s.bahdanau = ting_bahdanau_net_new(
        &(ting_bahdanau_shape){.syllables = 11, .characters = 12, .width = 5, .hidden = 6, .attention = 4}, s.params);
    check(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_one_with_n_grams),
        cmocka_unit_test(one_to_one_of_the_tutorial),
        cmocka_unit_test(encoder_and_decoder),
        cmocka_unit_test(recurrent_encoder_and_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
