/* SPDX-License-Identifier: Apache-2.0 */
/* curves.h - loss, error rate and learning rate over the steps, as one HTML file with SVG that needs nothing else. */
#ifndef TING_TRAIN_CURVES_H
#define TING_TRAIN_CURVES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ting_curve_point {
    int64_t step;
    double loss, rate; /* mean loss per unit since the point before; learning rate */
    double seconds;    /* of training so far */
    double errors;     /* error rate on what is held out, or < 0: not measured here */
} ting_curve_point;

/* `unit` is what the loss is a mean over ("character"). Replaces `path` atomically. Points in order of steps; those without
 * a measurement have errors < 0. */
ting_err ting_curves_save(const char *path, const char *title, const char *unit,
                          const ting_curve_point *points, size_t count);

#endif
