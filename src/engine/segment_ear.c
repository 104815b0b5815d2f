/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_ear.c - see ears.h. Sound is measured in units: the samples of one row of the encoder. Segments begin and end
 * between units, so that row r of the sound is unit r whichever segment it came from.
 *
 *     buffer:  | before | segment ............ | context | not looked at
 *                 rows dropped  rows given         rows dropped
 *
 * A sound without a pause that is shorter than `longest` is one segment: what the network says of it is what its reference
 * says of that utterance.
 */
#include "engine/ears.h"

#include "base/mem.h"
#include "engine/cutter.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 2048 }; /* of a segment: attention takes memory with the square of them */
static const double context_seconds = 0.3, short_pause = 0.24, longest_segment = 30;

struct ting_segment_ear {
    ting_hearing_run *run;
    ting_cutter_options options;
    ting_cutter cutter;
    int unit;       /* samples */
    float *samples; /* [count] from the beginning of `before` */
    size_t count, room;
    size_t measured; /* whole units of them that the cutter has seen */
    int before;     /* units before the segment */
};

/* Units of context that give the last row of a segment all that it looks ahead, at least `least`. */
static int context_units(const ting_am *am, int unit, int least)
{
    const int frames = ting_encoder_least(&am->net->config.encoder);
    while (ting_feature_frames(&am->features, (size_t)(least + 1) * (size_t)unit) < (size_t)frames)
        least++;
    return least;
}

ting_err ting_segment_ear_new(ting_hearing_run *run, double pause, double longest, ting_segment_ear **out)
{
    ting_err err = TING_OK;
    const ting_feature_config *features = &run->am->features;
    *out = NULL;
    ting_segment_ear *ear = ting_alloc(1, sizeof *ear);
    if (ear == NULL)
        return TING_ERR_MEMORY;
    ear->run = run;
    if (!ting_encoder_hears_whole(&run->am->net->config.encoder))
        FAIL(TING_ERR_UNSUPPORTED, "the acoustic model can only stream: its file holds positions for chunks, none for whole segments");
    ear->unit = ting_encoder_step(&run->am->net->config.encoder) * features->shift;
    const double seconds = (double)ear->unit / features->rate;
    ear->options = (ting_cutter_options){.pause = (int)ceil(pause / seconds),
                                         .short_pause = (int)ceil(short_pause / seconds),
                                         .longest = (int)fmin(fmin(longest, longest_segment) / seconds, MOST_ROWS),
                                         .context = context_units(run->am, ear->unit, (int)ceil(context_seconds / seconds)),
                                         .seconds = seconds};
    ting_segment_ear_reset(ear);
    *out = ear;
    ear = NULL;
out:
    ting_segment_ear_free(ear);
    return err;
}

void ting_segment_ear_free(ting_segment_ear *ear)
{
    if (ear == NULL)
        return;
    ting_cutter_free(&ear->cutter);
    ting_free(ear->samples);
    ting_free(ear);
}

void ting_segment_ear_reset(ting_segment_ear *ear)
{
    ting_cutter_start(&ear->cutter, &ear->options);
    ear->count = ear->measured = 0;
    ear->before = 0;
}

/* The network on the first `count` samples; rows of the segment that begins behind `before` go out, `rows` of them, or
 * all that there are with -1. */
static ting_err run_segment(ting_segment_ear *ear, size_t count, int rows)
{
    ting_err err = TING_OK;
    const ting_am *am = ear->run->am;
    float *frames = NULL;
    size_t found = 0;
    TRY(ting_feature_compute(&am->features, am->cmvn.dim > 0 ? &am->cmvn : NULL, ear->samples, count, &frames, &found));
    const int total = ting_encoder_rows(&am->net->config.encoder, (int)found);
    const int keep = rows < 0 ? total - ear->before : rows;
    if (keep > 0)
        TRY(ting_hear_frames(ear->run, frames, (int)found, NULL, ear->before, keep));
out:
    ting_free(frames);
    return err;
}

/* Drops the segment, but for the context of the next. */
static void drop(ting_segment_ear *ear, int length)
{
    const int have = ear->before + length, before = have < ear->options.context ? have : ear->options.context;
    const size_t gone = (size_t)(have - before);
    ear->count -= gone * (size_t)ear->unit;
    memmove(ear->samples, ear->samples + gone * (size_t)ear->unit, ear->count * sizeof *ear->samples);
    ear->measured -= gone;
    ear->before = before;
}

static double mean_square(const float *samples, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum / count;
}

ting_err ting_segment_ear_accept(ting_segment_ear *ear, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    int length;
    bool pause;
    TRY(ting_reserve(&ear->samples, ear->count, count, &ear->room, sizeof *ear->samples));
    memcpy(ear->samples + ear->count, samples, count * sizeof *samples);
    ear->count += count;
    while ((ear->measured + 1) * (size_t)ear->unit <= ear->count) {
        TRY(ting_cutter_add(&ear->cutter, mean_square(ear->samples + ear->measured++ * (size_t)ear->unit, ear->unit)));
        while (ting_cutter_next(&ear->cutter, &length, &pause)) {
            TRY(run_segment(ear, (size_t)(ear->before + length + ear->options.context) * (size_t)ear->unit, length));
            drop(ear, length);
            if (pause && ear->run->sink.pause != NULL)
                TRY(ear->run->sink.pause(ear->run->sink.self));
        }
    }
out:
    return err;
}

/* What is left is the last segment. A sound too short for one row is filled with silence. */
ting_err ting_segment_ear_finish(ting_segment_ear *ear)
{
    ting_err err = TING_OK;
    const ting_am *am = ear->run->am;
    const size_t least = (size_t)(ear->options.context + 1) * (size_t)ear->unit;
    if (ear->count == 0)
        goto out;
    if (ting_feature_frames(&am->features, ear->count) < (size_t)ting_encoder_least(&am->net->config.encoder)) {
        TRY(ting_reserve(&ear->samples, ear->count, least - ear->count, &ear->room, sizeof *ear->samples));
        memset(ear->samples + ear->count, 0, (least - ear->count) * sizeof *ear->samples);
        TRY(run_segment(ear, least, 1));
    } else {
        TRY(run_segment(ear, ear->count, -1));
    }
out:
    return err;
}
