/* SPDX-License-Identifier: Apache-2.0 */
/* test_ops.c - values and errors of ops that gradients do not show: constants, masks, the sticky error, losses. */
#include "support/support.h"
#include "support/failing.h"

#include "loss/cross_entropy.h"
#include "nn/op.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

static ting_ctx new_ctx(ting_tape *tape)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()), .tape = tape};
}

static ting_tensor filled(ting_ctx *ctx, int rows, int cols)
{
    ting_tensor t = ting_ctx_output(ctx, rows, cols);
    assert_non_null(t.data);
    for (int i = 0; i < rows * cols; i++)
        t.data[i] = (float)sin(1.3 * i);
    return t;
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    ting_tensor a = filled(&ctx, 2, 3), b = filled(&ctx, 3, 3);
    ting_tensor y = ting_add(&ctx, a, b);
    assert_int_equal(y.rows, 0);
    assert_string_equal(ting_error_message(), "add: a is [2, 3], b is [3, 3]");
    y = ting_mul(&ctx, a, ting_scale(&ctx, y, 2));
    assert_int_equal(y.rows, 0);
    assert_string_equal(ting_error_message(), "add: a is [2, 3], b is [3, 3]");
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    assert_int_equal(tape.count, 0);
    assert_int_equal(ting_tape_backward(&ctx, &tape), TING_ERR_INTERNAL);
    ting_arena_free(ctx.arena);
}

static void sinusoids_restart_at_segments(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    const int start[] = {0, 2, 2, 7, 8};
    ting_tensor y = ting_sinusoid(&ctx, (ting_segments){4, start}, 5);
    assert_ok(ctx.err);
    for (int s = 0; s < 4; s++)
        for (int t = start[s]; t < start[s + 1]; t++)
            for (int c = 0; c < 5; c++) {
                double angle = (t - start[s]) / pow(10000, (c / 2 * 2) / 5.0);
                assert_true(fabs((double)ting_row(y, t)[c] - (c % 2 == 0 ? sin(angle) : cos(angle))) < 1e-6);
            }
    ting_arena_free(ctx.arena);
}

/* Distances fall from row to row; whatever number of threads, the same bits. */
static void sinusoids_begin_anywhere(void **state)
{
    (void)state;
    enum { ROWS = 300, COLS = 6, FIRST = 150 };
    ting_ctx ctx = new_ctx(NULL);
    ting_tensor one = ting_ctx_constant(&ctx, ROWS, COLS), many = ting_ctx_constant(&ctx, ROWS, COLS);
    ting_sinusoid_fill(&ctx, FIRST, -1, one);
    ctx.pool = ting_pool_new(3);
    ting_sinusoid_fill(&ctx, FIRST, -1, many);
    assert_ok(ctx.err);
    assert_memory_equal(one.data, many.data, sizeof(ting_real) * ROWS * COLS);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            const double angle = (FIRST - r) / pow(10000, (c / 2 * 2) / (double)COLS);
            assert_true(fabs((double)ting_row(one, r)[c] - (c % 2 == 0 ? sin(angle) : cos(angle))) < 1e-6);
        }
    ting_pool_free(ctx.pool);
    ting_arena_free(ctx.arena);
}

static void unseen_keys_have_no_weight(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    const ting_span spans[] = {{0, 2, 0, 4, 3, 2}, {2, 3, 1, 3, 2, 0}}; /* q0, q1, k0, k1, masked, first_key */
    ting_attention geometry = {.spans = spans, .count = 2, .heads = 1, .causal = true};
    ting_tensor w = ting_attn_softmax(&ctx, &geometry, filled(&ctx, 3, 4));
    assert_ok(ctx.err);
    /* query 0 sees keys 0 to 2, all masked: no weight at all; query 1 sees key 3 only; the last span is all masked */
    const float want[12] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    for (int i = 0; i < 12; i++)
        assert_true(w.data[i] == want[i]);
    ting_attn_apply(&ctx, &geometry, w, filled(&ctx, 2, 4), 1); /* keys reach beyond the two rows */
    assert_fails(TING_ERR_INTERNAL, "attn_apply: span 0", ctx.err);
    ting_arena_free(ctx.arena);
}

