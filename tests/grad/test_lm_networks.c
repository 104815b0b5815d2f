/* SPDX-License-Identifier: Apache-2.0 */
/* test_lm_networks.c - the gradient of whole language models of each kind; see network.h. */
#include "grad/network.h"
#include "support/support.h"

#include "loss/cross_entropy.h"
#include "model/lm_net.h"
#include "nn/tape.h"
#include "loss/lm_loss.h"

#include <math.h>

/* Three segments, one of a single token; each asks for the token behind, and the last for token 2. */
static const int ids[] = {1, 6, 8, 1, 9, 1, 4, 5, 6}, wanted[] = {6, 8, 2, 2, 1, 4, 5, 6, -1};
static const int start[] = {0, 3, 4, 9};

static ting_tensor loss_of(ting_ctx *ctx, void *self)
{
    const ting_lm_net *net = self;
    return ting_cross_entropy(ctx, ting_lm_net_forward(ctx, net, ids, (ting_segments){3, start}), wanted, NULL);
}

static ting_tensor loss_by_classes(ting_ctx *ctx, void *self)
{
    static const int every[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const ting_lm_net *net = self;
    ting_lm_output output;
    assert_true(ting_lm_net_output(net, &output));
    return ting_lm_loss_by_classes(ctx, &output, every, ting_lm_net_hidden(ctx, net, ids, (ting_segments){3, start}), wanted);
}

static void check_loss(ting_lm_config config, ting_tensor (*loss)(ting_ctx *ctx, void *self))
{
    config.tokens = 10;
    config.eps = (ting_real)1e-5;
    assert_ok(ting_lm_config_check(&config));
    ting_params *params = ting_params_new();
    ting_lm_net *net = ting_lm_net_new(&config, params);
    assert_non_null(net);
    ting_grad_check_network(params, loss, net);
    ting_lm_net_free(net);
    ting_params_free(params);
}

static void check(ting_lm_config config)
{
    check_loss(config, loss_of);
}

static void feed_forward(void **state)
{
    (void)state;
    check((ting_lm_config){.kind = TING_LM_NNLM, .width = 4, .hidden = 6, .context = 3});
    check((ting_lm_config){.kind = TING_LM_NNLM, .width = 3, .hidden = 5, .context = 1, .direct = true});
    check((ting_lm_config){.kind = TING_LM_NNLM, .width = 3, .hidden = 5, .context = 4, .direct = true});
}

static void recurrent(void **state)
{
    (void)state;
    check((ting_lm_config){.kind = TING_LM_RNN, .width = 4, .hidden = 5, .layers = 1});
    check((ting_lm_config){.kind = TING_LM_LSTM, .width = 5, .hidden = 5, .layers = 2, .tied = true});
    check((ting_lm_config){.kind = TING_LM_GRU, .width = 4, .hidden = 5, .layers = 3});
    check((ting_lm_config){.kind = TING_LM_BILSTM, .width = 4, .hidden = 5, .layers = 2});
}

static void classes(void **state)
{
    (void)state;
    check_loss((ting_lm_config){.kind = TING_LM_LSTM, .width = 4, .hidden = 5, .layers = 1, .classes = 4,
                                .class_start = (const int[]){0, 1, 3, 6, 10}},
               loss_by_classes);
}

/* What the last piece is about does not reach back into the ones before: the embeddings of their tokens have no gradient from it; without pieces
 * they have. */
static void gradients_stop_at_pieces(void **state)
{
    (void)state;
    const int sentence[] = {1, 2, 3, 4, 5, 6, 7}, targets[] = {-1, -1, -1, -1, -1, -1, 8}, one[] = {0, 7};
    for (int bptt = 0; bptt <= 3; bptt += 3)
        for (int kind = TING_LM_RNN; kind <= TING_LM_GRU; kind++) {
            const ting_lm_config config = {.kind = (ting_lm_kind)kind, .tokens = 10, .width = 3, .hidden = 4, .layers = 2, .bptt = bptt};
            ting_params *params = ting_params_new();
            ting_lm_net *net = ting_lm_net_new(&config, params);
            assert_ok(ting_params_alloc(params, true));
            assert_ok(ting_params_start(params, 3));
            ting_arena *arena = ting_arena_new(1 << 16);
            ting_tape tape = {0};
            ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape};
            const ting_tensor y = ting_lm_net_forward(&ctx, net, sentence, (ting_segments){1, one});
            ctx.tape = NULL;
            const ting_tensor plain = ting_lm_net_forward(&ctx, net, sentence, (ting_segments){1, one});
            for (int i = 0; i < y.rows * y.cols; i++)
                assert_true(fabs((double)y.data[i] - (double)plain.data[i]) < 1e-6);
            ctx.tape = &tape;
            const ting_tensor loss = ting_cross_entropy(&ctx, y, targets, NULL);
            assert_ok(ctx.err);
            loss.grad[0] = 1;
            assert_ok(ting_tape_backward(&ctx, &tape));
            const ting_param *table = ting_params_find(params, "embedding.weight");
            for (int t = 0; t < 7; t++) {
                bool any = false;
                for (int c = 0; c < 3; c++)
                    any = any || ting_grad_row(table->t, sentence[t])[c] != 0;
                assert_true(any == (bptt == 0 || t >= 6));
            }
            ting_arena_free(arena);
            ting_lm_net_free(net);
            ting_params_free(params);
        }
}

static void attention(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++)
        check((ting_lm_config){.kind = TING_LM_GPT, .width = 8, .hidden = 12, .layers = 2, .heads = 2, .context = 6,
                               .norm = before ? TING_NORM_BEFORE : TING_NORM_AFTER, .act = TING_ACT_GELU_TANH,
                               .tied = before == 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed_forward),
        cmocka_unit_test(recurrent),
        cmocka_unit_test(classes),
        cmocka_unit_test(gradients_stop_at_pieces),
        cmocka_unit_test(attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
