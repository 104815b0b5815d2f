/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - see outcome.h. */
#include "train/outcome.h"

#include <math.h>

ting_outcome ting_outcome_of(const ting_training *t)
{
    ting_outcome out = {.loss = -1, .errors = -1};
    for (size_t i = 0; i < t->curve_count; i++) {
        out.seconds = t->curve[i].seconds;
        out.errors = t->curve[i].errors >= 0 ? t->curve[i].errors : out.errors;
        out.loss = isfinite(t->curve[i].loss) ? t->curve[i].loss : out.loss;
    }
    return out;
}

static bool add(json_t *record, const char *key, const char *text)
{
    return text == NULL || json_object_set_new(record, key, json_loads(text, 0, NULL)) == 0;
}

bool ting_outcome_record(const ting_training *t, json_t *record)
{
    ting_str changes = {0};
    ting_str_addf(&changes, "[%s]", t->changes != NULL ? t->changes : "");
    const bool well = ting_str_ok(&changes) && add(record, "from", t->from) && add(record, "teacher", t->teacher) &&
                      add(record, "recipe", t->recipe) && add(record, "changes", t->changes != NULL ? changes.text : NULL);
    ting_str_free(&changes);
    return well;
}
