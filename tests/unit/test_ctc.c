/* SPDX-License-Identifier: Apache-2.0 */
/* test_ctc.c - the CTC loss against the sum over every path there is, and what cannot be aligned. */
#include "support/support.h"

#include "loss/ctc.h"
#include "nn/op.h"

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

static void the_loss_is_the_sum_over_all_paths(void **state)
{
    (void)state;
    const int targets[] = {1, 2, /**/ 1, 1, /**/ /* none */ /**/ 2, /**/ 1, 1, 1, /**/ 1, 1, 1, 1};
    const int labels[] = {0, 2, 4, 4, 5, 8, 12}, frames[] = {0, 5, 10, 15, 20, 25, 30};
    enum { COUNT = 6, IMPOSSIBLE = 5 }; /* four equal labels need seven frames */
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    ting_tensor logits = ting_ctx_output(&ctx, FRAMES * COUNT, CLASSES);
    assert_non_null(logits.data);
    for (int i = 0; i < FRAMES * COUNT * CLASSES; i++)
        logits.data[i] = (ting_real)(2 * sin(1.7 * i));
    ting_real each[COUNT];
    ting_tensor loss = ting_ctc_loss(&ctx, ting_rows(logits, 0, FRAMES * IMPOSSIBLE), (ting_segments){IMPOSSIBLE, frames},
                                     targets, (ting_segments){IMPOSSIBLE, labels}, BLANK, each);
    assert_int_equal(ctx.err, TING_OK);
    double expected = 0;
    for (int s = 0; s < IMPOSSIBLE; s++) {
        double one = by_enumeration(ting_rows(logits, FRAMES * s, FRAMES), targets + labels[s], labels[s + 1] - labels[s]);
        assert_true(fabs((double)each[s] - one) <= 2e-7 * FRAMES * one); /* an ulp of float for each factor */
        expected += one;
    }
    assert_true(fabs((double)loss.data[0] - expected) <= 2e-7 * FRAMES * expected);
    ting_ctc_loss(&ctx, logits, (ting_segments){COUNT, frames}, targets, (ting_segments){COUNT, labels}, BLANK, each);
    assert_true(isinf((double)each[IMPOSSIBLE]) && each[IMPOSSIBLE] > 0);
    ting_arena_free(ctx.arena);
}

static void labels_outside_are_refused(void **state)
{
    (void)state;
    const int frames[] = {0, FRAMES}, labels[] = {0, 1}, wrong[] = {BLANK, -1, CLASSES};
    for (int i = 0; i < 3; i++) {
        ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
        ting_tensor logits = ting_ctx_output(&ctx, FRAMES, CLASSES);
        memset(logits.data, 0, sizeof *logits.data * FRAMES * CLASSES);
        ting_ctc_loss(&ctx, logits, (ting_segments){1, frames}, &wrong[i], (ting_segments){1, labels}, BLANK, NULL);
        assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
        ting_arena_free(ctx.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_the_sum_over_all_paths),
        cmocka_unit_test(labels_outside_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
