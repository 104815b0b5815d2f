/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_train_am.c - a training step of acoustic models: forward, CTC, backward, clipping, optimizer.
 *
 *     bench_train_am [network f32|bf16 threads [steps]]      no arguments: every network, precision, one and two threads
 *
 * Prints a TSV line a case: network, precision, threads, milliseconds a step (median), processor milliseconds a step,
 * seconds of audio per second, GFLOP/s, peak resident MB, loss of the last step. The FLOPs are two for every multiply-add of
 * products and convolutions, forward and backward, counted from the tape. Processor time is what to compare when
 * other programs run beside. With TING_BENCH_OPS set, the shares of the ops in backward follow; TING_BENCH_CLIPS is the number
 * of clips of 10 s in a batch.
 *
 * Zipformers train as after 20,000 batches of the reference: balancers and whitening by the chance that stays.
 * conformer256 is the network of torch_train.py; zipformer23 the medium Zipformer of icefall; zipformer3 its small one for
 * keywords, in chunks of 32 rows.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "loss/ctc.h"
#include "model/conformer.h"
#include "model/ctc_head.h"
#include "model/zipformer.h"
#include "nn/bwd/bwd.h"
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/scope.h"
#include "nn/tape.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "optim/scaled_adam.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 998, FEATURES = 80, LABELS = 40, STEPS_MOST = 101, SECONDS = 10 };

typedef struct network {
    const char *name;
    bool zipformer;
    int clips, vocabulary;
    ting_conformer_config conformer;
    ting_zipformer_config zip;
    ting_zipformer_mode mode;
} network;

#define CONFORMER(width)                                                                                              \
    {.features = FEATURES, .subsampling = 4, .dim = width, .heads = 4, .layers = 12, .feedforward = 8 * width,        \
     .macaron = true, .kernel = 15, .norm = TING_CONV_BATCH_NORM, .positions = TING_POSITIONS_RELATIVE,               \
     .act = TING_ACT_SILU, .dropout = (ting_real)0.1, .position_dropout = (ting_real)0.1}
#define STACK(layers, dim, heads, inner, kernel, down) {layers, dim, heads, 32, 12, 4, inner, kernel, down}

static const network networks[] = {
    {.name = "conformer256", .clips = 8, .vocabulary = 4300, .conformer = CONFORMER(256)},
    {.name = "conformer144", .clips = 8, .vocabulary = 4300, .conformer = CONFORMER(144)},
    {.name = "zipformer23", .zipformer = true, .clips = 8, .vocabulary = 1300,
     .zip = {.features = FEATURES, .embed_channels = {8, 32, 128}, .stacks = 6, .pos_dim = 48, .output_downsampling = 2,
             .stack = {STACK(2, 192, 4, 512, 31, 1), STACK(2, 256, 4, 768, 31, 2), STACK(2, 256, 4, 768, 15, 4),
                       STACK(2, 256, 8, 768, 15, 8), STACK(2, 256, 4, 768, 15, 4), STACK(2, 256, 4, 768, 31, 2)}}},
    {.name = "zipformer3", .zipformer = true, .clips = 16, .vocabulary = 1300, .mode = {.chunk = 32, .left = 128},
     .zip = {.features = FEATURES, .embed_channels = {8, 32, 64}, .stacks = 6, .pos_dim = 48, .output_downsampling = 2,
             .causal = true, .chunk = 16, .left = 64,
             .stack = {STACK(1, 128, 4, 192, 31, 1), STACK(1, 128, 4, 192, 31, 2), STACK(1, 128, 4, 192, 15, 4),
                       STACK(1, 128, 8, 192, 15, 8), STACK(1, 128, 4, 192, 15, 4), STACK(1, 128, 4, 192, 31, 2)}}},
};

typedef struct bench {
    const network *net;
    ting_params *params;
    ting_conformer *conformer;
    ting_zipformer *zipformer;
    ting_ctc_head head;
    ting_optimizer optimizer;
    ting_tensor x;
    ting_segments frames, labels, rows;
    int *targets;
    double in_op[TING_OP_COUNT]; /* milliseconds of backward */
} bench;

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

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

/* ---- multiply-adds ---- */

static double pairs_of(const ting_attention *a)
{
    double pairs = 0;
    for (int s = 0; s < a->count; s++)
        pairs += (double)(a->spans[s].q1 - a->spans[s].q0) * (a->spans[s].k1 - a->spans[s].k0);
    return pairs;
}

/* A product of `work` multiply-adds whose backward has one product for each of two operands. */
static double three(double work, bool first, bool second)
{
    return work * (1 + first + second);
}

static double image_work(const ting_conv2d_shape *s, ting_tensor x, ting_tensor y, int in)
{
    return three((double)y.rows * ting_conv2d_freq(s) * s->out_channels * in * s->kernel_t * s->kernel_f, x.grad != NULL, true);
}

