/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recompute.c - a stack of layers whose parts run again in backward: the bits of the same stack without, in less
 * memory; nested; on several threads; taps, failures. The same of scopes (nn/scope.h), alone, nested and in parts.
 */
#include "grad/grad.h"

#include "nn/recompute.h"
#include "nn/scope.h"
#include "support/support.h"

#include <string.h>

enum { LAYERS = 6, COLS = 24, INNER = 96, ROWS = 90 };

static const int start[] = {0, 31, 31, 58, ROWS}; /* one utterance of no rows */
static const ting_segments segments = {4, start};

typedef struct layer {
    const ting_param *gamma, *beta, *in, *in_b, *out, *out_b, *taps;
    ting_batch_norm_weights norm;
} layer;

typedef struct stack {
    ting_params *params;
    layer layer[LAYERS];
    size_t peak; /* most bytes of the arena in use at the end of a layer */
} stack;

typedef enum manner { PLAIN, EACH_LAYER, NESTED, SCOPES, SCOPES_NESTED, PARTS_OF_SCOPES, SCOPE_OF_PARTS, MANNERS } manner;

static const ting_param *declare(stack *s, int dims, const int *shape)
{
    return ting_params_add(s->params, TING_PARAM_VALUES, dims, shape, "p%d", ting_params_count(s->params));
}

static const ting_param *declare_statistics(stack *s)
{
    return ting_params_add(s->params, TING_PARAM_STATISTICS, 1, (int[]){COLS}, "p%d", ting_params_count(s->params));
}

static void make(stack *s)
{
    *s = (stack){.params = ting_params_new()};
    for (int i = 0; i < LAYERS; i++) {
        layer *l = &s->layer[i];
        l->gamma = declare(s, 1, (int[]){COLS});
        l->beta = declare(s, 1, (int[]){COLS});
        l->in = declare(s, 2, (int[]){INNER, COLS});
        l->in_b = declare(s, 1, (int[]){INNER});
        l->out = declare(s, 2, (int[]){COLS, INNER});
        l->out_b = declare(s, 1, (int[]){COLS});
        l->taps = declare(s, 3, (int[]){COLS, COLS, 3});
        l->norm.gamma = declare(s, 1, (int[]){COLS});
        l->norm.beta = declare(s, 1, (int[]){COLS});
        l->norm.mean = declare_statistics(s);
        l->norm.variance = declare_statistics(s);
    }
    assert_ok(ting_params_alloc(s->params, true));
    ting_rng rng = ting_rng_new(2, 9);
    for (size_t i = 0; i < ting_params_elements(s->params); i++)
        ting_params_values(s->params)[i] = (ting_real)(0.3 * ting_rng_normal(&rng));
}

typedef struct call {
    stack *s;
    int layer, count; /* this one, or `count` from it on */
} call;

/* inputs: x [T, COLS]. Norms, convolution in the segment, feed-forward with dropout, balancer and whiten, residual. */
static ting_tensor run_layer(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const call *c = self;
    const layer *l = &c->s->layer[c->layer];
    const ting_balancer_limits limits = {(ting_real)-0.1, (ting_real)0.1, (ting_real)0.5, 1, (ting_real)0.04};
    ting_tensor x = ting_layer_norm(ctx, inputs[0], l->gamma, l->beta, (ting_real)1e-5);
    x = ting_conv1d(ctx, x, segments, l->taps, NULL, 1, 1);
    x = ting_batch_norm(ctx, x, &l->norm, (ting_real)1e-5);
    x = ting_linear(ctx, x, l->in, l->in_b, TING_ACT_SWOOSH_L);
    x = ting_balancer(ctx, ting_dropout(ctx, x, (ting_real)0.2), &limits);
    x = ting_whiten(ctx, ting_linear(ctx, x, l->out, l->out_b, TING_ACT_NONE), 2, 1, (ting_real)0.1);
    x = ting_add(ctx, inputs[0], ting_dropout(ctx, x, (ting_real)0.1));
    ting_ctx_see(ctx, x, "layer.%d", c->layer);
    size_t used = ting_arena_used(ctx->arena);
    c->s->peak = used > c->s->peak ? used : c->s->peak;
    return x;
}

