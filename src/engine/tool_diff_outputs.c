/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_diff_outputs.c - two acoustic encoders on the same sound; see tool_diff.h.
 *
 * Both hear the same features, as one call of the streaming network. The first run keeps every named output (ctx.h's tap),
 * the second is compared with it output by output.
 */
#include "engine/tool_diff.h"

#include "audio/audio.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/am.h"

#include <math.h>
#include <string.h>

enum { MOST_CHUNKS = 16, MOST_SECONDS = 5 }; /* 16 of the usual chunks are 5 s: outputs of one run take a few MB */

typedef struct kept { /* an output of the first run */
    char *name;
    int rows, cols;
    ting_real *values; /* [rows, cols] */
} kept;

typedef struct recorder {
    const ting_diff_options *options;
    ting_str *out;
    kept *outputs;
    size_t count, room;
    size_t seen, differing; /* in the second run */
    double last;            /* relative RMS of the last output */
    ting_err err;
} recorder;

static ting_err keep(recorder *r, const char *name, ting_tensor value)
{
    if (ting_reserve(&r->outputs, r->count, 1, &r->room, sizeof *r->outputs) != TING_OK)
        return TING_ERR_MEMORY;
    kept *output = &r->outputs[r->count++];
    *output = (kept){.name = ting_strdup(name), .rows = value.rows, .cols = value.cols};
    output->values = ting_alloc((size_t)value.rows * (size_t)value.cols, sizeof *output->values);
    if (output->name == NULL || output->values == NULL)
        return TING_ERR_MEMORY;
    for (int t = 0; t < value.rows; t++)
        memcpy(output->values + (size_t)t * (size_t)value.cols, ting_row(value, t), (size_t)value.cols * sizeof(ting_real));
    return TING_OK;
}

static void see_first(void *self, const char *name, ting_tensor value)
{
    recorder *r = self;
    if (r->err == TING_OK)
        r->err = keep(r, name, value);
}

static double relative_rms(const kept *a, ting_tensor b)
{
    double squares = 0, differences = 0;
    for (int t = 0; t < b.rows; t++)
        for (int k = 0; k < b.cols; k++) {
            double x = (double)a->values[(size_t)t * (size_t)b.cols + (size_t)k], y = (double)ting_row(b, t)[k];
            squares += x * x;
            differences += (x - y) * (x - y);
        }
    if (differences == 0)
        return 0;
    return squares > 0 ? sqrt(differences / squares) : (double)INFINITY;
}

static void see_second(void *self, const char *name, ting_tensor value)
{
    recorder *r = self;
    if (r->err != TING_OK || r->seen >= r->count)
        return;
    const kept *a = &r->outputs[r->seen++];
    if (strcmp(a->name, name) != 0 || a->rows != value.rows || a->cols != value.cols) {
        r->err = ting_fail(TING_ERR_MODEL, "the encoders are of different shape: output %s [%d, %d] against %s [%d, %d]",
                           a->name, a->rows, a->cols, name, value.rows, value.cols);
        return;
    }
    r->last = relative_rms(a, value);
    if (r->last <= r->options->tolerance)
        return;
    if (r->differing++ == 0 || r->options->all)
        ting_str_addf(r->out, "output %s [%d, %d]: relative RMS %.3g\n", name, value.rows, value.cols, r->last);
}

static ting_err open_model(const char *path, ting_precision precision, ting_am *out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    if (ting_file_is_folder(path))
        return ting_am_open_folder(path, precision, out);
    TRY(ting_gguf_open(path, &file));
    TRY(ting_am_open(&file, precision, out));
out:
    ting_gguf_close(&file);
    return err;
}

/* Frames for one run: of a streaming model whole chunks, of another an utterance; 0: too few. */
static int usable_frames(const ting_am *am, const ting_encoder_state *state, int count)
{
    if (state == NULL) {
        const int most = MOST_SECONDS * am->features.rate / am->features.shift;
        count = count < most ? count : most;
        return count < ting_encoder_least(&am->net->config.encoder) ? 0 : count;
    }
    int chunks = MOST_CHUNKS;
    while (chunks > 0 && ting_encoder_frames(state, chunks) > count)
        chunks--;
    return chunks > 0 ? ting_encoder_frames(state, chunks) : 0;
}

static ting_err forward(const ting_am *am, const float *frames, int count, const ting_tap *tap)
{
    ting_err err = TING_OK;
    ting_encoder_state *state = NULL;
    ting_arena *arena = ting_arena_new(1 << 20);
    const int dim = ting_feature_dim(&am->features);
    if (arena == NULL)
        return TING_ERR_MEMORY;
    if (ting_encoder_streams(&am->net->config.encoder))
        TRY(ting_encoder_state_new(am->net->encoder, &state));
    const int used = usable_frames(am, state, count);
    if (used == 0)
        FAIL(TING_ERR_ARGUMENT, "the sound is shorter than the model can hear: %d frames, %d needed", count,
             state != NULL ? ting_encoder_frames(state, 1) : ting_encoder_least(&am->net->config.encoder));
    int starts[2] = {0, used}, out_starts[2];
    ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect()), .tap = tap};
    ting_tensor x = ting_ctx_constant(&ctx, used, dim);
    for (int t = 0; t < x.rows; t++)
        for (int k = 0; k < dim; k++)
            ting_row(x, t)[k] = (ting_real)frames[(size_t)t * (size_t)dim + (size_t)k];
    ting_encoder_forward(&ctx, am->net->encoder, x, (ting_segments){1, starts},
                         &(ting_encoder_mode){.states = state != NULL ? (ting_encoder_state *[]){state} : NULL}, out_starts);
    err = ctx.err;
out:
    ting_encoder_state_free(state);
    ting_arena_free(arena);
    return err;
}

static ting_err run(const ting_am *am, const float *samples, size_t sample_count, const ting_tap *tap)
{
    ting_err err = TING_OK;
    float *frames = NULL;
    size_t count = 0;
    TRY(ting_feature_compute(&am->features, am->cmvn.dim > 0 ? &am->cmvn : NULL, samples, sample_count, &frames, &count));
    TRY(forward(am, frames, count > 1 << 20 ? 1 << 20 : (int)count, tap));
out:
    ting_free(frames);
    return err;
}

ting_err ting_tool_diff_outputs(const ting_diff_options *options, ting_str *out, bool *same)
{
    ting_err err = TING_OK;
    ting_am a = {0}, b = {0};
    recorder r = {.options = options, .out = out};
    float *samples = NULL;
    size_t sample_count;
    TRY(open_model(options->a, options->precision_a, &a));
    TRY(open_model(options->b, options->precision_b, &b));
    TRY(ting_feature_agree(&a.features, options->a, &b.features, options->b));
    TRY(ting_audio_load(options->sound, &(ting_audio_options){.rate = a.features.rate}, &samples, &sample_count, NULL));
    TRY(run(&a, samples, sample_count, &(ting_tap){see_first, &r}));
    TRY(r.err);
    TRY(run(&b, samples, sample_count, &(ting_tap){see_second, &r}));
    TRY(r.err);
    *same = r.differing == 0;
    if (r.differing > 0)
        ting_str_addf(out, "%zu of %zu outputs differ; the last, %s, by a relative RMS of %.3g\n", r.differing, r.count,
                      r.outputs[r.count - 1].name, r.last);
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
out:
    for (size_t i = 0; i < r.count; i++) {
        ting_free(r.outputs[i].name);
        ting_free(r.outputs[i].values);
    }
    ting_free(r.outputs);
    ting_free(samples);
    ting_am_free(&a);
    ting_am_free(&b);
    return err;
}
