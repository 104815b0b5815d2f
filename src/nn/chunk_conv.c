/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_conv.c - see chunk_conv.h. */
#include "nn/chunk_conv.h"

#include "nn/segment.h"

#include <string.h>

ting_chunk_piece ting_chunk_piece_at(ting_segments segments, int chunk, int first, int end)
{
    ting_chunk_piece p = {.first = first, .segment = ting_segment_of(segments, first)};
    const int start = segments.start[p.segment], rows = segments.start[p.segment + 1] - start;
    p.length = chunk <= 0 || chunk > rows ? rows : chunk;
    p.chunk = start + (first - start) / p.length * p.length;
    p.present = start + rows - p.chunk < p.length ? start + rows - p.chunk : p.length;
    p.rows = (p.chunk + p.present < end ? p.chunk + p.present : end) - first;
    return p;
}

int ting_chunk_longest(ting_segments segments, int chunk)
{
    int longest = 0;
    for (int s = 0; s < segments.count; s++) {
        int rows = segments.start[s + 1] - segments.start[s];
        rows = chunk > 0 && chunk < rows ? chunk : rows;
        longest = rows > longest ? rows : longest;
    }
    return longest;
}

const ting_real *ting_chunk_window(const ting_real *values, int cols, int *ld, int first, int rows, int low, int high,
                                   ting_real *room)
{
    const ptrdiff_t from = *ld;
    if (first >= low && first + rows <= high)
        return values + first * from;
    *ld = cols;
    for (int r = 0; r < rows; r++) {
        ting_real *to = room + (ptrdiff_t)r * cols;
        if (first + r >= low && first + r < high)
            memcpy(to, values + (first + r) * from, (size_t)cols * sizeof *to);
        else
            memset(to, 0, (size_t)cols * sizeof *to);
    }
    return room;
}

ting_chunk_edges ting_chunk_edges_turn(ting_ctx *ctx, const ting_param *edge_scale, int longest)
{
    ting_chunk_edges edges = {0};
    if (edge_scale == NULL)
        return edges;
    const int channels = edge_scale->shape[1], taps = edge_scale->shape[2];
    const int places = longest < taps ? longest : taps;
    const ting_real *left = edge_scale->t.data, *right = left + (size_t)channels * (size_t)taps + (taps - places);
    ting_real *turned = ting_ctx_reals(ctx, 2 * (size_t)places * (size_t)channels);
    if (turned == NULL)
        return edges;
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < places; i++) {
            turned[(ptrdiff_t)i * channels + c] = left[(ptrdiff_t)c * taps + i];
            turned[(ptrdiff_t)(places + i) * channels + c] = right[(ptrdiff_t)c * taps + i];
        }
    return (ting_chunk_edges){turned, turned + (size_t)places * (size_t)channels, places};
}

void ting_chunk_edges_apply(const ting_chunk_edges *edges, const ting_kern *kern, int i, int length, int channels,
                            const ting_real *x, ting_real *y)
{
    const int left = ting_chunk_left_place(edges, i), right = ting_chunk_right_place(edges, i, length);
    kern->add(channels, y, x, y);
    if (left >= 0)
        kern->muladd(channels, edges->left + (ptrdiff_t)left * channels, x, y);
    if (right >= 0)
        kern->muladd(channels, edges->right + (ptrdiff_t)right * channels, x, y);
}
