/* SPDX-License-Identifier: Apache-2.0 */
/* keyword_text.c - see keyword_text.h. */
#include "engine/keyword_text.h"

#include "base/file.h"
#include "base/str.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "engine/tables.h"
#include "text/g2p.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 120 }; /* bytes that a line may report of itself */

typedef struct reader {
    const ting_am *am;
    ting_lexicon *lexicon; /* opened by the first word in hanzi */
    ting_g2p_line line;
    ting_str out;
} reader;

static bool is_token(const ting_am *am, ting_view word)
{
    for (size_t i = 0; i < am->tokens.count; i++)
        if (ting_view_is(word, am->tokens.items[i]))
            return true;
    return false;
}

static bool is_hanzi(ting_view word)
{
    for (size_t at = 0; at < word.length;) {
        uint32_t c = 0;
        int length = ting_utf8_decode(word.text + at, word.length - at, &c);
        if (length <= 0 || !ting_utf8_is_hanzi(c))
            return false;
        at += (size_t)length;
    }
    return word.length > 0;
}

static void add_syllable(reader *r, int id)
{
    char tokens[TING_PINYIN_ROOM];
    ting_pinyin_write(id, TING_PINYIN_TOKENS, tokens);
    ting_str_addf(&r->out, "%s ", tokens);
}

static ting_err add_hanzi(reader *r, ting_view word)
{
    ting_err err = TING_OK;
    if (r->lexicon == NULL)
        TRY(ting_tables_lexicon(NULL, NULL, 0, false, &r->lexicon));
    TRY(ting_g2p_read(r->lexicon, &(ting_g2p_options){0}, word.text, word.length, &r->line));
    for (int i = 0; i < r->line.count; i++) {
        const ting_g2p_item *item = &r->line.items[i];
        if (item->id != TING_PINYIN_NONE)
            add_syllable(r, item->id);
        else /* no token: the sentence about the line names it */
            ting_str_add_bytes(&r->out, word.text + item->offset, (size_t)item->length);
    }
out:
    return err;
}

/* The tokens of a model that writes: characters one by one. */
static void add_characters(reader *r, ting_view word)
{
    for (size_t at = 0; at < word.length;) {
        uint32_t c = 0;
        const int length = ting_utf8_decode(word.text + at, word.length - at, &c);
        ting_str_add_bytes(&r->out, word.text + at, (size_t)length);
        ting_str_add(&r->out, " ");
        at += (size_t)length;
    }
}

/* One word; *changed when it was no token of the model yet. */
static ting_err add_word(reader *r, ting_view word, bool *changed)
{
    bool mark = strchr("@:#", word.text[0]) != NULL && word.length > 1;
    int id = mark || r->am->writes || is_token(r->am, word) ? TING_PINYIN_NONE : ting_pinyin_read(word.text, word.length);
    if (id != TING_PINYIN_NONE) {
        *changed = true;
        add_syllable(r, id);
    } else if (!mark && is_hanzi(word) && !is_token(r->am, word)) {
        *changed = true;
        if (!r->am->writes)
            return add_hanzi(r, word);
        add_characters(r, word);
    } else {
        ting_str_add_bytes(&r->out, word.text, word.length);
        ting_str_add(&r->out, " ");
    }
    return TING_OK;
}

static ting_err add_line(reader *r, ting_view rest)
{
    ting_err err = TING_OK;
    ting_str name = {0};
    bool changed = false, named = false;
    for (rest = ting_view_trim(rest); rest.length > 0; rest = ting_view_trim(rest)) {
        ting_view word = {rest.text, 0};
        while (word.length < rest.length && !ting_is_space(rest.text[word.length]))
            word.length++;
        TRY(add_word(r, word, &changed));
        named |= word.text[0] == '@' && word.length > 1;
        if (strchr("@:#", word.text[0]) == NULL || word.length == 1) {
            ting_str_add(&name, name.length > 0 ? "_" : "");
            ting_str_add_bytes(&name, word.text, word.length);
        }
        rest = (ting_view){rest.text + word.length, rest.length - word.length};
    }
    r->out.failed |= name.failed;
    if (changed && !named && name.length <= LONGEST_NAME)
        ting_str_addf(&r->out, "@%s", name.text);
    ting_str_add(&r->out, "\n");
out:
    ting_str_free(&name);
    return err;
}

static ting_err add_lines(reader *r, ting_view text)
{
    ting_err err = TING_OK;
    const size_t mark = ting_utf8_mark(text.text, text.length);
    text = (ting_view){text.text + mark, text.length - mark};
    while (text.length > 0) {
        const char *newline = memchr(text.text, '\n', text.length);
        size_t length = newline != NULL ? (size_t)(newline - text.text) : text.length, used = length + (newline != NULL);
        TRY(add_line(r, (ting_view){text.text, length}));
        text = (ting_view){text.text + used, text.length - used};
    }
out:
    return err;
}

ting_err ting_keywords_load(const char *path, const ting_am *am, const ting_keyword_defaults *defaults, ting_keywords *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    reader r = {.am = am};
    *out = (ting_keywords){0};
    TRY(ting_file_map(path, &file));
    TRY_IN(add_lines(&r, (ting_view){(const char *)file.data, file.size}), "%s", path);
    if (!ting_str_ok(&r.out))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", path);
    err = ting_keywords_parse(path, r.out.text, r.out.length, am->tokens.items, am->tokens.count, defaults, out);
    if (err == TING_ERR_FORMAT) {
        char sentence[900];
        snprintf(sentence, sizeof sentence, "%s", ting_error_message());
        ting_fail(err, "%s; a line is hanzi, pinyin or tokens of this model, which 'tingxie pinyin -n tokens WORD' prints", sentence);
    }
out:
    ting_str_free(&r.out);
    ting_g2p_line_free(&r.line);
    ting_lexicon_free(r.lexicon);
    ting_file_unmap(&file);
    return err;
}
