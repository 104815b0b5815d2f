/* SPDX-License-Identifier: Apache-2.0 */
/* curves.h - loss, error rate and learning rate over the steps, as one HTML file with SVG that needs nothing else. */
#ifndef TING_TRAIN_CURVES_H
#define TING_TRAIN_CURVES_H

#include "train/checkpoint.h"

/* Replaces `path` atomically. Points in order of steps; those without a measurement have errors < 0. */
ting_err ting_curves_save(const char *path, const char *title, const ting_curve_point *points, size_t count);

#endif
