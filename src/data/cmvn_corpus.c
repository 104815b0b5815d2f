/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmvn_corpus.c - the sounds of a manifest -> sums of their features over all frames -> a file for cmvn=global
 * (tingxie_train.h; what compute_cmvn_stats.py does for WeNet).
 *
 * A block of clips at a time: each clip's sums by any thread, then added up in the order of the manifest.
 */
#include "tingxie_train.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "data/manifest.h"
#include "data/remarks.h"
#include "data/sound.h"
#include "feat/cmvn.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, LONGEST = 600, SAID = 10 }; /* clips; seconds; clips left out that are named */

typedef struct clip_sums {
    ting_err err;
    char why[256];
    size_t frames, samples;
    double *sum; /* [2 dim] sums, squares; borrowed */
} clip_sums;

typedef struct job {
    const ting_cmvn_options *options;
    ting_cmvn_counts *counts;
    ting_log log;
    ting_feature_config features;
    ting_manifest *manifest;
    ting_pool *pool;
    size_t first; /* of the block */
    clip_sums block[BLOCK];
    double *sums; /* [BLOCK + 1, 2 dim] those of the block, then of all */
} job;

/* What is summed is not normalised. */
static ting_err read_features(const char *settings, ting_feature_config *out)
{
    ting_err err = TING_OK;
    TRY(ting_feature_parse(settings != NULL ? settings : "icefall", out));
    if (out->cmvn != TING_CMVN_NONE && out->cmvn != TING_CMVN_GLOBAL)
        FAIL(TING_ERR_ARGUMENT, "features \"%s\" are normalised by each recording's own mean: add cmvn=global", settings);
    out->cmvn = TING_CMVN_NONE;
out:
    return err;
}

static void add(const float *frames, size_t count, size_t dim, double *sum)
{
    for (size_t t = 0; t < count; t++, frames += dim)
        for (size_t i = 0; i < dim; i++) {
            sum[i] += (double)frames[i];
            sum[dim + i] += (double)frames[i] * (double)frames[i];
        }
}

/* Clip `index` of the block. */
static void hear(void *self, int index)
{
    ting_err err = TING_OK;
    job *j = self;
    clip_sums *out = &j->block[index];
    const ting_clip *clip = ting_manifest_at(j->manifest, j->first + (size_t)index);
    const size_t dim = (size_t)ting_feature_dim(&j->features), most = (size_t)LONGEST * TING_SOUND_RATE;
    ting_sound sound = {0};
    float *frames = NULL;
    *out = (clip_sums){.sum = j->sums + (size_t)index * 2 * dim};
    memset(out->sum, 0, 2 * dim * sizeof *out->sum);
    TRY(ting_sound_load_piece(clip->path, clip->start, clip->seconds, most + 1, &sound));
    if (sound.count > most)
        FAIL(TING_ERR_FORMAT, "it lasts more than %d s", (int)LONGEST);
    TRY(ting_feature_compute(&j->features, NULL, sound.samples, sound.count, &frames, &out->frames));
    add(frames, out->frames, dim, out->sum);
    out->samples = sound.count;
out:
    out->err = err;
    if (err != TING_OK)
        snprintf(out->why, sizeof out->why, "%s", ting_error_message());
    ting_free(frames);
    ting_sound_free(&sound);
}

static ting_err take(job *j, size_t count)
{
    const size_t width = 2 * (size_t)ting_feature_dim(&j->features);
    double *total = j->sums + BLOCK * width;
    for (size_t i = 0; i < count; i++) {
        const clip_sums *c = &j->block[i];
        if (c->err == TING_ERR_MEMORY)
            return ting_fail(c->err, "%s", c->why);
        if (c->err != TING_OK && j->counts->left_out++ < SAID)
            ting_log_write(&j->log, TING_LOG_WARNING, "left out %s: %s", ting_manifest_at(j->manifest, j->first + i)->id,
                           c->why);
        if (c->err != TING_OK)
            continue;
        for (size_t k = 0; k < width; k++)
            total[k] += c->sum[k];
        j->counts->clips++;
        j->counts->frames += c->frames;
        j->counts->seconds += (double)c->samples / TING_SOUND_RATE;
    }
    return TING_OK;
}

static ting_err hear_all(job *j)
{
    ting_err err = TING_OK;
    const ting_cmvn_options *o = j->options;
    const size_t clips = ting_manifest_count(j->manifest);
    for (size_t count; j->first < clips; j->first += count) {
        count = clips - j->first < BLOCK ? clips - j->first : BLOCK;
        if (o->stop != NULL && o->stop(o->self) != 0)
            FAIL(TING_ERR_CANCELLED, "cancelled before clip %zu of %zu", j->first, clips);
        ting_pool_run(j->pool, (int)count, hear, j);
        TRY(take(j, count));
        if (o->progress != NULL)
            o->progress(o->self, j->first + count, clips);
    }
    if (j->counts->frames == 0)
        FAIL(TING_ERR_ARGUMENT, "%s: none of its %zu clips can be used", o->manifest, clips);
out:
    return err;
}

static ting_err save(const job *j)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    const int dim = ting_feature_dim(&j->features);
    const double *total = j->sums + (size_t)BLOCK * 2 * (size_t)dim;
    ting_cmvn_print(dim, total, total + dim, j->counts->frames, &text);
    if (!ting_str_ok(&text))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", j->options->output);
    TRY(ting_file_save(j->options->output, text.text, text.length));
out:
    ting_str_free(&text);
    return err;
}

ting_err ting_compute_cmvn(const ting_cmvn_options *options, ting_cmvn_counts *counts)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    if (options->manifest == NULL || options->output == NULL)
        return ting_fail(TING_ERR_ARGUMENT, "no %s is named", options->manifest == NULL ? "manifest" : "output");
    job *j = ting_alloc(1, sizeof *j);
    *counts = (ting_cmvn_counts){0};
    if (j == NULL)
        return TING_ERR_MEMORY;
    j->options = options;
    j->counts = counts;
    j->log = ting_remarks_log(&remarks);
    TRY(read_features(options->features, &j->features));
    TRY(ting_file_apart(options->manifest, options->output));
    TRY(ting_manifest_read(options->manifest,
                           &(ting_manifest_options){.base = options->base, .only = options->only, .bad = &j->log},
                           &j->manifest));
    j->sums = ting_alloc((BLOCK + 1) * 2 * (size_t)ting_feature_dim(&j->features), sizeof *j->sums);
    j->pool = ting_pool_new(options->threads > 0 ? options->threads : ting_cpu_count());
    if (j->sums == NULL || j->pool == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", options->manifest);
    TRY(hear_all(j));
    TRY(save(j));
out:
    ting_pool_free(j->pool);
    ting_manifest_free(j->manifest);
    ting_free(j->sums);
    ting_free(j);
    return err;
}
