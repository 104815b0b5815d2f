/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is given back all at once.
 *
 * An arena hands out pieces from large blocks by moving a mark forward; nothing is freed singly.
 *
 *     block 0                          block 1 (taken when block 0 was full)
 *     [ piece | piece | piece |  ..  ]  [ piece |         free          ]
 *                                               ^ mark
 *
 * ting_arena_reset keeps the memory. If the last round spilled into several blocks they are replaced by
 * one that holds them all, so a loop that does the same work each round stops calling the allocator
 * after its second round: streaming in steady state allocates nothing.
 *
 * Failure is sticky: a piece that cannot be had is NULL and ting_arena_failed stays true until reset.
 * One thread at a time.
 */
#ifndef TING_BASE_ARENA_H
#define TING_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_arena ting_arena;
typedef struct ting_arena_mark {
    size_t block; /* index of the block in use */
    size_t used;  /* bytes used in it */
} ting_arena_mark;

/* Returns an owned arena whose blocks hold at least block_bytes; free with ting_arena_free. No block is
 * taken yet. NULL when out of memory. */
ting_arena *ting_arena_new(size_t block_bytes);
void ting_arena_free(ting_arena *arena);

/* From now on asked before each new block how many bytes may be taken: the block holds at most so many, and what needs more fails.
 * NULL: not asked. */
void ting_arena_limit(ting_arena *arena, size_t (*allowed)(void *self), void *self);

/* `bytes` bytes aligned to TING_ALIGN, not zeroed, valid until reset or rewind. */
void *ting_arena_take(ting_arena *arena, size_t bytes);

/* The same, zeroed, for count elements of `size` bytes; checks the product for overflow. */
void *ting_arena_take_zeroed(ting_arena *arena, size_t count, size_t size);

/* Everything taken after the mark is given back by rewind. Marks die with reset. */
ting_arena_mark ting_arena_tell(const ting_arena *arena);
void ting_arena_rewind(ting_arena *arena, ting_arena_mark mark);

/* The same, but what was taken stays valid for whoever has it: others get it too, and they must not need it at the same time. */
void ting_arena_share(ting_arena *arena, ting_arena_mark mark);

void ting_arena_reset(ting_arena *arena);
bool ting_arena_failed(const ting_arena *arena);

/* Bytes in use now; the most since the last reset. */
size_t ting_arena_used(const ting_arena *arena);
size_t ting_arena_most(const ting_arena *arena);

#endif
