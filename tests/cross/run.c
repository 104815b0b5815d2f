/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs the cases of one test program; see cmocka.h beside it. */
#include "cross/cmocka.h"

jmp_buf cross_test_end;

int cross_run(const struct CMUnitTest *tests, int count)
{
    volatile int failed = 0, i = 0; /* they outlive longjmp */
    for (; i < count; i++) {
        int end = setjmp(cross_test_end);
        if (end == 0)
            tests[i].function(NULL);
        failed += end == 1;
        printf("%s %d - %s%s\n", end == 1 ? "not ok" : "ok", i + 1, tests[i].name,
               end == 2 ? " # SKIP" : "");
    }
    return failed;
}
