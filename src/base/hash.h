/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - FNV-1a: over bytes for hash tables, over words as the fingerprint of a file. Neither is a defence. */
#ifndef TING_BASE_HASH_H
#define TING_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folded so that the low bits are good enough for a table of a power of two. */
static inline uint64_t ting_hash_bytes(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < count; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 32;
}

/* Eight bytes at a time, then the tail: for large blocks. Files hold it: it never changes. */
static inline uint64_t ting_fingerprint(const void *bytes, size_t count)
{
    const unsigned char *p = bytes;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; count >= 8; count -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        hash = (hash ^ word) * UINT64_C(0x100000001B3);
        hash ^= hash >> 29;
    }
    for (; count > 0; count--, p++)
        hash = (hash ^ *p) * UINT64_C(0x100000001B3);
    return hash;
}

#endif
