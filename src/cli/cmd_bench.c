/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_bench.c - tingxie bench: how fast and how large recognition is.
 *
 * Each case runs in a process of its own, so that peaks of memory do not mix: one warm-up, then the
 * median of the rounds. Memory is the peak of the resident set above what the process held before it opened the
 * model.
 */
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/progress.h"
#include "engine/tool_sound.h"

#include "tingxie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    const char *model, *join;
    ting_values threads;
    int precision, decoding, rounds, part;
};

enum { PART_ALL, PART_ACOUSTIC, PART_WHOLE, MAX_ROUNDS = 99, MAX_THREADS = 16 };

typedef struct measurement { /* what a case's process reports through its pipe */
    int ok;
    char why[512];
    double load, median, least, seconds; /* of opening the model, a round, the fastest round; of sound */
    long idle_kb, peak_kb;
} measurement;

/* A line "VmHWM:   1234 kB" of /proc/self/status; 0 when the system has none. */
static long status_kb(const char *key)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = strtol(line + strlen(key) + 1, NULL, 10);
    }
    if (status != NULL)
        fclose(status);
    return value;
}

static ting_err run_round(const ting_model *model, const ting_inputs *inputs, const ting_options *options,
                          double *seconds)
{
    ting_err err = TING_OK;
    *seconds = 0;
    for (int i = 0; i < inputs->count; i++) {
        ting_result *result = NULL;
        TRY(ting_recognize_file(model, inputs->items[i].path, options, &result));
        *seconds += ting_result_duration(result);
        ting_result_free(result);
    }
out:
    return err;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static ting_err measure(const struct options *o, const ting_inputs *inputs, int threads, bool hanzi,
                        measurement *out)
{
    ting_err err = TING_OK;
    ting_model *model = NULL;
    double times[MAX_ROUNDS];
    ting_model_options model_options;
    ting_options options;
    ting_model_options_defaults(&model_options, sizeof model_options);
    ting_options_defaults(&options, sizeof options);
    model_options.precision = (ting_precision)o->precision;
    model_options.hanzi = options.hanzi = hanzi;
    options.decoding = (ting_decoding)o->decoding;
    options.threads = threads;
    out->idle_kb = status_kb("VmRSS");
    double started = ting_clock();
    TRY(ting_model_open(o->model, &model_options, &model));
    out->load = ting_clock() - started;
    TRY(run_round(model, inputs, &options, &out->seconds)); /* the warm-up */
    for (int i = 0; i < o->rounds; i++) {
        started = ting_clock();
        TRY(run_round(model, inputs, &options, &out->seconds));
        times[i] = ting_clock() - started;
    }
    qsort(times, (size_t)o->rounds, sizeof *times, by_value);
    out->least = times[0];
    out->median = (times[(o->rounds - 1) / 2] + times[o->rounds / 2]) / 2;
    out->peak_kb = status_kb("VmHWM");
out:
    ting_model_free(model);
    return err;
}

/* Runs one case in a child process; its measurement comes back through a pipe. */
static bool run_case(const struct options *o, const ting_inputs *inputs, int threads, bool hanzi, measurement *out)
{
    int ends[2];
    *out = (measurement){0};
    fflush(stdout);
    if (pipe(ends) != 0) {
        snprintf(out->why, sizeof out->why, "no pipe to a child process: %s", strerror(errno));
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        out->ok = measure(o, inputs, threads, hanzi, out) == TING_OK;
        if (!out->ok)
            snprintf(out->why, sizeof out->why, "%s", ting_error_message());
        _exit(write(ends[1], out, sizeof *out) == (ssize_t)sizeof *out ? 0 : 1);
    }
    if (child < 0)
        snprintf(out->why, sizeof out->why, "no child process: %s", strerror(errno));
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], out, sizeof *out) : -1;
    close(ends[0]);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (got != (ssize_t)sizeof *out) {
        *out = (measurement){0};
        if (WIFSIGNALED(status))
            snprintf(out->why, sizeof out->why, "the process of this case was ended by signal %d (%s)", WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
        else
            snprintf(out->why, sizeof out->why, "the process of this case ended with status %d", WEXITSTATUS(status));
    }
    return out->ok != 0;
}

static ting_exit join(ting_cli *cli, const struct options *o, const ting_inputs *inputs)
{
    double seconds;
    const char **paths = ting_alloc((size_t)inputs->count, sizeof *paths);
    if (paths == NULL)
        return ting_cli_error(cli, TING_ERR_MEMORY);
    for (int i = 0; i < inputs->count; i++)
        paths[i] = inputs->items[i].path;
    ting_err err = TING_OK;
    for (int i = 0; i < inputs->count && err == TING_OK; i++)
        err = ting_file_apart(paths[i], o->join);
    if (err == TING_OK)
        err = ting_tool_join(paths, inputs->count, o->join, &seconds);
    ting_free(paths);
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    if (!cli->quiet)
        ting_cli_say(cli, "%s: %.1f s from %d recordings", o->join, seconds, inputs->count);
    return TING_EXIT_OK;
}

