/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_convert.h - model files into GGUF: a public model's folder, other formats, another precision, several
 * networks into one file (tool: see docs/LAYERS.md).
 */
#ifndef TING_ENGINE_TOOL_CONVERT_H
#define TING_ENGINE_TOOL_CONVERT_H

#include "base/err.h"

typedef enum ting_convert_precision {
    TING_CONVERT_KEEP, /* every tensor as it is: int8 stays int8 with its scales */
    TING_CONVERT_F32,
    TING_CONVERT_F16,
    TING_CONVERT_BF16,
    TING_CONVERT_INT8  /* matrices only; one scale an output */
} ting_convert_precision;

typedef struct ting_convert_text { /* a key of the written file, in place of what the inputs say */
    const char *key, *text;
} ting_convert_text;

typedef struct ting_convert_options {
    const char *const *inputs; /* [count] files of any format in model/any.h, or folders with a public model (model/public.h); or one
                                  n-gram model of another program, .arpa */
    int count;
    const char *output; /* .gguf, or .safetensors (one input, kept precision) */
    ting_convert_precision precision;
    const char *network; /* the only one that is taken from the inputs ("am", "p2h"); NULL: all */
    const ting_convert_text *texts; /* [text_count] */
    int text_count;
    void (*remark)(void *self, const char *sentence); /* what of a public model is left out; NULL: none */
    void *remark_self;
} ting_convert_options;

/* Atomic: a failed run leaves what stood at output. Errors: those of reading; argument (an output that is one of the
 * inputs, or of another ending), model (two inputs with the same network, none with the wanted one), unsupported, io,
 * memory. */
ting_err ting_tool_convert(const ting_convert_options *options);

#endif