static void dropout_keeps_the_mean(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    enum { ROWS = 100, COLS = 1001 };
    ting_tensor x = ting_ctx_output(&ctx, ROWS, COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        x.data[i] = 1;
    assert_ptr_equal(ting_dropout(&ctx, x, 0.3f).data, x.data); /* not training */
    ctx.training = true;
    assert_ptr_equal(ting_dropout(&ctx, x, 0).data, x.data);
    uint64_t before = ctx.rng.counter;
    ting_tensor y = ting_dropout(&ctx, x, 0.3f);
    assert_ok(ctx.err);
    assert_true(ctx.rng.counter - before == ROWS * 251); /* four elements a number, a row at a time */
    double sum = 0;
    int zeros = 0;
    for (int i = 0; i < ROWS * COLS; i++)
        sum += (double)y.data[i], zeros += y.data[i] == 0;
    /* deviation of the count: sqrt(100100 x 0.3 x 0.7) = 145; of the mean: 145 / 100100 / 0.7 = 0.0021; 5 sigma */
    assert_in_range(zeros, 30030 - 725, 30030 + 725);
    assert_true(fabs(sum / (ROWS * COLS) - 1) < 0.0105);
    ting_dropout(&ctx, x, 1);
    assert_fails(TING_ERR_ARGUMENT, "expected 0 to below 1", ctx.err);
    ting_arena_free(ctx.arena);
}

static void embeddings_check_their_ids(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    ting_params *params = ting_params_new();
    const ting_param *table = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){4, 2}, "table");
    assert_ok(ting_params_alloc(params, false));
    const int ids[] = {3, -1, 4};
    table->t.data[6] = 7;
    ting_tensor y = ting_embedding(&ctx, ids, 2, table);
    assert_true(y.data[0] == 7 && y.data[2] == 0 && y.data[3] == 0);
    ting_embedding(&ctx, ids, 3, table);
    assert_fails(TING_ERR_INTERNAL, "id 4 at place 2, table has 4 rows", ctx.err);
    ting_params_free(params);
    ting_arena_free(ctx.arena);
}

enum { NORM_COLS = 5 };

/* Parameters of a batch norm: gamma, beta, running mean and variance. */
static ting_batch_norm_weights batch_norm_weights(ting_params *params)
{
    const int cols = NORM_COLS;
    const ting_batch_norm_weights w = {ting_params_add(params, TING_PARAM_VALUES, 1, &cols, "gamma"),
                                       ting_params_add(params, TING_PARAM_VALUES, 1, &cols, "beta"),
                                       ting_params_add(params, TING_PARAM_STATISTICS, 1, &cols, "running_mean"),
                                       ting_params_add(params, TING_PARAM_STATISTICS, 1, &cols, "running_var")};
    assert_ok(ting_params_alloc(params, true));
    for (int c = 0; c < cols; c++) {
        w.gamma->t.data[c] = 1.5f - 0.4f * (float)c;
        w.beta->t.data[c] = 0.3f * (float)c;
        w.mean->t.data[c] = 0.2f * (float)c;
        w.variance->t.data[c] = 1 + (float)c;
    }
    return w;
}

/* By the definition in double; running statistics by the formula of torch.nn.BatchNorm1d. Values are below 10, of which
 * float keeps 6e-7. */
