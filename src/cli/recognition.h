/* SPDX-License-Identifier: Apache-2.0 */
/* recognition.h - what commands that recognise speech share: how a recording is heard, and what weighs what was heard. */
#ifndef TING_CLI_RECOGNITION_H
#define TING_CLI_RECOGNITION_H

#include "cli/cli.h"
#include "tingxie.h"

/* A command's options have these as the member `how`, which starts with TING_RECOGNITION_DEFAULTS. */
typedef struct ting_recognition_fields {
    const char *model, *raw, *lm, *rescore_lm, *hotwords, *fuse_lm, *lodr;
    int beam, head, rescore_lines, precision, channel, threads;
    double blank_penalty, skip_blank, ctc_weight, reverse_weight, pause, lm_weight, rescore_weight, hotword_weight, fuse_weight, fuse_bonus,
        lodr_weight;
    bool constrained, whole;
} ting_recognition_fields;

#define TING_RECOGNITION_DEFAULTS \
    {.beam = 8, .constrained = true, .pause = 0.8, .lm_weight = 0.9, .rescore_weight = 0.5, .rescore_lines = 16, .ctc_weight = 0.5, \
     .reverse_weight = 0.3, .fuse_weight = 0.3, .fuse_bonus = 0.5, .lodr_weight = 0.1}

#define TING_RECOGNITION_FIELD(options, field) offsetof(options, how) + offsetof(ting_recognition_fields, field)

/* The rows of a table of options: what is heard; how tokens are searched; what weighs them. */
#define TING_RECOGNITION_HEARING(options) \
    {'m', "model", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, model), "MODEL", \
     "a .gguf file, a folder with a public model, or the name of a known one", \
     .unset = "the first one in TING_MODELS, models/ or the data folder"}, \
    {'c', "channel", TING_OPTION_INT, TING_RECOGNITION_FIELD(options, channel), "N", "take this channel only, from 1", .min = 1, \
     .max = 1024, .unset = "all channels mixed down"}, \
    {0, "raw", TING_OPTION_TEXT, TING_RECOGNITION_FIELD(options, raw), "TYPE:RATE:CHANNELS", \
     "recordings without header, such as s16le:16000:1"}, \
    {0, "pause", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, pause), "SECONDS", "silence that ends a sentence", .min = 0.2, \
     .max = 60}, \
    {0, "whole", TING_OPTION_FLAG, TING_RECOGNITION_FIELD(options, whole), NULL, \
     "a streaming model hears whole segments between pauses: later, often more exact"}, \
    {'t', "threads", TING_OPTION_INT, TING_RECOGNITION_FIELD(options, threads), "N", "processors to use", .min = 1, .max = 1024, \
     .unset = "all"}, \
    {0, "precision", TING_OPTION_CHOICE, TING_RECOGNITION_FIELD(options, precision), "P", "arithmetic of the networks", \
     .choices = "f32 bf16 int8"}

#define TING_RECOGNITION_TOKENS(options) \
    {0, "head", TING_OPTION_CHOICE, TING_RECOGNITION_FIELD(options, head), "HEAD", \
     "head of the acoustic model that is searched, where it has two", .choices = "auto transducer ctc", \
     .unset = "auto: the transducer, with --decoding rescore the CTC head"}, \
    {0, "ctc-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, ctc_weight), "W", \
     "of what CTC says, beside the attention decoder", .min = 0, .max = 100, .needs = "decoding=rescore"}, \
    {0, "reverse-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, reverse_weight), "W", \
     "share of the decoder that reads from the end", .min = 0, .max = 1, .needs = "decoding=rescore"}, \
    {'b', "beam", TING_OPTION_INT, TING_RECOGNITION_FIELD(options, beam), "N", "prefixes that beam search keeps", .min = 1, .max = 64}, \
    {0, "skip-blank", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, skip_blank), "P", \
     "a beam on the CTC head passes over rows in which nothing was said at more than P", .min = 0.9, .max = 1, .unset = "none"}, \
    {0, "blank-penalty", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, blank_penalty), "X", \
     "write more (above 0) or less (below) of what is heard unclearly", .min = -5, .max = 5}, \
    {0, "constrained", TING_OPTION_FLAG, TING_RECOGNITION_FIELD(options, constrained), NULL, \
     "allow a syllable only the characters that have this reading", .unset = "on", .negatable = true}

#define TING_RECOGNITION_WEIGHING(options) \
    {0, "lm", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, lm), "FILE", \
     "language model that weighs lines of hanzi too (tingxie lm train)", .unset = "the first one in the usual places"}, \
    {0, "lm-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, lm_weight), "X", "weight of its log-probabilities; 0: without it", \
     .min = 0, .max = 100}, \
    {0, "hotwords", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, hotwords), "FILE", \
     "words that are likely to be said, one a line, as wanted with :WEIGHT and pinyin: 证监会 :2, iPhone ai4 feng1", .unset = "none"}, \
    {0, "hotword-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, hotword_weight), "X", \
     "added to the log-probability of each hotword: more finds more, and makes more up", .min = -100, .max = 100, .needs = "hotwords"}, \
    {0, "fuse-lm", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, fuse_lm), "FILE", \
     "language model over the acoustic model's tokens that weighs them inside the beam (docs/LM.md)", .unset = "none"}, \
    {0, "fuse-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, fuse_weight), "X", "weight of its log-probabilities", .min = 0, \
     .max = 10, .needs = "fuse-lm"}, \
    {0, "fuse-bonus", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, fuse_bonus), "X", \
     "added for each token: makes up for what they take away", .min = -10, .max = 10, .needs = "fuse-lm"}, \
    {0, "lodr", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, lodr), "FILE", \
     "with --fuse-lm: n-grams of a low order over the tokens, that are taken away", .unset = "none", .needs = "fuse-lm"}, \
    {0, "lodr-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, lodr_weight), "X", "weight of their log-probabilities", .min = 0, \
     .max = 10, .needs = "lodr"}, \
    {0, "rescore-lm", TING_OPTION_FILE, TING_RECOGNITION_FIELD(options, rescore_lm), "FILE", \
     "language model of any kind that ranks the best lines anew (tingxie lm train)", .unset = "none"}, \
    {0, "rescore-weight", TING_OPTION_REAL, TING_RECOGNITION_FIELD(options, rescore_weight), "X", "weight of its log-probabilities", \
     .min = 0, .max = 100, .needs = "rescore-lm"}, \
    {0, "rescore-lines", TING_OPTION_INT, TING_RECOGNITION_FIELD(options, rescore_lines), "N", "so many lines are ranked", .min = 1, \
     .max = 1000, .needs = "rescore-lm"}

/* What they say of a model, and of recognition (without decoding and nbest); the rest are the defaults. */
void ting_recognition_fill_model(const ting_recognition_fields *fields, ting_cli *cli, ting_model_options *out);
void ting_recognition_fill(const ting_recognition_fields *fields, ting_options *out);

typedef struct ting_recognition_files { /* start with {0}; free with ting_recognition_close, before the model */
    ting_hotword_list *hotwords;
    ting_lm *fuse_lm, *lodr_lm;
} ting_recognition_files;

/* Opens what the fields name for this model and puts it into the options; what does not fit the model is said here, once. Without hanzi
 * (options->hanzi 0) hotwords are none. Errors: those of opening them, and of ting_tool_model_decodes. */
ting_err ting_recognition_open(const ting_recognition_fields *fields, const ting_model *model, ting_options *options,
                               ting_recognition_files *files);
void ting_recognition_close(ting_recognition_files *files);

#endif
