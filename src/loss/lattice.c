/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lattice.c - see lattice.h. alpha: all ways into a state; beta: all ways from it to the end. docs/derive/transducer.md
 */
#include "loss/lattice.h"

static const double LEAST_PASSAGE =
    1e-20; /* less changes no gradient, and makes denormal numbers in products with it */

static int first_of(const ting_lattice *l, int t)
{
    return l->first != NULL ? l->first[t] : 0;
}

size_t ting_lattice_scratch(const ting_lattice *l)
{
    return ((size_t)l->frames + 2) * (size_t)l->width;
}

/* alpha of frame t from that of the frame before; `before` is NULL in the first. */
static void step_alpha(const ting_lattice *l, int t, const ting_wide *before, ting_wide *now)
{
    const ting_wide *label = l->label + (size_t)t * (size_t)l->width;
    const ting_wide *blank = before != NULL ? l->blank + (size_t)(t - 1) * (size_t)l->width : NULL;
    const int up = first_of(l, t) - (before != NULL ? first_of(l, t - 1) : 0);
    ting_wide below = TING_WIDE_ZERO; /* what the label of the state below brings */
    for (int k = 0; k < l->width; k++) {
        const int from = k + up;
        ting_wide sum = below;
        if (before == NULL)
            sum = from == 0 ? TING_WIDE_ONE : below;
        else if (from >= 0 && from < l->width)
            sum = ting_wide_add(below, ting_wide_mul(before[from], blank[from]));
        now[k] = sum;
        below = ting_wide_mul(sum, label[k]);
    }
}

/* beta of state (t, k) behind its blank; `after` is beta of the next frame, NULL in the last. */
static ting_wide behind_blank(const ting_lattice *l, int t, int k, const ting_wide *after)
{
    const int u = first_of(l, t) + k;
    if (after == NULL)
        return u == l->labels ? TING_WIDE_ONE : TING_WIDE_ZERO;
    const int to = u - first_of(l, t + 1);
    return to >= 0 && to < l->width ? after[to] : TING_WIDE_ZERO;
}

static ting_real passage(ting_wide w)
{
    const double share = ting_wide_share(w);
    return share < LEAST_PASSAGE ? 0 : (ting_real)share;
}

/* beta of frame t, and the passages of its arcs: alpha [width] and 1 / P are given. */
static void step_beta(const ting_lattice *l, int t, const ting_wide *after, ting_wide *now, const ting_wide *alpha,
                      ting_wide inverse, ting_real *blanks, ting_real *labels)
{
    const size_t row = (size_t)t * (size_t)l->width;
    ting_wide above = TING_WIDE_ZERO; /* beta of the state that the label leads to */
    for (int k = l->width - 1; k >= 0; k--) {
        const ting_wide blank = ting_wide_mul(l->blank[row + (size_t)k], behind_blank(l, t, k, after));
        const ting_wide label = k + 1 < l->width ? ting_wide_mul(l->label[row + (size_t)k], above) : TING_WIDE_ZERO;
        const ting_wide in = ting_wide_mul(alpha[k], inverse);
        above = now[k] = ting_wide_add(blank, label);
        blanks[row + (size_t)k] = passage(ting_wide_mul(in, blank));
        labels[row + (size_t)k] = passage(ting_wide_mul(in, label));
    }
}

double ting_lattice_sum(const ting_lattice *l, ting_wide *scratch, ting_real *blanks, ting_real *labels)
{
    const size_t width = (size_t)l->width, size = (size_t)l->frames * width;
    const int end = l->labels - first_of(l, l->frames - 1); /* place of the last state in its frame */
    ting_wide *alpha = scratch, *after = scratch + size, *now = after + width;
    for (int t = 0; t < l->frames; t++)
        step_alpha(l, t, t > 0 ? alpha + (size_t)(t - 1) * width : NULL, alpha + (size_t)t * width);
    ting_wide total = TING_WIDE_ZERO;
    if (end < l->width)
        total = ting_wide_mul(alpha[size - width + (size_t)end], l->blank[size - width + (size_t)end]);
    if (blanks == NULL || labels == NULL)
        return ting_wide_log(total);
    const ting_wide inverse = total.m == 0 ? TING_WIDE_ZERO : ting_wide_inverse(total);
    for (int t = l->frames - 1; t >= 0; t--) {
        step_beta(l, t, t + 1 < l->frames ? after : NULL, now, alpha + (size_t)t * width, inverse, blanks, labels);
        ting_wide *swap = after;
        after = now;
        now = swap;
    }
    return ting_wide_log(total);
}
