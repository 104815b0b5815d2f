/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - see transfer.h. */
#include "cli/transfer.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_SECONDS = 30,
    STALL_SECONDS = 60, /* this long without a byte is a failure */
    MOST_REDIRECTS = 5,
    ARCHIVE_BLOCK = 1 << 16
};

/* ---- download ---- */

typedef struct receiver {
    const ting_download *download;
    FILE *file;
    CURL *curl;
    int64_t start, bytes; /* in the file before this call, and now */
    bool restarted, too_long, stopped;
    int write_errno;
} receiver;

/* The server sends everything although the rest was asked for: begins again. */
static bool restart(receiver *r)
{
    r->restarted = true;
    r->start = r->bytes = 0;
    return fflush(r->file) == 0 && ftruncate(fileno(r->file), 0) == 0 && fseek(r->file, 0, SEEK_SET) == 0;
}

static size_t receive(char *bytes, size_t size, size_t count, void *self)
{
    receiver *r = self;
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (r->start > 0 && status == 200 && !restart(r)) {
        r->write_errno = errno;
        return 0;
    }
    r->too_long = (int64_t)(size * count) > r->download->most - r->bytes;
    if (r->too_long)
        return 0;
    size_t written = fwrite(bytes, 1, size * count, r->file);
    if (written < size * count)
        r->write_errno = errno;
    r->bytes += (int64_t)written;
    return written;
}

static int report(void *self, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    receiver *r = self;
    (void)up_total, (void)up_now;
    if (r->download->progress == NULL)
        return 0;
    double all = total > 0 ? (double)(r->start + total) : 0;
    r->stopped = !r->download->progress(r->download->self, (double)(r->start + now), all);
    return r->stopped;
}

static bool set_options(receiver *r)
{
    const ting_download *d = r->download;
    const char *schemes = d->any_scheme ? "http,https" : "https";
    CURL *c = r->curl;
    return curl_easy_setopt(c, CURLOPT_URL, d->url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, schemes) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, schemes) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, "tingxie/" TING_VERSION) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, report) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFODATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)r->start) == CURLE_OK;
}

static ting_err explain(const receiver *r, CURLcode code, const char *details)
{
    const ting_download *d = r->download;
    if (r->stopped)
        return ting_fail(TING_ERR_CANCELLED, "stopped after %" PRId64 " bytes, which are kept: the same command goes on", r->bytes);
    if (r->too_long)
        return ting_fail(TING_ERR_IO, "%s: more than %" PRId64 " bytes: this is not the expected file", d->url, d->most);
    if (r->write_errno != 0)
        return ting_fail(TING_ERR_IO, "%s: writing failed: %s", d->path, strerror(r->write_errno));
    return ting_fail(TING_ERR_IO, "%s: %s%s", d->url, details[0] != '\0' ? details : curl_easy_strerror(code),
                     r->bytes > 0 ? "; what came is kept: the same command goes on" : "");
}

/* One request. *again: the beginning that stands in the file is of no use, and was removed. */
static ting_err request(receiver *r, bool *again)
{
    ting_err err = TING_OK;
    char details[CURL_ERROR_SIZE] = "";
    long status = 0;
    *again = false;
    r->curl = curl_easy_init();
    if (r->curl == NULL || !set_options(r))
        FAIL(TING_ERR_INTERNAL, "libcurl cannot be set up");
    curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, details);
    CURLcode code = curl_easy_perform(r->curl);
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    bool no_range = code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && status == 416);
    if (r->start > 0 && no_range) {
        *again = restart(r);
        goto out;
    }
    if (code != CURLE_OK)
        err = explain(r, code, details);
out:
    curl_easy_cleanup(r->curl);
    r->curl = NULL;
    return err;
}

