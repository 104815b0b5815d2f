/* SPDX-License-Identifier: Apache-2.0 */
/* zips.h - small zip archives for tests. */
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

#endif
