/* SPDX-License-Identifier: Apache-2.0 */
/* test_bahdanau.c - the recurrent encoder and decoder: a batch equals its members, a beginning equals the whole's, what is refused. */
#include "support/failing.h"
#include "support/support.h"

#include "base/rng.h"
#include "model/bahdanau.h"

#include <math.h>
#include <string.h>

enum { SYLLABLES = 11, CHARACTERS = 12, SPOKEN = 3, WRITTEN = 4 };

static const int spoken[] = {5, 9, 4, 7, 5, 9, 10, 8}, written[] = {1, 6, 1, 9, 4, 5, 8, 1, 3};
static const int spoken_start[] = {0, 3, 4, 8}, written_start[] = {0, 2, 2, 7, 9};
static const int of_memory[] = {2, 1, 0, 2}; /* two hypotheses of one sentence; one that has not begun */

typedef struct model {
    ting_bahdanau_net *net;
    ting_params *params;
    ting_arena *arena;
    ting_ctx ctx;
} model;

static model make(void)
{
    const ting_bahdanau_shape shape = {.syllables = SYLLABLES, .characters = CHARACTERS, .width = 5, .hidden = 7, .attention = 6};
    model m = {.params = ting_params_new(), .arena = ting_arena_new(1 << 20)};
    assert_ok(ting_bahdanau_shape_check(&shape));
    m.net = ting_bahdanau_net_new(&shape, m.params);
    assert_non_null(m.net);
    assert_ok(ting_params_alloc(m.params, false));
    assert_ok(ting_params_start(m.params, 4));
    m.ctx = (ting_ctx){.arena = m.arena, .kern = ting_kern_select(ting_cpu_detect())};
    return m;
}

static void drop(model *m)
{
    ting_bahdanau_net_free(m->net);
    ting_params_free(m->params);
    ting_arena_free(m->arena);
}

/* The logits of `segments` of ids, each from one of the spoken sentences. */
static ting_tensor run(model *m, ting_segments sources, const int *source, const int *ids, ting_segments segments, const int *of)
{
    ting_tensor memory = ting_bahdanau_encode(&m->ctx, m->net, source, sources);
    ting_tensor y = ting_bahdanau_logits(&m->ctx, m->net,
                                         ting_bahdanau_decode(&m->ctx, m->net, memory, sources, ids, segments, of));
    assert_ok(m->ctx.err);
    assert_int_equal(y.rows, segments.start[segments.count]);
    assert_int_equal(y.cols, CHARACTERS);
    return y;
}

static void assert_same_rows(ting_tensor got, ting_tensor want, int first)
{
    for (int r = 0; r < got.rows; r++)
        assert_memory_equal(ting_row(got, r), ting_row(want, first + r), (size_t)want.cols * sizeof *want.data);
}

static void a_sentence_alone_is_the_same(void **state)
{
    (void)state;
    model m = make();
    const ting_segments sources = {SPOKEN, spoken_start}, targets = {WRITTEN, written_start};
    const ting_tensor want = run(&m, sources, spoken, written, targets, of_memory);
    for (int s = 0; s < WRITTEN; s++) {
        const int from = of_memory[s], first = written_start[s];
        const int source_start[2] = {0, spoken_start[from + 1] - spoken_start[from]};
        for (int rows = 0; rows <= written_start[s + 1] - first; rows++) { /* and each of its beginnings */
            const int target_start[2] = {0, rows};
            assert_same_rows(run(&m, (ting_segments){1, source_start}, spoken + spoken_start[from], written + first,
                                 (ting_segments){1, target_start}, NULL),
                             want, first);
        }
    }
    drop(&m);
}

