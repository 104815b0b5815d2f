/* SPDX-License-Identifier: Apache-2.0 */
/* am_record.c - see am_record.h. */
#include "train/am_record.h"

#include "base/str.h"
#include "train/outcome.h"

#include <jansson.h>

static json_t *sources_of(const ting_am_source *sources, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *source = json_pack("{s:s, s:s?, s:f}", "manifest", sources[i].manifest, "only", sources[i].only,
                                   "weight", sources[i].weight);
        if (json_array_append_new(list, source) != 0) { /* a source must not get lost */
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *weights_of(const ting_am_recipe *r)
{
    const ting_am_loss *l = &r->loss;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:b}", "ctc", r->ctc_head ? l->ctc : 0.0, "transducer",
                     r->transducer_head ? l->transducer : 0.0, "attention",
                     r->model.attention.layers > 0 ? l->attention : 0.0, "consistency", l->consistency, "rows", l->rows, "hints",
                     l->hints, "posteriors", l->posteriors, "given", l->given,
                     "teacher_hears", ting_teacher_hears_names[l->hears], "pseudo", l->pseudo);
}

char *ting_am_record(const ting_am_recipe *r, const ting_training *t)
{
    const ting_outcome end = ting_outcome_of(t);
    ting_str features = {0};
    ting_feature_print(&r->features, &features);
    json_t *record =
        json_pack("{s:I, s:I, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:i, s:b, s:s, s:s, s:s, s:o, s:o, s:o}", "steps",
                  (json_int_t)t->step, "epoch", (json_int_t)t->epoch, "skipped_steps", (json_int_t)t->skipped,
                  "mean_of_checkpoints", t->mean, "seconds", end.seconds, "last_loss", end.loss, "held_out_error_rate", end.errors,
                  "rate", r->plan.rate, "seconds_a_step", r->seconds, "seed", r->plan.seed, "augmented", r->augmented,
                  "features", ting_str_ok(&features) ? features.text : "", "optimizer",
                  r->plan.optimizer == TING_OPTIMIZER_ADAMW ? "adamw" : "scaled-adam", "multiply",
                  r->plan.multiply == TING_PRECISION_BF16 ? "bf16" : "f32", "losses", weights_of(r), "train",
                  sources_of(r->train, r->train_count), "held_out", sources_of(r->measure, r->measure_count));
    char *text = NULL;
    if (record != NULL && ting_outcome_record(t, record))
        text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(record);
    ting_str_free(&features);
    return text;
}
