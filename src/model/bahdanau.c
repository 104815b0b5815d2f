/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bahdanau.c - see bahdanau.h.
 *
 * The decoder is a loop over steps, each a few ops over the segments that are still running. With the segments in order of
 * falling length these are the first rows of the state, a slice; the rows of all steps are put into the batch's order at the end.
 */
#include "model/bahdanau.h"

#include "base/mem.h"
#include "model/recurrent_stack.h"
#include "nn/recurrence.h"

#include <math.h>
#include <string.h>

struct ting_bahdanau_net {
    ting_bahdanau_shape shape;
    const ting_param *source, *target; /* [syllables, width], [characters, width] */
    ting_recurrent_stack encoder;
    ting_linear_params init;           /* [hidden, hidden] */
    const ting_param *w, *u, *v;       /* [attention, hidden], [attention, 2 hidden], [1, attention] */
    ting_recurrent_weights decoder;
    ting_linear_params output;         /* [characters, 3 hidden + width] */
};

ting_err ting_bahdanau_shape_check(const ting_bahdanau_shape *s)
{
    const struct {
        const char *name;
        int value, high;
    } rules[] = {
        {"syllables", s->syllables, UINT16_MAX}, {"characters", s->characters, UINT16_MAX},
        {"width", s->width, 8192},               {"hidden", s->hidden, 8192},
        {"attention", s->attention, 8192},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].value < 1 || rules[i].value > rules[i].high)
            return ting_fail(TING_ERR_MODEL, "recurrent encoder-decoder: %s is %d, expected 1 to %d", rules[i].name,
                             rules[i].value, rules[i].high);
    return TING_OK;
}

static const ting_param *declare(ting_params *params, ting_param_role role, int rows, int cols, ting_init init, const char *name)
{
    return ting_param_init(ting_params_add(params, role, 2, (int[]){rows, cols}, "%s", name), init);
}

static ting_recurrent_weights declare_decoder(ting_params *params, int hidden, int inputs)
{
    const int wide = 3 * hidden;
    const ting_init start = ting_init_fan_in(hidden);
    return (ting_recurrent_weights){
        declare(params, TING_PARAM_MATRIX, wide, inputs, start, "decoder.weight_ih"),
        declare(params, TING_PARAM_MATRIX, wide, hidden, start, "decoder.weight_hh"),
        ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &wide, "decoder.bias_ih"), start),
        ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &wide, "decoder.bias_hh"), start)};
}

ting_bahdanau_net *ting_bahdanau_net_new(const ting_bahdanau_shape *shape, ting_params *params)
{
    ting_bahdanau_net *net = ting_alloc(1, sizeof *net);
    if (net == NULL)
        return NULL;
    const int width = shape->width, h = shape->hidden, a = shape->attention;
    const ting_recurrent_shape encoder = {.cell = TING_CELL_GRU, .sides = TING_SIDES_JOINED, .layers = 1, .inputs = width,
                                          .hidden = h};
    net->shape = *shape;
    net->source = declare(params, TING_PARAM_VALUES, shape->syllables, width, ting_init_normal(1), "src_emb.weight");
    ting_recurrent_stack_declare(&net->encoder, &encoder, params, "encoder.");
    net->init = ting_linear_declare(params, h, h, "", "init");
    net->w = declare(params, TING_PARAM_MATRIX, a, h, ting_init_fan_in(h), "attn_w.weight");
    net->u = declare(params, TING_PARAM_MATRIX, a, 2 * h, ting_init_fan_in(2 * h), "attn_u.weight");
    net->v = declare(params, TING_PARAM_VALUES, 1, a, ting_init_fan_in(a), "attn_v.weight");
    net->target = declare(params, TING_PARAM_VALUES, shape->characters, width, ting_init_normal(1), "tgt_emb.weight");
    net->decoder = declare_decoder(params, h, width + 2 * h);
    net->output = ting_linear_declare(params, shape->characters, 3 * h + width, "", "out");
    return net;
}

void ting_bahdanau_net_free(ting_bahdanau_net *net)
{
    ting_free(net);
}

