/* SPDX-License-Identifier: Apache-2.0 */
/* done.c - see done.h. */
#include "cli/done.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELDS = 7 };

typedef struct ting_done_line {
    char *text; /* owned; what the fields borrow from */
    const char *result, *recording, *options;
    ting_file_mark result_mark, recording_mark;
    long number; /* in the file */
} line;

ting_file_mark ting_file_mark_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (ting_file_mark){.size = -1};
    return (ting_file_mark){(int64_t)status.st_size, (int64_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

static bool same(ting_file_mark a, ting_file_mark b)
{
    return a.size == b.size && a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

static bool read_mark(const char *size, const char *time, ting_file_mark *out)
{
    return sscanf(size, "%" SCNd64, &out->size) == 1 && sscanf(time, "%" SCNd64 ".%ld", &out->seconds, &out->nanoseconds) == 2;
}

/* Cuts the text in place; false: not of the form. */
static bool parse(char *text, line *out)
{
    char *fields[FIELDS];
    int count = 0;
    for (char *at = text; at != NULL && count < FIELDS; count++) {
        fields[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    *out = (line){.text = text};
    if (count < FIELDS || !read_mark(fields[1], fields[2], &out->result_mark) ||
        !read_mark(fields[4], fields[5], &out->recording_mark))
        return false;
    out->result = fields[0];
    out->recording = fields[3];
    out->options = fields[6];
    return true;
}

static int by_result(const void *a, const void *b)
{
    const line *x = a, *y = b;
    int order = strcmp(x->result, y->result);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Sorted, and of several lines for one result only the last. */
static void settle(ting_done *done)
{
    int kept = 0;
    if (done->count > 0)
        qsort(done->lines, (size_t)done->count, sizeof *done->lines, by_result);
    for (int i = 0; i < done->count; i++) {
        if (i + 1 < done->count && strcmp(done->lines[i].result, done->lines[i + 1].result) == 0)
            ting_free(done->lines[i].text);
        else
            done->lines[kept++] = done->lines[i];
    }
    done->count = kept;
}

static ting_err read_lines(ting_done *done, const char *path)
{
    ting_err err = TING_OK;
    ting_text text;
    char *bytes;
    size_t length;
    TRY(ting_text_open(path, &text));
    while (ting_text_next(&text, &bytes, &length)) {
        line one;
        TRY(ting_reserve(&done->lines, (size_t)done->count, 1, &done->room, sizeof *done->lines));
        char *copy = ting_strdup(bytes);
        if (copy == NULL)
            FAIL(TING_ERR_MEMORY, "%s: out of memory", path);
        if (parse(copy, &one)) {
            one.number = text.number;
            done->lines[done->count++] = one;
        } else {
            ting_free(copy);
        }
    }
    TRY(text.err);
out:
    ting_text_close(&text);
    return err;
}

/* A line that was cut off when the machine stopped gets its end, so that the next one stands alone. */
static ting_err end_last_line(const ting_done *done, const char *path)
{
    char last = '\n';
    off_t size = lseek(done->fd, 0, SEEK_END);
    if (size > 0 && pread(done->fd, &last, 1, size - 1) == 1 && last != '\n' && write(done->fd, "\n", 1) != 1)
        return ting_fail(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return TING_OK;
}

ting_err ting_done_open(const char *folder, ting_done *out)
{
    ting_err err = TING_OK;
    *out = (ting_done){.fd = -1, .folder = ting_strdup(folder)};
    char *path = ting_path_join(folder, ".tingxie-done");
    if (path == NULL || out->folder == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", folder);
    if (ting_file_exists(path))
        TRY(read_lines(out, path));
    settle(out);
    out->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (out->fd < 0)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    TRY(end_last_line(out, path));
out:
    ting_free(path);
    if (err != TING_OK)
        ting_done_close(out);
    return err;
}

void ting_done_close(ting_done *done)
{
    if (done->folder != NULL && done->fd >= 0)
        close(done->fd);
    for (int i = 0; i < done->count; i++)
        ting_free(done->lines[i].text);
    ting_free(done->lines);
    ting_free(done->folder);
    *done = (ting_done){.fd = -1};
}

static const line *find(const ting_done *done, const char *result)
{
    ting_str key = {0};
    ting_str_add_escaped(&key, result);
    const line wanted = {.result = ting_str_ok(&key) ? key.text : ""};
    int low = 0, high = done->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(done->lines[middle].result, wanted.result) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < done->count && strcmp(done->lines[low].result, wanted.result) == 0;
    ting_str_free(&key);
    return found ? &done->lines[low] : NULL;
}

ting_done_state ting_done_look(const ting_done *done, const char *result, const char *recording, ting_file_mark mark,
                               const char *options, const char **owner)
{
    ting_str path = {0}, name = {0};
    ting_str_addf(&path, "%s/%s", done->folder, result);
    ting_str_add_escaped(&name, recording);
    ting_file_mark there = ting_str_ok(&path) ? ting_file_mark_of(path.text) : (ting_file_mark){.size = -1};
    const line *known = find(done, result);
    ting_done_state state = TING_DONE_NOT;
    *owner = NULL;
    if (there.size >= 0 && known == NULL) {
        state = TING_DONE_FOREIGN;
    } else if (there.size >= 0) {
        bool own = ting_str_ok(&name) && strcmp(known->recording, name.text) == 0, untouched = same(there, known->result_mark);
        bool current = own && same(mark, known->recording_mark) && strcmp(known->options, options) == 0 && mark.size >= 0;
        *owner = known->recording;
        /* a result corrected by hand is done, and is not replaced */
        state = current ? TING_DONE_SAME : !untouched ? TING_DONE_FOREIGN : own ? TING_DONE_OTHERWISE : TING_DONE_ANOTHER;
    }
    ting_str_free(&path);
    ting_str_free(&name);
    return state;
}

static void add_mark(ting_str *out, ting_file_mark mark)
{
    ting_str_addf(out, "\t%" PRId64 "\t%" PRId64 ".%09ld", mark.size, mark.seconds, mark.nanoseconds);
}

ting_err ting_done_note(const ting_done *done, const char *result, const char *recording, ting_file_mark mark,
                        const char *options)
{
    ting_err err = TING_OK;
    ting_str text = {0}, path = {0};
    ting_str_addf(&path, "%s/%s", done->folder, result);
    ting_str_add_escaped(&text, result);
    add_mark(&text, ting_str_ok(&path) ? ting_file_mark_of(path.text) : (ting_file_mark){.size = -1});
    ting_str_add(&text, "\t");
    ting_str_add_escaped(&text, recording);
    add_mark(&text, mark);
    ting_str_addf(&text, "\t%s\n", options);
    if (!ting_str_ok(&text) || !ting_str_ok(&path))
        FAIL(TING_ERR_MEMORY, "%s: out of memory", result);
    if (write(done->fd, text.text, text.length) != (ssize_t)text.length || fdatasync(done->fd) != 0)
        FAIL(TING_ERR_IO, "%s/.tingxie-done: cannot be written: %s", done->folder, strerror(errno));
out:
    ting_str_free(&text);
    ting_str_free(&path);
    return err;
}
