/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data_check.c - tingxie data check: what a manifest holds, and what is wrong with it. */
#include "base/mem.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/counting.h"
#include "engine/tool_places.h"
#include "train/tool_rows.h"
#include "tingxie_train.h"

#include <string.h>

struct options {
    const char *base, *only, *lexicon, *output, *recipe;
    bool decode;
    int threads, most;
    double shortest, longest;
};

/* Problems are the errors of this command: --quiet leaves them. */
static void say(void *self, const char *sentence)
{
    ting_cli_say(self, "%s", sentence);
}

/* ---- the summary ---- */

static double share(size_t part, size_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_lengths(const ting_data_summary *s)
{
    enum { WIDTH = 40 };
    size_t most = 1;
    int last = 0;
    for (int i = 0; i < TING_LENGTH_BINS; i++) {
        most = s->lengths[i] > most ? s->lengths[i] : most;
        last = s->lengths[i] > 0 ? i : last;
    }
    for (int i = 0; i <= last; i++) {
        char range[32], bar[WIDTH + 1];
        size_t width = (s->lengths[i] * WIDTH + most - 1) / most;
        snprintf(range, sizeof range, i == TING_LENGTH_BINS - 1 ? "%d s and more" : "%d to %d s", 2 * i, 2 * i + 2);
        memset(bar, '#', width);
        bar[width] = '\0';
        printf("  %-18s%-10zu%s%s\n", range, s->lengths[i], width > 0 ? " " : "", bar);
    }
}

static void print_summary(const ting_data_summary *s)
{
    printf("clips               %zu\n", s->clips);
    ting_number_fprint(stdout, "hours               %.2f\n", s->seconds / 3600);
    printf("speakers            %zu\n", s->speakers);
    if (s->unnamed > 0)
        printf("  clips without     %zu\n", s->unnamed);
    for (int i = 0; i < TING_RATES && s->rates[i] > 0; i++)
        printf("clips at %-10d %zu\n", s->rates[i], s->rate_clips[i]);
    ting_number_fprint(stdout, "lengths             %.2f to %.2f s\n", s->shortest, s->longest);
    print_lengths(s);
    printf("labelled            %zu\n", s->labelled);
    printf("hanzi               %zu, %zu different\n", s->hanzi, s->different_hanzi);
    printf("syllables           %zu, %d different\n", s->syllables, s->different_syllables);
    ting_number_fprint(stdout, "  in common use     %d of %d (%.1f %%), %d of them fewer than 10 times\n",
                       s->different_common, s->common_syllables,
                       share((size_t)s->different_common, (size_t)s->common_syllables), s->rare_syllables);
    ting_number_fprint(stdout, "without a problem   %zu (%.2f %%)\n", s->good, share(s->good, s->clips));
    for (int p = 0; p < TING_PROBLEMS; p++)
        if (s->problems[p] > 0)
            printf("  %-18s%zu\n", ting_problem_name((ting_problem)p), s->problems[p]);
}

static ting_exit finish(ting_cli *cli, const struct options *o, const ting_data_summary *s)
{
    size_t problems = 0, unsaid = 0;
    for (int p = 0; p < TING_PROBLEMS; p++) {
        problems += s->problems[p];
        unsaid += s->problems[p] > (size_t)o->most ? s->problems[p] - (size_t)o->most : 0;
    }
    if (unsaid > 0)
        ting_cli_say(cli, "%zu more problems are not listed; --most N lists N of each kind", unsaid);
    print_summary(s);
    return problems > 0 ? TING_EXIT_FAILED : TING_EXIT_OK;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_counting session = {.cli = cli, .command = "data check", .unit = "clips"};
    ting_data_summary summary;
    char *found = NULL;
    double rows = 0;
    ting_token_table tokens = TING_TOKENS_PARTS;
    ting_err err = o->recipe != NULL ? ting_tool_recipe_rows(o->recipe, &rows, &tokens) : TING_OK;
    if (err == TING_OK && o->lexicon == NULL)
        err = ting_tool_lexicon_folder(&found);
    ting_cli_catch_interrupt();
    const ting_data_options options = {.manifest = cli->inputs[0],
                                       .base = o->base,
                                       .only = o->only,
                                       .lexicon = o->lexicon != NULL ? o->lexicon : found,
                                       .output = o->output,
                                       .decode = o->decode,
                                       .threads = o->threads,
                                       .shortest = o->shortest,
                                       .longest = o->longest,
                                       .rows = rows,
                                       .tokens = tokens,
                                       .most = (size_t)o->most,
                                       .problems = {say, cli},
                                       .progress = ting_counting_show,
                                       .stop = ting_counting_stop,
                                       .self = &session};
    if (err == TING_OK)
        err = ting_check_data(&options, &summary);
    ting_counting_end(&session);
    ting_free(found);
    return err == TING_OK ? finish(cli, o, &summary) : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'o', "output", TING_OPTION_FILE, offsetof(struct options, output), "FILE",
     "writes the clips without a problem as a manifest, with their lengths and pinyin"},
    {0, "only", TING_OPTION_TEXT, offsetof(struct options, only), "COLUMN=VALUE", "only clips whose column says this",
     .unset = "all clips"},
    {0, "base", TING_OPTION_FOLDER, offsetof(struct options, base), "DIR", "folder that relative paths start from",
     .unset = "the manifest's own"},
    {'d', "decode", TING_OPTION_FLAG, offsetof(struct options, decode), NULL,
     "looks at every sample: damage, silence, clipping, true lengths"},
    {'r', "recipe", TING_OPTION_FILE, offsetof(struct options, recipe), "FILE",
     "counts the rows and tokens of this recipe's network, to say which labels are too long",
     .unset = "25 rows a second, initials and finals"},
    {0, "shortest", TING_OPTION_REAL, offsetof(struct options, shortest), "SECONDS", "shorter clips are a problem",
     .min = 0.001, .max = 3600},
    {0, "longest", TING_OPTION_REAL, offsetof(struct options, longest), "SECONDS", "longer clips are a problem",
     .min = 0.001, .max = 1e7},
    {0, "most", TING_OPTION_INT, offsetof(struct options, most), "N", "so many problems of each kind are listed",
     .min = 0, .max = 1e9},
    {0, "lexicon", TING_OPTION_FOLDER, offsetof(struct options, lexicon), "DIR", "folder of the pinyin tables",
     .unset = "lexicon in the model folders"},
    {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads", .min = 1, .max = 1024,
     .unset = "all processors"},
    {0},
};

