/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lm_ppl.c - tingxie lm ppl: perplexity of texts. */
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "cli/numbers.h"
#include "tingxie.h"

#include <math.h>
#include <string.h>

enum { MOST_MODELS = 16, BLOCK = 1024 };

struct options {
    ting_values with;
    const char *weights;
    bool lines, fit;
    int threads;
    double cache, cache_words;
};

typedef struct sum {
    double log_prob;
    size_t sentences, characters, words, unknown;
} sum;

typedef struct block { /* lines that are read at once */
    ting_str text;
    size_t start[BLOCK], length[BLOCK], count;
    const char *texts[BLOCK];
    ting_lm_score scores[BLOCK];
} block;

typedef struct models {
    const char *names[MOST_MODELS];
    ting_lm *opened[MOST_MODELS];
    int count;
    ting_lm_reader *reader;
} models;

static void print(const char *name, const sum *s)
{
    const double places = (double)(s->characters + s->sentences); /* more than 0: of a text */
    ting_number_fprint(stdout, "%s\t%zu\t%zu\t%zu\t%.4f\t%.2f\n", name, s->sentences, s->characters, s->unknown, s->log_prob,
                       exp(-s->log_prob / places));
}

/* Lines until `most` are there; 0 lines at the end. */
static ting_err fill(ting_text *in, block *b, size_t most)
{
    char *line;
    size_t length;
    ting_str_clear(&b->text);
    for (b->count = 0; b->count < most && ting_text_next(in, &line, &length); b->count++) {
        b->start[b->count] = b->text.length;
        b->length[b->count] = length;
        ting_str_add_bytes(&b->text, line, length);
        const ting_err err = ting_text_check(in, line, length);
        if (err != TING_OK)
            return err;
    }
    for (size_t i = 0; i < b->count; i++)
        b->texts[i] = b->text.text != NULL ? b->text.text + b->start[i] : "";
    return b->count > 0 && !ting_str_ok(&b->text) ? TING_ERR_MEMORY : in->err;
}

static ting_err measure(ting_lm_reader *reader, ting_text *in, bool each, block *b, sum *out)
{
    ting_err err = TING_OK;
    for (;;) {
        TRY(fill(in, b, each ? 1 : BLOCK)); /* a line at a time answers the other end of two pipes */
        if (b->count == 0)
            break;
        TRY(ting_lm_reader_score(reader, b->texts, b->length, b->count, b->scores));
        for (size_t i = 0; i < b->count; i++) {
            const ting_lm_score *score = &b->scores[i];
            if (each)
                ting_number_fprint(stdout, "%.4f\t%zu\t%zu\t%.*s\n", score->log_prob, score->characters, score->unknown, (int)b->length[i],
                                   b->texts[i]);
            if (score->words == 0)
                continue;
            out->sentences++;
            out->log_prob += score->log_prob;
            out->characters += score->characters;
            out->words += score->words;
            out->unknown += score->unknown;
        }
    }
out:
    return err;
}

/* The weights under which a file is likeliest, a line for each model. */
static ting_err fit(const models *m, ting_text *in)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    size_t *starts = NULL, *lengths = NULL, count = 0, start_room = 0, length_room = 0, length;
    const char **texts = NULL;
    double weights[MOST_MODELS];
    char *line;
    while (ting_text_next(in, &line, &length)) {
        TRY(ting_text_check(in, line, length));
        TRY(ting_reserve(&starts, count, 1, &start_room, sizeof *starts));
        TRY(ting_reserve(&lengths, count, 1, &length_room, sizeof *lengths));
        starts[count] = text.length;
        lengths[count++] = length;
        ting_str_add_bytes(&text, line, length);
    }
    TRY(in->err);
    texts = ting_alloc(count + 1, sizeof *texts);
    TRY(texts != NULL && (count == 0 || ting_str_ok(&text)) ? TING_OK : TING_ERR_MEMORY);
    for (size_t i = 0; i < count; i++)
        texts[i] = text.text + starts[i];
    TRY_IN(ting_lm_reader_fit(m->reader, texts, lengths, count, weights), "%s", in->name);
    for (int p = 0; p < m->count; p++)
        ting_number_fprint(stdout, "%s\t%.4f\n", m->names[p], weights[p]);
out:
    ting_free(starts);
    ting_free(lengths);
    ting_free(texts);
    ting_str_free(&text);
    return err;
}

static ting_err open_models(const char *first, const struct options *o, models *m)
{
    ting_err err = TING_OK;
    ting_lm_weighted parts[MOST_MODELS];
    ting_lm_reader_options options;
    double weights[MOST_MODELS];
    int given = 0;
    if (o->with.count >= MOST_MODELS)
        FAIL(TING_ERR_ARGUMENT, "%d models, expected at most %d", o->with.count + 1, (int)MOST_MODELS);
    m->count = 1 + o->with.count;
    for (int p = 0; p < m->count; p++) {
        m->names[p] = p == 0 ? first : o->with.items[p - 1];
        weights[p] = 1;
    }
    if (o->weights != NULL && (!ting_cli_numbers(o->weights, m->count, weights, &given) || given != m->count))
        FAIL(TING_ERR_ARGUMENT, "--weights %s: expected %d numbers with commas between, one for each model", o->weights, m->count);
    for (int p = 0; p < m->count; p++) {
        TRY(ting_lm_open(m->names[p], &m->opened[p]));
        parts[p] = (ting_lm_weighted){m->opened[p], weights[p]};
    }
    ting_lm_reader_options_defaults(&options, sizeof options);
    options.threads = o->threads;
    options.cache = o->cache;
    options.cache_words = o->cache_words;
    TRY(ting_lm_reader_new(parts, m->count, &options, &m->reader));
out:
    return err;
}

