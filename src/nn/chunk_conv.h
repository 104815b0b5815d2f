/* SPDX-License-Identifier: Apache-2.0 */
/* chunk_conv.h - what chunk_conv and its backward share. */
#ifndef TING_NN_CHUNK_CONV_H
#define TING_NN_CHUNK_CONV_H

#include "nn/op.h"

/* The factor of the within-chunk part at each position of a chunk: scale [chunk, C] = 1 + edges. */
void ting_chunk_conv_edges(const ting_chunk_conv_weights *weights, int chunk, ting_real *scale);

#endif