static double work_of(const ting_record *record)
{
    switch (record->op) {
    case TING_OP_linear: {
        const struct ting_rec_linear *r = record->saved;
        return three((double)r->x.rows * r->x.cols * r->y.cols, r->x.grad != NULL, true);
    }
    case TING_OP_feed_forward: {
        const struct ting_rec_feed_forward *r = record->saved;
        return three((double)r->x.rows * r->w1->t.rows * (r->x.cols + r->y.cols), true, true);
    }
    case TING_OP_conv2d: {
        const struct ting_rec_conv2d *r = record->saved;
        return image_work(&r->shape, r->x, r->y, r->shape.in_channels);
    }
    case TING_OP_depthwise2d: {
        const struct ting_rec_depthwise2d *r = record->saved;
        return image_work(&r->shape, r->x, r->y, 1);
    }
    case TING_OP_depthwise: {
        const struct ting_rec_depthwise *r = record->saved;
        return three((double)r->y.rows * r->y.cols * r->w->shape[2], true, true);
    }
    case TING_OP_chunk_conv: {
        const struct ting_rec_chunk_conv *r = record->saved;
        const int causal = r->weights.causal_w != NULL ? r->weights.causal_w->shape[2] : 0;
        return three((double)r->y.rows * r->y.cols * (r->weights.chunk_w->shape[2] + causal), true, true);
    }
    case TING_OP_attn_scores: {
        const struct ting_rec_attn_scores *r = record->saved;
        return three(pairs_of(&r->geometry) * (r->q.cols + r->p.cols), true, true);
    }
    case TING_OP_attend: {
        const struct ting_rec_attend *r = record->saved;
        return three(pairs_of(&r->geometry) * (r->q.cols + r->p.cols + r->v.cols), true, true);
    }
    case TING_OP_attn_apply: {
        const struct ting_rec_attn_apply *r = record->saved;
        return three(pairs_of(&r->geometry) * r->v.cols, true, true);
    }
    default: return 0;
    }
}

/* ---- a step ---- */

static void start_values(ting_params *params)
{
    ting_rng rng = ting_rng_new(1, 1);
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *p = ting_params_at(params, i);
        const size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
        const double size = 1 / sqrt((double)(p->dims > 1 ? p->t.cols : 1));
        const bool is_scale = strstr(p->name, "norm") != NULL && strstr(p->name, "weight") != NULL;
        const bool is_bypass = strstr(p->name, "bypass_scale") != NULL;
        for (size_t j = 0; j < count; j++)
            p->t.data[j] = (ting_real)(is_scale ? 1 : is_bypass ? 0.5 : p->dims > 1 ? size * ting_rng_normal(&rng) : 0);
    }
}

static void declare(bench *b)
{
    b->params = ting_params_new();
    const int dim = b->net->zipformer ? 0 : b->net->conformer.dim;
    ting_err err = b->net->zipformer ? ting_zipformer_new(&b->net->zip, b->params, &b->zipformer)
                                     : ting_conformer_new(&b->net->conformer, b->params, &b->conformer);
    if (err == TING_OK) {
        b->head = ting_ctc_head_declare(b->params, "ctc", b->net->vocabulary, dim > 0 ? dim : ting_zipformer_dim(b->zipformer));
        err = ting_params_alloc(b->params, true);
    }
    if (err != TING_OK) {
        fprintf(stderr, "%s\n", ting_error_message());
        exit(1);
    }
    start_values(b->params);
    b->optimizer = b->net->zipformer
                       ? ting_scaled_adam_optimizer(ting_scaled_adam_new(b->params, &ting_scaled_adam_defaults, NULL))
                       : ting_adamw_optimizer(ting_adamw_new(b->params, &(ting_adamw_options){0.9, 0.98, 1e-9, 0.01}));
}

static int *even_starts(int count, int each)
{
    int *start = ting_alloc((size_t)count + 1, sizeof *start);
    for (int s = 0; s <= count; s++)
        start[s] = s * each;
    return start;
}

static void make_batch(bench *b)
{
    const int clips = b->net->clips, rows = clips * FRAMES;
    ting_rng rng = ting_rng_new(5, 6);
    b->frames = (ting_segments){clips, even_starts(clips, FRAMES)};
    b->labels = (ting_segments){clips, even_starts(clips, LABELS)};
    b->rows = (ting_segments){clips, even_starts(clips, 0)};
    b->x = (ting_tensor){.data = ting_alloc((size_t)rows * FEATURES, sizeof *b->x.data), .rows = rows, .cols = FEATURES, .ld = FEATURES};
    for (int i = 0; i < rows * FEATURES; i++)
        b->x.data[i] = (ting_real)ting_rng_normal(&rng);
    b->targets = ting_alloc((size_t)(clips * LABELS), sizeof *b->targets);
    for (int i = 0; i < clips * LABELS; i++)
        b->targets[i] = 1 + (int)ting_rng_below(&rng, (uint32_t)b->net->vocabulary - 1);
}

