/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_loss.c - the loss of a batch: each term summed over utterances, views averaged.
 *
 *     heard -> encoder -> rows -> CTC logits ---------------> CTC, consistency of two views
 *                              -> simple heads, joiner -----> transducer, whole or pruned
 *                              -> attention decoder --------> divergence from smoothed labels, one direction or both
 *                              -> hints, mapped ------------> distance from the teacher's
 *                              -> projected for the joiner -> distance from the teacher's, who hears `clean`
 */
#include "train/am_task.h"

#include "loss/attention_loss.h"
#include "loss/consistency.h"
#include "loss/ctc.h"
#include "loss/prune.h"
#include "loss/regression.h"
#include "loss/simple_transducer.h"
#include "loss/soft_entropy.h"
#include "loss/transducer_loss.h"
#include "nn/op.h"
#include "train/am_hints.h"
#include "train/am_teacher.h"

#include <math.h>
#include <string.h>

typedef struct view {       /* of a batch, as the heads see it */
    ting_tensor rows;       /* of all its utterances, labelled ones first */
    ting_segments segments; /* of all */
    ting_segments labelled; /* of the first ones */
    ting_tensor logits;     /* of CTC; no rows without that head */
    ting_am_hints hints;    /* of the encoder, if they are asked for */
} view;

/* ---- encoder ---- */

/* Chunk and left context of this batch, from the recipe's: the same on all ranks. */
static ting_encoder_mode draw_mode(const ting_am_recipe *r, ting_rng *rng)
{
    const int chunk = r->chunks[ting_rng_below(rng, (uint32_t)r->chunk_count)];
    const int left = r->lefts[ting_rng_below(rng, (uint32_t)r->left_count)];
    return (ting_encoder_mode){.chunk = chunk, .left = chunk == 0 || left < 0 ? -1 : (left + chunk - 1) / chunk};
}

static ting_tensor features(float *values, int frames, int dim)
{
    return (ting_tensor){.data = values, .rows = frames, .cols = dim, .ld = dim};
}

/* Cuts the encoder's rows and hints into views. */
static void cut_views(ting_ctx *ctx, const ting_speech_batch *batch, ting_tensor rows, const int *starts,
                      const ting_am_hints *hints, view out[TING_MOST_VIEWS])
{
    const int each = batch->utterances;
    for (int v = 0; v < batch->views; v++) {
        const int first = starts[v * each];
        int *own = ting_ctx_ints(ctx, each + 1);
        if (own == NULL)
            return;
        for (int u = 0; u <= each; u++)
            own[u] = starts[v * each + u] - first;
        out[v] = (view){
            .rows = ting_rows(rows, first, own[each]), .segments = {each, own}, .labelled = {batch->labelled, own}};
        out[v].hints.count = hints->count;
        for (int i = 0; i < hints->count; i++) {
            const int count = hints->value[i].rows / batch->views; /* views have the same length: nothing changes the time */
            out[v].hints.value[i] = ting_rows(hints->value[i], v * count, count);
        }
    }
}

/* ---- terms: each adds itself to *sum ---- */

static void add_term(ting_am_task *t, ting_ctx *ctx, ting_tensor *sum, ting_tensor term, double weight,
                     ting_am_term which)
{
    if (ctx->err != TING_OK)
        return;
    t->terms.loss[which] += (double)term.data[0];
    t->terms.computed[which] = t->terms.computed[which] || weight != 0;
    ting_tensor weighted = ting_scale(ctx, term, (ting_real)weight);
    *sum = sum->rows == 0 ? weighted : ting_add(ctx, *sum, weighted);
}

/* The most of any term: CTC has no path wherever the transducer has none, and both views have the same rows. */
static void count_impossible(ting_am_terms *terms, int found)
{
    const int more = found > terms->impossible_here ? found - terms->impossible_here : 0;
    terms->impossible_here += more;
    terms->impossible += more;
}

static void add_ctc(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, view *v, double weight,
                    ting_tensor *sum)
{
    int impossible = 0;
    v->logits = ting_ctc_head_logits(ctx, &t->net->ctc, v->rows);
    if (ctx->err != TING_OK || batch->labelled == 0)
        return;
    const int rows = v->labelled.start[batch->labelled];
    ting_tensor loss =
        ting_ctc_loss(ctx, ting_rows(v->logits, 0, rows), v->labelled, batch->label_ids, batch->labels,
                      &(ting_ctc_options){.blank = ting_am_blank(&t->net->config), .impossible = &impossible});
    count_impossible(&t->terms, impossible);
    add_term(t, ctx, sum, loss, weight, TING_AM_CTC);
}

