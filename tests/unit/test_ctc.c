/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctc.c - the CTC loss against the sum over every path there is, and what cannot be aligned. */
#include "support/support.h"

#include "base/rng.h"
#include "loss/ctc.h"
#include "nn/op.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

enum { FRAMES = 5, CLASSES = 3, PATHS = 243 /* 3^5 */, BLANK = 0 };

/* Merges repeats and drops blanks; whether the target is left. */
static bool collapses_to(const int path[FRAMES], const int *target, int count)
{
    int length = 0;
    for (int t = 0; t < FRAMES; t++) {
        if (path[t] == BLANK || (t > 0 && path[t] == path[t - 1]))
            continue;
        if (length >= count || path[t] != target[length])
            return false;
        length++;
    }
    return length == count;
}

/* -log of the sum of the probabilities of all paths that give the target. */
static double by_enumeration(ting_tensor logits, const int *target, int count)
{
    double p[FRAMES][CLASSES], total = 0;
    for (int t = 0; t < FRAMES; t++) {
        double sum = 0;
        for (int v = 0; v < CLASSES; v++)
            sum += p[t][v] = exp((double)ting_row(logits, t)[v]);
        for (int v = 0; v < CLASSES; v++)
            p[t][v] /= sum;
    }
    for (int n = 0; n < PATHS; n++) {
        int path[FRAMES], rest = n;
        double product = 1;
        for (int t = 0; t < FRAMES; t++, rest /= CLASSES) {
            path[t] = rest % CLASSES;
            product *= p[t][path[t]];
        }
        if (collapses_to(path, target, count))
            total += product;
    }
    return -log(total);
}

/* Six utterances of five frames; the fourth cannot be aligned: four equal labels need seven frames. */
enum { COUNT = 6, IMPOSSIBLE = 3 };
static const int targets[] = {1, 2, /**/ 1, 1, /**/ /* none */ /**/ 1, 1, 1, 1, /**/ 2, /**/ 1, 1, 1};
static const int labels[] = {0, 2, 4, 4, 8, 9, 12}, frames[] = {0, 5, 10, 15, 20, 25, 30};
static const ting_segments all_frames = {COUNT, frames}, all_labels = {COUNT, labels};

static ting_ctx new_ctx(ting_tape *tape)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()), .tape = tape};
}

static ting_tensor some_logits(ting_ctx *ctx)
{
    ting_tensor logits = ting_ctx_output(ctx, FRAMES * COUNT, CLASSES);
    assert_non_null(logits.data);
    for (int i = 0; i < FRAMES * COUNT * CLASSES; i++)
        logits.data[i] = (ting_real)(2 * sin(1.7 * i));
    return logits;
}

static void the_loss_is_the_sum_over_all_paths(void **state)
{
    (void)state;
    ting_ctx ctx = new_ctx(NULL);
    ting_tensor logits = some_logits(&ctx);
    ting_real each[COUNT];
    int impossible = -1;
    ting_tensor loss = ting_ctc_loss(&ctx, logits, all_frames, targets, all_labels,
                                     &(ting_ctc_options){.blank = BLANK, .each = each, .impossible = &impossible});
    assert_ok(ctx.err);
    double expected = 0;
    for (int s = 0; s < COUNT; s++) {
        ting_tensor rows = ting_rows(logits, frames[s], FRAMES);
        double one = by_enumeration(rows, targets + labels[s], labels[s + 1] - labels[s]);
        assert_int_equal(isinf(one), s == IMPOSSIBLE);
        if (isinf(one)) {
            assert_true(isinf((double)each[s]) && each[s] > 0);
            continue;
        }
        assert_true(fabs((double)each[s] - one) <= 2e-7 * FRAMES * one); /* an ulp of float for each factor */
        expected += one;
    }
    assert_int_equal(impossible, 1);
    assert_true(fabs((double)loss.data[0] - expected) <= 2e-7 * FRAMES * expected);
    ting_arena_free(ctx.arena);
}

/* The loss and its gradients for utterances first .. first + count - 1 of the six. */
static ting_real run(ting_tensor logits, int first, int count, ting_real *gradients)
{
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    int frame[COUNT + 1], label[COUNT + 1];
    for (int s = 0; s <= count; s++) {
        frame[s] = frames[first + s] - frames[first];
        label[s] = labels[first + s] - labels[first];
    }
    ting_tensor part = ting_rows(logits, frames[first], frame[count]);
    memset(part.grad, 0, sizeof *part.grad * (size_t)part.rows * CLASSES);
    ting_tensor loss = ting_ctc_loss(&ctx, part, (ting_segments){count, frame}, targets + labels[first],
                                     (ting_segments){count, label}, NULL);
    assert_ok(ctx.err);
    loss.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    memcpy(gradients, part.grad, sizeof *part.grad * (size_t)part.rows * CLASSES);
    ting_real value = loss.data[0];
    ting_arena_free(ctx.arena);
    return value;
}

