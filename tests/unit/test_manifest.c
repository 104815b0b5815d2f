/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - the forms of manifests: what becomes of each column, key and Kaldi file, and of bad lines. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/manifest.h"
#include "support/failing.h"

#include <stdio.h>
#include <string.h>

static char *file_of(const char *name, const char *text)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_folder_make_above(path));
    assert_ok(ting_file_save(path, text, strlen(text)));
    return path;
}

static void write_file(const char *name, const char *text)
{
    ting_free(file_of(name, text));
}

static void note(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    ting_str_addf(self, "%s\n", sentence);
}

/* Everything of a clip on one line; the folder of the manifest is left out of the path. */
static const char *shown(const ting_manifest *m, size_t index, const char *folder)
{
    static char line[1024];
    const ting_clip *c = ting_manifest_at(m, index);
    size_t length = strlen(folder);
    const char *path = strncmp(c->path, folder, length) == 0 ? c->path + length : c->path;
    snprintf(line, sizeof line, "%s|%s|%s|%s|%s|%.3f|%.3f", c->id, path, c->text != NULL ? c->text : "-",
             c->pinyin != NULL ? c->pinyin : "-", c->speaker != NULL ? c->speaker : "-", c->start, c->seconds);
    return line;
}

static char *folder_of(const char *path)
{
    char *folder = ting_strdup(path);
    assert_non_null(folder);
    strrchr(folder, '/')[1] = '\0';
    return folder;
}

/* Reads the file; its clips must be the lines of `want`. */
static void assert_clips(const char *path, const ting_manifest_options *options, const char *folder, const char *want)
{
    ting_manifest *m;
    ting_str got = {0};
    assert_ok(ting_manifest_read(path, options, &m));
    for (size_t i = 0; i < ting_manifest_count(m); i++)
        ting_str_addf(&got, "%s\n", shown(m, i, folder));
    assert_string_equal(got.text, want);
    ting_str_free(&got);
    ting_manifest_free(m);
}

static void assert_lines(const char *name, const char *text, const char *want)
{
    char *path = file_of(name, text), *folder = folder_of(path);
    assert_clips(path, NULL, folder, want);
    ting_free(folder);
    ting_free(path);
}

static void a_header_line_names_the_columns(void **state)
{
    (void)state;
    assert_lines("a.tsv",
                 "\xEF\xBB\xBFspeaker\tpath\tsource\tid\ttext\tpinyin\tduration_s\r\n"
                 "S1\twav/a b.wav\tx\ta\t你好，世界\tni3 hao3 shi4 jie4\t1.5\r\n"
                 "\r\n"
                 "\t/abs/b.wav\tx\t\t\t\t\r\n",
                 "a|wav/a b.wav|你好，世界|ni3 hao3 shi4 jie4|S1|-1.000|1.500\n"
                 "/abs/b.wav|/abs/b.wav|-|-|-|-1.000|-1.000\n");
    /* Common Voice's own names */
    assert_lines("cv.tsv", "client_id\tpath\tsentence\tup_votes\nc1\tcommon_voice_zh-CN_1.mp3\t测试。\t2\n",
                 "common_voice_zh-CN_1.mp3|common_voice_zh-CN_1.mp3|测试。|-|c1|-1.000|-1.000\n");
    /* pieces of a long file: start and end, start and length, start alone, end alone */
    assert_lines("p.tsv",
                 "id\tpath\tstart\tend\tseconds\na\tl.flac\t1.5\t4\t\nb\tl.flac\t4\t\t2.25\nc\tl.flac\t7\t\t\nd\tl.flac\t\t3\t\n",
                 "a|l.flac|-|-|-|1.500|2.500\nb|l.flac|-|-|-|4.000|2.250\nc|l.flac|-|-|-|7.000|-1.000\n"
                 "d|l.flac|-|-|-|0.000|3.000\n");
}

