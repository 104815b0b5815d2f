/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_transcribe.c - the contract of tingxie transcribe on a tiny model: what stands on standard output, files, what
 * is done again, bad input of every kind, Ctrl-C.
 */
#include "support/support.h"

#include "support/program.h"
#include "support/tiny.h"
#include "support/wenet.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

enum { SAMPLES = 4 * 16000 };

static char *home; /* home/models/{am,p2h}.gguf, home/a.wav, home/d/{b.wav,e/c.wav,note.txt}, home/bad/... */
static char names[32][256];
static char variable[300];
static float sound[SAMPLES];

/* home/name; at most 32 of them are in use at a time. */
static const char *at(const char *name)
{
    static int next;
    char *out = names[next++ % 32];
    snprintf(out, sizeof names[0], "%s/%s", home, name);
    return out;
}

static void save(const char *name, const void *bytes, size_t count)
{
    assert_ok(ting_file_save(at(name), bytes, count));
}

static int make_home(void **state)
{
    (void)state;
    home = ting_temp_path("home");
    static const char *const folders[] = {"", "models", "d", "d/e", "bad", "empty"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(at(folders[i]), 0777), 0);
    assert_ok(ting_tiny_model_save(at("models/am.gguf"), 1, TING_TINY_AM));
    assert_ok(ting_tiny_model_save(at("models/p2h.gguf"), 1, TING_TINY_P2H));
    snprintf(variable, sizeof variable, "TING_MODELS=%s", at("models"));
    ting_tiny_sound(sound, SAMPLES);
    assert_ok(ting_tiny_wav_save(at("a.wav"), sound, SAMPLES, 16000));
    assert_ok(ting_tiny_wav_save(at("d/b.wav"), sound + 8000, SAMPLES - 8000, 16000));
    assert_ok(ting_tiny_wav_save(at("d/e/c.wav"), sound, SAMPLES, 22050));
    save("d/note.txt", "no sound\n", 9);
    return 0;
}

static ting_program_run run_with(const char *const *arguments, const void *input, size_t size)
{
    return ting_run_program_with(arguments, input, size, (const char *[]){variable, "XDG_DATA_HOME=/nowhere", NULL});
}

/* Runs "transcribe" with the arguments, checks the status, returns standard output, owned. */
static char *transcribe(int status, const char *said, const char *const *arguments)
{
    const char *all[32] = {"transcribe"};
    for (int i = 0; arguments[i] != NULL; i++)
        all[i + 1] = arguments[i];
    ting_program_run run = run_with(all, NULL, 0);
    if (run.status != status || (said != NULL && strstr(run.err, said) == NULL))
        fail_msg("status %d, expected %d; standard error lacks \"%s\": \"%s\"", run.status, status, said ? said : "", run.err);
    if (said == NULL && run.err_size != 0)
        fail_msg("unexpected on standard error: \"%s\"", run.err);
    char *out = ting_strdup(run.out);
    ting_program_free(&run);
    return out;
}

