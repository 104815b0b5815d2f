/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_convert.c - tingxie convert: model files into one GGUF file. */
#include "cli/cli.h"
#include "engine/tool_convert.h"

struct options {
    const char *output, *network, *name, *license, *authors, *source;
    int precision;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *options = fields;
    const ting_convert_text texts[] = {{"general.name", options->name},
                                       {"tingxie.am.license", options->license},
                                       {"tingxie.am.authors", options->authors},
                                       {"tingxie.am.source", options->source}};
    if (options->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the file to write with -o FILE");
    ting_err err = ting_tool_convert(&(ting_convert_options){.inputs = cli->inputs,
                                                             .count = cli->input_count,
                                                             .output = options->output,
                                                             .precision = (ting_convert_precision)options->precision,
                                                             .network = options->network,
                                                             .texts = texts,
                                                             .text_count = 4,
                                                             .remark = ting_cli_remark,
                                                             .remark_self = cli});
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE",
     "the file to write: .gguf, or .safetensors from one input", .unset = "must be given"},
    {0, "precision", TING_OPTION_CHOICE, offsetof(struct options, precision), "PRECISION",
     "type of the weights: keep leaves each as it is, int8 takes matrices only",
     .choices = "keep f32 f16 bf16 int8"},
    {0, "network", TING_OPTION_TEXT, offsetof(struct options, network), "NAME",
     "take this one alone out of the inputs: am, p2h", .unset = "all"},
    {0, "name", TING_OPTION_TEXT, offsetof(struct options, name), "TEXT", "name of the model"},
    {0, "license", TING_OPTION_TEXT, offsetof(struct options, license), "SPDX", "licence of the acoustic network"},
    {0, "authors", TING_OPTION_TEXT, offsetof(struct options, authors), "TEXT", "who trained the acoustic network"},
    {0, "source", TING_OPTION_TEXT, offsetof(struct options, source), "TEXT", "where the acoustic network comes from"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie convert zipformer-wenetspeech-3.3m -o zipformer.gguf", "a public ONNX model, weights kept exactly"},
    {"tingxie convert --precision int8 p2h.gguf -o p2h-int8.gguf", "a smaller file"},
    {"tingxie convert zipformer.gguf p2h.gguf -o recogniser.gguf", "two networks in one file"},
    {"tingxie convert --network p2h recogniser.gguf -o p2h.gguf", "one network out of a file"},
    {"tingxie convert model.pt -o model.safetensors", "tensors of a PyTorch file"},
    {0},
};

const ting_command ting_command_convert = {
    .name = "convert",
    .summary = "turns model files and public models into one GGUF file",
    .usage = "[OPTION]... FILE|DIR... -o FILE",
    .description =
        "DIR is a public model as its authors publish it: a streaming Zipformer transducer (encoder, decoder and joiner as "
        "ONNX, and tokens.txt; read from the graphs themselves, int8 weights stay as they are), or a WeNet Conformer "
        "(train.yaml, final.pt, units.txt; encoder and CTC head). Every tensor is checked.\n\n"
        "FILE is GGUF, safetensors, npy, npz, pickle, PyTorch or ONNX. Several inputs with different networks become one "
        "file. What the graphs of a public model do not hold, such as its licence, can be given as options.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
