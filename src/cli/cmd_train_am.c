/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train_am.c - tingxie train am: an acoustic network from a recipe and manifests. */
#include "base/mem.h"
#include "cli/training.h"

struct options {
    ting_training_fields common;
    const char *data, *corpus, *teacher;
    ting_values settings;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    static const ting_training_kind kind = {"train am", "rows", ting_train_am, ting_export_am};
    const struct options *options = fields;
    const char **settings = ting_alloc((size_t)options->settings.count + 1, sizeof *settings); /* zeroed: ends with NULL */
    if (settings == NULL)
        return ting_cli_error(cli, TING_ERR_MEMORY);
    for (int i = 0; i < options->settings.count; i++)
        settings[i] = options->settings.items[i];
    const ting_exit end = ting_training_run(cli, &kind, &options->common,
                                            (ting_train_options){.recipe = cli->inputs[0],
                                                                 .settings = settings,
                                                                 .data = options->data,
                                                                 .corpus = options->corpus,
                                                                 .teacher = options->teacher});
    ting_free(settings);
    return end;
}

static const ting_option table[] = {
    {'d', "data", TING_OPTION_FOLDER, offsetof(struct options, data), "DIR",
     "folder that the recipe's manifests start from",
     .unset = "DIR/data of -o for a recipe that names a corpus, else the working directory"},
    {0, "corpus", TING_OPTION_FOLDER, offsetof(struct options, corpus), "FOLDER",
     "where the public corpus that the recipe names was unpacked: missing manifests are made from it first"},
    {0, "set", TING_OPTION_LIST, offsetof(struct options, settings), "KEY=VALUE",
     "change the recipe, as in train.steps=500, model.dims=[32,64] or data.train.0.weight=2; may be given several "
     "times"},
    {0, "teacher", TING_OPTION_FILE, offsetof(struct options, teacher), "MODEL",
     "recogniser to learn from: a model file, or a folder with a public model in ONNX", .unset = "none"},
    TING_TRAINING_OPTIONS(struct options),
    {0},
};

static const struct options defaults = {.common = TING_TRAINING_DEFAULTS};

static const ting_example examples[] = {
    {"tingxie train am recipes/aishell1.yaml --corpus ~/data_aishell -o run", "from an unpacked corpus to a network"},
    {"tingxie train am recipes/smoke.yaml -d DATA -o run", "trains, or goes on where it stopped"},
    {"tingxie train am recipes/smoke.yaml -d DATA -o run --set train.steps=2000", "for longer than the recipe says"},
    {"tingxie train am own.yaml -d DATA --from am.gguf -o run",
     "begins with a trained network, to fit it to other speech"},
    {"tingxie train am taught.yaml -d DATA --teacher MODEL -o run", "learns from another recogniser too"},
    {"tingxie train am recipes/smoke.yaml -o run --export am.gguf --type int8", "writes the model"},
    {0},
};

const ting_command ting_command_train_am = {
    .name = "train am",
    .summary = "trains an acoustic network",
    .usage = "[OPTION]... RECIPE.yaml",
    .description =
        "Trains the network that RECIPE describes on the recordings that its manifests list. The folder gets the file "
        "`checkpoint` (the whole state, replaced atomically) and `curves.html` (loss and its terms, held-out error "
        "rate, gradients, learning rate, speed, what was heard last). docs/TRAINING.md tells it from the beginning.\n\n"
        "Recordings that cannot be used are named and left out. Ctrl-C, SIGTERM and a hang-up write a checkpoint and stop. The "
        "same command goes on exactly where it stopped, as if it had never been interrupted.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
