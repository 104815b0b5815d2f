/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_align.c - tingxie align: when each character of a text is said in a recording. */
#include "base/number.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "engine/tool_model.h"
#include "engine/tool_sound.h"

#include "tingxie.h"

#include <string.h>

struct options {
    const char *model, *text, *raw;
    int format, threads, channel;
    double pause;
    bool whole, score;
};

enum { FORMAT_TSV }; /* the place in the option's choices of the one that is written here */
static const ting_format formats[] = {TING_FORMAT_TSV, TING_FORMAT_JSON, TING_FORMAT_CTM, TING_FORMAT_TEXTGRID,
                                      TING_FORMAT_SRT, TING_FORMAT_VTT,  TING_FORMAT_LRC};

/* The four scores, what was expected and what was heard instead; - where it was the same, or where there is no syllable. */
static void print_pronunciation(const ting_pronunciation *p)
{
    if (p == NULL) {
        printf("\t-\t-\t-\t-\t-\t-");
        return;
    }
    const char *instead = strcmp(p->heard, p->expected) == 0 ? "-" : p->heard[0] == '\0' ? "nothing" : p->heard;
    ting_number_fprint(stdout, "\t%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s", p->syllable.score, p->initial.score, p->final.score, p->tone.score,
                       p->expected, instead);
}

static void print_characters(const ting_result *result, bool score)
{
    printf("start\tend\tcharacter\tpinyin\tconfidence%s\n", score ? "\tscore\tinitial\tfinal\ttone\texpected\theard" : "");
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        for (int k = 0; k < sentence->char_count; k++) {
            const ting_char *c = ting_sentence_char(sentence, k);
            ting_number_fprint(stdout, "%.3f\t%.3f\t%s\t%s\t%.4f", c->start, c->end, c->text, c->pinyin, (double)c->confidence);
            if (score)
                print_pronunciation(c->pronunciation);
            printf("\n");
        }
    }
}

static ting_err print(const struct options *o, const ting_result *result, const char *name)
{
    ting_err err = TING_OK;
    char *text = NULL;
    if (o->format == FORMAT_TSV) {
        print_characters(result, o->score);
        goto out;
    }
    TRY(ting_result_format(result, formats[o->format], name, &text));
    fputs(text, stdout);
out:
    ting_text_free(text);
    return err;
}

static ting_err align(ting_cli *cli, const struct options *o, const char *text, ting_result **out)
{
    ting_err err = TING_OK;
    ting_model *model = NULL;
    ting_progress bar;
    ting_options options;
    ting_model_options model_options;
    ting_model_options_defaults(&model_options, sizeof model_options);
    model_options.hanzi = 0;
    model_options.log = ting_cli_remark;
    model_options.log_self = cli;
    ting_options_defaults(&options, sizeof options);
    options.threads = o->threads;
    options.channel = o->channel;
    options.raw = o->raw;
    options.pause = o->pause;
    options.whole = o->whole;
    options.pronunciation = o->score;
    options.progress = ting_progress_watch;
    options.progress_self = &bar;
    TRY(ting_model_open(o->model, &model_options, &model));
    if (o->text != NULL && (err = ting_tool_model_says(model, text)) != TING_OK) {
        ting_fail_in(err, "%s", ting_text_name(o->text));
        err = err == TING_ERR_ARGUMENT ? TING_ERR_FORMAT : err; /* a bad file, and no word of the command line */
        goto out;
    }
    ting_progress_begin(&bar, cli, "align", 0, "s");
    err = ting_align_file(model, cli->inputs[0], text, &options, out);
    ting_progress_end(&bar);
out:
    ting_model_free(model);
    return err;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_err err = TING_OK;
    ting_str text = {0};
    ting_result *result = NULL;
    const bool both = o->text != NULL && cli->input_count == 2, none = o->text == NULL && cli->input_count == 1;
    if (both || none)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "the text is given %s: expected either TEXT or --text FILE",
                             both ? "twice" : "nowhere");
    if (o->text != NULL && strcmp(o->text, "-") == 0 && strcmp(cli->inputs[0], "-") == 0)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "sound and text cannot both be standard input: give a file for one of them");
    if (o->score && formats[o->format] != TING_FORMAT_TSV && formats[o->format] != TING_FORMAT_JSON)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "%s has no place for scores: expected -f tsv or json with --score",
                             ting_format_name(formats[o->format]));
    ting_cli_catch_interrupt();
    if (o->raw != NULL)
        TRY(ting_tool_check_raw(o->raw));
    if (o->text != NULL)
        TRY(ting_text_read(o->text, &text));
    TRY(align(cli, o, o->text != NULL ? text.text : cli->inputs[1], &result));
    TRY(print(o, result, cli->inputs[0]));
