/* SPDX-License-Identifier: Apache-2.0 */
/* lattice.c - see lattice.h. alpha: all ways into a state; beta: all ways from it to the end. docs/derive/transducer.md */
#include "loss/lattice.h"

#include "base/logsum.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static void fill_alpha(const ting_lattice *l, double *alpha)
{
    const int width = l->labels + 1;
    for (int t = 0; t < l->frames; t++) {
        double *now = alpha + (size_t)t * (size_t)width;
        const double *label = l->label + (size_t)t * (size_t)width;
        for (int u = 0; u < width; u++) {
            double sum = t == 0 && u == 0 ? 0 : -INFINITY;
            if (t > 0)
                sum = ting_log_add(sum, now[u - width] + l->blank[(size_t)(t - 1) * (size_t)width + (size_t)u]);
            if (u > 0)
                sum = ting_log_add(sum, now[u - 1] + label[u - 1]);
            now[u] = sum;
        }
    }
}

static void fill_beta(const ting_lattice *l, double *beta)
{
    const int width = l->labels + 1;
    for (int t = l->frames - 1; t >= 0; t--) {
        double *now = beta + (size_t)t * (size_t)width;
        const double *blank = l->blank + (size_t)t * (size_t)width, *label = l->label + (size_t)t * (size_t)width;
        for (int u = width - 1; u >= 0; u--) {
            double sum = -INFINITY;
            if (t + 1 < l->frames)
                sum = now[u + width] + blank[u];
            else if (u == l->labels)
                sum = blank[u];
            if (u < l->labels)
                sum = ting_log_add(sum, now[u + 1] + label[u]);
            now[u] = sum;
        }
    }
}

/* exp, with nothing for what cannot be */
static double passage(double log_probability)
{
    return log_probability == -INFINITY ? 0 : exp(log_probability);
}

double ting_lattice_sum(const ting_lattice *l, double *scratch, double *blanks, double *labels)
{
    const int width = l->labels + 1;
    const size_t states = (size_t)l->frames * (size_t)width;
    double *alpha = scratch, *beta = scratch + states;
    fill_alpha(l, alpha);
    const double total = alpha[states - 1] + l->blank[states - 1];
    if (blanks == NULL || labels == NULL)
        return total;
    fill_beta(l, beta);
    for (int t = 0; t < l->frames; t++)
        for (int u = 0; u < width; u++) {
            const size_t at = (size_t)t * (size_t)width + (size_t)u;
            const double behind = t + 1 < l->frames ? beta[at + (size_t)width] : u == l->labels ? 0 : -INFINITY;
            const bool alive = total > -INFINITY;
            blanks[at] = alive ? passage(alpha[at] + l->blank[at] + behind - total) : 0;
            labels[at] = alive && u < l->labels ? passage(alpha[at] + l->label[at] + beta[at + 1] - total) : 0;
        }
    return total;
}
