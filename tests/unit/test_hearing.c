/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hearing.c - small random networks of every kind as model files, through the public interface: streaming and whole,
 * CTC and transducer, tokens that are initials and finals, syllables, or characters.
 */
#include "support/support.h"

#include "support/failing.h"
#include "support/tiny.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/am.h"
#include "engine/cutter.h"
#include "engine/listener.h"
#include "engine/tool_inspect.h"
#include "model/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 10, SAMPLES = SECONDS * 16000, BINS = 40 };

static const char *const parts[] = {"<blk>", "zh", "ōng", "g", "uó", "ǎo", "n", "ǐ", "<unk>"};
static const char *const syllables[] = {"<blank>", "<unk>", "zhong1", "guo2", "ni3", "hao3", "ma5", "<sos/eos>"};
static const char *const characters[] = {"<blank>", "<unk>", "中", "国", "a", "你", "好", "吗", "<sos/eos>"};

static ting_encoder_config zipformer(bool causal)
{
    return (ting_encoder_config){
        .kind = TING_ENCODER_ZIPFORMER,
        .zipformer = {.features = BINS, .embed_channels = {2, 4, 8}, .stacks = 2,
                      .stack = {{.layers = 1, .dim = 16, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2,
                                 .feedforward = 32, .kernel = 7, .downsampling = 1},
                                {.layers = 1, .dim = 16, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2,
                                 .feedforward = 32, .kernel = 5, .downsampling = 2}},
                      .pos_dim = 8, .output_downsampling = 2, .causal = causal, .chunk = causal ? 16 : 0, .left = causal ? 32 : 0}};
}

static ting_encoder_config conformer(int subsampling, bool causal)
{
    return (ting_encoder_config){
        .kind = TING_ENCODER_CONFORMER,
        .conformer = {.features = BINS, .subsampling = subsampling, .dim = 16, .heads = 2, .layers = 2, .feedforward = 32,
                      .macaron = true, .kernel = 7, .causal = causal, .norm = causal ? TING_CONV_LAYER_NORM : TING_CONV_BATCH_NORM,
                      .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU, .chunk = causal ? 8 : 0, .left = causal ? 4 : 0}};
}

static ting_encoder_config cnn(void)
{
    return (ting_encoder_config){.kind = TING_ENCODER_CNN,
                                 .cnn = {.features = BINS, .blocks = 3, .dim = 24, .act = TING_ACT_RELU,
                                         .block = {{2, 4, 2, 2}, {2, 8, 2, 2}, {2, 8, 2, 2}}}};
}

typedef struct kind {
    const char *name, *features, *architecture, *words;
    const char *const *tokens;
    size_t count;
    bool transducer, normalised;
    ting_encoder_config (*encoder)(void);
    unsigned seed; /* of weights that say something; 0: 1 */
} kind;

static ting_encoder_config zipformer_stream(void) { return zipformer(true); }
static ting_encoder_config zipformer_whole(void) { return zipformer(false); }
static ting_encoder_config conformer_stream(void) { return conformer(4, true); }
static ting_encoder_config conformer_whole(void) { return conformer(4, false); }
static ting_encoder_config conformer_slow(void) { return conformer(8, false); }

