/* SPDX-License-Identifier: Apache-2.0 */
/* strips.h - how ops cut rows that go through several products on one thread (kern/gemm_strip.h). */
#ifndef TING_NN_STRIPS_H
#define TING_NN_STRIPS_H

#include "kern/gemm_strip.h"

enum { TING_SUM_ROWS = 1024 }; /* rows of an operand that sums over rows: as many exist at a time */

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

/* The rows from `row` on that are summed at a time: whole blocks. */
static inline int ting_strips_at_a_time(const ting_row_strips *cut)
{
    return TING_SUM_ROWS / cut->block_rows * cut->block_rows;
}

#endif
