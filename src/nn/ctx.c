/* SPDX-License-Identifier: Apache-2.0 */
/* ctx.c - the sticky error, outputs in the arena, the tap; see ctx.h. */
#include "nn/ctx.h"

#include "base/number.h"
#include "nn/gradient.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

void ting_ctx_fail(ting_ctx *ctx, ting_err code, const char *format, ...)
{
    if (ctx->err != TING_OK)
        return; /* the first sentence says the cause */
    char text[1024];
    va_list args;
    va_start(args, format);
    ting_number_vprint(text, sizeof text, format, args);
    va_end(args);
    ctx->err = ting_fail(code, "%s", text);
}

void ting_ctx_check(ting_ctx *ctx)
{
    if (ctx->err == TING_OK && ting_arena_failed(ctx->arena))
        ctx->err = TING_ERR_MEMORY; /* the allocator left its sentence */
}

/* Room for numbers, or NULL and the sticky error. */
static ting_real *take_from(ting_ctx *ctx, ting_arena *arena, size_t count)
{
    if (ctx->err != TING_OK)
        return NULL;
    ting_real *data = NULL;
    if (count <= SIZE_MAX / 4 / sizeof *data)
        data = ting_arena_take(arena, count * sizeof *data);
    else
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "%zu numbers exceed the address space", count);
    if (data == NULL && ctx->err == TING_OK)
        ctx->err = TING_ERR_MEMORY; /* the allocator left its sentence */
    return data;
}

static ting_real *take(ting_ctx *ctx, size_t count)
{
    return take_from(ctx, ctx->arena, count);
}

ting_tensor ting_ctx_constant(ting_ctx *ctx, int rows, int cols)
{
    if (rows < 0 || cols < 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "an output of [%d, %d]", rows, cols);
        return (ting_tensor){0};
    }
    ting_real *data = take(ctx, (size_t)rows * (size_t)cols);
    if (data == NULL)
        return (ting_tensor){0};
    return (ting_tensor){.data = data, .rows = rows, .cols = cols, .ld = cols};
}

/* Notes what backward finds as it was left. */
static void note(ting_ctx *ctx, ting_tensor x)
{
    ting_scope_room *piece = ting_arena_take_zeroed(ctx->arena, 1, sizeof *piece);
    ting_ctx_check(ctx);
    if (piece == NULL)
        return;
    *piece = (ting_scope_room){.whole = x, .before = ctx->pieces};
    ctx->pieces = piece;
}

void ting_ctx_gradient(ting_ctx *ctx, ting_tensor *x)
{
    const size_t count = (size_t)x->rows * (size_t)x->ld;
    x->grad = take_from(ctx, ctx->gradients != NULL ? ctx->gradients : ctx->arena, count);
    if (x->grad == NULL)
        return;
    if (ctx->scopes > 0)
        note(ctx, *x);
    else
        ting_gradient_zero(ctx, *x);
}

ting_tensor ting_ctx_alias(ting_ctx *ctx, ting_tensor x)
{
    if (ctx->tape == NULL || x.data == NULL)
        return x;
    ting_ctx_gradient(ctx, &x);
    return ctx->err == TING_OK ? x : (ting_tensor){0};
}

ting_tensor ting_ctx_output(ting_ctx *ctx, int rows, int cols)
{
    return ting_ctx_alias(ctx, ting_ctx_constant(ctx, rows, cols));
}

ting_real *ting_ctx_reals(ting_ctx *ctx, size_t count)
{
    return take(ctx, count);
}

int *ting_ctx_ints(ting_ctx *ctx, int count)
{
    if (ctx->err != TING_OK)
        return NULL;
    if (count < 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%d integers wanted", count);
        return NULL;
    }
    int *data = ting_arena_take(ctx->arena, (size_t)count * sizeof *data);
    ting_ctx_check(ctx);
    return data;
}

void ting_ctx_see(ting_ctx *ctx, ting_tensor value, const char *name_format, ...)
{
    if (ctx->tap == NULL || ctx->err != TING_OK)
        return;
    char name[256];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    ctx->tap->see(ctx->tap->self, name, value);
}
