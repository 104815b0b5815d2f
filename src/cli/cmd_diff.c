/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_diff.c - tingxie diff: where two models differ. */
#include "cli/cli.h"
#include "engine/tool_diff.h"

struct options {
    bool all;
    double tolerance;
    int precision_a, precision_b;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    bool outputs = cli->input_count == 3, same = false;
    ting_str text = {0};
    const ting_diff_options diff = {.a = cli->inputs[0],
                                    .b = cli->inputs[1],
                                    .tolerance = options->tolerance,
                                    .all = options->all,
                                    .sound = outputs ? cli->inputs[2] : NULL,
                                    .precision_a = (ting_precision)options->precision_a,
                                    .precision_b = (ting_precision)options->precision_b};
    ting_err err = outputs ? ting_tool_diff_outputs(&diff, &text, &same) : ting_tool_diff_files(&diff, &text, &same);
    if (err == TING_OK && text.length > 0)
        fwrite(text.text, 1, text.length, stdout);
    ting_str_free(&text);
    if (err != TING_OK)
        return ting_cli_error(cli, err) == TING_EXIT_INTERRUPTED ? TING_EXIT_INTERRUPTED : TING_EXIT_USAGE;
    return same ? TING_EXIT_OK : TING_EXIT_FAILED;
}

static const ting_option table[] = {
    {'a', "all", TING_OPTION_FLAG, offsetof(struct options, all), NULL, "name everything that differs, not only the first"},
    {0, "tolerance", TING_OPTION_REAL, offsetof(struct options, tolerance), "X",
     "differences up to X times the largest value of a tensor, or up to X of relative RMS of an output, are none", .min = 0,
     .max = 1},
    {0, "precision-a", TING_OPTION_CHOICE, offsetof(struct options, precision_a), "PRECISION", "how A runs over SOUND",
     .choices = "f32 bf16 int8"},
    {0, "precision-b", TING_OPTION_CHOICE, offsetof(struct options, precision_b), "PRECISION", "how B runs over SOUND",
     .choices = "f32 bf16 int8"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie diff p2h.gguf p2h-int8.gguf", "the first tensor that differs, and by how much"},
    {"tingxie diff --all --tolerance 1e-3 old.gguf new.pt", "every tensor that differs by more than a thousandth"},
    {"tingxie diff --precision-b int8 am.gguf am.gguf speech.wav", "which part of the network int8 changes first"},
    {0},
};

const ting_command ting_command_diff = {
    .name = "diff",
    .summary = "shows where two models differ",
    .usage = "[OPTION]... A B [SOUND]",
    .description =
        "Compares the keys and tensors of two model files of any format that 'inspect' reads, tensors by value whatever their "
        "types. With SOUND, runs the acoustic networks of both over it and compares what each part puts out, in the order "
        "in which it is computed: the first that differs is where a mistake, or a precision, begins to tell.\n\n"
        "Exit status 0: they are the same. 1: they differ. 2: trouble.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 2,
    .max_inputs = 3,
    .run = run,
};
