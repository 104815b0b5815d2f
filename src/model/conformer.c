/* SPDX-License-Identifier: Apache-2.0 */
/* conformer.c - see conformer.h: settings, parameters, and the whole way through the encoder. */
#include "model/conformer_parts.h"

#include "base/mem.h"
#include "nn/recompute.h"
#include "nn/scope.h"

#include <math.h>

const char *const ting_conformer_position_names[TING_CONFORMER_POSITIONS] = {
    [TING_POSITIONS_ABSOLUTE] = "absolute", [TING_POSITIONS_RELATIVE] = "relative", [TING_POSITIONS_SHIFTED] = "shifted"};
const char *const ting_conformer_norm_names[TING_CONFORMER_NORMS] = {[TING_CONV_BATCH_NORM] = "batch",
                                                                     [TING_CONV_LAYER_NORM] = "layer"};

ting_err ting_conformer_check(const ting_conformer_config *c)
{
    const struct {
        const char *name;
        int value, low, high;
    } rules[] = {{"features", c->features, 16, 1024},       {"dim", c->dim, 1, 8192},
                 {"heads", c->heads, 1, 256},               {"layers", c->layers, 1, 256},
                 {"feedforward", c->feedforward, 1, 65536}, {"kernel", c->kernel, 1, 255},
                 {"chunk", c->chunk, 0, 4096},              {"left", c->left, -1, 4096}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].value < rules[i].low || rules[i].value > rules[i].high)
            return ting_fail(TING_ERR_MODEL, "conformer: %s is %d, expected %d to %d", rules[i].name, rules[i].value,
                             rules[i].low, rules[i].high);
    if (c->subsampling != 4 && c->subsampling != 6 && c->subsampling != 8)
        return ting_fail(TING_ERR_MODEL, "conformer: subsampling by %d, expected 4, 6 or 8", c->subsampling);
    if (c->dim % c->heads != 0)
        return ting_fail(TING_ERR_MODEL, "conformer: %d heads do not divide the dimension %d", c->heads, c->dim);
    if (!c->causal && c->kernel % 2 == 0)
        return ting_fail(TING_ERR_MODEL, "conformer: a kernel of %d that looks to both sides must be odd", c->kernel);
    return TING_OK;
}

ting_err ting_conformer_new(const ting_conformer_config *config, ting_params *params, ting_conformer **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_conformer *model = ting_alloc(1, sizeof *model);
    if (model == NULL)
        return TING_ERR_MEMORY;
    model->config = *config;
    TRY(ting_conformer_check(config));
    model->layers = ting_alloc((size_t)config->layers, sizeof *model->layers);
    if (model->layers == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    ting_conformer_embed_declare(params, config, &model->embed);
    for (int i = 0; i < config->layers; i++)
        ting_conformer_layer_declare(params, config, i, &model->layers[i]);
    model->after = ting_conformer_norm_declare(params, config->dim, "encoder.", "after_norm");
    *out = model;
    model = NULL;
out:
    ting_conformer_free(model);
    return err;
}

void ting_conformer_free(ting_conformer *model)
{
    if (model == NULL)
        return;
    ting_free(model->layers);
    ting_free(model);
}

/* ---- who sees whom ---- */

static int chunk_of(const ting_conformer_run *run, int segment)
{
    const int rows = run->rows.start[segment + 1] - run->rows.start[segment];
    if (run->mode->states != NULL)
        return run->mode->states[segment]->chunk;
    return run->mode->chunk > 0 ? run->mode->chunk : rows > 0 ? rows : 1;
}

static int left_of(const ting_conformer_run *run, int segment)
{
    return run->mode->states != NULL ? run->mode->states[segment]->left : run->mode->chunk > 0 ? run->mode->left : -1;
}

/* Key rows of segment s that were there before the call. */
static int cached(const ting_conformer_run *run, int s)
{
    return run->mode->states != NULL ? run->mode->states[s]->kept : 0;
}

/* One span a chunk: its rows see themselves and up to `left` chunks before. */
static void make_spans(ting_ctx *ctx, const ting_conformer *model, ting_conformer_run *run)
{
    int count = 0;
    for (int s = 0; s < run->rows.count; s++) {
        const int rows = run->rows.start[s + 1] - run->rows.start[s], chunk = chunk_of(run, s);
        count += (rows + chunk - 1) / chunk;
    }
    ting_span *spans = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, sizeof *spans);
    ting_ctx_check(ctx);
    run->attention = (ting_attention){.spans = spans, .count = count, .heads = model->config.heads};
    for (int s = 0, n = 0; s < run->rows.count && ctx->err == TING_OK; s++) {
        const int first = run->rows.start[s], end = run->rows.start[s + 1], chunk = chunk_of(run, s), left = left_of(run, s);
        for (int q = first; q < end; q += chunk, n++) {
            const int place = cached(run, s) + q - first; /* of the chunk among the key rows */
            const int back = left < 0 || left > place / chunk ? place : left * chunk;
            spans[n].q0 = q;
            spans[n].q1 = q + chunk < end ? q + chunk : end;
            spans[n].k0 = run->keys.start[s] + place - back;
            spans[n].k1 = run->keys.start[s] + place + spans[n].q1 - q;
            spans[n].first_key = back;
        }
    }
}

static void make_keys(ting_ctx *ctx, ting_conformer_run *run)
{
    run->keys = run->rows;
    if (run->mode->states == NULL)
        return;
    int *start = ting_ctx_ints(ctx, run->rows.count + 1);
    if (start == NULL)
        return;
    start[0] = 0;
    for (int s = 0; s < run->rows.count; s++)
        start[s + 1] = start[s] + cached(run, s) + run->rows.start[s + 1] - run->rows.start[s];
    run->keys.start = start;
}

