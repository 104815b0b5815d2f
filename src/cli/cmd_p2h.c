/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_p2h.c - tingxie p2h: lines of pinyin to lines of hanzi. */
#include "cli/cli.h"
#include "cli/lines.h"
#include "engine/tool_hanzi.h"

#include <errno.h>
#include <string.h>

struct options {
    const char *model, *lm, *rescore_lm;
    int rescore_lines;
    int nbest, threads, precision, limit;
    double other_tone, lm_weight, rescore_weight;
};

/* Hypotheses of one line behind its number, so that a reader knows which belong together; `made` empty: there are none. */
static void add_numbered(ting_str *out, long number, const ting_str *made)
{
    ting_str_clear(out);
    if (made->length == 0)
        ting_str_addf(out, "%ld\t0\t\t\n", number);
    for (size_t at = 0; at < made->length;) {
        size_t length = strcspn(made->text + at, "\n") + 1;
        ting_str_addf(out, "%ld\t", number);
        ting_str_add_bytes(out, made->text + at, length);
        at += length;
    }
    out->failed |= made->failed;
}

/* Every line of a text. *lines counts through all texts, *failed gets the number of lines that gave none. */
static ting_exit convert(ting_cli *cli, const struct options *options, ting_tool_hanzi *hanzi, ting_text *in, long *lines,
                         long *failed)
{
    ting_exit status = TING_EXIT_OK;
    ting_str made = {0}, numbered = {0};
    char *line;
    size_t length;
    while (ting_text_next(in, &line, &length)) {
        const ting_str *out = options->nbest > 1 ? &numbered : &made;
        ting_str_clear(&made);
        ting_err err = ting_tool_hanzi_line(hanzi, line, length, options->nbest, &made);
        ++*lines;
        if (err != TING_OK) {
            ting_cli_say(cli, "%s:%ld: %s", in->name, in->number, ting_error_message());
            ++*failed;
            ting_str_clear(&made);
            if (options->nbest <= 1)
                ting_str_add(&made, "\n");
        }
        if (options->nbest > 1)
            add_numbered(&numbered, *lines, &made);
        if (!ting_str_ok(out) || fwrite(out->text, 1, out->length, stdout) != out->length) {
            status = ting_cli_fail(cli, TING_EXIT_FAILED, "writing the result: %s", strerror(errno));
            break;
        }
        if (ting_cli_interrupted()) {
            status = ting_cli_error(cli, TING_ERR_CANCELLED);
            break;
        }
    }
    if (in->err == TING_ERR_CANCELLED)
        status = ting_cli_error(cli, in->err);
    else if (in->err != TING_OK) { /* this file is lost, the others are not */
        ting_cli_say(cli, "%s", ting_error_message());
        ++*failed;
    }
    ting_str_free(&made);
    ting_str_free(&numbered);
    return status;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    ting_tool_hanzi *hanzi;
    long failed = 0, lines = 0;
    ting_exit status = TING_EXIT_OK;
    ting_err err = ting_tool_hanzi_new(&(ting_tool_hanzi_options){.model = options->model,
                                                                  .precision = (ting_precision)options->precision,
                                                                  .threads = options->threads,
                                                                  .limit = (ting_tool_hanzi_limit)options->limit,
                                                                  .other_tone = options->other_tone,
                                                                  .lm = options->lm,
                                                                  .lm_weight = options->lm_weight,
                                                                  .rescore_lm = options->rescore_lm,
                                                                  .rescore_weight = options->rescore_weight,
                                                                  .rescore_lines = options->rescore_lines},
                                       &hanzi);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    for (int i = 0; i < (cli->input_count > 0 ? cli->input_count : 1) && status == TING_EXIT_OK; i++) {
        ting_text in;
        if (ting_text_open(cli->input_count > 0 ? cli->inputs[i] : "-", &in) == TING_OK) {
            status = convert(cli, options, hanzi, &in, &lines, &failed);
        } else {
            ting_cli_say(cli, "%s", ting_error_message());
            failed++;
        }
        ting_text_close(&in);
    }
    ting_tool_hanzi_free(hanzi);
    if (fflush(stdout) != 0 && status == TING_EXIT_OK)
        status = ting_cli_fail(cli, TING_EXIT_FAILED, "writing the result: %s", strerror(errno));
    return status != TING_EXIT_OK ? status : failed > 0 ? TING_EXIT_FAILED : TING_EXIT_OK;
}

static const ting_option table[] = {
    {'m', "model", TING_OPTION_FILE, offsetof(struct options, model), "MODEL", "model file with a pinyin-to-hanzi network",
     .unset = "the first one in the usual places"},
    {'n', "nbest", TING_OPTION_INT, offsetof(struct options, nbest), "N",
     "up to N lines for each line of pinyin: its number, rank, score, text", .min = 1, .max = 64},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0, "precision", TING_OPTION_CHOICE, offsetof(struct options, precision), "PRECISION", "of the matrix products",
     .choices = "f32 bf16 int8"},
    {0, "limit", TING_OPTION_CHOICE, offsetof(struct options, limit), "LIMIT",
     "characters a syllable may become: those read so, those read so in any tone, or any", .choices = "exact toneless free"},
    {0, "other-tone", TING_OPTION_REAL, offsetof(struct options, other_tone), "X",
     "with toneless and free: added to the log-probability of characters that have not the tone given", .min = -100, .max = 100},
    {0, "lm", TING_OPTION_FILE, offsetof(struct options, lm), "FILE", "language model that weighs lines too (tingxie lm train)",
     .unset = "the first one in the usual places"},
    {0, "lm-weight", TING_OPTION_REAL, offsetof(struct options, lm_weight), "X", "weight of its log-probabilities; 0: without it",
     .min = 0, .max = 100},
    {0, "rescore-lm", TING_OPTION_FILE, offsetof(struct options, rescore_lm), "FILE",
     "language model of any kind that ranks the best lines anew (tingxie lm train)", .unset = "none"},
    {0, "rescore-weight", TING_OPTION_REAL, offsetof(struct options, rescore_weight), "X", "weight of its log-probabilities",
     .min = 0, .max = 100, .needs = "rescore-lm"},
    {0, "rescore-lines", TING_OPTION_INT, offsetof(struct options, rescore_lines), "N", "so many lines are ranked",
     .min = 1, .max = 1000, .needs = "rescore-lm"},
    {0},
};

static const struct options defaults = {.nbest = 1, .lm_weight = 0.9, .rescore_weight = 0.5, .rescore_lines = 16};

static const ting_example examples[] = {
    {"echo ni3 hao3 shi4 jie4 | tingxie p2h", "你好世界"},
    {"tingxie p2h --nbest 3 lines.txt", "the three best lines with their log-probabilities"},
    {0},
};

const ting_command ting_command_p2h = {
    .name = "p2h",
    .summary = "writes lines of pinyin in hanzi",
    .usage = "[OPTION]... [FILE]...",
    .description =
        "Reads lines of syllables separated by spaces (zhong1 or zhōng; without digit and mark: neutral tone) from the "
        "files or from standard input, and writes one line of hanzi for each.\n\n"
        "A line with a word that is no syllable gives an empty line and a remark on standard error; the exit status is then 1.\n\n"
        "With --nbest above 1 the columns are, with tabs between: the number of the line of pinyin, counted from 1 through all "
        "files; rank from 1; score, the natural logarithm of a probability; text. An empty line has one row with an empty "
        "text; a line that could not be read has one row with rank 0 and nothing behind it.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .max_inputs = -1,
    .run = run,
};
