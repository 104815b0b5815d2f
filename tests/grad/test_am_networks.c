/* SPDX-License-Identifier: Apache-2.0 */
/* test_am_networks.c - the gradient of whole acoustic networks: encoder, CTC head, CTC loss; see network.h. */
#include "grad/network.h"
#include "support/support.h"

#include "base/rng.h"
#include "loss/ctc.h"
#include "model/am_net.h"

#include <string.h>

enum { BINS = 20, FRAMES = 150, VOCAB = 6 };

static const int frame_start[] = {0, 64, 150}, label_start[] = {0, 2, 5}, labels[] = {1, 3, 2, 2, 5};
static const ting_segments utterances = {2, frame_start}, transcripts = {2, label_start};
static ting_real sound[FRAMES * BINS];

typedef struct subject {
    ting_am_net *net;
    ting_encoder_mode mode;
} subject;

static ting_tensor loss_of(ting_ctx *ctx, void *self)
{
    const subject *s = self;
    int *start = ting_ctx_ints(ctx, utterances.count + 1);
    ting_tensor x = ting_ctx_constant(ctx, FRAMES, BINS);
    memcpy(x.data, sound, sizeof sound);
    ting_tensor rows = ting_encoder_forward(ctx, s->net->encoder, x, utterances, &s->mode, start);
    return ting_ctc_loss(ctx, ting_ctc_head_logits(ctx, &s->net->ctc, rows), (ting_segments){utterances.count, start}, labels,
                         transcripts, NULL);
}

static void check(const ting_encoder_config *encoder, ting_encoder_mode mode)
{
    const ting_am_config config = {.encoder = *encoder, .ctc = {.vocab = VOCAB}};
    subject s = {.mode = mode};
    ting_rng rng = ting_rng_new(3, 7);
    assert_ok(ting_am_net_new(&config, &s.net));
    for (int i = 0; i < FRAMES * BINS; i++)
        sound[i] = (ting_real)ting_rng_normal(&rng);
    ting_grad_check_network(s.net->params, loss_of, &s);
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
