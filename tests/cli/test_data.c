/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_data.c - tingxie data prepare on miniature corpora with the layout of the real ones, and tingxie data check on
 * manifests with one fault of every kind.
 */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/manifest.h"
#include "support/corpus.h"
#include "support/program.h"
#include "support/tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(...)   ((const char *[]){"data", "check", __VA_ARGS__, NULL})
#define PREPARE(...) ((const char *[]){"data", "prepare", __VA_ARGS__, NULL})

enum { RATE = 16000, SECOND = RATE };

static char *home; /* everything below stands here */
static float sound[40 * RATE];

/* home/<name>; valid until eight more calls. */
static const char *at(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", home, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    assert_ok(ting_folder_make_above(at(name)));
    assert_ok(ting_file_save(at(name), text, strlen(text)));
}

static void write_sound(const char *name, size_t samples)
{
    assert_ok(ting_folder_make_above(at(name)));
    assert_ok(ting_tiny_wav_save(at(name), sound, samples, RATE));
}

static char *content_of(const char *name)
{
    ting_file file;
    assert_ok(ting_file_map(at(name), &file));
    char *text = ting_alloc(file.size + 1, 1);
    assert_non_null(text);
    if (file.size > 0)
        memcpy(text, file.data, file.size);
    ting_file_unmap(&file);
    return text;
}

