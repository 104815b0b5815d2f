/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks.h - the processes that train one network together: each takes its share of every batch, sums are over all of
 * them.
 *
 *     ting_ranks ranks = {0};
 *     TRY(ting_ranks_join(&ranks));                    one of how many this process is
 *     err = something that may fail on one of them;
 *     TRY(ting_ranks_agree(&ranks, err));              all go on, or all have failed
 *     TRY(ting_ranks_sum(&ranks, gradients, count));   everybody gets the same bits
 *     ting_ranks_leave(&ranks);
 *
 * Launched by mpirun (Open MPI; ranks_mpi.c), a process is one of them; otherwise, and in builds without MPI
 * (ranks_absent.c), it is alone and every call does nothing. All ranks must make the same calls in the same order. Sums
 * go in the order of the ranks: their bits depend on the number of ranks, not on the network, the machines or the MPI
 * library.
 *
 * Errors are io (another rank is gone), and what ting_ranks_agree passes on. One thread at a time.
 */
#ifndef TING_TRAIN_RANKS_H
#define TING_TRAIN_RANKS_H

#include "base/err.h"
#include "nn/tensor.h"

#include <stdint.h>

enum { TING_MOST_SUMS = 32 }; /* of ting_ranks_sum_doubles */

typedef struct ting_ranks_link ting_ranks_link;

typedef struct ting_ranks { /* start with {0} or ting_ranks_alone; leave with ting_ranks_leave */
    int rank, count;        /* 0 <= rank < count; rank 0 reports and writes */
    int here;               /* of them on this machine */
    ting_ranks_link *link;  /* NULL: alone */
} ting_ranks;

static const ting_ranks ting_ranks_alone = {.count = 1, .here = 1};

/* A process joins once: MPI cannot be started again. Where the host program has started MPI itself, it also ends it.
 * Errors: memory; unsupported (launched by mpirun, but built without MPI); io. */
ting_err ting_ranks_join(ting_ranks *ranks);
void ting_ranks_leave(ting_ranks *ranks);

/* values[i] becomes the sum of all ranks' values[i]. */
ting_err ting_ranks_sum(const ting_ranks *ranks, ting_real *values, size_t count);

/* The same for up to TING_MOST_SUMS numbers. */
ting_err ting_ranks_sum_doubles(const ting_ranks *ranks, double *values, int count);

/* Each rank brings what it has come to: all succeed, or all fail, those that were well with the sentence and the code
 * of the first that was not. */
ting_err ting_ranks_agree(const ting_ranks *ranks, ting_err own);

/* All ranks have the same value, or all fail (model) with "... another `what`". */
ting_err ting_ranks_same(const ting_ranks *ranks, const char *what, uint64_t value);

#endif
