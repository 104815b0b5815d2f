/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - blocks from a file, unpacked where they are packed, cut into lines; see lines.h. */
#include "data/lines.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/xz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 1 << 16, LINE_MAX_BYTES = 1 << 20 };

struct ting_lines_state {
    FILE *stream;
    char *path;
    bool ended; /* no more bytes will come */
    ting_xz *xz; /* NULL: the file is plain */
    unsigned char in[BLOCK];
    const unsigned char *next; /* of in, not taken yet: [left] */
    size_t left;
    char *text; /* [LINE_MAX_BYTES + BLOCK + 1] */
    size_t first, used; /* unread bytes of text */
};

ting_err ting_lines_open(const char *path, ting_lines *out)
{
    ting_err err = TING_OK;
    *out = (ting_lines){.state = ting_alloc(1, sizeof *out->state)};
    struct ting_lines_state *s = out->state;
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->path = ting_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    s->text = ting_alloc(LINE_MAX_BYTES + BLOCK + 1, 1);
    if (s->path == NULL || s->text == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    s->stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (s->stream == NULL)
        FAIL(TING_ERR_IO, "%s: %s", path, strerror(errno));
    size_t got = fread(s->in, 1, BLOCK, s->stream);
    if (got < BLOCK && ferror(s->stream))
        FAIL(TING_ERR_IO, "%s: %s", path, strerror(errno));
    if (got >= TING_XZ_MAGIC && ting_xz_begins(s->in, got))
        TRY_IN(ting_xz_new(&s->xz), "%s", s->path);
    s->next = s->in;
    s->left = got;
out:
    if (err != TING_OK)
        ting_lines_close(out);
    return err;
}

/* More bytes behind `used`; false at the end or on an error. */
static bool fill(ting_lines *lines)
{
    struct ting_lines_state *s = lines->state;
    if (s->first > 0) {
        memmove(s->text, s->text + s->first, s->used - s->first);
        s->used -= s->first;
        s->first = 0;
    }
    if (s->used > LINE_MAX_BYTES) {
        lines->err = ting_fail(TING_ERR_FORMAT, "%s:%ld: a line of more than %d bytes", s->path, lines->number + 1,
                               (int)LINE_MAX_BYTES);
        return false;
    }
    if (s->left == 0) {
        s->next = s->in;
        s->left = fread(s->in, 1, BLOCK, s->stream);
        if (s->left < BLOCK && ferror(s->stream)) {
            lines->err = ting_fail(TING_ERR_IO, "%s: %s", s->path, strerror(errno));
            return false;
        }
    }
    if (s->xz == NULL) {
        memcpy(s->text + s->used, s->next, s->left);
        s->used += s->left;
        s->ended = s->left == 0;
        s->left = 0;
        return !s->ended;
    }
    size_t made = 0;
    lines->err = ting_xz_unpack(s->xz, &s->next, &s->left, s->text + s->used, BLOCK, &made, &s->ended);
    s->used += made;
    if (lines->err != TING_OK)
        ting_fail_in(lines->err, "%s", s->path);
    return lines->err == TING_OK && (!s->ended || made > 0);
}

bool ting_lines_next(ting_lines *lines, const char **text, size_t *length)
{
    struct ting_lines_state *s = lines->state;
    if (s == NULL || lines->err != TING_OK)
        return false;
    size_t looked = s->first;
    char *end;
    while ((end = memchr(s->text + looked, '\n', s->used - looked)) == NULL) {
        looked = s->used - s->first;
        if (s->ended || !fill(lines)) {
            if (lines->err != TING_OK || s->first == s->used)
                return false;
            end = s->text + s->used; /* a last line without its end */
            break;
        }
    }
    *text = s->text + s->first;
    *length = (size_t)(end - *text);
    s->first += *length + (end < s->text + s->used);
    *length -= *length > 0 && (*text)[*length - 1] == '\r';
    s->text[*text - s->text + (ptrdiff_t)*length] = '\0';
    const size_t mark = lines->number++ == 0 ? ting_utf8_mark(*text, *length) : 0;
    *text += mark;
    *length -= mark;
    return true;
}

ting_err ting_lines_check(const ting_lines *lines, const char *text, size_t length)
{
    return ting_utf8_check(lines->state->path, lines->number, text, length);
}

void ting_lines_close(ting_lines *lines)
{
    struct ting_lines_state *s = lines->state;
    if (s == NULL)
        return;
    ting_xz_free(s->xz);
    if (s->stream != NULL && s->stream != stdin)
        fclose(s->stream);
    ting_free(s->path);
    ting_free(s->text);
    ting_free(s);
    lines->state = NULL;
}