/* Rows of the predictor: the tokens before each label, and those before the end; what stands before a sequence is blank. */
static ting_tensor predict(const ting_am_task *t, ting_ctx *ctx, const int *tokens, ting_segments labels)
{
    const int count = labels.count, total = labels.start[count] + count, blank = ting_am_blank(&t->net->config);
    int *ids = ting_ctx_ints(ctx, total), *starts = ting_ctx_ints(ctx, count + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    starts[0] = 0;
    for (int u = 0, at = 0; u < count; u++) {
        ids[at++] = blank;
        for (int i = labels.start[u]; i < labels.start[u + 1]; i++)
            ids[at++] = tokens[i];
        starts[u + 1] = at;
    }
    return ting_transducer_predict(ctx, t->net->transducer, ids, (ting_segments){count, starts});
}

/* Weights of the two parts at a step (icefall's schedule; loss/simple_transducer.h). */
static void weigh_parts(const ting_am_loss *l, double step, double *simple, double *pruned)
{
    const double r = l->simple_warmup > 0 ? fmin(1, step / l->simple_warmup) : 1;
    *simple = 1 - (1 - l->simple) * r;
    *pruned = 0.1 + 0.9 * r;
}

/* The simple loss, and the band of states it leaves to the joiner. */
static void add_simple(ting_am_task *t, ting_ctx *ctx, const view *v, ting_tensor predicted, double weight,
                       ting_transducer_targets *targets, ting_tensor *sum)
{
    const ting_am_loss *l = &t->recipe->loss;
    ting_arcs arcs;
    int impossible = 0;
    const int rows = targets->frames.start[targets->frames.count];
    int *first = ting_ctx_ints(ctx, rows), *width = ting_ctx_ints(ctx, targets->frames.count);
    ting_tensor am = ting_linear_apply(ctx, ting_rows(v->rows, 0, rows), t->net->simple_am, TING_ACT_NONE);
    ting_tensor lm = ting_linear_apply(ctx, predicted, t->net->simple_lm, TING_ACT_NONE);
    ting_tensor loss = ting_simple_transducer_loss(
        ctx, am, lm, targets,
        &(ting_simple_options){
            .lm_only = (ting_real)l->lm_only, .am_only = (ting_real)l->am_only, .impossible = &impossible, .arcs = &arcs});
    if (ctx->err != TING_OK)
        return;
    count_impossible(&t->terms, impossible);
    ting_prune_ranges(targets, &arcs, l->prune, first, width);
    targets->first = first;
    targets->width = width;
    add_term(t, ctx, sum, loss, weight, TING_AM_SIMPLE);
}

static void add_transducer(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, const view *v, double weight,
                           ting_tensor *sum)
{
    const ting_am_loss *l = &t->recipe->loss;
    double simple = 0, pruned = 1;
    int impossible = 0;
    ting_transducer_targets *targets =
        ting_arena_take(ctx->arena, sizeof *targets); /* until the tape has been walked */
    if (targets == NULL)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "out of memory for a batch");
    if (ctx->err != TING_OK)
        return;
    *targets = (ting_transducer_targets){.frames = v->labelled,
                                         .labels = batch->labels,
                                         .targets = batch->label_ids,
                                         .blank = ting_am_blank(&t->net->config)};
    ting_tensor predicted = predict(t, ctx, batch->label_ids, batch->labels);
    if (l->prune > 0) {
        weigh_parts(l, ctx->batch_count, &simple, &pruned);
        ting_transducer_targets *whole = ting_arena_take(ctx->arena, sizeof *whole);
        if (whole == NULL)
            ting_ctx_fail(ctx, TING_ERR_MEMORY, "out of memory for a batch");
        if (ctx->err != TING_OK)
            return;
        *whole = *targets;
        add_simple(t, ctx, v, predicted, weight * simple, whole, sum);
        targets->first = whole->first;
        targets->width = whole->width;
    }
    if (ctx->err != TING_OK)
        return;
    const int rows = ting_transducer_rows(targets), frames = v->labelled.start[batch->labelled];
    int *encoder = ting_ctx_ints(ctx, rows), *predictor = ting_ctx_ints(ctx, rows);
    if (ctx->err != TING_OK)
        return;
    ting_transducer_pairs(targets, encoder, predictor);
    ting_tensor e = ting_transducer_project_encoder(ctx, t->net->transducer, ting_rows(v->rows, 0, frames));
    ting_tensor d = ting_transducer_project_decoder(ctx, t->net->transducer, predicted);
    ting_tensor logits = ting_transducer_join_pairs(ctx, t->net->transducer, e, encoder, d, predictor, rows);
    ting_tensor loss = ting_transducer_loss(ctx, logits, targets, NULL, &impossible);
    count_impossible(&t->terms, impossible);
    add_term(t, ctx, sum, loss, weight * pruned, TING_AM_TRANSDUCER);
}

