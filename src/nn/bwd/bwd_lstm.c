/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_lstm.c - the way back of op_lstm.c's cell. docs/derive/recurrence.md */
#include "nn/bwd/recurrence_back.h"
#include "nn/gradient.h"
#include "nn/rec.h"

#include <tgmath.h>

struct back {
    const struct ting_rec_lstm *rec;
    ting_real *gc; /* [segments, h] in the order of the recurrence: gradients of c */
};

static void cell_back(const void *self, const ting_recurrent_row *at, ting_real *gh, ting_real *now, ting_real *of_x)
{
    const struct back *back = self;
    const struct ting_rec_lstm *rec = back->rec;
    const int h = rec->of.y.cols;
    const ting_real *gate = rec->of.gates + (size_t)at->row * 4 * (size_t)h;
    const ting_real *cell = rec->cell + (size_t)at->row * (size_t)h;
    const ting_real *before = ting_recurrence_before(&rec->of, at->segment, at->step, rec->cell, h, rec->c0);
    ting_real *gc = back->gc + (size_t)at->place * (size_t)h;
    (void)of_x;
    for (int u = 0; u < h; u++) {
        const ting_real i = gate[u], f = gate[h + u], g = gate[2 * h + u], o = gate[3 * h + u];
        const ting_real squashed = tanh(cell[u]);
        const ting_real g_c = gc[u] + gh[u] * o * (1 - squashed * squashed);
        now[u] = g_c * g * i * (1 - i);
        now[h + u] = before == NULL ? 0 : g_c * before[u] * f * (1 - f);
        now[2 * h + u] = g_c * i * (1 - g * g);
        now[3 * h + u] = gh[u] * squashed * o * (1 - o);
        gc[u] = g_c * f;
        gh[u] = 0;
    }
}

void ting_bwd_lstm(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_lstm *rec = saved;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct back back = {rec, ting_ctx_reals(ctx, (size_t)rec->of.segments.count * (size_t)rec->of.y.cols)};
    if (back.gc == NULL)
        return;
    ting_gradient_touch(ctx, rec->cn);
    ting_gradient_touch(ctx, rec->c0);
    ting_recurrence_load(&rec->of, rec->cn, back.gc);
    ting_recurrence_back(ctx, &rec->of, false, cell_back, &back);
    ting_recurrence_add(ctx, &rec->of, back.gc, rec->c0);
    ting_arena_rewind(ctx->arena, mark);
}