const ting_bahdanau_shape *ting_bahdanau_net_shape(const ting_bahdanau_net *net)
{
    return &net->shape;
}

/* ids [count] -> [count, width]; the sticky error when one is outside of the table. */
static ting_tensor embed(ting_ctx *ctx, const ting_bahdanau_net *net, const ting_param *table, const int *ids, int count)
{
    for (int t = 0; ctx->err == TING_OK && t < count; t++)
        if (ids[t] < 0 || ids[t] >= table->t.rows)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "id %d, %s has %d rows", ids[t], table->name, table->t.rows);
    return ctx->err == TING_OK ? ting_dropout(ctx, ting_embedding(ctx, ids, count, table), net->shape.dropout) : (ting_tensor){0};
}

ting_tensor ting_bahdanau_encode(ting_ctx *ctx, const ting_bahdanau_net *net, const int *ids, ting_segments segments)
{
    ting_tensor x = embed(ctx, net, net->source, ids, segments.start[segments.count]);
    if (ctx->err != TING_OK)
        return x;
    x = ting_recurrent_stack_forward(ctx, &net->encoder, x, segments, NULL, NULL);
    ting_ctx_see(ctx, x, "memory");
    return x;
}

/* ---- the decoder ---- */

typedef struct loop {
    ting_tensor memory, keys;  /* [M, 2 hidden], U h: [M, attention] */
    ting_attention geometry;   /* a span of one query for each segment, longest first */
    ting_segments single;      /* a segment of one row for each */
    int steps;
    const int *order;          /* [segments]: longest first */
    int *first;                /* [steps + 1]: rows of the steps before */
    ting_tensor *state, *context; /* [steps]: s and c of the segments that are running */
} loop;

static void *take(ting_ctx *ctx, int count, size_t size)
{
    void *piece = ting_arena_take_zeroed(ctx->arena, (size_t)count + 1, size);
    ting_ctx_check(ctx);
    return piece;
}

/* Which segments run at which step, and what each looks at. */
static void plan(ting_ctx *ctx, ting_segments segments, ting_segments memory, const int *of_memory, loop *l)
{
    const int count = segments.count;
    int *order = take(ctx, count, sizeof *order), *single = take(ctx, count, sizeof *single);
    ting_span *spans = take(ctx, count, sizeof *spans);
    if (ctx->err != TING_OK)
        return;
    ting_segments_by_length(segments, order);
    l->order = order;
    l->steps = count == 0 ? 0 : ting_segment_length(segments, order[0]);
    for (int a = 0; a < count; a++) {
        const int m = of_memory == NULL ? order[a] : of_memory[order[a]];
        single[a + 1] = a + 1;
        spans[a] = (ting_span){.q0 = a, .q1 = a + 1, .k0 = memory.start[m], .k1 = memory.start[m + 1]};
        if (spans[a].k0 == spans[a].k1)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "segment %d looks at segment %d of the memory, which is empty", order[a], m);
    }
    l->geometry = (ting_attention){.spans = spans, .heads = 1};
    l->single.start = single;
    l->first = take(ctx, l->steps, sizeof *l->first);
    l->state = take(ctx, l->steps, sizeof *l->state);
    l->context = take(ctx, l->steps, sizeof *l->context);
    for (int t = 0, running = count; ctx->err == TING_OK && t < l->steps; t++) {
        while (ting_segment_length(segments, order[running - 1]) <= t)
            running--;
        l->first[t + 1] = l->first[t] + running;
    }
}

/* s_0 of all segments, longest first */
static ting_tensor first_state(ting_ctx *ctx, const ting_bahdanau_net *net, const loop *l, int count)
{
    const int h = net->shape.hidden;
    const ting_tensor backward = ting_cols(l->memory, h, h);
    ting_row_place *from = take(ctx, count, sizeof *from);
    for (int a = 0; from != NULL && a < count; a++)
        from[a].row = l->geometry.spans[a].k0;
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    return ting_linear_apply(ctx, ting_gather(ctx, &backward, 1, from, count), net->init, TING_ACT_TANH);
}

