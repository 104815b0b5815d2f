/* SPDX-License-Identifier: Apache-2.0 */
/* feed_forward.h - what the forward and the backward of ting_feed_forward share: how rows and columns are cut. */
#ifndef TING_NN_FEED_FORWARD_H
#define TING_NN_FEED_FORWARD_H

#include "kern/gemm_strip.h"
#include "nn/rec.h"

/* A block of rows is what a thread takes through the op, a strip (kern/gemm_strip.h) and a piece of the inside's columns at a
 * time: values of a piece stand in the first-level cache, packed ones of a block in the second. Rows of `room` lie LD apart, so
 * that they don't fight for sets of the cache. */
enum { TING_FEED_FORWARD_LD = TING_GEMM_PIECE + 16 };

typedef struct ting_row_strips {
    int strip_rows; /* of a strip */
    int block_rows; /* of a block: a multiple of it */
    int blocks;
} ting_row_strips;

/* How `rows` rows are cut for products with w: up to 256 rows a block, and 16 blocks where they have at least 64. By the sizes
 * alone. */
static inline ting_row_strips ting_strips_of(const ting_packed *w, int rows)
{
    enum { MOST = 256, LEAST = 64, BLOCKS = 16 };
    const int strip = ting_gemm_strip_rows(w);
    int block = rows / BLOCKS < LEAST ? LEAST : rows / BLOCKS > MOST ? MOST : rows / BLOCKS;
    block = (block + strip - 1) / strip * strip;
    return (ting_row_strips){strip, block, (rows + block - 1) / block};
}

/* The rows of a strip that begins at row `row`, in a block that ends before `end`. */
static inline int ting_strip_count(const ting_row_strips *cut, int row, int end)
{
    return end - row < cut->strip_rows ? end - row : cut->strip_rows;
}

#endif
