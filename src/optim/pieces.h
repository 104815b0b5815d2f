/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.h - the elements of all trainable parameters, cut into runs of one parameter each, which threads share out. */
#ifndef TING_OPTIM_PIECES_H
#define TING_OPTIM_PIECES_H

#include "nn/param.h"

enum { TING_PIECE = 16384 }; /* elements of a piece, at most */

typedef struct ting_piece {
    size_t first; /* element of the flat memory */
    int count, param;
} ting_piece;

/* In the order of the parameters. Returns their number; with `out` NULL only counts them. */
int ting_pieces_cut(ting_params *params, ting_piece *out);

#endif
