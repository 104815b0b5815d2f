/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_attention.c - attention decoders in trainings and in recognition: a small network learns with one, goes on exactly
 * and is read back; hypotheses that one rescores are those of the beam in another order.
 */
#include "support/support.h"
#include "support/tiny.h"
#include "support/training.h"
#include "support/wenet.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/am.h"
#include "tingxie_train.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- training ---- */

static const char recipe_text[] =
    "model: {encoder: conformer, dim: 16, heads: 2, layers: 1, feedforward: 32, kernel: 5, norm: layer, ctc: true,\n"
    "        attention: {layers: 1, reverse_layers: 1, heads: 2, feedforward: 24, dropout: 0.05}}\n"
    "loss: {ctc: 0.3, attention: 0.7, reverse: 0.4, smoothing: 0.1}\n"
    "data: {train: [{manifest: train.tsv}], measure: [{manifest: dev.tsv}], seconds: 8, window: 20}\n"
    "augment: {speed: [0.9, 1.1], mask: {warp: 20}}\n"
    "train: {optimizer: adamw, rate: 0.003, warmup: 2, steps: 24, measure_every: 12, save_every: 6, log_every: 4}\n";

struct watch {
    long steps, stop_at;
    double first_loss, last_loss;
    char said[4096], note[256];
};

static void report(void *self, const ting_train_report *r)
{
    struct watch *w = self;
    w->last_loss = r->loss;
    snprintf(w->note, sizeof w->note, "%s", r->note);
    w->first_loss = w->first_loss == 0 ? r->loss : w->first_loss;
}

static int stop(void *self)
{
    struct watch *w = self;
    return ++w->steps > w->stop_at;
}

static void hear(void *self, const char *sentence)
{
    struct watch *w = self;
    snprintf(w->said + strlen(w->said), sizeof w->said - strlen(w->said), "%s\n", sentence);
}

static ting_err train(ting_train_options options, long stop_at, struct watch *watch)
{
    *watch = (struct watch){.stop_at = stop_at};
    options.report = report;
    options.stop = stop;
    options.self = watch;
    options.remarks = (ting_remarks){hear, watch};
    return ting_train_am(&options);
}