/* The file's lines behind the first, with @ for home. */
static void assert_rows(const char *name, const char *want)
{
    char *text = content_of(name);
    ting_str got = {0};
    const char *head = "id\tpath\tspeaker\tstart\tseconds\ttext\tpinyin\n";
    assert_int_equal(strncmp(text, head, strlen(head)), 0);
    for (const char *p = text + strlen(head); *p != '\0';) {
        bool is_home = strncmp(p, home, strlen(home)) == 0;
        ting_str_add_bytes(&got, is_home ? "@" : p, 1);
        p += is_home ? strlen(home) : 1;
    }
    assert_string_equal(got.text, want);
    ting_str_free(&got);
    ting_free(text);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* Runs; the status must be this, and the texts must stand on standard output and standard error. */
static void assert_runs(int status, const char *out, const char *err, const char *const *arguments)
{
    ting_program_run run = ting_run_program(arguments, NULL);
    if (run.status != status)
        fail_msg("status %d, expected %d; \"%s\"", run.status, status, run.err);
    assert_has(run.out, out);
    assert_has(run.err, err);
    ting_program_free(&run);
}

/* ---- prepare ---- */

/* A clip of this sound; samples 0: the sound is missing. */
static void add_clip(const char *corpus, const char *folder, const char *part, const char *id, const char *label,
                     size_t samples)
{
    ting_mini_add(corpus, at(folder), &(ting_mini_clip){part, id, label, samples > 0 ? sound : NULL, samples});
}

static void make_aishell1(void)
{
    static const char corpus[] = "aishell1";
    add_clip(corpus, "one", "train", "BAC009S0002W0122", "而 对 楼市 成交 抑制", 2 * SECOND);
    add_clip(corpus, "one", "train", "BAC009S0002W0123", "Ｋ 歌 两百 次", SECOND);
    add_clip(corpus, "one", "train", "BAC009S0002W0124", "没 有 声音", 0);
    add_clip(corpus, "one", "dev", "BAC009S0724W0121", "广州市 房地产", SECOND + SECOND / 2);
    add_clip(corpus, "one", "test", "BAC009S0764W0121", "甚至 出现", SECOND);
    add_clip(corpus, "one", "test", "BAC009S0999W0121", "说话 人 不在", 0);
    add_clip(corpus, "one", "train", "BAC009S0002W0200", NULL, SECOND); /* has no transcript, as 325 of the corpus */
    write_text("one/data_aishell/wav/S0002.tar.gz", "unpacked already");
}

static void aishell1_is_prepared(void **state)
{
    (void)state;
    make_aishell1();
    assert_runs(0, "/out1/train.tsv\t2 clips\t0.00 hours\n",
                "AISHELL-1 (https://www.openslr.org/33), licence Apache-2.0",
                PREPARE("aishell1", at("one"), "-o", at("out1")));
    assert_rows(
        "out1/train.tsv",
        "BAC009S0002W0122\t@/one/data_aishell/wav/train/S0002/BAC009S0002W0122.wav\tS0002\t\t2\t而对楼市成交抑制\t\n"
        "BAC009S0002W0123\t@/one/data_aishell/wav/train/S0002/BAC009S0002W0123.wav\tS0002\t\t1\tK歌两百次\t\n");
    assert_rows(
        "out1/dev.tsv",
        "BAC009S0724W0121\t@/one/data_aishell/wav/dev/S0724/BAC009S0724W0121.wav\tS0724\t\t1.5\t广州市房地产\t\n");
    assert_rows("out1/test.tsv",
                "BAC009S0764W0121\t@/one/data_aishell/wav/test/S0764/BAC009S0764W0121.wav\tS0764\t\t1\t甚至出现\t\n");
    /* the folder itself may be named; what is missing is said */
    assert_runs(0, "1 clips", "BAC009S0002W0124.wav: there is no such file",
                PREPARE("aishell1", at("one/data_aishell"), "-o", at("out1")));
}

static void packed_speakers_are_named(void **state)
{
    (void)state;
    write_text("packed/transcript/aishell_transcript_v0.8.txt", "BAC009S0002W0122 而 对\n");
    write_sound("packed/wav/train/S0002/BAC009S0002W0122.wav", SECOND);
    write_text("packed/wav/S0003.tar.gz", "packed");
    write_text("packed/wav/S0004.tar.gz", "packed");
    assert_runs(1, "", "2 speakers are still packed, such as ", PREPARE("aishell1", at("packed"), "-o", at("out2")));
    assert_runs(1, "", "/packed/wav/S0003.tar.gz; unpack them: cd '",
                PREPARE("aishell1", at("packed"), "-o", at("out2")));
    assert_false(ting_file_exists(at("out2/train.tsv")));
}

static void thchs30_is_prepared(void **state)
{
    (void)state;
    static const char corpus[] = "thchs30";
    add_clip(corpus, "thchs", "train", "A11_0", "绿 是 阳春\nlv4 shi4 yang2 chun1\nl v4 sh ix4 ii iang2 ch un1\n",
             SECOND);
    add_clip(corpus, "thchs", "train", "B2_1", "一点儿 水 \nyi4 dianr3 shui3\nii i4 d iianr3 sh uii3\n",
             SECOND); /* 3 syllables for 4 hanzi */
    add_clip(corpus, "thchs", "dev", "C4_2", "美 好\r\nmei3 hao3\r\nm ei3 h ao3\r\n", SECOND);
    add_clip(corpus, "thchs", "test", "D7_3", "天气\n\n", SECOND);
    add_clip(corpus, "thchs", "dev", "C4_9", NULL, SECOND);
    assert_runs(0, "/out3/train.tsv\t2 clips", "C4_9.wav: there is no label ",
                PREPARE("thchs30", at("thchs"), "-o", at("out3")));
    assert_runs(0, "", "train: the pinyin of 1 clips does not fit their text",
                PREPARE("thchs30", at("thchs"), "-o", at("out3")));
    assert_rows("out3/train.tsv",
                "A11_0\t@/thchs/data_thchs30/train/A11_0.wav\tA11\t\t1\t绿是阳春\tlv4 shi4 yang2 chun1\n"
                "B2_1\t@/thchs/data_thchs30/train/B2_1.wav\tB2\t\t1\t一点儿水\t\n");
    assert_rows("out3/dev.tsv", "C4_2\t@/thchs/data_thchs30/dev/C4_2.wav\tC4\t\t1\t美好\tmei3 hao3\n");
    assert_rows("out3/test.tsv", "D7_3\t@/thchs/data_thchs30/test/D7_3.wav\tD7\t\t1\t天气\t\n");
}

static void aishell3_is_prepared(void **state)
{
    (void)state;
    static const char corpus[] = "aishell3";
    add_clip(corpus, "three", "train", "SSB00050001", "广 guang3 州 zhou1 女 nv3", SECOND);
    add_clip(corpus, "three", "train", "SSB06930026", "九 jiu3 千 qian1 点儿 dianr3 二 er4", SECOND);
    ting_mini_append(at("three"), "train/content.txt", "x\n");
    add_clip(corpus, "three", "train", "SSB00050003", "卡 ka3 拉 la1 OK o5 k5", SECOND);
    add_clip(corpus, "three", "test", "SSB00110001", "再 zai4 见 jian4 ", SECOND);
    assert_runs(0, "/out4/train.tsv\t3 clips", "/train/content.txt:3: names no sound",
                PREPARE("aishell3", at("three"), "-o", at("out4")));
    assert_rows(
        "out4/train.tsv",
        "SSB00050001\t@/three/train/wav/SSB0005/SSB00050001.wav\tSSB0005\t\t1\t广州女\tguang3 zhou1 nv3\n"
        "SSB06930026\t@/three/train/wav/SSB0693/SSB06930026.wav\tSSB0693\t\t1\t九千点儿二\tjiu3 qian1 dian3 er5 er4\n"
        "SSB00050003\t@/three/train/wav/SSB0005/SSB00050003.wav\tSSB0005\t\t1\t卡拉OK\t\n");
    assert_rows("out4/test.tsv",
                "SSB00110001\t@/three/test/wav/SSB0011/SSB00110001.wav\tSSB0011\t\t1\t再见\tzai4 jian4\n");
    assert_false(ting_file_exists(at("out4/dev.tsv")));
}

static void common_voice_is_prepared(void **state)
{
    (void)state;
    static const char corpus[] = "commonvoice-zh";
    add_clip(corpus, "cv", "train", "zh_1", "c1\t它们，都是“好”的。", SECOND);
    add_clip(corpus, "cv", "dev", "zh_2", "c2\t第二個。", SECOND);
    add_clip(corpus, "cv", "test", "zh_3", "c3\t他说 hello world！", SECOND);
    add_clip(corpus, "cv", "test", "zh_4", "c3\t……", SECOND);
    add_clip(corpus, "cv", "validated", "zh_1", "c1\t它们，都是“好”的。", 0);
    add_clip(corpus, "cv", "validated", "zh_5", "c2\t不要。", SECOND);
    add_clip(corpus, "cv", "validated", "zh_6", "c9\t要。", SECOND);
    add_clip(corpus, "cv", "validated", "zh_3", "c3\t不要", 0);
    assert_runs(0, "/out5/test.tsv\t1 clips", "zh_4: no text", PREPARE("commonvoice-zh", at("cv"), "-o", at("out5")));
    assert_rows("out5/train.tsv", "zh_1\t@/cv/zh-CN/clips/zh_1.mp3\tc1\t\t1\t它们都是好的\t\n");
    assert_rows("out5/dev.tsv", "zh_2\t@/cv/zh-CN/clips/zh_2.mp3\tc2\t\t1\t第二個\t\n");
    assert_rows("out5/test.tsv", "zh_3\t@/cv/zh-CN/clips/zh_3.mp3\tc3\t\t1\t他说hello world\t\n");
    assert_runs(0, "", "", PREPARE("commonvoice-zh", at("cv/zh-CN"), "--validated", "-o", at("out5")));
    assert_rows("out5/train.tsv", "zh_1\t@/cv/zh-CN/clips/zh_1.mp3\tc1\t\t1\t它们都是好的\t\n"
                                  "zh_6\t@/cv/zh-CN/clips/zh_6.mp3\tc9\t\t1\t要\t\n");
}

static void wrong_orders_change_nothing(void **state)
{
    (void)state;
    write_text("out6/train.tsv", "old");
    ting_assert_usage("no corpus is called \"aishell4\"; there are aishell1, aishell3, commonvoice-zh, thchs30",
                      PREPARE("aishell4", home, "-o", at("out6")));
    ting_assert_usage("AISHELL-1 has no list of validated clips",
                      PREPARE("aishell1", home, "--validated", "-o", at("out6")));
    ting_assert_usage("name the folder for the manifests with -o DIR", PREPARE("aishell1", home));
    assert_runs(1, "", "neither it nor the folder data_thchs30 in it holds data/A11_0.wav.trn",
                PREPARE("thchs30", home, "-o", at("out6")));
    /* a corpus without a single sound */
    write_text("mute/transcript/aishell_transcript_v0.8.txt", "BAC009S0002W0122 而 对\n");
    assert_ok(ting_folder_make(at("mute/wav/train/S0002")));
    assert_runs(1, "", "mute: no sentence with its sound was found", PREPARE("aishell1", at("mute"), "-o", at("out6")));
    assert_rows(
        "out1/dev.tsv",
        "BAC009S0724W0121\t@/one/data_aishell/wav/dev/S0724/BAC009S0724W0121.wav\tS0724\t\t1.5\t广州市房地产\t\n");
    char *old = content_of("out6/train.tsv");
    assert_string_equal(old, "old");
    ting_free(old);
}

/* ---- check ---- */

static void a_good_manifest_is_summed_up(void **state)
{
    (void)state;
    write_sound("good/a.wav", 3 * SECOND);
    write_sound("good/b.wav", SECOND + SECOND / 2);
    write_text("good/m.tsv", "id\tpath\ttext\tpinyin\tspeaker\n"
                             "a\ta.wav\t你好，你们好！\t\tS1\n"
                             "b\tb.wav\t\tlv4 se4\tS2\n"
                             "c\tb.wav\t\t\t\n");
    ting_program_run run = ting_run_program(CHECK("--decode", at("good/m.tsv")), NULL);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.err, "");
    assert_string_equal(run.out, "clips               3\n"
                                 "hours               0.00\n"
                                 "speakers            2\n"
                                 "  clips without     1\n"
                                 "clips at 16000      3\n"
                                 "lengths             1.50 to 3.00 s\n"
                                 "  0 to 2 s          2          ########################################\n"
                                 "  2 to 4 s          1          ####################\n"
                                 "labelled            2\n"
                                 "hanzi               5, 3 different\n"
                                 "syllables           7, 5 different\n" /* ni3 hao3 men5 lv4 se4 */
                                 "  in common use     5 of 1443 (0.3 %), 5 of them fewer than 10 times\n"
                                 "without a problem   3 (100.00 %)\n");
    ting_program_free(&run);
}

