/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - bump allocation; the idea is told in arena.h. */
#include "base/arena.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
enum { RED_ZONE = TING_ALIGN }; /* poisoned gap between pieces, so that an overrun is reported */
#else
#define POISON(address, bytes) ((void)(address), (void)(bytes))
#define UNPOISON(address, bytes) ((void)(address), (void)(bytes))
enum { RED_ZONE = 0 };
#endif

enum { MAX_BLOCKS = 64 }; /* each new block is at least as large as all before it together */
enum { SPARE = 16 };      /* a joined block has a 16th more than was used: rounds differ a little */

struct ting_arena {
    unsigned char *block[MAX_BLOCKS];
    size_t size[MAX_BLOCKS];
    size_t blocks;
    size_t block_bytes;
    ting_arena_mark mark;
    size_t used_before[MAX_BLOCKS]; /* bytes used in the blocks before this one */
    size_t most_used;               /* since the last reset */
    bool failed;
    size_t (*allowed)(void *self);
    void *self;
};

ting_arena *ting_arena_new(size_t block_bytes)
{
    ting_arena *arena = ting_alloc(1, sizeof *arena);
    if (arena != NULL)
        arena->block_bytes = block_bytes < 4096 ? 4096 : block_bytes;
    return arena;
}

void ting_arena_limit(ting_arena *arena, size_t (*allowed)(void *self), void *self)
{
    arena->allowed = allowed;
    arena->self = self;
}

static void drop_blocks(ting_arena *arena)
{
    for (size_t i = 0; i < arena->blocks; i++) {
        UNPOISON(arena->block[i], arena->size[i]);
        ting_free(arena->block[i]);
    }
    arena->blocks = 0;
}

void ting_arena_free(ting_arena *arena)
{
    if (arena == NULL)
        return;
    drop_blocks(arena);
    ting_free(arena);
}

static size_t total_size(const ting_arena *arena)
{
    size_t total = 0;
    for (size_t i = 0; i < arena->blocks; i++)
        total += arena->size[i];
    return total;
}

/* The size of the next block for `bytes`; 0: it may not be had. */
static size_t next_size(const ting_arena *arena, size_t bytes)
{
    size_t size = total_size(arena);
    size = size < arena->block_bytes ? arena->block_bytes : size;
    size = size < bytes ? bytes : size;
    if (arena->allowed == NULL)
        return size;
    const size_t allowed = arena->allowed(arena->self);
    if (bytes > allowed) {
        ting_fail(TING_ERR_MEMORY, "%.1f MB are taken, %.1f MB more are needed and %.1f MB may be had",
                  (double)ting_arena_used(arena) / 1e6, (double)bytes / 1e6, (double)allowed / 1e6);
        return 0;
    }
    return size < allowed ? size : allowed;
}

/* Moves the mark to the start of a block that has room for `bytes`. */
static bool open_block(ting_arena *arena, size_t bytes)
{
    size_t next = arena->blocks == 0 ? 0 : arena->mark.block + 1;
    size_t before = ting_arena_used(arena);
    while (next < arena->blocks && arena->size[next] < bytes)
        next++;
    if (next >= arena->blocks) {
        if (arena->blocks == MAX_BLOCKS)
            return false;
        const size_t size = next_size(arena, bytes);
        unsigned char *block = size > 0 ? ting_alloc_unset(size) : NULL;
        if (block == NULL)
            return false;
        POISON(block, size);
        next = arena->blocks++;
        arena->block[next] = block;
        arena->size[next] = size;
    }
    arena->mark = (ting_arena_mark){.block = next, .used = 0};
    arena->used_before[next] = before;
    return true;
}

void *ting_arena_take(ting_arena *arena, size_t bytes)
{
    if (arena->failed)
        return NULL;
    if (bytes > SIZE_MAX / 2) {
        ting_fail(TING_ERR_MEMORY, "a piece of %zu bytes exceeds the address space", bytes);
        arena->failed = true;
        return NULL;
    }
    size_t rounded = (bytes + TING_ALIGN - 1) / TING_ALIGN * TING_ALIGN + RED_ZONE;
    if (arena->blocks == 0 || arena->size[arena->mark.block] - arena->mark.used < rounded) {
        if (!open_block(arena, rounded)) {
            arena->failed = true;
            return NULL;
        }
    }
    unsigned char *piece = arena->block[arena->mark.block] + arena->mark.used;
    arena->mark.used += rounded;
    size_t used = ting_arena_used(arena);
    arena->most_used = used > arena->most_used ? used : arena->most_used;
    UNPOISON(piece, bytes);
    return piece;
}

void *ting_arena_take_zeroed(ting_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 2 / size) {
        ting_fail(TING_ERR_MEMORY, "%zu x %zu bytes exceed the address space", count, size);
        arena->failed = true;
        return NULL;
    }
    void *piece = ting_arena_take(arena, count * size);
    if (piece != NULL)
        memset(piece, 0, count * size);
    return piece;
}

ting_arena_mark ting_arena_tell(const ting_arena *arena)
{
    return arena->mark;
}

void ting_arena_share(ting_arena *arena, ting_arena_mark mark)
{
    arena->mark = mark;
}

void ting_arena_rewind(ting_arena *arena, ting_arena_mark mark)
{
    for (size_t i = mark.block; i < arena->blocks && i <= arena->mark.block; i++) {
        size_t keep = i == mark.block ? mark.used : 0;
        POISON(arena->block[i] + keep, arena->size[i] - keep);
    }
    arena->mark = mark;
}

void ting_arena_reset(ting_arena *arena)
{
    if (arena->blocks > 1) {
        drop_blocks(arena);
        arena->block_bytes = arena->most_used + arena->most_used / SPARE;
    } else if (arena->blocks == 1) {
        POISON(arena->block[0], arena->size[0]);
    }
    arena->mark = (ting_arena_mark){0};
    arena->most_used = 0;
    arena->failed = false;
}

bool ting_arena_failed(const ting_arena *arena)
{
    return arena->failed;
}

size_t ting_arena_most(const ting_arena *arena)
{
    return arena->most_used;
}

size_t ting_arena_used(const ting_arena *arena)
{
    return arena->blocks == 0 ? 0 : arena->used_before[arena->mark.block] + arena->mark.used;
}
