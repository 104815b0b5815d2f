/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_mix.c - tingxie lm mix: several n-gram models as one. */
#include "base/file.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/numbers.h"
#include "tingxie_train.h"

struct options {
    const char *output, *weights, *tune, *licence, *authors;
    double prune;
};

static void print(const ting_cli *cli, const struct options *o, const ting_lm_mix_report *report)
{
    for (int i = 0; i < cli->input_count; i++)
        ting_number_fprint(stdout, "%s\t%.4f\n", cli->inputs[i], report->weights[i]);
    printf("%s\t%zu words", o->output, report->words);
    for (int k = 2; k <= report->order; k++)
        printf("\t%zu of %d", report->ngrams[k - 1], k);
    if (report->perplexity >= 0)
        ting_number_fprint(stdout, "\tperplexity %.2f", report->perplexity);
    printf("\n");
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_lm_mix_report report;
    double weights[TING_LM_MIX_MOST];
    int given = 0;
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the model file to write with -o FILE");
    if ((o->weights == NULL) == (o->tune == NULL))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "expected either --weights or --tune, %s given",
                             o->tune != NULL ? "both are" : "neither is");
    if (cli->input_count > TING_LM_MIX_MOST)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "%d models, expected at most %d", cli->input_count, (int)TING_LM_MIX_MOST);
    if (o->weights != NULL && (!ting_cli_numbers(o->weights, cli->input_count, weights, &given) || given != cli->input_count))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--weights %s: expected %d numbers with commas between, one for each model", o->weights,
                             cli->input_count);
    ting_cli_catch_interrupt();
    const ting_err err = ting_mix_lm(&(ting_lm_mix_options){.models = cli->inputs,
                                                            .count = cli->input_count,
                                                            .weights = o->weights != NULL ? weights : NULL,
                                                            .tune = o->tune,
                                                            .prune = o->prune,
                                                            .output = o->output,
                                                            .licence = o->licence,
                                                            .authors = o->authors,
                                                            .remarks = {ting_cli_remark, cli},
                                                            .stop = ting_cli_stop},
                                     &report);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    print(cli, o, &report);
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the model file to write, .gguf or .arpa",
     .unset = "must be given"},
    {'w', "weights", TING_OPTION_TEXT, offsetof(struct options, weights), "W,W,...", "share of each model, in their order"},
    {0, "tune", TING_OPTION_FILE, offsetof(struct options, tune), "TEXT",
     "find the shares that make this text likeliest, a sentence a line"},
    {0, "prune", TING_OPTION_REAL, offsetof(struct options, prune), "X",
     "leave out n-grams whose loss raises perplexity by less than this share, such as 1e-8", .min = 0, .max = 1},
    {0, "licence", TING_OPTION_TEXT, offsetof(struct options, licence), "SPDX", "licence to state in the file", .unset = "none"},
    {0, "authors", TING_OPTION_TEXT, offsetof(struct options, authors), "TEXT", "who made it, to state in the file", .unset = "nobody"},
    {0},
};

static const struct options defaults = {0};

static const ting_example examples[] = {
    {"tingxie lm mix general.gguf law.gguf --tune some-judgments.txt -o court.gguf", "shares found by themselves"},
    {"tingxie lm mix general.gguf law.arpa --weights 0.7,0.3 --prune 1e-8 -o court.gguf", "shares given, and smaller"},
    {"tingxie lm mix huge.gguf --weights 1 --prune 1e-7 -o small.gguf", "one model, only smaller"},
    {0},
};

const ting_command ting_command_lm_mix = {
    .name = "lm mix",
    .summary = "makes one language model of several",
    .usage = "[OPTION]... MODEL...",
    .description =
        "Reads n-gram models, .gguf of this program or .arpa of others, and writes one that lists every n-gram that one of them lists, "
        "with the weighted mean of their probabilities. Their words are united. TEXT should be like what will be recognised, and no text "
        "that one of the models was made of. docs/LM.md tells more.\n\n"
        "Prints each model and its share, then the file, how many words and n-grams of each order it has, and with --tune the perplexity "
        "a word of TEXT.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
