/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_steering.c - identities that edit the gradient, where backward is no derivative of forward. Balancer and whiten beyond
 * their limits: the edit is made again from the penalties of docs/derive/steering.md, which are computed in double by other
 * formulas (pairs of rows, products of rows) and differentiated numerically.
 *
 * The derivative is (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h: its own error is h^4 f^(5) / 30, below 1e-11 of f'
 * here with h = 1e-3 of x's size, and rounding adds u f / h = 1e-13. In float the op's sums over N rows are off by N u
 * of themselves, and enter with third powers: 16 N u is allowed.
 */
#include "grad/grad.h"

#include "support/support.h"

#include <math.h>

enum { ROWS = 37, COLS = 12, PAD = 3, MOST = ROWS * (COLS + PAD) };

static const double unit = sizeof(ting_real) == sizeof(double) ? 0x1p-53 : 0x1p-24;

static double allowed(void)
{
    return 16 * ROWS * unit + 1e-9;
}

/* What an op gets: rows wider than their columns, a gradient that is not empty, and a gradient from above. */
typedef struct subject {
    ting_real data[MOST], grad[MOST];
    ting_real above[ROWS][COLS];
    ting_tensor x;
} subject;

static void fill(subject *s, uint64_t seed)
{
    ting_rng rng = ting_rng_new(seed, 5);
    s->x = (ting_tensor){.data = s->data, .grad = s->grad, .rows = ROWS, .cols = COLS, .ld = COLS + PAD};
    for (int i = 0; i < MOST; i++) {
        s->data[i] = (ting_real)ting_rng_normal(&rng);
        s->grad[i] = (ting_real)0.5;
    }
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            s->above[r][c] = (ting_real)ting_rng_normal(&rng);
}

typedef ting_tensor (*identity)(ting_ctx *ctx, ting_tensor x, const void *setting);

/* Forward and backward of one op. */
static void pass(subject *s, identity op, const void *setting)
{
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape,
                    .training = true};
    ting_tensor y = op(&ctx, s->x, setting);
    assert_ok(ctx.err);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            assert_true(ting_row(y, r)[c] == ting_row(s->x, r)[c]);
            ting_grad_row(y, r)[c] = s->above[r][c];
        }
    assert_ok(ting_tape_backward(&ctx, &tape));
    ting_arena_free(ctx.arena);
}

/* The slope of f at *at, a number that f reads through its argument. */
static double slope(double (*f)(const void *arg), const void *arg, double *at, double h)
{
    double saved = *at, value[4];
    const double places[4] = {-2, -1, 1, 2};
    for (int i = 0; i < 4; i++) {
        *at = saved + places[i] * h;
        value[i] = f(arg);
    }
    *at = saved;
    return (8 * (value[2] - value[1]) - (value[3] - value[0])) / (12 * h);
}

/* ---- balancer ---- */

static const ting_balancer_limits limits = {(ting_real)-0.75, (ting_real)0.5, (ting_real)0.5, 3, (ting_real)0.25};

typedef struct channel {
    double x[ROWS];
} channel;