static void batch_norm_is_its_definition(void **state)
{
    (void)state;
    enum { ROWS = 40 };
    ting_ctx ctx = new_ctx(NULL);
    ting_params *params = ting_params_new();
    const ting_batch_norm_weights w = batch_norm_weights(params);
    ting_tensor x = filled(&ctx, ROWS, NORM_COLS);
    for (int r = 0; r < ROWS; r++)
        ting_row(x, r)[1] += 3;
    ting_tensor running = ting_batch_norm(&ctx, x, &w, 0.01f);
    ctx.training = true;
    ctx.again = true;
    ting_tensor again = ting_batch_norm(&ctx, x, &w, 0.01f);
    assert_true(w.mean->t.data[1] == 0.2f && w.variance->t.data[1] == 2); /* left alone */
    ctx.again = false;
    ting_tensor batch = ting_batch_norm(&ctx, x, &w, 0.01f);
    assert_ok(ctx.err);
    assert_memory_equal(batch.data, again.data, ROWS * NORM_COLS * sizeof(float));
    for (int c = 0; c < NORM_COLS; c++) {
        double mean = 0, variance = 0, gamma = 1.5 - 0.4 * c, beta = 0.3 * c;
        for (int r = 0; r < ROWS; r++)
            mean += (double)ting_row(x, r)[c] / ROWS;
        for (int r = 0; r < ROWS; r++)
            variance += pow((double)ting_row(x, r)[c] - mean, 2) / ROWS;
        for (int r = 0; r < ROWS; r++) {
            double value = (double)ting_row(x, r)[c];
            double by_batch = (value - mean) / sqrt(variance + 0.01) * gamma + beta;
            double by_running = (value - 0.2 * c) / sqrt(1 + c + 0.01) * gamma + beta;
            assert_true(fabs((double)ting_row(batch, r)[c] - by_batch) < 3e-6);
            assert_true(fabs((double)ting_row(running, r)[c] - by_running) < 3e-6);
        }
        assert_true(fabs((double)w.mean->t.data[c] - (0.9 * 0.2 * c + 0.1 * mean)) < 3e-6);
        assert_true(fabs((double)w.variance->t.data[c] - (0.9 * (1 + c) + 0.1 * variance * ROWS / (ROWS - 1))) < 3e-6);
    }
    ting_params_free(params);
    ting_arena_free(ctx.arena);
}

static void batch_norm_at_its_edges(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    ting_params *params = ting_params_new();
    const ting_batch_norm_weights w = batch_norm_weights(params);
    ting_real scale[NORM_COLS], shift[NORM_COLS];
    ctx.training = true;
    ting_tensor x = filled(&ctx, 1, NORM_COLS), y = ting_batch_norm(&ctx, x, &w, 0.01f); /* a row has no variance */
    ting_batch_norm_fold(&w, 0.01f, scale, shift);
    for (int c = 0; c < NORM_COLS; c++) {
        assert_true(fabs((double)(x.data[c] * scale[c] + shift[c] - y.data[c])) < 1e-6);
        assert_true(w.mean->t.data[c] == 0.2f * (float)c);
    }
    assert_int_equal(ting_batch_norm(&ctx, ting_rows(x, 0, 0), &w, 0.01f).rows, 0);
    assert_ok(ctx.err);
    ting_batch_norm(&ctx, ting_cols(x, 0, 3), &w, 0.01f);
    assert_fails(TING_ERR_INTERNAL, "batch_norm: x is [1, 3], gamma has 5 values", ctx.err);
    ting_params_free(params);
    ting_arena_free(ctx.arena);
}

/* Against the definition in double; logits large enough that exp overflows without the shift. */
static void cross_entropy_is_its_definition(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    enum { ROWS = 4, V = 37 };
    ting_tensor x = filled(&ctx, ROWS, V);
    for (int i = 0; i < ROWS * V; i++)
        x.data[i] *= 300;
    const int targets[ROWS] = {5, -1, 36, 0};
    const float weight[ROWS] = {1, 9, 0.5f, 2};
    for (int way = 0; way < 8; way++) {
        ting_cross_entropy_options options = {.smoothing = way & 1 ? 0.1f : 0, .sum = (way & 2) != 0,
                                              .weight = way & 4 ? weight : NULL};
        double want = 0, total = 0;
        for (int r = 0; r < ROWS; r++) {
            if (targets[r] < 0)
                continue;
            double w = way & 4 ? (double)weight[r] : 1, sum = 0, all = 0, top = -INFINITY;
            for (int c = 0; c < V; c++)
                top = fmax(top, (double)ting_row(x, r)[c]);
            for (int c = 0; c < V; c++)
                sum += exp((double)ting_row(x, r)[c] - top), all += (double)ting_row(x, r)[c];
            double log_sum = top + log(sum), eps = way & 1 ? 0.1 : 0;
            want += w * (log_sum - (1 - eps) * (double)ting_row(x, r)[targets[r]] - eps * all / V);
            total += w;
        }
        want = way & 2 ? want : want / total;
        ting_tensor loss = ting_cross_entropy(&ctx, x, targets, &options);
        assert_ok(ctx.err);
        assert_true(fabs((double)loss.data[0] - want) < 1e-5 * fabs(want)); /* numbers of 300 in float: 3e-5 each */
    }
    const int none[ROWS] = {-1, -1, -1, -1};
    assert_true(ting_cross_entropy(&ctx, x, none, NULL).data[0] == 0);
    const int wrong[ROWS] = {0, V, 0, 0};
    ting_cross_entropy(&ctx, x, wrong, NULL);
    assert_fails(TING_ERR_INTERNAL, "target 37 in row 1, the logits are [4, 37]", ctx.err);
    ting_arena_free(ctx.arena);
}

