/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h - the losses of a batch as one number: added up in their order, so that the threads do not change it. */
#ifndef TING_LOSS_SUM_H
#define TING_LOSS_SUM_H

#include "base/real.h"

#include <math.h>
#include <stddef.h>

/* Of rows, [rows]. */
static inline ting_real ting_loss_of_rows(const ting_real *loss, int rows)
{
    double sum = 0;
    for (int r = 0; r < rows; r++)
        sum += (double)loss[r];
    return (ting_real)sum;
}

/* Of utterances, [count]. Those without a path (infinite) are counted in *impossible instead; what is not a number stays, so
 * that the caller sees it. Each loss is written to each [count]. Both may be NULL. */
static inline ting_real ting_loss_of_utterances(const double *loss, int count, ting_real *each, int *impossible)
{
    double sum = 0;
    int none = 0;
    for (int s = 0; s < count; s++) {
        if (loss[s] == (double)INFINITY)
            none++;
        else
            sum += loss[s];
        if (each != NULL)
            each[s] = (ting_real)loss[s];
    }
    if (impossible != NULL)
        *impossible = none;
    return (ting_real)sum;
}

#endif