static void an_impossible_utterance_costs_the_others_nothing(void **state)
{
    (void)state;
    enum { ONE = FRAMES * CLASSES };
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape);
    ting_tensor logits = some_logits(&ctx);
    ting_real together[COUNT * ONE], before[COUNT * ONE], after[COUNT * ONE], alone[ONE];
    ting_real sum = run(logits, 0, COUNT, together);
    ting_real most = run(logits, 0, IMPOSSIBLE, before);
    ting_real rest = run(logits, IMPOSSIBLE + 1, COUNT - IMPOSSIBLE - 1, after);
    assert_true(isfinite((double)sum) && sum > 0);
    assert_true(fabs((double)sum - (double)most - (double)rest) <= 4e-7 * (double)sum); /* three roundings to float */
    assert_memory_equal(together, before, IMPOSSIBLE * ONE * sizeof *together);
    assert_memory_equal(together + (IMPOSSIBLE + 1) * ONE, after, (COUNT - IMPOSSIBLE - 1) * ONE * sizeof *together);
    assert_true(run(logits, IMPOSSIBLE, 1, alone) == 0);
    for (int i = 0; i < ONE; i++)
        assert_true(together[IMPOSSIBLE * ONE + i] == 0 && alone[i] == 0);
    logits.data[0] = (ting_real)NAN; /* not a number is no impossible target: it must be seen */
    assert_true(isnan((double)run(logits, 0, COUNT, together)));
    ting_arena_free(ctx.arena);
}

/*
 * In each frame the classes share a probability of 1 in the softmax and in gamma, so a row of the gradient sums to 0.
 * Logits of 30 deviations make paths that a product of probabilities would lose: with log sum exp about 100 its rounding
 * is 4e-6, it enters twice, and 40 classes that matter add no more.
 */
static void every_row_of_a_long_gradient_sums_to_zero(void **state)
{
    (void)state;
    enum { LONG = 400, MANY = 300, MOST_LABELS = 150 };
    for (int count = 0; count <= MOST_LABELS; count += 75) {
        ting_tape tape = {0};
        ting_ctx ctx = new_ctx(&tape);
        ting_rng rng = ting_rng_new(8, (uint64_t)count);
        ting_tensor logits = ting_ctx_output(&ctx, LONG, MANY);
        int label[MOST_LABELS], impossible;
        for (int i = 0; i < LONG * MANY; i++)
            logits.data[i] = (ting_real)(30 * ting_rng_normal(&rng));
        for (int i = 0; i < count; i++)
            label[i] = 1 + (int)ting_rng_below(&rng, MANY - 1);
        ting_tensor loss = ting_ctc_loss(&ctx, logits, (ting_segments){1, (int[]){0, LONG}}, label,
                                         (ting_segments){1, (int[]){0, count}},
                                         &(ting_ctc_options){.impossible = &impossible});
        assert_ok(ctx.err);
        assert_true(impossible == 0 && isfinite((double)loss.data[0]) && loss.data[0] > 0);
        loss.grad[0] = 1;
        assert_ok(ting_tape_backward(&ctx, &tape));
        double size = 0;
        for (int t = 0; t < LONG; t++) {
            double sum = 0;
            for (int v = 0; v < MANY; v++) {
                sum += (double)ting_grad_row(logits, t)[v];
                size += fabs((double)ting_grad_row(logits, t)[v]);
            }
            assert_true(fabs(sum) <= 2e-5);
        }
        assert_true(size > LONG); /* most frames want another class than they have */
        ting_arena_free(ctx.arena);
    }
}

/* Of more labels than frames not even the states of an alignment exist; memory that held other numbers must not matter. */
static void more_labels_than_frames_are_impossible(void **state)
{
    (void)state;
    static const int seven[] = {1, 2, 1, 2, 1, 2, 1};
    for (int count = FRAMES; count <= 7; count++) {
        ting_ctx ctx = new_ctx(NULL);
        double *used = ting_arena_take(ctx.arena, 1 << 14);
        assert_non_null(used);
        for (size_t i = 0; i < (1 << 14) / sizeof *used; i++)
            used[i] = 1;
        ting_arena_reset(ctx.arena);
        ting_tensor logits = ting_rows(some_logits(&ctx), 0, FRAMES);
        int impossible;
        ting_tensor loss = ting_ctc_loss(&ctx, logits, (ting_segments){1, (int[]){0, FRAMES}}, seven,
                                         (ting_segments){1, (int[]){0, count}},
                                         &(ting_ctc_options){.impossible = &impossible});
        assert_ok(ctx.err);
        assert_int_equal(impossible, count > FRAMES);
        assert_true((loss.data[0] > 0) == (count == FRAMES));
        ting_arena_free(ctx.arena);
    }
}

static void labels_outside_are_refused(void **state)
{
    (void)state;
    const int one_frame[] = {0, FRAMES}, one_label[] = {0, 1}, wrong[] = {BLANK, -1, CLASSES};
    for (int i = 0; i < 3; i++) {
        ting_ctx ctx = new_ctx(NULL);
        ting_tensor logits = ting_rows(some_logits(&ctx), 0, FRAMES);
        ting_ctc_loss(&ctx, logits, (ting_segments){1, one_frame}, &wrong[i], (ting_segments){1, one_label}, NULL);
        assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
        ting_arena_free(ctx.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_the_sum_over_all_paths),
        cmocka_unit_test(an_impossible_utterance_costs_the_others_nothing),
        cmocka_unit_test(every_row_of_a_long_gradient_sums_to_zero),
        cmocka_unit_test(more_labels_than_frames_are_impossible),
        cmocka_unit_test(labels_outside_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
