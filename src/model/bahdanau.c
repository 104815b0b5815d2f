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

/* ---- step by step ---- */

struct ting_bahdanau_steps {
    const ting_bahdanau_net *net;
    int most, count, length;
    int *memory_start;              /* [segments + 1] */
    int *of_memory, *of_memory_new; /* [most] each hypothesis's segment */
    ting_real *memory, *keys;       /* [M, 2 hidden], [M, attention] */
    ting_real *state, *state_new;   /* [most, hidden] */
    int memory_rows;
};

void ting_bahdanau_steps_free(ting_bahdanau_steps *s)
{
    if (s == NULL)
        return;
    ting_free(s->memory_start);
    ting_free(s->of_memory);
    ting_free(s->of_memory_new);
    ting_free(s->memory);
    ting_free(s->keys);
    ting_free(s->state);
    ting_free(s->state_new);
    ting_free(s);
}

static ting_tensor rows_of(ting_real *data, int rows, int cols)
{
    return (ting_tensor){.data = data, .rows = rows, .cols = cols, .ld = cols};
}

static void copy_rows(ting_tensor from, ting_real *to)
{
    for (int r = 0; r < from.rows; r++)
        memcpy(to + (size_t)r * (size_t)from.cols, ting_row(from, r), (size_t)from.cols * sizeof *to);
}

/* What the hypotheses that are there look at: a span of one query each. */
static void look(ting_ctx *ctx, const ting_bahdanau_steps *s, loop *l)
{
    ting_span *spans = take(ctx, s->count, sizeof *spans);
    int *single = take(ctx, s->count, sizeof *single);
    if (ctx->err != TING_OK)
        return;
    for (int i = 0; i < s->count; i++) {
        const int m = s->of_memory[i];
        spans[i] = (ting_span){.q0 = i, .q1 = i + 1, .k0 = s->memory_start[m], .k1 = s->memory_start[m + 1]};
        single[i + 1] = i + 1;
    }
    *l = (loop){.memory = rows_of(s->memory, s->memory_rows, 2 * s->net->shape.hidden),
                .keys = rows_of(s->keys, s->memory_rows, s->net->shape.attention),
                .geometry = {.spans = spans, .heads = 1}, .single = {.start = single}};
}

static ting_err begin_steps(ting_ctx *ctx, ting_bahdanau_steps *s, ting_tensor memory)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    loop l = {0};
    copy_rows(memory, s->memory);
    const ting_tensor keys = ting_linear(ctx, memory, s->net->u, NULL, TING_ACT_NONE);
    TRY(ctx->err);
    copy_rows(keys, s->keys);
    look(ctx, s, &l);
    TRY(ctx->err);
    const ting_tensor state = first_state(ctx, s->net, &l, s->count);
    TRY(ctx->err);
    copy_rows(state, s->state);
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}

ting_err ting_bahdanau_steps_new(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor memory, ting_segments memory_segments, int most,
                                 ting_bahdanau_steps **out)
{
    ting_err err = TING_OK;
    const size_t rows = (size_t)memory.rows, h = (size_t)net->shape.hidden, count = (size_t)memory_segments.count;
    ting_bahdanau_steps *s = NULL;
    *out = NULL;
    TRY(ctx->err);
    if (memory_segments.count < 1 || most < memory_segments.count || most > 1 << 20)
        FAIL(TING_ERR_ARGUMENT, "decoder: %d hypotheses for %d utterances", most, memory_segments.count);
    s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    *s = (ting_bahdanau_steps){.net = net, .most = most, .count = memory_segments.count, .memory_rows = memory.rows,
                               .memory_start = ting_alloc(count + 1, sizeof(int)),
                               .of_memory = ting_alloc((size_t)most, sizeof(int)),
                               .of_memory_new = ting_alloc((size_t)most, sizeof(int)),
                               .memory = ting_alloc(rows * 2 * h, sizeof(ting_real)),
                               .keys = ting_alloc(rows * (size_t)net->shape.attention, sizeof(ting_real)),
                               .state = ting_alloc((size_t)most * h, sizeof(ting_real)),
                               .state_new = ting_alloc((size_t)most * h, sizeof(ting_real))};
    if (s->memory_start == NULL || s->of_memory == NULL || s->of_memory_new == NULL || s->memory == NULL || s->keys == NULL ||
        s->state == NULL || s->state_new == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for %d hypotheses", most);
    memcpy(s->memory_start, memory_segments.start, (count + 1) * sizeof *s->memory_start);
    for (int i = 0; i < s->count; i++) {
        s->of_memory[i] = i;
        if (s->memory_start[i] == s->memory_start[i + 1])
            FAIL(TING_ERR_INTERNAL, "segment %d of the memory is empty", i);
    }
    TRY(begin_steps(ctx, s, memory));
    *out = s;
    s = NULL;
out:
    ting_bahdanau_steps_free(s);
    return err;
}

/* Puts hypothesis parents[i] at place i. */
static void follow(ting_bahdanau_steps *s, const int *parents, int count)
{
    const size_t h = (size_t)s->net->shape.hidden;
    for (int i = 0; i < count; i++) {
        memcpy(s->state_new + (size_t)i * h, s->state + (size_t)parents[i] * h, h * sizeof *s->state);
        s->of_memory_new[i] = s->of_memory[parents[i]];
    }
    memcpy(s->state, s->state_new, (size_t)count * h * sizeof *s->state);
    memcpy(s->of_memory, s->of_memory_new, (size_t)count * sizeof *s->of_memory);
}

ting_tensor ting_bahdanau_step(ting_ctx *ctx, ting_bahdanau_steps *s, const int *ids, const int *parents, int count)
{
    const ting_tensor none = {0};
    ting_tensor context;
    loop l = {0};
    if (ctx->err == TING_OK && (count < 1 || count > s->most))
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "decoder: %d hypotheses, there is room for %d", count, s->most);
    for (int i = 0; i < count && ctx->err == TING_OK; i++) {
        const int parent = parents == NULL ? i : parents[i];
        if (parent < 0 || parent >= s->count)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "decoder: hypothesis %d of %d goes on", parent, s->count);
    }
    if (ctx->err != TING_OK)
        return none;
    if (parents != NULL)
        follow(s, parents, count);
    s->count = count;
    look(ctx, s, &l);
    const ting_tensor embedding = embed(ctx, s->net, s->net->target, ids, count);
    if (ctx->err != TING_OK)
        return none;
    const ting_tensor state = one_step(ctx, s->net, &l, s->length, embedding, rows_of(s->state, count, s->net->shape.hidden), &context);
    if (ctx->err != TING_OK)
        return none;
    s->length++;
    copy_rows(state, s->state);
    return ting_concat_cols(ctx, (const ting_tensor[]){state, context, embedding}, 3);
}

/* ---- the output ---- */

ting_linear_params ting_bahdanau_net_output(const ting_bahdanau_net *net)
{
    return net->output;
}
