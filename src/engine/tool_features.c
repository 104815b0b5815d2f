/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_features.c - see tool_features.h.
 *
 *     sound -> blocks -> fbank -> (global CMVN) -> sink          as it comes
 *     sound -> all of it -> features and CMVN -> sink            log-mel, and CMVN by the recording itself
 */
#include "engine/tool_features.h"

#include "audio/audio.h"
#include "audio/pcm.h"
#include "engine/spectrogram.h"
#include "feat/cmvn.h"
#include "feat/fbank.h"
#include "model/gguf.h"
#include "model/npy.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 16000, ROWS = 256 }; /* samples and frames at a time */

typedef struct sink {
    const ting_features_options *options;
    ting_feature_config config;
    size_t dim, frames;
    FILE *out;
    FILE *rows; /* NPY: the header needs their number, so they wait here */
    ting_spectrogram *picture;
} sink;

static ting_err sink_open(sink *s)
{
    ting_err err = TING_OK;
    ting_str settings = {0};
    switch (s->options->format) {
    case TING_FEATURES_TSV: break;
    case TING_FEATURES_JSON:
        ting_feature_print(&s->config, &settings);
        ting_number_fprint(
            s->out,
            "{\"settings\": \"%s\",\n\"seconds_per_frame\": %.9g,\n\"dim\": %zu,\n\"frames\": [",
            ting_str_ok(&settings) ? settings.text : "", (double)s->config.shift / s->config.rate,
            s->dim);
        break;
    case TING_FEATURES_NPY:
        s->rows = ting_file_temporary();
        if (s->rows == NULL)
            FAIL(TING_ERR_IO, "a temporary file cannot be made: %s", strerror(errno));
        break;
    case TING_FEATURES_SVG:
    case TING_FEATURES_PNG: TRY(ting_spectrogram_new(&s->config, &s->picture)); break;
    }
out:
    ting_str_free(&settings);
    return err;
}

static void print_row(const sink *s, const float *row, const char *between)
{
    for (size_t i = 0; i < s->dim; i++)
        ting_number_fprint(s->out, "%s%.9g", i > 0 ? between : "", (double)row[i]);
}

static ting_err sink_add(sink *s, const float *frames, size_t count)
{
    ting_err err = TING_OK;
    if (s->picture != NULL)
        ting_spectrogram_add(s->picture, frames, count);
    if (s->rows != NULL && fwrite(frames, s->dim * sizeof *frames, count, s->rows) != count)
        FAIL(TING_ERR_IO, "the temporary file cannot be written: %s", strerror(errno));
    for (size_t t = 0; t < count && s->options->format <= TING_FEATURES_JSON; t++) {
        bool json = s->options->format == TING_FEATURES_JSON;
        if (json)
            fputs(s->frames + t > 0 ? ",\n[" : "\n[", s->out);
        print_row(s, frames + t * s->dim, json ? ", " : "\t");
        fputs(json ? "]" : "\n", s->out);
    }
    s->frames += count;
    if (ferror(s->out))
        FAIL(TING_ERR_IO, "the features cannot be written: %s", strerror(errno));
out:
    return err;
}

static ting_err write_npy(sink *s)
{
    ting_err err = TING_OK;
    ting_str head = {0};
    char block[4096];
    size_t got;
    ting_npy_head(&head, TING_DTYPE_F32, 2, (int64_t[]){(int64_t)s->frames, (int64_t)s->dim});
    if (!ting_str_ok(&head)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    fwrite(head.text, 1, head.length, s->out);
    rewind(s->rows);
    while ((got = fread(block, 1, sizeof block, s->rows)) > 0)
        fwrite(block, 1, got, s->out);
    if (ferror(s->rows))
        FAIL(TING_ERR_IO, "the temporary file cannot be read: %s", strerror(errno));
out:
    ting_str_free(&head);
    return err;
}

static ting_err sink_close(sink *s, const char *title)
{
    ting_err err = TING_OK;
    ting_str file = {0};
    switch (s->options->format) {
    case TING_FEATURES_TSV: break;
    case TING_FEATURES_JSON: fputs("\n]}\n", s->out); break;
    case TING_FEATURES_NPY: TRY(write_npy(s)); break;
    case TING_FEATURES_SVG: TRY(ting_spectrogram_svg(s->picture, title, &file)); break;
    case TING_FEATURES_PNG: TRY(ting_spectrogram_png(s->picture, &file)); break;
    }
    if (file.length > 0)
        fwrite(file.text, 1, file.length, s->out);
    if (fflush(s->out) != 0 || ferror(s->out))
        FAIL(TING_ERR_IO, "the features cannot be written: %s", strerror(errno));
out:
    ting_str_free(&file);
    return err;
}

static ting_err ask(const ting_features_options *options, const ting_audio_info *info)
{
    double done = info->expected > 0 ? (double)info->delivered / (double)info->expected : -1;
    if (options->go_on != NULL && !options->go_on(options->self, done > 1 ? 1 : done))
        return ting_fail(TING_ERR_CANCELLED, "stopped on request");
    return TING_OK;
}

static bool stop_waiting(void *self)
{
    const ting_features_options *options = self;
    return options->go_on != NULL && !options->go_on(options->self, -1);
}

static ting_err run_stream(sink *s, const ting_cmvn *cmvn, const char *path,
                           const ting_audio_options *how)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    ting_fbank *fbank = NULL;
    size_t count = 0, rows = 0;
    float *samples = ting_alloc(BLOCK, sizeof *samples),
          *frames = ting_alloc(ROWS * s->dim, sizeof *frames);
    if (samples == NULL || frames == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_fbank_new(&s->config, &fbank));
    TRY(ting_audio_open(path, how, &audio));
    do {
        TRY(ting_audio_read(audio, samples, BLOCK, &count));
        if (count > 0)
            TRY(ting_fbank_accept(fbank, samples, count));
        else
            ting_fbank_finish(fbank);
        while ((rows = ting_fbank_read(fbank, frames, ROWS)) > 0) {
            TRY(ting_cmvn_normalise(&s->config, cmvn, frames, rows));
            TRY(sink_add(s, frames, rows));
        }
        TRY(ask(s->options, ting_audio_describe(audio)));
    } while (count > 0);
out:
    ting_audio_close(audio);
    ting_fbank_free(fbank);
    ting_free(samples);
    ting_free(frames);
    return err;
}

