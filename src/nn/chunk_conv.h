/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk_conv.h - what chunk_conv and its backward share: chunks cut into pieces of consecutive rows, so that blocks of
 * rows can be worked on at once, rows with zeros around them, and the factors near the borders of a chunk.
 */
#ifndef TING_NN_CHUNK_CONV_H
#define TING_NN_CHUNK_CONV_H

#include "nn/op.h"

/* Rows first .. first + rows - 1 of x, all in one chunk. */
typedef struct ting_chunk_piece {
    int first, rows;
    int segment;
    int chunk, present; /* the chunk's first row, and how many rows it has: the last of a segment may be cut short */
    int length;         /* of a full chunk */
} ting_chunk_piece;

/* The piece that begins at row `first` and ends with its chunk or before row `end`. chunk <= 0, or longer than the
 * segment: the whole segment is one. */
ting_chunk_piece ting_chunk_piece_at(ting_segments segments, int chunk, int first, int end);

/* What a row counts when rows are cut into blocks: less than it costs, so that blocks are long beside the rows around a
 * piece, which are copied or cleared for it. */
static inline int ting_chunk_row_cost(int cols)
{
    return (cols + 3) / 4;
}

/* Rows of the longest chunk. */
int ting_chunk_longest(ting_segments segments, int chunk);

/* Rows first .. first + rows - 1 of values [., cols] with the leading dimension *ld, where those outside of
 * low .. high - 1 are zeros: the rows themselves when all are inside, else a copy in room [rows, cols], and *ld
 * becomes cols. */
const ting_real *ting_chunk_window(const ting_real *values, int cols, int *ld, int first, int rows, int low, int high,
                                   ting_real *room);

/* The edge scales turned to [places, C] each: the first of the left edge, the last of the right one. No places: none. */
typedef struct ting_chunk_edges {
    const ting_real *left, *right;
    int places;
} ting_chunk_edges;

/* Turns edge_scale [2, C, taps] (NULL: none) into the arena, as many places as a chunk of `longest` rows reaches. */
ting_chunk_edges ting_chunk_edges_turn(ting_ctx *ctx, const ting_param *edge_scale, int longest);

/* The places whose scales are added to 1 at row i of a chunk of `length` rows; below 0: none. */
static inline int ting_chunk_left_place(const ting_chunk_edges *edges, int i)
{
    return i < edges->places ? i : -1;
}

static inline int ting_chunk_right_place(const ting_chunk_edges *edges, int i, int length)
{
    return edges->places == 0 ? -1 : i - (length - edges->places);
}

/* y += (1 + edges at row i of a chunk of `length` rows) x; all [C] */
void ting_chunk_edges_apply(const ting_chunk_edges *edges, const ting_kern *kern, int i, int length, int channels,
                            const ting_real *x, ting_real *y);

#endif