static const struct options defaults = {.most = 20, .shortest = 0.1, .longest = 30};

static const ting_example examples[] = {
    {"tingxie data check train.tsv", "sums up, and lists what is missing, unreadable or mislabelled"},
    {"tingxie data check --decode -o good.tsv data/train",
     "a Kaldi folder: every sample, and its good clips as a table"},
    {"tingxie data check --only split=dev manifest.tsv", "one part of a manifest"},
    {0},
};

const ting_command ting_command_data_check = {
    .name = "data check",
    .summary = "sums up a manifest of recordings and finds what is wrong",
    .usage = "[OPTION]... MANIFEST",
    .description =
        "Opens every sound that MANIFEST names and reads every label, prints a summary (hours, speakers, lengths, "
        "sample rates, "
        "characters, syllables), and lists problems on standard error: missing, unreadable, too short, too long; "
        "labels longer than the sound, characters without a reading, impossible pinyin, ids that are there twice; with "
        "--decode also damaged, silent and clipped sound. The exit status is 1 if there is any.\n\n"
        "MANIFEST is a table whose first line names columns (path, text, pinyin, speaker, ...), a list (path, tab, "
        "text), a file "
        "with a JSON object a line (WeNet's data.list), or a Kaldi folder (wav.scp, text, segments, ...); docs/DATA.md "
        "tells more.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = 1,
    .run = run,
};
