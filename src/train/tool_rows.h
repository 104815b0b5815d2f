/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rows.h - what a recipe's network makes of sound and text, for `tingxie data check` (tool: see docs/LAYERS.md). */
#ifndef TING_TRAIN_TOOL_ROWS_H
#define TING_TRAIN_TOOL_ROWS_H

#include "base/err.h"
#include "tingxie_train.h"

/* Rows of the encoder's output a second, and the table of tokens; a table from a file counts as initials and finals, which need most
 * rows. Errors: those of reading the recipe. */
ting_err ting_tool_recipe_rows(const char *recipe, double *rows, ting_token_table *tokens);

#endif
