/* SPDX-License-Identifier: Apache-2.0 */
/* ranks_absent.c - stands in for ranks_mpi.c in builds without MPI; see ranks_link.h. A process is alone. */
#include "train/ranks_link.h"

ting_err ting_ranks_open(ting_ranks *ranks, bool launched)
{
    *ranks = ting_ranks_alone;
    return launched
               ? ting_fail(TING_ERR_UNSUPPORTED, "this build cannot train under mpirun: install libopenmpi-dev (sh "
                                                 "tools/deps.sh does) and build it again")
               : TING_OK;
}

void ting_ranks_close(ting_ranks *ranks)
{
    *ranks = ting_ranks_alone;
}

ting_err ting_ranks_gather(const ting_ranks *ranks, const void *own, size_t bytes, const unsigned char **all)
{
    (void)ranks, (void)bytes;
    *all = own;
    return TING_OK;
}

ting_err ting_ranks_add(const ting_ranks *ranks, ting_real *values, size_t count)
{
    (void)ranks, (void)values, (void)count;
    return TING_OK;
}
