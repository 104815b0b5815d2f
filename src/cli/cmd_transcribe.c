/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_transcribe.c - tingxie transcribe: recordings in, text out.
 *
 * Recordings are spread over the threads, one a thread; a single one uses all threads for itself. Results
 * come out in the order of the inputs. What is finished is kept, whatever happens to the rest.
 */
#include "base/cpu.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recognition.h"
#include "engine/tool_model.h"
#include "engine/tool_sound.h"

#include "tingxie.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { DECODING_AUTO, DECODING_GREEDY, DECODING_BEAM, DECODING_RESCORE }; /* places in the option's choices */

struct options {
    ting_recognition_fields how;
    const char *folder, *keywords;
    int format, nbest, decoding;
    double keyword_threshold, keyword_boost;
    bool pinyin, tokens, confidence, force;
};

typedef struct job { /* one command's work, shared by its threads */
    ting_cli *cli;
    const struct options *options;
    const ting_inputs *inputs;
    ting_output output;
    ting_model *model;
    ting_recognition_files files;
    ting_options recognise;
    pthread_mutex_t lock; /* everything below, standard streams and the bar */
    ting_progress bar;
    char **texts; /* [inputs] finished and not printed yet, owned */
    bool *closed; /* [inputs] finished, failed or skipped */
    int next;     /* the first input that is not closed */
    int broken;   /* errno of standard output's first failure: nothing more can be printed */
    int done, failed, skipped;
    double seconds; /* of sound */
} job;

static int watch(void *self, double done, double total)
{
    job *j = self;
    if (j->inputs->count == 1 && total > 0) { /* one thread only: no lock */
        j->bar.total = total;
        ting_progress_update(&j->bar, done, NULL);
    }
    return ting_cli_interrupted();
}

/* Under the lock: prints what has become printable in the order of the inputs. */
static void print_ready(job *j)
{
    for (; j->next < j->inputs->count && j->closed[j->next]; j->next++) {
        char *text = j->texts[j->next];
        if (text == NULL)
            continue;
        if (j->cli->progress != NULL)
            ting_progress_wipe(j->cli->progress);
        if (j->broken == 0 && (fputs(text, stdout) < 0 || fflush(stdout) != 0))
            j->broken = errno;
        ting_text_free(text);
        j->texts[j->next] = NULL;
    }
}

/* The library's sentence, with the path in front where it does not name it. */
static void say_why(job *j, const char *path)
{
    const char *why = ting_error_message();
    if (strstr(why, path) != NULL)
        ting_cli_say(j->cli, "%s", why);
    else
        ting_cli_say(j->cli, "%s: %s", path, why);
}

static void close_one(job *j, int index, ting_err err, char *text, double seconds)
{
    const char *path = j->inputs->items[index].path;
    pthread_mutex_lock(&j->lock);
    if (err == TING_OK) {
        j->done++;
        j->seconds += seconds;
        j->texts[index] = text;
    } else if (err != TING_ERR_CANCELLED) {
        j->failed++;
        say_why(j, path);
    } else if (j->inputs->single) {
        say_why(j, path); /* of several, the sum tells how many are left */
    }
    j->closed[index] = err != TING_ERR_CANCELLED;
    print_ready(j);
    if (j->inputs->count > 1)
        ting_progress_update(&j->bar, j->done + j->failed + j->skipped, NULL);
    pthread_mutex_unlock(&j->lock);
}

static void transcribe_one(void *arg, int index)
{
    job *j = arg;
    const ting_input_file *file = &j->inputs->items[index];
    ting_err err = TING_OK;
    ting_result *result = NULL;
    char *text = NULL;
    double seconds = 0;
    pthread_mutex_lock(&j->lock);
    bool stop = j->broken != 0;
    pthread_mutex_unlock(&j->lock);
    if (stop || ting_cli_interrupted())
        return;
    if (ting_output_is_done(&j->output, index)) {
        pthread_mutex_lock(&j->lock);
        j->skipped++;
        j->closed[index] = true;
        pthread_mutex_unlock(&j->lock);
        return;
    }
    TRY(ting_recognize_file(j->model, file->path, &j->recognise, &result));
    seconds = ting_result_duration(result);
    if (ting_result_partial(result))
        ting_cli_say(j->cli, "%s: interrupted after %.1f s of sound: the result ends there", file->path, seconds);
    TRY(ting_output_make(&j->output, file, index, result, &text));
out:
    ting_result_free(result);
    close_one(j, index, err, text, seconds);
}

static int hypotheses(const struct options *o)
{
    enum { OF_A_LATTICE = 16 };
    return o->nbest > 0 ? o->nbest : o->format == TING_FORMAT_SLF ? OF_A_LATTICE : 1;
}

