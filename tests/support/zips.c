/* SPDX-License-Identifier: Apache-2.0 */
/* zips.c - see zips.h. */
#include "support/zips.h"

#include "support/support.h"

#include "base/file.h"

#include <lzma.h>
#include <string.h>
#include <zip.h>

void ting_write_zip(const char *path, const ting_zip_part *parts, size_t count, bool deflated)
{
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(archive);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *source = zip_source_buffer(archive, parts[i].bytes, parts[i].size, 0);
        zip_int64_t index = zip_file_add(archive, parts[i].name, source, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(archive, (zip_uint64_t)index,
                                                  deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0), 0);
    }
    assert_int_equal(zip_close(archive), 0);
}

char *ting_temp_xz(const char *name, const char *text)
{
    uint8_t packed[8192];
    size_t used = 0;
    char *path = ting_temp_path(name);
    assert_true(strlen(text) <= 4096);
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, strlen(text), packed, &used, sizeof packed), LZMA_OK);
    assert_ok(ting_file_save(path, packed, used));
    return path;
}
