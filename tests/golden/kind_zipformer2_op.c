/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_zipformer2_op.c - single modules of Zipformer2. The case's name says which (its beginning, since numbers and
 * variants follow), the settings and shapes say how large.
 *
 * Tensors there are (time, batch, channel); here a batch is ragged, so utterance b has the rows b T .. b T + T - 1.
 * Masks are applied by hand between the ops: this implementation has no padding, and its masks are spans.
 */
#include "golden/golden.h"

#include "model/zipformer_parts.h"
#include "nn/bwd/whitening.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- (time, batch, channel) ---- */

typedef struct batch {
    int time, count; /* frames of each utterance, utterances */
    ting_segments segments;
} batch;

static ting_tensor read_tbc(ting_golden *g, const char *name, batch *b)
{
    int time = ting_golden_dim(g, name, 0), count = ting_golden_dim(g, name, 1),
        cols = ting_golden_dim(g, name, 2);
    const ting_real *x = ting_golden_reals(g, name, NULL);
    ting_tape *tape = g->ctx.tape;
    g->ctx.tape = &g->tape; /* an input gets a gradient */
    ting_tensor t = ting_ctx_output(&g->ctx, time * count, cols);
    g->ctx.tape = tape;
    int *start = ting_ctx_ints(&g->ctx, count + 1);
    for (int i = 0; i <= count && start != NULL; i++)
        start[i] = i * time;
    for (int i = 0; i < time * count && t.data != NULL; i++)
        memcpy(ting_row(t, i % count * time + i / count), x + (size_t)i * (size_t)cols,
               (size_t)cols * sizeof *x);
    *b = (batch){time, count, {count, start}};
    return t;
}

static void compare_tbc(ting_golden *g, const char *name, const batch *b, const ting_real *got,
                        int cols, int ld)
{
    if (!ting_golden_has(g, name))
        return;
    for (int u = 0; u < b->count; u++)
        for (int t = 0; t < b->time; t++)
            ting_golden_compare(g, name, (size_t)(t * b->count + u) * (size_t)cols,
                                got + (size_t)(u * b->time + t) * (size_t)ld, (size_t)cols);
}

static void compare_rows(ting_golden *g, const char *name, const batch *b, ting_tensor y)
{
    if (g->ctx.err == TING_OK)
        compare_tbc(g, name, b, y.data, y.cols, y.ld);
}

static void compare_row_gradients(ting_golden *g, const char *name, const batch *b, ting_tensor x)
{
    if (g->ctx.err == TING_OK)
        compare_tbc(g, name, b, x.grad, x.cols, x.ld);
}

/* Puts an upstream gradient (time, batch, channel) on an output. */
static void pull(ting_golden *g, const char *name, ting_tensor y)
{
    batch b;
    ting_tensor up = read_tbc(g, name, &b);
    for (int r = 0; r < y.rows && g->ctx.err == TING_OK; r++)
        memcpy(ting_grad_row(y, r), ting_row(up, r), (size_t)y.cols * sizeof *y.grad);
}

/* Backward from out.y, whose gradient is in.g.y; compares grad.x and the parameters. */
static void finish(ting_golden *g, ting_params *params, const batch *b, ting_tensor x,
                   ting_tensor y)
{
    compare_rows(g, "out.y", b, y);
    if (!ting_golden_has(g, "in.g.y") || g->ctx.err != TING_OK)
        return;
    pull(g, "in.g.y", y);
    ting_tape_backward(&g->ctx, &g->tape);
    compare_row_gradients(g, "grad.x", b, x);
    if (params != NULL)
        ting_golden_compare_gradients(g, params);
}

static int setting(ting_golden *g, const char *name)
{
    return (int)ting_golden_int(g, name);
}

/* ---- modules ---- */

static ting_err bias_norm(ting_golden *g, ting_params *params)
{
    batch b;
    int n = setting(g, "num_channels");
    const ting_param *bias = ting_params_add(params, TING_PARAM_VALUES, 1, &n, "bias");
    const ting_param *scale = ting_params_add(params, TING_PARAM_VALUES, 0, NULL, "log_scale");
    ting_err err = ting_golden_load(g, params);
    ting_tensor x = read_tbc(g, "in.x", &b);
    if (err == TING_OK)
        finish(g, params, &b, x, ting_bias_norm(&g->ctx, x, bias, scale));
    return err;
}

