/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_task_view.c - the task as the trainer sees it; see am_task.h. What was left out is named once, and what a checkpoint must
 * agree with is hashed.
 */
#include "train/am_task.h"

#include "base/hash.h"
#include "base/str.h"
#include "model/am_keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { REFERENCE_SECONDS = 600 }; /* of sound in a batch of icefall's recipes */

static ting_err epoch(void *self, int number, size_t *batches)
{
    const ting_am_task *t = self;
    return ting_speech_batches_epoch(t->batches, number, batches);
}

static size_t largest(void *self)
{
    const ting_am_task *t = self;
    return ting_speech_batches_largest(t->batches);
}

/* What cannot be used is named when it first comes, the last one of a batch; of very many the first. */
static void name_once(ting_am_task *t, const char *why)
{
    const uint64_t hash = ting_hash_bytes(why, strlen(why));
    for (int i = 0; i < t->named_count; i++)
        if (t->named[i] == hash)
            return;
    if (t->named_count == TING_MOST_NAMED)
        return;
    t->named[t->named_count++] = hash;
    ting_log_write(t->own_log, TING_LOG_WARNING, "left out %s%s", why,
                   t->named_count == TING_MOST_NAMED ? " (further ones are counted)" : "");
}

static ting_err loss(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    ting_err err = TING_OK;
    ting_am_task *t = self;
    const ting_speech_batch *batch;
    TRY(ting_speech_batches_take(t->batches, place, &batch));
    if (batch->left_out > 0)
        name_once(t, batch->why);
    t->terms.left_out += batch->left_out;
    if (batch->left_out > 0)
        snprintf(t->why, sizeof t->why, "%s", batch->why);
    t->terms_before = t->terms;
    TRY(ting_am_loss_of(t, ctx, batch, sum, units));
out:
    return err;
}

static ting_err measure(void *self, ting_ctx *ctx, double *errors)
{
    return ting_am_measure(self, ctx, errors);
}

static const char *const term_names[TING_AM_TERMS] = {"ctc",         "transducer", "simple",
                                                      "consistency", "rows",       "hints",  "posteriors", "attention"};

static void spend(void *self, ting_spent *out)
{
    ting_am_task *t = self;
    const ting_am_terms *s = &t->terms;
    *out = (ting_spent){.sound = s->seconds, .left_out = s->left_out + s->impossible};
    for (int i = 0; i < TING_AM_TERMS; i++)
        out->terms[i] = s->computed[i] ? s->loss[i] / s->units : NAN;
    for (int i = 0; i < TING_AM_TERMS; i++) /* each view has its own, but for what lies between them */
        out->terms[i] /= i != TING_AM_CONSISTENCY && t->recipe->loss.consistency > 0 ? TING_MOST_VIEWS : 1;
    t->terms = (ting_am_terms){0};
}

/* Its sound was heard and its utterances were counted; what the network made of them is not. */
static void forget(void *self)
{
    ting_am_task *t = self;
    ting_am_terms *terms = &t->terms, *before = &t->terms_before;
    before->seconds = terms->seconds;
    before->impossible = terms->impossible;
    *terms = *before;
}

static const char *why(void *self)
{
    const ting_am_task *t = self;
    return t->why[0] != '\0' ? t->why : NULL;
}

static void samples(void *self, ting_str *out)
{
    const ting_am_task *t = self;
    ting_str_add_bytes(out, t->samples.text, t->samples.length);
}

/* All that a model file would say of the network, and what its frames are normalised with. How it wants to stream may
 * change when a training goes on. */
static ting_err hash_keys(const ting_am_task *t, uint64_t *out)
{
    ting_am_config config = t->net->config;
    ting_encoder_config *e = &config.encoder;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    if (writer == NULL)
        return TING_ERR_MEMORY;
    if (e->kind == TING_ENCODER_ZIPFORMER)
        e->zipformer.chunk = e->zipformer.left = 0;
    else if (e->kind == TING_ENCODER_CONFORMER)
        e->conformer.chunk = e->conformer.left = 0;
    ting_am_put_keys(writer, &config);
    const size_t dim = (size_t)t->cmvn.dim;
    const uint64_t parts[] = {ting_gguf_keys_fingerprint(writer),
                              ting_fingerprint(t->cmvn.mean, dim * sizeof *t->cmvn.mean),
                              ting_fingerprint(t->cmvn.scale, dim * sizeof *t->cmvn.scale)};
    ting_gguf_writer_free(writer);
    *out = ting_fingerprint(parts, sizeof parts);
    return parts[0] != 0 ? TING_OK : TING_ERR_MEMORY;
}

/* What the names and shapes of the parameters do not show; earlier versions knew as much, and their checkpoints go on. */
static void describe(const ting_am_task *t, ting_str *out)
{
    const ting_encoder_config *e = &t->net->config.encoder;
    ting_str_addf(out, "%s %d", ting_encoder_kind_name(e->kind), ting_am_blank(&t->net->config));
    if (e->kind == TING_ENCODER_CONFORMER)
        ting_str_addf(out, " %d %d %d %d", e->conformer.heads, e->conformer.causal, e->conformer.positions,
                      e->conformer.act);
    for (int s = 0; e->kind == TING_ENCODER_ZIPFORMER && s < e->zipformer.stacks; s++)
        ting_str_addf(out, " %d/%d", e->zipformer.stack[s].heads, e->zipformer.stack[s].downsampling);
    ting_feature_print(&t->recipe->features, out);
    for (size_t i = 0; i < t->tokens.count; i++)
        ting_str_addf(out, " %s", t->tokens.items[i]);
}

ting_err ting_am_task_view(ting_am_task *task, ting_task *out)
{
    const ting_am_recipe *r = task->recipe;
    ting_str settings = {0};
    uint64_t keys = 0;
    describe(task, &settings);
    const bool well = ting_str_ok(&settings) && hash_keys(task, &keys) == TING_OK;
    if (well)
        *out = (ting_task){
            .self = task,
            .params = task->net->params,
            .settings_hash = ting_fingerprint(settings.text, settings.length),
            .keys_hash = keys,
            .data_hash = task->train != NULL ? ting_speech_hash(task->train) : 0,
            .unit = "row",
            .reference_batches = r->reference_batches > 0 ? r->reference_batches : r->seconds / REFERENCE_SECONDS,
            .from = task->from.text,
            .teacher = task->taught_by.text,
            .data_bytes = task->data_bytes,
            .epoch = epoch,
            .largest = largest,
            .loss = loss,
            .measure = measure,
            .error_name = ting_am_tokens_write(&task->tokens) ? "character error rate" : "token error rate",
            .terms = term_names,
            .term_count = TING_AM_TERMS,
            .spend = spend,
            .forget = forget,
            .why = why,
            .samples = samples};
    ting_str_free(&settings);
    return well ? TING_OK : TING_ERR_MEMORY;
}