static void fill_options(job *j)
{
    const struct options *o = j->options;
    ting_options *r = &j->recognise;
    ting_recognition_fill(&o->how, r);
    bool greedy = o->decoding == DECODING_GREEDY || (o->decoding == DECODING_AUTO && o->tokens && o->how.fuse_lm == NULL);
    r->decoding = o->decoding == DECODING_RESCORE ? TING_DECODING_RESCORE
                  : greedy && hypotheses(o) == 1  ? TING_DECODING_GREEDY
                                                  : TING_DECODING_BEAM;
    r->nbest = hypotheses(o);
    /* even when pinyin is wanted the pinyin-to-hanzi network makes it better (tingxie.h) */
    r->hanzi = o->tokens || o->keywords != NULL ? 0 : o->pinyin ? 2 : 1;
    r->keywords = o->keywords;
    r->keyword_threshold = o->keyword_threshold;
    r->keyword_boost = o->keyword_boost;
    r->progress = watch;
    r->progress_self = j;
    r->keep_partial = j->inputs->single && o->folder == NULL; /* a line or file of several would look whole */
    if (j->inputs->count > 1)
        r->threads = 1;
}

/* All that shapes a result, in one line: with another line, what stands in a folder is made again. */
static ting_err make_stamp(const job *j, ting_str *out)
{
    ting_err err = TING_OK;
    const struct options *o = j->options;
    const ting_options *r = &j->recognise;
    ting_str_addf(out, "%s%s%s hanzi=%d nbest=%d decoding=%d beam=%d blank-penalty=%g constrained=%d pause=%g channel=%d precision=%d",
                  ting_format_name((ting_format)o->format), o->pinyin ? " pinyin" : "", o->tokens ? " tokens" : "", r->hanzi,
                  o->nbest, (int)r->decoding, r->beam, r->blank_penalty, r->constrained, r->pause, r->channel, o->how.precision);
    if (r->decoding == TING_DECODING_RESCORE)
        ting_str_addf(out, " ctc-weight=%g reverse-weight=%g", r->ctc_weight, r->reverse_weight);
    if (o->confidence)
        ting_str_add(out, " confidence");
    if (o->how.whole)
        ting_str_add(out, " whole");
    if (o->how.raw != NULL)
        ting_str_addf(out, " raw=%s", o->how.raw);
    if (o->keywords != NULL) {
        char digest[TING_SHA256_TEXT];
        TRY(ting_sha256_file(o->keywords, digest));
        ting_str_addf(out, " keywords=%.16s threshold=%g boost=%g", digest, r->keyword_threshold, r->keyword_boost);
    }
    if (o->how.hotwords != NULL) {
        char digest[TING_SHA256_TEXT];
        TRY(ting_sha256_file(o->how.hotwords, digest));
        ting_str_addf(out, " hotwords=%.16s weight=%g", digest, o->how.hotword_weight);
    }
    if (r->head != TING_HEAD_AUTO || r->skip_blank != 0)
        ting_str_addf(out, " head=%d skip-blank=%g", (int)r->head, r->skip_blank);
    if (o->how.fuse_lm != NULL) {
        ting_tool_file_stamp("fused", o->how.fuse_lm, out);
        ting_str_addf(out, " fuse-weight=%g fuse-bonus=%g", r->fuse_weight, r->fuse_bonus);
    }
    if (o->how.lodr != NULL) {
        ting_tool_file_stamp("lodr", o->how.lodr, out);
        ting_str_addf(out, " lodr-weight=%g", r->lodr_weight);
    }
    ting_tool_model_stamp(j->model, out);
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
out:
    return err;
}

