/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "cli/output.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* What stands below the input folder with the ending of the format in place of its own. It depends on the input alone, so
 * that whoever runs the command again finds the same name. */
static char *result_name(const ting_input_file *file, ting_format format)
{
    ting_str name = {0};
    const char *below = strcmp(file->path, "-") == 0 ? "stdin" : file->below;
    const char *slash = strrchr(below, '/'), *last = slash != NULL ? slash + 1 : below, *dot = strrchr(last, '.');
    size_t stem = dot != NULL && dot != last ? (size_t)(dot - below) : strlen(below);
    ting_str_add_bytes(&name, below, stem);
    ting_str_addf(&name, ".%s", ting_format_name(format));
    if (ting_str_ok(&name))
        return name.text;
    ting_str_free(&name);
    return NULL;
}

typedef struct place {
    const char *name;
    int index;
} place;

static int by_name(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Names for all results; two of one name are refused. */
static ting_err plan_names(const ting_inputs *inputs, const char *folder, ting_format format, ting_output *out)
{
    ting_err err = TING_OK;
    size_t count = (size_t)inputs->count;
    place *places = ting_alloc(count, sizeof *places);
    out->results = ting_alloc(count, sizeof *out->results);
    out->folder = ting_strdup(folder);
    if (places == NULL || out->results == NULL || out->folder == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
    out->count = inputs->count;
    for (int i = 0; i < inputs->count; i++) {
        out->results[i].name = result_name(&inputs->items[i], format);
        if (out->results[i].name == NULL)
            FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
        places[i] = (place){out->results[i].name, i};
    }
    qsort(places, count, sizeof *places, by_name);
    for (int i = 1; i < inputs->count; i++)
        if (strcmp(places[i].name, places[i - 1].name) == 0)
            FAIL(TING_ERR_ARGUMENT,
                 "%s and %s would both be written to %s/%s: give the folder that both are in, or another -o for one of them",
                 inputs->items[places[i - 1].index].path, inputs->items[places[i].index].path, folder, places[i].name);
out:
    ting_free(places);
    return err;
}

ting_err ting_output_plan(const ting_inputs *inputs, const char *folder,
                          const ting_output_options *options, ting_output *out)
{
    ting_err err = TING_OK;
    *out = (ting_output){.options = *options, .single = inputs->single};
    ting_format f = options->format;
    bool joinable = f == TING_FORMAT_TXT || f == TING_FORMAT_JSON || f == TING_FORMAT_CTM;
    const bool any = f == TING_FORMAT_TXT || f == TING_FORMAT_JSON, hypotheses = f == TING_FORMAT_SLF && options->kind == TING_OUTPUT_NBEST;
    if (options->kind != TING_OUTPUT_TEXT && !any && !hypotheses)
        FAIL(TING_ERR_ARGUMENT, "-f %s has no place for %s: use txt or json", ting_format_name(f),
             f == TING_FORMAT_SLF ? "tokens or keywords" : "tokens, hypotheses or keywords");
    if (folder == NULL && !inputs->single && !joinable)
        FAIL(TING_ERR_ARGUMENT, "-f %s of several recordings needs -o DIR, a file for each", ting_format_name(f));
    if (folder != NULL)
        TRY(plan_names(inputs, folder, f, out));
out:
    return err;
}

/* Whether what stands in the way of one result may be replaced. */
static ting_err check_state(const ting_output *output, const ting_input_file *file, const char *name, ting_done_state state,
                            const char *owner)
{
    char *path = ting_path_join(output->folder, name);
    ting_err err = path != NULL ? ting_file_apart(file->path, path) : TING_ERR_MEMORY;
    ting_free(path);
    if (err != TING_OK || output->options.force || (state != TING_DONE_ANOTHER && state != TING_DONE_FOREIGN))
        return err;
    if (state == TING_DONE_ANOTHER)
        return ting_fail(TING_ERR_ARGUMENT,
                         "%s/%s is the result of %s, and %s would replace it: choose another -o, or replace it with --force",
                         output->folder, name, owner, file->path);
    return ting_fail(TING_ERR_ARGUMENT,
                     "%s/%s is there, but %s: move it, choose another -o, or replace it with --force", output->folder, name,
                     owner == NULL ? "this program did not write it" : "was changed since this program wrote it");
}

ting_err ting_output_recall(ting_output *output, const ting_inputs *inputs, const char *stamp)
{
    ting_err err = TING_OK;
    if (output->folder == NULL)
        return TING_OK;
    TRY(ting_folder_make(output->folder));
    TRY(ting_done_open(output->folder, &output->done));
    output->stamp = ting_strdup(stamp);
    if (output->stamp == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
    for (int i = 0; i < output->count; i++) {
        const ting_input_file *file = &inputs->items[i];
        ting_planned *r = &output->results[i];
        const char *owner;
        bool sound_file = strcmp(file->path, "-") != 0;
        char *whole = sound_file ? realpath(file->path, NULL) : NULL;
        r->recording = ting_strdup(whole != NULL ? whole : file->path);
        free(whole); /* realpath's own memory */
        if (r->recording == NULL)
            FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
        r->mark = sound_file ? ting_file_mark_of(r->recording) : (ting_file_mark){.size = -1};
        ting_done_state state = ting_done_look(&output->done, r->name, r->recording, r->mark, stamp, &owner);
        r->done = state == TING_DONE_SAME && !output->options.force;
        if (r->mark.size >= 0 || !sound_file) /* else it will not be read either */
            TRY(check_state(output, file, r->name, state, owner));
    }
out:
    return err;
}

void ting_output_free(ting_output *output)
{
    for (int i = 0; i < output->count; i++) {
        ting_free(output->results[i].name);
        ting_free(output->results[i].recording);
    }
    ting_free(output->results);
    ting_free(output->folder);
    ting_free(output->stamp);
    ting_done_close(&output->done);
    *output = (ting_output){0};
}

bool ting_output_is_done(const ting_output *output, int index)
{
    return output->folder != NULL && output->results[index].done;
}

static void add_start(ting_str *out, const ting_output *output, const ting_input_file *file)
{
    if (!output->single && output->folder == NULL) {
        ting_str_add_escaped(out, file->path);
        ting_str_add(out, "\t");
    }
}

static void add_tokens(ting_str *out, const ting_result *result)
{
    bool first = true;
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        for (int k = 0; k < sentence->token_count; k++, first = false)
            ting_str_addf(out, "%s%s", first ? "" : " ", ting_sentence_token(sentence, k)->text);
    }
    ting_str_add(out, "\n");
}

/* A tab, and the confidences of the characters of sentences `from` .. `to` - 1. */
static void add_confidences(ting_str *out, const ting_result *result, int from, int to)
{
    const char *between = "\t";
    for (int i = from; i < to; i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        for (int k = 0; k < sentence->char_count; k++, between = " ")
            ting_str_addf(out, "%s%.3f", between, (double)ting_sentence_char(sentence, k)->confidence);
    }
}

/* Sentences as lines of a file, or all on one line of standard output. */
static void add_text(ting_str *out, const ting_output *output, const ting_result *result)
{
    const ting_output_options *o = &output->options;
    const bool lines = output->folder != NULL;
    const int count = ting_result_sentence_count(result);
    if (!lines && !o->pinyin)
        ting_str_add(out, ting_result_text(result));
    for (int i = 0; i < count && (lines || o->pinyin); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        ting_str_add(out, o->pinyin ? sentence->pinyin : sentence->text);
        if (lines && o->confidence)
            add_confidences(out, result, i, i + 1);
        ting_str_add(out, lines ? "\n" : i + 1 < count ? " " : "");
    }
    if (!lines && o->confidence)
        add_confidences(out, result, 0, count);
    if (!lines)
        ting_str_add(out, "\n");
}

static void add_hypotheses(ting_str *out, const ting_output *output, const ting_input_file *file,
                           const ting_result *result)
{
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        for (int k = 0; k < sentence->hypothesis_count; k++) {
            const ting_hypothesis *h = ting_sentence_hypothesis(sentence, k);
            add_start(out, output, file);
            ting_str_addf(out, "%d\t%.4f\t%s\n", k + 1, h->score, output->options.pinyin ? h->pinyin : h->text);
        }
    }
}

static void add_keywords(ting_str *out, const ting_output *output, const ting_input_file *file,
                         const ting_result *result)
{
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        add_start(out, output, file);
        ting_str_addf(out, "%.2f\t%.2f\t%.4f\t%s\n", sentence->start, sentence->end, (double)sentence->confidence,
                      sentence->text);
    }
}

