/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - tingxie inspect: what stands in a model file. */
#include "cli/cli.h"
#include "engine/tool_inspect.h"

struct options {
    bool json;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    ting_exit status = TING_EXIT_OK;
    for (int i = 0; i < cli->input_count; i++) {
        ting_str text = {0};
        ting_err err = ting_tool_inspect(cli->inputs[i], options->json ? TING_INSPECT_JSON : TING_INSPECT_TEXT, &text);
        if (err == TING_OK)
            fwrite(text.text, 1, text.length, stdout);
        else
            status = ting_cli_error(cli, err);
        ting_str_free(&text);
    }
    return status;
}

static const ting_option table[] = {
    {0, "json", TING_OPTION_FLAG, offsetof(struct options, json), NULL, "print one JSON object a file"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie inspect zipformer.gguf", "networks, keys and tensors"},
    {"tingxie inspect --json model.pt", "the same for a program, of a PyTorch file"},
    {0},
};

const ting_command ting_command_inspect = {
    .name = "inspect",
    .summary = "shows what stands in a model file",
    .usage = "[OPTION]... FILE...",
    .description =
        "Lists the networks of a model file with their architecture, size, features, licence and origin, all keys, and every tensor "
        "with its type and shape.\n\n"
        "Reads GGUF, safetensors, npy, npz, pickle, PyTorch and ONNX, told apart by their content. Nothing in a file is "
        "ever executed.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
