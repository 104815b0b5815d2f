/* SPDX-License-Identifier: Apache-2.0 */
/* zips.h - small zip archives, and texts in xz, for tests. */
#ifndef TING_TESTS_ZIPS_H
#define TING_TESTS_ZIPS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_zip_part {
    const char *name;
    const void *bytes;
    size_t size;
} ting_zip_part;

/* Writes an archive; deflated, or stored as torch.save does. Fails the test when it cannot. */
void ting_write_zip(const char *path, const ting_zip_part *parts, size_t count, bool deflated);

/* An owned path in the temporary folder (ting_temp_path) of a file that is this text, up to 4 KiB, compressed with xz. */
char *ting_temp_xz(const char *name, const char *text);

#endif