static ting_err bypass(ting_golden *g, ting_params *params)
{
    batch b;
    int n = setting(g, "channels");
    const ting_param *scale = ting_params_add(params, TING_PARAM_VALUES, 1, &n, "bypass_scale");
    ting_err err = ting_golden_load(g, params);
    ting_tensor original = read_tbc(g, "in.src_orig", &b), x = read_tbc(g, "in.src", &b);
    if (err != TING_OK)
        return err;
    finish(g, params, &b, x, ting_bypass(&g->ctx, original, x, scale));
    compare_row_gradients(g, "grad.src", &b, x);
    compare_row_gradients(g, "grad.src_orig", &b, original);
    return TING_OK;
}

static ting_err swoosh(ting_golden *g, ting_act kind)
{
    static const char *const far[] = {"", "_far"};
    for (int i = 0; i < 2; i++) {
        char in[32], out[32], grad[32];
        size_t count;
        snprintf(in, sizeof in, "in.x%s", far[i]);
        snprintf(out, sizeof out, "out.y%s", far[i]);
        snprintf(grad, sizeof grad, "grad.x%s", far[i]);
        if (!ting_golden_has(g, in))
            continue;
        ting_real *x = ting_golden_reals(g, in, &count);
        ting_real *y = ting_ctx_reals(&g->ctx, count), *one = ting_ctx_reals(&g->ctx, count);
        ting_real *slope = ting_arena_take_zeroed(g->ctx.arena, count, sizeof *slope);
        for (size_t k = 0; k < count; k++)
            one[k] = 1;
        g->ctx.kern->act(kind, (int)count, x, y);
        g->ctx.kern->act_grad(kind, (int)count, x, one, slope);
        ting_golden_compare(g, out, 0, y, count);
        ting_golden_compare(g, grad, 0, slope, count);
    }
    return TING_OK;
}

/* out.pe_t<time>_l<left>: the names say which there are. */
static ting_err positions(ting_golden *g)
{
    enum { MOST = 512 };
    int dim = setting(g, "embed_dim");
    for (int time = 1; time <= MOST; time++)
        for (int left = 0; left <= MOST; left++) {
            char name[32];
            snprintf(name, sizeof name, "out.pe_t%d_l%d", time, left);
            if (!ting_golden_has(g, name))
                continue;
            size_t count = (size_t)(left + 2 * time - 1) * (size_t)dim;
            ting_real *table = ting_ctx_reals(&g->ctx, count);
            if (table == NULL)
                return g->ctx.err;
            ting_zipformer_positions(time, left, dim, ting_golden_real(g, "length_factor"), table);
            ting_golden_compare(g, name, 0, table, count);
        }
    return TING_OK;
}

static ting_err down_up(ting_golden *g, ting_params *params)
{
    batch b;
    int factor = setting(g, "downsample");
    const ting_param *bias = ting_params_add(params, TING_PARAM_VALUES, 1, &factor, "bias");
    ting_err err = ting_golden_load(g, params);
    if (err != TING_OK)
        return err;
    ting_tensor x = read_tbc(g, "in.x", &b);
    int *start = ting_ctx_ints(&g->ctx, b.count + 1), *up = ting_ctx_ints(&g->ctx, b.count + 1);
    ting_tensor down = ting_downsample(&g->ctx, x, b.segments, bias, factor, start);
    if (g->ctx.err != TING_OK)
        return g->ctx.err;
    for (int i = 0; i <= b.count; i++)
        up[i] = factor * start[i];
    ting_tensor again = ting_upsample(&g->ctx, down, (ting_segments){b.count, start}, factor,
                                      (ting_segments){b.count, up});
    batch slow = {start[1], b.count, {b.count, start}}, fast = {up[1], b.count, {b.count, up}};
    compare_rows(g, "out.down", &slow, down);
    compare_rows(g, "out.up", &fast, again);
    pull(g, "in.g.down", down);
    pull(g, "in.g.up", again);
    ting_tape_backward(&g->ctx, &g->tape);
    compare_row_gradients(g, "grad.x", &b, x);
    ting_golden_compare_gradients(g, params);
    return TING_OK;
}