#define TOKENS(list) list, sizeof(list) / sizeof(list)[0]
static const kind kinds[] = {
    {"zipformer-ctc", "icefall bins=40", "zipformer2-ctc", "Zipformer of 2 stacks, 2 layers up to 16, CTC head, streaming",
     TOKENS(parts), false, false, zipformer_stream},
    {"zipformer-whole", "icefall bins=40", "zipformer2-transducer", "Zipformer of 2 stacks, 2 layers up to 16, transducer, whole utterances",
     TOKENS(parts), true, false, zipformer_whole},
    {"conformer-ctc", "wenet bins=40 cmvn=global", "conformer-ctc", "Conformer of 2 layers of 16, CTC head, streaming",
     TOKENS(characters), false, true, conformer_stream},
    {"conformer-transducer", "icefall bins=40", "conformer-transducer", "Conformer of 2 layers of 16, transducer, streaming",
     TOKENS(syllables), true, false, conformer_stream},
    {"conformer-whole", "wenet bins=40 cmvn=global", "conformer-ctc", "Conformer of 2 layers of 16, CTC head, whole utterances",
     TOKENS(syllables), false, true, conformer_whole},
    {"conformer-slow", "logmel bins=40", "conformer-ctc", "Conformer of 2 layers of 16, CTC head, whole utterances",
     TOKENS(characters), false, false, conformer_slow},
    {"cnn-ctc", "icefall bins=40", "cnn-ctc", "CNN of 3 blocks, 6 convolutions up to 8 channels, CTC head, whole utterances",
     TOKENS(syllables), false, false, cnn, 2},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static float sound[SAMPLES];
static char *paths[KINDS];
static ting_model *models[KINDS];

static ting_err save(const kind *k, const char *path)
{
    float mean[BINS], scale[BINS];
    for (int i = 0; i < BINS; i++) {
        mean[i] = (float)(8 + 0.1 * i);
        scale[i] = (float)(0.25 + 0.01 * (i % 5));
    }
    const ting_cmvn cmvn = {.dim = BINS, .mean = mean, .scale = scale};
    ting_am_config config = {.encoder = k->encoder()};
    if (k->transducer)
        config.transducer = (ting_transducer_config){.vocab = (int)k->count, .context = 2, .decoder_dim = 16, .joiner_dim = 16, .groups = 4};
    else
        config.ctc = (ting_ctc_config){.vocab = (int)k->count, .name = "ctc.ctc_lo"};
    return ting_tiny_net_save(path, k->seed > 0 ? k->seed : 1, &config,
                              &(ting_am_about){.name = k->name, .features = k->features, .cmvn = k->normalised ? &cmvn : NULL,
                                               .tokens = k->tokens, .token_count = k->count, .licence = "Apache-2.0"});
}

static ting_model_options plain(int hanzi)
{
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.hanzi = hanzi;
    options.folder = "/nonexistent";
    return options;
}

static int open_all(void **state)
{
    (void)state;
    ting_tiny_sound(sound, SAMPLES);
    for (int i = 0; i < KINDS; i++) {
        const ting_model_options options = plain(kinds[i].tokens == characters); /* which needs no network for hanzi */
        paths[i] = ting_temp_path(kinds[i].name);
        assert_ok(save(&kinds[i], paths[i]));
        assert_ok(ting_model_open(paths[i], &options, &models[i]));
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        ting_model_free(models[i]);
        ting_free(paths[i]);
    }
    return 0;
}

static ting_options options_for(int which, ting_decoding decoding)
{
    ting_options options;
    ting_options_defaults(&options, sizeof options);
    options.hanzi = kinds[which].tokens == characters;
    options.threads = 1;
    options.decoding = decoding;
    options.nbest = decoding == TING_DECODING_BEAM ? 3 : 1;
    return options;
}

static void add_sentence(ting_str *out, const ting_sentence *s)
{
    ting_str_addf(out, "%.17g %.17g %s|", s->start, s->end, s->text);
    for (int i = 0; i < s->token_count; i++)
        ting_str_addf(out, "%d@%.17g(%.9g) ", ting_sentence_token(s, i)->id, ting_sentence_token(s, i)->start,
                      (double)ting_sentence_token(s, i)->log_prob);
    for (int i = 0; i < s->hypothesis_count; i++)
        ting_str_addf(out, "%s=%.17g ", ting_sentence_hypothesis(s, i)->text, ting_sentence_hypothesis(s, i)->score);
    ting_str_add(out, "\n");
}

/* All that a stream says when it is fed pieces of `size` samples (0: random sizes). */
static void transcript(int which, const ting_options *options, size_t size, ting_str *out)
{
    ting_stream *stream;
    const ting_sentence *sentence;
    ting_str_clear(out);
    ting_str_add(out, "");
    assert_ok(ting_stream_new(models[which], options, 16000, &stream));
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
    assert_true(ting_stream_heard(stream) > SECONDS - 0.3 && ting_stream_heard(stream) < SECONDS + 0.7);
    ting_stream_free(stream);
}

static void pieces_and_threads_change_nothing(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++)
        for (int decoding = TING_DECODING_GREEDY; decoding <= TING_DECODING_BEAM; decoding++) {
            ting_options options = options_for(which, (ting_decoding)decoding);
            ting_str whole = {0}, other = {0};
            transcript(which, &options, SAMPLES, &whole);
            if (strlen(whole.text) < 100)
                fail_msg("%s says little: %s", kinds[which].name, whole.text);
            static const size_t sizes[] = {0, 161, 79999};
            for (int i = 0; i < 3; i++) {
                transcript(which, &options, sizes[i], &other);
                assert_string_equal(other.text, whole.text);
            }
            options.threads = 3;
            transcript(which, &options, 16000, &other);
            assert_string_equal(other.text, whole.text);
            ting_str_free(&whole);
            ting_str_free(&other);
        }
}

