/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_features.c - tingxie features FILE: a sound's features as numbers or as a picture. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/tool_features.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

struct options {
    const char *settings, *model, *cmvn, *output, *raw;
    int channel, format;
};

enum {
    FORMAT_BY_NAME = 5
}; /* behind the last of ting_features_format, in the order of `choices` below */

/* The format that the ending of a file's name stands for, tab-separated lines without one; -1: an unknown ending. */
static int format_of(const char *path)
{
    static const char *const endings[] = {"tsv", "json", "npy", "svg", "png", "txt"};
    const char *name = path != NULL ? ting_path_name(path) : NULL, *dot = name != NULL ? strrchr(name, '.') : NULL;
    if (dot == NULL || dot == name)
        return TING_FEATURES_TSV;
    for (int i = 0; i < 6; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return i < 5 ? i : TING_FEATURES_TSV;
    return -1;
}

static bool go_on(void *self, double done)
{
    if (done >= 0)
        ting_progress_update(self, done * 100, NULL);
    return !ting_cli_interrupted();
}

static ting_exit run(ting_cli *cli, const void *given)
{
    const struct options *options = given;
    ting_file_writer writer = {0};
    ting_progress bar;
    const ting_log log = {ting_cli_log, cli};
    ting_features_options job = {.settings = options->settings,
                                 .model = options->model,
                                 .cmvn = options->cmvn,
                                 .raw = options->raw,
                                 .channel = options->channel,
                                 .log = &log,
                                 .go_on = go_on,
                                 .self = &bar};
    int format = options->format == FORMAT_BY_NAME ? format_of(options->output) : options->format;
    if (format < 0)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "%s: its ending names no format: choose one with -f", options->output);
    job.format = (ting_features_format)format;
    bool binary = job.format == TING_FEATURES_NPY || job.format == TING_FEATURES_PNG;
    if (binary && options->output == NULL && isatty(STDOUT_FILENO))
        return ting_cli_fail(
            cli, TING_EXIT_USAGE,
            "this format is no text: name a file with -o, or redirect standard output");
    const char *const named[] = {cli->inputs[0], options->model, options->cmvn};
    ting_err err = ting_tool_features_check(&job);
    for (size_t i = 0; i < sizeof named / sizeof named[0] && err == TING_OK && options->output != NULL; i++)
        if (named[i] != NULL)
            err = ting_file_apart(named[i], options->output);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    ting_progress_begin(&bar, cli, "features", 100, "%");
    if (options->output != NULL)
        TRY(ting_file_create(options->output, &writer));
    TRY(ting_tool_features(&job, cli->inputs[0], options->output != NULL ? writer.stream : stdout));
    if (options->output != NULL)
        TRY(ting_file_commit(&writer));
out:
    ting_progress_end(&bar);
    ting_file_abandon(&writer);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_error(cli, err);
}

static const ting_option table[] = {
    {'m', "model", TING_OPTION_FILE, offsetof(struct options, model), "MODEL",
     "takes the settings that the acoustic network in this file was trained on"},
    {'s', "settings", TING_OPTION_TEXT, offsetof(struct options, settings), "SETTINGS",
     "icefall, wenet or tutorial, and what differs from it, such as \"icefall bins=40\"",
     .unset = "icefall"},
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE",
     "writes to FILE; its ending chooses the format", .unset = "standard output"},
    {'f', "format", TING_OPTION_CHOICE, offsetof(struct options, format), "FORMAT",
     "tsv and json are text, npy is for NumPy, svg and png are pictures",
     .choices = "tsv json npy svg png auto"},
    {0, "cmvn", TING_OPTION_FILE, offsetof(struct options, cmvn), "FILE",
     "normalises by the statistics in FILE (WeNet's global_cmvn, or a Kaldi text matrix)"},
    {'c', "channel", TING_OPTION_INT, offsetof(struct options, channel), "N",
     "takes channel N, from 1, alone", .min = 1, .max = 1024, .unset = "the mean of all"},
    {0, "raw", TING_OPTION_TEXT, offsetof(struct options, raw), "TYPE:RATE:CHANNELS",
     "reads sound without a header, such as s16le:16000:1"},
    {0},
};

static const struct options defaults = {.format = FORMAT_BY_NAME};

static const ting_example examples[] = {
    {"tingxie features talk.wav", "a line a frame, 80 values with tabs between"},
    {"tingxie features talk.wav -o talk.png", "draws the spectrogram"},
    {"tingxie features -m zipformer.gguf talk.wav -o talk.svg", "what this model hears"},
    {"tingxie features -s wenet talk.flac -o talk.npy",
     "an array for NumPy, in WeNet's convention"},
    {"tingxie features -s \"tutorial cmvn=none\" talk.mp3 -f json",
     "log-mel of the tutorial, not normalised"},
    {"arecord -f S16_LE -r 16000 | tingxie features -", "as it is spoken"},
    {0},
};

const ting_command ting_command_features = {
    .name = "features",
    .summary = "shows what a network hears: features as numbers or as a picture",
    .usage = "[OPTION]... FILE",
    .description = "Computes the features of one sound file (- is standard input) and prints or "
                   "draws them.\n\n"
                   "Three conventions are built in: icefall (Kaldi filterbank, samples in [-1, 1], "
                   "mirrored edges), wenet (Kaldi "
                   "filterbank, 16-bit scale, snipped edges) and tutorial (librosa log-mel with "
                   "peak normalisation). Every setting "
                   "can be changed by a word name=value behind the convention: kind rate scale "
                   "window shift fft window_type blackman "
                   "edges remove_dc preemphasis peak power bins low high mel_scale mel_norm "
                   "mel_linear_in log log_floor log_add energy "
                   "raw_energy energy_floor cmvn.\n\n"
                   "Filterbanks are written as the sound comes in; the log-mel and cmvn=mean, "
                   "mean-variance or whole need the "
                   "whole recording in memory.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
