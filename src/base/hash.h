/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - FNV-1a over bytes, folded so that the low bits are good enough for a table of a power of two. */
#ifndef TING_BASE_HASH_H
#define TING_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t ting_hash_bytes(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < count; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 32;
}

#endif