/* One span an utterance over all of its frames. */
static ting_zip_run whole_run(ting_golden *g, const batch *b, int heads, int keys, int first_key)
{
    ting_span *spans = ting_arena_take_zeroed(g->ctx.arena, (size_t)b->count, sizeof *spans);
    ting_zip_run run = {.segments = b->segments,
                        .attention = {.spans = spans, .count = b->count, .heads = heads}};
    for (int u = 0; u < b->count && spans != NULL; u++)
        spans[u] = (ting_span){.q0 = u * b->time,
                               .q1 = (u + 1) * b->time,
                               .k0 = u * keys,
                               .k1 = (u + 1) * keys,
                               .first_key = first_key};
    return run;
}

static ting_err feedforward(ting_golden *g, ting_params *params)
{
    batch b;
    int hidden = setting(g, "feedforward_dim");
    ting_zip_module module =
        ting_zip_declare_module(params, hidden, hidden, setting(g, "embed_dim"), 1, "");
    ting_err err = ting_golden_load(g, params);
    ting_tensor x = read_tbc(g, "in.x", &b);
    ting_zip_run run = whole_run(g, &b, 1, b.time, 0);
    if (err == TING_OK)
        finish(g, params, &b, x, ting_zip_feedforward(&g->ctx, &module, &run, x));
    return err;
}

static ting_err convert_channels(ting_golden *g)
{
    batch b;
    ting_tensor x = read_tbc(g, "in.x", &b);
    ting_tensor down = ting_fit_cols(&g->ctx, x, setting(g, "num_channels_down"));
    ting_tensor up = ting_fit_cols(&g->ctx, x, setting(g, "num_channels_up"));
    compare_rows(g, "out.down", &b, down);
    compare_rows(g, "out.up", &b, up);
    pull(g, "in.g.down", down);
    pull(g, "in.g.up", up);
    ting_tape_backward(&g->ctx, &g->tape);
    compare_row_gradients(g, "grad.x", &b, x);
    return TING_OK;
}

static ting_err full_dim_output(ting_golden *g)
{
    batch b;
    ting_tensor stacks[TING_ZIPFORMER_MAX_STACKS];
    int count = ting_golden_list_length(g, "encoder_dim");
    if (count < 1 || count > TING_ZIPFORMER_MAX_STACKS)
        return ting_fail(TING_ERR_FORMAT, "%d stacks", count);
    char name[32];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "in.stack%d", i);
        stacks[i] = read_tbc(g, name, &b);
    }
    finish(g, NULL, &b, stacks[0], ting_zip_widest(&g->ctx, stacks, count));
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "grad.stack%d", i);
        compare_row_gradients(g, name, &b, stacks[i]);
    }
    return TING_OK;
}

/* ---- attention ---- */

/* (heads, batch, target, source) as attention weights, and back. */
static ting_tensor read_weights(ting_golden *g, const char *name, const ting_attention *a)
{
    int heads = ting_golden_dim(g, name, 0), count = ting_golden_dim(g, name, 1),
        time = ting_golden_dim(g, name, 2);
    int keys = ting_golden_dim(g, name, 3);
    const ting_real *x = ting_golden_reals(g, name, NULL);
    ting_tensor w = ting_ctx_output(&g->ctx, heads * count * time, keys);
    for (int h = 0; h < heads && w.data != NULL; h++)
        for (int u = 0; u < count; u++)
            for (int t = 0; t < time; t++)
                memcpy(ting_row(w, ting_attention_row(a, u, h, t)),
                       x + (size_t)((h * count + u) * time + t) * (size_t)keys,
                       (size_t)keys * sizeof *x);
    return w;
}

