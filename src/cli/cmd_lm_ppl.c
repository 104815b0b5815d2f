/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_ppl.c - tingxie lm ppl: perplexity of texts. */
#include "base/number.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "tingxie.h"

#include <math.h>

struct options {
    bool lines;
};

typedef struct sum {
    double log_prob;
    size_t sentences, characters, words, unknown;
} sum;

static void print(const char *name, const sum *s)
{
    const double places = (double)(s->characters + s->sentences);
    ting_number_fprint(stdout, "%s\t%zu\t%zu\t%zu\t%.4f\t%.2f\n", name, s->sentences, s->characters, s->unknown, s->log_prob,
                       places > 0 ? exp(-s->log_prob / places) : NAN);
}

static ting_err measure(const ting_lm *lm, ting_text *in, bool each, sum *out)
{
    ting_err err = TING_OK;
    char *line;
    size_t length;
    while (ting_text_next(in, &line, &length)) {
        ting_lm_score score;
        TRY(ting_lm_score_text(lm, line, length, &score));
        if (each)
            ting_number_fprint(stdout, "%.4f\t%zu\t%zu\t%.*s\n", score.log_prob, score.characters, score.unknown, (int)length, line);
        if (score.words == 0)
            continue;
        out->sentences++;
        out->log_prob += score.log_prob;
        out->characters += score.characters;
        out->words += score.words;
        out->unknown += score.unknown;
    }
    err = in->err;
out:
    return err;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_exit status = TING_EXIT_OK;
    ting_lm *lm;
    sum all = {0};
    ting_err err = ting_lm_open(cli->inputs[0], &lm);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    for (int i = 1; i < (cli->input_count > 1 ? cli->input_count : 2) && err != TING_ERR_CANCELLED; i++) {
        const char *path = cli->input_count > 1 ? cli->inputs[i] : "-";
        ting_text in = {0};
        sum own = {0};
        err = ting_text_open(path, &in);
        if (err == TING_OK)
            err = measure(lm, &in, o->lines, &own);
        if (err != TING_OK)
            status = ting_cli_error(cli, err);
        else if (!o->lines)
            print(path, &own);
        ting_text_close(&in);
        all = (sum){all.log_prob + own.log_prob, all.sentences + own.sentences, all.characters + own.characters, all.words + own.words,
                    all.unknown + own.unknown};
    }
    if (cli->input_count > 2 && !o->lines && err != TING_ERR_CANCELLED)
        print("all", &all);
    ting_lm_free(lm);
    return status;
}

static const ting_option table[] = {
    {'l', "lines", TING_OPTION_FLAG, offsetof(struct options, lines), NULL,
     "each line instead: log-probability, characters, words not known, text"},
    {0},
};

static const struct options defaults = {0};

static const ting_example examples[] = {
    {"tingxie lm ppl lm.gguf news.txt", "one row"},
    {"xz -dc wiki.txt.xz | tingxie lm ppl lm.gguf", "of standard input"},
    {"echo 今天天气很好 | tingxie lm ppl --lines lm.gguf", "of each line"},
    {0},
};

const ting_command ting_command_lm_ppl = {
    .name = "lm ppl",
    .summary = "tells how well a language model knows texts",
    .usage = "[OPTION]... MODEL [FILE]...",
    .description =
        "Reads sentences, one a line, from the files or from standard input. Columns, with tabs between: file; sentences; characters; "
        "words that the model does not know; natural logarithm of the probability of all; perplexity a character, where the end of each "
        "sentence counts as one, so that models with other words can be compared. What is not known counts with the probability of "
        "\"<unk>\", so compare models of the same words, or look at that column.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