static void a_list_has_path_and_text(void **state)
{
    (void)state;
    assert_lines("l.tsv", "a.wav\t你好\tmore\nx/b.wav\nc.wav\t\n",
                 "a.wav|a.wav|你好|-|-|-1.000|-1.000\nx/b.wav|x/b.wav|-|-|-|-1.000|-1.000\nc.wav|c.wav|-|-|-|-1.000|-1.000\n");
}

static void lines_of_json_are_clips(void **state)
{
    (void)state;
    assert_lines("data.list",
                 "{\"key\": \"a\", \"wav\": \"a.wav\", \"txt\": \"\\u4f60好\"}\n"
                 "{\"key\": 7, \"wav\": \"/l.flac\", \"txt\": null, \"start\": 1, \"end\": 2.5}\n"
                 "{\"audio_filepath\": \"n.wav\", \"text\": \"好\", \"duration\": 3.25, \"offset\": 0.5, \"lang\": [\"zh\"]}\n",
                 "a|a.wav|你好|-|-|-1.000|-1.000\n7|/l.flac|-|-|-|1.000|1.500\nn.wav|n.wav|好|-|-|0.500|3.250\n");
}

static void a_kaldi_folder_is_read(void **state)
{
    (void)state;
    char *scp = file_of("kaldi/wav.scp", "a wav/a.wav\nb  /abs/b c.wav\n"), *folder = folder_of(scp);
    assert_clips(folder, NULL, folder, "a|wav/a.wav|-|-|-|-1.000|-1.000\nb|/abs/b c.wav|-|-|-|-1.000|-1.000\n");
    write_file("kaldi/text", "b 而 对 楼市\nnot-there 好\n");
    write_file("kaldi/utt2spk", "a S1\nb S2\n");
    write_file("kaldi/utt2dur", "a 1.25\n");
    const ting_manifest_options elsewhere = {.base = "/data"};
    assert_clips(folder, &elsewhere, "", "a|/data/wav/a.wav|-|-|S1|-1.000|1.250\nb|/abs/b c.wav|而 对 楼市|-|S2|-1.000|-1.000\n");
    write_file("kaldi/segments", "a-1 a 0.5 1.5\na-2 a 2 -1\n");
    write_file("kaldi/text", "a-1\t你好\na-2\t再 见\n"); /* tabs, as some write it */
    write_file("kaldi/utt2spk", "a-1 S1\n");
    assert_clips(folder, NULL, folder, "a-1|wav/a.wav|你好|-|S1|0.500|1.000\na-2|wav/a.wav|再 见|-|-|2.000|-1.000\n");
    ting_free(folder);
    ting_free(scp);
}

static void commands_are_refused(void **state)
{
    (void)state;
    char *scp = file_of("pipes/wav.scp", "a touch /tmp/never; cat a.wav |\nb b.wav\n"), *folder = folder_of(scp);
    ting_manifest *m;
    assert_fails(TING_ERR_FORMAT, "wav.scp:1: \"touch /tmp/never; cat a.wav |\" is a command, and commands are not run",
                 ting_manifest_read(folder, NULL, &m));
    assert_null(m);
    ting_free(folder);
    ting_free(scp);
}

