/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka.h - the part of cmocka that the kernel tests use, for machines we cross-compile to and have no
 * cmocka for (`make neon`). Prints TAP, as tests/run.sh reads it.
 */
#ifndef TING_TESTS_CROSS_CMOCKA_H
#define TING_TESTS_CROSS_CMOCKA_H

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*function)(void **state);
};

extern jmp_buf cross_test_end; /* 1: failed, 2: skipped; defined by cmocka_run_group_tests' program */

#define cmocka_unit_test(f) {#f, f}
#define print_message(...)  (void)printf(__VA_ARGS__)
#define skip()              longjmp(cross_test_end, 2)
#define fail_msg(...)                                    \
    do {                                                 \
        printf("# %s:%d: ", __FILE__, __LINE__);         \
        printf(__VA_ARGS__);                             \
        printf("\n");                                    \
        longjmp(cross_test_end, 1);                      \
    } while (0)
#define assert_true(c)              \
    do {                            \
        if (!(c))                   \
            fail_msg("%s", #c);     \
    } while (0)
#define assert_non_null(p)            assert_true((p) != NULL)
#define assert_false(c)               assert_true(!(c))
#define assert_null(p)                assert_true((p) == NULL)
#define assert_in_range(v, low, high) assert_true((v) >= (low) && (v) <= (high))
#define assert_int_equal(a, b)        assert_true((long long)(a) == (long long)(b))
#define assert_string_equal(a, b)     assert_true(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, n)  assert_true(memcmp((a), (b), (n)) == 0)
#define cmocka_run_group_tests(tests, setup, teardown) \
    cross_run((tests), (int)(sizeof(tests) / sizeof((tests)[0])))

int cross_run(const struct CMUnitTest *tests, int count);

#endif