static void write_samples(const char *name, const float *samples, size_t count)
{
    assert_ok(ting_folder_make_above(at(name)));
    assert_ok(ting_tiny_wav_save(at(name), samples, count, RATE));
}

/* One clip for each kind of problem, and one without any. */
static void make_faults(void)
{
    static float other[2 * RATE];
    write_sound("bad/ok.wav", 2 * SECOND);
    write_sound("bad/short.wav", SECOND / 20);
    write_sound("bad/long.wav", 31 * SECOND);
    write_text("bad/empty.wav", "");
    write_text("bad/text.wav", "this is no sound");
    write_samples("bad/silent.wav", other, 2 * SECOND);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        other[i] = i / 40 % 2 == 0 ? 1.0f : -1.0f;
    write_samples("bad/clipped.wav", other, 2 * SECOND);
    char *whole = content_of("bad/ok.wav");
    assert_ok(ting_file_save(at("bad/cut.wav"), whole, 44 + SECOND)); /* half a second of the two */
    ting_free(whole);
    write_text("bad/m.tsv", "id\tpath\ttext\tpinyin\tstart\tseconds\n"
                            "ok\tok.wav\t你好\tni3 hao3\t\t2\n"
                            "lost\tlost.wav\t你好\t\t\t\n"
                            "empty\tempty.wav\t你好\t\t\t\n"
                            "text\ttext.wav\t你好\t\t\t\n"
                            "cut\tcut.wav\t你好\t\t\t\n"
                            "length\tok.wav\t你好\t\t\t3.5\n"
                            "beyond\tok.wav\t你好\t\t1.5\t1\n"
                            "short\tshort.wav\t\t\t\t\n"
                            "long\tlong.wav\t你好\t\t\t\n"
                            "silent\tsilent.wav\t你好\t\t\t\n"
                            "clipped\tclipped.wav\t你好\t\t\t\n"
                            "label\tok.wav\t你好你好你好你好你好你好你好你好\t\t0\t1\n"
                            "reading\tok.wav\t他在X光室\t\t\t\n"
                            "pinyin\tok.wav\t你好\tni3 hao6\t\t\n"
                            "count\tok.wav\t你好吗\tni3 hao3\t\t\n"
                            "ok\tok.wav\t你好\t\t\t\n"
                            "line\tok.wav\t你好\t\tsoon\t\n");
}

