/* SPDX-License-Identifier: Apache-2.0 */
/* am_hints.c - see am_hints.h. */
#include "train/am_hints.h"

#include "loss/regression.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void see(void *self, const char *name, ting_tensor value)
{
    ting_am_hints *hints = self;
    const int stack = hints->count - (hints->inner ? 2 : 1);
    char next[64];
    if (stack >= 0)
        snprintf(next, sizeof next, "encoder.encoders.%d", stack);
    else
        snprintf(next, sizeof next, "encoder_embed%s", stack == -2 ? ".convnext" : "");
    if (hints->count < TING_MOST_HINTS && strcmp(name, next) == 0)
        hints->value[hints->count++] = value;
}

ting_tap ting_am_hints_tap(ting_am_hints *hints, bool inner)
{
    hints->count = 0;
    hints->inner = inner;
    return (ting_tap){see, hints};
}

int ting_am_hints_of(const ting_encoder_config *encoder, bool inner, int *dims)
{
    const ting_zipformer_config *z = &encoder->zipformer;
    int count = 0;
    if (encoder->kind != TING_ENCODER_ZIPFORMER)
        return 0;
    if (inner)
        dims[count++] = ting_zipformer_embed_columns(z);
    dims[count++] = z->stack[0].dim;
    for (int i = 0; i < z->stacks; i++)
        dims[count++] = z->stack[i].dim;
    return count;
}

/* The standard deviation of each column over the rows; columns that hardly move count as a tenth of what columns do. */
static ting_real *deviations(ting_ctx *ctx, ting_tensor x)
{
    const double least = 0.1;
    double *sum = ting_arena_take_zeroed(ctx->arena, 2 * (size_t)x.cols, sizeof *sum), total = 0;
    ting_real *out = ting_ctx_reals(ctx, (size_t)x.cols);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return NULL;
    double *squares = sum + x.cols;
    for (int r = 0; r < x.rows; r++)
        for (int c = 0; c < x.cols; c++) {
            const double value = (double)ting_row(x, r)[c];
            sum[c] += value;
            squares[c] += value * value;
        }
    for (int c = 0; c < x.cols; c++) {
        const double variance = fmax(squares[c] / x.rows - sum[c] / x.rows * sum[c] / x.rows, 0);
        out[c] = (ting_real)sqrt(variance);
        total += variance / x.cols;
    }
    const ting_real floor = total > 0 ? (ting_real)(least * sqrt(total)) : 1;
    for (int c = 0; c < x.cols; c++)
        out[c] = out[c] > floor ? out[c] : floor;
    return out;
}

ting_tensor ting_am_hints_loss(ting_ctx *ctx, const ting_am_hints *own, const ting_am_hints *taught,
                               const ting_linear_params *maps, double units)
{
    ting_tensor sum = {0};
    if (ctx->err == TING_OK && own->count != taught->count)
        ting_ctx_fail(ctx, TING_ERR_MODEL, "the teacher shows %d hints, the network %d", taught->count, own->count);
    for (int i = 0; i < own->count && ctx->err == TING_OK; i++) {
        const ting_tensor to = taught->value[i];
        ting_tensor mapped = own->value[i];
        if (maps[i].weight != NULL)
            mapped = ting_linear_apply(ctx, mapped, maps[i], TING_ACT_NONE);
        ting_tensor loss = ting_regression_loss(ctx, mapped, to, deviations(ctx, to));
        loss = ting_scale(ctx, loss, (ting_real)(units / to.rows / own->count));
        sum = i == 0 ? loss : ting_add(ctx, sum, loss);
    }
    return sum;
}
