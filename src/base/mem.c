/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - aligned, zeroed, overflow-checked memory; see mem.h. */
#include "base/mem.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20, LARGE_BLOCK = 8 * LARGE_PAGE };

void *ting_alloc_unset(size_t bytes)
{
    void *block = NULL;
    if (posix_memalign(&block, bytes >= LARGE_BLOCK ? LARGE_PAGE : TING_ALIGN, bytes == 0 ? 1 : bytes) != 0) {
        ting_fail(TING_ERR_MEMORY, "out of memory: %zu bytes wanted", bytes);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (bytes >= LARGE_BLOCK)
        madvise(block, bytes, MADV_HUGEPAGE); /* a wish: when it is not granted, small pages serve */
#endif
    return block;
}

void *ting_alloc(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - TING_ALIGN) / size) {
        ting_fail(TING_ERR_MEMORY, "a block of %zu x %zu bytes exceeds the address space", count, size);
        return NULL;
    }
    size_t bytes = count * size;
    void *block = ting_alloc_unset(bytes);
    if (block != NULL)
        memset(block, 0, bytes == 0 ? 1 : bytes);
    return block;
}

void *ting_grow(void *block, size_t old_count, size_t new_count, size_t size)
{
    void *grown = ting_alloc(new_count, size);
    if (grown == NULL)
        return NULL;
    if (old_count != 0)
        memcpy(grown, block, old_count * size);
    ting_free(block);
    return grown;
}

ting_err ting_reserve(void *items, size_t count, size_t more, size_t *room, size_t size)
{
    enum { LEAST = 32 };
    void *block;
    if (count <= *room && more <= *room - count)
        return TING_OK;
    if (more > SIZE_MAX / 2 || count > SIZE_MAX / 2)
        return ting_fail(TING_ERR_MEMORY, "%zu and %zu more elements exceed the address space", count, more);
    size_t wanted = count + more;
    if (wanted < LEAST)
        wanted = LEAST;
    if (wanted / 2 < *room && *room <= SIZE_MAX / 2)
        wanted = 2 * *room;
    memcpy(&block, items, sizeof block); /* not through a void **: the pointer is of another type */
    block = ting_grow(block, *room, wanted, size);
    if (block == NULL)
        return TING_ERR_MEMORY;
    memcpy(items, &block, sizeof block);
    *room = wanted;
    return TING_OK;
}

char *ting_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ting_alloc(bytes, 1);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void ting_free(void *block)
{
    free(block);
}
