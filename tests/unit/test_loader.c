/* SPDX-License-Identifier: Apache-2.0 */
/* test_loader.c - batches made ahead come in order, whatever the threads; failures reach the one who takes. */
#include "support/support.h"

#include "base/mem.h"
#include "data/loader.h"

#include <stdio.h>
#include <unistd.h>

typedef struct box { /* a slot */
    int epoch;
    size_t place;
    int in_use; /* held by the taker: must not be made anew */
} box;

static ting_err make(void *self, int worker, int epoch, size_t place, void *slot)
{
    box *b = slot;
    const int *threads = self;
    assert_in_range(worker, 0, *threads - 1);
    assert_int_equal(b->in_use, 0);
    usleep((useconds_t)(place * 7919 % 5) * 300); /* some take longer than others */
    if (place == 13)
        return ting_fail(TING_ERR_FORMAT, "batch 13 of epoch %d is bad", epoch);
    b->epoch = epoch;
    b->place = place;
    return TING_OK;
}

static void take_all(ting_loader *loader, int epoch, size_t first, size_t count)
{
    box *before = NULL;
    for (size_t place = first; place < count; place++) {
        void *slot;
        if (before != NULL)
            before->in_use = 0;
        before = NULL;
        if (place == 13) {
            assert_fails(TING_ERR_FORMAT, "batch 13 of epoch", ting_loader_take(loader, &slot));
            continue;
        }
        assert_ok(ting_loader_take(loader, &slot));
        before = slot;
        assert_int_equal(before->epoch, epoch);
        assert_int_equal(before->place, place);
        before->in_use = 1;
    }
    if (before != NULL)
        before->in_use = 0;
}

static void batches_come_in_order(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads += 3)
        for (int ahead = 2; ahead <= 6; ahead += 2) {
            box boxes[6] = {{0}};
            void *slots[6];
            ting_loader *loader;
            for (int i = 0; i < 6; i++)
                slots[i] = &boxes[i];
            assert_ok(ting_loader_new(
                &(ting_loader_plan){.self = &threads, .slots = slots, .ahead = ahead, .threads = threads, .make = make},
                &loader));
            ting_loader_begin(loader, 1, 0, 20);
            take_all(loader, 1, 0, 20);
            void *slot;
            assert_fails(TING_ERR_INTERNAL, "all 20 batches", ting_loader_take(loader, &slot));
            ting_loader_begin(loader, 2, 5, 12);
            take_all(loader, 2, 5, 9);
            ting_loader_begin(loader, 3, 0, 3); /* in the middle of another epoch */
            take_all(loader, 3, 0, 3);
            ting_loader_begin(loader, 4, 0, 100);
            ting_loader_free(loader); /* with batches still in the making */
        }
}

static void impossible_plans_are_refused(void **state)
{
    (void)state;
    void *slots[1] = {NULL};
    ting_loader *loader;
    assert_fails(TING_ERR_ARGUMENT, "1 slots",
                 ting_loader_new(&(ting_loader_plan){.slots = slots, .ahead = 1, .threads = 1, .make = make}, &loader));
    assert_null(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_come_in_order),
        cmocka_unit_test(impossible_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
