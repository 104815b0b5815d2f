/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_train.c - tingxie lm train: a language model from texts. */
#include "base/file.h"
#include "base/number.h"
#include "cli/cli.h"
#include "tingxie_train.h"

struct options {
    const char *output, *base, *licence, *authors;
};

static int stop(void *self)
{
    (void)self;
    return ting_cli_interrupted();
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_lm_report report;
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the model file to write with -o FILE");
    ting_cli_catch_interrupt();
    ting_err err = ting_file_apart(cli->inputs[0], o->output);
    if (err == TING_OK)
        err = ting_train_lm(&(ting_lm_options){.recipe = cli->inputs[0],
                                               .output = o->output,
                                               .base = o->base,
                                               .licence = o->licence,
                                               .authors = o->authors,
                                               .remarks = {ting_cli_remark, cli},
                                               .stop = stop},
                            &report);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    printf("%s\t%zu words", o->output, report.words);
    for (int k = 2; k <= report.order; k++)
        printf("\t%zu of %d", report.ngrams[k - 1], k);
    if (report.perplexity >= 0)
        ting_number_fprint(stdout, "\tperplexity %.2f", report.perplexity);
    printf("\n");
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the model file to write", .unset = "must be given"},
    {0, "base", TING_OPTION_FOLDER, offsetof(struct options, base), "DIR", "folder that the paths in RECIPE start from",
     .unset = "the working directory"},
    {0, "licence", TING_OPTION_TEXT, offsetof(struct options, licence), "SPDX", "licence to state in the file", .unset = "none"},
    {0, "authors", TING_OPTION_TEXT, offsetof(struct options, authors), "TEXT", "who made it, to state in the file", .unset = "nobody"},
    {0},
};

static const struct options defaults = {0};

static const ting_example examples[] = {
    {"tingxie lm train recipes/lm-ngram.yaml --base ~/data -o lm.gguf", "from texts to a model"},
    {"tingxie lm ppl lm.gguf news.txt", "how well it knows a text"},
    {0},
};

const ting_command ting_command_lm_train = {
    .name = "lm train",
    .summary = "makes a language model of texts",
    .usage = "[OPTION]... RECIPE.yaml",
    .description = "Counts the n-grams of the texts that RECIPE names, plain or compressed with xz, leaves out what is held out, estimates "
                   "probabilities by interpolated modified Kneser-Ney, and writes one file. Sorting takes the memory that RECIPE gives; "
                   "what does not fit goes through files in TMPDIR. docs/LM.md has the keys of RECIPE.\n\n"
                   "Prints the file, how many words and n-grams of each order it has, and the perplexity of what is held out.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
