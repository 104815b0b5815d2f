/* SPDX-License-Identifier: Apache-2.0 */
/* tool_diff.h - where two model files differ: keys and tensors, or what they compute (tool: see docs/LAYERS.md). */
#ifndef TING_ENGINE_TOOL_DIFF_H
#define TING_ENGINE_TOOL_DIFF_H

#include "base/err.h"
#include "base/str.h"

#include "tingxie.h"

#include <stdbool.h>

typedef struct ting_diff_options {
    const char *a, *b;
    double tolerance; /* differences up to tolerance times the largest value of the tensor are none; outputs: relative RMS */
    bool all;         /* every tensor or output that differs, not only the first */
    /* of outputs */
    const char *sound;                     /* the recording that both acoustic models hear */
    ting_precision precision_a, precision_b;
} ting_diff_options;

/* Keys and tensors of two files of any format in model/any.h. Tensors are compared by value, whatever their types; int8 ones
 * with their scales. Appends lines to out; *same tells whether there was nothing. Errors: those of reading; memory. */
ting_err ting_tool_diff_files(const ting_diff_options *options, ting_str *out, bool *same);

/* The named outputs of the acoustic encoders, in the order in which they are computed, over the first seconds of the
 * sound: files or folders of public models. Errors: model too (encoders that can't be compared). */
ting_err ting_tool_diff_outputs(const ting_diff_options *options, ting_str *out, bool *same);

#endif
