/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_cmvn.c - tingxie data cmvn: global mean and variance of the features of a manifest's sounds. */
#include "base/number.h"
#include "cli/cli.h"
#include "cli/counting.h"
#include "tingxie_train.h"

struct options {
    const char *base, *only, *settings, *output;
    int threads;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_counting session = {.cli = cli, .command = "data cmvn", .unit = "clips"};
    ting_cmvn_counts counts;
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the file to write with -o FILE");
    ting_cli_catch_interrupt();
    ting_err err = ting_compute_cmvn(&(ting_cmvn_options){.manifest = cli->inputs[0],
                                                          .base = o->base,
                                                          .only = o->only,
                                                          .features = o->settings,
                                                          .output = o->output,
                                                          .threads = o->threads,
                                                          .remarks = {ting_cli_remark, cli},
                                                          .progress = ting_counting_show,
                                                          .stop = ting_counting_stop,
                                                          .self = &session},
                                     &counts);
    ting_counting_end(&session);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_number_fprint(stdout, "%s\t%zu clips\t%.2f hours\t%zu frames\t%zu left out\n", o->output, counts.clips,
                       counts.seconds / 3600, counts.frames, counts.left_out);
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the file to write",
     .unset = "must be given"},
    {'s', "settings", TING_OPTION_TEXT, offsetof(struct options, settings), "SETTINGS",
     "the features of the recipe, such as \"wenet cmvn=global\"", .unset = "icefall"},
    {0, "only", TING_OPTION_TEXT, offsetof(struct options, only), "COLUMN=VALUE", "only clips whose column says this",
     .unset = "all clips"},
    {0, "base", TING_OPTION_FOLDER, offsetof(struct options, base), "DIR", "folder that relative paths start from",
     .unset = "the manifest's own"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0},
};

static const struct options defaults = {0};

static const ting_example examples[] = {
    {"tingxie data cmvn -s \"wenet cmvn=global\" -o global_cmvn train.tsv", "for a recipe with these features"},
    {"tingxie features -s wenet --cmvn global_cmvn -o heard.png talk.wav", "to look at what it does"},
    {0},
};

const ting_command ting_command_data_cmvn = {
    .name = "data cmvn",
    .summary = "computes global mean and variance of features",
    .usage = "[OPTION]... MANIFEST",
    .description = "Sums the features of all sounds that MANIFEST names and writes their means and variances as a file (WeNet's "
                   "global_cmvn), which a recipe names by `cmvn` beside `features: ... cmvn=global`. Take what is trained "
                   "on, not what is held out. A clip that cannot be read, or lasts more than ten minutes, is left out and named.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
