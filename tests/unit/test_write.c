/* SPDX-License-Identifier: Apache-2.0 */
/* test_write.c - results and their writers: whole files, odd characters, nothing at all, long sentences. */
#include "support/support.h"

#include "base/mem.h"
#include "engine/result.h"
#include "engine/write.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

static const char *const no_alternatives[] = {"种", "钟"};

/* Two sentences: hanzi with an alternative, then marks that some format must escape. */
static ting_result *sample(void)
{
    ting_result *result = ting_result_new();
    assert_non_null(result);
    const ting_char first[] = {
        {"中", 0.5, 0.74, 0.9f, "zhong1", no_alternatives, 2},
        {"文", 0.74, 1.0, 0.8f, "wen2", NULL, 0},
    };
    const ting_token tokens[] = {{"zh", 3, 0.5, -0.05f}, {"ōng", 4, 0.54, -0.0625f}};
    const ting_hypothesis hypotheses[] = {{"中文", "zhong1 wen2", -1.25}, {"种文", "zhong3 wen2", -2.5}};
    const struct ting_sentence_parts parts = {first, tokens, hypotheses};
    const ting_sentence sentence = {0.5, 1.0, "中文", "zhong1 wen2", 0.85f, 2, 2, 2, &parts};
    assert_ok(ting_result_add(result, &sentence));
    const ting_char odd[] = {
        {"𠜎", 3661.25, 3661.5, 1, "", NULL, 0},
        {"<a&\"b\">\\", 3661.5, 3662.125, 0.5f, "", NULL, 0},
        {"c\td", 3662.125, 3662.125, 0.25f, "", NULL, 0},
    };
    const struct ting_sentence_parts odd_parts = {odd, NULL, hypotheses};
    const ting_sentence odd_sentence = {3661.25, 3662.125, "𠜎<a&\"b\">\\c\td", "", 0.5f, 3, 0, 1, &odd_parts};
    assert_ok(ting_result_add(result, &odd_sentence));
    ting_result_set_duration(result, 3700);
    return result;
}

static void check(ting_format format, const char *name, const char *want)
{
    ting_result *result = sample();
    char *text = NULL;
    assert_ok(ting_result_format(result, format, name, &text));
    assert_string_equal(text, want);
    ting_text_free(text);
    ting_result_free(result);
}

static void each_format_is_as_written_here(void **state)
{
    (void)state;
    check(TING_FORMAT_TXT, "x", "中文\n𠜎<a&\"b\">\\c\td\n");
    check(TING_FORMAT_SRT, "x",
          "1\n00:00:00,500 --> 00:00:01,000\n中文\n\n"
          "2\n01:01:01,250 --> 01:01:02,125\n𠜎<a&\"b\">\\c d\n\n");
    check(TING_FORMAT_VTT, "x",
          "WEBVTT\n\n00:00:00.500 --> 00:00:01.000\n中文\n\n"
          "01:01:01.250 --> 01:01:02.125\n𠜎&lt;a&amp;&quot;b&quot;&gt;\\c d\n\n");
    check(TING_FORMAT_LRC, "x", "[00:00.50]中文\n[61:01.25]𠜎<a&\"b\">\\c d\n");
    check(TING_FORMAT_TSV, "x", "start\tend\ttext\n500\t1000\t中文\n3661250\t3662125\t𠜎<a&\"b\">\\c d\n");
    check(TING_FORMAT_CTM, "my talk.wav",
          "my_talk.wav 1 0.500 0.240 中 0.9000\nmy_talk.wav 1 0.740 0.260 文 0.8000\n"
          "my_talk.wav 1 3661.250 0.250 𠜎 1.0000\nmy_talk.wav 1 3661.500 0.625 <a&\"b\">\\ 0.5000\n"
          "my_talk.wav 1 3662.125 0.000 c_d 0.2500\n");
    check(TING_FORMAT_JSON, "a\"\x80.wav",
          "{\"name\": \"a\\\"\xEF\xBF\xBD.wav\", \"duration\": 3700.000,\n"
          " \"text\": \"中文𠜎<a&\\\"b\\\">\\\\c\\u0009d\",\n \"sentences\": [\n"
          "    {\"start\": 0.500, \"end\": 1.000, \"confidence\": 0.8500,\n"
          "     \"text\": \"中文\",\n     \"pinyin\": \"zhong1 wen2\",\n"
          "     \"chars\": [\n"
          "       {\"text\": \"中\", \"start\": 0.500, \"end\": 0.740, \"confidence\": 0.9000, \"pinyin\": \"zhong1\", "
          "\"alternatives\": [\"种\", \"钟\"]},\n"
          "       {\"text\": \"文\", \"start\": 0.740, \"end\": 1.000, \"confidence\": 0.8000, \"pinyin\": \"wen2\", "
          "\"alternatives\": []}],\n"
          "     \"tokens\": [\n"
          "       {\"text\": \"zh\", \"id\": 3, \"start\": 0.500, \"log_prob\": -0.0500},\n"
          "       {\"text\": \"ōng\", \"id\": 4, \"start\": 0.540, \"log_prob\": -0.0625}],\n"
          "     \"nbest\": [\n"
          "       {\"text\": \"中文\", \"pinyin\": \"zhong1 wen2\", \"score\": -1.2500},\n"
          "       {\"text\": \"种文\", \"pinyin\": \"zhong3 wen2\", \"score\": -2.5000}]},\n"
          "    {\"start\": 3661.250, \"end\": 3662.125, \"confidence\": 0.5000,\n"
          "     \"text\": \"𠜎<a&\\\"b\\\">\\\\c\\u0009d\",\n     \"pinyin\": \"\",\n"
          "     \"chars\": [\n"
          "       {\"text\": \"𠜎\", \"start\": 3661.250, \"end\": 3661.500, \"confidence\": 1.0000, \"pinyin\": \"\", "
          "\"alternatives\": []},\n"
          "       {\"text\": \"<a&\\\"b\\\">\\\\\", \"start\": 3661.500, \"end\": 3662.125, \"confidence\": 0.5000, "
          "\"pinyin\": \"\", \"alternatives\": []},\n"
          "       {\"text\": \"c\\u0009d\", \"start\": 3662.125, \"end\": 3662.125, \"confidence\": 0.2500, "
          "\"pinyin\": \"\", \"alternatives\": []}],\n"
          "     \"tokens\": [],\n"
          "     \"nbest\": [\n"
          "       {\"text\": \"中文\", \"pinyin\": \"zhong1 wen2\", \"score\": -1.2500}]}]}\n");
}

