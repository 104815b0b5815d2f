/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pull.c - tingxie pull: fetch a public model from its authors' release. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/pull.h"

#include "base/mem.h"
#include "engine/tool_places.h"

#include <string.h>

struct options {
    const char *folder, *from;
    bool list, again;
};

static bool show(void *self, double done, double total)
{
    ting_progress *bar = self;
    bar->total = total / 1e6;
    ting_progress_update(bar, done / 1e6, NULL);
    return !ting_cli_interrupted();
}

static void list_models(void)
{
    for (const ting_pull_model *model = ting_pull_models; model->name != NULL; model++)
        printf("%s\t%s\t%s\n", model->name, model->license, model->about);
}

static const ting_pull_model *find_model(const char *name)
{
    const ting_pull_model *model = ting_pull_models;
    while (model->name != NULL && strcmp(model->name, name) != 0)
        model++;
    return model->name == NULL ? NULL : model;
}

static ting_exit pull_one(ting_cli *cli, const ting_pull_model *model, const ting_pull_options *settings)
{
    ting_str place = {0};
    ting_progress bar;
    bool fresh = false;
    ting_pull_options options = *settings;
    ting_progress_begin(&bar, cli, model->name, 0, "MB");
    options.progress = show;
    options.self = &bar;
    ting_err err = ting_pull(model, &options, &place, &fresh);
    ting_progress_end(&bar);
    ting_exit status = err == TING_OK ? TING_EXIT_OK : ting_cli_error(cli, err);
    if (err == TING_OK) {
        if (!cli->quiet)
            ting_cli_say(cli, "%s: %s, licence %s", model->name, fresh ? "fetched and verified" : "is there already",
                         model->license);
        printf("%s\n", place.text);
    }
    ting_str_free(&place);
    return status;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    ting_exit status = TING_EXIT_OK;
    if (options->list || cli->input_count == 0) {
        list_models();
        return TING_EXIT_OK;
    }
    for (int i = 0; i < cli->input_count; i++)
        if (find_model(cli->inputs[i]) == NULL)
            return ting_cli_fail(cli, TING_EXIT_USAGE, "there is no model '%s' ('tingxie pull --list' lists them)", cli->inputs[i]);
    if (options->from != NULL && cli->input_count > 1)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--from goes with one model");
    char *usual = ting_tool_place_for_new();
    if (options->folder == NULL && usual == NULL)
        return ting_cli_fail(cli, TING_EXIT_FAILED, "no folder for models is known here: name one with -o DIR");
    ting_cli_catch_interrupt();
    const ting_pull_options settings = {.folder = options->folder != NULL ? options->folder : usual,
                                        .from = options->from,
                                        .again = options->again};
    for (int i = 0; i < cli->input_count && status != TING_EXIT_INTERRUPTED; i++) {
        ting_exit one = pull_one(cli, find_model(cli->inputs[i]), &settings);
        status = one != TING_EXIT_OK ? one : status;
    }
    ting_free(usual);
    return status;
}

static const ting_option table[] = {
    {'l', "list", TING_OPTION_FLAG, offsetof(struct options, list), NULL, "list the models: name, licence, what it is"},
    {'o', "output", TING_OPTION_FOLDER, offsetof(struct options, folder), "DIR", "folder to put models into",
     .unset = "the folder that TING_MODELS names, else the one beside the program's build tree or the user's data folder"},
    {0, "force", TING_OPTION_FLAG, offsetof(struct options, again), NULL, "fetch it even if it is there already"},
    {0, "from", TING_OPTION_TEXT, offsetof(struct options, from), "URL", "take the archive from another address, such as a mirror"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie pull --list", "which models there are"},
    {"tingxie pull zipformer-wenetspeech-3.3m", "fetch one: transcribe then finds it by itself"},
    {0},
};

const ting_command ting_command_pull = {
    .name = "pull",
    .summary = "fetches a public model from its authors' release",
    .usage = "[OPTION]... [NAME...]",
    .description =
        "Downloads the model from the address of its authors' own release and from nowhere else, goes on where an earlier "
        "attempt stopped, checks size and SHA-256 of every file in it, and converts it to GGUF. Prints where it is.\n\n"
        "What does not match is removed and not used. The public addresses could not be tried where this program was built: "
        "if one has moved, give the new one with --from; the sums are checked all the same.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .max_inputs = -1,
    .run = run,
};
