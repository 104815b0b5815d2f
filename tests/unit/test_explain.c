/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_explain.c - what a page is made of, against what recognition itself says: terms that add up, rivals that are other lines,
 * probabilities of the search, attention that sums to one; and the page: whole, escaped, nothing from elsewhere.
 */
#include "support/support.h"

#include "support/failing.h"
#include "support/tiny.h"
#include "support/wenet.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SOUND "examples/sound/BAC009S0252W0453.flac"
#define SAID  "公安机关正在进一步调查中"

static ting_model *model; /* the one that ships, with its language model */

static int open_model(void **state)
{
    (void)state;
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.lm = "models/tingxie-lm.gguf";
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

/* The terms of all characters, and what belongs to the line alone. */
static double sum_of(const ting_decisions *d)
{
    double sum = d->end + d->heard + d->ranking;
    for (int p = 0; p < d->count; p++) {
        const ting_choice *c = &d->items[p].chosen;
        assert_true(fabs(c->sound + c->network + c->length + c->language + d->items[p].lift - c->total) < 1e-9);
        sum += c->total;
    }
    return sum;
}

/* Where two texts of hanzi of the same length differ, if it is one place; -1: nowhere or elsewhere. */
static int one_difference(const char *a, const char *b)
{
    int at = -1;
    if (strlen(a) != strlen(b))
        return -1;
    for (int i = 0; 3 * (size_t)i < strlen(a); i++) {
        if (memcmp(a + 3 * i, b + 3 * i, 3) == 0)
            continue;
        if (at >= 0)
            return -1;
        at = i;
    }
    return at;
}

/* Lines of the search that differ from the best one in a character alone are as far behind as the rival there says. Returns how many.
 */
static int check_rivals(const ting_sentence *s, const ting_decisions *d)
{
    int found = 0;
    for (int h = 1; h < s->hypothesis_count; h++) {
        const ting_hypothesis *best = ting_sentence_hypothesis(s, 0), *other = ting_sentence_hypothesis(s, h);
        const int at = one_difference(best->text, other->text);
        for (int p = 0, k = -1; at >= 0 && p < d->count; p++) {
            k += d->items[p].chosen.text[0] != '\0';
            for (int r = 0; k == at && d->items[p].chosen.text[0] != '\0' && r < d->items[p].rival_count; r++)
                if (memcmp(d->items[p].rivals[r].text, other->text + 3 * at, 3) == 0) {
                    assert_true(fabs(d->items[p].rivals[r].total - (other->score - best->score)) < 1e-6);
                    found++;
                }
        }
    }
    return found;
}

typedef struct way { /* to recognise */
    ting_decoding decoding;
    int beam, nbest;
    bool competed, ranked;
} way;

static void check_terms(const ting_model *with, const way *w, int *rivals)
{
    ting_explained e;
    ting_result *result;
    ting_decisions d;
    ting_options options = one_thread();
    options.decoding = w->decoding;
    options.beam = w->beam;
    options.nbest = w->nbest;
    assert_ok(ting_explain_hear(with, SOUND, &options, NULL, &e));
    assert_ok(ting_recognize_file(with, SOUND, &options, &result));
    assert_int_equal(e.sentence_count, 1);
    const ting_sentence *s = e.sentences[0].sentence, *usual = ting_result_sentence(result, 0);
    assert_string_equal(s->text, usual->text); /* what is explained is what is recognised */
    assert_true(ting_sentence_hypothesis(s, 0)->score == ting_sentence_hypothesis(usual, 0)->score);
    assert_ok(ting_explain_decisions(&e, 0, &d));
    assert_true(d.count >= s->char_count);
    assert_true(d.weighed && d.competed == w->competed && d.ranked == w->ranked);
    assert_true(w->ranked ? d.ranking < -1 : d.ranking == 0);
    assert_true(d.score == ting_sentence_hypothesis(s, 0)->score);
    assert_true(fabs(sum_of(&d) - d.score) < 1e-6);
    *rivals += check_rivals(s, &d);
    for (int p = 0; p < d.count; p++)
        for (int r = 1; r < d.items[p].rival_count; r++)
            assert_true(d.items[p].rivals[r].total <= d.items[p].rivals[r - 1].total);
    ting_result_free(result);
    ting_explained_free(&e);
}

static void terms_add_up_and_rivals_are_other_lines(void **state)
{
    (void)state;
    static const way ways[] = {{TING_DECODING_BEAM, 8, 20, true, false},
                               {TING_DECODING_BEAM, 4, 4, true, false},
                               {TING_DECODING_GREEDY, 1, 1, false, false}, /* one sequence, in which nothing competes */
                               {TING_DECODING_BEAM, 8, 20, true, true}};
    int rivals = 0, ranked_rivals = 0;
    ting_model *ranking; /* the same, and its language model has the last word on lines too */
    ting_model_options how;
    ting_model_options_defaults(&how, sizeof how);
    how.lm = how.rescore_lm = "models/tingxie-lm.gguf";
    assert_ok(ting_model_open("models/tingxie.gguf", &how, &ranking));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        check_terms(ways[i].ranked ? ranking : model, &ways[i], ways[i].ranked ? &ranked_rivals : &rivals);
    assert_true(rivals >= 5 && ranked_rivals >= 2);
    ting_model_free(ranking);
}

/* The decisions, whose terms sum to the score, with a list of hotwords, which is returned. */
static ting_hotword_list *hear_with(const char *list, ting_explained *e, ting_decisions *d)
{
    ting_hotword_list *hotwords;
    assert_ok(ting_hotword_list_read(model, list, strlen(list), 0, &hotwords));
    ting_options options = one_thread();
    options.hotwords = hotwords;
    assert_ok(ting_explain_hear(model, SOUND, &options, NULL, e));
    assert_ok(ting_explain_decisions(e, 0, d));
    assert_true(fabs(sum_of(d) - d->score) < 1e-6);
    return hotwords;
}

/* A hotword that the language model finds unlikely, one that is written otherwise, and one that says nothing good of HTML. */
static void hotwords_are_told_apart(void **state)
{
    (void)state;
    static const char list[] = "公安机关\n<i>警&\"</i> :9 diao4 cha2\n";
    ting_explained e;
    ting_decisions d;
    ting_str page = {0};
    ting_hotword_list *hotwords = hear_with(list, &e, &d);
    double lift = 0;
    int in_words = 0;
    for (int p = 0; p < d.count; p++) {
        lift += d.items[p].lift;
        in_words += d.items[p].hotword > 0;
        assert_true(d.items[p].hotword > 0 || d.items[p].lift == 0);
    }
    assert_int_equal(in_words, 6); /* 公 安 机 关, diao4 cha2 */
    assert_true(lift > 0);
    e.how.name = "<script>alert('x')</script>";
    assert_ok(ting_explain_page(&e, &page));
    assert_non_null(strstr(page.text, "&lt;i&gt;警&amp;&quot;&lt;/i&gt;"));
    assert_null(strstr(page.text, "<i>警"));
    assert_null(strstr(page.text, "<script>alert"));
    assert_non_null(strstr(page.text, "&lt;script&gt;alert('x')&lt;/script&gt;: how it became text"));
    ting_str_free(&page);
    ting_explained_free(&e);
    ting_hotword_list_free(hotwords);
}

/* The word has a syllable that was not heard: two of its characters stand at one place. Its characters are sure all the same. */
static void a_hotword_with_a_syllable_more_adds_up(void **state)
{
    (void)state;
    static const char list[] = "张公安 :6 zhang1 gong1 an1\n";
    ting_explained e;
    ting_decisions d;
    ting_hotword_list *hotwords = hear_with(list, &e, &d);
    int at_one_place = 0;
    for (int i = 1; i < d.count; i++)
        at_one_place += d.items[i].place == d.items[i - 1].place;
    assert_int_equal(at_one_place, 1);
    const ting_sentence *s = e.sentences[0].sentence;
    assert_string_equal(ting_sentence_char(s, 1)->text, "公");
    assert_true(ting_sentence_char(s, 1)->confidence > 0.5F);
    ting_explained_free(&e);
    ting_hotword_list_free(hotwords);
}

/* In the row in which the search emitted a token, its probability is the one that the search saw; a row's probabilities are at
 * most 1. */
static void probabilities_are_those_of_the_search(void **state)
{
    (void)state;
    ting_explained e;
    ting_posteriors p;
    const ting_options options = one_thread();
    assert_ok(ting_explain_hear(model, SOUND, &options, NULL, &e));
    assert_ok(ting_explain_posteriors(&e, 0, &p));
    assert_string_equal(p.head, "transducer");
    const ting_explained_sentence *s = &e.sentences[0];
    assert_true(s->hit_count > 20); /* 12 syllables */
    for (int h = 0; h < s->hit_count; h++) {
        int i = 0;
        while (i < p.token_count && p.tokens[i] != s->hits[h].token)
            i++;
        assert_true(i < p.token_count); /* what was said is shown */
        const int row = (int)lround(s->hits[h].start / e.row_seconds) - p.first;
        assert_true(row >= 0 && row < p.count);
        assert_true(fabs((double)p.values[i * p.count + row] - exp(s->hits[h].log_prob)) < 1e-4); /* float, other sizes of products */
    }
    for (int r = 0; r < p.count; r++) {
        double sum = (double)p.blank[r];
        for (int i = 0; i < p.token_count; i++)
            sum += (double)p.values[i * p.count + r];
        assert_true(sum > 0.5 && sum < 1 + 1e-4); /* the rest are tokens that are likely nowhere */
    }
    ting_explained_free(&e);
}

/* Ten layers, each head's weights a distribution over keys at hand; chunks as they come and whole segments. */
static void attention_sums_to_one(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        ting_explained e;
        ting_options options = one_thread();
        options.whole = whole;
        assert_ok(ting_explain_hear(model, SOUND, &options, NULL, &e));
        assert_int_equal(e.attention.count, 10);
        assert_false(e.attention.full);
        for (int m = 0; m < e.attention.count; m++) {
            const ting_attention_map *map = &e.attention.items[m];
            assert_memory_equal(map->name, "encoder.encoders.", 17);
            assert_int_equal(map->heads, memcmp(map->name + 17, "3", 1) == 0 ? 8 : 4); /* tingxie.am.encoder.heads */
            for (int r = 0; r < map->count; r++)
                for (int h = 0; h < map->heads; h++) {
                    double sum = 0;
                    for (int k = 0; k < map->rows[r].keys; k++)
                        sum += (double)map->weights[map->rows[r].at + (size_t)(h * map->rows[r].keys + k)];
                    assert_true(fabs(sum - 1) < 1e-4);
                    assert_true(map->rows[r].lag <= 0 && map->rows[r].lag + map->rows[r].keys > 0); /* itself among them */
                }
        }
        const float *weights;
        int count;
        assert_ok(ting_explain_neighbours(&e, 0, &weights, &count));
        assert_int_equal(count, e.sentences[0].sentence->char_count);
        for (int i = 0; i < count; i++) {
            double sum = 0;
            for (int k = 0; k < count; k++)
                sum += (double)weights[i * count + k];
            assert_true(fabs(sum - 1) < 1e-4);
        }
        ting_explained_free(&e);
    }
}

