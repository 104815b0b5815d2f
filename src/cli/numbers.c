/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - see numbers.h. */
#include "cli/numbers.h"

#include "base/number.h"

#include <math.h>

bool ting_cli_numbers(const char *text, int most, double *out, int *count)
{
    *count = 0;
    for (;;) {
        char *end;
        const double number = ting_number_read(text, &end);
        if (end == text || !isfinite(number) || *count == most)
            return false;
        out[(*count)++] = number;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        text = end + 1;
    }
}
