/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "cli/output.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* folder/below with the ending of the format in place of the input's own (or behind it, `keep`). */
static char *output_path(const char *folder, const ting_input_file *file, ting_format format, bool keep)
{
    ting_str path = {0};
    const char *below = strcmp(file->path, "-") == 0 ? "stdin" : file->below;
    const char *slash = strrchr(below, '/'), *name = slash != NULL ? slash + 1 : below, *dot = strrchr(name, '.');
    size_t stem = dot != NULL && dot != name && !keep ? (size_t)(dot - below) : strlen(below);
    ting_str_addf(&path, "%s/%.*s.%s", folder, (int)stem, below, ting_format_name(format));
    if (ting_str_ok(&path))
        return path.text;
    ting_str_free(&path);
    return NULL;
}

typedef struct place {
    const char *path;
    int index;
} place;

static int by_path(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Inputs whose outputs would overwrite each other keep their endings; those that still do are refused. */
static ting_err plan_paths(const ting_inputs *inputs, const char *folder, ting_format format, ting_output *out)
{
    ting_err err = TING_OK;
    place *places = ting_alloc((size_t)inputs->count, sizeof *places);
    out->paths = ting_alloc((size_t)inputs->count, sizeof *out->paths);
    if (places == NULL || out->paths == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
    out->count = inputs->count;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < inputs->count; i++) {
            if (out->paths[i] == NULL)
                out->paths[i] = output_path(folder, &inputs->items[i], format, round == 1);
            if (out->paths[i] == NULL)
                FAIL(TING_ERR_MEMORY, "out of memory for %d output names", inputs->count);
            places[i] = (place){out->paths[i], i};
        }
        qsort(places, (size_t)inputs->count, sizeof *places, by_path);
        for (int i = 1, first = 0; i < inputs->count; i++) {
            if (strcmp(places[i].path, places[first].path) != 0) {
                first = i;
                continue;
            }
            if (round == 1)
                FAIL(TING_ERR_ARGUMENT, "%s and %s would both be written to %s", inputs->items[places[first].index].path,
                     inputs->items[places[i].index].path, places[i].path);
            out->paths[places[i].index] = NULL; /* made anew in the next round */
        }
        if (round == 0) { /* the names compared are freed only now */
            for (int i = 0; i < inputs->count; i++) {
                if (out->paths[places[i].index] == NULL)
                    ting_free((char *)(uintptr_t)places[i].path);
            }
        }
    }
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
    if (options->kind != TING_OUTPUT_TEXT && f != TING_FORMAT_TXT && f != TING_FORMAT_JSON)
        FAIL(TING_ERR_ARGUMENT, "-f %s has no place for tokens, hypotheses or keywords: use txt or json",
             ting_format_name(f));
    if (folder == NULL && !inputs->single && !joinable)
        FAIL(TING_ERR_ARGUMENT, "-f %s of several recordings needs -o DIR, a file for each", ting_format_name(f));
    if (folder != NULL) {
        TRY(ting_folder_make(folder));
        TRY(plan_paths(inputs, folder, f, out));
    }
out:
    return err;
}

void ting_output_free(ting_output *output)
{
    for (int i = 0; i < output->count; i++)
        ting_free(output->paths[i]);
    ting_free(output->paths);
    *output = (ting_output){0};
}

bool ting_output_is_done(const ting_output *output, const ting_input_file *file, int index)
{
    struct stat result, input;
    if (output->paths == NULL || output->options.force || strcmp(file->path, "-") == 0)
        return false;
    if (stat(output->paths[index], &result) != 0 || stat(file->path, &input) != 0 || !S_ISREG(result.st_mode))
        return false;
    if (result.st_mtim.tv_sec != input.st_mtim.tv_sec)
        return result.st_mtim.tv_sec > input.st_mtim.tv_sec;
    return result.st_mtim.tv_nsec >= input.st_mtim.tv_nsec;
}

static void add_start(ting_str *out, const ting_output *output, const ting_input_file *file)
{
    if (!output->single && output->paths == NULL)
        ting_str_addf(out, "%s\t", file->path);
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

/* Sentences as lines of a file, or all on one line of standard output. */
static void add_text(ting_str *out, const ting_output *output, const ting_result *result)
{
    bool lines = output->paths != NULL;
    if (!lines && !output->options.pinyin) {
        ting_str_addf(out, "%s\n", ting_result_text(result));
        return;
    }
    int count = ting_result_sentence_count(result);
    for (int i = 0; i < count; i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        ting_str_addf(out, "%s%s", output->options.pinyin ? sentence->pinyin : sentence->text,
                      lines ? "\n" : i + 1 < count ? " " : "");
    }
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
        if (output->options.format == TING_FORMAT_JSON && !output->single && output->paths == NULL)
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
    if (output->paths != NULL) {
        TRY(ting_folder_make_above(output->paths[index]));
        TRY(ting_file_save(output->paths[index], out.text, out.length));
    } else {
        *text = out.text;
        out = (ting_str){0};
    }
out:
    ting_text_free(formatted);
    ting_str_free(&out);
    return err;
}
