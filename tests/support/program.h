/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - runs build/tingxie in a test and catches what it writes.
 *
 *     ting_program_run run = ting_run_program((const char *[]){"score", "a", "b", NULL}, NULL);
 *     assert_int_equal(run.status, 0);
 *     assert_string_equal(run.out, "...");
 *     ting_program_free(&run);
 */
#ifndef TING_TESTS_PROGRAM_H
#define TING_TESTS_PROGRAM_H

#include <stddef.h>

typedef struct ting_program_run {
    int status; /* exit status; 128 + n when signal n ended it */
    char *out, *err; /* owned; end in '\0' */
    size_t out_size, err_size;
} ting_program_run;

/* arguments: what follows "tingxie", ending with NULL. input: standard input, NULL for none. The program
 * is the one of the build that runs the test (BUILD, default "build"). */
ting_program_run ting_run_program(const char *const *arguments, const char *input);

/* The same, which must end with `status` and say `said` on standard error. */
ting_program_run ting_run_expecting(const char *const *arguments, const char *input, int status, const char *said);

/* The same with `size` bytes of input and with variables such as "TING_MODELS=/x" put into its
 * environment (ending with NULL; NULL for none). */
ting_program_run ting_run_program_with(const char *const *arguments, const void *input, size_t size,
                                       const char *const *variables);

/* The same on a pipe that is given `size` bytes and then stays open and quiet; once they were read and it sleeps,
 * the program gets the signal. It must end by itself within a minute. */
ting_program_run ting_run_program_interrupted(const char *const *arguments, const void *input, size_t size,
                                              const char *const *variables, int signal_number);
void ting_program_free(ting_program_run *run);

/* The command line is refused: status 2, nothing on standard output, and one line on standard error that
 * contains `part`. */
void ting_assert_usage(const char *part, const char *const *arguments);

/* Where the program stands. */
const char *ting_program_path(void);

#endif
