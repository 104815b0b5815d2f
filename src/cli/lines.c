/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - see lines.h. */
#include "cli/lines.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/xz.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, PACKED = BLOCK + TING_XZ_MAGIC, MOST = 64 << 20, ASK_MILLISECONDS = 100 };

const char *ting_text_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

ting_err ting_text_open(const char *path, ting_text *out)
{
    ting_err err = TING_OK;
    *out = (ting_text){.name = ting_text_name(path), .fd = STDIN_FILENO};
    if (strcmp(path, "-") != 0) {
        out->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (out->fd < 0)
            FAIL(TING_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        out->close_fd = true;
    }
out:
    return err;
}

void ting_text_close(ting_text *text)
{
    if (text->close_fd)
        close(text->fd);
    ting_free(text->bytes);
    ting_free(text->packed);
    ting_xz_free(text->xz);
    *text = (ting_text){0};
}

/* Waits for bytes. It asks again and again, because a signal may come just before the wait begins, which then wakes nobody. */
static bool wait_for_bytes(const ting_text *text)
{
    struct pollfd fd = {.fd = text->fd, .events = POLLIN};
    for (int patience = 0;; patience = ASK_MILLISECONDS) {
        if (ting_cli_interrupted())
            return false;
        int ready = poll(&fd, 1, patience);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* also with an error: read says which */
        fflush(stdout);
    }
}

/* Up to BLOCK bytes of the file; none at its end. */
static ting_err read_some(ting_text *text, void *out, size_t *count)
{
    ting_err err = TING_OK;
    for (;;) {
        if (!wait_for_bytes(text))
            FAIL(TING_ERR_CANCELLED, "%s: interrupted behind line %ld", text->name, text->number);
        const ssize_t got = read(text->fd, out, BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            FAIL(TING_ERR_IO, "%s: cannot be read: %s", text->name, strerror(errno));
        *count = (size_t)got;
        break;
    }
out:
    return err;
}

/* Once there are enough of the first bytes: those of a compressed file are no text, but what text is in. */
static ting_err look(ting_text *text)
{
    ting_err err = TING_OK;
    const bool packed = ting_xz_begins(text->bytes, text->end);
    if (packed && text->end < TING_XZ_MAGIC && !text->ended)
        goto out; /* no line can end in them */
    text->looked = true;
    if (!packed || text->end < TING_XZ_MAGIC)
        goto out;
    TRY_IN(ting_xz_new(&text->xz), "%s", text->name);
    text->packed = ting_alloc(PACKED, 1);
    TRY(text->packed != NULL ? TING_OK : TING_ERR_MEMORY);
    memcpy(text->packed, text->bytes, text->end);
    text->next = text->packed;
    text->left = text->end;
    text->end = 0;
out:
    return err;
}

static ting_err unpack(ting_text *text)
{
    ting_err err = TING_OK;
    size_t made = 0;
    if (text->left == 0) {
        text->next = text->packed;
        TRY(read_some(text, text->packed, &text->left));
    }
    TRY_IN(ting_xz_unpack(text->xz, &text->next, &text->left, text->bytes + text->end, BLOCK, &made, &text->ended), "%s", text->name);
    text->end += made;
out:
    return err;
}

/* More bytes behind those that are there, or `ended`. */
static ting_err fill(ting_text *text)
{
    ting_err err = TING_OK;
    size_t got = 0;
    if (text->start > 0 && text->start == text->end)
        text->start = text->end = 0;
    if (text->start > 0 && text->end + BLOCK >= text->room) {
        memmove(text->bytes, text->bytes + text->start, text->end - text->start);
        text->end -= text->start;
        text->start = 0;
    }
    if (text->end - text->start > MOST)
        FAIL(TING_ERR_FORMAT, "%s:%ld: a line of more than %d MiB: this is no text", text->name, text->number + 1, MOST >> 20);
    TRY(ting_reserve(&text->bytes, text->end, BLOCK + 1, &text->room, 1)); /* and a '\0' */
    if (text->xz != NULL) {
        TRY(unpack(text));
        goto out;
    }
    TRY(read_some(text, text->bytes + text->end, &got));
    text->end += got;
    text->ended = got == 0;
    if (!text->looked)
        TRY(look(text));
out:
    return err;
}

bool ting_text_next(ting_text *text, char **line, size_t *length)
{
    char *newline = NULL;
    size_t seen = 0; /* bytes of the line that hold no newline */
    for (;;) {
        size_t there = text->end - text->start;
        if (there > seen)
            newline = memchr(text->bytes + text->start + seen, '\n', there - seen);
        seen = there;
        if (newline != NULL || text->ended)
            break;
        text->err = fill(text);
        if (text->err != TING_OK)
            return false;
    }
    if (newline == NULL && seen == 0)
        return false;
    *line = text->bytes + text->start;
    *length = newline != NULL ? (size_t)(newline - *line) : seen;
    text->start += *length + (newline != NULL);
    if (*length > 0 && (*line)[*length - 1] == '\r')
        --*length;
    (*line)[*length] = '\0'; /* over the line's end, or in the byte kept free for it */
    const size_t mark = text->number++ == 0 ? ting_utf8_mark(*line, *length) : 0;
    *line += mark;
    *length -= mark;
    return true;
}

ting_err ting_text_check(const ting_text *text, const char *line, size_t length)
{
    return ting_utf8_check(text->name, text->number, line, length);
}

ting_err ting_text_read(const char *path, ting_str *out)
{
    ting_err err = TING_OK;
    ting_text text = {0};
    char *line;
    size_t length;
    TRY(ting_text_open(path, &text));
    while (ting_text_next(&text, &line, &length)) {
        TRY(ting_text_check(&text, line, length));
        ting_str_add_bytes(out, line, length);
        ting_str_add(out, "\n");
    }
    TRY(text.err);
    ting_str_add(out, ""); /* even of no line, a text */
    if (!ting_str_ok(out))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", text.name);
out:
    ting_text_close(&text);
    return err;
}
