/* SPDX-License-Identifier: Apache-2.0 */
/* recurrent_stack.c - see recurrent_stack.h. */
#include "model/recurrent_stack.h"

#include <math.h>

static int directions(const ting_recurrent_shape *shape)
{
    return shape->sides == TING_SIDES_ONE ? 1 : 2;
}

int ting_recurrent_stack_states(const ting_recurrent_shape *shape)
{
    return shape->layers * directions(shape);
}

static int gates(ting_cell_kind cell)
{
    return cell == TING_CELL_LSTM ? 4 : cell == TING_CELL_GRU ? 3 : 1;
}

void ting_recurrent_stack_declare(ting_recurrent_stack *stack, const ting_recurrent_shape *shape, ting_params *params,
                                  const char *prefix)
{
    static const char *const suffix[2] = {"", "_reverse"};
    const int h = shape->hidden, wide = gates(shape->cell) * h, sides = directions(shape);
    const int above = shape->sides == TING_SIDES_JOINED ? 2 * h : h;
    const ting_init start = ting_init_uniform(1 / sqrt((double)h));
    stack->shape = *shape;
    for (int i = 0; i < ting_recurrent_stack_states(shape); i++) {
        const int layer = i / sides, k = layer == 0 ? shape->inputs : above;
        const char *end = suffix[i % sides];
        ting_param *w_ih = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){wide, k}, "%sweight_ih_l%d%s", prefix, layer, end);
        ting_param *w_hh = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){wide, h}, "%sweight_hh_l%d%s", prefix, layer, end);
        ting_param *b_ih = ting_params_add(params, TING_PARAM_VALUES, 1, &wide, "%sbias_ih_l%d%s", prefix, layer, end);
        ting_param *b_hh = ting_params_add(params, TING_PARAM_VALUES, 1, &wide, "%sbias_hh_l%d%s", prefix, layer, end);
        stack->weights[i] = (ting_recurrent_weights){ting_param_init(w_ih, start), ting_param_init(w_hh, start),
                                                     ting_param_init(b_ih, start), ting_param_init(b_hh, start)};
    }
}

static ting_tensor run_cell(ting_ctx *ctx, const ting_recurrent_stack *stack, int index, bool reverse, ting_tensor x,
                            ting_segments segments, ting_recurrent_state first, ting_recurrent_state *last)
{
    const ting_recurrent_weights *w = &stack->weights[index];
    switch (stack->shape.cell) {
    case TING_CELL_LSTM: return ting_lstm(ctx, x, segments, w, reverse, first.h, first.c, &last->h, &last->c);
    case TING_CELL_GRU: return ting_gru(ctx, x, segments, w, reverse, first.h, &last->h);
    case TING_CELL_RNN: break;
    }
    return ting_rnn(ctx, x, segments, w, reverse, first.h, &last->h);
}

ting_tensor ting_recurrent_stack_forward(ting_ctx *ctx, const ting_recurrent_stack *stack, ting_tensor x,
                                         ting_segments segments, const ting_recurrent_state *first,
                                         ting_recurrent_state *last)
{
    const ting_recurrent_shape *shape = &stack->shape;
    const int sides = directions(shape);
    ting_tensor in[2] = {x, x}, out[2] = {x, x}; /* of each direction */
    for (int layer = 0; layer < shape->layers; layer++) {
        for (int d = 0; d < sides; d++) {
            const int i = layer * sides + d;
            ting_recurrent_state end = {0};
            out[d] = run_cell(ctx, stack, i, d == 1, in[d], segments, first == NULL ? (ting_recurrent_state){0} : first[i], &end);
            if (last != NULL)
                last[i] = end;
        }
        if (layer + 1 == shape->layers)
            break;
        if (shape->sides == TING_SIDES_JOINED)
            in[0] = in[1] = ting_dropout(ctx, ting_concat_cols(ctx, out, 2), shape->dropout);
        else
            for (int d = 0; d < sides; d++)
                in[d] = ting_dropout(ctx, out[d], shape->dropout);
    }
    return sides == 2 ? ting_concat_cols(ctx, out, 2) : out[0];
}
