/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_toy.c - tingxie data toy: a corpus of made-up digits, to try a training with. */
#include "cli/cli.h"
#include "tingxie_train.h"

struct options {
    const char *output;
    int count, seed;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the folder for the corpus with -o DIR");
    ting_err err = ting_make_toy_corpus(o->output, o->count, o->seed);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FOLDER, offsetof(struct options, output), "DIR", "folder for sounds and manifests",
     .unset = "must be given"},
    {'n', "count", TING_OPTION_INT, offsetof(struct options, count), "N", "clips of two to seven digits", .min = 10,
     .max = 100000},
    {0, "seed", TING_OPTION_INT, offsetof(struct options, seed), "N", "other numbers, other clips", .min = 0,
     .max = 1e9},
    {0},
};

static const struct options defaults = {.count = 1000, .seed = 1};

static const ting_example examples[] = {
    {"tingxie data toy -o toy && tingxie train am recipes/smoke.yaml -d toy -o run",
     "sees a network learn, within a minute"},
    {0},
};

const ting_command ting_command_data_toy = {
    .name = "data toy",
    .summary = "makes a toy corpus to try a training with",
    .usage = "[OPTION]...",
    .description =
        "Makes spoken digits that nobody spoke (a buzz through two resonances), as WAV files with train.tsv and "
        "dev.tsv. A network learns them in a minute; it learns nothing about speech.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 0,
    .max_inputs = 0,
    .run = run,
};