static int lines(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static char *contents(const char *path)
{
    ting_file file;
    assert_ok(ting_file_map(path, &file));
    char *text = ting_alloc(file.size + 1, 1);
    if (file.size > 0)
        memcpy(text, file.data, file.size);
    ting_file_unmap(&file);
    return text;
}

static void one_file_is_bare_text(void **state)
{
    (void)state;
    char *hanzi = transcribe(0, NULL, ARGS(at("a.wav")));
    char *pinyin = transcribe(0, NULL, ARGS("--pinyin", at("a.wav")));
    char *tokens = transcribe(0, NULL, ARGS("--tokens", at("a.wav")));
    assert_int_equal(lines(hanzi), 1);
    assert_int_equal(lines(pinyin), 1);
    assert_int_equal(lines(tokens), 1);
    assert_true(strlen(hanzi) > 6 && strchr(hanzi, '\t') == NULL && (unsigned char)hanzi[0] >= 0xE4);
    assert_true(pinyin[strspn(pinyin, "abcdefghijklmnopqrstuvwxyz12345 \n")] == '\0');
    assert_null(strstr(tokens, "<blk>"));
    /* the tokens joined are the pinyin with marks: as many syllables as characters */
    int syllables = 1;
    for (const char *c = pinyin; *c != '\0'; c++)
        syllables += *c == ' ';
    int characters = 0;
    for (const char *c = hanzi; *c != '\0'; c++)
        characters += ((unsigned char)*c & 0xC0) != 0x80 && *c != '\n';
    assert_int_equal(characters, syllables);
    ting_free(hanzi), ting_free(pinyin), ting_free(tokens);
}

static void folders_lists_and_several_files_are_lines_with_paths(void **state)
{
    (void)state;
    char list[600], want[3][300];
    char *folder = transcribe(0, "2 done, 0 failed", ARGS(at("d")));
    snprintf(want[0], sizeof want[0], "%s\t", at("d/b.wav"));
    snprintf(want[1], sizeof want[1], "\n%s\t", at("d/e/c.wav"));
    assert_int_equal(lines(folder), 2);
    assert_memory_equal(folder, want[0], strlen(want[0])); /* sorted, note.txt left out */
    assert_non_null(strstr(folder, want[1]));
    int length = snprintf(list, sizeof list, "%s\r\n\n%s\n", at("a.wav"), at("d/b.wav"));
    save("list", list, (size_t)length);
    snprintf(list, sizeof list, "@%s", at("list"));
    char *listed = transcribe(0, "2 done", ARGS(list));
    char *several = transcribe(0, NULL, ARGS("-q", at("a.wav"), at("d/b.wav")));
    assert_string_equal(listed, several);
    snprintf(want[2], sizeof want[2], "%s\t", at("a.wav"));
    assert_memory_equal(several, want[2], strlen(want[2]));
    /* a list of one still has the path; threads change nothing */
    length = snprintf(list, sizeof list, "%s", at("a.wav"));
    save("list", list, (size_t)length); /* no newline at the end */
    snprintf(list, sizeof list, "@%s", at("list"));
    char *one = transcribe(0, "1 done", ARGS(list));
    assert_memory_equal(one, want[2], strlen(want[2]));
    /* what holds zero bytes is no list */
    save("list", list, (size_t)snprintf(list, sizeof list, "\xEF\xBB\xBF%s\r\n", at("a.wav"))); /* a byte order mark */
    snprintf(list, sizeof list, "@%s", at("list"));
    char *marked = transcribe(0, "1 done", ARGS(list));
    assert_string_equal(marked, one);
    ting_free(marked);
    snprintf(list, sizeof list, "@%s", at("d/b.wav"));
    ting_free(transcribe(1, "d/b.wav: no list of paths", ARGS(list)));
    char *threads = transcribe(0, NULL, ARGS("-q", "-t", "4", at("a.wav"), at("d"), at("d/b.wav")));
    char *single = transcribe(0, NULL, ARGS("-q", "-t", "1", at("a.wav"), at("d"), at("d/b.wav")));
    assert_string_equal(threads, single);
    assert_int_equal(lines(single), 4);
    ting_free(folder), ting_free(listed), ting_free(several), ting_free(one), ting_free(threads), ting_free(single);
}

static void standard_input_is_sound(void **state)
{
    (void)state;
    ting_file wav;
    char *file = transcribe(0, NULL, ARGS(at("a.wav")));
    assert_ok(ting_file_map(at("a.wav"), &wav));
    ting_program_run run = run_with(ARGS("transcribe", "-"), wav.data, wav.size);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, file);
    ting_program_free(&run);
    run = run_with(ARGS("transcribe", "--raw", "s16le:16000:1", "-"), wav.data + 44, wav.size - 44);
    assert_string_equal(run.out, file);
    ting_program_free(&run);
    run = run_with(ARGS("transcribe", "-"), "", 0);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "standard input"));
    ting_program_free(&run);
    ting_file_unmap(&wav);
    ting_free(file);
}