/* embedding [n, width], s [n, hidden] -> the new s; *context gets c. */
static ting_tensor one_step(ting_ctx *ctx, const ting_bahdanau_net *net, const loop *l, int t, ting_tensor embedding, ting_tensor s,
                            ting_tensor *context)
{
    ting_attention now = l->geometry;
    ting_segments single = l->single;
    single.count = now.count = s.rows;
    ting_tensor q = ting_linear(ctx, s, net->w, NULL, TING_ACT_NONE);
    ting_tensor weights = ting_attn_softmax_in_place(ctx, &now, ting_attn_additive(ctx, &now, q, l->keys, net->v));
    ting_ctx_see(ctx, weights, "attention.%d", t);
    *context = ting_attn_apply(ctx, &now, weights, l->memory, 1);
    ting_tensor x = ting_concat_cols(ctx, (ting_tensor[]){embedding, *context}, 2);
    return ting_gru(ctx, x, single, &net->decoder, false, s, NULL);
}

/* What was made step by step, in the order of the batch: [s; c; embedding]. */
static ting_tensor in_order(ting_ctx *ctx, const loop *l, ting_segments segments, ting_tensor embedding)
{
    const int rows = segments.start[segments.count];
    ting_row_place *of_step = take(ctx, rows, sizeof *of_step), *of_all = take(ctx, rows, sizeof *of_all);
    for (int t = 0; ctx->err == TING_OK && t < l->steps; t++)
        for (int a = 0; a < l->first[t + 1] - l->first[t]; a++) {
            const int row = segments.start[l->order[a]] + t;
            of_step[row] = (ting_row_place){t, a};
            of_all[row] = (ting_row_place){0, l->first[t] + a};
        }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const ting_tensor parts[3] = {ting_gather(ctx, l->state, l->steps, of_step, rows),
                                  ting_gather(ctx, l->context, l->steps, of_step, rows),
                                  ting_gather(ctx, &embedding, 1, of_all, rows)};
    return ctx->err == TING_OK ? ting_concat_cols(ctx, parts, 3) : (ting_tensor){0};
}

/* ids in the order of the steps, those of a step longest segment first */
static ting_tensor embed_steps(ting_ctx *ctx, const ting_bahdanau_net *net, const loop *l, const int *ids, ting_segments segments)
{
    const int rows = segments.start[segments.count];
    int *ordered = ting_ctx_ints(ctx, rows);
    for (int t = 0; ordered != NULL && t < l->steps; t++)
        for (int a = 0; a < l->first[t + 1] - l->first[t]; a++)
            ordered[l->first[t] + a] = ids[segments.start[l->order[a]] + t];
    return embed(ctx, net, net->target, ordered, rows);
}

ting_tensor ting_bahdanau_decode(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor memory, ting_segments memory_segments,
                                 const int *ids, ting_segments segments, const int *of_memory)
{
    if (segments.start[segments.count] == 0) /* no step, so that nothing says how wide its rows are */
        return ting_ctx_output(ctx, 0, 3 * net->shape.hidden + net->shape.width);
    loop l = {.memory = memory, .keys = ting_linear(ctx, memory, net->u, NULL, TING_ACT_NONE)};
    plan(ctx, segments, memory_segments, of_memory, &l);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_tensor embedding = embed_steps(ctx, net, &l, ids, segments);
    ting_tensor s = first_state(ctx, net, &l, segments.count);
    for (int t = 0; ctx->err == TING_OK && t < l.steps; t++) {
        const int running = l.first[t + 1] - l.first[t];
        s = one_step(ctx, net, &l, t, ting_rows(embedding, l.first[t], running), ting_rows(s, 0, running), &l.context[t]);
        l.state[t] = s;
    }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_tensor hidden = ting_dropout(ctx, in_order(ctx, &l, segments, embedding), net->shape.dropout);
    ting_ctx_see(ctx, hidden, "hidden");
    return hidden;
}

ting_tensor ting_bahdanau_logits(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor hidden)
{
    return ting_linear_apply(ctx, hidden, net->output, TING_ACT_NONE);
}

ting_linear_params ting_bahdanau_net_output(const ting_bahdanau_net *net)
{
    return net->output;
}
