/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_invariance.c - what must not change a result: recording, packed weights, the company of other
 * segments, the number of threads. Bit by bit, except for packed weights. And memory that runs out.
 */
#include "grad/grad.h"

#include "base/mem.h"
#include "support/failing.h"

#include "support/support.h"

#include <math.h>
#include <string.h>

static ting_ctx new_ctx(ting_tape *tape, ting_pool *pool)
{
    return (ting_ctx){.arena = ting_arena_new(1 << 22), .kern = ting_kern_select(ting_cpu_detect()),
                      .tape = tape, .pool = pool};
}

static void assert_same_row(const ting_real *got, const ting_real *want, int cols, int variant, int row)
{
    for (int c = 0; c < cols; c++)
        if (memcmp(&got[c], &want[c], sizeof *got) != 0)
            fail_msg("variant %d, row %d, column %d: %.9g, want %.9g", variant, row, c, (double)got[c],
                     (double)want[c]);
}

static void recording_changes_nothing(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, true);
        ting_tape tape = {0};
        ting_ctx plain = new_ctx(NULL, NULL), recording = new_ctx(&tape, NULL);
        ting_grad_forward(&p, of, &plain);
        ting_tensor want[TING_GRAD_MOST];
        memcpy(want, p.output, sizeof want);
        ting_grad_forward(&p, of, &recording);
        for (int o = 0; o < p.outputs; o++) {
            assert_int_equal(p.output[o].rows, want[o].rows);
            for (int r = 0; r < want[o].rows; r++)
                assert_same_row(ting_row(p.output[o], r), ting_row(want[o], r), want[o].cols, variant, r);
        }
        ting_arena_free(plain.arena);
        ting_arena_free(recording.arena);
        ting_grad_problem_free(&p);
    }
}

/*
 * Two orders of a sum of k <= 9 products of numbers below 15 differ by at most 2 k u (15 k) = 2430 u; the
 * activations and the steps of a recurrence (7 at most) here do not enlarge it by more than 10.
 */
static void packed_weights_agree(void **state)
{
    const ting_grad_case *of = *state;
    const double unit = sizeof(ting_real) == sizeof(double) ? 0x1p-53 : 0x1p-24;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, false);
        ting_ctx plain = new_ctx(NULL, NULL), packed = new_ctx(NULL, NULL);
        ting_grad_forward(&p, of, &plain);
        ting_tensor want[TING_GRAD_MOST];
        memcpy(want, p.output, sizeof want);
        for (int i = 0; i < ting_params_count(p.params); i++) {
            ting_param *w = ting_params_at(p.params, i);
            ting_weight weight = {.n = w->t.rows, .k = w->t.cols, .real = w->t.data};
            if (w->role == TING_PARAM_MATRIX) {
                w->packed = ting_pack(packed.kern, TING_PRECISION_F32, &weight);
                assert_non_null(w->packed);
            }
        }
        ting_grad_forward(&p, of, &packed);
        for (int o = 0; o < p.outputs; o++)
            for (int r = 0; r < want[o].rows; r++)
                for (int c = 0; c < want[o].cols; c++) {
                    double difference = (double)ting_row(p.output[o], r)[c] - (double)ting_row(want[o], r)[c];
                    assert_true(fabs(difference) <= 24300 * unit);
                }
        ting_arena_free(plain.arena);
        ting_arena_free(packed.arena);
        ting_grad_problem_free(&p);
    }
}

/* The problem with segment s only. */
static ting_grad_problem alone(const ting_grad_problem *p, int s, int start[2])
{
    ting_grad_problem one = *p;
    const int first = p->segments.start[s], rows = p->segments.start[s + 1] - first;
    const int total = p->segments.start[p->segments.count];
    start[0] = 0;
    start[1] = rows;
    one.segments = (ting_segments){.count = 1, .start = start};
    for (int i = 0; i < p->inputs; i++) {
        ting_tensor *t = &one.input[i].t;
        int factor = t->rows / total;
        if (p->input[i].rows == TING_ROWS_OF_FRAMES)
            *t = ting_rows(*t, factor * first, factor * rows);
        else if (p->input[i].rows == TING_ROWS_OF_SEGMENTS)
            *t = ting_rows(*t, t->rows / p->segments.count * s, t->rows / p->segments.count);
    }
    if (one.ids != NULL)
        one.ids += first;
    if (one.weights != NULL)
        one.weights += first;
    return one;
}

