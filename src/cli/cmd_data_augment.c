/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_augment.c - tingxie data augment: one sound as a training would hear it. */
#include "cli/cli.h"
#include "train/tool_augment.h"

struct options {
    const char *output, *recipe, *folder;
    int seed;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    if (o->output == NULL || o->recipe == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the recipe with --recipe FILE and the WAV file to write with -o FILE");
    const ting_log log = {ting_cli_log, cli};
    ting_err err = ting_tool_augment(&(ting_augment_job){o->recipe, o->folder, cli->inputs[0], o->output, o->seed, &log});
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the WAV file to write", .unset = "must be given"},
    {'r', "recipe", TING_OPTION_FILE, offsetof(struct options, recipe), "FILE",
     "a training recipe, or a file with the keys of its group augment alone", .unset = "must be given"},
    {'d', "data", TING_OPTION_FOLDER, offsetof(struct options, folder), "DIR", "folder that the lists of the recipe start from",
     .unset = "the working directory"},
    {0, "seed", TING_OPTION_INT, offsetof(struct options, seed), "N", "other numbers, other drawings", .min = 0, .max = 1e9},
    {0},
};

static const struct options defaults = {.seed = 1};

static const ting_example examples[] = {
    {"tingxie data augment -r recipe.yaml -d data --seed 5 -o heard.wav talk.flac", "to listen to what a recipe does"},
    {"tingxie features -o heard.png heard.wav", "to look at it"},
    {0},
};

const ting_command ting_command_data_augment = {
    .name = "data augment",
    .summary = "shows one sound as a training would hear it",
    .usage = "[OPTION]... FILE",
    .description = "Changes the sound as the group augment of a recipe says: voice, room, noise, line. The same seed gives the "
                   "same sound.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
