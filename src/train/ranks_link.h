/* SPDX-License-Identifier: Apache-2.0 */
/* ranks_link.h - what ranks.c asks of what connects ranks: ranks_mpi.c, or ranks_absent.c in builds without MPI. */
#ifndef TING_TRAIN_RANKS_LINK_H
#define TING_TRAIN_RANKS_LINK_H

#include "train/ranks.h"

#include <stdbool.h>

enum { TING_RANKS_MESSAGE = 512 }; /* bytes that a rank brings to a gathering, at most */

/* Sets everything of *ranks. launched: what the environment says about mpirun. */
ting_err ting_ranks_open(ting_ranks *ranks, bool launched);
void ting_ranks_close(ting_ranks *ranks);

/* Everybody gets what everybody brings, in the order of the ranks: *all borrows until the next call. */
ting_err ting_ranks_gather(const ting_ranks *ranks, const void *own, size_t bytes, const unsigned char **all);

/* As ting_ranks_sum. */
ting_err ting_ranks_add(const ting_ranks *ranks, ting_real *values, size_t count);

#endif
