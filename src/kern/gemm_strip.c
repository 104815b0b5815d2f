/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_strip.c - see gemm_strip.h. */
#include "kern/gemm_strip.h"

#include "kern/gemm_kern.h"

int ting_gemm_strip_rows(const ting_packed *w)
{
    return w->kern->mr;
}

size_t ting_gemm_strip_bytes(const ting_packed *w, int k)
{
    return w->kern->a_bytes(k);
}

void ting_gemm_strip_pack(const ting_packed *w, int rows, int k, const ting_real *x, int ldx, unsigned char *strip)
{
    w->kern->pack_a(rows, k, x, ldx, 1, strip);
}

void ting_gemm_begin(const ting_packed *w)
{
    if (w->kern->enter != NULL)
        w->kern->enter();
}

void ting_gemm_end(const ting_packed *w)
{
    if (w->kern->leave != NULL)
        w->kern->leave();
}

void ting_gemm_strip(const ting_packed *w, const ting_gemm_part *part, int rows, const unsigned char *strip,
                     const ting_real *bias, int accumulate, ting_real *y, int ldy)
{
    const int nr = w->kern->nr;
    const size_t above = part->k0 == 0 ? 0 : w->kern->b_bytes(part->k0);
    const unsigned char *panel = w->data + (size_t)(part->n0 / nr) * w->panel_bytes + above;
    ting_gemm_out out = {.ldy = ldy, .alpha = 1, .act = TING_ACT_NONE, .accumulate = accumulate};
    for (int column = 0; column < part->n; column += nr, panel += w->panel_bytes) {
        out.y = y + column;
        out.bias = bias == NULL ? NULL : bias + column;
        w->kern->tile(rows, part->n - column < nr ? part->n - column : nr, part->k, strip, panel, &out);
    }
}

ting_packed *ting_gemm_room(const ting_gemm_run *run, ting_precision precision, int n, int k)
{
    const ting_gemm_kern *kern = ting_gemm_kern_of(run->kern, precision);
    const size_t panel_bytes = kern->b_bytes(k), bytes = (size_t)((n + kern->nr - 1) / kern->nr) * panel_bytes;
    ting_packed *packed = ting_arena_take(run->arena, sizeof *packed);
    unsigned char *data = ting_arena_take(run->arena, bytes);
    if (packed == NULL || data == NULL)
        return NULL;
    *packed = (ting_packed){kern, n, k, panel_bytes, bytes, data};
    return packed;
}

void ting_gemm_put(ting_packed *b, int k0, int rows, int n0, int cols, const ting_real *x, int ldx)
{
    const int nr = b->kern->nr;
    unsigned char *panel = b->data + (size_t)(n0 / nr) * b->panel_bytes + b->kern->b_bytes(k0);
    for (int column = 0; column < cols; column += nr, panel += b->panel_bytes)
        b->kern->pack_b(cols - column < nr ? cols - column : nr, rows, x + column, ldx, 1, panel);
}
