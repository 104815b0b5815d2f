/* SPDX-License-Identifier: Apache-2.0 */
/* curves_parts.h - what the page of curves.h is made of: internal to it. */
#ifndef TING_TRAIN_CURVES_PARTS_H
#define TING_TRAIN_CURVES_PARTS_H

#include "base/str.h"
#include "train/curves.h"

typedef struct ting_series {
    const char *name;
    size_t offset;        /* of a double in ting_curve_point */
    double factor, least; /* what it is shown times; values below are shown nowhere */
} ting_series;

typedef struct ting_chart {
    const char *name, *unit; /* unit: behind values, such as " %" */
    bool low_is_best;        /* say the lowest value too */
    bool linear;             /* no logarithmic axis, however far the values lie apart */
    int count;
    ting_series series[TING_CURVE_TERMS];
} ting_chart;

/* NAN: nothing is shown of this point. */
double ting_series_value(const ting_series *series, const ting_curve_point *point);

/* Appends the chart as an SVG element, or nothing where no series has a value. */
void ting_chart_draw(ting_str *out, const ting_chart *chart, const ting_curve_point *points, size_t count);

/* Appends the samples with what differs marked. Errors: memory. */
ting_err ting_samples_draw(ting_str *out, const char *samples);

/* 1234567 -> "1.23M": at most four characters and a letter. */
void ting_short_number(ting_str *out, double value);

#endif