static void only_some_clips_are_chosen(void **state)
{
    (void)state;
    char *path = file_of("s.tsv", "path\tsplit\na.wav\ttrain\nb.wav\tdev\nc.wav\ttrain\n"), *folder = folder_of(path);
    ting_manifest *m;
    assert_clips(path, &(ting_manifest_options){.only = "split=train"}, folder,
                 "a.wav|a.wav|-|-|-|-1.000|-1.000\nc.wav|c.wav|-|-|-|-1.000|-1.000\n");
    assert_fails(TING_ERR_ARGUMENT, "no clip has \"test\" in its column \"split\"",
                 ting_manifest_read(path, &(ting_manifest_options){.only = "split=test"}, &m));
    assert_fails(TING_ERR_ARGUMENT, "no column \"part\"; the first line is \"path\tsplit\"",
                 ting_manifest_read(path, &(ting_manifest_options){.only = "part=dev"}, &m));
    assert_fails(TING_ERR_ARGUMENT, "\"dev\" does not choose clips, expected COLUMN=VALUE",
                 ting_manifest_read(path, &(ting_manifest_options){.only = "dev"}, &m));
    char *both = file_of("both.tsv", "path\tsplit\tspeaker\na.wav\ttrain\tx\nb.wav\tdev\tx\nc.wav\ttrain\ty\n");
    assert_clips(both, &(ting_manifest_options){.only = "speaker=x,split=train"}, folder,
                 "a.wav|a.wav|-|-|x|-1.000|-1.000\n");
    assert_fails(TING_ERR_ARGUMENT, "no clip has all of \"split=dev,speaker=y\"",
                 ting_manifest_read(both, &(ting_manifest_options){.only = "split=dev,speaker=y"}, &m));
    assert_fails(TING_ERR_ARGUMENT, "expected COLUMN=VALUE",
                 ting_manifest_read(both, &(ting_manifest_options){.only = "split=dev,y"}, &m));
    assert_fails(TING_ERR_ARGUMENT, "up to 4 of them",
                 ting_manifest_read(both, &(ting_manifest_options){.only = "a=1,b=2,c=3,d=4,e=5"}, &m));
    ting_free(both);
    char *list = file_of("s.list", "a.wav\t好\n");
    assert_fails(TING_ERR_ARGUMENT, "no column \"split\"",
                 ting_manifest_read(list, &(ting_manifest_options){.only = "split=dev"}, &m));
    char *json = file_of("s.json", "{\"wav\": \"a.wav\", \"fold\": 1}\n{\"wav\": \"b.wav\", \"fold\": 2}\n{\"wav\": \"c.wav\"}\n");
    assert_clips(json, &(ting_manifest_options){.only = "fold=2"}, folder, "b.wav|b.wav|-|-|-|-1.000|-1.000\n");
    char *scp = file_of("only/wav.scp", "a a.wav\n"), *kaldi = folder_of(scp);
    assert_fails(TING_ERR_ARGUMENT, "a Kaldi folder has no column \"split\"",
                 ting_manifest_read(kaldi, &(ting_manifest_options){.only = "split=dev"}, &m));
    ting_free(kaldi);
    ting_free(scp);
    ting_free(json);
    ting_free(list);
    ting_free(folder);
    ting_free(path);
}

typedef struct bad_case {
    const char *text, *part; /* the file, and what the sentence says */
} bad_case;

static void bad_lines_are_named(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"", ": no clip in it"},
        {"path\ttext\n", ": no clip in it"},
        {"id\ttext\na\t好\n", ": the first line names no column \"path\""},
        {"path\ttext\na.wav\t好\n\t好\n", ":3: no path of a sound file"},
        {"path\ttext\na.wav\t\xFF\xFE\n", ":2: the text is not UTF-8 text"},
        {"path\tpinyin\na.wav\tni\xCC\n", ":2: the pinyin is not UTF-8 text"},
        {"path\tseconds\na.wav\t1,5\n", ":2: the length is \"1,5\", expected seconds"},
        {"path\tseconds\na.wav\t-3\n", ":2: the length is \"-3\", expected seconds"},
        {"path\tseconds\na.wav\t1e8\n", ":2: the length is \"1e8\", expected seconds"},
        {"path\tseconds\na.wav\t0.0000000000000000000000000000000000000000000000000000000000000000000001\n",
         ":2: the length is \"0.00000000000000000000000000000000000000\", expected seconds"},
        {"path\tseconds\na.wav\t0\n", ":2: a clip of 0 seconds"},
        {"path\tstart\na.wav\tnan\n", ":2: the start is \"nan\", expected seconds"},
        {"path\tstart\tend\na.wav\t3\t2\n", ":2: the clip ends at 2 s, and begins at 3 s"},
        {"{\"wav\": \"a.wav\"}\n{\"wav\": \"b.wav\"\n", ":2: not JSON: "},
        {"{\"wav\": \"a.wav\"}\n[1]\n", ":2: expected a JSON object"},
        {"{\"wav\": [\"a.wav\"]}\n", ":1: \"wav\" is neither text nor a number"},
        {"{\"key\": \"a\"}\n", ":1: no path of a sound file"},
        {"{\"wav\": \"a.wav\", \"wav\": \"b.wav\"}\n", ":1: not JSON: duplicate object key"},
        {"{\"wav\": \"a.wav\", \"start\": -1}\n", ":1: the start is \"-1\", expected seconds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = file_of("bad.tsv", cases[i].text);
        ting_manifest *m;
        assert_fails(TING_ERR_FORMAT, cases[i].part, ting_manifest_read(path, NULL, &m));
        assert_null(m);
        ting_free(path);
    }
    ting_manifest *m;
    assert_fails(TING_ERR_IO, "/no/such/file.tsv", ting_manifest_read("/no/such/file.tsv", NULL, &m));
    char *folder = ting_temp_path("empty");
    assert_ok(ting_folder_make(folder));
    assert_fails(TING_ERR_IO, "empty/wav.scp: cannot be opened", ting_manifest_read(folder, NULL, &m));
    ting_free(folder);
}

