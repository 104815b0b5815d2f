/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - see file.h. */
#include "base/file.h"

#include "base/folder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

ting_err ting_file_map(const char *path, ting_file *out)
{
    ting_err err = TING_OK;
    struct stat status;
    *out = (ting_file){0};
    if (path == NULL)
        return ting_fail(TING_ERR_ARGUMENT, "no path of a file");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        FAIL(TING_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &status) != 0)
        FAIL(TING_ERR_IO, "%s: cannot be examined: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        FAIL(TING_ERR_IO, "%s: is %s, expected a regular file", path,
             S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
    if (status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            FAIL(TING_ERR_IO, "%s: cannot be mapped: %s", path, strerror(errno));
        *out = (ting_file){.data = map, .size = (size_t)status.st_size};
    }
out:
    if (fd >= 0)
        close(fd);
    return err;
}

void ting_file_unmap(ting_file *file)
{
    if (file->data != NULL)
        munmap((void *)(uintptr_t)file->data, file->size);
    *file = (ting_file){0};
}

/* A device or pipe, such as /dev/stdout, is written itself: nothing may be renamed over it. */
static ting_err open_in_place(const char *path, const struct stat *status, ting_file_writer *out)
{
    ting_err err = TING_OK;
    if (S_ISDIR(status->st_mode))
        FAIL(TING_ERR_IO, "%s: is a folder, expected a file to write", path);
    out->path = ting_strdup(path);
    if (out->path == NULL)
        return TING_ERR_MEMORY;
    out->stream = fopen(path, "wb");
    if (out->stream == NULL)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
out:
    if (err != TING_OK)
        ting_file_abandon(out);
    return err;
}

/* A new file beside `path`, under a name nobody has; -1 and errno when there is none. The kernel applies the umask: asking
 * for it, by umask(0), would let another thread of the host program make a file that everybody may write. */
