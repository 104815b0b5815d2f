/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - values of options that are several numbers: "0.7,0.3". */
#ifndef TING_CLI_NUMBERS_H
#define TING_CLI_NUMBERS_H

#include <stdbool.h>

/* Up to `most` numbers with commas between; *count how many. False: it is anything else. */
bool ting_cli_numbers(const char *text, int most, double *out, int *count);

#endif
