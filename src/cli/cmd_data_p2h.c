/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_p2h.c - tingxie data p2h: text files to the corpus that `tingxie train p2h` reads. */
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/tool_places.h"
#include "tingxie_train.h"
#include "train/tool_sources.h"

struct options {
    const char *output, *base, *lexicon;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    ting_p2h_counts counts;
    if (options->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the corpus file to write with -o FILE");
    char *found = NULL;
    ting_err err = options->lexicon == NULL ? ting_tool_lexicon_folder(&found) : TING_OK;
    const char *lexicon = options->lexicon != NULL ? options->lexicon : found;
    const ting_p2h_files files = {cli->inputs[0], options->output, options->base, lexicon};
    if (err == TING_OK)
        err = ting_tool_p2h_apart(&files);
    if (err == TING_OK)
        err = ting_prepare_p2h(&files, &(ting_remarks){ting_cli_remark, cli}, &counts);
    ting_free(found);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    if (!cli->quiet)
        ting_cli_say(cli, "%zu sentences, %zu characters of text; %zu lines held out; tables of %d syllables, %d characters, "
                          "%zu readings; %zu characters too rare",
                     counts.sentences, counts.tokens, counts.excluded, counts.syllables, counts.characters,
                     counts.readings, counts.rare);
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the corpus file to write",
     .unset = "must be given"},
    {0, "base", TING_OPTION_FOLDER, offsetof(struct options, base), "DIR", "folder that the paths in SETTINGS start from",
     .unset = "the working directory"},
    {0, "lexicon", TING_OPTION_FOLDER, offsetof(struct options, lexicon), "DIR", "folder of the pinyin tables",
     .unset = "lexicon in the model folders"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie data p2h recipes/p2h-data.yaml --base ~/data -o p2h.corpus", "text to (syllables, characters) pairs"},
    {0},
};

const ting_command ting_command_data_p2h = {
    .name = "data p2h",
    .summary = "prepares text for training a pinyin-to-hanzi network",
    .usage = "[OPTION]... SETTINGS.yaml",
    .description =
        "Reads the text files that SETTINGS names, plain or compressed with xz, turns text into toned pinyin where it has "
        "none, leaves out what is held out for measuring, and writes one file with all pairs and the tables of "
        "syllables, characters and readings.\n\n"
        "The result depends on the input files and the settings alone.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