/* A JSON text on one line: its line breaks are all between its parts. */
static void add_one_line(ting_str *out, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        ting_str_add_bytes(out, text, length);
        text += length;
        text += strspn(text, "\n ");
        ting_str_add(out, *text != '\0' ? " " : "\n");
    }
}

static ting_err save(const ting_output *output, int index, const ting_str *text)
{
    ting_err err = TING_OK;
    const ting_planned *r = &output->results[index];
    char *path = ting_path_join(output->folder, r->name);
    if (path == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its text", r->recording);
    TRY(ting_folder_make_above(path));
    TRY(ting_file_save(path, text->text, text->length));
    TRY(ting_done_note(&output->done, r->name, r->recording, r->mark, output->stamp));
out:
    ting_free(path);
    return err;
}

ting_err ting_output_make(const ting_output *output, const ting_input_file *file, int index,
                          const ting_result *result, char **text)
{
    ting_err err = TING_OK;
    ting_str out = {0};
    char *formatted = NULL;
    *text = NULL;
    ting_str_add(&out, "");
    if (output->options.format != TING_FORMAT_TXT) {
        TRY(ting_result_format(result, output->options.format, file->path, &formatted));
        if (output->options.format == TING_FORMAT_JSON && !output->single && output->folder == NULL)
            add_one_line(&out, formatted);
        else
            ting_str_add(&out, formatted);
    } else if (output->options.kind == TING_OUTPUT_NBEST) {
        add_hypotheses(&out, output, file, result);
    } else if (output->options.kind == TING_OUTPUT_KEYWORDS) {
        add_keywords(&out, output, file, result);
    } else {
        add_start(&out, output, file);
        if (output->options.kind == TING_OUTPUT_TOKENS)
            add_tokens(&out, result);
        else
            add_text(&out, output, result);
    }
    if (!ting_str_ok(&out))
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its text", file->path);
    if (output->folder != NULL) {
        TRY(save(output, index, &out));
    } else {
        *text = out.text;
        out = (ting_str){0};
    }
out:
    ting_text_free(formatted);
    ting_str_free(&out);
    return err;
}
