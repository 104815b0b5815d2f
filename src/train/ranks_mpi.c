/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks_mpi.c - ranks connected by MPI; see ranks.h.
 *
 * A sum: each rank gets one slice of everybody's numbers, adds it in the order of the ranks, and hands it to everybody.
 * A rank sends and receives twice the numbers, as in a ring, whatever the number of ranks; each sum is made in one
 * place, so that all get the same bits. (MPI_Allreduce promises neither an order nor equal bits.)
 */
#include "train/ranks_link.h"

#include "base/mem.h"

#include <mpi.h>
#include <string.h>
#include <time.h>

enum {
    PIECE = 1 << 20, /* numbers summed at a time */
    LOOKS = 1000,    /* for what comes at once; then a look now and then */
    NAP = 50000      /* nanoseconds between these */
};

struct ting_ranks_link {
    MPI_Comm comm;
    bool ours;                    /* MPI was started here */
    bool broken;                  /* a call failed: MPI cannot be ended in peace */
    ting_real *slices;            /* [a slice of everybody] */
    unsigned char *message;       /* [ranks x TING_RANKS_MESSAGE] */
    int *counts, *starts;         /* [ranks]: the slices of a piece */
    int *own_counts, *own_starts; /* [ranks]: what comes of one slice; the same block */
};

/* Failures after which the others cannot be reached. */
static ting_err check(ting_ranks_link *link, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code == MPI_SUCCESS)
        return TING_OK;
    link->broken = true;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        length = 0;
    return ting_fail(TING_ERR_IO, "the ranks of this training have lost each other: %.*s", length, text);
}

/* Until a request is done. MPI_Wait would look again and again on a full core: whoever has work can use it. */
static ting_err wait_for(ting_ranks_link *link, MPI_Request *request)
{
    ting_err err = TING_OK;
    int done = 0;
    for (int looks = 0; !done; looks++) {
        if (looks > LOOKS)
            nanosleep(&(struct timespec){0, NAP}, NULL);
        TRY(check(link, MPI_Test(request, &done, MPI_STATUS_IGNORE)));
    }
out:
    return err;
}

static ting_err start_mpi(ting_ranks_link *link)
{
    int begun = 0, ended = 0, level;
    MPI_Finalized(&ended);
    if (ended)
        return ting_fail(TING_ERR_UNSUPPORTED,
                         "under mpirun a process trains once: MPI has ended and cannot be started again");
    MPI_Initialized(&begun);
    link->ours = !begun;
    return begun ? TING_OK : check(link, MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level));
}

static ting_err connect_all(ting_ranks *ranks)
{
    ting_err err = TING_OK;
    ting_ranks_link *link = ranks->link;
    MPI_Comm here;
    TRY(check(link, MPI_Comm_dup(MPI_COMM_WORLD, &link->comm)));
    TRY(check(link, MPI_Comm_set_errhandler(link->comm, MPI_ERRORS_RETURN)));
    TRY(check(link, MPI_Comm_rank(link->comm, &ranks->rank)));
    TRY(check(link, MPI_Comm_size(link->comm, &ranks->count)));
    TRY(check(link, MPI_Comm_split_type(link->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here)));
    TRY(check(link, MPI_Comm_size(here, &ranks->here)));
    TRY(check(link, MPI_Comm_free(&here)));
    const size_t count = (size_t)ranks->count;
    link->message = ting_alloc(count, TING_RANKS_MESSAGE);
    link->slices = ting_alloc(PIECE + count, sizeof *link->slices); /* slices are rounded up */
    link->counts = ting_alloc(4 * count, sizeof *link->counts);
    if (link->message == NULL || link->slices == NULL || link->counts == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    link->starts = link->counts + count;
    link->own_counts = link->starts + count;
    link->own_starts = link->own_counts + count;
out:
    return err;
}

ting_err ting_ranks_open(ting_ranks *ranks, bool launched)
{
    ting_err err = TING_OK;
    if (!launched)
        return TING_OK;
    ranks->link = ting_alloc(1, sizeof *ranks->link);
    if (ranks->link == NULL)
        return TING_ERR_MEMORY;
    ranks->link->comm = MPI_COMM_NULL;
    TRY(start_mpi(ranks->link));
    TRY(connect_all(ranks));
out:
    if (err != TING_OK) {
        ranks->link->broken = true; /* the others wait for this one until mpirun sees it go */
        ting_ranks_close(ranks);
    }
    return err;
}

void ting_ranks_close(ting_ranks *ranks)
{
    ting_ranks_link *link = ranks->link;
    if (!link->broken) {
        MPI_Comm_free(&link->comm);
        if (link->ours)
            MPI_Finalize();
    }
    ting_free(link->slices);
    ting_free(link->message);
    ting_free(link->counts);
    ting_free(link);
    *ranks = ting_ranks_alone;
}

ting_err ting_ranks_gather(const ting_ranks *ranks, const void *own, size_t bytes, const unsigned char **all)
{
    ting_err err = TING_OK;
    ting_ranks_link *link = ranks->link;
    MPI_Request request;
    *all = link->message;
    TRY(check(link, MPI_Iallgather(own, (int)bytes, MPI_BYTE, link->message, (int)bytes, MPI_BYTE, link->comm, &request)));
    err = wait_for(link, &request);
out:
    return err;
}

/* Up to PIECE numbers. */
static ting_err add_piece(const ting_ranks *ranks, ting_real *values, int count)
{
    ting_err err = TING_OK;
    ting_ranks_link *link = ranks->link;
    MPI_Request request;
    const MPI_Datatype type = sizeof *values == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
    const int each = (count + ranks->count - 1) / ranks->count;
    int *counts = link->counts, *starts = link->starts;
    for (int r = 0; r < ranks->count; r++) {
        starts[r] = r * each < count ? r * each : count;
        counts[r] = count - starts[r] < each ? count - starts[r] : each;
    }
    const int own = counts[ranks->rank];
    for (int r = 0; r < ranks->count; r++) {
        link->own_counts[r] = own;
        link->own_starts[r] = r * own;
    }
    TRY(check(link, MPI_Ialltoallv(values, counts, starts, type, link->slices, link->own_counts, link->own_starts, type,
                                   link->comm, &request)));
    TRY(wait_for(link, &request));
    ting_real *sums = values + starts[ranks->rank];
    memcpy(sums, link->slices, (size_t)own * sizeof *sums);
    for (int r = 1; r < ranks->count; r++)
        for (int i = 0; i < own; i++)
            sums[i] += link->slices[r * own + i];
    TRY(check(link, MPI_Iallgatherv(MPI_IN_PLACE, 0, type, values, counts, starts, type, link->comm, &request)));
    TRY(wait_for(link, &request));
out:
    return err;
}

ting_err ting_ranks_add(const ting_ranks *ranks, ting_real *values, size_t count)
{
    ting_err err = TING_OK;
    for (size_t at = 0; at < count; at += PIECE)
        TRY(add_piece(ranks, values + at, (int)(count - at < PIECE ? count - at : PIECE)));
out:
    return err;
}
