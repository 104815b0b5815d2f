/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_scope.c - room for the gradients of a scope. docs/derive/scope.md, nn/scope.h */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"

void ting_bwd_scope(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scope *rec = saved;
    ting_gradient_touch(ctx, rec->y); /* of the scope around */
    ting_gradients_enter(ctx, rec->pieces, rec->around);
    ting_add_gradient(ctx, rec->y, rec->x); /* added: the output may be what the scope was given */
}
