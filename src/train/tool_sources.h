/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sources.h - the text files that settings for `tingxie data p2h` name (tool: see docs/LAYERS.md). */
#ifndef TING_TRAIN_TOOL_SOURCES_H
#define TING_TRAIN_TOOL_SOURCES_H

#include "base/err.h"
#include "tingxie_train.h"

/* Whether the output is none of the files that are read: the settings, and the texts that they name. Errors: argument (it is
 * one), those of reading the settings, memory. */
ting_err ting_tool_p2h_apart(const ting_p2h_files *files);

#endif
