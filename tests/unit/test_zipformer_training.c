/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zipformer_training.c - a small Zipformer with everything that training does: it learns, on any number of threads to the
 * same bits, and what it draws can be drawn again. The edits of gradients are compared with the reference's by
 * tests/golden/zipformer2__training*.
 */
#include "support/support.h"

#include "base/mem.h"
#include "loss/ctc.h"
#include "model/ctc_head.h"
#include "model/zipformer_parts.h"
#include "nn/recompute.h"
#include "nn/tape.h"
#include "optim/scaled_adam.h"

#include <math.h>
#include <string.h>

enum { FEATURES = 16, VOCAB = 6, UTTERANCES = 4, LABELS = 3, FRAMES = 60, ALL = UTTERANCES * FRAMES };

static const ting_zipformer_config config = {.features = FEATURES, .embed_channels = {4, 6, 8}, .stacks = 2, .pos_dim = 16,
                                             .output_downsampling = 2,
                                             .stack = {{.layers = 1, .dim = 24, .heads = 4, .query_dim = 6, .value_dim = 4,
                                                        .pos_head_dim = 2, .feedforward = 32, .kernel = 7,
                                                        .downsampling = 1, .unmasked = 16},
                                                       {.layers = 2, .dim = 32, .heads = 4, .query_dim = 6, .value_dim = 4,
                                                        .pos_head_dim = 2, .feedforward = 32, .kernel = 5,
                                                        .downsampling = 2, .unmasked = 16}}};

typedef struct net {
    ting_params *params;
    ting_zipformer *model;
    ting_ctc_head head;
    ting_real x[ALL][FEATURES];
    int start[UTTERANCES + 1], out[UTTERANCES + 1], label_start[UTTERANCES + 1];
    int labels[UTTERANCES * LABELS];
} net;

/* Each utterance says three of five labels; a label is a bump in bands of its own, a third of the utterance long, over noise. */
static void net_make(net *n)
{
    ting_rng rng = ting_rng_new(8, 9);
    *n = (net){.params = ting_params_new()};
    assert_ok(ting_zipformer_new(&config, n->params, &n->model));
    n->head = ting_ctc_head_declare(n->params, "ctc_output.1", VOCAB, ting_zipformer_dim(n->model));
    n->head.dropout = (ting_real)0.1;
    assert_ok(ting_params_alloc(n->params, true));
    assert_ok(ting_params_start(n->params, 3));
    for (int u = 0; u < UTTERANCES; u++) {
        n->start[u + 1] = (u + 1) * FRAMES;
        n->label_start[u + 1] = (u + 1) * LABELS;
        for (int i = 0; i < LABELS; i++)
            n->labels[u * LABELS + i] = 1 + (int)ting_rng_below(&rng, VOCAB - 1);
        for (int t = 0; t < FRAMES; t++)
            for (int f = 0; f < FEATURES; f++) {
                const int label = n->labels[u * LABELS + t * LABELS / FRAMES];
                n->x[u * FRAMES + t][f] = (ting_real)(0.3 * ting_rng_normal(&rng) + (f / 3 == label - 1 ? 2 : -1));
            }
    }
}

static void net_free(net *n)
{
    ting_zipformer_free(n->model);
    ting_params_free(n->params);
}

static ting_tensor input(net *n)
{
    return (ting_tensor){.data = n->x[0], .rows = ALL, .cols = FEATURES, .ld = FEATURES};
}

static ting_segments frames(const net *n)
{
    return (ting_segments){UTTERANCES, n->start};
}

static ting_tensor loss_of(ting_ctx *ctx, net *n, ting_tensor encoded)
{
    ting_tensor logits = ting_ctc_head_logits(ctx, &n->head, encoded);
    return ting_ctc_loss(ctx, logits, (ting_segments){UTTERANCES, n->out}, n->labels,
                         (ting_segments){UTTERANCES, n->label_start}, NULL);
}

static ting_tensor forward(ting_ctx *ctx, net *n)
{
    return ting_zipformer_forward(ctx, n->model, input(n), frames(n), &(ting_zipformer_mode){0}, n->out);
}

