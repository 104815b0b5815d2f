/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_explain.c - tingxie explain: how a recording became text, as one HTML page. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/tool_model.h"
#include "engine/tool_sound.h"

#include "tingxie.h"

#include <string.h>
#include <unistd.h>

struct options {
    const char *model, *output, *raw, *lm, *rescore_lm, *hotwords;
    int decoding, beam, threads, channel, rescore_lines;
    double begin, end, pause, lm_weight, rescore_weight, hotword_weight;
    bool whole, sound;
};

static ting_err explain(ting_cli *cli, const struct options *o, char **html)
{
    ting_err err = TING_OK;
    ting_model *model = NULL;
    ting_hotword_list *hotwords = NULL;
    ting_progress bar;
    ting_options options;
    ting_model_options model_options;
    ting_explain_options how;
    ting_model_options_defaults(&model_options, sizeof model_options);
    model_options.lm = o->lm;
    model_options.lm_weight = o->lm_weight;
    model_options.rescore_lm = o->rescore_lm;
    model_options.rescore_weight = o->rescore_weight;
    model_options.rescore_lines = o->rescore_lines;
    model_options.log = ting_cli_remark;
    model_options.log_self = cli;
    ting_options_defaults(&options, sizeof options);
    options.decoding = (ting_decoding)o->decoding;
    options.beam = o->beam;
    options.threads = o->threads;
    options.channel = o->channel;
    options.raw = o->raw;
    options.pause = o->pause;
    options.whole = o->whole;
    options.progress = ting_progress_watch;
    options.progress_self = &bar;
    ting_explain_options_defaults(&how, sizeof how);
    how.begin = o->begin;
    how.end = o->end;
    how.sound = o->sound;
    TRY(ting_model_open(o->model, &model_options, &model));
    if (o->output != NULL)
        TRY(ting_tool_model_apart(model, o->output)); /* also of a model that was found by itself */
    if (o->hotwords != NULL)
        TRY(ting_hotword_list_open(model, o->hotwords, o->hotword_weight, &hotwords));
    options.hotwords = hotwords;
    ting_progress_begin(&bar, cli, "explain", 0, "s");
    err = ting_explain_file(model, cli->inputs[0], &options, &how, html);
    ting_progress_end(&bar);
out:
    ting_hotword_list_free(hotwords);
    ting_model_free(model);
    return err;
}

