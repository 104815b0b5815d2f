/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_train.c - a training step of a Transformer encoder: forward, loss, backward, clipping, AdamW.
 *
 * About 4,000 tokens a step in sentences of about 25; six layers, four heads, feed-forward 4 d, 6,700 classes,
 * dropout 0.1, label smoothing 0.1. Prints a TSV line a case: name, threads, milliseconds a step (median), then
 * processor milliseconds a step, the same for the products alone, and the share of everything else in them. Processor
 * time is what to compare when other programs run beside.
 */
#include "base/arena.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loss/cross_entropy.h"
#include "model/transformer.h"
#include "nn/tape.h"
#include "optim/adamw.h"
#include "optim/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LAYERS = 6, HEADS = 4, CLASSES = 6700, SENTENCES = 160, STEPS = 7 };

typedef struct network {
    ting_params *params;
    const ting_param *table;
    ting_transformer_shape shape;
    ting_transformer_layer layer[LAYERS];
    ting_linear_params out;
} network;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, STEPS, sizeof *values, by_value);
    return values[STEPS / 2];
}

static void declare(network *net, int width)
{
    net->params = ting_params_new();
    net->shape = (ting_transformer_shape){.width = width, .heads = HEADS, .inner = 4 * width,
                                          .norm = TING_NORM_BEFORE, .act = TING_ACT_GELU,
                                          .eps = (ting_real)1e-5, .dropout = (ting_real)0.1};
    net->table = ting_params_add(net->params, TING_PARAM_VALUES, 2, (int[]){1500, width}, "table");
    for (int i = 0; i < LAYERS; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "layer.%d.", i);
        net->layer[i] = ting_transformer_declare(net->params, &net->shape, TING_LAYER_ENCODER, LAYERS, prefix);
    }
    net->out = ting_linear_declare(net->params, CLASSES, width, "", "out");
    ting_params_alloc(net->params, true);
    ting_rng rng = ting_rng_new(1, 1);
    for (size_t i = 0; i < ting_params_elements(net->params); i++)
        ting_params_values(net->params)[i] = (ting_real)(0.05 * ting_rng_normal(&rng));
}

static ting_err step(const network *net, ting_ctx *ctx, ting_segments segments, const int *ids, ting_adamw *adamw)
{
    ting_tape tape = {0};
    ting_arena_reset(ctx->arena);
    ctx->tape = &tape;
    ting_params_zero_gradients(net->params);
    ting_attention full;
    ting_attention_full(ctx, segments, segments, HEADS, false, &full);
    ting_tensor x = ting_embedding(ctx, ids, segments.start[segments.count], net->table);
    for (int i = 0; i < LAYERS; i++)
        x = ting_transformer_layer_forward(ctx, &net->shape, &net->layer[i], x, &full, (ting_tensor){0}, NULL);
    ting_tensor logits = ting_linear_apply(ctx, x, net->out, TING_ACT_NONE);
    ting_cross_entropy_options options = {.smoothing = (ting_real)0.1};
    ting_tensor loss = ting_cross_entropy(ctx, logits, ids, &options);
    if (ctx->err != TING_OK)
        return ctx->err;
    loss.grad[0] = 1;
    ting_tape_backward(ctx, &tape);
    ting_clip_gradients(net->params, ctx->kern, ctx->pool, 1);
    ting_adamw_step(adamw, ctx->kern, ctx->pool, 1e-4);
    return ctx->err;
}

/* The products of one linear layer: forward and the two of backward. */
static void products_of(const ting_gemm_run *run, int m, int n, int k, ting_real *x, ting_real *w, ting_real *y)
{
    ting_gemm(run, TING_PRECISION_F32, m, n, k, 1, (ting_strided){x, k, 1}, (ting_strided){w, 1, k}, 0, y, n);
    ting_gemm(run, TING_PRECISION_F32, m, k, n, 1, (ting_strided){y, n, 1}, (ting_strided){w, k, 1}, 1, x, k);
    ting_gemm(run, TING_PRECISION_F32, n, k, m, 1, (ting_strided){y, 1, n}, (ting_strided){x, k, 1}, 1, w, k);
}

static void products(const ting_ctx *ctx, int rows, int d, ting_real *x, ting_real *w, ting_real *y)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    for (int i = 0; i < LAYERS; i++) {
        for (int j = 0; j < 4; j++)
            products_of(&run, rows, d, d, x, w, y);
        products_of(&run, rows, 4 * d, d, x, w, y);
        products_of(&run, rows, d, 4 * d, x, w, y);
    }
    products_of(&run, rows, CLASSES, d, x, w, y);
}

static int bench(int width, int threads)
{
    network net;
    declare(&net, width);
    ting_pool *pool = ting_pool_new(threads);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .pool = pool, .kern = ting_kern_select(ting_cpu_detect()),
                    .rng = ting_rng_new(1, 2), .training = true};
    ting_adamw *adamw = ting_adamw_new(net.params, &(ting_adamw_options){.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.01});
    ting_rng rng = ting_rng_new(5, 6);
    int start[SENTENCES + 1] = {0};
    for (int s = 0; s < SENTENCES; s++)
        start[s + 1] = start[s] + 15 + (int)ting_rng_below(&rng, 21);
    ting_segments segments = {.count = SENTENCES, .start = start};
    int rows = start[SENTENCES];
    int *ids = ting_alloc((size_t)rows, sizeof *ids);
    ting_real *buffer[3];
    for (int i = 0; i < 3; i++)
        buffer[i] = ting_alloc((size_t)rows * CLASSES, sizeof **buffer);
    for (int r = 0; r < rows; r++)
        ids[r] = (int)ting_rng_below(&rng, 1500);
    double wall[STEPS], whole[STEPS], product[STEPS];
    for (int i = -2; i < STEPS; i++) {
        double first = now(CLOCK_MONOTONIC), begin = now(CLOCK_PROCESS_CPUTIME_ID);
        if (step(&net, &ctx, segments, ids, adamw) != TING_OK) {
            fprintf(stderr, "%s\n", ting_error_message());
            return 1;
        }
        double last = now(CLOCK_MONOTONIC), middle = now(CLOCK_PROCESS_CPUTIME_ID);
        if (i < 0)
            continue;
        products(&ctx, rows, width, buffer[0], buffer[1], buffer[2]);
        wall[i] = last - first;
        whole[i] = middle - begin;
        product[i] = now(CLOCK_PROCESS_CPUTIME_ID) - middle;
    }
    double all = median(whole), alone = median(product);
    printf("train-step d%d %d rows\t%d\t%.1f\t%.1f\t%.1f\t%.1f%%\n", width, rows, threads, median(wall), all, alone,
           100 * (all - alone) / all);
    for (int i = 0; i < 3; i++)
        ting_free(buffer[i]);
    ting_free(ids);
    ting_adamw_free(adamw);
    ting_arena_free(ctx.arena);
    ting_pool_free(pool);
    ting_params_free(net.params);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 3)
        return bench(atoi(arguments[1]), atoi(arguments[2]));
    return bench(256, 1) || bench(256, 2) || bench(384, 2);
}
