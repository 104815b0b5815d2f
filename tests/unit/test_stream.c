/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c - the public interface on a tiny model: files, samples, streams in pieces of any size. */
#include "support/support.h"

#include "support/failing.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 14, SAMPLES = SECONDS * 16000 };

static char *path, *wav;
static ting_model *model;
static float sound[SAMPLES];

static int open_all(void **state)
{
    (void)state;
    path = ting_temp_path("tiny.gguf");
    wav = ting_temp_path("sound.wav");
    assert_ok(ting_tiny_model_save(path, 1, TING_TINY_AM));
    ting_tiny_sound(sound, SAMPLES);
    assert_ok(ting_tiny_wav_save(wav, sound, SAMPLES, 16000));
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.hanzi = 0;
    assert_ok(ting_model_open(path, &options, &model));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    ting_model_free(model);
    ting_free(path);
    ting_free(wav);
    return 0;
}

static ting_options pinyin_options(void)
{
    ting_options options;
    ting_options_defaults(&options, sizeof options);
    options.hanzi = 0;
    options.threads = 1;
    return options;
}

static void add_sentence(ting_str *out, const ting_sentence *s)
{
    ting_str_addf(out, "%.17g %.17g %s|", s->start, s->end, s->text);
    for (int i = 0; i < s->token_count; i++)
        ting_str_addf(out, "%d@%.17g(%.9g) ", ting_sentence_token(s, i)->id, ting_sentence_token(s, i)->start,
                      (double)ting_sentence_token(s, i)->log_prob);
    for (int i = 0; i < s->hypothesis_count; i++)
        ting_str_addf(out, "%s=%.17g ", ting_sentence_hypothesis(s, i)->pinyin, ting_sentence_hypothesis(s, i)->score);
    ting_str_add(out, "\n");
}

/* Everything that a stream says when it is fed pieces of `size` samples (0: random sizes). */
static void transcript(const ting_options *options, size_t size, ting_str *out)
{
    ting_stream *stream;
    const ting_sentence *sentence;
    ting_str_clear(out);
    ting_str_add(out, "");
    assert_ok(ting_stream_new(model, options, 16000, &stream));
    srand(2);
    for (size_t at = 0; at < SAMPLES;) {
        size_t part = size > 0 ? size : (size_t)(rand() % 20000);
        part = part < SAMPLES - at ? part : SAMPLES - at;
        assert_ok(ting_stream_feed(stream, sound + at, part));
        while ((sentence = ting_stream_poll(stream)) != NULL)
            add_sentence(out, sentence);
        at += part;
    }
    assert_ok(ting_stream_finish(stream));
    while ((sentence = ting_stream_poll(stream)) != NULL)
        add_sentence(out, sentence);
    ting_stream_free(stream);
}

static void pieces_of_any_size_say_the_same(void **state)
{
    (void)state;
    ting_str whole = {0}, pieces = {0};
    for (int way = 0; way < 2; way++) {
        ting_options options = pinyin_options();
        options.nbest = way == 0 ? 1 : 3; /* greedy, then beam */
        transcript(&options, SAMPLES, &whole);
        assert_true(whole.length > 200); /* it says something */
        static const size_t sizes[] = {0, 1, 160, 5119, 100000};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            transcript(&options, sizes[i], &pieces);
            assert_string_equal(pieces.text, whole.text);
        }
        for (int threads = 2; threads <= 8; threads *= 4) {
            options.threads = threads;
            transcript(&options, 0, &pieces);
            assert_string_equal(pieces.text, whole.text);
        }
    }
    ting_str_free(&whole);
    ting_str_free(&pieces);
}

static void a_file_says_what_its_samples_say(void **state)
{
    (void)state;
    ting_options options = pinyin_options();
    ting_result *file, *samples;
    assert_ok(ting_recognize_file(model, wav, &options, &file));
    /* the file has 16 bits: the same rounding for the samples */
    float *rounded = ting_alloc(SAMPLES, sizeof *rounded);
    for (int i = 0; i < SAMPLES; i++)
        rounded[i] = (float)(int)(sound[i] * 32768 + (sound[i] < 0 ? -0.5f : 0.5f)) / 32768;
    assert_ok(ting_recognize_samples(model, rounded, SAMPLES, 16000, &options, &samples));
    assert_string_equal(ting_result_text(file), ting_result_text(samples));
    assert_true(strlen(ting_result_text(file)) > 0);
    assert_true(ting_result_duration(file) == SECONDS && ting_result_duration(samples) == SECONDS);
    double last = 0;
    for (int i = 0; i < ting_result_sentence_count(file); i++) {
        const ting_sentence *s = ting_result_sentence(file, i);
        assert_true(s->start >= last && s->end >= s->start);
        for (int k = 0; k < s->char_count; k++) {
            const ting_char *c = ting_sentence_char(s, k);
            assert_true(c->start >= last && c->end >= c->start && c->confidence >= 0 && c->confidence <= 1);
            last = c->start;
        }
        last = s->end;
    }
    ting_free(rounded);
    ting_result_free(file);
    ting_result_free(samples);
}