static ting_err run_all(job *j)
{
    ting_err err = TING_OK;
    ting_pool *pool = NULL;
    ting_str stamp = {0};
    ting_model_options model_options;
    fill_options(j);
    ting_recognition_fill_model(&j->options->how, j->cli, &model_options);
    model_options.hanzi = j->recognise.hanzi;
    TRY(ting_model_open(j->options->how.model, &model_options, &j->model));
    TRY(ting_recognition_open(&j->options->how, j->model, &j->recognise, &j->files));
    if (j->options->keywords != NULL)
        TRY(ting_tool_model_keywords(j->model, j->options->keywords));
    TRY(make_stamp(j, &stamp));
    TRY(ting_output_recall(&j->output, j->inputs, stamp.text));
    j->texts = ting_alloc((size_t)j->inputs->count, sizeof *j->texts);
    j->closed = ting_alloc((size_t)j->inputs->count, sizeof *j->closed);
    if (j->texts == NULL || j->closed == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d recordings", j->inputs->count);
    int threads = j->options->how.threads > 0 ? j->options->how.threads : ting_cpu_count();
    if (j->inputs->count > 1 && threads > 1) {
        pool = ting_pool_new(threads < j->inputs->count ? threads : j->inputs->count);
        if (pool == NULL)
            FAIL(TING_ERR_MEMORY, "%d threads could not be started", threads);
    }
    ting_progress_begin(&j->bar, j->cli, "transcribe", j->inputs->count > 1 ? j->inputs->count : 0,
                        j->inputs->count > 1 ? "files" : "s");
    ting_pool_run(pool, j->inputs->count, transcribe_one, j);
    for (int i = 0; i < j->inputs->count; i++)
        j->closed[i] = true; /* after an interruption: the finished ones behind a gap */
    print_ready(j);
    ting_progress_end(&j->bar);
    if (j->broken != 0) {
        clearerr(stdout); /* said here, with its reason */
        FAIL(TING_ERR_IO, "standard output could not be written: %s", strerror(j->broken));
    }
out:
    ting_str_free(&stamp);
    ting_pool_free(pool);
    ting_recognition_close(&j->files);
    ting_model_free(j->model);
    ting_free(j->texts);
    ting_free(j->closed);
    return err;
}

static void sum_up(job *j, double elapsed)
{
    if ((j->inputs->single && j->skipped == 0) || (j->cli->quiet && j->failed == 0 && !ting_cli_interrupted()))
        return;
    int left = j->inputs->count - j->done - j->failed - j->skipped;
    ting_cli_say(j->cli, "%d done, %d failed, %d already done%s%.0d%s; %.1f s of sound in %.1f s", j->done,
                 j->failed + j->inputs->failed, j->skipped, left > 0 ? ", " : "", left,
                 left > 0 ? " not begun or not finished" : "", j->seconds, elapsed);
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_inputs inputs = {0};
    job j = {.cli = cli, .options = o, .inputs = &inputs};
    pthread_mutex_init(&j.lock, NULL);
    ting_exit status = TING_EXIT_OK;
    ting_err err = TING_OK;
    double started = ting_clock();
    const ting_output_options output = {
        .kind = o->keywords ? TING_OUTPUT_KEYWORDS : o->tokens ? TING_OUTPUT_TOKENS : o->nbest > 0 ? TING_OUTPUT_NBEST : TING_OUTPUT_TEXT,
        .confidence = o->confidence, .pinyin = o->pinyin, .format = (ting_format)o->format, .force = o->force};
    ting_cli_catch_interrupt();
    if (o->tokens && (o->pinyin || o->nbest > 0 || o->keywords != NULL))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--tokens goes with neither --pinyin, --nbest nor --keywords");
    if (o->confidence && (o->tokens || o->nbest > 0 || o->keywords != NULL || o->format != TING_FORMAT_TXT))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--confidence goes with text alone: formats such as json and ctm have confidences");
    if (o->how.hotwords != NULL && (o->tokens || o->keywords != NULL))
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--hotwords goes with neither --tokens nor --keywords");
    if (o->how.hotwords != NULL && o->how.lm_weight == 0)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--hotwords are weighed by a language model, which --lm-weight 0 leaves out");
    if (o->how.fuse_lm != NULL && (o->keywords != NULL || (o->decoding == DECODING_GREEDY && hypotheses(o) == 1)))
        return ting_cli_fail(cli, TING_EXIT_USAGE,
                             "--fuse-lm weighs what a beam holds: it goes with neither --keywords nor --decoding greedy");
    if (o->keywords != NULL && o->how.head == TING_HEAD_CTC)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--keywords are found by the transducer: they go without --head ctc");
    if (o->how.raw != NULL)
        TRY(ting_tool_check_raw(o->how.raw));
    TRY(ting_inputs_expand(cli, o->how.raw != NULL, &inputs));
    if (inputs.count > 0) {
        TRY(ting_output_plan(&inputs, o->folder, &output, &j.output));
        TRY(run_all(&j));
        sum_up(&j, ting_clock() - started);
    }
    status = j.failed + inputs.failed > 0 ? TING_EXIT_FAILED : TING_EXIT_OK;
    status = ting_cli_interrupted() ? TING_EXIT_INTERRUPTED : status;
out:
    if (err != TING_OK)
        status = ting_cli_wrong(cli, err);
    ting_output_free(&j.output);
    ting_inputs_free(&inputs);
    pthread_mutex_destroy(&j.lock);
    return status;
}

#define FIELD(name) offsetof(struct options, name)

static const ting_option table[] = {
    TING_RECOGNITION_HEARING(struct options),
    {'f', "format", TING_OPTION_CHOICE, FIELD(format), "FORMAT", "how results are written",
     .choices = "txt json srt vtt lrc tsv ctm textgrid slf"},
    {'o', "output", TING_OPTION_FOLDER, FIELD(folder), "DIR",
     "write one file for each recording into DIR, and skip what is done (see above)"},
    {0, "force", TING_OPTION_FLAG, FIELD(force), NULL, "with -o: do again what is done, and replace any file that stands in the way"},
    {'p', "pinyin", TING_OPTION_FLAG, FIELD(pinyin), NULL, "numbered syllables instead of hanzi"},
    {0, "tokens", TING_OPTION_FLAG, FIELD(tokens), NULL, "the acoustic model's own tokens instead of hanzi"},
    {0, "confidence", TING_OPTION_FLAG, FIELD(confidence), NULL,
     "behind each text a tab and how likely each of its characters is right, 0 to 1"},
    {'n', "nbest", TING_OPTION_INT, FIELD(nbest), "N", "N hypotheses a sentence, a line each: rank, score, text; with -f slf, as a lattice",
     .min = 1, .max = 64, .unset = "the best one, without columns; 16 of a lattice"},
    {0, "decoding", TING_OPTION_CHOICE, FIELD(decoding), "HOW",
     "search for tokens; rescore: a beam, ranked by the model's attention decoder",
     .choices = "auto greedy beam rescore", .unset = "auto: beam, but greedy with --tokens"},
    TING_RECOGNITION_TOKENS(struct options),
    {'k', "keywords", TING_OPTION_FILE, FIELD(keywords), "FILE",
     "only report the keywords of FILE: start, end, probability, keyword"},
    {0, "keyword-threshold", TING_OPTION_REAL, FIELD(keyword_threshold), "P", "least probability of a keyword",
     .min = 0.001, .max = 0.999, .needs = "keywords"},
    {0, "keyword-boost", TING_OPTION_REAL, FIELD(keyword_boost), "X", "bonus for each token of a keyword",
     .min = 0, .max = 10, .needs = "keywords"},
    TING_RECOGNITION_WEIGHING(struct options),
    {0},
};

static const struct options defaults = {.how = TING_RECOGNITION_DEFAULTS, .keyword_threshold = 0.25, .keyword_boost = 1};

static const ting_example examples[] = {
    {"tingxie transcribe talk.wav", "prints what was said"},
    {"tingxie transcribe -o texts -f srt recordings/", "a subtitle file for each recording; run again to go on"},
    {"tingxie transcribe a.flac b.mp3 @more.txt", "lines of path, tab, text"},
    {"ffmpeg -i film.mkv -f wav - | tingxie transcribe -", "sound from another program"},
    {"arecord -f S16_LE -r 16000 -t raw | tingxie transcribe --raw s16le:16000:1 -", "headerless sound"},
    {"tingxie transcribe --nbest 5 --pinyin talk.wav", "five hypotheses in pinyin with their scores"},
    {"tingxie transcribe -f slf talk.wav > talk.slf", "what else it may have been, as a lattice"},
    {0},
};

const ting_command ting_command_transcribe = {
    .name = "transcribe",
    .summary = "writes down what recordings say",
    .usage = "[OPTION]... FILE|DIR|@LIST|-...",
    .description =
        "Recognises Mandarin speech in sound files of any rate, length and number of channels. One FILE prints its bare "
        "text. A DIR (searched through, in order), an @LIST (a file with one path a line) or several FILEs print lines of "
        "path, tab, text. A lone - is standard input.\n\n"
        "With -o DIR, IN/x/a.wav of a folder IN becomes DIR/x/a.txt, and a.wav given by itself DIR/a.txt; two recordings with "
        "one such name are refused. DIR/.tingxie-done tells what was made of which recording and how: the same again is "
        "skipped; with other options, models or sound it is done again; what somebody else wrote is never replaced without "
        "--force.\n\n"
        "In lines of path, tab, text a path has \\n, \\t, \\r, \\\\ and \\xHH for what would break the line.\n\n"
        "A recording that cannot be read is named on standard error, the others go on, and the exit status is 1. After "
        "Ctrl-C what was finished is kept and the status is 130: of one FILE (or a live pipe) what was heard until then, of "
        "several those that were finished; with -o the next run goes on from there.\n\n"
        "A file for --keywords has a keyword a line: hanzi, pinyin with tones (kai1 shi3), or the model's own tokens, as "
        "'tingxie pinyin -n tokens' prints them; then, if wanted, :1.5 (boost of each token), #0.35 (threshold) and @name (what "
        "is reported instead of the line; underscores stand for spaces).",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .defaults = &defaults,
    .min_inputs = 1,
    .max_inputs = -1,
    .run = run,
};