static void it_learns_goes_on_exactly_and_is_read_back(void **state)
{
    (void)state;
    struct watch w;
    char *toy = ting_temp_path("toy"), *recipe = ting_temp_path("recipe.yaml"), *whole = ting_temp_path("whole");
    char *parts = ting_temp_path("parts"), *path = ting_temp_path("attention.gguf");
    char *again = ting_temp_path("again"), *other = ting_temp_path("other");
    assert_ok(ting_make_toy_corpus(toy, 60, 1));
    assert_ok(ting_file_save(recipe, recipe_text, strlen(recipe_text)));
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = whole, .threads = 1};
    assert_ok(train(options, 1000, &w));
    assert_true(w.last_loss < 0.9 * w.first_loss);
    assert_non_null(strstr(w.note, "attention "));
    options.folder = parts;
    options.threads = 3;
    assert_fails(TING_ERR_CANCELLED, "stopped after step 9", train(options, 9, &w));
    options.threads = 2;
    assert_ok(train(options, 1000, &w));
    ting_assert_same_state(whole, parts);
    assert_ok(ting_export_am(&options, path, TING_EXPORT_F32, "CC0-1.0"));
    ting_assert_record(path, "am", "\"attention\":0.7");
    ting_gguf file;
    ting_am am;
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
    const ting_attention_config *c = ting_attention_decoder_settings(am.net->attention);
    assert_int_equal(c->reverse_layers, 1);
    assert_int_equal(c->feedforward, 24);
    assert_int_equal(c->begin, ting_am_blank(&am.net->config));
    assert_int_equal(c->end, c->begin);
    ting_am_free(&am);
    ting_gguf_close(&file);
    options.from = path; /* the decoder goes on with its weights */
    options.folder = again;
    assert_ok(train(options, 1000, &w));
    assert_non_null(strstr(w.said, "100 % of the network's numbers"));
    options.settings = (const char *const[]){"model.attention.heads=4", NULL};
    options.folder = other;
    assert_fails(TING_ERR_MODEL, "attention decoder and the recipe's differ in heads", train(options, 0, &w));
    char *const all[] = {toy, recipe, whole, parts, path, again, other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- recognition ---- */

enum { SAMPLES = 64000, NBEST = 6, PIECE = 1700 };

static float sound[SAMPLES];

/* A WeNet folder with a decoder or without. */
static ting_model *open_wenet(const char *name, bool with)
{
    char *folder = ting_temp_path(name);
    ting_am_config config = ting_wenet_config;
    ting_model_options options;
    ting_model *model;
    ting_am_net *net;
    assert_int_equal(mkdir(folder, 0700), 0);
    ting_wenet_save(folder, 7, true);
    if (with)
        config.attention = ting_wenet_attention;
    assert_ok(ting_tiny_net(&config, 7, &net));
    ting_wenet_save_checkpoint(folder, net, true, NULL);
    ting_am_net_free(net);
    ting_model_options_defaults(&options, sizeof options);
    options.folder = "/nonexistent"; /* tokens are characters: no other network is needed */
    assert_ok(ting_model_open(folder, &options, &model));
    ting_tiny_sound(sound, SAMPLES);
    ting_free(folder);
    return model;
}

static ting_options options_of(ting_decoding decoding)
{
    ting_options o;
    ting_options_defaults(&o, sizeof o);
    o.threads = 1;
    o.decoding = decoding;
    o.beam = o.nbest = NBEST;
    return o;
}

static const ting_hypothesis *find(const ting_sentence *sentence, const char *text)
{
    const ting_hypothesis *h;
    for (int i = 0; (h = ting_sentence_hypothesis(sentence, i)) != NULL; i++)
        if (strcmp(h->text, text) == 0)
            return h;
    return NULL;
}

static ting_result *recognised(const ting_model *model, ting_options options)
{
    ting_result *result;
    assert_ok(ting_recognize_samples(model, sound, SAMPLES, 16000, &options, &result));
    assert_true(ting_result_sentence_count(result) > 0);
    return result;
}

static void assert_same(const ting_sentence *a, const ting_sentence *b)
{
    const ting_hypothesis *h, *other;
    for (int i = 0; (h = ting_sentence_hypothesis(a, i)) != NULL; i++) {
        other = ting_sentence_hypothesis(b, i);
        assert_string_equal(h->text, other->text);
        assert_true(h->score == other->score);
    }
}

static void the_beam_is_put_in_another_order(void **state)
{
    (void)state;
    ting_model *model = open_wenet("order", true);
    ting_options options = options_of(TING_DECODING_RESCORE);
    ting_result *beam = recognised(model, options_of(TING_DECODING_BEAM)), *rescored = recognised(model, options);
    const ting_hypothesis *h, *other;
    int count = 0, moved = 0;
    assert_int_equal(ting_result_sentence_count(beam), ting_result_sentence_count(rescored));
    for (int s = 0; s < ting_result_sentence_count(beam); s++) {
        const ting_sentence *a = ting_result_sentence(beam, s), *b = ting_result_sentence(rescored, s);
        for (int i = 0; (h = ting_sentence_hypothesis(b, i)) != NULL; i++, count++) {
            other = find(a, h->text);
            assert_non_null(other);
            assert_true(h->score != other->score);
            assert_true(i == 0 || ting_sentence_hypothesis(b, i - 1)->score >= h->score);
            moved += strcmp(h->text, ting_sentence_hypothesis(a, i)->text) != 0;
        }
    }
    assert_true(count > 3);
    assert_true(moved > 0);
    ting_result_free(rescored);
    options.ctc_weight = 100; /* the first search alone decides then */
    rescored = recognised(model, options);
    assert_string_equal(ting_result_text(beam), ting_result_text(rescored));
    ting_result_free(rescored);
    ting_result_free(beam);
    ting_model_free(model);
}

static void threads_and_pieces_change_nothing(void **state)
{
    (void)state;
    ting_model *model = open_wenet("pieces", true);
    ting_options options = options_of(TING_DECODING_RESCORE);
    ting_result *once = recognised(model, options), *twice;
    options.threads = 3;
    twice = recognised(model, options);
    ting_stream *stream;
    const ting_sentence *sentence;
    int count = 0;
    assert_int_equal(ting_result_sentence_count(once), ting_result_sentence_count(twice));
    for (int s = 0; s < ting_result_sentence_count(once); s++)
        assert_same(ting_result_sentence(once, s), ting_result_sentence(twice, s));
    assert_ok(ting_stream_new(model, &options, 16000, &stream));
    for (int round = 0; round < 2; round++) {
        count = 0;
        for (size_t at = 0; at <= SAMPLES; at += PIECE) {
            ting_partial partial;
            if (at + PIECE > SAMPLES) {
                assert_ok(ting_stream_feed(stream, sound + at, SAMPLES - at));
                assert_ok(ting_stream_finish(stream));
            } else {
                assert_ok(ting_stream_feed(stream, sound + at, PIECE));
                assert_ok(ting_stream_partial(stream, &partial));
            }
            while ((sentence = ting_stream_poll(stream)) != NULL)
                assert_same(ting_result_sentence(once, count++), sentence);
        }
        assert_int_equal(count, ting_result_sentence_count(once));
        assert_ok(ting_stream_reset(stream));
    }
    ting_stream_free(stream);
    ting_result_free(once);
    ting_result_free(twice);
    ting_model_free(model);
}

static void a_model_without_one_says_so(void **state)
{
    (void)state;
    ting_model *model = open_wenet("without", false);
    ting_options options = options_of(TING_DECODING_RESCORE);
    ting_result *result;
    assert_fails(TING_ERR_UNSUPPORTED, "rescored by an attention decoder, which this acoustic model lacks",
                 ting_recognize_samples(model, sound, SAMPLES, 16000, &options, &result));
    options.reverse_weight = 2;
    assert_fails(TING_ERR_ARGUMENT, "options.reverse_weight is 2",
                 ting_recognize_samples(model, sound, SAMPLES, 16000, &options, &result));
    ting_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_goes_on_exactly_and_is_read_back),
        cmocka_unit_test(the_beam_is_put_in_another_order),
        cmocka_unit_test(threads_and_pieces_change_nothing),
        cmocka_unit_test(a_model_without_one_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
