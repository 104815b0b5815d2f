/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c - see prune.h. */
#include "loss/prune.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Where the window of `width` of the `states` begins that sees the most passages; of equal ones the first. */
static int best_window(const ting_real *blanks, const ting_real *labels, int states, int width)
{
    double sum = 0;
    for (int u = 0; u < width; u++)
        sum += (double)blanks[u] + (double)labels[u];
    double best = sum;
    int at = 0;
    for (int u = width; u < states; u++) {
        sum += (double)blanks[u] + (double)labels[u];
        sum -= (double)blanks[u - width] + (double)labels[u - width];
        if (sum > best) {
            best = sum;
            at = u - width + 1;
        }
    }
    return at;
}

/*
 * From the last frame to the first: not above the window after it, and not so far below that states between them would
 * be lost. Then what the way up from state 0 allows: both bounds rise with t by at most width - 1, so the least of them
 * keeps the laws; the width was chosen such that the last window is within them.
 */
static void keep_laws(int frames, int width, int *first)
{
    for (int t = frames - 2; t >= 0; t--)
        first[t] = most(least(first[t], first[t + 1]), first[t + 1] - (width - 1));
    for (int t = 0; t < frames && first[t] > t * (width - 1); t++)
        first[t] = t * (width - 1);
}

void ting_prune_ranges(const ting_transducer_targets *targets, const ting_arcs *arcs, int range, int *first, int *width)
{
    const ting_real *blanks = arcs->blanks, *labels = arcs->labels;
    for (int s = 0; s < targets->frames.count; s++) {
        const int from = targets->frames.start[s], frames = targets->frames.start[s + 1] - from;
        const int states = targets->labels.start[s + 1] - targets->labels.start[s] + 1;
        const int needed = frames > 0 ? (states - 1 + frames - 1) / frames + 1 : 1;
        width[s] = least(most(range, needed), states);
        for (int t = 0; t < frames; t++, blanks += states, labels += states)
            first[from + t] = t + 1 < frames ? best_window(blanks, labels, states, width[s]) : states - width[s];
        keep_laws(frames, width[s], first + from);
    }
}
