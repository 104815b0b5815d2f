/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_align.c - tingxie align with the model that ships on real speech: times against those of recognition, formats, sentences, and
 * what is refused.
 */
#include "support/support.h"

#include "support/program.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})
#define SOUND "examples/sound/BAC009S0252W0453.flac"
#define SAID "公安机关正在进一步调查中"

enum { CHARACTERS = 12, MOST = 64 };
static const double seconds = 3.3620; /* of the sound: 53792 samples at 16 kHz */

static ting_program_run run(const char *const *arguments, const char *input)
{
    return ting_run_program_with(arguments, input, input != NULL ? strlen(input) : 0, ARGS("TING_MODELS=", "XDG_DATA_HOME=/nowhere"));
}

typedef struct character {
    double start, end, confidence;
    char text[8], pinyin[16];
} character;

/* Of tsv. */
static int read_characters(const char *text, character *out)
{
    int count = 0;
    static const char heading[] = "start\tend\tcharacter\tpinyin\tconfidence\n";
    assert_memory_equal(text, heading, strlen(heading));
    for (const char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1, count++) {
        character *c = &out[count];
        assert_true(count < MOST);
        assert_int_equal(sscanf(line, "%lf\t%lf\t%7[^\t]\t%15[^\t]\t%lf\n", &c->start, &c->end, c->text, c->pinyin, &c->confidence), 5);
    }
    return count;
}

/* The starts of JSON's characters. */
static int read_starts(const char *json, double *out)
{
    static const char label[] = "\"start\": ";
    int count = 0;
    const char *end = strstr(json, "\"tokens\"");
    assert_non_null(end);
    for (const char *at = strstr(json, "\"chars\""); (at = strstr(at, label)) != NULL && at < end; count++) {
        assert_true(count < MOST);
        at += strlen(label);
        out[count] = atof(at);
    }
    return count;
}

static void times_are_those_of_recognition(void **state)
{
    (void)state;
    static const char *const pinyin[CHARACTERS] = {"gong1",  "an1", "ji1", "guan1", "zheng4", "zai4",
                                                   "jin4", "yi1", "bu4", "diao4", "cha2", "zhong1"};
    character got[MOST];
    double heard[MOST];
    ting_program_run aligned = run(ARGS("align", SOUND, SAID), NULL);
    ting_program_run transcribed = run(ARGS("transcribe", "-f", "json", SOUND), NULL);
    ting_program_run json = run(ARGS("align", "-f", "json", SOUND, SAID), NULL);
    double again[MOST];
    assert_int_equal(aligned.status, 0);
    assert_string_equal(aligned.err, "");
    assert_non_null(strstr(transcribed.out, "\"text\": \"" SAID "\"")); /* else there is nothing to compare */
    assert_int_equal(read_characters(aligned.out, got), CHARACTERS);
    assert_int_equal(read_starts(transcribed.out, heard), CHARACTERS);
    assert_int_equal(read_starts(json.out, again), CHARACTERS);
    for (int i = 0; i < CHARACTERS; i++) {
        assert_memory_equal(got[i].text, &SAID[3 * i], 3);
        assert_string_equal(got[i].pinyin, pinyin[i]);
        assert_true(got[i].start < got[i].end && got[i].end <= seconds + 0.001);
        assert_true(i == 0 || got[i].start >= got[i - 1].end);
        assert_true(fabs(got[i].start - heard[i]) <= 0.2);
        assert_true(got[i].start == again[i]); /* both have milliseconds */
        assert_true(got[i].confidence > 0.1 && got[i].confidence <= 1);
    }
    ting_program_free(&aligned);
    ting_program_free(&transcribed);
    ting_program_free(&json);
}

/* Marks are left out; a line and 。 end a sentence; the words may come by a file or a pipe. */
static void texts_have_sentences(void **state)
{
    (void)state;
    char *path = ting_temp_path("said.txt");
    static const char text[] = "\xEF\xBB\xBF公安机关，正在\n进一步。（调查 中！）\n";
    assert_ok(ting_file_save(path, text, sizeof text - 1));
    ting_program_run file = run(ARGS("align", "-f", "srt", "--text", path, SOUND), NULL);
    ting_program_run pipe = run(ARGS("align", "-f", "srt", "--text", "-", SOUND), text);
    assert_int_equal(file.status, 0);
    assert_string_equal(file.out, pipe.out);
    assert_memory_equal(file.out, "1\n00:00:00,", 11);
    assert_non_null(strstr(file.out, "\n公安机关正在\n\n2\n"));
    assert_non_null(strstr(file.out, "\n进一步\n\n3\n"));
    assert_non_null(strstr(file.out, "\n调查中\n"));
    ting_program_free(&file);
    ting_program_free(&pipe);
    ting_free(path);
}

/* What was not said is still put somewhere, but its confidence tells. */
static void a_wrong_text_has_no_confidence(void **state)
{
    (void)state;
    character got[MOST];
    ting_program_run wrong = run(ARGS("align", SOUND, "明天下雨"), NULL);
    assert_int_equal(wrong.status, 0);
    assert_int_equal(read_characters(wrong.out, got), 4);
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += got[i].confidence;
    assert_true(sum / 4 < 0.2); /* of what was said the mean is 0.8 */
    ting_program_free(&wrong);
}