/* ---- positions ---- */

static void make_distances(ting_ctx *ctx, ting_conformer_run *run, int dim)
{
    int longest = 1;
    for (int i = 0; i < run->attention.count; i++) {
        const ting_span *span = &run->attention.spans[i];
        const int ahead = span->k1 - span->k0 - span->first_key, behind = span->first_key + span->q1 - span->q0;
        longest = ahead > longest ? ahead : longest;
        longest = behind > longest ? behind : longest;
    }
    run->position_zero = longest - 1;
    run->positions = ting_ctx_constant(ctx, 2 * longest - 1, dim);
    if (ctx->err == TING_OK)
        ting_sinusoid_fill(ctx, run->position_zero, -1, run->positions);
}

static void make_positions(ting_ctx *ctx, const ting_conformer *model, ting_conformer_run *run)
{
    const int dim = model->config.dim;
    const bool absolute = model->config.positions == TING_POSITIONS_ABSOLUTE;
    const ting_segments at = absolute ? run->rows : run->keys;
    if (model->config.positions == TING_POSITIONS_SHIFTED) {
        make_distances(ctx, run, dim);
        return;
    }
    if (run->mode->states == NULL) {
        run->positions = ting_sinusoid(ctx, at, dim);
        return;
    }
    run->positions = ting_ctx_constant(ctx, at.start[at.count], dim);
    for (int s = 0; s < at.count && ctx->err == TING_OK; s++) { /* each stream stands somewhere else */
        const long first = run->mode->states[s]->rows - (absolute ? 0 : cached(run, s));
        ting_sinusoid_fill(ctx, first, 1, ting_rows(run->positions, at.start[s], at.start[s + 1] - at.start[s]));
    }
}

/* ---- forward ---- */

static void check_call(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                       const ting_conformer_mode *mode)
{
    const ting_conformer_config *c = &model->config;
    if (x.cols != c->features || segments.start[segments.count] != x.rows)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "conformer: x is [%d, %d], expected [%d, %d]", x.rows, x.cols,
                      segments.start[segments.count], c->features);
    if ((mode->chunk > 0 || mode->states != NULL) && !c->causal)
        ting_ctx_fail(ctx, TING_ERR_MODEL, "conformer: the model is not causal: it hears whole utterances only");
    for (int s = 0; mode->states != NULL && s < segments.count; s++) {
        const int frames = segments.start[s + 1] - segments.start[s], least = c->subsampling +
                           ting_conformer_frames(model, mode->states[s], 0);
        if (frames < least)
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "conformer: a call of %d frames gives no row: it takes %d", frames, least);
    }
}

typedef struct layer_call {
    const ting_conformer *model;
    int index;
    ting_conformer_run run;
    ting_conformer_mode mode;
} layer_call;

static ting_tensor run_layer(ting_ctx *ctx, const void *self, const ting_tensor *inputs)
{
    const layer_call *call = self;
    ting_conformer_run run = call->run;
    run.mode = &call->mode;
    return ting_conformer_layer_forward(ctx, call->model, call->index, inputs[0], &run);
}

ting_tensor ting_conformer_forward(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                                   const ting_conformer_mode *mode, int *out_start)
{
    const ting_conformer_config *c = &model->config;
    ting_conformer_run run = {.mode = mode, .rows = {segments.count, out_start}};
    check_call(ctx, model, x, segments, mode);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    x = ting_conformer_embed_forward(ctx, model, x, segments, mode->states, out_start);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    make_keys(ctx, &run);
    if (ctx->err == TING_OK)
        make_spans(ctx, model, &run);
    if (ctx->err == TING_OK)
        make_positions(ctx, model, &run);
    x = ting_scale(ctx, x, (ting_real)sqrt((double)c->dim));
    if (c->positions == TING_POSITIONS_ABSOLUTE) {
        x = ting_add(ctx, x, run.positions);
    } else { /* the reference drops elements of the encodings too */
        run.positions = ting_dropout(ctx, run.positions, c->position_dropout);
        run.positions.grad = NULL; /* nobody wants it */
    }
    x = ting_dropout_in_place(ctx, x, c->position_dropout);
    ting_ctx_see(ctx, x, "encoder.embed");
    for (int s = 0; mode->states != NULL && s < segments.count; s++)
        if (ctx->err == TING_OK && ting_conformer_state_reserve(mode->states[s], run.keys.start[s + 1] - run.keys.start[s]))
            ting_ctx_fail(ctx, TING_ERR_MEMORY, "out of memory for the keys of a stream");
    for (int i = 0; i < c->layers; i++) {
        const layer_call call = {model, i, run, *mode};
        if (c->recompute) {
            x = ting_recompute(ctx, &(ting_part){run_layer, &call, sizeof call}, &x, 1, x.rows, x.cols);
        } else {
            const ting_scope scope = ting_scope_open(ctx, x.rows, x.cols);
            x = ting_scope_close(ctx, &scope, run_layer(ctx, &call, &x));
        }
        ting_ctx_see(ctx, x, "encoder.encoders.%d", i);
    }
    for (int s = 0; mode->states != NULL && s < segments.count && ctx->err == TING_OK; s++) {
        ting_conformer_state *state = mode->states[s];
        state->rows += out_start[s + 1] - out_start[s];
        state->kept = ting_conformer_keep(state, run.keys.start[s + 1] - run.keys.start[s]);
    }
    return ting_layer_norm(ctx, x, model->after.weight, model->after.bias, (ting_real)1e-5);
}
