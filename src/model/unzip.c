/* SPDX-License-Identifier: Apache-2.0 */
/* unzip.c - see unzip.h. */
#include "model/unzip.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <zip.h>

enum { MOST_RATIO = 1032, SLACK = 1 << 12 };

struct ting_unzip {
    zip_t *archive;
    size_t count;
    uint64_t left; /* bytes that may still be read */
};

bool ting_unzip_is_zip(const void *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

ting_err ting_unzip_open(const void *bytes, size_t size, ting_unzip **out)
{
    ting_err err = TING_OK;
    zip_error_t problem;
    zip_source_t *source = NULL;
    zip_error_init(&problem);
    *out = ting_alloc(1, sizeof **out);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    source = zip_source_buffer_create(bytes, size, 0, &problem);
    if (source == NULL)
        FAIL(TING_ERR_MEMORY, "zip: %s", zip_error_strerror(&problem));
    (*out)->archive = zip_open_from_source(source, ZIP_RDONLY, &problem);
    if ((*out)->archive == NULL)
        FAIL(zip_error_code_zip(&problem) == ZIP_ER_MEMORY ? TING_ERR_MEMORY : TING_ERR_FORMAT, "zip: %s",
             zip_error_strerror(&problem));
    source = NULL; /* the archive has it */
    zip_int64_t count = zip_get_num_entries((*out)->archive, 0);
    (*out)->count = count > 0 ? (size_t)count : 0;
    (*out)->left = (uint64_t)size * MOST_RATIO + SLACK;
out:
    zip_source_free(source);
    zip_error_fini(&problem);
    if (err != TING_OK) {
        ting_free(*out);
        *out = NULL;
    }
    return err;
}

void ting_unzip_close(ting_unzip *zip)
{
    if (zip == NULL)
        return;
    zip_discard(zip->archive);
    ting_free(zip);
}

size_t ting_unzip_count(const ting_unzip *zip)
{
    return zip->count;
}

const char *ting_unzip_name(const ting_unzip *zip, size_t index)
{
    const char *name = zip_get_name(zip->archive, index, ZIP_FL_ENC_RAW);
    return name == NULL ? "" : name;
}

static ting_err check_member(ting_unzip *zip, size_t index, zip_stat_t *status)
{
    const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(zip->archive, index, 0, status) != 0 || (status->valid & wanted) != wanted)
        return ting_fail(TING_ERR_FORMAT, "zip: %s", zip_strerror(zip->archive));
    if (status->comp_method != ZIP_CM_STORE && status->comp_method != ZIP_CM_DEFLATE)
        return ting_fail(TING_ERR_UNSUPPORTED, "zip: \"%s\" is compressed by method %d, expected none or deflate",
                         ting_unzip_name(zip, index), status->comp_method);
    if (status->comp_size > zip->left || status->size > status->comp_size * MOST_RATIO + SLACK ||
        status->size > zip->left)
        return ting_fail(TING_ERR_FORMAT, "zip: \"%s\" claims %" PRIu64 " bytes, which the file cannot hold",
                         ting_unzip_name(zip, index), (uint64_t)status->size);
    return TING_OK;
}

ting_err ting_unzip_read(ting_unzip *zip, size_t index, void **out, size_t *bytes)
{
    ting_err err = TING_OK;
    zip_file_t *member = NULL;
    zip_stat_t status;
    char beyond;
    *out = NULL;
    TRY(check_member(zip, index, &status));
    zip->left -= status.size;
    *bytes = (size_t)status.size;
    *out = ting_alloc(*bytes, 1);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    member = zip_fopen_index(zip->archive, index, 0);
    if (member == NULL)
        FAIL(TING_ERR_FORMAT, "zip: \"%s\": %s", ting_unzip_name(zip, index), zip_strerror(zip->archive));
    size_t done = 0;
    while (done < *bytes) {
        zip_int64_t got = zip_fread(member, (char *)*out + done, *bytes - done);
        if (got <= 0)
            FAIL(TING_ERR_FORMAT, "zip: \"%s\" ends after %zu of %zu bytes or is damaged",
                 ting_unzip_name(zip, index), done, *bytes);
        done += (size_t)got;
    }
    if (zip_fread(member, &beyond, 1) != 0) /* at the end libzip checks the CRC */
        FAIL(TING_ERR_FORMAT, "zip: \"%s\" is damaged: its checksum or size is wrong",
             ting_unzip_name(zip, index));
out:
    if (member != NULL)
        zip_fclose(member);
    if (err != TING_OK) {
        ting_free(*out);
        *out = NULL;
    }
    return err;
}

ting_err ting_unzip_read_named(ting_unzip *zip, const char *name, void **out, size_t *bytes)
{
    *out = NULL;
    zip_int64_t index = zip_name_locate(zip->archive, name, ZIP_FL_ENC_RAW);
    if (index < 0)
        return ting_fail(TING_ERR_NOT_FOUND, "zip: no member \"%s\"", name);
    return ting_unzip_read(zip, (size_t)index, out, bytes);
}