/* A reading is chosen by the sound where no phrase tells: 长 alone is zhang3 or chang2. */
static void a_reading_is_one_of_the_character_s(void **state)
{
    (void)state;
    character got[MOST];
    ting_program_run chosen = run(ARGS("align", SOUND, "长"), NULL);
    assert_int_equal(chosen.status, 0);
    assert_int_equal(read_characters(chosen.out, got), 1);
    assert_true(strcmp(got[0].pinyin, "chang2") == 0 || strcmp(got[0].pinyin, "zhang3") == 0);
    ting_program_free(&chosen);
}

/* 整 zheng3 where zheng4 is said: the tone is wrong, initial and final are right. */
static void it_scores_pronunciation(void **state)
{
    (void)state;
    ting_program_run scored = run(ARGS("align", "--score", SOUND, "公安机关整在进一步调查中"), NULL);
    ting_program_run json = run(ARGS("align", "-s", "-f", "json", SOUND, "公安机关整在进一步调查中"), NULL);
    ting_program_run plain = run(ARGS("align", "-f", "json", SOUND, SAID), NULL);
    assert_int_equal(scored.status, 0);
    static const char heading[] = "start\tend\tcharacter\tpinyin\tconfidence\tscore\tinitial\tfinal\ttone\texpected\theard\n";
    assert_memory_equal(scored.out, heading, strlen(heading));
    const char *wrong = strstr(scored.out, "\t整\t"), *right = strstr(scored.out, "\t在\t");
    assert_non_null(wrong);
    assert_non_null(right);
    int whole, initial, final, tone;
    char expected[16], heard[16];
    assert_int_equal(sscanf(wrong, "\t整\tzheng3\t%*f\t%d\t%d\t%d\t%d\t%15s\t%15s", &whole, &initial, &final, &tone, expected, heard), 6);
    assert_true(whole < 10 && tone < 10 && initial > 60 && final > 60);
    assert_string_equal(expected, "zheng3");
    assert_string_equal(heard, "zheng4");
    assert_int_equal(sscanf(right, "\t在\tzai4\t%*f\t%d\t%*d\t%*d\t%*d\t%15s\t%15s", &whole, expected, heard), 3);
    assert_true(whole > 60);
    assert_string_equal(heard, "-");
    const char *at = strstr(json.out, "\"pronunciation\": {\"expected\": \"zheng3\", \"heard\": \"zheng4\", \"syllable\": {\"score\": ");
    assert_non_null(at);
    assert_non_null(strstr(at, "\"tone\": {\"score\": "));
    assert_null(strstr(plain.out, "pronunciation"));
    ting_program_free(&scored);
    ting_program_free(&json);
    ting_program_free(&plain);
}

static void refuse(int status, const char *said, const char *const *arguments)
{
    ting_program_run refused = run(arguments, "");
    if (refused.status != status || strstr(refused.err, said) == NULL)
        fail_msg("status %d, expected %d; standard error lacks \"%s\": \"%s\"", refused.status, status, said, refused.err);
    assert_string_equal(refused.out, "");
    ting_program_free(&refused);
}

static void what_cannot_be_aligned_is_named(void **state)
{
    (void)state;
    char longer[3 * 100 + 1] = "";
    for (int i = 0; i < 100; i++) /* 200 tokens; 3.362 s are 84 rows and those of the silence behind */
        memcpy(longer + 3 * i, "中", 4);
    refuse(2, "sentence 2 of the text has 'iPhone14', for which the model has no token", ARGS("align", SOUND, "公安。他用iPhone14打电话"));
    refuse(2, "the text has nothing that is spoken", ARGS("align", SOUND, "，。"));
    refuse(2, "is not UTF-8", ARGS("align", SOUND, "公\xff安"));
    refuse(2, "100 characters in 3.362 s", ARGS("align", SOUND, longer));
    refuse(2, "the text is given nowhere", ARGS("align", SOUND));
    refuse(2, "the text is given twice", ARGS("align", "--text", "x.txt", SOUND, SAID));
    refuse(2, "cannot both be standard input", ARGS("align", "--text", "-", "-"));
    refuse(2, "srt has no place for scores", ARGS("align", "--score", "-f", "srt", SOUND, SAID));
    char *lines = ting_temp_text("lines.txt", "公安。\n机关\n他用iPhone打\n"), *gbk = ting_temp_text("gbk.txt", "公\n\xB9\xAB\n"),
         *marks = ting_temp_text("marks.txt", "，。\n");
    refuse(1, "lines.txt: sentence 3 of the text (line 3) has 'iPhone'", ARGS("align", "--text", lines, SOUND));
    refuse(1, "gbk.txt:2: not UTF-8 at byte 1", ARGS("align", "--text", gbk, SOUND));
    refuse(1, "marks.txt: the text has nothing that is spoken", ARGS("align", "--text", marks, SOUND));
    ting_free(lines);
    ting_free(gbk);
    ting_free(marks);
    refuse(1, "x.txt: cannot be read", ARGS("align", "--text", "/nowhere/x.txt", SOUND));
    refuse(1, "/nowhere/a.wav", ARGS("align", "/nowhere/a.wav", SAID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_those_of_recognition),
        cmocka_unit_test(texts_have_sentences),
        cmocka_unit_test(a_wrong_text_has_no_confidence),
        cmocka_unit_test(a_reading_is_one_of_the_character_s),
        cmocka_unit_test(it_scores_pronunciation),
        cmocka_unit_test(what_cannot_be_aligned_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