/* One character after the other gives the rows of the whole, also where a hypothesis splits, moves or falls out. */
static void steps_are_the_whole(void **state)
{
    (void)state;
    static const int lines[3][3] = {{1, 6, 4}, {1, 5, 8}, {1, 6, 9}}; /* of sentence 0, of 2, of 0 again */
    static const int sentence[] = {0, 2, 0}, starts[] = {0, 3, 6, 9};
    static const struct {
        int count, ids[3], parents[3], is[3]; /* is: which line each hypothesis is a beginning of */
    } steps[] = {{3, {1, 1, 1}, {0, 0, 0}, {0, 0, 1}}, {2, {5, 6}, {2, 0}, {1, 0}}, {3, {9, 8, 4}, {1, 0, 1}, {2, 1, 0}}};
    model m = make();
    const ting_segments sources = {SPOKEN, spoken_start};
    const ting_tensor want = run(&m, sources, spoken, &lines[0][0], (ting_segments){3, starts}, sentence);
    const ting_tensor memory = ting_bahdanau_encode(&m.ctx, m.net, spoken, sources);
    ting_bahdanau_steps *s;
    assert_ok(ting_bahdanau_steps_new(&m.ctx, m.net, memory, sources, 4, &s));
    for (int t = 0; t < 3; t++) {
        const int *parents = t == 0 ? NULL : steps[t].parents;
        const ting_tensor y = ting_bahdanau_logits(&m.ctx, m.net, ting_bahdanau_step(&m.ctx, s, steps[t].ids, parents, steps[t].count));
        assert_ok(m.ctx.err);
        for (int i = 0; i < steps[t].count; i++) /* in the first step hypothesis 1 is of sentence 1, which nobody asks for */
            for (int c = 0; (t > 0 || i != 1) && c < CHARACTERS; c++)
                assert_true(fabs((double)(ting_row(y, i)[c] - ting_row(want, starts[t == 0 ? i / 2 : steps[t].is[i]] + t)[c])) < 1e-5);
    }
    ting_bahdanau_step(&m.ctx, s, steps[0].ids, (const int[]){0, 3, 0}, 3);
    assert_int_equal(m.ctx.err, TING_ERR_INTERNAL);
    m.ctx.err = TING_OK;
    ting_bahdanau_step(&m.ctx, s, (const int[]){1, 1, 1, 1, 1}, (const int[]){0, 0, 0, 0, 0}, 5);
    assert_int_equal(m.ctx.err, TING_ERR_ARGUMENT);
    m.ctx.err = TING_OK;
    ting_bahdanau_steps_free(s);
    drop(&m);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    const ting_bahdanau_shape shape = {.syllables = SYLLABLES, .characters = CHARACTERS, .width = 5, .hidden = 0, .attention = 6};
    assert_fails(TING_ERR_MODEL, "hidden is 0, expected 1 to", ting_bahdanau_shape_check(&shape));
    model m = make();
    const int empty[3] = {0, 3, 3}, two[3] = {0, 1, 2}, wrong[2] = {1, CHARACTERS};
    ting_tensor memory = ting_bahdanau_encode(&m.ctx, m.net, spoken, (ting_segments){2, empty});
    ting_bahdanau_decode(&m.ctx, m.net, memory, (ting_segments){2, empty}, written, (ting_segments){2, two}, NULL);
    assert_int_equal(m.ctx.err, TING_ERR_INTERNAL);
    assert_non_null(strstr(ting_error_message(), "segment 1 looks at segment 1 of the memory, which is empty"));
    m.ctx.err = TING_OK;
    ting_bahdanau_decode(&m.ctx, m.net, memory, (ting_segments){1, empty}, wrong, (ting_segments){1, (int[]){0, 2}}, NULL);
    assert_int_equal(m.ctx.err, TING_ERR_INTERNAL);
    assert_non_null(strstr(ting_error_message(), "tgt_emb.weight has 12 rows"));
    drop(&m);
}

static ting_err all_of(void *unused)
{
    enum { SMALL = 256 };
    ting_err err = TING_OK;
    (void)unused;
    const ting_bahdanau_shape shape = {.syllables = SYLLABLES, .characters = CHARACTERS, .width = 5, .hidden = 7, .attention = 6};
    const ting_segments sources = {SPOKEN, spoken_start}, targets = {WRITTEN, written_start};
    ting_bahdanau_steps *steps = NULL;
    ting_arena *arena = ting_arena_new(SMALL);
    ting_params *params = ting_params_new();
    ting_bahdanau_net *net = arena == NULL || params == NULL ? NULL : ting_bahdanau_net_new(&shape, params);
    ting_ctx ctx = {.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
    if (net == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for the network");
    TRY(ting_params_declared(params));
    TRY(ting_params_alloc(params, false));
    ting_tensor memory = ting_bahdanau_encode(&ctx, net, spoken, sources);
    ting_bahdanau_logits(&ctx, net, ting_bahdanau_decode(&ctx, net, memory, sources, written, targets, of_memory));
    TRY(ctx.err);
    TRY(ting_bahdanau_steps_new(&ctx, net, memory, sources, SPOKEN, &steps));
    ting_bahdanau_step(&ctx, steps, written, (const int[]){2, 0}, 2);
    TRY(ctx.err);
out:
    ting_bahdanau_steps_free(steps);
    ting_bahdanau_net_free(net);
    ting_params_free(params);
    ting_arena_free(arena);
    return err;
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(all_of, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_alone_is_the_same),
        cmocka_unit_test(steps_are_the_whole),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