static void add_attention(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, const view *v, double weight,
                          ting_tensor *sum)
{
    const ting_am_loss *l = &t->recipe->loss;
    const ting_tensor memory = ting_rows(v->rows, 0, v->labelled.start[batch->labelled]);
    const ting_attention_loss_options options = {.smoothing = l->smoothing, .reverse = l->reverse};
    ting_tensor loss =
        ting_attention_loss(ctx, t->net->attention, memory, v->labelled, batch->label_ids, batch->labels, &options);
    add_term(t, ctx, sum, loss, weight, TING_AM_ATTENTION);
}

/* ---- the teacher ---- */

static void add_rows(ting_am_task *t, ting_ctx *ctx, const view *v, ting_tensor taught, double weight, ting_tensor *sum)
{
    ting_tensor projected = ting_transducer_project_encoder(ctx, t->net->transducer, v->rows);
    if (ctx->err == TING_OK && (projected.rows != taught.rows || projected.cols != taught.cols))
        ting_ctx_fail(ctx, TING_ERR_MODEL, "the teacher gives %d rows of %d, the network %d of %d for the same sound",
                      taught.rows, taught.cols, projected.rows, projected.cols);
    ting_tensor loss = ting_regression_loss(ctx, projected, taught, NULL);
    add_term(t, ctx, sum, loss, weight, TING_AM_ROWS);
}

/* Each row is asked what comes after the tokens that the teacher has said before it. */
static void add_posteriors(ting_am_task *t, ting_ctx *ctx, const view *v, const ting_am_taught *taught, double weight,
                           ting_tensor *sum)
{
    const int rows = v->rows.rows;
    int *encoder = ting_ctx_ints(ctx, rows), *predictor = ting_ctx_ints(ctx, rows);
    ting_tensor predicted = predict(t, ctx, taught->tokens, taught->said);
    if (ctx->err != TING_OK)
        return;
    for (int u = 0; u < v->segments.count; u++)
        for (int r = v->segments.start[u]; r < v->segments.start[u + 1]; r++) {
            encoder[r] = r;
            predictor[r] = taught->said.start[u] + u + taught->state[r]; /* a row more than tokens in each utterance */
        }
    ting_tensor e = ting_transducer_project_encoder(ctx, t->net->transducer, v->rows);
    ting_tensor d = ting_transducer_project_decoder(ctx, t->net->transducer, predicted);
    ting_tensor logits = ting_transducer_join_pairs(ctx, t->net->transducer, e, encoder, d, predictor, rows);
    const ting_soft_entropy_options options = {.divergence = true, .weight = taught->known};
    ting_tensor loss = ting_soft_entropy(ctx, logits, taught->posteriors, &options);
    add_term(t, ctx, sum, loss, weight, TING_AM_POSTERIORS);
}

/* ---- all of them ---- */

static void add_view(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, view *v,
                     const ting_am_taught *taught, ting_tensor *sum)
{
    const ting_am_loss *l = &t->recipe->loss;
    const double share = 1.0 / batch->views;
    if (t->net->config.ctc.vocab > 0 && (l->ctc > 0 || l->consistency > 0))
        add_ctc(t, ctx, batch, v, share * l->ctc, sum);
    if (t->net->transducer != NULL && l->transducer > 0 && batch->labelled > 0)
        add_transducer(t, ctx, batch, v, share * l->transducer, sum);
    if (t->net->attention != NULL && l->attention > 0 && batch->labelled > 0)
        add_attention(t, ctx, batch, v, share * l->attention, sum);
    if (l->rows > 0)
        add_rows(t, ctx, v, taught->rows, share * l->rows, sum);
    if (l->hints > 0)
        add_term(t, ctx, sum, ting_am_hints_loss(ctx, &v->hints, &taught->hints, t->net->hint, v->rows.rows),
                 share * l->hints, TING_AM_HINTS);
    if (l->posteriors > 0)
        add_posteriors(t, ctx, v, taught, share * l->posteriors, sum);
}