/* As ting_tape_backward, with the time of each op. */
static void timed_backward(bench *b, ting_ctx *ctx, const ting_tape *tape)
{
    static void (*const backward[TING_OP_COUNT])(ting_ctx *, const void *) = {
#define TING_OP(name) ting_bwd_##name,
#include "nn/ops.def"
#undef TING_OP
    };
    for (const ting_record *r = tape->last; r != NULL; r = r->before) {
        const double begin = now(CLOCK_MONOTONIC);
        backward[r->op](ctx, r->saved);
        b->in_op[r->op] += now(CLOCK_MONOTONIC) - begin;
    }
}

static ting_err step(bench *b, ting_ctx *ctx, double *work, double *loss_value)
{
    ting_tape tape = {0};
    ting_arena_reset(ctx->arena);
    ting_arena_reset(ctx->gradients);
    ctx->tape = &tape;
    ting_params_zero_gradients(b->params);
    int *out = (int *)(uintptr_t)b->rows.start;
    const ting_scope scope = ting_scope_open(ctx, 1, 1);
    ting_tensor y = b->net->zipformer
                        ? ting_zipformer_forward(ctx, b->zipformer, b->x, b->frames, &b->net->mode, out)
                        : ting_conformer_forward(ctx, b->conformer, b->x, b->frames, &(ting_conformer_mode){0}, out);
    ting_tensor logits = ting_ctc_head_logits(ctx, &b->head, y);
    ting_tensor loss = ting_scope_close(ctx, &scope, ting_ctc_loss(ctx, logits, b->rows, b->targets, b->labels, NULL));
    if (ctx->err != TING_OK)
        return ctx->err;
    *work = 0;
    for (const ting_record *r = tape.last; r != NULL; r = r->before)
        *work += work_of(r);
    *loss_value = (double)loss.data[0];
    loss.grad[0] = (ting_real)1 / (ting_real)b->net->clips;
    if (getenv("TING_BENCH_OPS") != NULL)
        timed_backward(b, ctx, &tape);
    else
        ting_tape_backward(ctx, &tape);
    ting_clip_gradients(b->params, ctx->kern, ctx->pool, 5);
    b->optimizer.step(b->optimizer.self, ctx->kern, ctx->pool, 1e-4);
    return ctx->err;
}

static int run(const network *net, bool bf16, int threads, int steps)
{
    network sized = *net;
    if (getenv("TING_BENCH_CLIPS") != NULL)
        sized.clips = atoi(getenv("TING_BENCH_CLIPS"));
    net = &sized;
    bench b = {.net = net};
    declare(&b);
    make_batch(&b);
    ting_pool *pool = ting_pool_new(threads);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .gradients = ting_arena_new(1 << 20), .pool = pool, .kern = ting_kern_select(ting_cpu_detect()),
                    .rng = ting_rng_new(1, 2), .training = true, .batch_count = 20000, .units = net->clips,
                    .multiply = bf16 ? TING_PRECISION_BF16 : TING_PRECISION_F32};
    double wall[STEPS_MOST], processor[STEPS_MOST], work = 0, loss = 0;
    for (int i = -2; i < steps; i++) {
        const double first = now(CLOCK_MONOTONIC), begin = now(CLOCK_PROCESS_CPUTIME_ID);
        if (i == 0)
            memset(b.in_op, 0, sizeof b.in_op);
        if (step(&b, &ctx, &work, &loss) != TING_OK) {
            fprintf(stderr, "%s\n", ting_error_message());
            return 1;
        }
        wall[i < 0 ? 0 : i] = now(CLOCK_MONOTONIC) - first;
        processor[i < 0 ? 0 : i] = now(CLOCK_PROCESS_CPUTIME_ID) - begin;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double ms = median(wall, steps);
    printf("%s\t%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t%.4f\n", net->name, bf16 ? "bf16" : "f32", threads, ms,
           median(processor, steps), net->clips * SECONDS * 1e3 / ms, 2e-6 * work / ms, (double)usage.ru_maxrss / 1024, loss);
    for (int op = 0; op < TING_OP_COUNT; op++)
        if (b.in_op[op] > 0)
            printf("#\t%s\t%.1f\n", ting_op_name((ting_op)op), b.in_op[op] / steps);
    ting_pool_free(pool);
    return 0;
}

/* In a process of its own, so that the peak of memory is the case's own. */
static int run_apart(const network *net, bool bf16, int threads)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0)
        exit(run(net, bf16, threads, 3));
    int status = 1;
    return child < 0 || waitpid(child, &status, 0) < 0 || status != 0;
}

int main(int count, char **arguments)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        if (count >= 4 && strcmp(arguments[1], networks[i].name) == 0) {
            const int steps = count > 4 ? atoi(arguments[4]) : 5;
            return run(&networks[i], strcmp(arguments[2], "bf16") == 0, atoi(arguments[3]), steps < STEPS_MOST ? steps : STEPS_MOST);
        }
        for (int c = 0; count < 4 && c < 4; c++)
            failed |= run_apart(&networks[i], c >= 2, 1 + c % 2);
    }
    if (count >= 4)
        fprintf(stderr, "%s: no such network\n", arguments[1]);
    return failed || count >= 4;
}