static void close_models(models *m)
{
    ting_lm_reader_free(m->reader);
    for (int p = 0; p < m->count; p++)
        ting_lm_free(m->opened[p]);
}

static ting_err read_file(ting_cli *cli, const models *m, const char *path, const struct options *o, block *b, sum *all)
{
    ting_text in = {0};
    sum own = {0};
    ting_err err = ting_text_open(path, &in);
    if (err == TING_OK)
        err = o->fit ? fit(m, &in) : measure(m->reader, &in, o->lines, b, &own);
    if (err == TING_OK && !o->lines && !o->fit && own.sentences == 0)
        err = ting_fail(TING_ERR_FORMAT, "%s: there is no text in it, and so no perplexity", in.name);
    if (err == TING_OK && !o->lines && !o->fit)
        print(path, &own);
    if (err == TING_OK && own.unknown == own.words)
        ting_cli_say_unknown(cli, in.name, own.words, m->names[0]);
    ting_text_close(&in);
    *all = (sum){all->log_prob + own.log_prob, all->sentences + own.sentences, all->characters + own.characters, all->words + own.words,
                 all->unknown + own.unknown};
    return err;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_exit status = TING_EXIT_OK;
    models m = {0};
    sum all = {0};
    if (o->fit && o->cache > 0)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--fit goes without --cache: weights are fitted to the models alone");
    block *b = ting_alloc(1, sizeof *b);
    ting_err err = b != NULL ? open_models(cli->inputs[0], o, &m) : TING_ERR_MEMORY;
    if (err != TING_OK)
        status = ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    for (int i = 1; m.reader != NULL && i < (cli->input_count > 1 ? cli->input_count : 2) && err != TING_ERR_CANCELLED; i++) {
        err = read_file(cli, &m, cli->input_count > 1 ? cli->inputs[i] : "-", o, b, &all);
        if (err != TING_OK)
            status = ting_cli_error(cli, err);
    }
    if (cli->input_count > 2 && all.sentences > 0 && !o->lines && !o->fit && err != TING_ERR_CANCELLED)
        print("all", &all);
    close_models(&m);
    if (b != NULL)
        ting_str_free(&b->text);
    ting_free(b);
    return status;
}

static const ting_option table[] = {
    {'l', "lines", TING_OPTION_FLAG, offsetof(struct options, lines), NULL,
     "each line instead: log-probability, characters, words not known, text"},
    {'w', "with", TING_OPTION_LIST, offsetof(struct options, with), "MODEL",
     "mix MODEL's probabilities in: of the same words; may be given several times"},
    {0, "weights", TING_OPTION_TEXT, offsetof(struct options, weights), "NUMBERS",
     "of the models of a mixture in order, with commas between", .unset = "equal"},
    {0, "fit", TING_OPTION_FLAG, offsetof(struct options, fit), NULL,
     "print the weights instead under which the text is likeliest: fit them to another text than the one that you report"},
    {0, "cache", TING_OPTION_REAL, offsetof(struct options, cache), "X",
     "weight of a model of the words that were read before, in all files", .min = 0, .max = 0.99},
    {0, "cache-words", TING_OPTION_REAL, offsetof(struct options, cache_words), "N", "words after which one counts half in it", .min = 1,
     .max = 1e9, .needs = "cache"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024, .unset = "all processors"},
    {0},
};

static const struct options defaults = {.cache_words = 500};

static const ting_example examples[] = {
    {"tingxie lm ppl lm.gguf news.txt", "one row"},
    {"sed 1000q wiki.txt | tingxie lm ppl lm.gguf", "of standard input"},
    {"echo 今天天气很好 | tingxie lm ppl --lines lm.gguf", "of each line"},
    {"tingxie lm ppl --with lstm.gguf --fit lm.gguf dev.txt", "the best weights of two models"},
    {"tingxie lm ppl --with lstm.gguf --weights 0.4,0.6 lm.gguf news.txt", "both models together"},
    {0},
};

const ting_command ting_command_lm_ppl = {
    .name = "lm ppl",
    .summary = "tells how well a language model knows texts",
    .usage = "[OPTION]... MODEL [FILE]...",
    .description =
        "Reads sentences, one a line, from the files or from standard input, plain or compressed with xz. Columns, with tabs between: "
        "file; sentences; characters; "
        "words that the model does not know; natural logarithm of the probability of all; perplexity a character, where the end of each "
        "sentence counts as one, so that models with other words can be compared. What is not known counts with the probability of "
        "\"<unk>\", so compare models of the same words, or look at that column.\n\n"
        "A model that looks at a word from both sides (bilstm) gives a pseudo-likelihood: what stands for perplexity then can be compared "
        "with that of such models alone.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