/* Segments that end because they grew too long: no row is lost, and cuts do not depend on the pieces. */
static void long_sounds_without_a_pause_are_cut(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        ting_options options = options_for(which, TING_DECODING_GREEDY);
        ting_str whole = {0}, other = {0};
        options.pause = 3;
        options.longest = 5;
        transcript(which, &options, SAMPLES, &whole);
        transcript(which, &options, 999, &other);
        assert_string_equal(other.text, whole.text);
        ting_str_free(&whole);
        ting_str_free(&other);
    }
}

/* A short sound without a pause: a whole-utterance model gives what the network gives for these frames at once. */
static void a_short_sound_is_one_utterance(void **state)
{
    (void)state;
    enum { SHORT = 24000 };
    for (int which = 4; which < KINDS; which++) {
        ting_gguf file;
        ting_am am;
        ting_result *result;
        float *frames;
        size_t count;
        assert_ok(ting_gguf_open(paths[which], &file));
        assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
        assert_ok(ting_feature_compute(&am.features, am.cmvn.dim > 0 ? &am.cmvn : NULL, sound, SHORT, &frames, &count));
        ting_ctx ctx = {.arena = ting_arena_new(1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
        ting_tensor x = ting_ctx_constant(&ctx, (int)count, BINS);
        memcpy(x.data, frames, count * BINS * sizeof *frames);
        int start[2] = {0, (int)count}, out[2];
        ting_tensor y = ting_encoder_forward(&ctx, am.net->encoder, x, (ting_segments){1, start}, &(ting_encoder_mode){0}, out);
        ting_tensor p = ting_ctc_head_log_probs(&ctx, ting_ctc_head_logits(&ctx, &am.net->ctc, y));
        const ting_options options = options_for(which, TING_DECODING_GREEDY);
        assert_ok(ting_recognize_samples(models[which], sound, SHORT, 16000, &options, &result));
        assert_int_equal(ting_result_sentence_count(result), 1);
        const ting_sentence *s = ting_result_sentence(result, 0);
        int said = 0, last = 0;
        for (int t = 0; t < p.rows; t++) { /* best path, written down anew */
            int best = 0;
            for (int v = 1; v < p.cols; v++)
                best = ting_row(p, t)[v] > ting_row(p, t)[best] ? v : best;
            if (best != 0 && best != last) {
                const ting_token *token = ting_sentence_token(s, said++);
                assert_non_null(token);
                assert_int_equal(token->id, best);
            }
            last = best;
        }
        assert_int_equal(said, s->token_count);
        assert_true(said > 2);
        ting_result_free(result);
        ting_free(frames);
        ting_arena_free(ctx.arena);
        ting_am_free(&am);
        ting_gguf_close(&file);
    }
}

static void tokens_become_text(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        const ting_options options = options_for(which, TING_DECODING_BEAM);
        ting_result *result;
        assert_ok(ting_recognize_samples(models[which], sound, SAMPLES, 16000, &options, &result));
        /* the sound has pauses of 1.4 s at 1.6, 4.6 and 7.6 s */
        const bool whole = strstr(kinds[which].words, "whole") != NULL;
        assert_true(ting_result_sentence_count(result) >= (whole ? 3 : 1));
        for (int n = 0; n < ting_result_sentence_count(result); n++) {
            const ting_sentence *s = ting_result_sentence(result, n);
            assert_true(s->end > s->start && s->confidence > 0);
            for (int i = 1; i < s->token_count; i++)
                assert_true(ting_sentence_token(s, i)->start >= ting_sentence_token(s, i - 1)->start);
            for (int i = 1; i < s->hypothesis_count; i++)
                assert_true(ting_sentence_hypothesis(s, i)->score <= ting_sentence_hypothesis(s, i - 1)->score);
            ting_str text = {0};
            for (int i = 0; i < s->token_count && kinds[which].tokens == characters; i++)
                if (ting_sentence_token(s, i)->text[0] != '<')
                    ting_str_addf(&text, "%s%s", text.length > 0 && text.text[text.length - 1] == 'a' &&
                                                 ting_sentence_token(s, i)->text[0] == 'a' ? " " : "",
                                  ting_sentence_token(s, i)->text);
            if (kinds[which].tokens == characters)
                assert_string_equal(s->text, text.text);
            if (kinds[which].tokens == syllables)
                assert_string_equal(s->text, s->pinyin);
            ting_str_free(&text);
        }
        ting_result_free(result);
    }
}

/* Streaming models that hear whole segments: something else is heard, still the same in any pieces. */
static void streaming_models_hear_segments_too(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        ting_options options = options_for(which, TING_DECODING_GREEDY);
        ting_str chunks = {0}, whole = {0}, other = {0};
        transcript(which, &options, SAMPLES, &chunks);
        options.whole = 1;
        transcript(which, &options, SAMPLES, &whole);
        transcript(which, &options, 999, &other);
        assert_string_equal(whole.text, other.text);
        const bool streams = strstr(kinds[which].words, "streaming") != NULL;
        assert_int_equal(strcmp(chunks.text, whole.text) != 0, streams);
        ting_str_free(&chunks);
        ting_str_free(&whole);
        ting_str_free(&other);
    }
}

