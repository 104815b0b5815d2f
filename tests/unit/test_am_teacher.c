/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_teacher.c - which networks can teach: one that hears whole utterances gives the rows of its encoder; one with other rows
 * than the pupil, with features normalised in another way, without the pupil's tokens or without a transducer is refused. Teachers
 * that stream are in test_am_train.c.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "engine/am.h"
#include "support/tiny.h"
#include "train/am_teacher.h"

#include <string.h>

enum { DIM = 40, FRAMES = 90, LAST = 61 };

static const char *const tokens[] = {"<blk>", "zh", "ōng", "g", "uó", "ǎo", "n", "ǐ", "<unk>"};

/* A Zipformer that hears whole utterances, with these heads. */
static ting_am_config settings(bool transducer)
{
    const ting_zipformer_stack_config stack = {.layers = 1, .dim = 16, .heads = 2, .query_dim = 4, .value_dim = 4,
                                               .pos_head_dim = 2, .feedforward = 32, .kernel = 5, .downsampling = 1};
    ting_am_config config = {.encoder = {.kind = TING_ENCODER_ZIPFORMER,
                                         .zipformer = {.features = DIM,
                                                       .embed_channels = {2, 4, 8},
                                                       .stacks = 1,
                                                       .stack = {stack},
                                                       .pos_dim = 8,
                                                       .output_downsampling = 2}}};
    if (transducer)
        config.transducer = (ting_transducer_config){.vocab = 9, .context = 2, .decoder_dim = 16, .joiner_dim = 16, .groups = 4};
    else
        config.ctc = (ting_ctc_config){.vocab = 9};
    return config;
}

static char *save(const char *name, bool transducer, const ting_cmvn *cmvn)
{
    char *path = ting_temp_path(name);
    const ting_am_config config = settings(transducer);
    const ting_am_about about = {.name = "teacher",
                                 .features = cmvn != NULL ? "icefall bins=40 cmvn=global" : "icefall bins=40",
                                 .cmvn = cmvn,
                                 .tokens = tokens,
                                 .token_count = 9};
    assert_ok(ting_tiny_net_save(path, 3, &config, &about));
    return path;
}

static void rows_are_those_of_the_encoder(void **state)
{
    (void)state;
    char *path = save("whole.gguf", true, NULL);
    ting_am_teacher *teacher;
    ting_am am;
    ting_gguf file;
    ting_rng rng = ting_rng_new(7, 1);
    static float values[(FRAMES + LAST) * DIM];
    const int starts[] = {0, FRAMES, FRAMES + LAST};
    int own[3], wrong[3];
    assert_ok(ting_am_teacher_open(path, TING_PRECISION_F32, &teacher));
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = (float)ting_rng_normal(&rng);
    const ting_segments segments = {2, starts};
    const ting_speech_batch batch = {.views = 1, .utterances = 2, .frames = segments, .clean = values};
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(TING_CPU_SCALAR)};
    ting_tensor y = ting_encoder_forward(&ctx, am.net->encoder,
                                         (ting_tensor){.data = values, .rows = FRAMES + LAST, .cols = DIM, .ld = DIM}, segments,
                                         &(ting_encoder_mode){0}, own);
    ting_tensor want = ting_transducer_project_encoder(&ctx, am.net->transducer, y);
    ting_am_taught taught = ting_am_teach(teacher, &ctx, &batch, (ting_segments){2, own}, false);
    assert_ok(ctx.err);
    assert_int_equal(taught.rows.rows, want.rows);
    assert_int_equal(taught.rows.cols, want.cols);
    ting_assert_close(taught.rows.data, want.data, (size_t)(want.rows * want.cols), 1e-5, "rows");
    for (int i = 0; i < 3; i++) /* a pupil of half the rows a second */
        wrong[i] = own[i] / 2;
    ting_am_teach(teacher, &ctx, &batch, (ting_segments){2, wrong}, false);
    assert_fails(TING_ERR_MODEL, "it must have the same subsampling", ctx.err);
    ting_arena_free(ctx.arena);
    ting_am_free(&am);
    ting_gguf_close(&file);
    ting_am_teacher_free(teacher);
    ting_free(path);
}

/* Otherwise rows would be compared with those of another time, or of what sounds otherwise. */
static void another_rate_or_normalisation_is_refused(void **state)
{
    (void)state;
    float mean[DIM], scale[DIM];
    ting_cmvn own, near, other;
    ting_am_teacher *teacher;
    ting_encoder_config pupil = settings(true).encoder;
    for (int i = 0; i < DIM; i++) {
        mean[i] = (float)i;
        scale[i] = 0.5F;
    }
    assert_ok(ting_cmvn_init(DIM, mean, scale, &own));
    mean[DIM - 1] += 1e-5F; /* 5e-6 deviations */
    assert_ok(ting_cmvn_init(DIM, mean, scale, &near));
    scale[DIM - 1] = 0.51F;
    assert_ok(ting_cmvn_init(DIM, mean, scale, &other));
    char *path = save("normalised.gguf", true, &own);
    assert_ok(ting_am_teacher_open(path, TING_PRECISION_F32, &teacher));
    assert_ok(ting_am_teacher_hears(teacher, &pupil, &own));
    assert_ok(ting_am_teacher_hears(teacher, &pupil, &near));
    assert_fails(TING_ERR_MODEL, "another mean and variance", ting_am_teacher_hears(teacher, &pupil, &other));
    pupil.zipformer.output_downsampling = 4;
    assert_fails(TING_ERR_MODEL, "a row for 4 frames, the recipe's encoder for 8", ting_am_teacher_hears(teacher, &pupil, &own));
    ting_am_teacher_free(teacher);
    ting_cmvn_free(&own);
    ting_cmvn_free(&near);
    ting_cmvn_free(&other);
    ting_free(path);
}

static void tokens_are_matched_by_their_text(void **state)
{
    (void)state;
    const char *some[] = {"x", "g", "<blank>", "zh", "n2"}, *none[] = {"<blk>", "x"};
    char *path = save("tokens.gguf", true, NULL);
    ting_am_teacher *teacher;
    int shared;
    assert_ok(ting_am_teacher_open(path, TING_PRECISION_F32, &teacher));
    assert_ok(ting_am_teacher_agree(teacher, &(ting_texts){.items = some, .count = 5}, 2, &shared));
    assert_int_equal(shared, 2); /* g and zh; blanks are what they are, however they are written */
    assert_fails(TING_ERR_MODEL, "none of the recipe's 2 tokens",
                 ting_am_teacher_agree(teacher, &(ting_texts){.items = none, .count = 2}, 0, &shared));
    ting_am_teacher_free(teacher);
    ting_free(path);
}

static void a_teacher_has_a_transducer(void **state)
{
    (void)state;
    char *path = save("ctc.gguf", false, NULL);
    ting_am_teacher *teacher;
    assert_fails(TING_ERR_MODEL, "ctc.gguf: a teacher must have a transducer",
                 ting_am_teacher_open(path, TING_PRECISION_F32, &teacher));
    assert_null(teacher);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_encoder),
        cmocka_unit_test(another_rate_or_normalisation_is_refused),
        cmocka_unit_test(tokens_are_matched_by_their_text),
        cmocka_unit_test(a_teacher_has_a_transducer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
