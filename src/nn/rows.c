/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - see rows.h. */
#include "nn/rows.h"

enum { BLOCK_ELEMENTS = 8192 }; /* a few microseconds of work: well above the cost of handing it out */

int ting_row_block_rows(int rows, int row_elements)
{
    int least = row_elements <= 0 ? rows : (BLOCK_ELEMENTS + row_elements - 1) / row_elements;
    int even = rows / TING_ROW_BLOCKS + (rows % TING_ROW_BLOCKS != 0);
    int count = least > even ? least : even;
    return count < 1 ? 1 : count;
}

int ting_row_blocks(int rows, int row_elements)
{
    int count = ting_row_block_rows(rows, row_elements);
    return rows / count + (rows % count != 0);
}

struct job {
    int rows, block_rows;
    void (*work)(void *arg, ting_row_block block);
    void *arg;
};

static void run_block(void *arg, int index)
{
    const struct job *job = arg;
    ting_row_block block = {.index = index, .first = index * job->block_rows};
    int left = job->rows - block.first;
    block.count = left < job->block_rows ? left : job->block_rows;
    job->work(job->arg, block);
}

void ting_rows_run(ting_pool *pool, int rows, int row_elements,
                   void (*work)(void *arg, ting_row_block block), void *arg)
{
    struct job job = {.rows = rows, .block_rows = ting_row_block_rows(rows, row_elements), .work = work, .arg = arg};
    ting_pool_run(pool, ting_row_blocks(rows, row_elements), run_block, &job);
}
