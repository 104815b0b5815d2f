/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - see fuzz.h. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned char *ting_fuzz_copy(const uint8_t *data, size_t size)
{
    unsigned char *copy = ting_alloc(size, 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

const char *ting_fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

void ting_fuzz_take_file(ting_fuzz_take *take, void *self, const char *path)
{
    ting_file file;
    if (ting_file_map(path, &file) != TING_OK)
        abort();
    take(self, file.data, file.size);
    ting_file_unmap(&file);
}