/* Nothing, less than a frame, less than a row, just a row. */
static void short_sounds_are_no_trouble(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 100, 399, 400, 700, 1200, 2000, 2600};
    for (int which = 0; which < KINDS; which++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const ting_options options = options_for(which, TING_DECODING_BEAM);
            ting_result *result;
            assert_ok(ting_recognize_samples(models[which], sound, lengths[i], 16000, &options, &result));
            assert_true(ting_result_sentence_count(result) <= 1);
            ting_result_free(result);
        }
}

static void a_reset_stream_is_a_fresh_one(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        const ting_options options = options_for(which, TING_DECODING_GREEDY);
        ting_stream *stream;
        const ting_sentence *sentence;
        ting_str first = {0}, second = {0};
        assert_ok(ting_stream_new(models[which], &options, 16000, &stream));
        assert_ok(ting_stream_feed(stream, sound + 5000, 40000));
        for (int round = 0; round < 2; round++) {
            assert_ok(ting_stream_reset(stream));
            assert_ok(ting_stream_feed(stream, sound, SAMPLES));
            assert_ok(ting_stream_finish(stream));
            while ((sentence = ting_stream_poll(stream)) != NULL)
                add_sentence(round == 0 ? &first : &second, sentence);
        }
        assert_string_equal(first.text, second.text);
        ting_str_free(&first);
        ting_str_free(&second);
        ting_stream_free(stream);
    }
}

static void models_say_what_they_are(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        char text[512];
        ting_str shown = {0};
        ting_model_describe(models[which], text, sizeof text);
        assert_non_null(strstr(text, kinds[which].words));
        assert_ok(ting_tool_inspect(paths[which], TING_INSPECT_TEXT, &shown));
        assert_non_null(strstr(shown.text, kinds[which].words));
        assert_non_null(strstr(shown.text, kinds[which].architecture));
        ting_str_free(&shown);
    }
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    ting_options options = options_for(2, TING_DECODING_GREEDY);
    ting_model_options wanting = plain(1);
    ting_model *model;
    ting_stream *stream;
    options.keywords = "/nowhere.txt";
    assert_fails(TING_ERR_UNSUPPORTED, "CTC head only", ting_stream_new(models[2], &options, 16000, &stream));
    /* syllables need a network for hanzi, characters do not */
    assert_fails(TING_ERR_NOT_FOUND, "no pinyin-to-hanzi model", ting_model_open(paths[4], &wanting, &model));
}

static ting_err whole_way(void *self)
{
    ting_err err = TING_OK;
    ting_model *fresh = NULL;
    ting_result *result = NULL;
    const int which = *(int *)self;
    const ting_options options = options_for(which, TING_DECODING_BEAM);
    const ting_model_options model_options = plain(0);
    TRY(ting_model_open(paths[which], &model_options, &fresh));
    TRY(ting_recognize_samples(fresh, sound, 48000, 16000, &options, &result));
out:
    ting_result_free(result);
    ting_model_free(fresh);
    return err;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    for (int which = 2; which < KINDS; which += 2)
        assert_true(ting_fail_each_allocation(whole_way, &which) > 50);
}

static ting_err drop_rows(void *self, ting_ctx *ctx, ting_tensor rows, long first)
{
    (void)self;
    (void)first;
    (void)rows;
    return ctx->err;
}

