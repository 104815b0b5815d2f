/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train_p2h.c - tingxie train p2h: a pinyin-to-hanzi network from a recipe and a corpus. */
#include "cli/training.h"

struct options {
    ting_training_fields common;
    const char *corpus;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    static const ting_training_kind kind = {"train p2h", "characters", ting_train_p2h, ting_export_p2h};
    const struct options *options = fields;
    if (options->corpus == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the corpus with --corpus FILE");
    return ting_training_run(cli, &kind, &options->common,
                             (ting_train_options){.recipe = cli->inputs[0], .data = options->corpus});
}

static const ting_option table[] = {
    {0, "corpus", TING_OPTION_FILE, offsetof(struct options, corpus), "FILE", "what `tingxie data p2h` wrote",
     .unset = "must be given"},
    TING_TRAINING_OPTIONS(struct options),
    {0},
};

static const struct options defaults = {.common = TING_TRAINING_DEFAULTS};

static const ting_example examples[] = {
    {"tingxie train p2h recipes/p2h.yaml --corpus p2h.corpus -o run", "trains, or goes on where it stopped"},
    {"tingxie train p2h recipes/p2h.yaml --corpus p2h.corpus -o run --finish 2000", "brings a run to its end early"},
    {"tingxie train p2h recipes/p2h.yaml --corpus p2h.corpus -o run --export p2h.gguf --type int8", "writes the model"},
    {0},
};

const ting_command ting_command_train_p2h = {
    .name = "train p2h",
    .summary = "trains a pinyin-to-hanzi network",
    .usage = "[OPTION]... RECIPE.yaml",
    .description =
        "Trains the network that RECIPE describes on a corpus made by `tingxie data p2h`. The folder gets the file "
        "`checkpoint` (the whole state, replaced atomically) and `curves.html` (loss, held-out error rate, learning "
        "rate).\n\n"
        "Ctrl-C, SIGTERM and a hang-up write a checkpoint and stop. The same command goes on exactly where it stopped, as if it had "
        "never been interrupted.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
