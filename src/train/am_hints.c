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
    char stack[64]; /* the name of the next one */
    snprintf(stack, sizeof stack, "encoder.encoders.%d", hints->count - 1);
    if (hints->count < TING_MOST_HINTS && strcmp(name, hints->count == 0 ? "encoder_embed" : stack) == 0)
        hints->value[hints->count++] = value;
}

ting_tap ting_am_hints_tap(ting_am_hints *hints)
{
    hints->count = 0;
    return (ting_tap){see, hints};
}

int ting_am_hints_of(const ting_encoder_config *encoder, int *dims)
{
    const ting_zipformer_config *z = &encoder->zipformer;
    if (encoder->kind != TING_ENCODER_ZIPFORMER)
        return 0;
    for (int i = 0; i <= z->stacks; i++)
        dims[i] = z->stack[i == 0 ? 0 : i - 1].dim;
    return z->stacks + 1;
}

/* The standard deviation of each column over the rows; columns that hardly move count as a tenth of what columns do. */
static ting_real *deviations(ting_ctx *ctx, ting_tensor x)
{
    const double least = 0.1;
    double total = 0;
    ting_real *out = ting_ctx_reals(ctx, (size_t)x.cols);
    for (int c = 0; c < x.cols && out != NULL; c++) {
        double sum = 0, squares = 0;
        for (int r = 0; r < x.rows; r++)
            sum += (double)ting_row(x, r)[c];
        for (int r = 0; r < x.rows; r++)
            squares += pow((double)ting_row(x, r)[c] - sum / x.rows, 2);
        out[c] = (ting_real)sqrt(squares / x.rows);
        total += squares / x.rows / x.cols;
    }
    const ting_real floor = total > 0 ? (ting_real)(least * sqrt(total)) : 1;
    for (int c = 0; c < x.cols && out != NULL; c++)
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
        ting_tensor loss =
            ting_regression_loss(ctx, mapped, to, &(ting_regression_options){.scale = deviations(ctx, to)});
        loss = ting_scale(ctx, loss, (ting_real)(units / to.rows / own->count));
        sum = i == 0 ? loss : ting_add(ctx, sum, loss);
    }
    return sum;
}