static void json_is_json(void **state)
{
    (void)state;
    ting_result *result = sample();
    char *text = NULL;
    assert_ok(ting_result_format(result, TING_FORMAT_JSON, "b\\\"\n\xFF", &text));
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    assert_string_equal(json_string_value(json_object_get(root, "name")), "b\\\"\n\xEF\xBF\xBD");
    json_t *sentence = json_array_get(json_object_get(root, "sentences"), 1);
    assert_string_equal(json_string_value(json_object_get(sentence, "text")), "𠜎<a&\"b\">\\c\td");
    json_decref(root);
    ting_text_free(text);
    ting_result_free(result);
}

static void textgrid_tiles_the_recording(void **state)
{
    (void)state;
    ting_result *result = sample();
    char *text = NULL;
    assert_ok(ting_result_format(result, TING_FORMAT_TEXTGRID, "x", &text));
    const char *head = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = 3700.000\n"
                       "tiers? <exists>\nsize = 3\nitem []:\n"
                       "    item [1]:\n        class = \"IntervalTier\"\n        name = \"sentences\"\n"
                       "        xmin = 0\n        xmax = 3700.000\n        intervals: size = 5\n"
                       "        intervals [1]:\n            xmin = 0.000\n            xmax = 0.500\n            text = \"\"\n"
                       "        intervals [2]:\n            xmin = 0.500\n            xmax = 1.000\n"
                       "            text = \"中文\"\n";
    assert_memory_equal(text, head, strlen(head));
    assert_non_null(strstr(text, "text = \"<a&\"\"b\"\">\\\"\n"));
    /* every interval begins where the one before ended; a tier ends at xmax */
    double at = 0;
    int tiers = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        double value;
        if (sscanf(line, "            xmin = %lf", &value) == 1 && strncmp(line, "            x", 13) == 0)
            assert_true(value == at);
        else if (sscanf(line, "            xmax = %lf", &value) == 1 && strncmp(line, "            x", 13) == 0)
            at = value;
        if (at == 3700) {
            tiers++;
            at = 0;
        }
    }
    assert_int_equal(tiers, 3);
    ting_text_free(text);
    ting_result_free(result);
}

