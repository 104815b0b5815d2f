/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_prepare.c - tingxie data prepare: a public corpus, as it is unpacked, to manifests. */
#include "base/number.h"
#include "cli/cli.h"
#include "cli/counting.h"
#include "tingxie_train.h"

struct options {
    const char *output;
    bool validated;
    int threads;
};

static void print_parts(ting_cli *cli, const struct options *o, const ting_corpus_counts *counts)
{
    for (int p = 0; p < counts->part_count; p++) {
        const ting_corpus_part *part = &counts->parts[p];
        if (part->clips > 0)
            ting_number_fprint(stdout, "%s/%s.tsv\t%zu clips\t%.2f hours\n", o->output, part->name, part->clips,
                               part->seconds / 3600);
        else if (!cli->quiet)
            ting_cli_say(cli, "nothing of the part %s is here: %s.tsv is not written", part->name, part->name);
        if (part->left_out > 0 && !cli->quiet)
            ting_cli_say(cli, "%s: %zu sentences left out", part->name, part->left_out);
        if (part->no_pinyin > 0 && !cli->quiet)
            ting_cli_say(cli, "%s: the pinyin of %zu clips does not fit their text and is not taken over", part->name,
                         part->no_pinyin);
    }
    if (!cli->quiet)
        ting_cli_say(cli, "%s (%s), licence %s", counts->title, counts->source, counts->licence);
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_counting session = {.cli = cli, .command = "data prepare", .unit = "clips"};
    ting_corpus_counts counts;
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the folder for the manifests with -o DIR");
    ting_cli_catch_interrupt();
    const ting_corpus_options options = {.corpus = cli->inputs[0],
                                         .folder = cli->inputs[1],
                                         .output = o->output,
                                         .validated = o->validated,
                                         .threads = o->threads,
                                         .remarks = {ting_cli_remark, cli},
                                         .progress = ting_counting_show,
                                         .stop = ting_counting_stop,
                                         .self = &session};
    ting_err err = ting_prepare_corpus(&options, &counts);
    ting_counting_end(&session);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    print_parts(cli, o, &counts);
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FOLDER, offsetof(struct options, output), "DIR",
     "folder that gets train.tsv, dev.tsv and test.tsv; it is made", .unset = "must be given"},
    {0, "validated", TING_OPTION_FLAG, offsetof(struct options, validated), NULL,
     "commonvoice-zh: for training, all validated clips of speakers who are in neither dev nor test"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie data prepare aishell1 ~/corpora/data_aishell -o manifests/aishell1", "178 hours of read speech"},
    {"tingxie data prepare commonvoice-zh ~/cv-corpus/zh-CN --validated -o manifests/cv", "Common Voice, Chinese"},
    {"tingxie data check manifests/aishell1/train.tsv", "then look at what was made"},
    {0},
};

const ting_command ting_command_data_prepare = {
    .name = "data prepare",
    .summary = "makes manifests of a public speech corpus",
    .usage = "[OPTION]... CORPUS FOLDER",
    .description =
        "Reads a corpus as it is downloaded and unpacked, and writes a manifest of each part: id, path, speaker, "
        "length, text "
        "without spaces and punctuation, and pinyin where the corpus has it. CORPUS is one of\n\n"
        "aishell1 (data_aishell, with the archives in wav/ unpacked), aishell3 (data_aishell3; it has no dev part), "
        "commonvoice-zh (the folder with clips/ and train.tsv), thchs30 (data_thchs30).\n\n"
        "Sounds are opened to measure them and otherwise left where they are; those that cannot be read are left out "
        "and named. "
        "Traditional characters stay as they are.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 2,
    .max_inputs = 2,
    .run = run,
};
