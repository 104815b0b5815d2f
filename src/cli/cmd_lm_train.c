/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_train.c - tingxie lm train: a language model from texts. */
#include "base/mem.h"
#include "base/number.h"
#include "cli/training.h"

struct options {
    ting_values settings;
    const char *output, *base, *folder, *from, *licence, *authors;
    int threads, finish, type;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_lm_report report;
    ting_training_session session = {.cli = cli, .command = "lm train", .unit = "words"};
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the model file to write with -o FILE");
    const char **settings = ting_alloc((size_t)o->settings.count + 1, sizeof *settings); /* zeroed: ends with NULL */
    if (settings == NULL)
        return ting_cli_wrong(cli, TING_ERR_MEMORY);
    for (int i = 0; i < o->settings.count; i++)
        settings[i] = o->settings.items[i];
    ting_cli_catch_interrupt();
    const ting_err err = ting_train_lm(&(ting_lm_options){.recipe = cli->inputs[0],
                                                          .output = o->output,
                                                          .base = o->base,
                                                          .settings = settings,
                                                          .licence = o->licence,
                                                          .authors = o->authors,
                                                          .remarks = {ting_cli_remark, cli},
                                                          .folder = o->folder,
                                                          .threads = o->threads,
                                                          .finish = o->finish,
                                                          .from = o->from,
                                                          .type = o->type,
                                                          .report = ting_training_report,
                                                          .stop = ting_cli_stop,
                                                          .self = &session},
                                       &report);
    ting_training_end(&session);
    ting_free(settings);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    printf("%s\t%zu words", o->output, report.words);
    for (int k = 2; k <= report.order; k++)
        printf("\t%zu of %d", report.ngrams[k - 1], k);
    if (report.order == 0)
        printf("\t%zu parameters", report.parameters);
    if (report.perplexity >= 0)
        ting_number_fprint(stdout, "\tperplexity %.2f", report.perplexity);
    printf("\n");
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the model file to write", .unset = "must be given"},
    {0, "set", TING_OPTION_LIST, offsetof(struct options, settings), "KEY=VALUE",
     "change the recipe: model.kind=gpt; may be given several times"},
    {0, "base", TING_OPTION_FOLDER, offsetof(struct options, base), "DIR", "folder that the paths in RECIPE start from",
     .unset = "the working directory"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads of a network's training", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0, "folder", TING_OPTION_FOLDER, offsetof(struct options, folder), "DIR",
     "of a network's checkpoint and curves; one that holds a checkpoint is continued", .unset = "FILE with .training as its ending"},
    {0, "finish", TING_OPTION_INT, offsetof(struct options, finish), "STEPS",
     "let a network's learning rate fall to its end within STEPS more steps, then stop", .min = 0, .max = 1e9,
     .unset = "the recipe's plan"},
    {0, "from", TING_OPTION_FILE, offsetof(struct options, from), "FILE",
     "begin a network's training with the words and weights of this one, which has the same settings", .unset = "with words of the texts"},
    {0, "type", TING_OPTION_CHOICE, offsetof(struct options, type), "TYPE", "of a network's matrices in the file",
     .choices = "f32 f16 bf16 int8"},
    {0, "licence", TING_OPTION_TEXT, offsetof(struct options, licence), "SPDX", "licence to state in the file", .unset = "none"},
    {0, "authors", TING_OPTION_TEXT, offsetof(struct options, authors), "TEXT", "who made it, to state in the file", .unset = "nobody"},
    {0},
};

static const struct options defaults = {0};

static const ting_example examples[] = {
    {"tingxie lm train recipes/lm-ngram.yaml --base ~/data -o lm.gguf", "from texts to a model"},
    {"tingxie lm train recipes/lm-net.yaml --base ~/data -o lstm.gguf --type int8", "a network"},
    {"tingxie lm train court.yaml --from lstm.gguf -o court.gguf", "a network goes on with other texts"},
    {"tingxie lm ppl lm.gguf news.txt", "how well it knows a text"},
    {0},
};

const ting_command ting_command_lm_train = {
    .name = "lm train",
    .summary = "makes a language model of texts",
    .usage = "[OPTION]... RECIPE.yaml",
    .description = "Makes the model that RECIPE describes of the texts that it names, plain or compressed with xz, without what is held "
                   "out: n-grams with probabilities by interpolated modified Kneser-Ney, or a network (nnlm, rnn, lstm, gru, bilstm, gpt). "
                   "docs/LM.md has the keys of RECIPE. Sorting n-grams takes the memory that RECIPE gives; what does not fit goes through "
                   "files in TMPDIR.\n\n"
                   "A network is trained in a folder with a checkpoint and curves.html. Ctrl-C, SIGTERM and a hang-up write a checkpoint "
                   "and stop; the same command goes on exactly where it stopped. FILE is written at the end.\n\n"
                   "Prints the file, how many words, and n-grams of each order or parameters it has, and the perplexity of what is held "
                   "out.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
