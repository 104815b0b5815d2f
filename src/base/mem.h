/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - the only place that takes memory from the C library.
 *
 * All functions return NULL and store TING_ERR_MEMORY's sentence on failure (also on overflow of
 * count * size); ting_free accepts NULL. Blocks are aligned for vector loads (64 bytes) and, unless said otherwise, zeroed.
 */
#ifndef TING_BASE_MEM_H
#define TING_BASE_MEM_H

#include "base/err.h"

#include <stddef.h>

enum { TING_ALIGN = 64 };

/* Returns owned memory of count * size zero bytes (at least one), free with ting_free. */
void *ting_alloc(size_t count, size_t size);

/* Returns owned memory of `bytes` bytes (at least one), not set: pages that nobody writes cost nothing. Large blocks ask the
 * system for large pages. */
void *ting_alloc_unset(size_t bytes);

/* Grows `block` (may be NULL) from old_count to new_count >= old_count elements; the new tail is zero.
 * On failure returns NULL and leaves `block` as it was. */
void *ting_grow(void *block, size_t old_count, size_t new_count, size_t size);

/* Makes room in a list that grows by doubling: at least count + more elements of `size` bytes, the new tail zero. `items`
 * is the address of the list's pointer (of any type, NULL at first), *room what it holds so far.
 *
 *     TRY(ting_reserve(&list->items, list->count, 1, &list->room, sizeof *list->items));
 *     list->items[list->count++] = item;
 *
 * On failure (memory) the list is as it was. */
ting_err ting_reserve(void *items, size_t count, size_t more, size_t *room, size_t size);

/* Returns an owned copy of the string, free with ting_free. */
char *ting_strdup(const char *text);

void ting_free(void *block);

#endif
