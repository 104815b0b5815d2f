/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_init.c - see p2h_init.h. */
#include "train/p2h_init.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static double deviation(const ting_param *p, int width, int layers)
{
    if (p->dims < 2 || has(p->name, "pairs.") || has(p->name, "triples."))
        return 0;
    if (has(p->name, "embedding.weight") || strcmp(p->name, "final_layer.weight") == 0 ||
        strcmp(p->name, "output.weight") == 0)
        return 1 / sqrt((double)width);
    double outputs = p->shape[0], inputs = (double)p->t.cols;
    double wide = sqrt(2 / (inputs + outputs));
    if (has(p->name, ".dense.") || has(p->name, "ffn.1."))
        wide /= sqrt(2.0 * layers);
    return wide;
}

void ting_p2h_init(ting_params *params, int width, int layers, uint64_t seed)
{
    for (int i = 0; i < ting_params_count(params); i++) {
        ting_param *p = ting_params_at(params, i);
        ting_rng rng = ting_rng_for(seed, TING_RNG_START, (uint64_t)i, 0);
        double wide = deviation(p, width, layers);
        bool gain = p->dims == 1 && has(p->name, "norm") && has(p->name, ".weight");
        size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
        for (size_t k = 0; k < count; k++)
            p->t.data[k] = wide > 0 ? (ting_real)(wide * ting_rng_normal(&rng)) : gain ? 1 : 0;
    }
}