ting_err ting_transfer_download(const ting_download *download)
{
    ting_err err = TING_OK;
    receiver r = {.download = download};
    bool again = false;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ting_fail(TING_ERR_INTERNAL, "libcurl cannot be set up");
    r.file = fopen(download->path, "ab");
    if (r.file == NULL)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", download->path, strerror(errno));
    struct stat status;
    if (fstat(fileno(r.file), &status) != 0)
        FAIL(TING_ERR_IO, "%s: cannot be examined: %s", download->path, strerror(errno));
    r.start = r.bytes = (int64_t)status.st_size;
    TRY(request(&r, &again));
    if (again)
        TRY(request(&r, &again));
out:
    if (r.file != NULL && fclose(r.file) != 0 && err == TING_OK)
        err = ting_fail(TING_ERR_IO, "%s: writing failed: %s", download->path, strerror(errno));
    if (err != TING_OK && r.file != NULL && r.bytes == 0)
        unlink(download->path); /* nothing to go on from */
    curl_global_cleanup();
    return err;
}

/* ---- unpack ---- */

/* What follows the first folder of a path. */
static const char *behind_folder(const char *path)
{
    if (strncmp(path, "./", 2) == 0)
        path += 2;
    const char *slash = strchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static ting_err take_member(struct archive *archive, const ting_member *member, const char *folder)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    char *path = ting_path_join(folder, member->as), *block = ting_alloc(ARCHIVE_BLOCK, 1);
    char digest[TING_SHA256_TEXT];
    int64_t bytes = 0;
    if (path == NULL || block == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_file_create(path, &writer));
    for (;;) {
        la_ssize_t got = archive_read_data(archive, block, ARCHIVE_BLOCK);
        if (got < 0)
            FAIL(TING_ERR_FORMAT, "%s: the archive is damaged: %s", member->name, archive_error_string(archive));
        if (got == 0)
            break;
        bytes += (int64_t)got;
        if (bytes > member->size)
            break;
        fwrite(block, 1, (size_t)got, writer.stream);
    }
    if (bytes != member->size)
        FAIL(TING_ERR_FORMAT, "%s: not of the expected size of %" PRId64 " bytes", member->name, member->size);
    TRY(ting_file_commit(&writer));
    TRY(ting_sha256_file(path, digest));
    if (strcmp(digest, member->sha256) != 0)
        FAIL(TING_ERR_FORMAT, "%s: its SHA-256 is %s, expected %s: not the file that this program knows", member->name,
             digest, member->sha256);
out:
    ting_file_abandon(&writer);
    ting_free(path);
    ting_free(block);
    return err;
}

static const ting_member *wanted(const ting_member *members, int count, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    if (path == NULL || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != NULL)
        return NULL;
    for (int i = 0; i < count; i++)
        if (strcmp(members[i].name, behind_folder(path)) == 0)
            return &members[i];
    return NULL;
}

ting_err ting_transfer_unpack(const char *path, const ting_member *members, int count, const char *folder)
{
    ting_err err = TING_OK;
    struct archive_entry *entry;
    bool *taken = ting_alloc((size_t)count, sizeof *taken);
    struct archive *archive = archive_read_new();
    if (taken == NULL || archive == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    archive_read_support_filter_all(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    if (archive_read_open_filename(archive, path, ARCHIVE_BLOCK) != ARCHIVE_OK)
        FAIL(TING_ERR_FORMAT, "%s: not an archive: %s", path, archive_error_string(archive));
    for (;;) {
        int status = archive_read_next_header(archive, &entry);
        if (status == ARCHIVE_EOF)
            break;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            FAIL(TING_ERR_FORMAT, "%s: the archive is damaged: %s", path, archive_error_string(archive));
        const ting_member *member = wanted(members, count, entry);
        if (member == NULL)
            continue;
        if (taken[member - members])
            FAIL(TING_ERR_FORMAT, "%s: \"%s\" stands twice in the archive", path, member->name);
        taken[member - members] = true;
        TRY(take_member(archive, member, folder));
    }
    for (int i = 0; i < count; i++)
        if (!taken[i])
            FAIL(TING_ERR_FORMAT, "%s: the archive has no \"%s\"", path, members[i].name);
out:
    if (archive != NULL)
        archive_read_free(archive);
    ting_free(taken);
    return err;
}