static void an_empty_result_is_a_valid_file(void **state)
{
    (void)state;
    const char *want[] = {
        [TING_FORMAT_TXT] = "",
        [TING_FORMAT_JSON] = "{\"name\": \"s\", \"duration\": 2.000,\n \"text\": \"\",\n \"sentences\": []}\n",
        [TING_FORMAT_SRT] = "",
        [TING_FORMAT_VTT] = "WEBVTT\n\n",
        [TING_FORMAT_LRC] = "",
        [TING_FORMAT_TSV] = "start\tend\ttext\n",
        [TING_FORMAT_CTM] = "",
        [TING_FORMAT_TEXTGRID] = NULL,
        [TING_FORMAT_SLF] = "VERSION=1.0\nUTTERANCE=s\nlmscale=1 acscale=1\nN=2 L=1\nI=0 t=0.000\nI=1 t=2.000\n"
                            "J=0 S=0 E=1 W=!NULL a=0.0000 l=0.0000 p=1.0000\n",
    };
    ting_result *result = ting_result_new();
    ting_result_set_duration(result, 2);
    assert_string_equal(ting_result_text(result), "");
    assert_null(ting_result_sentence(result, 0));
    char *text = NULL;
    for (int format = 0; ting_format_name((ting_format)format) != NULL; format++) {
        assert_ok(ting_result_format(result, (ting_format)format, "s", &text));
        if (want[format] != NULL)
            assert_string_equal(text, want[format]);
        ting_text_free(text);
    }
    assert_fails(TING_ERR_ARGUMENT, "number 99", ting_result_format(result, (ting_format)99, "s", &text));
    assert_null(text);
    assert_null(ting_format_name((ting_format)-1));
    ting_result_free(result);
}

typedef struct seen {
    int cues, chars;
    double last;
} seen;

static void see_cue(void *self, const ting_cue *cue)
{
    seen *s = self;
    assert_in_range(cue->count, 1, 32);
    assert_int_equal(cue->first, s->chars); /* none is lost, none twice */
    assert_true(cue->start >= s->last && cue->end >= cue->start && cue->end - cue->start <= 8);
    s->cues++;
    s->chars += cue->count;
    s->last = cue->end;
}

static void long_sentences_become_several_cues(void **state)
{
    (void)state;
    enum { N = 100 };
    ting_char chars[N];
    char whole[3 * N + 1] = "";
    for (int i = 0; i < N; i++) { /* a pause of 0.4 s after every tenth character */
        double start = 0.25 * i + 0.4 * (i / 10);
        chars[i] = (ting_char){"字", start, start + 0.25, 1, "zi4", NULL, 0};
        strcat(whole, "字");
    }
    const ting_hypothesis hypothesis = {whole, "", 0};
    const struct ting_sentence_parts parts = {chars, NULL, &hypothesis};
    const ting_sentence sentence = {chars[0].start, chars[N - 1].end, whole, "", 1, N, 0, 1, &parts};
    ting_result *result = ting_result_new();
    assert_ok(ting_result_add(result, &sentence));
    seen s = {0};
    ting_each_cue(result, see_cue, &s);
    assert_int_equal(s.chars, N);
    assert_in_range(s.cues, 4, 10); /* 28.6 s at 8 s, cut at pauses */
    ting_result_free(result);
}

static void a_copy_does_not_borrow(void **state)
{
    (void)state;
    char text[] = "中", pinyin[] = "zhong1", alternative[] = "种";
    const char *alternatives[] = {alternative};
    ting_char c = {text, 0, 1, 1, pinyin, alternatives, 1};
    ting_hypothesis hypothesis = {text, pinyin, 0};
    struct ting_sentence_parts parts = {&c, NULL, &hypothesis};
    ting_sentence sentence = {0, 1, text, pinyin, 1, 1, 0, 1, &parts};
    ting_result *result = ting_result_new();
    assert_ok(ting_result_add(result, &sentence));
    memset(text, 'x', 3), memset(pinyin, 'x', 6), memset(alternative, 'x', 3);
    memset(&c, 0, sizeof c), memset(&hypothesis, 0, sizeof hypothesis);
    const ting_sentence *kept = ting_result_sentence(result, 0);
    assert_string_equal(kept->text, "中");
    assert_string_equal(ting_sentence_char(kept, 0)->pinyin, "zhong1");
    assert_string_equal(ting_sentence_char(kept, 0)->alternatives[0], "种");
    assert_string_equal(ting_sentence_hypothesis(kept, 0)->text, "中");
    assert_null(ting_sentence_char(kept, 1));
    assert_null(ting_sentence_token(kept, 0));
    assert_null(ting_sentence_hypothesis(kept, -1));
    ting_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_as_written_here),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(textgrid_tiles_the_recording),
        cmocka_unit_test(an_empty_result_is_a_valid_file),
        cmocka_unit_test(long_sentences_become_several_cues),
        cmocka_unit_test(a_copy_does_not_borrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