static void a_segment_alone_is_the_same(void **state)
{
    const ting_grad_case *of = *state;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem p;
        ting_grad_problem_make(&p, of, variant, true);
        ting_ctx ctx = new_ctx(NULL, NULL);
        ting_grad_forward(&p, of, &ctx);
        for (int s = 0; p.row_factor > 0 && s < p.segments.count; s++) {
            int start[2];
            ting_grad_problem one = alone(&p, s, start);
            ting_grad_forward(&one, of, &ctx);
            for (int o = 0; o < p.outputs; o++) {
                ting_tensor got = one.output[o], want = p.output[o];
                int first = o == 0 ? p.row_factor * p.segments.start[s] : s;
                assert_int_equal(got.rows, o == 0 ? p.row_factor * start[1] : 1);
                for (int r = 0; r < got.rows; r++) /* weights of a short segment have fewer columns */
                    assert_same_row(ting_row(got, r), ting_row(want, first + r), got.cols, variant, first + r);
            }
        }
        ting_arena_free(ctx.arena);
        ting_grad_problem_free(&p);
    }
}

/* Forward and backward, the gradient of every output element a fixed number. */
static void run_all(ting_grad_problem *p, const ting_grad_case *of, ting_ctx *ctx, ting_tape *tape)
{
    for (int i = 0; i < p->inputs; i++)
        memset(p->input[i].t.grad, 0, (size_t)p->input[i].t.rows * (size_t)p->input[i].t.ld * sizeof(ting_real));
    ting_params_zero_gradients(p->params);
    ting_grad_forward(p, of, ctx);
    for (int o = 0; o < p->outputs; o++)
        for (int r = 0; r < p->output[o].rows; r++)
            for (int c = 0; c < p->output[o].cols; c++)
                ting_grad_row(p->output[o], r)[c] = (ting_real)sin(r + 0.7 * c + o);
    ting_grad_most_tasks();
    assert_ok(ting_tape_backward(ctx, tape));
}

static void assert_same_outputs(const ting_grad_problem *got, const ting_grad_problem *want)
{
    for (int o = 0; o < want->outputs; o++)
        for (int r = 0; r < want->output[o].rows; r++)
            assert_same_row(ting_row(got->output[o], r), ting_row(want->output[o], r), want->output[o].cols,
                            want->variant, r);
}

static void assert_same_gradients(const ting_grad_problem *got, const ting_grad_problem *want)
{
    for (int n = 0; n < want->inputs; n++)
        for (int r = 0; r < want->input[n].t.rows; r++)
            assert_same_row(ting_grad_row(got->input[n].t, r), ting_grad_row(want->input[n].t, r),
                            want->input[n].t.cols, want->variant, r);
    assert_memory_equal(ting_params_gradients(got->params), ting_params_gradients(want->params),
                        ting_params_elements(want->params) * sizeof(ting_real));
}

/* The most tasks of a loop, in a forward that does not record (clearing gradients is no work of the op) and in backward;
 * the results must be those of `one`. */
static void run_on(int threads, const ting_grad_case *of, const ting_grad_problem *one, int *forward, int *backward)
{
    ting_grad_problem p;
    ting_grad_problem_make(&p, of, one->variant, true);
    ting_pool *pool = ting_pool_new(threads);
    assert_non_null(pool);
    ting_tape tape = {0};
    ting_ctx bare = new_ctx(NULL, pool), ctx = new_ctx(&tape, pool);
    ting_grad_most_tasks();
    ting_grad_forward(&p, of, &bare);
    int most = ting_grad_most_tasks();
    *forward = most > *forward ? most : *forward;
    assert_same_outputs(&p, one);
    run_all(&p, of, &ctx, &tape);
    most = ting_grad_most_tasks();
    *backward = most > *backward ? most : *backward;
    assert_same_outputs(&p, one);
    assert_same_gradients(&p, one);
    ting_arena_free(bare.arena);
    ting_arena_free(ctx.arena);
    ting_pool_free(pool);
    ting_grad_problem_free(&p);
}

