/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_align_sound.c - aligning real speech with the model that ships: the step from the transducer to the CTC head, stopping in the
 * search, and how well syllables were said when the text names others.
 */
#include "support/support.h"

#include "support/failing.h"

#include "engine/model.h"
#include "engine/pronounce.h"

#include <math.h>
#include <string.h>

#define SOUND "examples/sound/BAC009S0252W0453.flac"
#define SAID  "公安机关正在进一步调查中"

enum { CHARACTERS = 12 };

static ting_model *model;

static int open_model(void **state)
{
    (void)state;
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.hanzi = 0;
    assert_ok(ting_model_open("models/tingxie.gguf", &options, &model));
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    ting_model_free(model);
    return 0;
}

static ting_options one_thread(void)
{
    ting_options options;
    ting_options_defaults(&options, sizeof options);
    options.threads = 1;
    return options;
}

static const ting_char *character(const ting_result *result, int i)
{
    assert_int_equal(ting_result_sentence_count(result), 1);
    assert_int_equal(ting_result_sentence(result, 0)->char_count, CHARACTERS);
    return ting_sentence_char(ting_result_sentence(result, 0), i);
}

/* A transducer that never says anything: blank is e^1000 times as likely as any token, so that after one token a path is 1000 nats
 * behind the one that has waited, and is dropped. Nothing reaches the end of the text, and the CTC head is asked. */
static void a_transducer_that_waits_forever_leaves_it_to_the_ctc_head(void **state)
{
    (void)state;
    ting_result *usual, *other;
    const ting_options options = one_thread();
    const ting_am_net *net = model->hearing.am.net;
    ting_param *bias = ting_params_find(net->params, "joiner.output_linear.bias");
    assert_non_null(bias);
    assert_ok(ting_align_file(model, SOUND, SAID, &options, &usual));
    bias->t.data[net->config.transducer.blank] += 1000;
    assert_ok(ting_align_file(model, SOUND, SAID, &options, &other));
    bias->t.data[net->config.transducer.blank] -= 1000;
    for (int i = 0; i < CHARACTERS; i++) {
        const ting_char *a = character(usual, i), *b = character(other, i);
        assert_string_equal(a->text, b->text);
        assert_true(fabs(a->start - b->start) <= 0.2); /* docs/ALIGN.md: 0.16 s at most */
    }
    assert_true((double)ting_result_sentence(other, 0)->confidence > 0.3); /* the transducer's would be e^-1000 */
    ting_result_free(usual);
    ting_result_free(other);
}

typedef struct watcher {
    int heard, searched; /* calls while sound is heard, and after */
    int stop_at;         /* of the latter; 0: never */
} watcher;

static int watch(void *self, double done, double total)
{
    watcher *w = self;
    if (total <= 0 || done < total) {
        w->heard++;
        return 0;
    }
    return ++w->searched == w->stop_at;
}

static void the_search_can_be_stopped(void **state)
{
    (void)state;
    ting_result *result;
    ting_options options = one_thread();
    watcher all = {0}, one = {.stop_at = 2};
    options.progress = watch;
    options.progress_self = &all;
    assert_ok(ting_align_file(model, SOUND, SAID, &options, &result));
    ting_result_free(result);
    assert_true(all.heard > 0);
    assert_true(all.searched >= 3); /* 84 rows and more, asked every 32, and once at the end of the sound */
    options.progress_self = &one;
    assert_fails(TING_ERR_CANCELLED, "the text was looked for in 3.4 s", ting_align_file(model, SOUND, SAID, &options, &result));
    assert_null(result);
    assert_int_equal(one.searched, 2);
    options.pronunciation = 1;
    one = (watcher){.stop_at = all.searched + 5}; /* among the syllables */
    assert_fails(TING_ERR_CANCELLED, "was looked for", ting_align_file(model, SOUND, SAID, &options, &result));
}

/* What is asked of the syllable at one place of a text. */
typedef struct asked {
    const char *text;
    int place;
    const char *expected, *heard;
    bool initial, final, tone; /* whether each was said as the text has it */
} asked;

static void check_grade(const ting_grade *grade, bool good)
{
    assert_true(grade->score >= 0 && grade->score <= 100);
    assert_true(fabs(grade->score - 100 / (1 + exp(-grade->log_ratio))) < 1e-9);
    assert_true(good ? grade->score > 60 : grade->score < 10);
}

