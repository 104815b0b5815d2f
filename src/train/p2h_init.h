/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_init.h - first values of a pinyin-to-hanzi network's parameters.
 *
 * Norm gains 1, biases 0; embeddings N(0, 1 / width), so that sqrt(width) times them has variance 1; n-gram
 * tables 0, so that an n-gram never seen adds nothing; matrices N(0, 2 / (inputs + outputs)) (Glorot 2010), the
 * last one of each residual part divided by sqrt(2 layers) (Radford 2019).
 */
#ifndef TING_TRAIN_P2H_INIT_H
#define TING_TRAIN_P2H_INIT_H

#include "nn/param.h"

/* `layers` of the whole network. A function of the seed and the parameter's place in the registry. */
void ting_p2h_init(ting_params *params, int width, int layers, uint64_t seed);

#endif
