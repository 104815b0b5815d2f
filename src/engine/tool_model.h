/* SPDX-License-Identifier: Apache-2.0 */
/* tool_model.h - what a program wants to know of an opened model beyond its description (tool: see docs/LAYERS.md). */
#ifndef TING_ENGINE_TOOL_MODEL_H
#define TING_ENGINE_TOOL_MODEL_H

#include "base/str.h"
#include "tingxie.h"

/* Appends a name, the size and the time of last change of each file (or folder) that the networks came from, in one line
 * without tabs: another text means that other files were opened. */
void ting_tool_model_stamp(const ting_model *model, ting_str *out);

/* The same of one file, ` WHAT=...`; nothing of what is not there. */
void ting_tool_file_stamp(const char *what, const char *path, ting_str *out);

/* Whether the output is none of the files that the networks came from. Errors: argument (it is one). */
ting_err ting_tool_model_apart(const ting_model *model, const char *output);

/* Whether streams can be opened with the options' head, way of decoding and language models. Errors: those of ting_stream_new. */
ting_err ting_tool_model_decodes(const ting_model *model, const ting_options *options);

/* Whether a text can be aligned, whatever the sound is. Errors: those of the text that ting_align_file has. */
ting_err ting_tool_model_says(const ting_model *model, const char *text);

/* Whether a keyword file can be used with the model. Errors: those of reading it (io, format, not found, memory). */
ting_err ting_tool_model_keywords(const ting_model *model, const char *path);

#endif