/* `count` layers, each a part. */
static ting_tensor run_layers(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const call *c = self;
    ting_tensor x = inputs[0];
    for (int i = 0; i < c->count; i++) {
        const call one = {c->s, c->layer + i, 1};
        x = ting_recompute(ctx, &(ting_part){run_layer, &one, sizeof one}, &x, 1, ROWS, COLS);
    }
    return x;
}

/* `count` layers, each a scope. */
static ting_tensor run_scopes(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const call *c = self;
    ting_tensor x = inputs[0];
    for (int i = 0; i < c->count; i++) {
        const ting_scope scope = ting_scope_open(ctx, ROWS, COLS);
        x = ting_scope_close(ctx, &scope, run_layer(ctx, &(call){c->s, c->layer + i, 1}, &x));
    }
    return x;
}

static ting_tensor run_stack(ting_ctx *ctx, stack *s, manner how, ting_tensor x)
{
    for (int i = 0; how == PLAIN && i < LAYERS; i++)
        x = run_layer(ctx, &(call){s, i, 1}, &x);
    if (how == EACH_LAYER)
        x = run_layers(ctx, &(call){s, 0, LAYERS}, &x);
    for (int i = 0; how == NESTED && i < LAYERS; i += LAYERS / 2) {
        const call half = {s, i, LAYERS / 2};
        x = ting_recompute(ctx, &(ting_part){run_layers, &half, sizeof half}, &x, 1, ROWS, COLS);
    }
    if (how == SCOPES)
        x = run_scopes(ctx, &(call){s, 0, LAYERS}, &x);
    if (how == SCOPE_OF_PARTS) {
        const ting_scope scope = ting_scope_open(ctx, ROWS, COLS);
        x = ting_scope_close(ctx, &scope, run_layers(ctx, &(call){s, 0, LAYERS}, &x));
    }
    for (int i = 0; how > SCOPES && how < SCOPE_OF_PARTS && i < LAYERS; i += LAYERS / 2) {
        const call half = {s, i, LAYERS / 2};
        if (how == PARTS_OF_SCOPES) {
            x = ting_recompute(ctx, &(ting_part){run_scopes, &half, sizeof half}, &x, 1, ROWS, COLS);
        } else {
            const ting_scope scope = ting_scope_open(ctx, ROWS, COLS);
            x = ting_scope_close(ctx, &scope, run_scopes(ctx, &half, &x));
        }
    }
    return x;
}

typedef struct result {
    ting_real y[ROWS * COLS], gx[ROWS * COLS];
    ting_real *gradients; /* of all parameters, in the arena of the test */
    ting_real *values;    /* of all parameters afterwards: running statistics have moved */
    uint64_t counter;     /* of the random numbers after forward */
    size_t peak, left;    /* bytes of the arena at most, and at the end */
    size_t gradients_most; /* bytes of the arena of gradients, with scopes */
} result;

