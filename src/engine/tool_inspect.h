/* SPDX-License-Identifier: Apache-2.0 */
/* tool_inspect.h - what stands in a model file, for programs (tool: see docs/LAYERS.md). */
#ifndef TING_ENGINE_TOOL_INSPECT_H
#define TING_ENGINE_TOOL_INSPECT_H

#include "base/err.h"
#include "base/str.h"

typedef enum ting_inspect_form {
    TING_INSPECT_TEXT, /* for people: networks, keys with long arrays cut, a line a tensor */
    TING_INSPECT_JSON  /* one object: everything but the values of tensors */
} ting_inspect_form;

/* Describes a file: GGUF, safetensors, npy, npz, pickle, PyTorch, ONNX. Appends to out. Errors: those of reading
 * the file; memory. */
ting_err ting_tool_inspect(const char *path, ting_inspect_form form, ting_str *out);

#endif
