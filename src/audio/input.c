/* SPDX-License-Identifier: Apache-2.0 */
/* input.c - see input.h. */
#include "audio/input.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOPPED = -2, ASK_MILLISECONDS = 100 };

/* Waits until a pipe has bytes or is at its end; false: the caller wants to stop. It asks again and again, because a signal
 * may be handled on another thread, or just before the wait begins, and then wakes nobody. */
static bool wait_for_bytes(ting_input *input)
{
    struct pollfd fd = {.fd = input->fd, .events = POLLIN};
    for (;;) {
        if (input->stop(input->stop_self))
            return false;
        int ready = poll(&fd, 1, ASK_MILLISECONDS);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* also with an error: read says which */
    }
}

/* One piece from the bottom; 0 at the end, -1 on failure with errno or 0 in `reason`, STOPPED. */
static ptrdiff_t read_some(ting_input *input, void *bytes, size_t max)
{
    if (input->fd >= 0 && !input->seekable && input->stop != NULL && !wait_for_bytes(input))
        return STOPPED;
    if (input->fd < 0) {
        ptrdiff_t got = input->bytes.read(input->bytes.self, bytes, max);
        return got > (ptrdiff_t)max ? -1 : got;
    }
    for (;;) {
        ssize_t got = read(input->fd, bytes, max);
        if (got >= 0)
            return got;
        if (errno != EINTR) {
            input->reason = errno;
            return -1;
        }
    }
}

static ting_err read_full(ting_input *input, unsigned char *bytes, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    *count = 0;
    while (*count < max) {
        ptrdiff_t got = read_some(input, bytes + *count, max - *count);
        if (got == STOPPED)
            FAIL(TING_ERR_CANCELLED, "%s: stopped at byte %lld", input->name, (long long)input->position + (long long)*count);
        if (got < 0) {
            FAIL(TING_ERR_IO, "%s: reading failed at byte %lld%s%s", input->name,
                 (long long)input->position + (long long)*count, input->reason ? ": " : "",
                 input->reason ? strerror(input->reason) : "");
        }
        if (got == 0)
            break;
        *count += (size_t)got;
    }
out:
    return err;
}

ting_err ting_input_read(ting_input *input, void *bytes, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    unsigned char *to = bytes;
    size_t early = 0;
    *count = 0;
    if (input->position < (int64_t)input->peeked) {
        early = input->peeked - (size_t)input->position;
        if (early > max)
            early = max;
        memcpy(to, input->peek + input->position, early);
        input->position += (int64_t)early;
    }
    size_t late = 0;
    if (early < max)
        err = read_full(input, to + early, max - early, &late);
    input->position += (int64_t)late;
    *count = early + late;
    return err;
}

ting_err ting_input_seek(ting_input *input, int64_t position)
{
    ting_err err = TING_OK;
    int64_t below = position; /* where the bottom must stand so that reading goes on there */
    if (below < (int64_t)input->peeked)
        below = (int64_t)input->peeked;
    if (!input->seekable) {
        if (position < 0 || input->position > (int64_t)input->peeked ||
            position > (int64_t)input->peeked)
            FAIL(TING_ERR_UNSUPPORTED,
                 "%s: this sound needs to be read from a file, not from a pipe", input->name);
    } else if (position < 0) {
        FAIL(TING_ERR_IO, "%s: there is no byte %lld", input->name, (long long)position);
    } else if (input->fd >= 0 ? lseek(input->fd, (off_t)below, SEEK_SET) < 0
                              : input->bytes.seek(input->bytes.self, below) != 0) {
        FAIL(TING_ERR_IO, "%s: cannot go to byte %lld", input->name, (long long)position);
    }
    input->position = position;
out:
    return err;
}

static ting_err look_ahead(ting_input *input)
{
    ting_err err = read_full(input, input->peek, TING_INPUT_PEEK, &input->peeked);
    input->position = 0;
    return err;
}

/* A named pipe opens only when somebody writes to it. */
static ting_err open_path(ting_input *input, const char *path)
{
    ting_err err = TING_OK;
    while ((input->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR)
        if (input->stop != NULL && input->stop(input->stop_self))
            FAIL(TING_ERR_CANCELLED, "%s: stopped before it could be opened", path);
    if (input->fd < 0)
        FAIL(TING_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    input->close_fd = true;
out:
    return err;
}

ting_err ting_input_open(ting_input *input, const char *path, const ting_audio_options *options)
{
    ting_err err = TING_OK;
    struct stat status;
    bool standard = strcmp(path, "-") == 0;
    *input = (ting_input){.name = standard ? "standard input" : path, .fd = STDIN_FILENO};
    input->stop = options->stop;
    input->stop_self = options->stop_self;
    if (!standard)
        TRY(open_path(input, path));
    if (fstat(input->fd, &status) != 0)
        FAIL(TING_ERR_IO, "%s: cannot be examined: %s", input->name, strerror(errno));
    if (S_ISDIR(status.st_mode))
        FAIL(TING_ERR_IO, "%s: is a folder, expected a sound file", input->name);
    off_t start = S_ISREG(status.st_mode) ? lseek(input->fd, 0, SEEK_CUR) : -1;
    /* Standard input that another program has already read from is treated as a pipe. */
    input->seekable = start == 0;
    input->size = input->seekable ? (int64_t)status.st_size : -1;
    TRY(look_ahead(input));
out:
    if (err != TING_OK)
        ting_input_close(input);
    return err;
}

ting_err ting_input_open_bytes(ting_input *input, const char *name, const ting_audio_bytes *bytes)
{
    ting_err err = TING_OK;
    *input = (ting_input){.name = name, .fd = -1, .bytes = *bytes, .size = -1};
    input->seekable = bytes->seek != NULL;
    if (input->seekable)
        input->size = bytes->size;
    TRY(look_ahead(input));
out:
    return err;
}

void ting_input_close(ting_input *input)
{
    if (input->close_fd)
        close(input->fd);
    input->close_fd = false;
    input->fd = -1;
}

ting_err ting_input_spool(ting_input *input)
{
    ting_err err = TING_OK;
    FILE *copy = NULL;
    unsigned char block[TING_INPUT_PEEK];
    size_t count = 0;
    int fd = -1;
    if (input->seekable)
        return TING_OK;
    copy = ting_file_temporary();
    if (copy == NULL)
        FAIL(TING_ERR_IO, "%s: no temporary file for this format can be made: %s", input->name,
             strerror(errno));
    TRY(ting_input_seek(input, 0));
    do {
        TRY(ting_input_read(input, block, sizeof block, &count));
        if (fwrite(block, 1, count, copy) != count)
            FAIL(TING_ERR_IO, "%s: the temporary copy cannot be written: %s", input->name,
                 strerror(errno));
    } while (count > 0);
    if (fflush(copy) != 0 || (fd = fcntl(fileno(copy), F_DUPFD_CLOEXEC, 3)) < 0)
        FAIL(TING_ERR_IO, "%s: the temporary copy cannot be written: %s", input->name,
             strerror(errno));
    int64_t size = input->position;
    ting_input_close(input);
    input->fd = fd;
    input->close_fd = input->seekable = true;
    input->size = size;
    TRY(ting_input_seek(input, 0));
out:
    if (copy != NULL)
        fclose(copy);
    return err;
}
