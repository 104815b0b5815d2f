/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.c - see calibration.h. */
#include "text/calibration.h"

#include <math.h>

void ting_calibration_add(ting_calibration *c, double confidence, bool right)
{
    confidence = fmin(fmax(confidence, 1e-6), 1 - 1e-6);
    const int bin = (int)(confidence * TING_CALIBRATION_BINS);
    c->bins[bin].count++;
    c->bins[bin].right += right;
    c->bins[bin].confidence += confidence;
    c->count++;
    c->right += right;
    c->log_prob += log(right ? confidence : 1 - confidence);
}

double ting_calibration_error(const ting_calibration *c)
{
    double sum = 0;
    for (int i = 0; i < TING_CALIBRATION_BINS; i++)
        sum += fabs(c->bins[i].confidence - (double)c->bins[i].right);
    return c->count > 0 ? sum / (double)c->count : 0;
}

double ting_calibration_nce(const ting_calibration *c)
{
    const double right = (double)c->right, wrong = (double)(c->count - c->right), count = (double)c->count;
    if (c->right == 0 || c->right == c->count)
        return NAN;
    const double entropy = -(right * log(right / count) + wrong * log(wrong / count));
    return 1 + c->log_prob / entropy;
}
