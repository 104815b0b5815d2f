/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_teacher.c - see am_teacher.h. A teacher that streams hears all utterances of a batch as streams side by side, as many
 * chunks each as the longest needs; what follows a shorter one's end is silence.
 */
#include "train/am_teacher.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/am.h"

#include <string.h>

enum { BLOCK = 16 << 20 };

struct ting_am_teacher {
    ting_am am;
    ting_arena *arena;
    ting_encoder_state **states; /* [state_count], made as they are needed */
    size_t state_count, state_room;
};

ting_err ting_am_teacher_open(const char *path, ting_precision precision, ting_am_teacher **out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    *out = NULL;
    ting_am_teacher *t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    t->arena = ting_arena_new(BLOCK);
    if (t->arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a teacher");
    if (ting_file_is_folder(path)) {
        TRY(ting_am_open_folder(path, precision, &t->am));
    } else {
        TRY(ting_gguf_open(path, &file));
        TRY(ting_am_open(&file, precision, &t->am));
    }
    if (t->am.net->transducer == NULL)
        FAIL(TING_ERR_MODEL, "%s: a teacher must have a transducer", path);
    *out = t;
    t = NULL;
out:
    ting_gguf_close(&file);
    ting_am_teacher_free(t);
    return err;
}

void ting_am_teacher_free(ting_am_teacher *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->state_count; i++)
        ting_encoder_state_free(t->states[i]);
    ting_free(t->states);
    ting_am_free(&t->am);
    ting_arena_free(t->arena);
    ting_free(t);
}

const ting_feature_config *ting_am_teacher_features(const ting_am_teacher *teacher)
{
    return &teacher->am.features;
}

int ting_am_teacher_width(const ting_am_teacher *teacher)
{
    return ting_transducer_settings(teacher->am.net->transducer)->joiner_dim;
}

/* `count` states at the beginning of a stream. */
static ting_err take_states(ting_am_teacher *t, int count)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&t->states, t->state_count, (size_t)count, &t->state_room, sizeof *t->states));
    for (; t->state_count < (size_t)count; t->state_count++)
        TRY(ting_encoder_state_new(t->am.net->encoder, &t->states[t->state_count]));
    for (int i = 0; i < count; i++)
        ting_encoder_state_reset(t->states[i]);
out:
    return err;
}

/* Features of silence: digital silence as the front end shows it is the floor of the logarithm; the quietest value that is
 * there is nearer to what a recording ends with. */
static float quiet_value(const float *values, size_t count)
{
    float least = 0;
    for (size_t i = 0; i < count; i++)
        least = i == 0 || values[i] < least ? values[i] : least;
    return least;
}

/* All utterances at the same length of `frames`, one after the other. */
static ting_tensor pad(ting_ctx *ctx, const ting_speech_batch *batch, int dim, int frames)
{
    const int each = batch->utterances;
    ting_tensor x = ting_ctx_constant(ctx, each * frames, dim);
    if (ctx->err != TING_OK)
        return x;
    for (int u = 0; u < each; u++) {
        const int first = batch->frames.start[u], there = batch->frames.start[u + 1] - first, taken = there < frames ? there : frames;
        const float *values = batch->clean + (size_t)first * (size_t)dim, quiet = quiet_value(values, (size_t)there * (size_t)dim);
        ting_real *to = ting_row(x, u * frames);
        memcpy(to, values, (size_t)taken * (size_t)dim * sizeof *to);
        for (size_t i = (size_t)taken * (size_t)dim; i < (size_t)frames * (size_t)dim; i++)
            to[i] = quiet;
    }
    return x;
}

static ting_tensor hear_streams(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows)
{
    const ting_encoder_config *config = &t->am.net->config.encoder;
    const int each = batch->utterances, chunk = ting_encoder_chunk_rows(config), dim = ting_encoder_features(config);
    int most = 1;
    for (int u = 0; u < each; u++)
        most = rows.start[u + 1] - rows.start[u] > most ? rows.start[u + 1] - rows.start[u] : most;
    const int chunks = (most + chunk - 1) / chunk;
    if (take_states(t, each) != TING_OK)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "out of memory for %d streams of a teacher", each);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const int frames = ting_encoder_frames(t->states[0], chunks);
    int *in = ting_ctx_ints(ctx, each + 1), *out = ting_ctx_ints(ctx, each + 1);
    ting_tensor x = pad(ctx, batch, dim, frames);
    for (int u = 0; u <= each && ctx->err == TING_OK; u++)
        in[u] = u * frames;
    ting_tensor y = ting_encoder_forward(ctx, t->am.net->encoder, x, (ting_segments){each, in}, &(ting_encoder_mode){.states = t->states}, out);
    ting_tensor own = ting_ctx_constant(ctx, rows.start[each], y.cols);
    for (int u = 0; u < each && ctx->err == TING_OK; u++)
        for (int r = rows.start[u]; r < rows.start[u + 1]; r++)
            memcpy(ting_row(own, r), ting_row(y, out[u] + r - rows.start[u]), (size_t)y.cols * sizeof(ting_real));
    return own;
}

static ting_tensor hear_whole(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows)
{
    const int each = batch->utterances;
    int *starts = ting_ctx_ints(ctx, each + 1);
    ting_tensor x = {.data = batch->clean, .rows = batch->frames.start[each], .cols = ting_encoder_features(&t->am.net->config.encoder)};
    x.ld = x.cols;
    ting_tensor y = ting_encoder_forward(ctx, t->am.net->encoder, x, (ting_segments){each, batch->frames.start}, &(ting_encoder_mode){0}, starts);
    for (int u = 0; u <= each && ctx->err == TING_OK; u++)
        if (starts[u] != rows.start[u])
            ting_ctx_fail(ctx, TING_ERR_MODEL, "%d rows before utterance %d, the pupil has %d: it must have the same subsampling", starts[u], u,
                          rows.start[u]);
    return y;
}

ting_tensor ting_am_teach(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows)
{
    ting_arena_reset(t->arena);
    ting_ctx own = {.arena = t->arena, .pool = ctx->pool, .kern = ctx->kern};
    ting_tensor y = ting_encoder_streams(&t->am.net->config.encoder) ? hear_streams(t, &own, batch, rows) : hear_whole(t, &own, batch, rows);
    y = ting_transducer_project_encoder(&own, t->am.net->transducer, y);
    if (own.err != TING_OK)
        ting_ctx_fail(ctx, own.err, "the teacher: %s", ting_error_message());
    return y;
}
