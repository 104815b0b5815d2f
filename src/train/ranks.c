/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.c - see ranks.h: what needs no more than that everybody gets what everybody brings. */
#include "train/ranks_link.h"

#include <stdlib.h>
#include <string.h>

/* Open MPI's mpirun, MPICH's and Slurm's tell a process so. */
static bool launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i]) != NULL)
            return true;
    return false;
}

ting_err ting_ranks_join(ting_ranks *ranks)
{
    *ranks = ting_ranks_alone;
    return ting_ranks_open(ranks, launched());
}

void ting_ranks_leave(ting_ranks *ranks)
{
    if (ranks->link != NULL)
        ting_ranks_close(ranks);
    *ranks = ting_ranks_alone;
}

ting_err ting_ranks_sum(const ting_ranks *ranks, ting_real *values, size_t count)
{
    return ranks->count < 2 ? TING_OK : ting_ranks_add(ranks, values, count);
}

ting_err ting_ranks_sum_doubles(const ting_ranks *ranks, double *values, int count)
{
    ting_err err = TING_OK;
    const unsigned char *all;
    if (ranks->count < 2)
        return TING_OK;
    const size_t bytes = (size_t)count * sizeof *values;
    TRY(ting_ranks_gather(ranks, values, bytes, &all));
    memset(values, 0, bytes);
    for (int r = 0; r < ranks->count; r++) {
        double brought[TING_MOST_SUMS];
        memcpy(brought, all + (size_t)r * bytes, bytes);
        for (int i = 0; i < count; i++)
            values[i] += brought[i];
    }
out:
    return err;
}

ting_err ting_ranks_agree(const ting_ranks *ranks, ting_err own)
{
    ting_err err = TING_OK;
    struct {
        int code;
        char sentence[TING_RANKS_MESSAGE - sizeof(int)];
    } said = {.code = own};
    const unsigned char *all;
    if (ranks->count < 2)
        return own;
    if (own != TING_OK)
        strncpy(said.sentence, ting_error_message(), sizeof said.sentence - 1);
    TRY(ting_ranks_gather(ranks, &said, sizeof said, &all));
    for (int r = 0; r < ranks->count && own == TING_OK; r++) {
        memcpy(&said, all + (size_t)r * sizeof said, sizeof said);
        if (said.code != TING_OK)
            FAIL((ting_err)said.code, "rank %d of %d: %s", r, ranks->count, said.sentence);
    }
    err = own;
out:
    return err;
}

ting_err ting_ranks_same(const ting_ranks *ranks, const char *what, uint64_t value)
{
    ting_err err = TING_OK;
    const unsigned char *all;
    if (ranks->count < 2)
        return TING_OK;
    TRY(ting_ranks_gather(ranks, &value, sizeof value, &all));
    for (int r = 1; r < ranks->count; r++)
        if (memcmp(all, all + (size_t)r * sizeof value, sizeof value) != 0)
            FAIL(TING_ERR_MODEL, "rank %d of %d has another %s than rank 0", r, ranks->count, what);
out:
    return err;
}
