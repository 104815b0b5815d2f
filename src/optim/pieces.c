/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c - see pieces.h. */
#include "optim/pieces.h"

int ting_pieces_cut(ting_params *params, ting_piece *out)
{
    int count = 0;
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *p = ting_params_at(params, i);
        const int elements = p->frozen ? 0 : p->t.rows * p->t.cols;
        for (int first = 0; first < elements; first += TING_PIECE, count++)
            if (out != NULL)
                out[count] = (ting_piece){.first = p->offset + (size_t)first,
                                          .count = elements - first < TING_PIECE ? elements - first : TING_PIECE,
                                          .param = i};
    }
    return count;
}
