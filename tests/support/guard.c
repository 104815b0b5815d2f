/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "support/support.h"
#include "support/guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_BLOCKS = 256 };

static struct {
    void *start;
    size_t bytes;
} blocks[MAX_BLOCKS];
static int block_count;

void *guard_block(size_t count, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = count * size;
    size_t data = (bytes + page - 1) / page * page;
    if (block_count == MAX_BLOCKS)
        fail_msg("more than %d guarded blocks", MAX_BLOCKS);
    unsigned char *start = mmap(NULL, data + page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + data, page, PROT_NONE) != 0)
        fail_msg("no guarded block of %zu bytes", bytes);
    memset(start, 0xFF, data);
    blocks[block_count].start = start;
    blocks[block_count++].bytes = data + page;
    return start + data - bytes;
}

ting_real *guard_reals(size_t count)
{
    return guard_block(count, sizeof(ting_real));
}

void guard_free_all(void)
{
    while (block_count > 0) {
        block_count--;
        munmap(blocks[block_count].start, blocks[block_count].bytes);
    }
}

int guard_levels(const ting_kern *levels[GUARD_MAX_LEVELS])
{
    int count = 0;
    for (int level = 0; level < GUARD_MAX_LEVELS; level++) {
        const ting_kern *kern = ting_kern_select((ting_cpu_level)level);
        if (count == 0 || kern != levels[count - 1])
            levels[count++] = kern;
    }
    return count;
}

void guard_normal(ting_rng *rng, int n, double scale, ting_real *x)
{
    for (int i = 0; i < n; i++)
        x[i] = (ting_real)(scale * ting_rng_normal(rng));
}
