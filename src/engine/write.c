/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - the table of formats, the cutting of sentences into cues, and the writer of plain text. */
#include "engine/write.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    void (*write)(ting_str *out, const ting_result *result, const char *name);
} formats[] = {
    [TING_FORMAT_TXT] = {"txt", ting_write_txt},
    [TING_FORMAT_JSON] = {"json", ting_write_json},
    [TING_FORMAT_SRT] = {"srt", ting_write_srt},
    [TING_FORMAT_VTT] = {"vtt", ting_write_vtt},
    [TING_FORMAT_LRC] = {"lrc", ting_write_lrc},
    [TING_FORMAT_TSV] = {"tsv", ting_write_tsv},
    [TING_FORMAT_CTM] = {"ctm", ting_write_ctm},
    [TING_FORMAT_TEXTGRID] = {"textgrid", ting_write_textgrid},
    [TING_FORMAT_SLF] = {"slf", ting_write_slf},
};

const char *ting_format_name(ting_format format)
{
    size_t i = (size_t)format;
    return i < sizeof formats / sizeof formats[0] ? formats[i].name : NULL;
}

ting_err ting_result_format(const ting_result *result, ting_format format, const char *name, char **out)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    *out = NULL;
    if (ting_format_name(format) == NULL)
        FAIL(TING_ERR_ARGUMENT, "there is no result format number %d", (int)format);
    ting_str_add(&text, "");
    formats[format].write(&text, result, name != NULL ? name : "");
    if (!ting_str_ok(&text))
        FAIL(TING_ERR_MEMORY, "out of memory while formatting a result as %s", formats[format].name);
    *out = text.text;
    text = (ting_str){0};
out:
    ting_str_free(&text);
    return err;
}

void ting_text_free(char *text)
{
    ting_free(text);
}

long long ting_milliseconds(double seconds)
{
    return seconds > 0 ? llround(seconds * 1000) : 0;
}

/* What one subtitle may hold: two lines of hanzi, and what is read in time. */
enum { CUE_CHARS = 32 };
static const double cue_seconds = 8;

/* Cuts the cue in two at its longest pause; a pause near an edge counts less, so that no scrap is left. */
static int best_cut(const ting_cue *cue)
{
    int best = cue->count / 2;
    double most = -1;
    for (int i = 1; i < cue->count; i++) {
        const ting_char *left = ting_sentence_char(cue->sentence, cue->first + i - 1);
        const ting_char *right = ting_sentence_char(cue->sentence, cue->first + i);
        double balance = (double)(i < cue->count - i ? i : cue->count - i) / cue->count; /* 0 to 1/2 */
        double value = (right->start - left->end + 0.05) * balance;
        if (value > most) {
            most = value;
            best = i;
        }
    }
    return best;
}

static void cut(const ting_cue *whole, void (*see)(void *self, const ting_cue *cue), void *self)
{
    ting_cue cue = *whole;
    while (cue.count > 1 && (cue.count > CUE_CHARS || cue.end - cue.start > cue_seconds)) {
        ting_cue head = cue;
        head.count = best_cut(&cue);
        head.end = ting_sentence_char(cue.sentence, cue.first + head.count - 1)->end;
        cut(&head, see, self); /* halves at least by one character: depth is bounded by the sentence */
        cue.first += head.count;
        cue.count -= head.count;
        cue.start = ting_sentence_char(cue.sentence, cue.first)->start;
    }
    see(self, &cue);
}

void ting_each_cue(const ting_result *result, void (*see)(void *self, const ting_cue *cue), void *self)
{
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        if (sentence->char_count == 0)
            continue;
        ting_cue cue = {sentence, 0, sentence->char_count, sentence->start, sentence->end};
        cut(&cue, see, self);
    }
}

void ting_str_add_cue(ting_str *out, const ting_cue *cue, int xml)
{
    bool after_latin = false;
    for (int i = 0; i < cue->count; i++) {
        const char *text = ting_sentence_char(cue->sentence, cue->first + i)->text;
        if (after_latin && ting_ascii_is_alnum(text[0]))
            ting_str_add(out, " ");
        for (const char *c = text; *c != '\0'; c++) {
            char one[2] = {(unsigned char)*c < 0x20 ? ' ' : *c, '\0'};
            (xml ? ting_str_add_xml : ting_str_add)(out, one);
        }
        after_latin = text[0] != '\0' && ting_ascii_is_alnum(text[strlen(text) - 1]);
    }
}

void ting_write_txt(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    for (int i = 0; i < ting_result_sentence_count(result); i++)
        ting_str_addf(out, "%s\n", ting_result_sentence(result, i)->text);
}