/* Said before the work, not behind it: no file that is named is overwritten, and the page can be written where it shall be. */
static ting_err check_output(const char *sound, const struct options *o)
{
    ting_err err = TING_OK;
    const char *const named[] = {sound, o->model, o->lm, o->rescore_lm, o->hotwords};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (named[i] != NULL)
            TRY(ting_file_apart(named[i], o->output));
    TRY(ting_file_check_place(o->output));
out:
    return err;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_err err = TING_OK;
    char *html = NULL;
    if (o->output == NULL && isatty(STDOUT_FILENO))
        return ting_cli_fail(cli, TING_EXIT_USAGE,
                             "a page is not to be read in a terminal: name a file with -o, or redirect standard output");
    ting_cli_catch_interrupt();
    if (o->raw != NULL)
        TRY(ting_tool_check_raw(o->raw));
    if (o->output != NULL)
        TRY(check_output(cli->inputs[0], o));
    TRY(explain(cli, o, &html));
    if (o->output != NULL)
        TRY(ting_file_save(o->output, html, strlen(html)));
    else
        fputs(html, stdout);
out:
    ting_text_free(html);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

#define FIELD(name) offsetof(struct options, name)

static const ting_option table[] = {
    {'m', "model", TING_OPTION_FILE, FIELD(model), "MODEL", "a .gguf file, a folder with a public model, or the name of a known one",
     .unset = "the first one in TING_MODELS, models/ or the data folder"},
    {'o', "output", TING_OPTION_FILE, FIELD(output), "PAGE.html", "write the page there", .unset = "standard output"},
    {0, "begin", TING_OPTION_REAL, FIELD(begin), "SECONDS", "explain the sound from here on", .min = 0, .max = 1e9},
    {0, "end", TING_OPTION_REAL, FIELD(end), "SECONDS", "up to here, at most 30 s further", .min = 0, .max = 1e9,
     .unset = "the sound's end, or 30 s behind the beginning"},
    {0, "sound", TING_OPTION_FLAG, FIELD(sound), NULL, "put that part of the sound into the page, to be listened to", .unset = "on",
     .negatable = true},
    {0, "decoding", TING_OPTION_CHOICE, FIELD(decoding), "HOW", "search for tokens, as of tingxie transcribe",
     .choices = "greedy beam rescore"},
    {'b', "beam", TING_OPTION_INT, FIELD(beam), "N", "prefixes that beam search keeps", .min = 1, .max = 64},
    {0, "pause", TING_OPTION_REAL, FIELD(pause), "SECONDS", "silence that ends a sentence", .min = 0.2, .max = 60},
    {0, "whole", TING_OPTION_FLAG, FIELD(whole), NULL, "a streaming model hears whole segments between pauses: often more exact"},
    {0, "hotwords", TING_OPTION_FILE, FIELD(hotwords), "FILE", "words that are likely to be said, as of tingxie transcribe",
     .unset = "none"},
    {0, "hotword-weight", TING_OPTION_REAL, FIELD(hotword_weight), "X", "added to the log-probability of each hotword", .min = -100,
     .max = 100, .needs = "hotwords"},
    {0, "lm", TING_OPTION_FILE, FIELD(lm), "FILE", "language model that weighs lines of hanzi too",
     .unset = "the first one in the usual places"},
    {0, "lm-weight", TING_OPTION_REAL, FIELD(lm_weight), "X", "weight of its log-probabilities; 0: without it", .min = 0, .max = 100},
    {0, "rescore-lm", TING_OPTION_FILE, FIELD(rescore_lm), "FILE",
     "language model of any kind that ranks the best lines anew, as of tingxie transcribe", .unset = "none"},
    {0, "rescore-weight", TING_OPTION_REAL, FIELD(rescore_weight), "X", "weight of its log-probabilities",
     .min = 0, .max = 100, .needs = "rescore-lm"},
    {0, "rescore-lines", TING_OPTION_INT, FIELD(rescore_lines), "N", "so many lines are ranked",
     .min = 1, .max = 1000, .needs = "rescore-lm"},
    {'c', "channel", TING_OPTION_INT, FIELD(channel), "N", "take this channel only, from 1", .min = 1, .max = 1024,
     .unset = "all channels mixed down"},
    {0, "raw", TING_OPTION_TEXT, FIELD(raw), "TYPE:RATE:CHANNELS", "a recording without header, such as s16le:16000:1"},
    {'t', "threads", TING_OPTION_INT, FIELD(threads), "N", "processors to use", .min = 1, .max = 1024, .unset = "all"},
    {0},
};

static const struct options defaults = {.decoding = TING_DECODING_BEAM, .beam = 8, .pause = 0.8, .lm_weight = 0.9, .rescore_weight = 0.5,
                                        .rescore_lines = 16, .sound = true};

static const ting_example examples[] = {
    {"tingxie explain -o page.html examples/sound/BAC009S0252W0453.flac", "a page to open in a browser"},
    {"tingxie explain --begin 615 --end 630 -o page.html meeting.mp3", "fifteen seconds of a long recording"},
    {"tingxie explain --hotwords names.txt -o page.html talk.wav", "with what the hotwords did"},
    {0},
};

const ting_command ting_command_explain = {
    .name = "explain",
    .summary = "shows on a page how a recording became text, and why",
    .usage = "[OPTION]... SOUND",
    .description =
        "Recognises at most 30 s of SOUND (a sound file, or - for standard input) and writes one HTML page that needs nothing from "
        "elsewhere: "
        "waveform and spectrogram, the probabilities of the acoustic model's tokens over time, the characters with their times, the "
        "syllables "
        "that competed, what the sound, the pinyin-to-hanzi network, the language model and hotwords said of each character and of "
        "its rivals, "
        "and where the encoder looked.\n\n"
        "The page holds that part of the sound itself unless --no-sound says otherwise. docs/EXPLAIN.md tells how to read it.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