static double held(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* mean / deviation and root mean square; the variance from the differences of all pairs. */
static void measure(const channel *c, double *ratio, double *rms)
{
    double sum = 0, squares = 0, pairs = 0;
    for (int i = 0; i < ROWS; i++) {
        sum += c->x[i];
        squares += c->x[i] * c->x[i];
        for (int j = 0; j < i; j++)
            pairs += (c->x[i] - c->x[j]) * (c->x[i] - c->x[j]);
    }
    *ratio = sum / ROWS / sqrt(pairs / ROWS / ROWS);
    *rms = sqrt(squares / ROWS);
}

static double balancer_penalty(const void *arg)
{
    double ratio, rms;
    measure(arg, &ratio, &rms);
    return fabs(ratio - held(ratio, (double)limits.min_mean, (double)limits.max_mean)) +
           fabs(log(held(rms, (double)limits.min_rms, (double)limits.max_rms) / rms));
}

static ting_tensor balance(ting_ctx *ctx, ting_tensor x, const void *setting)
{
    return ting_balancer(ctx, ting_scale(ctx, x, 1), setting);
}

/* Offset and spread of a channel, and on which side of their limits that puts mean / deviation and rms. */
static const struct place {
    double offset, spread;
    int by_mean, by_rms;
} PLACES[COLS] = {
    {2, 1, 1, 0}, {-2, 1, -1, 0}, {0, 0.2, 0, -1},   {0, 6, 0, 1},        {0, 1, 0, 0},   {0.1, 0.9, 0, 0},
    {8, 1, 1, 1}, {-9, 2, -1, 1}, {0.2, 0.1, 1, -1}, {-0.2, 0.1, -1, -1}, {50, 0.5, 1, 1}, {0, 0.01, 0, -1},
};

/* Which side of least .. most, and not so near a limit that a step of the difference would cross it. */
static int side(double value, double least, double most)
{
    assert_true(fabs(value - least) > 0.05 * fabs(least) && fabs(value - most) > 0.05 * most);
    return value < least ? -1 : value > most;
}

static void check_channel(const subject *s, int c)
{
    channel x;
    double l[ROWS], squares = 0, ratio, rms;
    for (int r = 0; r < ROWS; r++)
        x.x[r] = (double)ting_row(s->x, r)[c];
    measure(&x, &ratio, &rms);
    assert_int_equal(side(ratio, (double)limits.min_mean, (double)limits.max_mean), PLACES[c].by_mean);
    assert_int_equal(side(rms, (double)limits.min_rms, (double)limits.max_rms), PLACES[c].by_rms);
    for (int r = 0; r < ROWS; r++) {
        l[r] = slope(balancer_penalty, &x, &x.x[r], 1e-3 * PLACES[c].spread);
        squares += l[r] * l[r] / ROWS;
    }
    for (int r = 0; r < ROWS; r++) {
        double g = (double)s->above[r][c];
        double edit = squares == 0 ? 0 : fabs(g) * l[r] * (double)limits.grad_scale / sqrt(squares);
        double got = (double)ting_grad_row(s->x, r)[c] - 0.5;
        if (!(fabs(got - (g + edit)) <= allowed() * (0.5 + fabs(g) + fabs(edit))))
            fail_msg("channel %d, row %d: %.9g, want %.9g, of which %.9g is the edit", c, r, got, g + edit, edit);
    }
}

static void a_balancer_beyond_its_limits_adds_the_slope_of_its_penalty(void **state)
{
    (void)state;
    subject s;
    fill(&s, 1);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            ting_row(s.x, r)[c] = (ting_real)(PLACES[c].offset + PLACES[c].spread * (double)ting_row(s.x, r)[c]);
    pass(&s, balance, &limits);
    for (int c = 0; c < COLS; c++)
        check_channel(&s, c);
}

/* ---- whiten ---- */

typedef struct whitening {
    double x[ROWS][COLS];
    int groups;
} whitening;

/* With the rows of a group centred, the sum of the squares of X^T X is that of X X^T, and the trace is the sum of the
 * squares of X: products of rows instead of columns. */
static double whiten_metric(const void *arg)
{
    const whitening *w = arg;
    int width = COLS / w->groups;
    double squares = 0, trace = 0, mean[COLS] = {0};
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            mean[c] += w->x[r][c] / ROWS;
    for (int g = 0; g < w->groups; g++)
        for (int a = 0; a < ROWS; a++)
            for (int b = 0; b < ROWS; b++) {
                double product = 0;
                for (int c = g * width; c < (g + 1) * width; c++)
                    product += (w->x[a][c] - mean[c]) * (w->x[b][c] - mean[c]);
                squares += product * product;
                trace += a == b ? product : 0;
            }
    return squares / COLS / (trace / COLS * (trace / COLS));
}

typedef struct whiten_setting {
    int groups;
    ting_real limit, grad_scale;
} whiten_setting;

static ting_tensor whiten(ting_ctx *ctx, ting_tensor x, const void *setting)
{
    const whiten_setting *s = setting;
    return ting_whiten(ctx, ting_scale(ctx, x, 1), s->groups, s->limit, s->grad_scale);
}

/* Columns that follow each other, with means that are not zero. */
static void correlate(subject *s)
{
    for (int r = 0; r < ROWS; r++)
        for (int c = 1; c < COLS; c++)
            ting_row(s->x, r)[c] += (ting_real)0.8 * ting_row(s->x, r)[c - 1] - (ting_real)0.1;
}

/* The limit is `share` of the metric; `edited`: whether the gradient has to change. */
static void check_whiten(int groups, double share, bool edited)
{
    subject s;
    whitening w = {.groups = groups};
    double penalty[ROWS][COLS], above = 0, length = 0;
    fill(&s, 2);
    correlate(&s);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            w.x[r][c] = (double)ting_row(s.x, r)[c];
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            penalty[r][c] = slope(whiten_metric, &w, &w.x[r][c], 1e-3);
            length += penalty[r][c] * penalty[r][c];
            above += (double)s.above[r][c] * (double)s.above[r][c];
        }
    const whiten_setting setting = {groups, (ting_real)(share * whiten_metric(&w)), (ting_real)0.3};
    pass(&s, whiten, &setting);
    double scale = edited ? (double)setting.grad_scale * sqrt(above / length) : 0, size = sqrt(above / ROWS / COLS);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            double want = (double)s.above[r][c] + scale * penalty[r][c], got = (double)ting_grad_row(s.x, r)[c] - 0.5;
            if (!(fabs(got - want) <= allowed() * (0.5 + fabs(want) + size)))
                fail_msg("%d groups, row %d, column %d: %.9g, want %.9g, of which %.9g is the edit", groups, r, c, got,
                         want, scale * penalty[r][c]);
        }
}

