/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_score.c - tingxie lm score: n-best lists ranked anew with a language model. */
#include "base/number.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "cli/numbers.h"
#include "cli/progress.h"
#include "engine/tool_rerank.h"

struct options {
    const char *weights, *tune;
    double lm_weight, bonus;
    bool all;
};

static void show(void *self, size_t done, size_t lines)
{
    ting_progress *bar = self;
    bar->total = (double)lines;
    ting_progress_update(bar, (double)done, NULL);
}

static ting_err read_list(const char *path, ting_str *out, ting_rerank_text *text)
{
    const ting_err err = ting_text_read(path, out);
    *text = (ting_rerank_text){ting_text_name(path), out->text, out->length};
    return err;
}

static void say_tuned(ting_cli *cli, const ting_rerank_report *r)
{
    ting_str others = {0};
    const double percent = r->units > 0 ? 100.0 / (double)r->units : 0;
    for (int i = 0; i < r->scores; i++)
        ting_str_addf(&others, "%s%g", i == 0 ? " --weights " : ",", r->weights.other[i]);
    if (others.length == 0 || ting_str_ok(&others))
        ting_cli_say(cli, "%.2f %% wrong with the first lines, %.2f %% with the weights given, %.2f %% with --lm-weight %g --bonus %g%s, "
                     "%.2f %% with the best lines there are", percent * (double)r->first, percent * (double)r->before,
                     percent * (double)r->after, r->weights.lm, r->weights.bonus, others.length > 0 ? others.text : "",
                     percent * (double)r->least);
    ting_str_free(&others);
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_err err = TING_OK;
    ting_lm *lm = NULL;
    ting_str list = {0}, said = {0};
    ting_rerank_text tune;
    ting_rerank_report report;
    ting_progress bar;
    ting_rerank_options options = {.weights = {.lm = o->lm_weight, .bonus = o->bonus}, .all = o->all, .progress = show,
                                   .stop = ting_cli_stop, .self = &bar};
    int given = 0;
    for (int i = 0; i < TING_RERANK_SCORES; i++)
        options.weights.other[i] = 1;
    if (o->weights != NULL && !ting_cli_numbers(o->weights, TING_RERANK_SCORES, options.weights.other, &given))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--weights %s: expected up to %d numbers with commas between", o->weights,
                             (int)TING_RERANK_SCORES);
    options.given = given;
    ting_cli_catch_interrupt();
    TRY(ting_lm_open(cli->inputs[0], &lm));
    TRY(read_list(cli->input_count > 1 ? cli->inputs[1] : "-", &list, &options.list));
    if (o->tune != NULL)
        TRY(read_list(o->tune, &said, &tune));
    options.tune = o->tune != NULL ? &tune : NULL;
    ting_progress_begin(&bar, cli, "lm score", 0, "lines");
    err = ting_tool_rerank(lm, &options, &report, stdout);
    ting_progress_end(&bar);
    if (err == TING_OK && report.unknown == report.words)
        ting_cli_say_unknown(cli, options.list.name, report.words, cli->inputs[0]);
    if (err == TING_OK && o->tune != NULL && !cli->quiet)
        say_tuned(cli, &report);
out:
    ting_lm_free(lm);
    ting_str_free(&list);
    ting_str_free(&said);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'w', "lm-weight", TING_OPTION_REAL, offsetof(struct options, lm_weight), "X", "of the language model's log-probability", .min = 0,
     .max = 1000},
    {0, "bonus", TING_OPTION_REAL, offsetof(struct options, bonus), "X", "for each character, since a language model likes short lines",
     .min = -1000, .max = 1000},
    {0, "weights", TING_OPTION_TEXT, offsetof(struct options, weights), "W,W,...", "of the scores in LIST, in order", .unset = "1 each"},
    {'a', "all", TING_OPTION_FLAG, offsetof(struct options, all), NULL, "all lines of each utterance, best first"},
    {0, "tune", TING_OPTION_FILE, offsetof(struct options, tune), "FILE",
     "take the weights with the fewest errors against what was said: an utterance and its text on each line"},
    {0},
};

static const struct options defaults = {.lm_weight = 0.5};

static const ting_example examples[] = {
    {"tingxie lm score lm.gguf nbest.tsv > best.tsv", "the best line of each utterance"},
    {"tingxie lm score lm.gguf dev-nbest.tsv --tune dev.tsv > /dev/null", "says which weights are good"},
    {"tingxie transcribe --nbest 16 --lm-weight 0 dev/ | tingxie lm score lm.gguf", "what this program itself has written"},
    {"tingxie lm score lm.gguf nbest.tsv -w 0.4 --bonus 1 --weights 1,0.3 --all", "with these; all lines, sorted"},
    {0},
};

const ting_command ting_command_lm_score = {
    .name = "lm score",
    .summary = "ranks the best lines of a recogniser anew with a language model",
    .usage = "[OPTION]... MODEL [LIST]",
    .description =
        "Reads lines of an utterance, a text and up to eight scores of which more is better (log-probabilities, say), with tabs "
        "between, from LIST or standard input, and writes the best line of each utterance: utterance, text, score. The score is the "
        "weighted sum of those that stand there, of the language model's log-probability of the text, and of its characters. Lines of "
        "an utterance may stand anywhere; utterances come in the order of their first lines. LIST may also be what tingxie transcribe "
        "--nbest writes of one file or several (path, rank, score, text; each sentence gets its line), or tingxie p2h --nbest. MODEL "
        "is any language model that tingxie lm train or tingxie convert has made.\n\n"
        "Weights that --tune finds are said on standard error with the errors that they make. Look for them on other utterances than those "
        "that are measured.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 2,
    .run = run,
};