static void run(ting_arena *keep, manner how, int threads, result *out)
{
    stack s;
    make(&s);
    ting_tape tape = {0};
    ting_pool *pool = threads == 1 ? NULL : ting_pool_new(threads);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 22),
                    .gradients = how >= SCOPES ? ting_arena_new(1 << 22) : NULL,
                    .pool = pool,
                    .kern = ting_kern_select(ting_cpu_detect()),
                    .tape = &tape,
                    .training = true,
                    .rng = ting_rng_new(1, 1)};
    ting_rng rng = ting_rng_new(6, 6);
    ting_tensor x = ting_ctx_output(&ctx, ROWS, COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        x.data[i] = (ting_real)ting_rng_normal(&rng);
    ting_tensor y = run_stack(&ctx, &s, how, x);
    assert_ok(ctx.err);
    out->counter = ctx.rng.counter;
    memcpy(out->y, y.data, sizeof out->y);
    for (int i = 0; i < ROWS * COLS; i++)
        y.grad[i] = (ting_real)ting_rng_normal(&rng);
    size_t before = ting_arena_used(ctx.arena);
    assert_ok(ting_tape_backward(&ctx, &tape));
    assert_int_equal(ting_arena_used(ctx.arena), before); /* backward gives its scratch back */
    assert_true(ctx.rng.counter == out->counter && ctx.tape == &tape && !ctx.again && ctx.scopes == 0);
    out->gradients_most = ctx.gradients != NULL ? ting_arena_most(ctx.gradients) : 0;
    memcpy(out->gx, x.grad, sizeof out->gx);
    size_t bytes = ting_params_elements(s.params) * sizeof *out->gradients;
    out->gradients = ting_arena_take(keep, bytes);
    memcpy(out->gradients, ting_params_gradients(s.params), bytes);
    out->values = ting_arena_take(keep, bytes);
    memcpy(out->values, ting_params_values(s.params), bytes);
    out->peak = s.peak;
    out->left = before;
    ting_arena_free(ctx.arena);
    ting_arena_free(ctx.gradients);
    ting_pool_free(pool);
    ting_params_free(s.params);
}

static size_t parameter_bytes(void)
{
    stack s;
    make(&s);
    size_t bytes = ting_params_elements(s.params) * sizeof(ting_real);
    ting_params_free(s.params);
    return bytes;
}

static void outputs_and_gradients_are_the_same_bits(void **state)
{
    (void)state;
    static result want, got;
    ting_arena *keep = ting_arena_new(1 << 20);
    run(keep, PLAIN, 1, &want);
    bool any = false;
    for (int i = 0; i < ROWS * COLS; i++)
        any = any || want.gx[i] != 0;
    assert_true(any && want.counter > 0);
    for (manner how = EACH_LAYER; how < MANNERS; how++)
        for (int threads = 1; threads <= 3; threads += 2) {
            run(keep, how, threads, &got);
            assert_memory_equal(got.y, want.y, sizeof want.y);
            assert_memory_equal(got.gx, want.gx, sizeof want.gx);
            assert_memory_equal(got.gradients, want.gradients, parameter_bytes());
            assert_memory_equal(got.values, want.values, parameter_bytes());
            assert_true(got.counter == want.counter);
        }
    ting_arena_free(keep);
}

/*
 * In units of ROWS x COLS values a layer keeps 32: value and gradient of both norms, convolution, out, its dropout and
 * the sum (12), the inside four times as wide before and after the activation, which share a gradient (12), and its dropout
 * (8). So the plain stack of six keeps 2 + 192; with each layer recomputed there are x, six outputs and at most one
 * layer: 2 + 12 + 32; of two halves x, two outputs, and the values of three layers in the first run: 2 + 4 + 3 * 14.
 * After forward the last two keep 14 and 6. Records add a few hundred bytes each.
 */
static void it_takes_less_memory(void **state)
{
    (void)state;
    static result plain, each, nested;
    ting_arena *keep = ting_arena_new(1 << 20);
    run(keep, PLAIN, 1, &plain);
    run(keep, EACH_LAYER, 1, &each);
    run(keep, NESTED, 1, &nested);
    assert_true(4 * each.peak < plain.peak && 4 * nested.peak < plain.peak);
    assert_true(2 * nested.left < each.left && 3 * each.left < plain.left);
    ting_arena_free(keep);
}

static void count_names(void *self, const char *name, ting_tensor value)
{
    int *seen = self;
    assert_int_equal(value.rows, ROWS);
    seen[name[strlen("layer.")] - '0']++;
}

