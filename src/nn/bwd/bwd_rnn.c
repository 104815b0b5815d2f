/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_rnn.c - the way back of op_rnn.c's cell. docs/derive/recurrence.md */
#include "nn/bwd/recurrence_back.h"
#include "nn/rec.h"

static void cell_back(const void *self, const ting_recurrent_row *at, ting_real *gh, ting_real *now, ting_real *of_x)
{
    const struct ting_rec_rnn *rec = self;
    const ting_real *y = ting_row(rec->of.y, at->row);
    (void)of_x;
    for (int u = 0; u < rec->of.y.cols; u++) {
        now[u] = gh[u] * (1 - y[u] * y[u]);
        gh[u] = 0;
    }
}

void ting_bwd_rnn(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_rnn *rec = saved;
    ting_recurrence_back(ctx, &rec->of, false, cell_back, rec);
}
