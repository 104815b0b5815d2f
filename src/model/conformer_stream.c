/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformer_stream.c - what a stream remembers between calls: the frames that the subsampling sees again, keys and values of
 * the last chunks, and the last inputs of each depthwise convolution.
 *
 * With a limit to the left nothing grows; without one, keys and values grow with the stream, as they must.
 */
#include "model/conformer_parts.h"

#include "base/mem.h"

int ting_conformer_keep(const ting_conformer_state *state, int have)
{
    const int most = state->left < 0 ? have : state->left * state->chunk;
    return have < most ? have : most;
}

ting_err ting_conformer_state_reserve(ting_conformer_state *state, int rows)
{
    const ting_conformer_config *c = &state->model->config;
    const int room = rows > 2 * state->room ? rows : 2 * state->room;
    if (rows <= state->room)
        return TING_OK;
    for (int i = 0; i < c->layers; i++) {
        ting_real **const blocks[] = {&state->layer[i].key, &state->layer[i].value};
        for (int b = 0; b < 2; b++) {
            ting_real *grown = ting_grow(*blocks[b], (size_t)state->room * (size_t)c->dim, (size_t)room * (size_t)c->dim,
                                         sizeof *grown);
            if (grown == NULL)
                return TING_ERR_MEMORY;
            *blocks[b] = grown;
        }
    }
    state->room = room;
    return TING_OK;
}

ting_err ting_conformer_state_new(const ting_conformer *model, int chunk, int left, ting_conformer_state **out)
{
    ting_err err = TING_OK;
    const ting_conformer_config *c = &model->config;
    ting_conformer_state *state = NULL;
    *out = NULL;
    if (!c->causal)
        FAIL(TING_ERR_MODEL, "conformer: the model is not causal: it cannot stream");
    if (chunk < 1 || chunk > 4096 || left > 4096)
        FAIL(TING_ERR_ARGUMENT, "conformer: chunks of %d rows with %d chunks to the left, expected 1 to 4096", chunk, left);
    state = ting_alloc(1, sizeof *state);
    if (state == NULL)
        return TING_ERR_MEMORY;
    *state = (ting_conformer_state){.model = model, .chunk = chunk, .left = left};
    const size_t kept = (size_t)(ting_conformer_sight(c) - c->subsampling);
    state->frames = ting_alloc(kept * (size_t)c->features, sizeof *state->frames);
    state->layer = ting_alloc((size_t)c->layers, sizeof *state->layer);
    bool well = state->frames != NULL && state->layer != NULL;
    for (int i = 0; well && i < c->layers; i++) {
        state->layer[i].conv = ting_alloc((size_t)c->kernel * (size_t)c->dim, sizeof(ting_real));
        well = state->layer[i].conv != NULL;
    }
    if (!well) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    *out = state;
    state = NULL;
out:
    ting_conformer_state_free(state);
    return err;
}

void ting_conformer_state_free(ting_conformer_state *state)
{
    if (state == NULL)
        return;
    for (int i = 0; state->layer != NULL && i < state->model->config.layers; i++) {
        ting_free(state->layer[i].key);
        ting_free(state->layer[i].value);
        ting_free(state->layer[i].conv);
    }
    ting_free(state->layer);
    ting_free(state->frames);
    ting_free(state);
}

void ting_conformer_state_reset(ting_conformer_state *state)
{
    state->kept = 0;
    state->rows = 0;
}

int ting_conformer_frames(const ting_conformer *model, const ting_conformer_state *state, int chunks)
{
    const ting_conformer_config *c = &model->config;
    const int ahead = ting_conformer_sight(c) - c->subsampling;
    return c->subsampling * state->chunk * chunks + (state->rows > 0 ? 0 : ahead);
}
