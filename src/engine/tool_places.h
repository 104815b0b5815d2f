/* SPDX-License-Identifier: Apache-2.0 */
/* tool_places.h - where programs put models and find tables (tool: see docs/LAYERS.md); places.h says where is searched. */
#ifndef TING_ENGINE_TOOL_PLACES_H
#define TING_ENGINE_TOOL_PLACES_H

#include "base/err.h"

/* Where a downloaded model is put: TING_MODELS, else "models" beside the build tree, else the user's data
 * folder; it need not exist. Returns owned, free with ting_free; NULL when out of memory or without a home. */
char *ting_tool_place_for_new(void);

/* *out: the first folder of pinyin tables in the usual places, owned, free with ting_free. Errors: not found (naming
 * the places), memory. */
ting_err ting_tool_lexicon_folder(char **out);

#endif
