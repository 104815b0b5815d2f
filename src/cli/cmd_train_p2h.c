/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train_p2h.c - tingxie train p2h: a pinyin-to-hanzi network from a recipe and a corpus. */
#include "cli/training.h"

struct options {
    const char *corpus, *folder, *from, *export_path, *licence;
    int threads, finish, mean, type;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    if (options->mean > 0 && options->export_path == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--average N says what --export FILE writes: name the file");
    ting_training_session session = {.cli = cli, .command = "train p2h", .unit = "characters"};
    const char *const others[] = {cli->inputs[0], options->corpus, options->from};
    if (options->corpus == NULL || options->folder == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the corpus with --corpus FILE and the folder to train in with "
                                                   "-o DIR");
    ting_err err = ting_training_check_export(options->export_path, options->folder, others, sizeof others / sizeof others[0]);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    const ting_train_options training = {.recipe = cli->inputs[0],
                                         .data = options->corpus,
                                         .folder = options->folder,
                                         .threads = options->threads,
                                         .finish = options->finish,
                                         .mean = options->mean,
                                         .from = options->from,
                                         .remarks = {ting_cli_remark, cli},
                                         .report = ting_training_report,
                                         .stop = ting_training_stop,
                                         .self = &session};
    err = options->export_path == NULL ? ting_train_p2h(&training)
                                       : ting_export_p2h(&training, options->export_path, (ting_export_type)options->type,
                                                         options->licence);
    ting_training_end(&session);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_error(cli, err);
}

static const ting_option table[] = {
    {0, "corpus", TING_OPTION_FILE, offsetof(struct options, corpus), "FILE", "what `tingxie data p2h` wrote",
     .unset = "must be given"},
    {'o', "output", TING_OPTION_FOLDER, offsetof(struct options, folder), "DIR",
     "folder of the checkpoint and the curves; one that holds a checkpoint is continued", .unset = "must be given"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0, "finish", TING_OPTION_INT, offsetof(struct options, finish), "STEPS",
     "let the learning rate fall to its end within STEPS more steps, then stop", .min = 0, .max = 1e9,
     .unset = "the recipe's plan"},
    {0, "from", TING_OPTION_FILE, offsetof(struct options, from), "MODEL",
     "begin with the weights of a model file, where DIR holds no checkpoint", .unset = "random numbers"},
    {0, "export", TING_OPTION_FILE, offsetof(struct options, export_path), "FILE",
     "train nothing: write the checkpoint's averaged weights as a model file"},
    {0, "average", TING_OPTION_INT, offsetof(struct options, mean), "N",
     "with --export: the mean of the averaged weights of the last N kept checkpoints (`keep` in RECIPE)", .min = 1,
     .max = 100000, .unset = "the last checkpoint alone"},
    {0, "type", TING_OPTION_CHOICE, offsetof(struct options, type), "TYPE", "of the exported matrices",
     .choices = "f32 f16 bf16 int8"},
    {0, "licence", TING_OPTION_TEXT, offsetof(struct options, licence), "SPDX", "licence to state in the exported file"},
    {0},
};

static const struct options defaults = {.licence = "Apache-2.0 AND CC-BY-SA-4.0"};

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
        "Ctrl-C and SIGTERM write a checkpoint and stop. The same command goes on exactly where it stopped, as if it had "
        "never been interrupted.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
