/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - how ops that work row by row spread over the pool.
 *
 * The rows are cut into at most TING_ROW_BLOCKS blocks of equal size, each large enough to be worth a
 * thread's while. The cut depends on the sizes alone, never on the number of threads, so a reduction may
 * keep one partial sum a block and add them up in order of the blocks: the result is the same for any
 * number of threads.
 */
#ifndef TING_NN_ROWS_H
#define TING_NN_ROWS_H

#include "base/pool.h"

enum { TING_ROW_BLOCKS = 128 };

typedef struct ting_row_block {
    int index;        /* of the block */
    int first, count; /* its rows */
} ting_row_block;

/* Number of blocks for `rows` rows that cost about `row_elements` simple operations each. */
int ting_row_blocks(int rows, int row_elements);

/* Rows of each of them; the last may have fewer. */
int ting_row_block_rows(int rows, int row_elements);

/* Calls work(arg, block) for each block, on any thread of the pool. */
void ting_rows_run(ting_pool *pool, int rows, int row_elements,
                   void (*work)(void *arg, ting_row_block block), void *arg);

#endif