/* Rows that the encoder gives for each utterance of a view. */
static ting_segments rows_of(const ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch)
{
    const int each = batch->utterances;
    int *starts = ting_ctx_ints(ctx, each + 1);
    if (starts == NULL)
        return (ting_segments){0};
    starts[0] = 0;
    for (int u = 0; u < each; u++)
        starts[u + 1] = starts[u] + ting_encoder_rows(&t->net->config.encoder,
                                                      batch->frames.start[u + 1] - batch->frames.start[u]);
    return (ting_segments){each, starts};
}

/* What the teacher says becomes the label of utterances without one; tokens that the network lacks are left out. */
static void label_by_teacher(ting_ctx *ctx, const ting_am_taught *taught, ting_speech_batch *batch)
{
    const int each = batch->utterances, own = batch->labels.start[batch->labelled];
    int *starts = ting_ctx_ints(ctx, each + 1), *ids = ting_ctx_ints(ctx, own + taught->said.start[each] + 1);
    if (ctx->err != TING_OK)
        return;
    memcpy(starts, batch->labels.start, ((size_t)batch->labelled + 1) * sizeof *starts);
    if (own > 0)
        memcpy(ids, batch->label_ids, (size_t)own * sizeof *ids);
    for (int u = batch->labelled, at = own; u < each; u++) {
        for (int i = taught->said.start[u]; i < taught->said.start[u + 1]; i++)
            if (taught->tokens[i] >= 0)
                ids[at++] = taught->tokens[i];
        starts[u + 1] = at;
    }
    batch->labelled = each;
    batch->label_ids = ids;
    batch->labels = (ting_segments){each, starts};
}

/* Runs the encoder on all views. */
static void hear(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, const ting_am_taught *taught,
                 view out[TING_MOST_VIEWS])
{
    const ting_am_loss *l = &t->recipe->loss;
    const int dim = ting_feature_dim(&t->recipe->features), total = batch->frames.start[batch->frames.count];
    ting_rng chance = batch->chance;
    ting_encoder_mode mode = draw_mode(t->recipe, &chance);
    if (ting_rng_uniform(&chance) < l->given)
        mode.given = taught->hints.value; /* the last hint is what no stack hears */
    int *starts = ting_ctx_ints(ctx, batch->frames.count + 1);
    ting_am_hints hints;
    const ting_tap *before = ctx->tap, tap = ting_am_hints_tap(&hints, t->net->config.hints == 0);
    ctx->tap = l->hints > 0 ? &tap : before;
    ting_tensor rows = ting_encoder_forward(ctx, t->net->encoder, features(batch->heard, total, dim), batch->frames, &mode,
                                            starts);
    ctx->tap = before;
    if (ctx->err == TING_OK)
        cut_views(ctx, batch, rows, starts, &hints, out);
}

ting_err ting_am_loss_of(ting_am_task *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_tensor *sum,
                         double *units)
{
    const ting_am_loss *l = &t->recipe->loss;
    view views[TING_MOST_VIEWS];
    ting_am_taught taught = {0};
    *sum = (ting_tensor){0};
    *units = 0;
    t->terms.impossible_here = 0;
    t->terms.batches++;
    if (batch->utterances == 0)
        return TING_OK;
    ting_speech_batch told = *batch;
    if (l->hears == TING_HEARS_ALL)
        told.clean = told.heard;
    if (t->teacher != NULL)
        taught = ting_am_teach(t->teacher, ctx, &told, rows_of(t, ctx, batch), l->posteriors > 0 || l->pseudo);
    if (l->pseudo && ctx->err == TING_OK)
        label_by_teacher(ctx, &taught, &told);
    hear(t, ctx, &told, &taught, views);
    for (int v = 0; v < batch->views && ctx->err == TING_OK; v++)
        add_view(t, ctx, &told, &views[v], &taught, sum);
    if (ctx->err == TING_OK && l->consistency > 0)
        add_term(t, ctx, sum, ting_consistency_loss(ctx, views[0].logits, views[1].logits),
                 l->consistency / batch->views, TING_AM_CONSISTENCY);
    *units = ctx->err == TING_OK ? views[0].rows.rows : 0;
    t->terms.units += *units;
    t->terms.seconds += batch->seconds;
    return TING_OK;
}
