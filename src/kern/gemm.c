/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm.c - packs operands, cuts products into tiles, spreads them over the pool; see gemm.h.
 *
 *     n panels ->
 *     +-----+-----+-----+--
 *     |     |     |     |        A job is a group of row tiles times a range of panels. It packs its rows
 *   m +-----+-----+-----+--      into scratch of its own, then goes panel by panel: the panel stays in the
 *     |     |     |     |        first-level cache while the packed rows pass by from the second.
 *     +-----+-----+-----+--
 *
 * Each thread of the pool has one piece of scratch and takes jobs from a shared counter. How a product
 * is cut never touches the order of a sum: a tile runs over all of k, and ting_gemm cuts k at fixed
 * multiples of K_BLOCK.
 *
 * Where jobs share row tiles (few rows, many columns: gradients of weights), all rows are packed once before them.
 */
#include "kern/gemm.h"

#include "base/mem.h"
#include "kern/gemm_kern.h"
#include "kern/gemm_strip.h"
#include "kern/half.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
    K_BLOCK = 1024,            /* longest sum of ting_gemm in one piece; longer ones add piece by piece */
    GROUP_BYTES = 512 * 1024,  /* packed rows of a job: a part of the second-level cache */
    JOBS_PER_THREAD = 3,       /* so that a late thread holds up the others little */
    MIN_TILES_PER_JOB = 4,     /* below it, reading panels costs more than splitting rows gains */
    DESK_TILES = 4,            /* packed row tiles at a desk */
    POOL_WORK = 4 * 1024 * 1024 /* multiplications below which waking threads costs more than it gains */
};