static void hypotheses_have_rank_and_score(void **state)
{
    (void)state;
    char *best = transcribe(0, NULL, ARGS("--decoding", "beam", "--beam", "4", at("a.wav")));
    char *all = transcribe(0, NULL, ARGS("--nbest", "4", "--beam", "4", at("a.wav")));
    double last = 0;
    int want = 1;
    bool best_is_first = false;
    for (char *line = strtok(all, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int rank, text = 0;
        double score;
        assert_int_equal(sscanf(line, "%d\t%lf\t%n", &rank, &score, &text), 2);
        want = rank == 1 ? 1 : want; /* the next sentence */
        assert_int_equal(rank, want++);
        assert_true(rank == 1 || score <= last);
        best_is_first |= rank == 1 && strncmp(line + text, best, strlen(line + text)) == 0;
        last = score;
    }
    assert_true(want > 1 && best_is_first);
    char *several = transcribe(0, NULL, ARGS("-q", "--nbest", "2", at("a.wav"), at("d/b.wav")));
    assert_memory_equal(several, at("a.wav"), strlen(at("a.wav")));
    assert_memory_equal(several + strlen(at("a.wav")), "\t1\t-", 4);
    ting_free(best), ting_free(all), ting_free(several);
}

static void an_attention_decoder_has_the_last_word(void **state)
{
    (void)state;
    ting_free(transcribe(1, "an attention decoder, which this acoustic model lacks", ARGS("--decoding", "rescore", at("a.wav"))));
    ting_am_config config = ting_wenet_config;
    ting_am_net *net;
    config.attention = ting_wenet_attention;
    assert_ok(ting_tiny_net(&config, 7, &net));
    assert_int_equal(mkdir(at("wenet"), 0777), 0);
    ting_wenet_save(at("wenet"), 7, true);
    ting_wenet_save_checkpoint(at("wenet"), net, true, NULL);
    ting_am_net_free(net);
#define RESCORED(weight) ARGS("-m", at("wenet"), "-n", "4", "--decoding", "rescore", "--ctc-weight", weight, at("a.wav"))
    char *half = transcribe(0, NULL, RESCORED("0.5")), *none = transcribe(0, NULL, RESCORED("0"));
    assert_memory_equal(half, "1\t-", 3);
    assert_string_not_equal(half, none);
    ting_free(half), ting_free(none);
}

static void files_are_written_whole_and_only_once(void **state)
{
    (void)state;
    char *out = transcribe(0, "3 done, 0 failed", ARGS("-o", at("out"), at("a.wav"), at("d")));
    assert_string_equal(out, ""); /* results are in the files */
    ting_free(out);
    char *text = contents(at("out/e/c.txt"));
    assert_true(lines(text) >= 1 && (unsigned char)text[0] >= 0xE4);
    ting_free(text);
    /* the same again is skipped, also where the text was corrected by hand; a missing one is made again */
    assert_int_equal(unlink(at("out/b.txt")), 0);
    save("out/e/c.txt", "kept", 4);
    ting_free(transcribe(0, "1 done, 0 failed, 2 already done", ARGS("-o", at("out"), at("a.wav"), at("d"))));
    text = contents(at("out/e/c.txt"));
    assert_string_equal(text, "kept");
    ting_free(text);
    ting_free(transcribe(0, "3 done", ARGS("--force", "-o", at("out"), at("a.wav"), at("d"))));
    text = contents(at("out/e/c.txt"));
    assert_string_not_equal(text, "kept");
    ting_free(text);
    /* a recording that has changed is done again */
    struct utimbuf old = {1000, 1000};
    assert_int_equal(utime(at("a.wav"), &old), 0);
    ting_free(transcribe(0, "1 done, 0 failed, 2 already done", ARGS("-o", at("out"), at("a.wav"), at("d"))));
    /* a lone recording that is done is not passed over in silence */
    ting_free(transcribe(0, "0 done, 0 failed, 1 already done", ARGS("-o", at("out"), at("a.wav"))));
    /* a folder that cannot be one, and one that cannot be written: nothing is left behind */
    ting_free(transcribe(1, "a.wav", ARGS("-o", at("a.wav"), at("d/b.wav"))));
}

static void other_options_and_models_do_the_work_again(void **state)
{
    (void)state;
    ting_free(transcribe(0, "", ARGS("-o", at("again"), at("d"))));
    char *hanzi = contents(at("again/b.txt"));
    ting_free(transcribe(0, "2 done, 0 failed, 0 already done", ARGS("-p", "-o", at("again"), at("d"))));
    char *pinyin = contents(at("again/b.txt"));
    assert_string_not_equal(hanzi, pinyin);
    ting_free(transcribe(0, "0 done, 0 failed, 2 already done", ARGS("-p", "-o", at("again"), at("d"))));
    ting_free(transcribe(0, "2 done", ARGS("-p", "-f", "json", "-o", at("again"), at("d"))));
    ting_free(transcribe(0, "0 done, 0 failed, 2 already done", ARGS("-t", "1", "-p", "-o", at("again"), at("d"))));
    assert_ok(ting_tiny_model_save(at("other.gguf"), 2, TING_TINY_AM));
    ting_free(transcribe(0, "2 done", ARGS("-m", at("other.gguf"), "-p", "-o", at("again"), at("d"))));
    /* text that was corrected by hand is not replaced then */
    save("again/b.txt", "mine\n", 5);
    ting_free(transcribe(2, "again/b.txt is there, but was changed since", ARGS("-o", at("again"), at("d"))));
    char *mine = contents(at("again/b.txt"));
    assert_string_equal(mine, "mine\n");
    ting_free(hanzi), ting_free(pinyin), ting_free(mine);
}

static void a_result_is_never_taken_for_that_of_another_recording(void **state)
{
    (void)state;
    const char *const folders[] = {"x", "x/1", "x/2"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(mkdir(at(folders[i]), 0777), 0);
    assert_ok(ting_tiny_wav_save(at("x/1/s.wav"), sound, SAMPLES, 16000));
    assert_ok(ting_tiny_wav_save(at("x/2/s.wav"), sound + 9000, SAMPLES - 9000, 16000));
    ting_free(transcribe(0, "1 done", ARGS("-o", at("o6"), at("x/2"))));
    ting_free(transcribe(2, "would both be written to", ARGS("-o", at("o6"), at("x/1"), at("x/2"))));
    ting_free(transcribe(2, "o6/s.txt is the result of ", ARGS("-o", at("o6"), at("x/1"))));
    ting_free(transcribe(0, "2 done", ARGS("-o", at("o6"), at("x")))); /* 1/s.txt and 2/s.txt */
    assert_true(ting_file_exists(at("o6/1/s.txt")) && ting_file_exists(at("o6/2/s.txt")));
    ting_free(transcribe(0, "1 already done", ARGS("-o", at("o6"), at("x/2")))); /* s.txt is still that of x/2/s.wav */
    /* endings do not tell two results apart, whatever the order */
    save("x/1/s.flac", "not read", 8);
    ting_free(transcribe(2, "would both be written to", ARGS("-o", at("o7"), at("x/1"))));
    ting_free(transcribe(2, "would both be written to", ARGS("-o", at("o7"), at("d/b.wav"), at("d"))));
    assert_false(ting_file_exists(at("o7")));
    /* what a person wrote */
    assert_int_equal(mkdir(at("o8"), 0777), 0);
    save("o8/b.txt", "mine\n", 5);
    ting_free(transcribe(2, "o8/b.txt is there, but this program did not write it", ARGS("-o", at("o8"), at("d"))));
    assert_false(ting_file_exists(at("o8/e/c.txt")));
    char *mine = contents(at("o8/b.txt"));
    assert_string_equal(mine, "mine\n");
    ting_free(mine);
    ting_free(transcribe(0, "2 done", ARGS("--force", "-o", at("o8"), at("d"))));
    /* a line that was cut off is no harm */
    FILE *cut = fopen(at("o8/.tingxie-done"), "a");
    fputs("b.txt\t12", cut);
    fclose(cut);
    ting_free(transcribe(0, NULL, ARGS("-p", "-o", at("o8"), at("d/b.wav"))));
    ting_free(transcribe(0, "1 already done", ARGS("-p", "-o", at("o8"), at("d/b.wav"))));
}

static void odd_names_break_no_line(void **state)
{
    (void)state;
    char line[600], name[300];
    snprintf(name, sizeof name, "%s/odd\n\tna\\me\033.wav", home);
    assert_ok(ting_tiny_wav_save(name, sound, SAMPLES, 16000));
    char *out = transcribe(0, NULL, ARGS("-q", name, at("a.wav")));
    snprintf(line, sizeof line, "%s/odd\\n\\tna\\\\me\\x1B.wav\t", home);
    assert_memory_equal(out, line, strlen(line));
    assert_int_equal(lines(out), 2);
    ting_free(out);
    ting_free(transcribe(0, NULL, ARGS("-o", at("odd"), name, "-t", "1", "--force")));
    ting_free(transcribe(0, "1 already done", ARGS("-o", at("odd"), name)));
    strcat(name, "x");
    ting_program_run run = run_with(ARGS("transcribe", name), NULL, 0); /* is not there */
    assert_int_equal(lines(run.err), 1);
    assert_non_null(strstr(run.err, "/odd\\n\\tna\\me\\x1B.wavx: cannot be opened"));
    ting_program_free(&run);
}

static void each_format_goes_to_its_file(void **state)
{
    (void)state;
    static const struct {
        const char *name, *part;
    } formats[] = {{"json", "\"alternatives\": ["}, {"srt", " --> "},  {"vtt", "WEBVTT\n"},        {"lrc", "[00:"},
                   {"tsv", "start\tend\ttext\n"},   {"ctm", " 1 0."}, {"textgrid", "IntervalTier"}, {"slf", "\nJ=0 S=0 E=1 W="},
                   {"txt", "\n"}};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char name[64];
        char *out = transcribe(0, NULL, ARGS("-f", formats[i].name, at("a.wav")));
        assert_non_null(strstr(out, formats[i].part));
        ting_free(transcribe(0, NULL, ARGS("-q", "-f", formats[i].name, "-o", at("formats"), at("a.wav"))));
        snprintf(name, sizeof name, "formats/a.%s", formats[i].name);
        char *text = contents(at(name));
        if (strcmp(formats[i].name, "txt") != 0)
            assert_string_equal(text, out);
        ting_free(text);
        ting_free(out);
    }
    /* several recordings: an object a line */
    char *objects = transcribe(0, NULL, ARGS("-q", "-f", "json", at("a.wav"), at("d")));
    assert_int_equal(lines(objects), 3);
    for (char *line = strtok(objects, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, "{\"name\": \"", 10);
        assert_non_null(strstr(line, "\"tokens\": ["));
        assert_string_equal(line + strlen(line) - 2, "]}");
    }
    ting_free(objects);
    ting_free(transcribe(2, "-f srt of several recordings needs -o", ARGS("-f", "srt", at("d"))));
    ting_free(transcribe(2, "has no place for tokens", ARGS("-f", "srt", "--tokens", at("a.wav"))));
}

static void bad_sound_is_one_sentence_and_the_rest_goes_on(void **state)
{
    (void)state;
    ting_file wav;
    assert_ok(ting_file_map(at("a.wav"), &wav));
    unsigned char header[44];
    memcpy(header, wav.data, 44);
    save("bad/empty.wav", "", 0);
    save("bad/header.wav", wav.data, 44);
    save("bad/half-header.wav", wav.data, 30);
    save("bad/text.wav", "this is no sound, whatever its name says\n", 41);
    save("bad/truncated.wav", wav.data, wav.size / 2);
    header[22] = 0; /* channels */
    save("bad/no-channels.wav", header, 44);
    ting_file_unmap(&wav);
    const float nan = 0.0f / 0.0f;
    float nans[100];
    for (int i = 0; i < 100; i++)
        nans[i] = nan;
    save("bad/nan.raw", nans, sizeof nans);
    static const char *const failing[] = {"bad/empty.wav", "bad/header.wav", "bad/half-header.wav", "bad/text.wav",
                                          "bad/no-channels.wav", "bad/missing.wav"};
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        ting_program_run run = run_with(ARGS("transcribe", at(failing[i])), NULL, 0);
        if (run.status != 1 || run.out_size != 0 || lines(run.err) != 1 || strstr(run.err, failing[i]) == NULL)
            fail_msg("%s: status %d, \"%s\", \"%s\"", failing[i], run.status, run.out, run.err);
        ting_program_free(&run);
    }
    ting_free(transcribe(1, "number", ARGS("--raw", "f32le:16000:1", at("bad/nan.raw"))));
    ting_free(transcribe(1, "channel", ARGS("--channel", "2", at("a.wav"))));
    ting_free(transcribe(1, "no sound file", ARGS(at("empty"))));
    ting_free(transcribe(1, "/nowhere", ARGS("@/nowhere")));
    /* half a file is heard as far as it goes, and it is said */
    char *half = transcribe(0, "truncated", ARGS(at("bad/truncated.wav")));
    assert_true(strlen(half) > 1);
    /* among good ones a bad one costs only itself */
    char *out = transcribe(1, "2 done, 1 failed", ARGS(at("a.wav"), at("bad/text.wav"), at("d/b.wav")));
    assert_int_equal(lines(out), 2);
    assert_null(strstr(out, "text.wav"));
    ting_free(out), ting_free(half);
}