static void compare_weights(ting_golden *g, const char *name, const ting_attention *a,
                            const batch *b, const ting_real *got, int cols)
{
    for (int h = 0; h < a->heads && g->ctx.err == TING_OK; h++)
        for (int u = 0; u < b->count; u++)
            for (int t = 0; t < b->time; t++)
                ting_golden_compare(
                    g, name, (size_t)((h * b->count + u) * b->time + t) * (size_t)cols,
                    got + (size_t)ting_attention_row(a, u, h, t) * (size_t)cols, (size_t)cols);
}

static ting_err nonlin_attention(ting_golden *g, ting_params *params)
{
    batch b;
    int hidden = setting(g, "hidden_channels");
    ting_zip_module module =
        ting_zip_declare_module(params, 3 * hidden, hidden, setting(g, "channels"), 1, "");
    ting_err err = ting_golden_load(g, params);
    if (err != TING_OK)
        return err;
    ting_tensor x = read_tbc(g, "in.x", &b);
    ting_zip_run run = whole_run(g, &b, 1, b.time, 0);
    ting_tensor w = read_weights(g, "in.attn_weights", &run.attention);
    finish(g, params, &b, x, ting_zip_nonlin(&g->ctx, &module, &run, w, x));
    compare_weights(g, "grad.attn_weights", &run.attention, &b, w.grad, w.cols);
    return TING_OK;
}

static ting_err self_attention(ting_golden *g, ting_params *params)
{
    batch b;
    int heads = setting(g, "num_heads"), values = heads * setting(g, "value_head_dim");
    ting_zip_module module =
        ting_zip_declare_module(params, values, values, setting(g, "embed_dim"), 1, "");
    ting_err err = ting_golden_load(g, params);
    if (err != TING_OK)
        return err;
    ting_tensor x = read_tbc(g, "in.x", &b);
    ting_zip_run run = whole_run(g, &b, heads, b.time, 0);
    ting_tensor w = read_weights(g, "in.attn_weights", &run.attention);
    finish(g, params, &b, x, ting_zip_attend(&g->ctx, &module, &run, w, x, TING_ZIP_VAL1));
    compare_weights(g, "grad.attn_weights", &run.attention, &b, w.grad, w.cols);
    return TING_OK;
}

/* Masked scores become -1000, as the reference has it. */
static void mask_scores(ting_golden *g, const batch *b, const ting_attention *a, ting_tensor scores)
{
    int keys = scores.cols;
    const int *from_to =
        ting_golden_has(g, "in.attn_mask") ? ting_golden_ints(g, "in.attn_mask", NULL) : NULL;
    const int *padding = ting_golden_ints(g, "in.key_padding_mask", NULL);
    for (int h = 0; h < a->heads && g->ctx.err == TING_OK; h++)
        for (int u = 0; u < b->count; u++)
            for (int t = 0; t < b->time; t++)
                for (int k = 0; k < keys; k++)
                    if (padding[u * keys + k] != 0 ||
                        (from_to != NULL && from_to[t * keys + k] != 0))
                        ting_row(scores, ting_attention_row(a, u, h, t))[k] = -1000;
}

typedef struct weights_module {
    ting_linear_params in;
    const ting_param *pos;
    int heads, query;
} weights_module;

static weights_module declare_weights(ting_golden *g, ting_params *params)
{
    weights_module m = {.heads = setting(g, "num_heads"), .query = setting(g, "query_head_dim")};
    int pos = setting(g, "pos_head_dim");
    m.in = ting_linear_declare(params, m.heads * (2 * m.query + pos), setting(g, "embed_dim"), "", "in_proj");
    m.pos = ting_params_add(params, TING_PARAM_VALUES, 2,
                            (int[]){m.heads * pos, setting(g, "pos_dim")}, "linear_pos.weight");
    return m;
}

static ting_tensor read_positions(ting_golden *g)
{
    ting_tensor pos = ting_ctx_output(&g->ctx, ting_golden_dim(g, "in.pos_emb", 1),
                                      ting_golden_dim(g, "in.pos_emb", 2));
    if (pos.data != NULL)
        memcpy(pos.data, ting_golden_reals(g, "in.pos_emb", NULL),
               (size_t)pos.rows * (size_t)pos.cols * sizeof *pos.data);
    return pos;
}