static void taps_see_each_layer_once(void **state)
{
    (void)state;
    stack s;
    make(&s);
    int seen[LAYERS] = {0};
    const ting_tap tap = {count_names, seen};
    ting_tape tape = {0};
    ting_ctx ctx = {
        .arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape, .tap = &tap};
    ting_tensor x = ting_ctx_output(&ctx, ROWS, COLS);
    memset(x.data, 0, sizeof *x.data * ROWS * COLS);
    run_stack(&ctx, &s, NESTED, x);
    assert_ok(ting_tape_backward(&ctx, &tape));
    assert_true(ctx.tap == &tap);
    for (int i = 0; i < LAYERS; i++)
        assert_int_equal(seen[i], 1);
    ting_arena_free(ctx.arena);
    ting_params_free(s.params);
}

static ting_tensor give_back(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    (void)ctx;
    (void)self;
    return inputs[0];
}

static void what_a_part_may_return(void **state)
{
    (void)state;
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape};
    ting_tensor x = ting_ctx_output(&ctx, 2, 3);
    memset(x.data, 0, sizeof *x.data * 6);
    x.data[4] = 7;
    ting_tensor y = ting_recompute(&ctx, &(ting_part){.run = give_back}, &x, 1, 2, 3); /* its input, as it is */
    assert_true(y.data != x.data && y.data[4] == 7);
    x.grad[1] = 1;
    y.grad[1] = 2;
    assert_ok(ting_tape_backward(&ctx, &tape));
    assert_true(x.grad[1] == 3);
    ting_recompute(&ctx, &(ting_part){.run = give_back}, &x, 1, 2, 4);
    assert_fails(TING_ERR_INTERNAL, "recompute: the part gives [2, 3], expected [2, 4]", ctx.err);
    assert_true(ctx.tape == &tape);
    ting_arena_free(ctx.arena);
}

/*
 * Gradients of a layer have 16 of the units above. One layer after the other in the room of one: x, six outputs, 16; of halves x, two
 * outputs, in one of them three outputs and 16; parts that run again keep theirs no longer, in a scope that has an output of its own either.
 */
static void scopes_share_their_room(void **state)
{
    (void)state;
    static result got;
    static const double units[] = {[SCOPES] = 1 + 6 + 16, [SCOPES_NESTED] = 1 + 2 + 3 + 16, [PARTS_OF_SCOPES] = 1 + 2 + 3 + 16,
                                    [SCOPE_OF_PARTS] = 1 + 1 + 6 + 16};
    ting_arena *keep = ting_arena_new(1 << 20);
    for (manner how = SCOPES; how < MANNERS; how++) {
        run(keep, how, 1, &got);
        assert_true((double)got.gradients_most <= 1.01 * units[how] * ROWS * COLS * sizeof(ting_real));
    }
    ting_arena_free(keep);
}

static void a_scope_refuses_another_shape(void **state)
{
    (void)state;
    stack s;
    make(&s);
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .gradients = ting_arena_new(1 << 20), .tape = &tape,
                    .kern = ting_kern_select(ting_cpu_detect())};
    ting_tensor x = ting_ctx_output(&ctx, ROWS, COLS);
    memset(x.data, 0, ROWS * COLS * sizeof *x.data);
    const ting_scope scope = ting_scope_open(&ctx, ROWS, COLS);
    x = ting_scope_close(&ctx, &scope, ting_linear(&ctx, x, s.layer[0].in, NULL, TING_ACT_NONE)); /* [ROWS, INNER] */
    assert_fails(TING_ERR_INTERNAL, "scope: the output is", ctx.err);
    assert_true(x.data == NULL && ctx.scopes == 0);
    ting_arena_free(ctx.arena);
    ting_arena_free(ctx.gradients);
    ting_params_free(s.params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_are_the_same_bits),
        cmocka_unit_test(it_takes_less_memory),
        cmocka_unit_test(scopes_share_their_room),
        cmocka_unit_test(a_scope_refuses_another_shape),
        cmocka_unit_test(taps_see_each_layer_once),
        cmocka_unit_test(what_a_part_may_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