/* After some seconds a streaming model has all the memory that it needs. */
static void streams_come_to_rest(void **state)
{
    (void)state;
    for (int which = 0; which < KINDS; which++) {
        ting_gguf file;
        ting_am am;
        ting_listener *listener;
        size_t before = 0;
        assert_ok(ting_gguf_open(paths[which], &file));
        assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
        if (ting_encoder_streams(&am.net->config.encoder)) {
            assert_ok(ting_listener_new(&am, &(ting_listener_options){.rate = 16000}, (ting_row_sink){drop_rows, NULL, NULL}, &listener));
            for (size_t at = 0; at + 800 <= SAMPLES; at += 800) {
                if (at == SAMPLES / 2)
                    before = ting_allocated_bytes();
                assert_ok(ting_listener_feed(listener, sound + at, 800));
            }
            assert_int_equal(ting_allocated_bytes() - before, 0);
            ting_listener_free(listener);
        }
        ting_am_free(&am);
        ting_gguf_close(&file);
    }
}

/* ---- where sound is cut ---- */

/* Levels in dB a unit of 0.1 s; the segments that come out. */
static int cut(const ting_cutter_options *options, const double *levels, int count, int *lengths, bool *pauses)
{
    ting_cutter cutter = {0};
    int found = 0;
    ting_cutter_start(&cutter, options);
    for (int i = 0; i < count; i++) {
        assert_ok(ting_cutter_add(&cutter, pow(10, levels[i] / 10)));
        while (ting_cutter_next(&cutter, &lengths[found], &pauses[found]))
            found++;
    }
    ting_cutter_free(&cutter);
    return found;
}

static void sound_is_cut_in_its_pauses(void **state)
{
    (void)state;
    const ting_cutter_options options = {.pause = 8, .short_pause = 3, .longest = 60, .context = 3, .seconds = 0.1};
    double levels[300];
    int lengths[300];
    bool pauses[300];
    /* speech 10..29 and from 50 with background before, between and after; the first unit sets the background */
    for (int i = 0; i < 100; i++)
        levels[i] = (i >= 10 && i < 30) || i >= 50 ? -20 - i % 5 : -60 + i % 3;
    assert_int_equal(cut(&options, levels, 90, lengths, pauses), 1);
    assert_int_equal(lengths[0], 38 - 3); /* the 8th quiet unit is number 37; 3 of them stay in front of the next segment */
    assert_true(pauses[0]);
    /* a short pause ends a segment from two thirds of the longest on: units 42 to 44 */
    for (int i = 0; i < 100; i++)
        levels[i] = i == 0 || (i >= 20 && i < 23) || (i >= 42 && i < 45) ? -60 : -20;
    assert_int_equal(cut(&options, levels, 100, lengths, pauses), 1);
    assert_int_equal(lengths[0], 45 - 1); /* half of 3 quiet units */
    assert_false(pauses[0]);
    /* which becomes a pause, if it lasts: the second segment is little more than silence */
    for (int i = 42; i < 60; i++)
        levels[i] = -60;
    assert_int_equal(cut(&options, levels, 100, lengths, pauses), 2);
    assert_int_equal(lengths[0], 44);
    assert_int_equal(lengths[1], 8 - 3); /* 8 quiet units of its own */
    assert_true(pauses[1]);
    /* no pause at all: at the longest, between the quietest two neighbours of its last third */
    for (int i = 0; i < 100; i++)
        levels[i] = i == 51 || i == 52 ? -30 : i == 0 ? -60 : -20;
    assert_int_equal(cut(&options, levels, 100, lengths, pauses), 1);
    assert_int_equal(lengths[0], 52);
    assert_false(pauses[0]);
    /* silence alone is cut now and then, but is no pause: nothing was said */
    for (int i = 0; i < 300; i++)
        levels[i] = -200;
    const int found = cut(&options, levels, 300, lengths, pauses);
    assert_true(found >= 5);
    for (int i = 0; i < found; i++)
        assert_false(pauses[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_and_threads_change_nothing),
        cmocka_unit_test(long_sounds_without_a_pause_are_cut),
        cmocka_unit_test(a_short_sound_is_one_utterance),
        cmocka_unit_test(tokens_become_text),
        cmocka_unit_test(streaming_models_hear_segments_too),
        cmocka_unit_test(short_sounds_are_no_trouble),
        cmocka_unit_test(a_reset_stream_is_a_fresh_one),
        cmocka_unit_test(models_say_what_they_are),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(streams_come_to_rest),
        cmocka_unit_test(sound_is_cut_in_its_pauses),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