static void a_reset_stream_is_a_fresh_one(void **state)
{
    (void)state;
    ting_options options = pinyin_options();
    ting_stream *stream;
    const ting_sentence *sentence;
    ting_str fresh = {0}, again = {0};
    transcript(&options, 8000, &fresh);
    assert_ok(ting_stream_new(model, &options, 16000, &stream));
    assert_ok(ting_stream_feed(stream, sound + 777, 50000));
    assert_ok(ting_stream_reset(stream));
    assert_true(ting_stream_fed(stream) == 0 && ting_stream_heard(stream) == 0);
    assert_ok(ting_stream_feed(stream, sound, SAMPLES));
    assert_ok(ting_stream_finish(stream));
    assert_ok(ting_stream_finish(stream)); /* twice is once */
    assert_fails(TING_ERR_ARGUMENT, "after the end", ting_stream_feed(stream, sound, 1));
    ting_str_add(&again, "");
    while ((sentence = ting_stream_poll(stream)) != NULL)
        add_sentence(&again, sentence);
    assert_string_equal(again.text, fresh.text);
    float broken = 1e30f * 1e30f;
    assert_ok(ting_stream_reset(stream));
    assert_fails(TING_ERR_NUMERIC, "not a number", ting_stream_feed(stream, &broken, 1));
    assert_fails(TING_ERR_ARGUMENT, "failed before", ting_stream_feed(stream, sound, 1));
    assert_ok(ting_stream_reset(stream));
    assert_ok(ting_stream_feed(stream, sound, 1));
    ting_stream_free(stream);
    ting_str_free(&fresh);
    ting_str_free(&again);
}

static void partials_grow_into_the_sentence(void **state)
{
    (void)state;
    ting_options options = pinyin_options();
    ting_stream *stream;
    ting_partial partial;
    char *last = ting_strdup("");
    int drafts = 0;
    assert_ok(ting_stream_new(model, &options, 16000, &stream));
    assert_ok(ting_stream_partial(stream, &partial));
    assert_string_equal(partial.text, "");
    for (size_t at = 0; at < SAMPLES; at += 1600) {
        assert_ok(ting_stream_feed(stream, sound + at, 1600));
        const ting_sentence *sentence;
        while ((sentence = ting_stream_poll(stream)) != NULL) {
            /* with greedy search nothing that was heard is taken back; at most the last syllable got its final */
            const char *cut = strrchr(last, ' ');
            assert_memory_equal(sentence->pinyin, last, cut != NULL ? (size_t)(cut - last) : 0);
            ting_free(last);
            last = ting_strdup("");
        }
        assert_ok(ting_stream_partial(stream, &partial));
        assert_true(partial.stable <= strlen(partial.text));
        if (partial.pinyin[0] != '\0') {
            drafts++;
            ting_free(last);
            last = ting_strdup(partial.pinyin);
            ting_partial same;
            assert_ok(ting_stream_partial(stream, &same));
            assert_int_equal(same.stable, strlen(same.text)); /* nothing came between */
        }
    }
    assert_true(drafts > 10);
    ting_free(last);
    ting_stream_free(stream);
}

static void *recognise(void *out)
{
    ting_options options = pinyin_options();
    ting_result *result = NULL;
    if (ting_recognize_file(model, wav, &options, &result) == TING_OK)
        *(char **)out = ting_strdup(ting_result_text(result));
    ting_result_free(result);
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    enum { N = 4 };
    pthread_t threads[N];
    char *texts[N] = {NULL};
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, recognise, &texts[i]), 0);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < N; i++) {
        assert_non_null(texts[i]);
        assert_string_equal(texts[i], texts[0]);
        if (i > 0)
            ting_free(texts[i]);
    }
    ting_free(texts[0]);
}

static int stop_at_once(void *self, double done, double total)
{
    *(double *)self = total;
    return done > 1;
}

static void a_caller_can_stop(void **state)
{
    (void)state;
    ting_options options = pinyin_options();
    ting_result *result = (ting_result *)1;
    double total = 0;
    options.progress = stop_at_once;
    options.progress_self = &total;
    assert_fails(TING_ERR_CANCELLED, "stopped after", ting_recognize_file(model, wav, &options, &result));
    assert_null(result);
    assert_true(total == SECONDS);
    /* what was heard until then, on request: blocks of 6 s, so the question is asked again after the first */
    options.keep_partial = 1;
    assert_ok(ting_recognize_file(model, wav, &options, &result));
    assert_int_equal(ting_result_partial(result), 1);
    assert_true(ting_result_duration(result) > 1 && ting_result_duration(result) < SECONDS);
    assert_true(ting_result_sentence_count(result) > 0);
    ting_result_free(result);
    options.progress = NULL;
    assert_ok(ting_recognize_file(model, wav, &options, &result));
    assert_int_equal(ting_result_partial(result), 0);
    ting_result_free(result);
}