out:
    ting_result_free(result);
    ting_str_free(&text);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

#define FIELD(name) offsetof(struct options, name)

static const ting_option table[] = {
    {'m', "model", TING_OPTION_FILE, FIELD(model), "MODEL", "a .gguf file, a folder with a public model, or the name of a known one",
     .unset = "the first one in TING_MODELS, models/ or the data folder"},
    {'f', "format", TING_OPTION_CHOICE, FIELD(format), "FORMAT",
     "a line for each character (seconds, character, syllable, confidence), or as tingxie transcribe writes results",
     .choices = "tsv json ctm textgrid srt vtt lrc"},
    {'s', "score", TING_OPTION_FLAG, FIELD(score), NULL,
     "how well each syllable was said, and its initial, final and tone, 0 to 100 (tsv and json): docs/ALIGN.md"},
    {0, "text", TING_OPTION_FILE, FIELD(text), "FILE", "the text is in FILE, - for standard input, instead of TEXT"},
    {0, "pause", TING_OPTION_REAL, FIELD(pause), "SECONDS", "silence that ends a sentence", .min = 0.2, .max = 60},
    {0, "whole", TING_OPTION_FLAG, FIELD(whole), NULL, "a streaming model hears whole segments between pauses: often more exact"},
    {'c', "channel", TING_OPTION_INT, FIELD(channel), "N", "take this channel only, from 1", .min = 1, .max = 1024,
     .unset = "all channels mixed down"},
    {0, "raw", TING_OPTION_TEXT, FIELD(raw), "TYPE:RATE:CHANNELS", "a recording without header, such as s16le:16000:1"},
    {'t', "threads", TING_OPTION_INT, FIELD(threads), "N", "processors to use", .min = 1, .max = 1024, .unset = "all"},
    {0},
};

static const struct options defaults = {.pause = 0.8};

static const ting_example examples[] = {
    {"tingxie align examples/sound/BAC009S0252W0453.flac 公安机关正在进一步调查中", "a line for each character"},
    {"tingxie align --score shi4.wav 是", "how well it was said, and what was heard instead"},
    {"tingxie align -f srt --text lecture.txt lecture.flac > lecture.srt", "subtitles of a text that is known"},
    {"tingxie align -f textgrid talk.wav 今天天气很好 > talk.TextGrid", "for Praat"},
    {"tingxie align -m zipformer-wenetspeech-3.3m talk.wav 今天天气很好", "with a public model"},
    {0},
};

const ting_command ting_command_align = {
    .name = "align",
    .summary = "tells when each character of a text is said in a recording",
    .usage = "[OPTION]... SOUND [TEXT]",
    .description =
        "Finds a text that is known in the recording that says it (forced alignment). SOUND is a sound file, or - for standard input; "
        "TEXT is the text itself, or --text names a file with it. Columns of tsv: start and end in seconds, character, syllable as it was "
        "heard, confidence (the probability of its tokens; low where something else is said).\n\n"
        "Spaces and punctuation are left out; line breaks and 。！？； end sentences. Digits and Latin words must be written in hanzi, "
        "as they are said. Of a character with several readings the one that fits best is taken. docs/ALIGN.md tells more.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 2,
    .run = run,
};
