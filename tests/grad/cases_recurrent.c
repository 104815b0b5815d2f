/* SPDX-License-Identifier: Apache-2.0 */
/* cases_recurrent.c - cases of the recurrent ops: forward, reverse, without initial states. */
#include "grad/grad.h"

enum { FORWARD, REVERSE, FROM_ZERO, VARIANTS };

/* x and `states` initial states; the weights of `gates` gates. */
static void setup(ting_grad_problem *p, int gates, int states)
{
    const int rows = ting_grad_segments(p), k = ting_grad_between(p, 1, 5);
    const int h = p->large ? 160 / gates : ting_grad_between(p, 1, 4); /* a row of gates is work for a thread */
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, k);
    for (int i = 0; i < states; i++)
        ting_grad_add_input(p, TING_ROWS_OF_SEGMENTS, p->segments.count, h);
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){gates * h, k});
    ting_grad_add_param(p, TING_PARAM_MATRIX, 2, (int[]){gates * h, h});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){gates * h});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){gates * h});
}

static ting_recurrent_weights weights(const ting_grad_problem *p)
{
    return (ting_recurrent_weights){p->param[0], p->param[1], p->param[2], p->param[3]};
}

static ting_tensor start(const ting_grad_problem *p, int state)
{
    return p->variant == FROM_ZERO ? (ting_tensor){0} : p->input[1 + state].t;
}

static void rnn_setup(ting_grad_problem *p)
{
    setup(p, 1, 1);
}

static void rnn_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_recurrent_weights w = weights(p);
    p->output[0] = ting_rnn(ctx, p->input[0].t, p->segments, &w, p->variant == REVERSE, start(p, 0), &p->output[1]);
    p->outputs = 2;
}

const ting_grad_case ting_case_rnn = {VARIANTS, rnn_setup, rnn_forward};

static void lstm_setup(ting_grad_problem *p)
{
    setup(p, 4, 2);
}

static void lstm_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_recurrent_weights w = weights(p);
    p->output[0] = ting_lstm(ctx, p->input[0].t, p->segments, &w, p->variant == REVERSE, start(p, 0), start(p, 1),
                             &p->output[1], &p->output[2]);
    p->outputs = 3;
}

const ting_grad_case ting_case_lstm = {VARIANTS, lstm_setup, lstm_forward};

static void gru_setup(ting_grad_problem *p)
{
    setup(p, 3, 1);
}

static void gru_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_recurrent_weights w = weights(p);
    p->output[0] = ting_gru(ctx, p->input[0].t, p->segments, &w, p->variant == REVERSE, start(p, 0), &p->output[1]);
    p->outputs = 2;
}

const ting_grad_case ting_case_gru = {VARIANTS, gru_setup, gru_forward};
