/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_explain.c - tingxie explain: how a recording became text, as one HTML page. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/recognition.h"
#include "engine/tool_model.h"
#include "engine/tool_sound.h"

#include "tingxie.h"

#include <string.h>
#include <unistd.h>

struct options {
    ting_recognition_fields how;
    const char *output;
    int decoding;
    double begin, end;
    bool sound;
};

static ting_err explain(ting_cli *cli, const struct options *o, char **html)
{
    ting_err err = TING_OK;
    ting_model *model = NULL;
    ting_recognition_files files = {0};
    ting_progress bar;
    ting_options options;
    ting_model_options model_options;
    ting_explain_options how;
    ting_recognition_fill_model(&o->how, cli, &model_options);
    ting_recognition_fill(&o->how, &options);
    options.decoding = (ting_decoding)o->decoding;
    options.progress = ting_progress_watch;
    options.progress_self = &bar;
    ting_explain_options_defaults(&how, sizeof how);
    how.begin = o->begin;
    how.end = o->end;
    how.sound = o->sound;
    TRY(ting_model_open(o->how.model, &model_options, &model));
    if (o->output != NULL)
        TRY(ting_tool_model_apart(model, o->output)); /* also of a model that was found by itself */
    TRY(ting_recognition_open(&o->how, model, &options, &files));
    ting_progress_begin(&bar, cli, "explain", 0, "s");
    err = ting_explain_file(model, cli->inputs[0], &options, &how, html);
    ting_progress_end(&bar);
out:
    ting_recognition_close(&files);
    ting_model_free(model);
    return err;
}

/* Said before the work, not behind it: no file that is named is overwritten, and the page can be written where it shall be. */
static ting_err check_output(const char *sound, const struct options *o)
{
    ting_err err = TING_OK;
    const ting_recognition_fields *how = &o->how;
    const char *const named[] = {sound, how->model, how->lm, how->rescore_lm, how->hotwords, how->fuse_lm, how->lodr};
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
    if (o->how.raw != NULL)
        TRY(ting_tool_check_raw(o->how.raw));
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
    TING_RECOGNITION_HEARING(struct options),
    {'o', "output", TING_OPTION_FILE, FIELD(output), "PAGE.html", "write the page there", .unset = "standard output"},
    {0, "begin", TING_OPTION_REAL, FIELD(begin), "SECONDS", "explain the sound from here on", .min = 0, .max = 1e9},
    {0, "end", TING_OPTION_REAL, FIELD(end), "SECONDS", "up to here, at most 30 s further", .min = 0, .max = 1e9,
     .unset = "the sound's end, or 30 s behind the beginning"},
    {0, "sound", TING_OPTION_FLAG, FIELD(sound), NULL, "put that part of the sound into the page, to be listened to", .unset = "on",
     .negatable = true},
    {0, "decoding", TING_OPTION_CHOICE, FIELD(decoding), "HOW", "search for tokens, as of tingxie transcribe",
     .choices = "greedy beam rescore"},
    TING_RECOGNITION_TOKENS(struct options),
    TING_RECOGNITION_WEIGHING(struct options),
    {0},
};

static const struct options defaults = {.how = TING_RECOGNITION_DEFAULTS, .decoding = TING_DECODING_BEAM, .sound = true};

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