static ting_err run_whole(sink *s, const ting_cmvn *cmvn, const char *path,
                          const ting_audio_options *how)
{
    ting_err err = TING_OK;
    float *samples = NULL, *frames = NULL;
    size_t count = 0, rows = 0;
    TRY(ting_audio_load(path, how, &samples, &count, NULL));
    TRY(ting_feature_compute(&s->config, cmvn, samples, count, &frames, &rows));
    TRY(sink_add(s, frames, rows));
out:
    ting_free(samples);
    ting_free(frames);
    return err;
}

static ting_err read_settings(const ting_features_options *options, ting_feature_config *config)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    const char *text = options->settings;
    if (options->model != NULL && text != NULL)
        FAIL(TING_ERR_ARGUMENT, "settings were given twice: by a model and by themselves");
    if (options->model != NULL) {
        TRY(ting_gguf_open(options->model, &file));
        TRY(ting_keys_text(&(ting_keys){&file, "tingxie.am."}, "features", &text));
    }
    err = ting_feature_parse(text != NULL ? text : "icefall", config);
    if (err != TING_OK && options->model != NULL)
        err = ting_fail_in(err, "%s", options->model);
    else if (err != TING_OK && err != TING_ERR_MEMORY)
        err = TING_ERR_ARGUMENT; /* the words are the caller's */
out:
    ting_gguf_close(&file);
    return err;
}

ting_err ting_tool_features_check(const ting_features_options *options)
{
    ting_err err = TING_OK;
    ting_feature_config config;
    ting_pcm_layout layout;
    TRY(read_settings(options, &config));
    if (options->cmvn == NULL && config.cmvn == TING_CMVN_GLOBAL)
        FAIL(TING_ERR_ARGUMENT, "cmvn=global needs a file of statistics");
    if (options->raw != NULL)
        TRY(ting_pcm_parse(options->raw, &layout));
out:
    return err;
}

ting_err ting_tool_features(const ting_features_options *options, const char *path, FILE *out)
{
    ting_err err = TING_OK;
    ting_cmvn cmvn = {0};
    sink s = {.options = options, .out = out};
    TRY(read_settings(options, &s.config));
    if (options->cmvn != NULL) {
        s.config.cmvn = TING_CMVN_GLOBAL;
        TRY(ting_cmvn_load(options->cmvn, &cmvn));
    } else if (s.config.cmvn == TING_CMVN_GLOBAL) {
        FAIL(TING_ERR_ARGUMENT, "cmvn=global needs a file of statistics");
    }
    s.dim = (size_t)ting_feature_dim(&s.config);
    ting_audio_options how = {options->channel, s.config.rate, options->raw, options->log, stop_waiting, (void *)(uintptr_t)options};
    bool stream = s.config.kind == TING_FEATURE_FBANK && s.config.cmvn <= TING_CMVN_GLOBAL;
    TRY(sink_open(&s));
    TRY((stream ? run_stream : run_whole)(&s, &cmvn, path, &how));
    TRY(sink_close(&s, strcmp(path, "-") == 0 ? "standard input" : ting_path_name(path)));
out:
    if (s.rows != NULL)
        fclose(s.rows);
    ting_spectrogram_free(s.picture);
    ting_cmvn_free(&cmvn);
    return err;
}
