/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - blocks from a file or from liblzma, cut into lines; see lines.h. */
#include "data/lines.h"

#include "base/mem.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 1 << 16, LINE_MAX_BYTES = 1 << 20, XZ_MEMORY = 256 << 20 };

struct ting_lines_state {
    FILE *stream;
    char *path;
    bool xz, ended; /* no more bytes will come */
    lzma_stream coder;
    unsigned char in[BLOCK];
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
    s->coder = (lzma_stream)LZMA_STREAM_INIT;
    s->path = ting_strdup(path);
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
    s->xz = got >= 6 && memcmp(s->in, "\xFD" "7zXZ\0", 6) == 0;
    if (s->xz && lzma_stream_decoder(&s->coder, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
        FAIL(TING_ERR_MEMORY, "%s: no memory to decompress", path);
    s->coder.next_in = s->in;
    s->coder.avail_in = got;
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
    if (s->coder.avail_in == 0) {
        s->coder.next_in = s->in;
        s->coder.avail_in = fread(s->in, 1, BLOCK, s->stream);
        if (s->coder.avail_in < BLOCK && ferror(s->stream)) {
            lines->err = ting_fail(TING_ERR_IO, "%s: %s", s->path, strerror(errno));
            return false;
        }
    }
    if (!s->xz) {
        memcpy(s->text + s->used, s->coder.next_in, s->coder.avail_in);
        s->used += s->coder.avail_in;
        s->ended = s->coder.avail_in == 0;
        s->coder.avail_in = 0;
        return !s->ended;
    }
    s->coder.next_out = (unsigned char *)s->text + s->used;
    s->coder.avail_out = BLOCK;
    lzma_ret got = lzma_code(&s->coder, s->coder.avail_in == 0 ? LZMA_FINISH : LZMA_RUN);
    s->used += BLOCK - s->coder.avail_out;
    s->ended = got == LZMA_STREAM_END;
    if (got != LZMA_OK && got != LZMA_STREAM_END) {
        lines->err = ting_fail(TING_ERR_FORMAT, "%s: damaged or truncated xz data", s->path);
        return false;
    }
    return !s->ended || s->coder.avail_out < BLOCK;
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
    lines->number++;
    return true;
}

void ting_lines_close(ting_lines *lines)
{
    struct ting_lines_state *s = lines->state;
    if (s == NULL)
        return;
    if (s->xz)
        lzma_end(&s->coder);
    if (s->stream != NULL && s->stream != stdin)
        fclose(s->stream);
    ting_free(s->path);
    ting_free(s->text);
    ting_free(s);
    lines->state = NULL;
}
