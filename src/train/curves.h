/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curves.h - how a training went, as one HTML page with SVG that needs nothing else: no script, no network.
 *
 *     points + samples -> numbers at the top, a chart for each quantity over the steps, what was heard last
 *
 * curves.c writes the page, curves_chart.c a chart, curves_samples.c the samples.
 */
#ifndef TING_TRAIN_CURVES_H
#define TING_TRAIN_CURVES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TING_CURVE_TERMS = 8 };

typedef struct ting_curve_point { /* means since the point before; what is not known is NAN, and drawn nowhere */
    int64_t step;
    double loss, rate;              /* per unit; learning rate */
    double seconds;                 /* of training so far */
    double errors;                  /* error rate on what is held out, or < 0: not measured here */
    double epoch;                   /* 2.5: in the middle of the third */
    double norm;                    /* of the gradient before clipping */
    double units;                   /* a second */
    double sound;                   /* seconds of sound a second */
    double left_out;                /* items that could not be learnt from, sum */
    double skipped;                 /* steps that changed nothing, sum */
    double terms[TING_CURVE_TERMS]; /* of the loss, per unit, without their weights */
} ting_curve_point;

typedef struct ting_curves {
    const char *title;
    const char *unit;         /* what the loss is a mean over: "character" */
    const char *error_name;   /* "character error rate" */
    bool plain_errors;        /* shown as they are, not in percent */
    const char *const *terms; /* [term_count] names of the terms */
    int term_count;
    long steps;                     /* the last one of the plan */
    const ting_curve_point *points; /* [count] in order of steps */
    size_t count;
    const char *samples; /* lines: name TAB tokens said TAB tokens heard, spaces between tokens; "" or NULL: none */
} ting_curves;

/* Replaces `path` atomically. Errors: io, memory. */
ting_err ting_curves_save(const char *path, const ting_curves *curves);

#endif