static ting_err attention_weights(ting_golden *g, ting_params *params)
{
    batch b;
    weights_module m = declare_weights(g, params);
    ting_err err = ting_golden_load(g, params);
    if (err != TING_OK)
        return err;
    ting_ctx *ctx = &g->ctx;
    bool streaming = ting_golden_has(g, "in.cached_key");
    ting_tensor x = read_tbc(g, "in.x", &b), pos = read_positions(g);
    int keys = m.heads * m.query, left = streaming ? ting_golden_dim(g, "in.cached_key", 0) : 0;
    ting_tensor qkp = ting_linear_apply(ctx, x, m.in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return ctx->err;
    ting_tensor k = ting_cols(qkp, keys, keys);
    if (streaming) {
        batch cache;
        ting_tensor old = read_tbc(g, "in.cached_key", &cache);
        k = ting_concat_time(ctx, old, cache.segments, k, b.segments);
    }
    ting_zip_run run = whole_run(g, &b, m.heads, left + b.time, left);
    ting_tensor scores =
        ting_attn_scores(ctx, &run.attention, ting_cols(qkp, 0, keys), k,
                         ting_cols(qkp, 2 * keys, qkp.cols - 2 * keys),
                         ting_linear(ctx, pos, m.pos, NULL, TING_ACT_NONE), left + b.time - 1, 1);
    if (ting_golden_has(g, "out.w_nomask")) {
        ting_tensor open = ting_attn_softmax(ctx, &run.attention, scores);
        compare_weights(g, "out.w_nomask", &run.attention, &b, open.data, open.cols);
    }
    mask_scores(g, &b, &run.attention, scores);
    ting_tensor w = ting_attn_softmax(ctx, &run.attention, scores);
    compare_weights(g, "out.w", &run.attention, &b, w.data, w.cols);
    if (streaming) {
        batch cache = {left, b.count, {0}};
        ting_tensor last = ting_ctx_constant(ctx, left * b.count, keys);
        for (int i = 0; i < last.rows; i++)
            memcpy(ting_row(last, i), ting_row(k, i / left * (left + b.time) + b.time + i % left),
                   (size_t)keys * sizeof *last.data);
        compare_rows(g, "out.cached_key", &cache, last);
        return ctx->err;
    }
    ting_tensor up = read_weights(g, "in.g.w", &run.attention);
    memcpy(w.grad, up.data, (size_t)w.rows * (size_t)w.cols * sizeof *w.grad);
    ting_tape_backward(ctx, &g->tape);
    compare_row_gradients(g, "grad.x", &b, x);
    ting_golden_compare(g, "grad.pos_emb", 0, pos.grad, (size_t)pos.rows * (size_t)pos.cols);
    ting_golden_compare_gradients(g, params);
    return TING_OK;
}

/* ---- convolution ---- */

/* The module with padded rows zeroed before the depthwise convolution. */
static ting_tensor masked_convolution(ting_golden *g, const ting_zip_conv_module *m, const batch *b,
                                      int chunk, ting_tensor x)
{
    ting_ctx *ctx = &g->ctx;
    ting_tensor both = ting_linear_apply(ctx, x, m->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return both;
    int dim = both.cols / 2;
    ting_tensor y =
        ting_mul_act(ctx, TING_ACT_SIGMOID, ting_cols(both, 0, dim), ting_cols(both, dim, dim));
    const int *padding = ting_golden_ints(g, "in.padding_mask", NULL);
    ting_tensor keep = ting_ctx_constant(ctx, y.rows, y.cols);
    for (int r = 0; r < keep.rows; r++)
        for (int c = 0; c < keep.cols; c++)
            ting_row(keep, r)[c] = padding[r] == 0;
    y = ting_mul(ctx, y, keep);
    y = ting_chunk_conv(ctx, y, b->segments, chunk, &m->conv, (ting_tensor){0});
    y = ting_activate(ctx, TING_ACT_SWOOSH_R, y);
    return ting_linear_apply(ctx, y, m->out, TING_ACT_NONE);
}

/* Chunk after chunk with the cache between them, as a stream keeps it. */
static void streaming_convolution(ting_golden *g, const ting_zip_conv_module *m, const batch *b,
                                  int chunk, ting_tensor x)
{
    enum { MOST = 16 };
    ting_zipformer_state states[MOST];
    ting_zipformer_state *list[MOST];
    ting_real *caches[MOST][TING_ZIP_CACHES] = {{NULL}};
    int half = m->conv.chunk_w->shape[2] / 2, dim = x.cols,
        count = b->count < MOST ? b->count : MOST;
    const ting_real *cache = ting_golden_reals(g, "in.cache", NULL); /* [B, C, half] */
    ting_tensor all = ting_ctx_constant(&g->ctx, x.rows, m->out.weight->shape[0]);
    for (int u = 0; u < count; u++) {
        caches[u][TING_ZIP_CONV1] = ting_ctx_reals(&g->ctx, (size_t)half * (size_t)dim);
        for (int i = 0; i < half * dim && g->ctx.err == TING_OK; i++)
            caches[u][TING_ZIP_CONV1][i % half * dim + i / half] = cache[u * half * dim + i];
        states[u] = (ting_zipformer_state){.layer = &caches[u]};
        list[u] = &states[u];
    }
    for (int at = 0; at < b->time && g->ctx.err == TING_OK; at += chunk) {
        int *start = ting_ctx_ints(&g->ctx, count + 1);
        ting_tensor piece = ting_ctx_constant(&g->ctx, count * chunk, dim);
        for (int u = 0; u <= count; u++)
            start[u] = u * chunk;
        for (int r = 0; r < piece.rows; r++)
            memcpy(ting_row(piece, r), ting_row(x, r / chunk * b->time + at + r % chunk),
                   (size_t)dim * sizeof *x.data);
        ting_zip_run run = {.segments = {count, start}, .chunk = chunk, .states = list};
        ting_tensor y = ting_zip_convolve(&g->ctx, m, &run, piece, TING_ZIP_CONV1);
        for (int r = 0; r < y.rows; r++)
            memcpy(ting_row(all, r / chunk * b->time + at + r % chunk), ting_row(y, r),
                   (size_t)y.cols * sizeof *y.data);
    }
    compare_rows(g, "out.y", b, all);
    for (int u = 0; u < count && g->ctx.err == TING_OK; u++)
        for (int i = 0; i < half * dim; i++)
            ting_golden_compare(g, "out.cache", (size_t)(u * half * dim + i),
                                &caches[u][TING_ZIP_CONV1][i % half * dim + i / half], 1);
}

static ting_err convolution(ting_golden *g, ting_params *params)
{
    batch b;
    bool causal = ting_golden_bool(g, "causal");
    ting_zip_conv_module module = ting_zip_declare_conv(params, setting(g, "channels"),
                                                        setting(g, "kernel_size"), causal, "");
    ting_err err = ting_golden_load(g, params);
    if (err != TING_OK)
        return err;
    int chunk = causal && ting_golden_has_setting(g, "chunk_size") ? setting(g, "chunk_size") : 0;
    if (ting_golden_has(g, "in.cache")) {
        g->ctx.tape = NULL;
        streaming_convolution(g, &module, &b, chunk, read_tbc(g, "in.x", &b));
        return g->ctx.err;
    }
    ting_tensor x = read_tbc(g, "in.x", &b);
    finish(g, params, &b, x, masked_convolution(g, &module, &b, chunk, x));
    return TING_OK;
}

/* ---- balancer, whiten ---- */

/* 0.8139535143 atanh(2 p - 1) and 1.25331413732 x, the reference's constants. */
static double mean_limit(double share)
{
    double x = 2 * share - 1;
    return 0.8139535143 * 0.5 * log((1 + x) / (1 - x));
}

/* channel_dim 1: (batch, channel, time), turned into rows and back. */
static ting_err balancer(ting_golden *g)
{
    int last = setting(g, "channel_dim") != 1, d0 = ting_golden_dim(g, "in.x", 0),
        d1 = ting_golden_dim(g, "in.x", 1);
    int d2 = ting_golden_dim(g, "in.x", 2), channels = last ? d2 : d1, count = d0 * d1 * d2;
    const ting_balancer_limits limits = {
        (ting_real)mean_limit(ting_golden_real(g, "min_positive")),
        (ting_real)mean_limit(ting_golden_real(g, "max_positive")),
        (ting_real)(1.25331413732 * ting_golden_real(g, "min_abs")),
        (ting_real)(1.25331413732 * ting_golden_real(g, "max_abs")),
        (ting_real)ting_golden_real(g, "grad_scale")};
    const ting_real *x = ting_golden_reals(g, "in.x", NULL),
                    *up = ting_golden_reals(g, "in.g.y", NULL);
    ting_tensor rows = ting_ctx_output(&g->ctx, count / channels, channels);
    g->ctx.training = true;
    int *row = ting_ctx_ints(&g->ctx, count), *col = ting_ctx_ints(&g->ctx, count);
    for (int i = 0; i < count && g->ctx.err == TING_OK; i++) {
        row[i] = last ? i / d2 : i / (d1 * d2) * d2 + i % d2;
        col[i] = last ? i % d2 : i / d2 % d1;
        ting_row(rows, row[i])[col[i]] = x[i];
    }
    ting_tensor y = ting_balancer(&g->ctx, rows, &limits);
    for (int i = 0; i < count && g->ctx.err == TING_OK; i++)
        ting_grad_row(y, row[i])[col[i]] = up[i];
    ting_tape_backward(&g->ctx, &g->tape);
    for (int i = 0; i < count && g->ctx.err == TING_OK; i++) {
        ting_golden_compare(g, "out.y", (size_t)i, &ting_row(y, row[i])[col[i]], 1);
        ting_golden_compare(g, "grad.x", (size_t)i, &ting_grad_row(rows, row[i])[col[i]], 1);
    }
    return TING_OK;
}

static ting_err whiten(ting_golden *g)
{
    batch b;
    int groups = setting(g, "num_groups");
    g->ctx.training = true;
    ting_tensor x = read_tbc(g, "in.x", &b);
    ting_real metric = (ting_real)ting_whitening_metric(&g->ctx, x, groups);
    if (ting_golden_has(g, "out.metric"))
        ting_golden_compare(g, "out.metric", 0, &metric, 1);
    ting_tensor y =
        ting_whiten(&g->ctx, x, groups, (ting_real)ting_golden_real(g, "whitening_limit"),
                    (ting_real)ting_golden_real(g, "grad_scale"));
    finish(g, NULL, &b, x, y);
    return TING_OK;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

ting_err ting_golden_zipformer2_op(ting_golden *g)
{
    const char *name = g->case_name;
    ting_err err = TING_OK;
    ting_params *params = ting_params_new();
    if (params == NULL)
        return TING_ERR_MEMORY;
    g->ctx.tape = &g->tape;
    if (begins(name, "biasnorm"))
        err = bias_norm(g, params);
    else if (begins(name, "bypass"))
        err = bypass(g, params);
    else if (begins(name, "swooshl"))
        err = swoosh(g, TING_ACT_SWOOSH_L);
    else if (begins(name, "swooshr"))
        err = swoosh(g, TING_ACT_SWOOSH_R);
    else if (begins(name, "compact-relpos"))
        err = positions(g);
    else if (begins(name, "down-up"))
        err = down_up(g, params);
    else if (begins(name, "feedforward"))
        err = feedforward(g, params);
    else if (begins(name, "convert-channels"))
        err = convert_channels(g);
    else if (begins(name, "full-dim-output"))
        err = full_dim_output(g);
    else if (begins(name, "nonlin-attention"))
        err = nonlin_attention(g, params);
    else if (begins(name, "self-attention"))
        err = self_attention(g, params);
    else if (begins(name, "attn-weights"))
        err = attention_weights(g, params);
    else if (begins(name, "conv-module"))
        err = convolution(g, params);
    else if (begins(name, "balancer"))
        err = balancer(g);
    else if (begins(name, "whiten"))
        err = whiten(g);
    else
        ting_golden_not_built(g);
    if (err == TING_OK)
        err = g->ctx.err;
    ting_params_free(params);
    return err;
}
