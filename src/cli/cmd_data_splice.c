/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_splice.c - tingxie data splice: sentences that nobody said, from clips of words and syllables. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/counting.h"
#include "engine/tool_places.h"
#include "tingxie_train.h"

struct options {
    const char *sentences, *output, *only, *lexicon, *plan;
    int count, seed;
    bool each;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_counting session = {.cli = cli, .command = "data splice", .unit = "sentences"};
    char *found = NULL;
    if (o->sentences == NULL || o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE,
                             "name the sentences with --sentences FILE and the folder with -o DIR");
    ting_err err = o->lexicon == NULL ? ting_tool_lexicon_folder(&found) : TING_OK;
    ting_cli_catch_interrupt();
    if (err == TING_OK)
        err = ting_splice_corpus(&(ting_splice_options){.manifest = cli->inputs[0],
                                                        .only = o->only,
                                                        .sentences = o->sentences,
                                                        .output = o->output,
                                                        .lexicon = o->lexicon != NULL ? o->lexicon : found,
                                                        .plan = o->plan,
                                                        .count = o->count,
                                                        .seed = o->seed,
                                                        .each = o->each,
                                                        .remarks = {ting_cli_remark, cli},
                                                        .progress = ting_counting_show,
                                                        .stop = ting_counting_stop,
                                                        .self = &session});
    ting_counting_end(&session);
    ting_free(found);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'s', "sentences", TING_OPTION_FILE, offsetof(struct options, sentences), "FILE", "a sentence a line, plain or xz",
     .unset = "must be given"},
    {'o', "output", TING_OPTION_FOLDER, offsetof(struct options, output), "DIR", "folder for sounds and spliced.tsv",
     .unset = "must be given"},
    {'n', "count", TING_OPTION_INT, offsetof(struct options, count), "N", "sentences to make", .min = 1, .max = 1e6},
    {0, "each", TING_OPTION_FLAG, offsetof(struct options, each), NULL, "every sentence once, in order, instead of N drawn ones"},
    {'p', "plan", TING_OPTION_FILE, offsetof(struct options, plan), "FILE",
     "YAML with syllable, jitter, faster, pause_share, pause, overlap, level (docs/AUGMENT.md)", .unset = "what sounds best"},
    {0, "seed", TING_OPTION_INT, offsetof(struct options, seed), "N", "other numbers, other sentences", .min = 0,
     .max = 1e9},
    {0, "only", TING_OPTION_TEXT, offsetof(struct options, only), "COLUMN=VALUE", "clips whose column says this",
     .unset = "all"},
    {0, "lexicon", TING_OPTION_FOLDER, offsetof(struct options, lexicon), "DIR", "folder of the pinyin tables",
     .unset = "lexicon in the model folders"},
    {0},
};

static const struct options defaults = {.count = 1000, .seed = 1};

static const ting_example examples[] = {
    {"tingxie data splice words.tsv -s news.txt -o spliced -n 2000", "two thousand sentences and their manifest"},
    {"tingxie data splice words.tsv -s news.txt -o slow --plan slow.yaml", "joined in another way"},
    {0},
};

const ting_command ting_command_data_splice = {
    .name = "data splice",
    .summary = "makes sentences from clips of words",
    .usage = "[OPTION]... MANIFEST",
    .description =
        "Joins clips of words and syllables to sentences that nobody said, as WAV files with a manifest: as few "
        "pieces as possible, all of one speaker, as fast as running speech, with pauses here and there. The "
        "more syllables a speaker has, the more sentences can be said.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
