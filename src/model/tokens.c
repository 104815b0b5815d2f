/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - see tokens.h. */
#include "model/tokens.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

enum { LINES_MOST = 1 << 20, DIGITS_MOST = 8 };

/* Puts the token of one line where its number says; the text is cut off in place. */
static ting_err read_line(const char *label, long line, char *text, size_t length, ting_texts *out)
{
    size_t end = length;
    while (end > 0 && text[end - 1] >= '0' && text[end - 1] <= '9')
        end--;
    size_t digits = length - end, token = end;
    while (token > 0 && (text[token - 1] == ' ' || text[token - 1] == '\t'))
        token--;
    if (digits == 0 || digits > DIGITS_MOST || token == end || token == 0 ||
        memchr(text, '\0', token) != NULL || ting_utf8_count(text, token) < 0)
        return ting_fail(TING_ERR_FORMAT,
                         "%s:%ld: expected a token in UTF-8, a space and its number", label, line);
    size_t id = 0;
    for (size_t i = end; i < length; i++)
        id = id * 10 + (size_t)(text[i] - '0');
    if (id >= out->count)
        return ting_fail(TING_ERR_FORMAT, "%s:%ld: number %zu, but the file has %zu lines", label,
                         line, id, out->count);
    if (out->items[id] != NULL)
        return ting_fail(TING_ERR_FORMAT, "%s:%ld: number %zu stands twice", label, line, id);
    text[token] = '\0';
    out->items[id] = text;
    return TING_OK;
}

static ting_err read_lines(const char *label, char *text, size_t size, ting_texts *out)
{
    ting_err err = TING_OK;
    size_t used = 0;
    long line = 1;
    for (size_t at = 0; at < size; line++) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline == NULL ? size : (size_t)(newline - text), length = end - at;
        if (length > 0 && text[at + length - 1] == '\r')
            length--;
        if (length > 0) {
            TRY(read_line(label, line, text + at, length, out));
            used++;
        }
        at = end + 1;
    }
    if (used == 0)
        FAIL(TING_ERR_FORMAT, "%s: no tokens", label);
    for (size_t i = 0; i < used; i++)
        if (out->items[i] == NULL)
            FAIL(TING_ERR_FORMAT, "%s: no token has the number %zu", label, i);
    out->count = used;
out:
    return err;
}

ting_err ting_tokens_parse(const char *label, const void *bytes, size_t size, ting_texts *out)
{
    ting_err err = TING_OK;
    const char *text = bytes;
    size_t lines = 1;
    *out = (ting_texts){0};
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    if (lines > LINES_MOST)
        FAIL(TING_ERR_FORMAT, "%s: more than %d lines", label, LINES_MOST);
    out->items = ting_alloc(lines, sizeof *out->items);
    out->block = ting_alloc(size + 1, 1);
    out->count = lines;
    if (out->items == NULL || out->block == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (size > 0)
        memcpy(out->block, bytes, size);
    TRY(read_lines(label, out->block, size, out));
out:
    if (err != TING_OK)
        ting_texts_free(out);
    return err;
}

ting_err ting_tokens_read(const char *path, ting_texts *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_texts){0};
    TRY(ting_file_map(path, &file));
    TRY(ting_tokens_parse(path, file.data, file.size, out));
out:
    ting_file_unmap(&file);
    return err;
}

ting_err ting_tokens_save(const char *path, const ting_texts *tokens)
{
    ting_str text = {0};
    for (size_t i = 0; i < tokens->count; i++)
        ting_str_addf(&text, "%s %zu\n", tokens->items[i], i);
    ting_err err = ting_str_ok(&text) ? ting_file_save(path, text.text, text.length) : TING_ERR_MEMORY;
    ting_str_free(&text);
    return err;
}