static void threads_do_not_matter(void **state)
{
    enum { ENOUGH = 3 }; /* a bias of up to 128 columns is summed in two strips, which says nothing of the op */
    const ting_grad_case *of = *state;
    bool identity = true;
    int forward = 0, backward = 0;
    for (int variant = 0; variant < of->variants; variant++) {
        ting_grad_problem one;
        ting_grad_problem_make(&one, of, variant, true);
        ting_tape tape = {0};
        ting_ctx ctx = new_ctx(&tape, NULL);
        run_all(&one, of, &ctx, &tape);
        identity = identity && one.output[0].data == one.input[0].t.data;
        static const int threads[] = {2, 3, 8};
        for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
            run_on(threads[i], of, &one, &forward, &backward);
        ting_arena_free(ctx.arena);
        ting_grad_problem_free(&one);
    }
    if ((forward < ENOUGH && !identity) || backward < ENOUGH)
        fail_msg("at most %d tasks in forward and %d in backward: nothing to share", forward, backward);
}

/* Forward and backward with only `bytes` of memory; the next allocation fails. */
static ting_err run_within(ting_grad_problem *p, const ting_grad_case *of, size_t bytes)
{
    enum { BLOCK = 1 << 22 };
    ting_tape tape = {0};
    ting_ctx ctx = new_ctx(&tape, NULL);
    assert_non_null(ting_arena_take(ctx.arena, BLOCK - bytes - 2 * TING_ALIGN)); /* the room of one red zone less */
    ting_arena_mark mark = ting_arena_tell(p->memory);
    ting_fail_allocation(1);
    ctx.training = true;
    ctx.rng = ting_rng_new(3, 4);
    of->forward(p, &ctx);
    for (int o = 0; ctx.err == TING_OK && o < p->outputs; o++)
        ting_grad_row(p->output[o], 0)[0] = 1;
    ting_err err = ting_tape_backward(&ctx, &tape);
    ting_fail_allocation(0);
    ting_arena_rewind(p->memory, mark);
    ting_arena_free(ctx.arena);
    return err;
}

/* Whichever piece of memory is refused, the error says so and nothing is touched out of bounds (ASan sees). */
static void running_out_of_memory_is_reported(void **state)
{
    enum { STEP = 1024, MOST = 1 << 21 };
    const ting_grad_case *of = *state;
    ting_grad_problem p;
    ting_grad_problem_make(&p, of, 0, false);
    size_t bytes = 0;
    for (; bytes < MOST; bytes += STEP) {
        ting_err err = run_within(&p, of, bytes);
        if (err == TING_OK)
            break;
        assert_int_equal(err, TING_ERR_MEMORY);
    }
    assert_in_range(bytes, 1, MOST - 1);
    ting_grad_problem_free(&p);
}

int main(void)
{
    struct CMUnitTest tests[5 * TING_OP_COUNT];
    size_t count = 0;
    for (int op = 0; op < TING_OP_COUNT; op++) {
        void *of = (void *)(uintptr_t)ting_grad_cases()[op];
        const char *name = ting_op_name((ting_op)op);
        tests[count++] = (struct CMUnitTest){name, recording_changes_nothing, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, packed_weights_agree, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, a_segment_alone_is_the_same, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, threads_do_not_matter, NULL, NULL, of};
        tests[count++] = (struct CMUnitTest){name, running_out_of_memory_is_reported, NULL, NULL, of};
    }
    return _cmocka_run_group_tests("invariance", tests, count, NULL, NULL);
}