/* Products in bf16, as training uses them on machines with AMX: operands lose all but 8 bits, a relative error of up
 * to 2^-8 in each of two factors; in a sum of 64 products of random sign the errors add like the products do. */
static void products_may_run_in_bf16(void **state)
{
    (void)state;
    enum { T = 30, D = 64 };
    ting_params *params = ting_params_new();
    const ting_param *w = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){D, D}, "w");
    assert_ok(ting_params_alloc(params, true));
    for (int i = 0; i < D * D; i++)
        w->t.data[i] = (float)cos(0.37 * i * i);
    static float result[2][T * D + T * D + D * D]; /* y, gx, gw in either precision */
    for (int way = 0; way < 2; way++) {
        ting_tape tape = {0};
        ting_ctx ctx = new_ctx(&tape);
        ctx.multiply = way == 0 ? TING_PRECISION_F32 : TING_PRECISION_BF16;
        ting_params_zero_gradients(params);
        ting_tensor x = filled(&ctx, T, D), y = ting_linear(&ctx, x, w, NULL, TING_ACT_NONE);
        assert_ok(ctx.err);
        for (int i = 0; i < T * D; i++)
            y.grad[i] = (float)sin(0.11 * i * i);
        assert_ok(ting_tape_backward(&ctx, &tape));
        for (int i = 0; i < T * D; i++)
            result[way][i] = (float)y.data[i], result[way][T * D + i] = (float)x.grad[i];
        for (int i = 0; i < D * D; i++)
            result[way][2 * T * D + i] = (float)w->t.grad[i];
        ting_arena_free(ctx.arena);
    }
    const int part[4] = {0, T * D, 2 * T * D, 2 * T * D + D * D};
    for (int k = 0; k < 3; k++) {
        double error = 0, size = 0;
        for (int i = part[k]; i < part[k + 1]; i++) {
            error += pow((double)result[1][i] - (double)result[0][i], 2);
            size += pow((double)result[0][i], 2);
        }
        assert_true(error <= pow(2 * 0x1p-8, 2) * size);
        assert_true(error > 0); /* it did run in bf16 */
    }
    ting_params_free(params);
}

/* A small network, forward and backward, with arenas that must grow. */
static ting_err train_once(void *arg)
{
    ting_err err = TING_OK;
    (void)arg;
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    ting_params *params = ting_params_new();
    const int ids[] = {1, 2, 3, 0, 2};
    if (ctx.arena == NULL || params == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    const ting_param *table = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){4, 800}, "table");
    const ting_param *w = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){900, 800}, "w");
    const ting_param *gamma = ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){800}, "gamma");
    TRY(ting_params_alloc(params, true));
    ting_tensor x = ting_layer_norm(&ctx, ting_embedding(&ctx, ids, 5, table), gamma, gamma, 1e-5f);
    ting_tensor loss = ting_cross_entropy(&ctx, ting_linear(&ctx, x, w, NULL, TING_ACT_SILU), ids, NULL);
    TRY(ctx.err);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&ctx, &tape));
out:
    ting_params_free(params);
    ting_arena_free(ctx.arena);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(train_once, NULL) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(sinusoids_restart_at_segments),
        cmocka_unit_test(sinusoids_begin_anywhere),
        cmocka_unit_test(unseen_keys_have_no_weight),
        cmocka_unit_test(dropout_keeps_the_mean),
        cmocka_unit_test(embeddings_check_their_ids),
        cmocka_unit_test(batch_norm_is_its_definition),
        cmocka_unit_test(batch_norm_at_its_edges),
        cmocka_unit_test(cross_entropy_is_its_definition),
        cmocka_unit_test(products_may_run_in_bf16),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
