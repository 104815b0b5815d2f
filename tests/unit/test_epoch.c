/* SPDX-License-Identifier: Apache-2.0 */
/* test_epoch.c - the order of an epoch: weights, budget, windows, and that it is a function of seed and number. */
#include "support/support.h"

#include "data/epoch.h"

#include <stdbool.h>
#include <string.h>

enum { ITEMS = 500 };

static uint32_t length_of(const void *self, uint32_t item)
{
    return ((const uint32_t *)self)[item];
}

static uint32_t lengths[ITEMS];
static const ting_epoch_group groups[] = {{0, 100, 1}, {100, 100, 0}, {200, 200, 2}, {400, 100, 0.5}};

static ting_epoch_plan plan(void)
{
    for (uint32_t i = 0; i < ITEMS; i++)
        lengths[i] = 1 + i * 37 % 90;
    return (ting_epoch_plan){.groups = groups, .group_count = 4, .length = length_of, .self = lengths, .budget = 300,
                             .window = 64, .seed = 5};
}

static void items_come_as_often_as_their_weight_says(void **state)
{
    (void)state;
    ting_epoch_plan p = plan();
    ting_epoch e = {0};
    int half = 0;
    for (int number = 0; number < 20; number++) {
        int seen[ITEMS] = {0};
        assert_ok(ting_epoch_make(&p, number, &e));
        for (size_t i = 0; i < e.items; i++)
            seen[e.order[i]]++;
        for (int i = 0; i < ITEMS; i++) {
            assert_true(i < 100 ? seen[i] == 1 : i < 200 ? seen[i] == 0 : i < 400 ? seen[i] == 2 : seen[i] <= 1);
            half += i >= 400 && seen[i];
        }
    }
    /* 2,000 draws of probability 0.5: five deviations of sqrt(2000) / 2 = 22 */
    assert_in_range(half, 1000 - 112, 1000 + 112);
    ting_epoch_free(&e);
}

static void batches_keep_the_budget_and_like_lengths(void **state)
{
    (void)state;
    ting_epoch_plan p = plan();
    lengths[7] = 1000; /* longer than the budget: alone */
    ting_epoch e = {0};
    size_t total = 0, spread = 0;
    bool turned[ITEMS * 2] = {false};
    assert_ok(ting_epoch_make(&p, 3, &e));
    for (size_t place = 0; place < e.batches; place++) {
        const size_t batch = e.turn[place], first = e.cut[batch], end = e.cut[batch + 1];
        size_t sum = 0;
        assert_false(turned[batch]);
        turned[batch] = true;
        assert_true(end > first);
        for (size_t i = first; i < end; i++)
            sum += lengths[e.order[i]];
        assert_true(sum <= p.budget || end - first == 1);
        spread += lengths[e.order[end - 1]] - lengths[e.order[first]];
        total += sum;
    }
    assert_int_equal(total, e.total);
    /* 64 lengths of 1 to 90 sorted, 45 in the mean, 300 a batch: about 7 neighbours of 64, a ninth of the range */
    assert_true((double)spread / (double)e.batches < 25);
    ting_epoch_free(&e);
}

static void an_epoch_is_a_function_of_seed_and_number(void **state)
{
    (void)state;
    ting_epoch_plan p = plan();
    ting_epoch a = {0}, b = {0};
    assert_ok(ting_epoch_make(&p, 1, &a));
    assert_ok(ting_epoch_make(&p, 2, &b));
    assert_ok(ting_epoch_make(&p, 1, &b));
    assert_int_equal(a.items, b.items);
    assert_memory_equal(a.order, b.order, a.items * sizeof *a.order);
    assert_memory_equal(a.turn, b.turn, a.batches * sizeof *a.turn);
    assert_ok(ting_epoch_make(&p, 2, &b));
    assert_true(a.items != b.items || memcmp(a.order, b.order, a.items * sizeof *a.order) != 0);
    p.seed = 6;
    assert_ok(ting_epoch_make(&p, 1, &b));
    assert_true(a.items != b.items || memcmp(a.order, b.order, a.items * sizeof *a.order) != 0);
    ting_epoch_free(&a);
    ting_epoch_free(&b);
}

static void weights_that_leave_nothing_are_refused(void **state)
{
    (void)state;
    ting_epoch_plan p = plan();
    ting_epoch e = {0};
    const ting_epoch_group none[] = {{0, 100, 0}}, huge[] = {{0, 100000000, 100}};
    p.group_count = 1;
    p.groups = none;
    assert_fails(TING_ERR_ARGUMENT, "nothing to train on", ting_epoch_make(&p, 0, &e));
    assert_null(e.order);
    p.groups = huge;
    assert_fails(TING_ERR_ARGUMENT, "lower the weights", ting_epoch_make(&p, 0, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_as_often_as_their_weight_says),
        cmocka_unit_test(batches_keep_the_budget_and_like_lengths),
        cmocka_unit_test(an_epoch_is_a_function_of_seed_and_number),
        cmocka_unit_test(weights_that_leave_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
