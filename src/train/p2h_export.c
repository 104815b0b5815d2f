/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_export.c - see p2h_export.h. The record: steps, epochs, losses, error rate, and every source with its licence. */
#include "train/p2h_export.h"

#include "base/mem.h"
#include "model/p2h_widen.h"
#include "model/schema.h"
#include "train/outcome.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *source_record(const ting_p2h_source *source, double weight)
{
    return json_pack("{s:s, s:s, s:I, s:f, s:b}", "name", source->name, "licence", source->licence, "sentences",
                     (json_int_t)source->count, "weight", source->kind == TING_P2H_TRAIN ? weight : 0.0, "held_out",
                     source->kind == TING_P2H_MEASURE);
}

/* Owned by the C library (jansson allocates it); NULL when out of memory or when a name is not UTF-8. */
static char *training_record(const ting_p2h_export *e, const double *weights)
{
    const ting_training *t = e->training;
    const ting_outcome end = ting_outcome_of(t);
    json_t *record = json_pack(
        "{s:I, s:I, s:I, s:i, s:f, s:f, s:f, s:f, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:o}", "steps",
        (json_int_t)t->step, "epoch", (json_int_t)t->epoch, "skipped_steps", (json_int_t)t->skipped,
        "mean_of_checkpoints", t->mean, "seconds", end.seconds, "last_loss", end.loss, "held_out_error_rate", end.errors, "rate",
        e->recipe->plan.rate, "syllables_a_step", e->recipe->tokens, "seed", e->recipe->plan.seed, "spoiled_share",
        e->recipe->spoil.share, "spoiled_tone", e->recipe->spoil.tone, "spoiled_initial", e->recipe->spoil.initial,
        "spoiled_final", e->recipe->spoil.final, "other_reading", e->recipe->spoil.reading, "sources", json_array());
    if (record == NULL)
        return NULL;
    json_t *sources = json_object_get(record, "sources");
    char *text = NULL;
    bool well = true;
    for (int i = 0; i < e->corpus->sources; i++) /* a licence must not get lost */
        well = well && json_array_append_new(sources, source_record(&e->corpus->source[i], weights[i])) == 0;
    if (well && ting_outcome_record(t, record)) /* nor that of the model it began with */
        text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(record);
    return text;
}

ting_err ting_p2h_export_save(const ting_p2h_export *e, const char *path)
{
    ting_err err = TING_OK;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    double *weights = ting_alloc((size_t)e->corpus->sources, sizeof *weights);
    char *record = NULL;
    if (writer == NULL || weights == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_p2h_recipe_weights(e->recipe, e->corpus, weights));
    record = training_record(e, weights);
    if (record == NULL)
        FAIL(TING_ERR_MEMORY, "%s: the record of the training cannot be made: out of memory, or a source whose name is not UTF-8", path);
    ting_schema_begin(writer, "Tingxie pinyin to hanzi", (const char *const[]){"p2h"}, 1);
    ting_gguf_put_text(writer, "tingxie.p2h." TING_KEY_LICENSE, e->licence);
    ting_gguf_put_text(writer, "tingxie.p2h." TING_KEY_AUTHORS, e->authors);
    ting_gguf_put_text(writer, "tingxie.p2h." TING_KEY_SOURCE,
                       "trained by tingxie train p2h; texts and their licences are listed in the training record");
    ting_gguf_put_text(writer, "tingxie.p2h." TING_KEY_TRAINING, record);
    if (e->added != NULL && e->added->count > 0)
        ting_gguf_put_texts(writer, "tingxie.p2h." TING_P2H_ADDED, (const char *const *)e->added->items, e->added->count);
    TRY(ting_p2h_model_put(writer, e->model, e->dtype));
    TRY(ting_gguf_save(writer, path));
out:
    free(record);
    ting_free(weights);
    ting_gguf_writer_free(writer);
    return err;
}