static void scores_tell_what_was_said_wrong(void **state)
{
    (void)state;
    static const asked cases[] = {
        {"公安机关正在进一步调查中", 4, "zheng4", "zheng4", true, true, true},
        {"公安机关整在进一步调查中", 4, "zheng3", "zheng4", true, true, false}, /* 整 */
        {"公安机关赠在进一步调查中", 4, "zeng4", "zheng4", false, true, true},  /* 赠 */
        {"公安机关正在禁一步调茶中", 10, "cha2", "cha2", true, true, true},     /* other hanzi of the same sound: no difference */
        {"公安机关正在进一步调沙中", 10, "sha1", "cha2", false, true, false},   /* 沙 */
        {"公安机关正在进一步调柴中", 10, "chai2", "cha2", true, false, true},   /* 柴 */
        {"东安机关正在进一步调查中", 0, "dong1", "gong1", false, true, true},   /* 东: the first has no neighbour in front */
        {"公安机关正在进一步调查忠", 11, "zhong1", "zhong1", true, true, true}, /* the last none behind */
    };
    ting_options options = one_thread();
    options.pronunciation = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const asked *a = &cases[i];
        ting_result *result;
        assert_ok(ting_align_file(model, SOUND, a->text, &options, &result));
        const ting_pronunciation *p = character(result, a->place)->pronunciation;
        assert_ptr_equal(ting_hypothesis_char(ting_result_sentence(result, 0), 0, 0), ting_sentence_char(ting_result_sentence(result, 0), 0));
        assert_non_null(p);
        assert_string_equal(p->expected, a->expected);
        assert_string_equal(p->heard, a->heard);
        check_grade(&p->initial, a->initial);
        check_grade(&p->final, a->final);
        check_grade(&p->tone, a->tone);
        check_grade(&p->syllable, a->initial && a->final && a->tone);
        ting_result_free(result);
    }
}

static void scores_are_given_when_asked_for(void **state)
{
    (void)state;
    ting_result *result;
    ting_options options = one_thread();
    assert_ok(ting_align_file(model, SOUND, SAID, &options, &result));
    for (int i = 0; i < CHARACTERS; i++)
        assert_null(character(result, i)->pronunciation);
    ting_result_free(result);
    assert_fails(TING_ERR_ARGUMENT, "no text", ting_align_file(model, SOUND, NULL, &options, &result));
    static const float silence[100];
    assert_fails(TING_ERR_ARGUMENT, "the text is too long for the sound: 12 characters in 0.006 s",
                 ting_align_samples(model, silence, 100, 16000, SAID, &options, &result));
    assert_fails(TING_ERR_ARGUMENT, "no sound", ting_align_samples(model, NULL, 0, 16000, SAID, &options, &result));
    assert_fails(TING_ERR_ARGUMENT, "no path", ting_align_file(model, NULL, SAID, &options, &result));
    options.pronunciation = 2;
    assert_fails(TING_ERR_ARGUMENT, "options.pronunciation is 2: 0 to 1", ting_align_file(model, SOUND, SAID, &options, &result));
}

static struct { /* two syllables of the model's, aligned with rows that say nothing */
    ting_ctx ctx;
    ting_tensor rows;
    ting_emission emissions[4];
    int paths[2], firsts[2];
    ting_forced_alignment alignment;
} made;

static int token(const char *text)
{
    for (size_t i = 0; i < model->hearing.am.tokens.count; i++)
        if (strcmp(model->hearing.am.tokens.items[i], text) == 0)
            return (int)i;
    fail_msg("the model lacks %s", text);
    return -1;
}

static ting_err pronounce_once(void *arg)
{
    ting_err err = TING_OK;
    const bool *ctc = arg;
    ting_pronouncer *pronouncer = NULL;
    const ting_pronunciation *p;
    ting_arena *arena = ting_arena_new(64);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = made.ctx.kern};
    if (arena == NULL || ctx.arena == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_pronouncer_new(&model->hearing.am, &pronouncer));
    for (int place = 0; place < 2; place++)
        TRY(ting_pronounce(pronouncer, &ctx, made.rows, &made.alignment, *ctc, place, 2, arena, &p));
    assert_string_equal(p->expected, "guo2");
out:
    ting_pronouncer_free(pronouncer);
    ting_arena_free(arena);
    ting_arena_free(ctx.arena);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    enum { ROWS = 20 };
    static const char *const said[4] = {"zh", "ōng", "g", "uó"};
    const ting_am_net *net = model->hearing.am.net;
    made.ctx = (ting_ctx){.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    made.rows = ting_ctx_constant(&made.ctx, ROWS, net->config.transducer.encoder_dim);
    memset(made.rows.data, 0, (size_t)ROWS * (size_t)made.rows.ld * sizeof *made.rows.data);
    for (int i = 0; i < 4; i++)
        made.emissions[i] = (ting_emission){.token = token(said[i]), .row = 3 + 4 * i};
    made.firsts[1] = 2;
    made.alignment = (ting_forced_alignment){.emissions = made.emissions, .count = 4, .paths = made.paths, .firsts = made.firsts};
    for (int ctc = 0; ctc < 2; ctc++)
        assert_true(ting_fail_each_allocation(pronounce_once, &(bool){ctc == 1}) >= 4); /* two arenas, the pronouncer, blocks */
    ting_arena_free(made.ctx.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transducer_that_waits_forever_leaves_it_to_the_ctc_head),
        cmocka_unit_test(the_search_can_be_stopped),
        cmocka_unit_test(scores_tell_what_was_said_wrong),
        cmocka_unit_test(scores_are_given_when_asked_for),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