static void bad_kaldi_lines_are_named(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"u1 rec 0\n", "segments:1: expected an utterance, its recording, start and end"},
        {"u1 rec 0 1\nu2 other 0 1\n", "segments:2: the recording \"other\" is not in wav.scp"},
        {"u1 rec 0 x\n", "segments:1: the end is \"x\", expected seconds"},
        {"u1 rec 0 1\nu2\trec 0 1\n", "segments:1: white space in the id \"u1 rec 0 1\""},
    };
    char *scp = file_of("segmented/wav.scp", "rec r.wav\n"), *folder = folder_of(scp);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_manifest *m;
        write_file("segmented/segments", cases[i].text);
        assert_fails(TING_ERR_FORMAT, cases[i].part, ting_manifest_read(folder, NULL, &m));
    }
    ting_free(folder);
    ting_free(scp);
}

static void bad_lines_can_be_left_out(void **state)
{
    (void)state;
    char *path = file_of("some.tsv", "path\tseconds\na.wav\t1\nb.wav\tlong\n\t2\nc.wav\t3\n");
    ting_str said = {0};
    ting_manifest *m;
    assert_ok(ting_manifest_read(path, &(ting_manifest_options){.bad = &(ting_log){note, &said}}, &m));
    assert_int_equal(ting_manifest_count(m), 2);
    assert_string_equal(ting_manifest_at(m, 1)->id, "c.wav");
    assert_non_null(strstr(said.text, "some.tsv:3: the length is \"long\", expected seconds\n"));
    assert_non_null(strstr(said.text, "some.tsv:4: no path of a sound file\n"));
    ting_manifest_free(m);
    ting_str_free(&said);
    ting_free(path);
}

static ting_err read_again(void *path)
{
    ting_manifest *m;
    ting_err err = ting_manifest_read(path, NULL, &m);
    ting_manifest_free(m);
    return err;
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    char *path = file_of("m.tsv", "path\ttext\na.wav\t好\nb.wav\t好\n"), *scp = file_of("memory/wav.scp", "a a.wav\n");
    char *folder = folder_of(scp);
    write_file("memory/text", "a 好\n");
    assert_true(ting_fail_each_allocation(read_again, path) > 5);
    assert_true(ting_fail_each_allocation(read_again, folder) > 10);
    ting_free(folder);
    ting_free(scp);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_line_names_the_columns), cmocka_unit_test(a_list_has_path_and_text),
        cmocka_unit_test(lines_of_json_are_clips),         cmocka_unit_test(a_kaldi_folder_is_read),
        cmocka_unit_test(commands_are_refused),            cmocka_unit_test(only_some_clips_are_chosen),
        cmocka_unit_test(bad_lines_are_named),             cmocka_unit_test(bad_kaldi_lines_are_named),
        cmocka_unit_test(bad_lines_can_be_left_out),       cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
