/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_adapt.c - tingxie adapt: a model that knows a domain from its text. */
#include "base/number.h"
#include "cli/training.h"

struct options {
    const char *output, *lm, *licence, *authors;
    ting_values tables;
    double weight, prune;
    int finetune, threads;
};

static void print(const struct options *o, const ting_adapt_report *r)
{
    printf("text\t%zu sentences\t%zu characters\n", r->sentences, r->characters);
    ting_number_fprint(stdout, "weight\t%.4f", r->weight);
    if (r->found >= 0)
        ting_number_fprint(stdout, "\tlikeliest %.4f", r->found);
    if (r->after >= 0 && r->before >= 0)
        ting_number_fprint(stdout, "\nperplexity\t%.2f before\t%.2f on %zu sentences held out", r->before, r->after, r->held);
    if (r->steps > 0)
        printf("\ntrained\t%ld steps", r->steps);
    if (r->errors_before >= 0 && r->errors_after >= 0)
        ting_number_fprint(stdout, "\t%.2f %% of characters wrong before\t%.2f %%, without the language model", 100 * r->errors_before,
                           100 * r->errors_after);
    printf("\npinyin to hanzi\t%zu characters\t%zu readings more\t%zu characters that cannot be written\n", r->new_characters,
           r->new_readings, r->strange);
    printf("%s\t%zu words", o->output, r->words);
    for (int k = 2; k <= r->order; k++)
        printf("\t%zu of %d", r->ngrams[k - 1], k);
    printf("\n");
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_adapt_report report;
    ting_training_session session = {.cli = cli, .command = "adapt", .unit = "characters"};
    if (o->output == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the model file to write with -o FILE");
    ting_cli_catch_interrupt();
    const ting_err err = ting_adapt(&(ting_adapt_options){.model = cli->inputs[0],
                                                          .texts = cli->inputs + 1,
                                                          .text_count = cli->input_count - 1,
                                                          .tables = o->tables.items,
                                                          .table_count = o->tables.count,
                                                          .lm = o->lm,
                                                          .weight = o->weight,
                                                          .prune = o->prune,
                                                          .output = o->output,
                                                          .licence = o->licence,
                                                          .authors = o->authors,
                                                          .remarks = {ting_cli_remark, cli},
                                                          .finetune = o->finetune,
                                                          .threads = o->threads,
                                                          .report = ting_training_report,
                                                          .stop = ting_cli_stop,
                                                          .self = &session},
                                    &report);
    ting_training_end(&session);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    print(o, &report);
    return TING_EXIT_OK;
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE", "the model file to write", .unset = "must be given"},
    {'w', "weight", TING_OPTION_REAL, offsetof(struct options, weight), "X",
     "share of the text in the language model, 0 to 1; more forgets other text", .min = -1, .max = 1,
     .unset = "the likeliest on a tenth of the text that is held out, at most 0.5"},
    {'t', "table", TING_OPTION_LIST, offsetof(struct options, tables), "FILE",
     "own readings, which win: hanzi, a tab, syllables; may be given several times"},
    {0, "lm", TING_OPTION_FILE, offsetof(struct options, lm), "FILE", "n-gram model to mix the text with",
     .unset = "the one that MODEL works with"},
    {0, "prune", TING_OPTION_REAL, offsetof(struct options, prune), "X",
     "leave out n-grams whose loss raises perplexity by less than this share, such as 1e-8", .min = 0, .max = 1},
    {0, "finetune", TING_OPTION_INT, offsetof(struct options, finetune), "STEPS",
     "also train pinyin to hanzi on the text; goes on in the folder FILE.training if it was stopped", .min = 0, .max = 1000000,
     .unset = "0: it stays as it is"},
    {0, "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads of --finetune", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0, "licence", TING_OPTION_TEXT, offsetof(struct options, licence), "SPDX", "licence of the language model, to state in the file",
     .unset = "none"},
    {0, "authors", TING_OPTION_TEXT, offsetof(struct options, authors), "TEXT", "who made it, to state in the file", .unset = "nobody"},
    {0},
};

static const struct options defaults = {.weight = -1};

static const ting_example examples[] = {
    {"tingxie adapt models/tingxie.gguf clinic.txt -o clinic.gguf", "from a text of the domain to a model"},
    {"tingxie transcribe -m clinic.gguf visit.wav", "which has everything in it"},
    {"tingxie adapt models/tingxie.gguf minutes/*.txt --table names.tsv -o ours.gguf", "with names and how they are read"},
    {"tingxie adapt models/tingxie.gguf clinic.txt --finetune 60 -o clinic.gguf", "also trains pinyin to hanzi on it: minutes"},
    {"tingxie adapt zipformer-wenetspeech-3.3m clinic.txt -o clinic.gguf", "a public acoustic model, and what stands beside it"},
    {0},
};

const ting_command ting_command_adapt = {
    .name = "adapt",
    .summary = "makes a model that knows a domain from its text",
    .usage = "[OPTION]... MODEL TEXT...",
    .description =
        "Counts what is said in the texts, mixes it into the language model that MODEL works with, adds hanzi that pinyin-to-hanzi could "
        "not write yet, and writes one file with all networks. With --finetune pinyin-to-hanzi is trained on the text too. The acoustic "
        "network stays as it is. Texts are plain, or compressed with "
        "xz, in UTF-8; sentences end at line breaks and 。！？；. A few hundred sentences help, a hundred thousand help more. "
        "docs/ADAPT.md has measurements.\n\n"
        "Prints what the texts hold, their share in the language model, the perplexity of what was held out before and after, what is new "
        "in pinyin-to-hanzi, and the file with its words and n-grams of each order.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 2,
    .max_inputs = -1,
    .run = run,
};
