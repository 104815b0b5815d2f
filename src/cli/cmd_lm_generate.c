/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_generate.c - tingxie lm generate: sentences that a language model makes up. */
#include "base/rng.h"
#include "cli/cli.h"
#include "tingxie.h"

struct options {
    const char *begin;
    int count, seed, longest;
    double temperature;
};

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_lm *lm;
    ting_err err = ting_lm_open(cli->inputs[0], &lm);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    for (int i = 0; i < o->count && err == TING_OK; i++) {
        char *text = NULL;
        /* no sentence behind the first is one of the next seed */
        const uint64_t own = i == 0 ? (uint64_t)o->seed : ting_rng_new((uint64_t)o->seed, (uint64_t)i).key;
        err = ting_cli_interrupted() ? TING_ERR_CANCELLED
                                     : ting_lm_generate(lm, o->begin, own, o->longest, o->temperature, &text);
        if (err == TING_OK)
            puts(text);
        ting_text_free(text);
    }
    ting_lm_free(lm);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'n', "count", TING_OPTION_INT, offsetof(struct options, count), "N", "sentences", .min = 1, .max = 1e9},
    {'b', "begin", TING_OPTION_TEXT, offsetof(struct options, begin), "TEXT", "what they begin with", .unset = "nothing"},
    {0, "seed", TING_OPTION_INT, offsetof(struct options, seed), "N", "other numbers, other sentences", .min = 0, .max = 1e9},
    {0, "longest", TING_OPTION_INT, offsetof(struct options, longest), "N", "words at most", .min = 1, .max = 1e6},
    {0, "temperature", TING_OPTION_REAL, offsetof(struct options, temperature), "X", "below 1 the likely gets likelier", .min = 0.01,
     .max = 100},
    {0},
};

static const struct options defaults = {.count = 1, .seed = 1, .longest = 100, .temperature = 1};

static const ting_example examples[] = {
    {"tingxie lm generate -n 10 lm.gguf", "ten sentences"},
    {"tingxie lm generate --begin 今天 --temperature 0.7 lm.gguf", "one that begins so"},
    {0},
};

const ting_command ting_command_lm_generate = {
    .name = "lm generate",
    .summary = "writes sentences that a language model makes up",
    .usage = "[OPTION]... MODEL",
    .description = "Draws word after word from the model's probabilities until it says that the sentence is over. The same seed gives "
                   "the same sentences. What a model makes up shows what it has learnt, and what not.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