static void a_whitener_above_its_limit_adds_the_slope_of_its_metric(void **state)
{
    (void)state;
    for (int groups = 1; groups <= 4; groups++)
        check_whiten(groups, 0.99, true);
}

static void a_whitener_below_its_limit_adds_nothing(void **state)
{
    (void)state;
    check_whiten(1, 1.01, false);
    check_whiten(3, 1.01, false);
}

/* ---- element by element: rounding of a product or a sum, of what was there and what is added ---- */

static ting_tensor scale_gradient(ting_ctx *ctx, ting_tensor x, const void *setting)
{
    return ting_scale_grad(ctx, ting_scale(ctx, x, 1), *(const ting_real *)setting);
}

static void scale_grad_passes_a_part(void **state)
{
    (void)state;
    subject s;
    const ting_real factor = (ting_real)0.2;
    fill(&s, 6);
    pass(&s, scale_gradient, &factor);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            const double want = 0.5 + (double)factor * (double)s.above[r][c];
            assert_true(fabs((double)ting_grad_row(s.x, r)[c] - want) <= 2 * unit * (0.5 + fabs(want)));
        }
}

/* The loss is divided by 8 units: so is the penalty of 0.04. */
static ting_tensor penalise(ting_ctx *ctx, ting_tensor x, const void *setting)
{
    ctx->units = *(const double *)setting;
    return ting_excess(ctx, ting_scale(ctx, x, 1), (ting_real)0.75, (ting_real)0.04);
}

static void an_excess_is_penalised_like_the_loss(void **state)
{
    (void)state;
    const double units[] = {0, 8};
    for (int i = 0; i < 2; i++) {
        subject s;
        fill(&s, 7);
        pass(&s, penalise, &units[i]);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLS; c++) {
                const double x = (double)ting_row(s.x, r)[c], penalty = 0.04 / (units[i] > 0 ? units[i] : 1);
                const double want = 0.5 + (double)s.above[r][c] + (x > 0.75 ? penalty : x < -0.75 ? -penalty : 0);
                assert_true(fabs((double)ting_grad_row(s.x, r)[c] - want) <= 4 * unit * (1 + fabs(want)));
            }
    }
}