static void keywords_are_hanzi_pinyin_or_tokens(void **state)
{
    (void)state;
    static const char *const same[] = {"zh \xC5\x8Dng g u\xC3\xB3 @\xE4\xB8\xAD\xE5\x9B\xBD :9 #0.001\n",
                                       "\xEF\xBB\xBF\xE4\xB8\xAD\xE5\x9B\xBD :9 #0.001\r\n",
                                       "zhong1 gu\xC3\xB3 :9 #0.001 @\xE4\xB8\xAD\xE5\x9B\xBD"}; /* 中国 */
    char *found[3];
    for (int i = 0; i < 3; i++) {
        save("words", same[i], strlen(same[i]));
        found[i] = transcribe(0, NULL, ARGS("-k", at("words"), at("a.wav")));
        assert_string_equal(found[i], found[0]);
    }
    assert_non_null(strstr(found[0], "\t\xE4\xB8\xAD\xE5\x9B\xBD\n"));
    for (int i = 0; i < 3; i++)
        ting_free(found[i]);
    /* a bad file is said once, before anything is done */
    save("words", "zhong1\nmum\n", 11);
    char *out = transcribe(1, "words:2: \"mum\" is no token of the model; a line is hanzi, pinyin or tokens of this model, which "
                              "'tingxie pinyin -n tokens WORD' prints",
                           ARGS("-k", at("words"), at("d")));
    assert_string_equal(out, "");
    ting_free(out);
    ting_free(transcribe(1, "/nowhere/words: cannot be opened", ARGS("-k", "/nowhere/words", at("d"))));
}