static void every_fault_is_found(void **state)
{
    (void)state;
    make_faults();
    ting_program_run run = ting_run_program(CHECK("-d", "-o", at("bad/good.tsv"), at("bad/m.tsv")), NULL);
    assert_int_equal(run.status, 1);
    static const char *const said[] = {
        "m.tsv:18: the start is \"soon\", expected seconds\n",
        "lost: ",
        "lost.wav: there is no such file\n",
        "empty: ",
        "empty.wav: is empty (0 bytes), expected sound\n",
        "text: ",
        "text.wav: no sound file that this program can read",
        "cut.wav ends before its header says\n",
        "length: 2.000 s, but the manifest says 3.500 s\n",
        "beyond: ends at 2.500 s, but ",
        "ok.wav has 2.000 s\n",
        "short: 0.050 s, shorter than 0.1 s\n",
        "long: 31.000 s, longer than 30 s\n",
        "silent: silent: the standard deviation is 0 of full scale\n",
        "clipped: clipped: 100.00 % of the samples stand at full scale\n",
        /* 100 frames of features, (93 / 2 + 1) / 2 = 23 of the encoder; 16 syllables of two parts */
        "label: its label needs 32 frames, and 1.000 s have 23\n",
        "reading: no reading for \"X\" (U+0058)\n",
        "pinyin: \"hao6\" is no syllable of Mandarin\n",
        "count: 2 syllables for 3 hanzi\n",
        "ok: an earlier clip has this id\n",
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        assert_has(run.err, said[i]);
    assert_has(run.out, "clips               16\n");
    assert_has(run.out, "without a problem   1 (6.25 %)\n"
                        "  bad line          1\n"
                        "  missing           1\n"
                        "  unreadable        2\n"
                        "  truncated         1\n"
                        "  wrong length      2\n"
                        "  too short         1\n"
                        "  too long          1\n"
                        "  silent            1\n"
                        "  clipped           1\n"
                        "  label too long    1\n"
                        "  no reading        1\n"
                        "  wrong pinyin      2\n"
                        "  id not alone      1\n");
    ting_program_free(&run);
    assert_rows("bad/good.tsv", "ok\t@/bad/ok.wav\t\t\t2\t你好\tni3 hao3\n");
}

/* 16 hanzi in a second: 32 initials and finals are too many for 23 rows, 16 characters are not; a network of half the rows has 12. */
static void labels_are_counted_as_a_recipe_has_them(void **state)
{
    (void)state;
    write_sound("rows/a.wav", SECOND);
    write_text("rows/m.tsv", "id\tpath\ttext\na\ta.wav\t你好你好你好你好你好你好你好你好\n");
    write_text("rows/zipformer.yaml", "tokens: {table: characters}\ndata: {train: [{manifest: m.tsv}]}\n");
    write_text("rows/cnn.yaml", "model: {encoder: cnn, channels: [4, 8, 8], convs: [1, 1, 1], stride_time: [2, 2, 2],\n"
                                "        stride_freq: [2, 2, 2], dim: 16, ctc: true}\n"
                                "loss: {ctc: 1, transducer: 0, simple: 0}\n"
                                "tokens: {table: characters}\ndata: {train: [{manifest: m.tsv}]}\n");
    assert_runs(1, "label too long", "a: its label needs 32 frames, and 1.000 s have 23\n", CHECK(at("rows/m.tsv")));
    assert_runs(0, "without a problem   1 ", "", CHECK("--recipe", at("rows/zipformer.yaml"), at("rows/m.tsv")));
    assert_runs(1, "label too long", "a: its label needs 16 frames, and 1.000 s have 12\n",
                CHECK("--recipe", at("rows/cnn.yaml"), at("rows/m.tsv")));
    assert_runs(1, "", "there-is-none.yaml", CHECK("--recipe", at("rows/there-is-none.yaml"), at("rows/m.tsv")));
}

static void results_do_not_depend_on_threads(void **state)
{
    (void)state;
    make_faults();
    ting_program_run one = ting_run_program(CHECK("-d", "-t", "1", at("bad/m.tsv")), NULL);
    ting_program_run many = ting_run_program(CHECK("-d", "-t", "5", at("bad/m.tsv")), NULL);
    assert_string_equal(one.out, many.out);
    assert_string_equal(one.err, many.err);
    ting_program_free(&one);
    ting_program_free(&many);
}

static void lists_of_problems_are_capped(void **state)
{
    (void)state;
    write_text("lost.tsv", "a.wav\nb.wav\nc.wav\nd.wav\n");
    ting_program_run run = ting_run_program(CHECK("--most", "1", at("lost.tsv")), NULL);
    assert_int_equal(run.status, 1);
    assert_has(run.err, "a.wav: there is no such file\n");
    assert_null(strstr(run.err, "b.wav"));
    assert_has(run.err, "3 more problems are not listed; --most N lists N of each kind\n");
    assert_has(run.out, "  missing           4\n");
    ting_program_free(&run);
}

/* Pieces of a file, decoded in one pass, and again where they do not ascend. */
static void pieces_are_measured(void **state)
{
    (void)state;
    static float half[4 * RATE]; /* two seconds of silence, then two of sound */
    memcpy(half + 2 * SECOND, sound, 2 * SECOND * sizeof *half);
    write_samples("pieces/l.wav", half, 4 * SECOND);
    write_text("pieces/wav.scp", "rec l.wav\n");
    write_text("pieces/segments", "u1 rec 0 2\nu2 rec 2 3.5\nu3 rec 3.5 -1\nu4 rec 0.5 1\n");
    ting_program_run run = ting_run_program(CHECK("-d", "-o", at("pieces.tsv"), at("pieces")), NULL);
    assert_int_equal(run.status, 1);
    assert_has(run.err, "u1: silent");
    assert_has(run.err, "u4: silent");
    assert_null(strstr(run.err, "u2:"));
    assert_null(strstr(run.err, "u3:"));
    ting_program_free(&run);
    assert_rows("pieces.tsv", "u2\t@/pieces/l.wav\t\t2\t1.5\t\t\nu3\t@/pieces/l.wav\t\t3.5\t0.5\t\t\n");
}

static void wrong_checks_are_refused(void **state)
{
    (void)state;
    write_text("refused.tsv", "path\tsplit\na.wav\ttrain\n");
    ting_assert_usage("no clip has \"dev\" in its column \"split\"", CHECK("--only", "split=dev", at("refused.tsv")));
    ting_assert_usage("refused.tsv is both input and output", CHECK("-o", at("refused.tsv"), at("refused.tsv")));
    assert_runs(1, "", "no-such.tsv: ", CHECK(at("no-such.tsv")));
}

static int make_home(void **state)
{
    (void)state;
    home = ting_temp_path("data");
    ting_tiny_sound(sound, sizeof sound / sizeof sound[0]);
    return ting_folder_make(home) == TING_OK ? 0 : -1;
}

static int free_home(void **state)
{
    (void)state;
    ting_free(home);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aishell1_is_prepared),
        cmocka_unit_test(packed_speakers_are_named),
        cmocka_unit_test(thchs30_is_prepared),
        cmocka_unit_test(aishell3_is_prepared),
        cmocka_unit_test(common_voice_is_prepared),
        cmocka_unit_test(wrong_orders_change_nothing),
        cmocka_unit_test(a_good_manifest_is_summed_up),
        cmocka_unit_test(every_fault_is_found),
        cmocka_unit_test(labels_are_counted_as_a_recipe_has_them),
        cmocka_unit_test(results_do_not_depend_on_threads),
        cmocka_unit_test(lists_of_problems_are_capped),
        cmocka_unit_test(pieces_are_measured),
        cmocka_unit_test(wrong_checks_are_refused),
    };
    return cmocka_run_group_tests(tests, make_home, free_home);
}