/* A row of parameters through a bypass of x - 0 = 1: the gradient of parameter c is the sum of those above it. */
static void a_limit_turns_gradients_that_lead_out_of_it(void **state)
{
    (void)state;
    static const struct {
        double value, above, want; /* limits 0.2 .. 1; a step goes against the gradient */
    } cases[] = {{0.5, 2, 2}, {0.5, -2, -2}, {0.1, 2, -2}, {0.1, -2, -2}, {1.5, 2, 2}, {1.5, -2, 2}, {0.2, 2, 2}, {1, -2, -2}};
    enum { COUNT = sizeof cases / sizeof cases[0] };
    const int count = COUNT;
    ting_params *params = ting_params_new();
    const ting_param *w = ting_params_add(params, TING_PARAM_VALUES, 1, &count, "scale");
    assert_ok(ting_params_alloc(params, true));
    ting_tape tape = {0};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape,
                    .training = true};
    ting_tensor zero = ting_ctx_constant(&ctx, 1, COUNT), one = ting_ctx_constant(&ctx, 1, COUNT);
    for (int c = 0; c < COUNT; c++) {
        w->t.data[c] = (ting_real)cases[c].value;
        w->t.grad[c] = 3; /* of another use: not turned */
        zero.data[c] = 0;
        one.data[c] = 1;
    }
    const ting_param *limited = ting_limit(&ctx, w, (ting_real)0.2, 1);
    assert_true(limited->t.data == w->t.data);
    ting_tensor y = ting_bypass(&ctx, zero, one, limited);
    for (int c = 0; c < COUNT; c++)
        y.grad[c] = (ting_real)cases[c].above;
    assert_ok(ting_tape_backward(&ctx, &tape));
    for (int c = 0; c < COUNT; c++)
        assert_true((double)w->t.grad[c] == 3 + cases[c].want);
    ctx.training = false; /* the plain network: nothing is turned */
    assert_true(ting_limit(&ctx, w, 0, 1) == w);
    ting_arena_free(ctx.arena);
    ting_params_free(params);
}

/* ---- both, over enough rows to be shared out ---- */

enum { MANY = 700, WIDE = 60 };

/* The gradient of x [MANY, WIDE], in an arena of its own. */
static ting_real *gradient_on(ting_pool *pool, identity op, const void *setting, ting_arena *arena)
{
    ting_tape tape = {0};
    ting_rng rng = ting_rng_new(4, 4);
    ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect()), .tape = &tape, .training = true,
                    .pool = pool};
    ting_tensor x = ting_ctx_output(&ctx, MANY, WIDE);
    for (int i = 0; i < MANY * WIDE && ctx.err == TING_OK; i++)
        x.data[i] = (ting_real)(0.02 * (i % WIDE) + ting_rng_normal(&rng) * (1 + i % 7));
    ting_tensor y = op(&ctx, x, setting);
    for (int i = 0; i < MANY * WIDE && ctx.err == TING_OK; i++)
        y.grad[i] = (ting_real)ting_rng_normal(&rng);
    assert_ok(ting_tape_backward(&ctx, &tape));
    return x.grad;
}

static void edits_do_not_depend_on_threads(void **state)
{
    (void)state;
    const whiten_setting setting = {3, 1, (ting_real)0.3};
    for (int which = 0; which < 2; which++) {
        identity op = which == 0 ? balance : whiten;
        const void *with = which == 0 ? (const void *)&limits : &setting;
        ting_arena *alone = ting_arena_new(1 << 20);
        const ting_real *want = gradient_on(NULL, op, with, alone);
        for (int threads = 2; threads <= 8; threads *= 2) {
            ting_arena *arena = ting_arena_new(1 << 20);
            ting_pool *pool = ting_pool_new(threads);
            ting_grad_most_tasks();
            assert_memory_equal(gradient_on(pool, op, with, arena), want, MANY * WIDE * sizeof *want);
            assert_true(ting_grad_most_tasks() > 2);
            ting_pool_free(pool);
            ting_arena_free(arena);
        }
        ting_arena_free(alone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_balancer_beyond_its_limits_adds_the_slope_of_its_penalty),
        cmocka_unit_test(a_whitener_above_its_limit_adds_the_slope_of_its_metric),
        cmocka_unit_test(a_whitener_below_its_limit_adds_nothing),
        cmocka_unit_test(scale_grad_passes_a_part),
        cmocka_unit_test(an_excess_is_penalised_like_the_loss),
        cmocka_unit_test(a_limit_turns_gradients_that_lead_out_of_it),
        cmocka_unit_test(edits_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
