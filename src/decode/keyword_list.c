/* SPDX-License-Identifier: Apache-2.0 */
/* keyword_list.c - keyword files; see keywords.h. */
#include "decode/keywords.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 128, TOKENS_MOST = 512, LINES_MOST = 1 << 16 };

void ting_keywords_free(ting_keywords *list)
{
    for (int i = 0; i < list->count; i++) {
        ting_free(list->items[i].name);
        ting_free(list->items[i].tokens);
    }
    ting_free(list->items);
    *list = (ting_keywords){0};
}

/* The number behind ':' or '#'; false when it is none. */
static bool read_number(const char *text, double least, double most, double *out)
{
    char *end;
    double value = ting_number_read(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        return false;
    *out = value;
    return true;
}

static int find_token(const char *const *tokens, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tokens[i], word) == 0)
            return (int)i;
    return -1;
}

struct line {
    const char *label;
    long number;
    const char *const *tokens;
    size_t token_count;
    int ids[TOKENS_MOST];
    int count;
    double boost, threshold;
    char name[2 * WORD];
};

static ting_err read_word(struct line *line, char *word)
{
    if (word[0] == '@' && word[1] != '\0') {
        size_t i = 0;
        for (; word[i + 1] != '\0'; i++)
            line->name[i] = word[i + 1] == '_' ? ' ' : word[i + 1];
        line->name[i] = '\0';
        return TING_OK;
    }
    if (word[0] == ':' && word[1] != '\0') {
        if (!read_number(word + 1, 0, 100, &line->boost))
            return ting_fail(TING_ERR_FORMAT,
                             "%s:%ld: \"%s\" is no boost: expected : and a number from 0 to 100",
                             line->label, line->number, word);
        return TING_OK;
    }
    if (word[0] == '#' && word[1] != '\0') {
        if (!read_number(word + 1, 0, 1, &line->threshold))
            return ting_fail(TING_ERR_FORMAT,
                             "%s:%ld: \"%s\" is no threshold: expected # and a number from 0 to 1",
                             line->label, line->number, word);
        return TING_OK;
    }
    int id = find_token(line->tokens, line->token_count, word);
    if (id < 0)
        return ting_fail(TING_ERR_FORMAT, "%s:%ld: \"%s\" is no token of the model", line->label,
                         line->number, word);
    if (line->count == TOKENS_MOST)
        return ting_fail(TING_ERR_FORMAT, "%s:%ld: more than %d tokens", line->label, line->number,
                         TOKENS_MOST);
    line->ids[line->count++] = id;
    return TING_OK;
}

/* The name of a keyword without one: its tokens. Owned; NULL when out of memory. */
static char *joined(const struct line *line)
{
    size_t size = 1;
    for (int i = 0; i < line->count; i++)
        size += strlen(line->tokens[line->ids[i]]) + 1;
    char *text = ting_alloc(size, 1);
    for (int i = 0; text != NULL && i < line->count; i++) {
        if (i > 0)
            strcat(text, " ");
        strcat(text, line->tokens[line->ids[i]]);
    }
    return text;
}

static ting_err add(ting_keywords *list, const struct line *line)
{
    if (ting_reserve(&list->items, (size_t)list->count, 1, &list->room, sizeof *list->items) != TING_OK)
        return TING_ERR_MEMORY;
    ting_keyword *keyword = &list->items[list->count];
    *keyword =
        (ting_keyword){.count = line->count, .boost = line->boost, .threshold = line->threshold};
    keyword->name = line->name[0] != '\0' ? ting_strdup(line->name) : joined(line);
    keyword->tokens = ting_alloc((size_t)line->count, sizeof *keyword->tokens);
    if (keyword->name == NULL || keyword->tokens == NULL) {
        ting_free(keyword->name);
        ting_free(keyword->tokens);
        return TING_ERR_MEMORY;
    }
    memcpy(keyword->tokens, line->ids, (size_t)line->count * sizeof *line->ids);
    list->count++;
    return TING_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\0';
}

static ting_err read_line(struct line *line, const char *text, size_t length, ting_keywords *out)
{
    ting_err err = TING_OK;
    size_t words = 0;
    for (size_t at = 0; at < length;) {
        char word[WORD];
        size_t end = at;
        while (end < length && !is_space(text[end]))
            end++;
        if (end - at >= sizeof word)
            FAIL(TING_ERR_FORMAT, "%s:%ld: a word of %zu bytes, expected fewer than %d",
                 line->label, line->number, end - at, WORD);
        if (end > at) {
            memcpy(word, text + at, end - at);
            word[end - at] = '\0';
            TRY(read_word(line, word));
            words++;
        }
        at = end + 1;
    }
    if (words > 0 && line->count == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: no tokens", line->label, line->number);
    if (words > 0)
        TRY(add(out, line));
out:
    return err;
}

ting_err ting_keywords_parse(const char *label, const char *text, size_t size,
                             const char *const *tokens, size_t token_count,
                             const ting_keyword_defaults *defaults, ting_keywords *out)
{
    ting_err err = TING_OK;
    struct line line = {.label = label, .tokens = tokens, .token_count = token_count};
    *out = (ting_keywords){0};
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline == NULL ? size : (size_t)(newline - text);
        line.number++;
        if (line.number > LINES_MOST)
            FAIL(TING_ERR_FORMAT, "%s: more than %d lines", label, LINES_MOST);
        line.count = 0;
        line.name[0] = '\0';
        line.boost = defaults->boost;
        line.threshold = defaults->threshold;
        TRY(read_line(&line, text + at, end - at, out));
        at = end + 1;
    }
    if (out->count == 0)
        FAIL(TING_ERR_FORMAT, "%s: no keywords", label);
out:
    if (err != TING_OK)
        ting_keywords_free(out);
    return err;
}

ting_err ting_keywords_read(const char *path, const char *const *tokens, size_t token_count,
                            const ting_keyword_defaults *defaults, ting_keywords *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_keywords){0};
    TRY(ting_file_map(path, &file));
    TRY(ting_keywords_parse(path, (const char *)file.data, file.size, tokens, token_count, defaults,
                            out));
out:
    ting_file_unmap(&file);
    return err;
}
