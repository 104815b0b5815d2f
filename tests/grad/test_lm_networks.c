/* SPDX-License-Identifier: Apache-2.0 */
/* test_lm_networks.c - the gradient of whole language models of each kind; see network.h. */
#include "grad/network.h"
#include "support/support.h"

#include "loss/cross_entropy.h"
#include "model/lm_net.h"

/* Three segments, one of a single token; each asks for the token behind, and the last for token 2. */
static const int ids[] = {1, 6, 8, 1, 9, 1, 4, 5, 6}, wanted[] = {6, 8, 2, 2, 1, 4, 5, 6, -1};
static const int start[] = {0, 3, 4, 9};

static ting_tensor loss_of(ting_ctx *ctx, void *self)
{
    const ting_lm_net *net = self;
    return ting_cross_entropy(ctx, ting_lm_net_forward(ctx, net, ids, (ting_segments){3, start}), wanted, NULL);
}

static void check(ting_lm_config config)
{
    config.tokens = 10;
    config.eps = (ting_real)1e-5;
    assert_ok(ting_lm_config_check(&config));
    ting_params *params = ting_params_new();
    ting_lm_net *net = ting_lm_net_new(&config, params);
    assert_non_null(net);
    ting_grad_check_network(params, loss_of, net);
    ting_lm_net_free(net);
    ting_params_free(params);
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
        cmocka_unit_test(attention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
