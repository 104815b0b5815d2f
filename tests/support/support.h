/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what every test program includes: cmocka in its required order, and assertions on ting_err. */
#ifndef TING_TESTS_SUPPORT_H
#define TING_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* The call must succeed; otherwise prints the library's sentence. */
#define assert_ok(call)                                                                   \
    do {                                                                                  \
        ting_err assert_ok_err = (call);                                                  \
        if (assert_ok_err != TING_OK)                                                     \
            fail_msg("%s: %s: %s", #call, ting_error_name(assert_ok_err), ting_error_message()); \
    } while (0)

/* The call must fail with this code and a sentence that contains `part`. */
#define assert_fails(code, part, call) ting_assert_fails((code), (part), (call), #call)
void ting_assert_fails(ting_err code, const char *part, ting_err got, const char *text);

/* The test is skipped with one line that says why. */
#define skip_because(...)                \
    do {                                 \
        print_message("# skipped: " __VA_ARGS__); \
        print_message("\n");             \
        skip();                          \
    } while (0)

/* max |got - want| <= tolerance, with the first offender named. */
void ting_assert_close(const float *got, const float *want, size_t count, double tolerance,
                       const char *what);

/* An owned path in the temporary folder of this test process; the folder is removed at exit. */
char *ting_temp_path(const char *name);

/* The same, of a file that holds this text. */
char *ting_temp_text(const char *name, const char *text);

#endif