typedef struct errand {
    const char *model, *keywords;
} errand;

/* Everything from opening a model to a text. */
static ting_err whole_way(void *arg)
{
    ting_err err = TING_OK;
    const errand *e = arg;
    ting_model *fresh = NULL;
    ting_result *result = NULL;
    char *json = NULL;
    ting_options options;
    ting_options_defaults(&options, sizeof options);
    options.threads = 1;
    options.nbest = 2;
    options.keywords = e->keywords;
    TRY(ting_model_open(e->model, NULL, &fresh));
    TRY(ting_recognize_samples(fresh, sound, 32000, 22050, &options, &result));
    TRY(ting_result_format(result, TING_FORMAT_JSON, "x", &json));
out:
    ting_text_free(json);
    ting_result_free(result);
    ting_model_free(fresh);
    return err;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    char *both = ting_temp_path("both.gguf"), *keywords = ting_temp_path("keywords.txt");
    assert_ok(ting_tiny_model_save(both, 1, TING_TINY_BOTH));
    assert_ok(ting_file_save(keywords, "g uó #0.001 :5 @found\n", strlen("g uó #0.001 :5 @found\n")));
    errand plain = {both, NULL}, spotting = {both, keywords};
    assert_true(ting_fail_each_allocation(whole_way, &plain) > 50);
    assert_true(ting_fail_each_allocation(whole_way, &spotting) > 50);
    ting_free(both);
    ting_free(keywords);
}

static void keywords_are_found_with_their_times(void **state)
{
    (void)state;
    char *keywords = ting_temp_path("more.txt");
    ting_result *result;
    ting_options options = pinyin_options();
    assert_ok(ting_file_save(keywords, "g uó #0.001 :5 @found\n", strlen("g uó #0.001 :5 @found\n")));
    options.keywords = keywords;
    assert_ok(ting_recognize_file(model, wav, &options, &result));
    assert_true(ting_result_sentence_count(result) > 0);
    const ting_sentence *s = ting_result_sentence(result, 0);
    assert_string_equal(s->text, "found");
    assert_string_equal(s->pinyin, "guo2");
    assert_int_equal(s->token_count, 2);
    assert_true(s->end > s->start && s->confidence > 0.001f && s->confidence <= 1);
    ting_result_free(result);
    assert_ok(ting_file_save(keywords, "g nothing\n", 10));
    assert_fails(TING_ERR_FORMAT, "nothing", ting_recognize_file(model, wav, &options, &result));
    ting_lm *lm;
    assert_ok(ting_lm_open("models/tingxie-lm.gguf", &lm));
    options.fuse_lm = lm;
    assert_fails(TING_ERR_ARGUMENT, "leave fuse_lm out", ting_recognize_file(model, wav, &options, &result));
    ting_lm_free(lm);
    ting_free(keywords);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    assert_string_equal(ting_result_text(NULL), ""); /* of a recognition that failed */
    assert_true(ting_result_sentence_count(NULL) == 0 && ting_result_sentence(NULL, 0) == NULL && ting_result_duration(NULL) == 0);
    ting_options options = pinyin_options();
    ting_result *result;
    ting_stream *stream;
    ting_model *other;
    assert_fails(TING_ERR_IO, "/nowhere.wav", ting_recognize_file(model, "/nowhere.wav", &options, &result));
    assert_fails(TING_ERR_ARGUMENT, "rate of 999", ting_stream_new(model, &options, 999, &stream));
    assert_null(stream);
    options.hanzi = 1;
    assert_fails(TING_ERR_MODEL, "without a pinyin-to-hanzi", ting_stream_new(model, &options, 16000, &stream));
    assert_fails(TING_ERR_IO, "/nowhere.gguf", ting_model_open("/nowhere.gguf", NULL, &other));
    assert_null(other);
    assert_fails(TING_ERR_FORMAT, "sound.wav", ting_model_open(wav, NULL, &other));
    ting_model_options model_options;
    ting_model_options_defaults(&model_options, sizeof model_options);
    char *empty = ting_temp_path("nothing-here");
    model_options.folder = empty;
    assert_fails(TING_ERR_NOT_FOUND, "nothing-here", ting_model_open(NULL, &model_options, &other));
    assert_fails(TING_ERR_NOT_FOUND, "no pinyin-to-hanzi model was found", ting_model_open(path, &model_options, &other));
    ting_free(empty);
    char text[8];
    assert_true(ting_model_describe(model, text, sizeof text) > 50);
    assert_string_equal(text, "acousti");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_say_the_same),
        cmocka_unit_test(a_file_says_what_its_samples_say),
        cmocka_unit_test(a_reset_stream_is_a_fresh_one),
        cmocka_unit_test(partials_grow_into_the_sentence),
        cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(a_caller_can_stop),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(keywords_are_found_with_their_times),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
