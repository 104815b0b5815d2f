/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_gru.c - the way back of op_gru.c's cell. docs/derive/recurrence.md */
#include "nn/bwd/recurrence_back.h"
#include "nn/rec.h"

static void cell_back(const void *self, const ting_recurrent_row *at, ting_real *gh, ting_real *now, ting_real *of_x)
{
    const struct ting_rec_gru *rec = self;
    const int h = rec->of.y.cols;
    const ting_real *gate = rec->of.gates + (size_t)at->row * 3 * (size_t)h;
    const ting_real *inner = rec->inner + (size_t)at->row * (size_t)h;
    const ting_real *before = ting_recurrence_before(&rec->of, at->segment, at->step, rec->of.y.data, rec->of.y.ld, rec->of.h0);
    for (int u = 0; u < h; u++) {
        const ting_real r = gate[u], z = gate[h + u], n = gate[2 * h + u], g = gh[u];
        const ting_real g_n = g * (1 - z) * (1 - n * n);
        of_x[u] = now[u] = g_n * inner[u] * r * (1 - r);
        of_x[h + u] = now[h + u] = g * ((before == NULL ? 0 : before[u]) - n) * z * (1 - z);
        of_x[2 * h + u] = g_n;
        now[2 * h + u] = g_n * r;
        gh[u] = g * z;
    }
}

void ting_bwd_gru(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_gru *rec = saved;
    ting_recurrence_back(ctx, &rec->of, true, cell_back, rec);
}
