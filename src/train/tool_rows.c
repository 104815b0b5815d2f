/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rows.c - see tool_rows.h. */
#include "train/tool_rows.h"

#include "train/am_recipe.h"

ting_err ting_tool_recipe_rows(const char *recipe, double *rows, ting_token_table *tokens)
{
    ting_err err = TING_OK;
    ting_am_recipe r;
    TRY(ting_am_recipe_load(recipe, NULL, &r));
    *rows = (double)r.features.rate / r.features.shift / ting_encoder_step(&r.model.encoder);
    *tokens = r.token_file != NULL ? TING_TOKENS_PARTS : r.table;
    ting_am_recipe_free(&r);
out:
    return err;
}