/* `steps` steps, each counting for `batches` of the reference's; the loss of the plain network afterwards. */
static double train(net *n, ting_pool *pool, int steps, double batches)
{
    ting_arena *arena = ting_arena_new(1 << 20);
    ting_scaled_adam *adam = ting_scaled_adam_new(n->params, &ting_scaled_adam_defaults, NULL);
    assert_non_null(adam);
    ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect()), .pool = pool};
    for (int step = 0; step < steps; step++) {
        ting_tape tape = {0};
        ting_arena_reset(arena);
        ctx.tape = &tape;
        ctx.training = true;
        ctx.batch_count = step * batches;
        ctx.rng = ting_rng_for(1, TING_RNG_DROPOUT, (uint64_t)step, 0);
        ting_params_zero_gradients(n->params);
        ting_tensor loss = loss_of(&ctx, n, forward(&ctx, n));
        assert_ok(ctx.err);
        loss.grad[0] = 1;
        assert_ok(ting_tape_backward(&ctx, &tape));
        ting_scaled_adam_step(adam, ctx.kern, pool, 0.045);
    }
    ting_arena_reset(arena);
    ctx.tape = NULL;
    ctx.training = false;
    ting_tensor loss = loss_of(&ctx, n, forward(&ctx, n));
    assert_ok(ctx.err);
    const double result = (double)loss.data[0];
    ting_scaled_adam_free(adam);
    ting_arena_free(arena);
    return result;
}

/* Three labels of five in each of four utterances: 4 x 3 x ln 5 = 19.3 nats say them all; a hundredth of that is known by heart. */
static void it_learns_a_few_utterances_by_heart(void **state)
{
    (void)state;
    net *n = ting_alloc(1, sizeof *n);
    net_make(n);
    const double before = train(n, NULL, 0, 0), after = train(n, NULL, 400, 50);
    print_message("# loss %.4g before, %.4g after\n", before, after);
    assert_true(before > 19.3 && after < 0.193);
    net_free(n);
    ting_free(n);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    net *n = ting_alloc(1, sizeof *n);
    ting_real *want = NULL;
    size_t bytes = 0;
    static const int threads[] = {1, 2, 3, 8};
    for (int i = 0; i < 4; i++) {
        ting_pool *pool = ting_pool_new(threads[i]);
        net_make(n);
        train(n, pool, 12, 1000);
        bytes = ting_params_elements(n->params) * sizeof *want;
        if (i == 0) {
            want = ting_alloc(1, bytes);
            memcpy(want, ting_params_values(n->params), bytes);
        }
        assert_memory_equal(ting_params_values(n->params), want, bytes);
        net_free(n);
        ting_pool_free(pool);
    }
    ting_free(want);
    ting_free(n);
}

static ting_tensor run_part(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    net *const *n = self;
    (void)inputs;
    return forward(ctx, *n);
}

/* The whole encoder run again in backward gives the gradients that it has when its tape is kept. */
static void what_was_drawn_is_drawn_again(void **state)
{
    (void)state;
    net *n = ting_alloc(1, sizeof *n);
    ting_real *want = NULL;
    net_make(n);
    const size_t bytes = ting_params_elements(n->params) * sizeof *want;
    for (int again = 0; again < 2; again++) {
        ting_tape tape = {0};
        ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape,
                        .training = true, .batch_count = 300, .rng = ting_rng_new(5, 6)};
        const ting_tensor x = input(n);
        const int rows = UTTERANCES * ((FRAMES - 7) / 2 / 2); /* 26 of an utterance, halved */
        ting_params_zero_gradients(n->params);
        ting_tensor y = again ? ting_recompute(&ctx, &(ting_part){run_part, &n, sizeof n}, &x, 1, rows, 32) : forward(&ctx, n);
        ting_tensor loss = loss_of(&ctx, n, y);
        assert_ok(ctx.err);
        loss.grad[0] = 1;
        assert_ok(ting_tape_backward(&ctx, &tape));
        if (!again) {
            want = ting_alloc(1, bytes);
            memcpy(want, ting_params_gradients(n->params), bytes);
        }
        assert_memory_equal(ting_params_gradients(n->params), want, bytes);
        ting_arena_free(ctx.arena);
    }
    ting_free(want);
    net_free(n);
    ting_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_a_few_utterances_by_heart),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(what_was_drawn_is_drawn_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