static int open_beside(const char *path, ting_str *name)
{
    enum { TRIES = 100 };
    struct {
        struct timespec now;
        long process, number;
        const void *name; /* differs between threads */
    } seed;
    memset(&seed, 0, sizeof seed); /* padding is hashed too */
    seed.process = (long)getpid();
    seed.name = name;
    for (; seed.number < TRIES; seed.number++) {
        clock_gettime(CLOCK_REALTIME, &seed.now);
        ting_str_clear(name);
        ting_str_addf(name, "%s.%08x", path, (unsigned)(ting_hash_bytes(&seed, sizeof seed) & 0xFFFFFFFF));
        if (!ting_str_ok(name)) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

ting_err ting_file_create(const char *path, ting_file_writer *out)
{
    ting_err err = TING_OK;
    ting_str temporary = {0};
    int fd = -1;
    struct stat status;
    *out = (ting_file_writer){0};
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return open_in_place(path, &status, out);
    out->path = ting_strdup(path);
    if (out->path == NULL)
        return TING_ERR_MEMORY;
    fd = open_beside(path, &temporary);
    if (!ting_str_ok(&temporary)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (fd < 0)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    out->temporary = temporary.text;
    out->stream = fdopen(fd, "wb");
    if (out->stream == NULL)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    if (err != TING_OK) {
        if (out->temporary == NULL)
            ting_str_free(&temporary);
        ting_file_abandon(out);
    }
    return err;
}

ting_err ting_file_commit(ting_file_writer *writer)
{
    ting_err err = TING_OK;
    FILE *stream = writer->stream;
    writer->stream = NULL;
    bool in_place = writer->temporary == NULL; /* a device may know no fsync */
    bool written =
        !ferror(stream) && fflush(stream) == 0 && (in_place || fsync(fileno(stream)) == 0);
    int reason = errno;
    if (fclose(stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (!written)
        FAIL(TING_ERR_IO, "%s: writing failed: %s%s", writer->path, strerror(reason),
             in_place ? "" : "; what stood there is unchanged");
    if (in_place)
        goto out;
    if (rename(writer->temporary, writer->path) != 0)
        FAIL(TING_ERR_IO, "%s: cannot be replaced: %s", writer->path, strerror(errno));
    ting_free(writer->temporary);
    writer->temporary = NULL;
out:
    ting_file_abandon(writer);
    return err;
}

void ting_file_abandon(ting_file_writer *writer)
{
    if (writer->stream != NULL)
        fclose(writer->stream);
    if (writer->temporary != NULL)
        unlink(writer->temporary);
    ting_free(writer->temporary);
    ting_free(writer->path);
    *writer = (ting_file_writer){0};
}

static bool is_temporary(const char *name, const char *begin)
{
    enum { DIGITS = 8 }; /* of open_beside */
    const size_t length = strlen(name), least = strlen(begin) + 1 + DIGITS;
    return strncmp(name, begin, strlen(begin)) == 0 && length >= least && name[length - DIGITS - 1] == '.' &&
           strspn(name + length - DIGITS, "0123456789abcdef") == DIGITS;
}

ting_err ting_file_sweep(const char *folder, const char *begin)
{
    ting_err err = TING_OK;
    ting_folder list = {0};
    char *path = NULL;
    struct stat status;
    TRY(ting_folder_list(folder, "", &list));
    for (size_t i = 0; i < list.count; i++) {
        if (!is_temporary(list.names[i], begin))
            continue;
        ting_free(path);
        path = ting_path_join(folder, list.names[i]);
        if (path == NULL)
            FAIL(TING_ERR_MEMORY, "%s: out of memory", folder);
        if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) && unlink(path) != 0)
            FAIL(TING_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
    }
out:
    ting_free(path);
    ting_folder_free(&list);
    return err;
}

ting_err ting_file_save(const char *path, const void *bytes, size_t count)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    TRY(ting_file_create(path, &writer));
    fwrite(bytes, 1, count, writer.stream); /* commit looks at ferror */
    TRY(ting_file_commit(&writer));
out:
    ting_file_abandon(&writer);
    return err;
}

ting_err ting_file_apart(const char *input, const char *output)
{
    ting_err err = TING_OK;
    struct stat in, out;
    bool standard = strcmp(input, "-") == 0;
    bool known = standard ? fstat(STDIN_FILENO, &in) == 0 : stat(input, &in) == 0;
    if (known && stat(output, &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino && S_ISREG(in.st_mode))
        FAIL(TING_ERR_ARGUMENT, "%s is both input and output: name another file to write", standard ? output : input);
out:
    return err;
}

ting_err ting_file_check_place(const char *path)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        goto out; /* whoever reads a pipe would take a trial for the end */
    TRY(ting_file_create(path, &writer));
out:
    ting_file_abandon(&writer);
    return err;
}

FILE *ting_file_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = ting_path_join(folder != NULL && folder[0] != '\0' ? folder : "/tmp", "tingxie-XXXXXX");
    if (path == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    int fd = mkstemp(path), reason = errno;
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        unlink(path);
    }
    ting_free(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (fd >= 0 && file == NULL) {
        reason = errno;
        close(fd);
    }
    errno = reason;
    return file;
}

bool ting_file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

bool ting_file_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *ting_path_join(const char *folder, const char *name)
{
    ting_str path = {0};
    size_t length = strlen(folder);
    ting_str_addf(&path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/",
                  name);
    if (ting_str_ok(&path))
        return path.text;
    ting_str_free(&path);
    return NULL;
}

char *ting_path_under(const char *folder, const char *name)
{
    return folder == NULL || name[0] == '/' ? ting_strdup(name) : ting_path_join(folder, name);
}

/* Makes the folders that the first `length` bytes of a path name, one after the other. */
static ting_err make_folders(const char *path, size_t length)
{
    ting_err err = TING_OK;
    char *part = ting_strdup(path);
    if (part == NULL)
        return TING_ERR_MEMORY;
    part[length] = '\0';
    for (char *slash = part; slash != NULL;) {
        slash = strchr(slash + strspn(slash, "/"), '/');
        if (slash != NULL)
            *slash = '\0';
        if (part[0] != '\0' && mkdir(part, 0777) != 0 && errno != EEXIST)
            FAIL(TING_ERR_IO, "%s: the folder cannot be made: %s", part, strerror(errno));
        if (slash != NULL)
            *slash = '/';
    }
    if (part[0] != '\0' && !ting_file_is_folder(part))
        FAIL(TING_ERR_IO, "%s: the folder cannot be made: a file of this name stands there", part);
out:
    ting_free(part);
    return err;
}

const char *ting_path_name(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p != '\0'; p++)
        if (*p == '/' && p[1] != '\0')
            name = p + 1;
    return name;
}

bool ting_path_ends(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcmp(path + length - tail, ending) == 0;
}

ting_err ting_folder_make(const char *path)
{
    return make_folders(path, strlen(path));
}

ting_err ting_folder_make_above(const char *path)
{
    const char *slash = strrchr(path, '/');
    return make_folders(path, slash != NULL ? (size_t)(slash - path) : 0);
}