static int count_of(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

static void a_page_needs_nothing_from_elsewhere(void **state)
{
    (void)state;
    char *html, *silent;
    ting_options options = one_thread();
    ting_explain_options how;
    ting_explain_options_defaults(&how, sizeof how);
    assert_ok(ting_explain_file(model, SOUND, &options, NULL, &html));
    how.sound = 0;
    assert_ok(ting_explain_file(model, SOUND, &options, &how, &silent));
    assert_memory_equal(html, "<!doctype html>\n", 16);
    assert_string_equal(html + strlen(html) - 15, "</body></html>\n");
    assert_null(strstr(html, "http:"));
    assert_null(strstr(html, "https:"));
    assert_null(strstr(html, "url("));
    assert_null(strstr(html, "@import"));
    assert_non_null(strstr(html, "default-src 'none'"));
    assert_int_equal(count_of(html, "src='"), count_of(html, "src='data:"));
    assert_int_equal(count_of(html, "href='"),
                     count_of(html, "href='data:image/png;base64,")); /* one sentence: no links to sentences */
    assert_int_equal(count_of(html, "<svg"), count_of(html, "</svg>"));
    assert_int_equal(count_of(html, "<details"), count_of(html, "</details>"));
    assert_int_equal(count_of(html, "<table"), count_of(html, "</table>"));
    assert_non_null(strstr(html, "BAC009S0252W0453.flac: how it became text"));
    assert_non_null(strstr(html, "<strong>0.00 to 3.36</strong>seconds explained"));
    assert_non_null(strstr(html, "data:audio/wav;base64,UklGR")); /* "RIFF" */
    assert_null(strstr(silent, "audio/wav"));
    assert_null(strstr(silent, "<script"));
    for (const char *c = SAID; *c != '\0'; c += 3) {
        char ruby[32];
        snprintf(ruby, sizeof ruby, ">%.3s<rt>", c);
        assert_non_null(strstr(html, ruby));
    }
    ting_text_free(html);
    ting_text_free(silent);
}

static int stop(void *self, double done, double total)
{
    (void)total;
    ++*(int *)self;
    return done > 1;
}

static void a_part_is_a_part(void **state)
{
    (void)state;
    ting_explained e;
    char *html;
    int calls = 0;
    ting_options options = one_thread();
    ting_explain_options how;
    ting_explain_options_defaults(&how, sizeof how);
    how.begin = 1.5;
    how.end = 2.5;
    assert_ok(ting_explain_hear(model, SOUND, &options, &how, &e));
    assert_int_equal(e.count, 16000);
    assert_true(e.skipped == 24000 && e.total > 3.3 && fabs(e.end - 2.5) < 1e-9);
    ting_explained_free(&e);
    how.begin = 4;
    how.end = 0;
    assert_fails(TING_ERR_ARGUMENT, "nothing to explain from 4.00 s on: the sound has 3.36 s",
                 ting_explain_file(model, SOUND, &options, &how, &html));
    assert_null(html);
    how.end = 3;
    assert_fails(TING_ERR_ARGUMENT, "from 4.00 to 3.00 s is no part", ting_explain_file(model, SOUND, &options, &how, &html));
    how.end = 35;
    assert_fails(TING_ERR_ARGUMENT, "at most 30 s behind", ting_explain_file(model, SOUND, &options, &how, &html));
    options.keywords = "x.txt";
    assert_fails(TING_ERR_ARGUMENT, "keywords are not for", ting_explain_file(model, SOUND, &options, NULL, &html));
    options = one_thread();
    options.progress = stop;
    options.progress_self = &calls;
    assert_fails(TING_ERR_CANCELLED, "stopped after", ting_explain_file(model, SOUND, &options, NULL, &html));
    assert_true(calls > 1);
}

/* ---- networks of other kinds, and memory: a tiny model ---- */

static ting_model *tiny;
static char *tiny_sound;

static ting_err explain_tiny(void *arg)
{
    ting_err err = TING_OK;
    char *html = NULL;
    const ting_options *options = arg;
    TRY(ting_explain_file(tiny, tiny_sound, options, NULL, &html));
    assert_non_null(strstr(html, "</body></html>"));
out:
    ting_text_free(html);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    enum { COUNT = 24000 };
    static float samples[COUNT];
    char *path = ting_temp_path("tiny.gguf");
    ting_model_options how;
    ting_options options = one_thread();
    tiny_sound = ting_temp_path("tiny.wav");
    ting_tiny_sound(samples, COUNT);
    assert_ok(ting_tiny_wav_save(tiny_sound, samples, COUNT, 16000));
    assert_ok(ting_tiny_model_save(path, 1, TING_TINY_BOTH));
    ting_model_options_defaults(&how, sizeof how);
    how.folder = "/nowhere"; /* no language model: lines are ranked each by itself */
    assert_ok(ting_model_open(path, &how, &tiny));
    assert_true(ting_fail_each_allocation(explain_tiny, &options) > 50);
    options.hanzi = 0;
    assert_ok(explain_tiny(&options));
    ting_model_free(tiny);
    ting_free(path);
    ting_free(tiny_sound);
}

/* A Conformer with a CTC head whose tokens are characters: tokens and attention, and no network that chose. */
static void a_model_that_writes_characters_has_its_part(void **state)
{
    (void)state;
    enum { COUNT = 48000 };
    static float samples[COUNT];
    ting_explained e;
    ting_posteriors p;
    ting_model *wenet;
    char *html, *folder = ting_temp_path("wenet"), *path = ting_temp_path("wenet.wav");
    ting_model_options how;
    const ting_options options = one_thread();
    assert_int_equal(mkdir(folder, 0700), 0);
    ting_wenet_save(folder, 7, true);
    ting_tiny_sound(samples, COUNT);
    assert_ok(ting_tiny_wav_save(path, samples, COUNT, 16000));
    ting_model_options_defaults(&how, sizeof how);
    how.folder = "/nowhere";
    assert_ok(ting_model_open(folder, &how, &wenet));
    assert_ok(ting_explain_hear(wenet, path, &options, NULL, &e));
    assert_true(e.sentence_count > 0);
    assert_int_equal(e.attention.count, ting_wenet_config.encoder.conformer.layers);
    assert_ok(ting_explain_posteriors(&e, 0, &p));
    assert_string_equal(p.head, "CTC head");
    assert_true(p.token_count > 0);
    ting_explained_free(&e);
    assert_ok(ting_explain_file(wenet, path, &options, NULL, &html));
    assert_non_null(strstr(html, "The tokens are what is written: no network chose characters."));
    assert_non_null(strstr(html, "Where the encoder looked"));
    ting_text_free(html);
    ting_model_free(wenet);
    ting_free(folder);
    ting_free(path);
}

static void silence_has_a_page(void **state)
{
    (void)state;
    static const float samples[16000];
    const ting_options options = one_thread();
    char *html, *path = ting_temp_path("silence.wav");
    assert_ok(ting_tiny_wav_save(path, samples, 16000, 16000));
    assert_ok(ting_explain_file(model, path, &options, NULL, &html));
    assert_non_null(strstr(html, "No syllable was heard."));
    ting_text_free(html);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_add_up_and_rivals_are_other_lines),  cmocka_unit_test(hotwords_are_told_apart),
        cmocka_unit_test(a_hotword_with_a_syllable_more_adds_up),
        cmocka_unit_test(probabilities_are_those_of_the_search),    cmocka_unit_test(attention_sums_to_one),
        cmocka_unit_test(a_page_needs_nothing_from_elsewhere),      cmocka_unit_test(a_part_is_a_part),
        cmocka_unit_test(a_model_that_writes_characters_has_its_part),
        cmocka_unit_test(silence_has_a_page),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
