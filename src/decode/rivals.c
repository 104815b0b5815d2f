/* SPDX-License-Identifier: Apache-2.0 */
/* rivals.c - see rivals.h. */
#include "decode/rivals.h"

#include <math.h>

void ting_rivals_note(const ting_real *log_probs, int vocab, int blank, int emitted, ting_rival out[TING_RIVALS])
{
    for (int i = 0; i < TING_RIVALS; i++)
        out[i] = (ting_rival){-1, -INFINITY};
    for (int token = 0; token < vocab; token++) {
        const double log_prob = (double)log_probs[token];
        if (token == emitted || token == blank || log_prob <= out[TING_RIVALS - 1].log_prob)
            continue;
        int at = TING_RIVALS - 1;
        for (; at > 0 && out[at - 1].log_prob < log_prob; at--)
            out[at] = out[at - 1];
        out[at] = (ting_rival){token, log_prob};
    }
}

int ting_greatest(const ting_real *scores, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}
