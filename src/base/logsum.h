/* SPDX-License-Identifier: Apache-2.0 */
/* logsum.h - sums of probabilities that are kept as natural logarithms; -INFINITY is probability 0. */
#ifndef TING_BASE_LOGSUM_H
#define TING_BASE_LOGSUM_H

#include <math.h>

/* log(exp(a) + exp(b)) without overflow: the greater one is factored out. Two probabilities of 0 make 0; the plain
 * formula would subtract infinities there. A NaN on either side gives NaN. */
static inline double ting_log_add(double a, double b)
{
    double high = a < b ? b : a, low = a < b ? a : b;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

#endif