static ting_exit run_cases(ting_cli *cli, const struct options *o, const ting_inputs *inputs, const int *threads,
                           int thread_counts)
{
    static const char *const precisions[] = {"f32", "bf16", "int8"}, *const decodings[] = {"greedy", "beam", "rescore"};
    puts("case\tthreads\tprecision\tdecoding\tsound_s\tmedian_s\tbest_s\trtf\tload_s\tpeak_mb_above_idle");
    for (int t = 0; t < thread_counts; t++) {
        for (int part = PART_ACOUSTIC; part <= PART_WHOLE; part++) {
            measurement m;
            if (o->part != PART_ALL && o->part != part)
                continue;
            if (!run_case(o, inputs, threads[t], part == PART_WHOLE, &m))
                return ting_cli_fail(cli, TING_EXIT_FAILED, "%s", m.why);
            printf("%s\t%d\t%s\t%s\t%.2f\t%.4f\t%.4f\t%.5f\t%.3f\t%.1f\n", part == PART_WHOLE ? "whole" : "acoustic",
                   threads[t], precisions[o->precision], decodings[o->decoding], m.seconds, m.median, m.least,
                   m.median / m.seconds, m.load, (double)(m.peak_kb - m.idle_kb) / 1024);
            fflush(stdout);
        }
    }
    return TING_EXIT_OK;
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_inputs inputs = {0};
    int threads[MAX_THREADS] = {1}, counts = 1;
    for (int i = 0; i < o->threads.count; i++) {
        char *end;
        long value = strtol(o->threads.items[i], &end, 10);
        if (i >= MAX_THREADS || *end != '\0' || value < 1 || value > 1024)
            return ting_cli_fail(cli, TING_EXIT_USAGE, "--threads wants at most %d numbers from 1 to 1024, not '%s'",
                                 (int)MAX_THREADS, o->threads.items[i]);
        threads[i] = (int)value;
        counts = i + 1;
    }
    ting_exit status = TING_EXIT_FAILED;
    ting_err err = ting_inputs_expand(cli, false, &inputs);
    if (err != TING_OK)
        status = ting_cli_error(cli, err);
    else if (inputs.failed == 0 && inputs.count > 0)
        status = o->join != NULL ? join(cli, o, &inputs) : run_cases(cli, o, &inputs, threads, counts);
    ting_inputs_free(&inputs);
    return status;
}

#define FIELD(name) offsetof(struct options, name)

static const ting_option table[] = {
    {'m', "model", TING_OPTION_FILE, FIELD(model), "MODEL", "a .gguf file, a folder with a public model, or the name of a known one",
     .unset = "the first one in TING_MODELS, models/ or the data folder"},
    {'t', "threads", TING_OPTION_LIST, FIELD(threads), "N", "measure with N threads; may be given several times", .unset = "1"},
    {0, "part", TING_OPTION_CHOICE, FIELD(part), "PART", "acoustic: sound to pinyin; whole: to hanzi",
     .choices = "all acoustic whole"},
    {0, "rounds", TING_OPTION_INT, FIELD(rounds), "N", "rounds after the warm-up", .min = 1, .max = MAX_ROUNDS},
    {0, "decoding", TING_OPTION_CHOICE, FIELD(decoding), "HOW", "search for tokens", .choices = "greedy beam rescore"},
    {0, "precision", TING_OPTION_CHOICE, FIELD(precision), "P", "arithmetic of the networks", .choices = "f32 bf16 int8"},
    {0, "join", TING_OPTION_FILE, FIELD(join), "FILE", "measure nothing: write all recordings into one WAV file"},
    {0},
};

static const struct options defaults = {.rounds = 5};

static const ting_example examples[] = {
    {"tingxie bench talk.wav", "time, memory and real-time factor on one thread"},
    {"tingxie bench -t 1 -t 2 -t 4 --precision int8 recordings/", "three thread counts, all recordings one after the other"},
    {"tingxie bench --join long.wav recordings/", "makes one long recording to measure with"},
    {0},
};

const ting_command ting_command_bench = {
    .name = "bench",
    .summary = "measures speed and memory of recognition",
    .usage = "[OPTION]... FILE|DIR|@LIST...",
    .description =
        "Prints a tab-separated line for each case: the acoustic part alone (sound to pinyin) and the whole way to hanzi. "
        "The real-time factor (rtf) is the median time of a round divided by the length of the sound; memory is the peak "
        "of the resident set above that of the process before it opened the model.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
