/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train_p2h.c - tingxie train p2h: a pinyin-to-hanzi network from a recipe and a corpus. */
#include "cli/training.h"

struct options {
    const char *corpus, *folder, *from, *export_path, *licence, *authors;
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
    ting_err err = ting_training_check_export(options->export_path, others, sizeof others / sizeof others[0]);
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
                                         .authors = options->authors,
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
    TING_TRAINING_OPTIONS(struct options),
    {0},
};

static const struct options defaults = {0};

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