static int ceil_div(int a, int b)
{
    return a / b + (a % b != 0);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Start of part `index` of `parts` nearly equal parts of `count`. */
static int part_start(int count, int parts, int index)
{
    return (int)((int64_t)count * index / parts);
}

/* ---- the product of two packed operands ---- */

typedef struct product {
    const ting_gemm_kern *kern;
    int m, n, k;
    ting_strided a;
    const unsigned char *b; /* packed panels */
    size_t panel_bytes, tile_bytes;
    int tiles, panels;
    int row_groups, column_groups;
    unsigned char *shared;  /* [tiles, tile_bytes]: all packed rows; NULL: each job packs its own */
    unsigned char *scratch; /* [threads, scratch_bytes]: the packed rows of a group */
    size_t scratch_bytes;
    ting_gemm_out out; /* of the whole product */
    atomic_int next_job;
} product;

/* First row of tile t: the tiles are nearly equal, so that none is left with a row or two. */
static int tile_row(const product *p, int t)
{
    int row = part_start(p->m, p->tiles, t), step = p->kern->row_step;
    return step == 0 ? row : smaller(p->m, ceil_div(row, step) * step);
}

/* Tiles tile0 .. tile1 - 1, columns first .. end - 1 of k. */
static void pack_tiles(const product *p, int tile0, int tile1, int first, int end, unsigned char *packed)
{
    const size_t above = first == 0 ? 0 : p->kern->a_bytes(first);
    for (int t = tile0; t < tile1; t++, packed += p->tile_bytes) {
        const int row = tile_row(p, t);
        p->kern->pack_a(tile_row(p, t + 1) - row, end - first, p->a.data + row * p->a.rs + first * p->a.cs, p->a.rs, p->a.cs,
                        packed + above);
    }
}

/* The columns of k that are packed at a time: where rows of A lie across memory, a piece of all tiles. */
static int pack_step(const product *p)
{
    return p->a.cs == 1 || p->kern->k_step == 0 ? p->k : p->kern->k_step;
}

static void pack_group(const product *p, int tile0, int tile1, unsigned char *packed)
{
    const int step = pack_step(p);
    for (int first = 0; first < p->k; first += step)
        pack_tiles(p, tile0, tile1, first, smaller(p->k, first + step), packed);
}

/* Piece `index` of all rows: a tile, or columns of all tiles. */
static void pack_shared(void *arg, int index)
{
    const product *p = arg;
    const int step = pack_step(p);
    if (step >= p->k)
        pack_tiles(p, index, index + 1, 0, p->k, p->shared + (size_t)index * p->tile_bytes);
    else
        pack_tiles(p, 0, p->tiles, index * step, smaller(p->k, (index + 1) * step), p->shared);
}

static void run_job(const product *p, int job, unsigned char *packed_rows)
{
    const ting_gemm_kern *kern = p->kern;
    int group = job / p->column_groups, range = job % p->column_groups;
    int tile0 = part_start(p->tiles, p->row_groups, group);
    int tile1 = part_start(p->tiles, p->row_groups, group + 1);
    int panel0 = part_start(p->panels, p->column_groups, range);
    int panel1 = part_start(p->panels, p->column_groups, range + 1);
    if (p->shared != NULL)
        packed_rows = p->shared + (size_t)tile0 * p->tile_bytes;
    else
        pack_group(p, tile0, tile1, packed_rows);
    const int step = p->m == 1 && kern->line != NULL && !p->out.transposed ? TING_GEMM_LINE : 1;
    for (int panel = panel0; panel < panel1; panel += step) {
        int column = panel * kern->nr, panels = smaller(step, panel1 - panel);
        int cols = smaller(panels * kern->nr, p->n - column);
        const unsigned char *b = p->b + (size_t)panel * p->panel_bytes;
        ting_gemm_out out = p->out;
        out.y += column;
        out.bias = out.bias == NULL ? NULL : out.bias + column;
        if (step > 1) {
            kern->line(panels, cols, p->k, packed_rows, b, p->panel_bytes, &out);
            continue;
        }
        for (int t = tile0; t < tile1; t++) {
            const int row = tile_row(p, t);
            out.y = p->out.y + (out.transposed ? column * out.ldy + row : row * out.ldy + column);
            kern->tile(tile_row(p, t + 1) - row, cols, p->k,
                       packed_rows + (size_t)(t - tile0) * p->tile_bytes, b, &out);
        }
    }
}

/* Thread `index` of the product: takes jobs until none is left. */
static void run_jobs(void *arg, int index)
{
    product *p = arg;
    const ting_gemm_kern *kern = p->kern;
    unsigned char *packed_rows = p->scratch + (size_t)index * p->scratch_bytes;
    int jobs = p->row_groups * p->column_groups;
    int job = atomic_fetch_add_explicit(&p->next_job, 1, memory_order_relaxed);
    if (job >= jobs)
        return;
    if (kern->enter != NULL)
        kern->enter();
    for (; job < jobs; job = atomic_fetch_add_explicit(&p->next_job, 1, memory_order_relaxed))
        run_job(p, job, packed_rows);
    if (kern->leave != NULL)
        kern->leave();
}

/* Cuts and runs the product; kern, m, n, k, a, b, panel_bytes and out are set. */
static void run_product(product *p, const ting_gemm_run *run)
{
    double work = (double)p->m * (double)p->n * (double)p->k;
    int threads = work < POOL_WORK ? 1 : ting_pool_threads(run->pool);
    p->tiles = ceil_div(p->m, p->kern->mr);
    p->panels = ceil_div(p->n, p->kern->nr);
    p->tile_bytes = p->kern->a_bytes(p->k);
    size_t tiles_in_cache = GROUP_BYTES / (p->tile_bytes == 0 ? 1 : p->tile_bytes);
    p->row_groups = ceil_div(p->tiles, tiles_in_cache > INT16_MAX ? INT16_MAX
                                       : tiles_in_cache == 0     ? 1
                                                                 : (int)tiles_in_cache);
    p->column_groups = 1;
    int wanted = threads == 1 ? 1 : threads * JOBS_PER_THREAD;
    if (p->row_groups < wanted) {
        int most = p->tiles / MIN_TILES_PER_JOB;
        if (most > p->row_groups)
            p->row_groups = smaller(most, wanted);
        p->column_groups = smaller(p->panels, ceil_div(wanted, p->row_groups));
    }
    threads = smaller(threads, p->row_groups * p->column_groups);
    const bool sharing = p->column_groups > 1;
    p->scratch_bytes = sharing ? 0 : (size_t)ceil_div(p->tiles, p->row_groups) * p->tile_bytes;
    ting_arena_mark mark = ting_arena_tell(run->arena);
    p->scratch = ting_arena_take(run->arena, sharing ? (size_t)p->tiles * p->tile_bytes : (size_t)threads * p->scratch_bytes);
    if (p->scratch == NULL)
        return;
    p->shared = sharing ? p->scratch : NULL;
    if (sharing)
        ting_pool_run(run->pool, pack_step(p) < p->k ? ceil_div(p->k, pack_step(p)) : p->tiles, pack_shared, p);
    atomic_init(&p->next_job, 0);
    ting_pool_run(threads == 1 ? NULL : run->pool, threads, run_jobs, p);
    ting_arena_rewind(run->arena, mark);
}

const ting_gemm_kern *ting_gemm_kern_of(const ting_kern *kern, ting_precision precision)
{
    switch (precision) {
    case TING_PRECISION_BF16: return kern->gemm_bf16;
    case TING_PRECISION_INT8: return kern->gemm_int8;
    case TING_PRECISION_F32: break;
    }
    return kern->gemm_real;
}

/* ---- packed weights ---- */

/* Row j of the weight as ting_real. */
static void weight_row(const ting_weight *w, int j, ting_real *out)
{
    size_t first = (size_t)j * (size_t)w->k;
    for (int p = 0; p < w->k; p++) {
        size_t i = first + (size_t)p;
        if (w->real != NULL)
            out[p] = w->real[i];
        else if (w->f16 != NULL)
            out[p] = (ting_real)ting_float_of_f16(w->f16[i]);
        else if (w->bf16 != NULL)
            out[p] = (ting_real)ting_float_of_bf16(w->bf16[i]);
        else
            out[p] = (ting_real)((float)w->int8[i] * w->scale[j]);
    }
}

/* One panel of `cols` outputs from row `first` on; rows holds nr x k values, bytes as many int8. */
static void pack_panel(const ting_gemm_kern *kern, const ting_weight *w, int first, int cols,
                       ting_real *rows, int8_t *bytes, void *packed)
{
    if (kern->pack_b_int8 != NULL && w->int8 != NULL) {
        kern->pack_b_int8(cols, w->k, w->int8 + (size_t)first * (size_t)w->k, w->scale + first, packed);
        return;
    }
    for (int j = 0; j < cols; j++)
        weight_row(w, first + j, rows + (size_t)j * (size_t)w->k);
    if (kern->pack_b_int8 == NULL) {
        kern->pack_b(cols, w->k, rows, 1, w->k, packed);
        return;
    }
    float scale[TING_GEMM_MAX_NR];
    for (int j = 0; j < cols; j++)
        scale[j] = ting_quantise_ref(w->k, rows + (size_t)j * (size_t)w->k, 1,
                                     bytes + (size_t)j * (size_t)w->k);
    kern->pack_b_int8(cols, w->k, bytes, scale, packed);
}

ting_packed *ting_pack(const ting_kern *kern, ting_precision precision, const ting_weight *weight)
{
    const ting_gemm_kern *gemm = ting_gemm_kern_of(kern, precision);
    ting_packed *packed = ting_alloc(1, sizeof *packed);
    ting_real *rows = ting_alloc((size_t)gemm->nr * (size_t)weight->k, sizeof *rows);
    int8_t *bytes = ting_alloc((size_t)gemm->nr * (size_t)weight->k, 1);
    if (packed == NULL || rows == NULL || bytes == NULL)
        goto fail;
    int panels = ceil_div(weight->n, gemm->nr);
    packed->kern = gemm;
    packed->n = weight->n;
    packed->k = weight->k;
    packed->panel_bytes = gemm->b_bytes(weight->k);
    packed->bytes = (size_t)panels * packed->panel_bytes;
    packed->data = ting_alloc((size_t)panels, packed->panel_bytes);
    if (packed->data == NULL)
        goto fail;
    for (int panel = 0; panel < panels; panel++) {
        int first = panel * gemm->nr;
        pack_panel(gemm, weight, first, smaller(gemm->nr, weight->n - first), rows, bytes,
                   packed->data + (size_t)panel * packed->panel_bytes);
    }
    ting_free(bytes);
    ting_free(rows);
    return packed;
fail:
    ting_free(bytes);
    ting_free(rows);
    ting_free(packed);
    return NULL;
}

void ting_packed_free(ting_packed *packed)
{
    if (packed == NULL)
        return;
    ting_free(packed->data);
    ting_free(packed);
}

size_t ting_packed_bytes(const ting_packed *packed)
{
    return packed->bytes;
}

void ting_gemm_packed(const ting_gemm_run *run, int m, const ting_real *x, int ldx,
                      const ting_packed *w, const ting_real *bias, ting_act act, int accumulate,
                      ting_real *y, int ldy)
{
    if (m <= 0 || w->n <= 0)
        return;
    product p = {
        .kern = w->kern,
        .m = m,
        .n = w->n,
        .k = w->k,
        .a = {x, ldx, 1},
        .b = w->data,
        .panel_bytes = w->panel_bytes,
        .out = {y, ldy, 1, bias, act, accumulate, 0},
    };
    run_product(&p, run);
}

void ting_gemm_add(const ting_gemm_run *run, int m, int k, ting_strided a, const ting_packed *b, int transposed,
                   ting_real *y, int ldy)
{
    if (m <= 0 || b->n <= 0 || k <= 0)
        return;
    product p = {.kern = b->kern, .m = m, .n = b->n, .k = k, .a = a, .b = b->data, .panel_bytes = b->panel_bytes,
                 .out = {.y = y, .ldy = ldy, .alpha = 1, .act = TING_ACT_NONE, .accumulate = 1, .transposed = transposed}};
    run_product(&p, run);
}

/* ---- both operands packed on the fly ---- */

typedef struct packing {
    const ting_gemm_kern *kern;
    int n, k;
    ting_strided b;
    unsigned char *packed;
    size_t panel_bytes;
} packing;

static void pack_one_panel(void *arg, int panel)
{
    const packing *p = arg;
    int column = panel * p->kern->nr;
    p->kern->pack_b(smaller(p->kern->nr, p->n - column), p->k, p->b.data + column * p->b.cs, p->b.rs,
                    p->b.cs, p->packed + (size_t)panel * p->panel_bytes);
}

/* Rows of B from index * k_step on, of all panels. */
static void pack_rows_of_panels(void *arg, int index)
{
    const packing *p = arg;
    const int step = p->kern->k_step, first = index * step, rows = smaller(p->k - first, step);
    unsigned char *packed = p->packed + (first == 0 ? 0 : p->kern->b_bytes(first));
    for (int column = 0; column < p->n; column += p->kern->nr, packed += p->panel_bytes)
        p->kern->pack_b(smaller(p->kern->nr, p->n - column), rows, p->b.data + first * p->b.rs + column, p->b.rs, 1, packed);
}

static void pack_panels(const ting_gemm_run *run, packing *work)
{
    const bool small = (double)work->n * work->k < POOL_WORK / 16;
    const int step = work->b.cs == 1 ? work->kern->k_step : 0;
    if (step > 0 && step < work->k)
        ting_pool_run(small ? NULL : run->pool, ceil_div(work->k, step), pack_rows_of_panels, work);
    else
        ting_pool_run(small ? NULL : run->pool, ceil_div(work->n, work->kern->nr), pack_one_panel, work);
}

const ting_packed *ting_gemm_pack(const ting_gemm_run *run, ting_precision precision, int n, int k, ting_strided b)
{
    ting_packed *packed = ting_gemm_room(run, precision, n, k);
    if (packed == NULL)
        return NULL;
    packing work = {.kern = packed->kern, .n = n, .k = k, .b = b, .packed = packed->data, .panel_bytes = packed->panel_bytes};
    pack_panels(run, &work);
    return packed;
}

static void multiply(const ting_gemm_run *run, ting_precision precision, int m, int n, int k, ting_real alpha,
                     ting_strided a, ting_strided b, const ting_real *bias, int accumulate, ting_real *c, int ldc)
{
    const ting_gemm_kern *kern = ting_gemm_kern_of(run->kern, precision);
    if (m <= 0 || n <= 0 || (k <= 0 && accumulate))
        return;
    int panels = ceil_div(n, kern->nr);
    ting_arena_mark mark = ting_arena_tell(run->arena);
    size_t panel_bytes = kern->b_bytes(k < K_BLOCK ? k : K_BLOCK);
    unsigned char *packed = ting_arena_take(run->arena, (size_t)panels * panel_bytes);
    if (packed == NULL)
        return;
    int first = 0;
    do { /* once even when k is 0: the output becomes zero */
        int depth = smaller(k - first, K_BLOCK);
        packing work = {.kern = kern, .n = n, .k = depth, .packed = packed, .panel_bytes = panel_bytes};
        work.b = (ting_strided){b.data + first * b.rs, b.rs, b.cs};
        pack_panels(run, &work);
        product p = {
            .kern = kern,
            .m = m,
            .n = n,
            .k = depth,
            .a = {a.data + first * a.cs, a.rs, a.cs},
            .b = packed,
            .panel_bytes = panel_bytes,
            .out = {c, ldc, alpha, first == 0 ? bias : NULL, TING_ACT_NONE, accumulate || first > 0, 0},
        };
        run_product(&p, run);
        first += depth;
    } while (first < k && !ting_arena_failed(run->arena));
    ting_arena_rewind(run->arena, mark);
}

void ting_gemm(const ting_gemm_run *run, ting_precision precision, int m, int n, int k, ting_real alpha,
               ting_strided a, ting_strided b, int accumulate, ting_real *c, int ldc)
{
    multiply(run, precision, m, n, k, alpha, a, b, NULL, accumulate, c, ldc);
}

void ting_gemm_bias(const ting_gemm_run *run, ting_precision precision, int m, int n, int k, ting_strided a,
                    ting_strided b, const ting_real *bias, ting_real *c, int ldc)
{
    multiply(run, precision, m, n, k, 1, a, b, bias, 0, c, ldc);
}

/* ---- work on one thread each ---- */

struct tasks {
    unsigned char *rooms; /* [threads, bytes] */
    size_t bytes;
    int count;
    atomic_int next;
    void (*task)(void *arg, unsigned char *room, int index);
    void *arg;
};

/* Thread `index`: takes tasks until none is left. */
static void take_tasks(void *arg, int index)
{
    struct tasks *tasks = arg;
    unsigned char *room = tasks->rooms + (size_t)index * tasks->bytes;
    for (int i; (i = atomic_fetch_add_explicit(&tasks->next, 1, memory_order_relaxed)) < tasks->count;)
        tasks->task(tasks->arg, room, i);
}

void ting_gemm_tasks(const ting_gemm_run *run, size_t bytes, int count,
                     void (*task)(void *arg, unsigned char *room, int index), void *arg)
{
    const int threads = smaller(ting_pool_threads(run->pool), count);
    struct tasks tasks = {.bytes = ting_gemm_round_up(bytes), .count = count, .task = task, .arg = arg};
    ting_arena_mark mark = ting_arena_tell(run->arena);
    tasks.rooms = ting_arena_take(run->arena, (size_t)(threads > 0 ? threads : 1) * tasks.bytes);
    if (tasks.rooms == NULL)
        return;
    atomic_init(&tasks.next, 0);
    ting_pool_run(run->pool, threads, take_tasks, &tasks);
    ting_arena_rewind(run->arena, mark);
}

/* ---- many small products ---- */

struct desks {
    const ting_gemm_kern *kern;
    size_t bytes; /* of the scratch; the room lies behind it */
    void (*task)(void *arg, const ting_gemm_desk *desk, int index);
    void *arg;
};

static void work_at_desk(void *arg, unsigned char *room, int index)
{
    const struct desks *desks = arg;
    desks->task(desks->arg, &(ting_gemm_desk){desks->kern, room, (ting_real *)(void *)(room + desks->bytes)}, index);
}

void ting_gemm_desks(const ting_gemm_run *run, ting_precision precision, int n, int k, size_t room, int count,
                     void (*task)(void *arg, const ting_gemm_desk *desk, int index), void *arg)
{
    const ting_gemm_kern *kern = ting_gemm_kern_of(run->kern, precision);
    const int depth = smaller(k, K_BLOCK);
    const size_t bytes = n > 0 && k > 0 ? DESK_TILES * kern->a_bytes(depth) + (size_t)ceil_div(n, kern->nr) * kern->b_bytes(depth) : 0;
    struct desks desks = {kern, ting_gemm_round_up(bytes), task, arg};
    ting_gemm_tasks(run, desks.bytes + room * sizeof(ting_real), count, work_at_desk, &desks);
}

void ting_gemm_at(const ting_gemm_desk *desk, int m, int n, int k, ting_real alpha, ting_strided a, ting_strided b,
                  int accumulate, ting_real *c, int ldc)
{
    const ting_gemm_kern *kern = desk->kern;
    if (m <= 0 || n <= 0 || (k <= 0 && accumulate))
        return;
    if (kern->enter != NULL)
        kern->enter();
    int first = 0;
    do { /* as multiply() */
        const int depth = smaller(k - first, K_BLOCK);
        packing work = {.kern = kern, .n = n, .k = depth, .panel_bytes = kern->b_bytes(depth)};
        work.b = (ting_strided){b.data + first * b.rs, b.rs, b.cs};
        product p = {.kern = kern, .m = m, .n = n, .k = depth, .panel_bytes = work.panel_bytes,
                     .tile_bytes = kern->a_bytes(depth), .tiles = ceil_div(m, kern->mr), .panels = ceil_div(n, kern->nr)};
        p.a = (ting_strided){a.data + first * a.cs, a.rs, a.cs};
        p.row_groups = ceil_div(p.tiles, DESK_TILES);
        p.column_groups = 1;
        p.out = (ting_gemm_out){c, ldc, alpha, NULL, TING_ACT_NONE, accumulate || first > 0, 0};
        work.packed = desk->scratch + DESK_TILES * p.tile_bytes;
        p.b = work.packed;
        for (int panel = 0; panel < p.panels; panel++)
            pack_one_panel(&work, panel);
        for (int job = 0; job < p.row_groups; job++)
            run_job(&p, job, desk->scratch);
        first += depth;
    } while (first < k);
    if (kern->leave != NULL)
        kern->leave();
}