static void bad_models_are_one_sentence(void **state)
{
    (void)state;
    ting_file model;
    assert_ok(ting_file_map(at("models/am.gguf"), &model));
    save("cut.gguf", model.data, model.size / 2);
    save("none.gguf", "GGUF", 4);
    ting_file_unmap(&model);
    static const struct {
        const char *model, *part;
    } bad[] = {{"cut.gguf", "cut.gguf"}, {"none.gguf", "none.gguf"}, {"a.wav", "a.wav"}, {"missing.gguf", "missing.gguf"},
               {"empty", "no acoustic model was found in"}, {"models/p2h.gguf", "no acoustic network"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ting_program_run run = run_with(ARGS("transcribe", "-m", at(bad[i].model), at("a.wav")), NULL, 0);
        if (run.status != 1 || run.out_size != 0 || lines(run.err) != 1 || strstr(run.err, bad[i].part) == NULL)
            fail_msg("%s: status %d, \"%s\", \"%s\"", bad[i].model, run.status, run.out, run.err);
        ting_program_free(&run);
    }
    /* a broken candidate is passed over with a remark when another model does */
    assert_int_equal(mkdir(at("some"), 0777), 0);
    assert_ok(ting_tiny_model_save(at("some/z.gguf"), 1, TING_TINY_BOTH));
    save("some/a.gguf", "GGUF", 4);
    char *good = transcribe(0, NULL, ARGS(at("a.wav")));
    char *other = transcribe(0, "a.gguf", ARGS("-m", at("some"), at("a.wav")));
    assert_string_equal(other, good);
    ting_free(good), ting_free(other);
}

static void wrong_command_lines_do_nothing(void **state)
{
    (void)state;
    ting_assert_usage("something is missing", ARGS("transcribe"));
    ting_assert_usage("did you mean srt?", ARGS("transcribe", "-f", "srtt", "a.wav"));
    ting_assert_usage("--nbest 0 is out of range: 1 to 64", ARGS("transcribe", "--nbest", "0", "a.wav"));
    ting_assert_usage("--threads wants a whole number", ARGS("transcribe", "-t", "two", "a.wav"));
    ting_assert_usage("did you mean --precision?", ARGS("transcribe", "--precison", "int8", "a.wav"));
    ting_assert_usage("--tokens goes with neither", ARGS("transcribe", "--tokens", "--pinyin", "a.wav"));
    ting_assert_usage("--confidence goes with text alone", ARGS("transcribe", "--confidence", "-f", "json", "a.wav"));
    ting_assert_usage("--output wants a value", ARGS("transcribe", "a.wav", "--output"));
    ting_assert_usage("--force takes no value", ARGS("transcribe", "--force=yes", "a.wav"));
    ting_assert_usage("raw sound \"s16le:0:1\"", ARGS("transcribe", "--raw", "s16le:0:1", "a.wav", "b.wav"));
}

static void a_full_disk_is_said(void **state)
{
    (void)state;
    char line[1200];
    snprintf(line, sizeof line, "TING_MODELS='%s' %s transcribe '%s' >/dev/full 2>'%s'", at("models"), ting_program_path(),
             at("a.wav"), at("said"));
    int status = system(line);
    assert_int_equal(status >> 8, 1);
    char *said = contents(at("said"));
    assert_string_equal(strchr(said, ':'), ": standard output could not be written: No space left on device\n");
    ting_free(said);
}

/* Ctrl-C in the middle of a batch: status 130, whole lines of what was finished, and the sum. */
static void an_interruption_keeps_what_is_finished(void **state)
{
    (void)state;
    enum { COPIES = 3000 };
    char list[100];
    FILE *file = fopen(at("many"), "w");
    for (int i = 0; i < COPIES; i++)
        fprintf(file, "%s\n", at("a.wav"));
    fclose(file);
    snprintf(list, sizeof list, "@%.90s", at("many"));
    setenv("TING_MODELS", at("models"), 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, at("result"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&actions, 2, at("said"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    extern char **environ;
    char *words[] = {(char *)(uintptr_t)ting_program_path(), (char *)(uintptr_t)"transcribe", (char *)(uintptr_t)"-t",
                     (char *)(uintptr_t)"2", list, NULL};
    pid_t child;
    assert_int_equal(posix_spawn(&child, words[0], &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    struct stat result;
    for (int i = 0; i < 12000 && (stat(at("result"), &result) != 0 || result.st_size < 1000); i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    kill(child, SIGINT);
    int status;
    waitpid(child, &status, 0);
    unsetenv("TING_MODELS");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    char *out = contents(at("result")), *said = contents(at("said"));
    int done = 0;
    assert_non_null(strstr(said, " not begun or not finished"));
    assert_int_equal(sscanf(strrchr(said, ':'), ": %d done", &done), 1);
    assert_true(done > 0 && done < COPIES);
    assert_int_equal(lines(out), done);
    assert_true(out[strlen(out) - 1] == '\n');
    ting_free(out), ting_free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_is_bare_text),
        cmocka_unit_test(folders_lists_and_several_files_are_lines_with_paths),
        cmocka_unit_test(standard_input_is_sound),
        cmocka_unit_test(hypotheses_have_rank_and_score),
        cmocka_unit_test(an_attention_decoder_has_the_last_word),
        cmocka_unit_test(files_are_written_whole_and_only_once),
        cmocka_unit_test(other_options_and_models_do_the_work_again),
        cmocka_unit_test(a_result_is_never_taken_for_that_of_another_recording),
        cmocka_unit_test(odd_names_break_no_line),
        cmocka_unit_test(each_format_goes_to_its_file),
        cmocka_unit_test(bad_sound_is_one_sentence_and_the_rest_goes_on),
        cmocka_unit_test(keywords_are_hanzi_pinyin_or_tokens),
        cmocka_unit_test(bad_models_are_one_sentence),
        cmocka_unit_test(wrong_command_lines_do_nothing),
        cmocka_unit_test(a_full_disk_is_said),
        cmocka_unit_test(an_interruption_keeps_what_is_finished),
    };
    return cmocka_run_group_tests(tests, make_home, NULL);
}
