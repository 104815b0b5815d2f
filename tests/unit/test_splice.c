/* SPDX-License-Identifier: Apache-2.0 */
/* test_splice.c - joined clips and the choice of clips. */
#include "support/failing.h"
#include "support/support.h"

#include "data/splice.h"
#include "data/splice_cover.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = TING_SOUND_RATE };
static const double TURN = 6.283185307179586;

/* ---- trimming ---- */

/* A hiss of `hiss`, and in [from, to) a tone of 0.2. */
static void clip(ting_sound *s, size_t count, size_t from, size_t to, double hz, double hiss)
{
    ting_rng rng = ting_rng_new(count, 1);
    assert_ok(ting_sound_reserve(s, count));
    s->count = count;
    for (size_t i = 0; i < count; i++)
        s->samples[i] = (float)(hiss * ting_rng_normal(&rng) +
                                (i >= from && i < to ? 0.2 * sin(TURN * hz * (double)i / RATE) : 0));
}

static void silence_at_the_ends_is_cut(void **state)
{
    (void)state;
    static const double hisses[] = {0, 1e-4, 3e-3};
    ting_sound s = {0};
    size_t first, end;
    for (int h = 0; h < 3; h++) {
        clip(&s, 32000, 8000, 20000, 300, hisses[h]);
        s.samples[2000] = 0.5F; /* a click is no speech */
        assert_ok(ting_splice_trim(s.samples, s.count, &first, &end));
        assert_in_range(first, 8000 - 320 - 160, 8000 - 320); /* 20 ms, and up to a frame */
        assert_in_range(end, 20000 + 320, 20000 + 320 + 160);
    }
    clip(&s, 16000, 0, 16000, 300, 0); /* nothing to cut */
    assert_ok(ting_splice_trim(s.samples, s.count, &first, &end));
    assert_true(first == 0 && end == 16000);
    for (int kind = 0; kind < 2; kind++) { /* nothing but silence, next to nothing at all */
        clip(&s, kind == 0 ? 16000 : 200, 0, 0, 300, 0);
        assert_ok(ting_splice_trim(s.samples, s.count, &first, &end));
        assert_true(first == 0 && end == s.count);
    }
    assert_ok(ting_splice_trim(s.samples, 0, &first, &end));
    assert_true(first == 0 && end == 0);
    ting_sound_free(&s);
}

/* ---- joining ---- */

enum { PIECES = 4 };

typedef struct pieces {
    ting_sound sounds[PIECES];
    ting_splice_piece list[PIECES];
} pieces;

/* Tones of one to three syllables, 0.6 s each, with half a second of silence at both ends, of different loudness. */
static void make_pieces(pieces *p)
{
    static const int labels[] = {7, 1, 2, 5, 3, 3, 9};
    static const int counts[] = {1, 2, 1, 3}, starts[] = {0, 1, 3, 4};
    for (int i = 0; i < PIECES; i++) {
        const size_t length = 9600 * (size_t)counts[i];
        clip(&p->sounds[i], length + 16000, 8000, 8000 + length, 200 + 100 * i, 1e-5);
        ting_sound_scale(p->sounds[i].samples, p->sounds[i].count, 1.0 / (1 << i));
        p->list[i] = (ting_splice_piece){p->sounds[i].samples, p->sounds[i].count, labels + starts[i], counts[i]};
    }
}

static void free_pieces(pieces *p)
{
    for (int i = 0; i < PIECES; i++)
        ting_sound_free(&p->sounds[i]);
}

static const ting_splice_plan plain = {.syllable = {0.6, 0.6}, .faster = 1};

static void pieces_follow_each_other(void **state)
{
    (void)state;
    pieces p = {0};
    ting_spliced out = {0};
    ting_rng rng = ting_rng_new(1, 2);
    make_pieces(&p);
    assert_ok(ting_splice(&plain, &rng, p.list, PIECES, &out));
    static const int label[] = {7, 1, 2, 5, 3, 3, 9};
    assert_int_equal(out.labels, 7);
    assert_memory_equal(out.label, label, sizeof label);
    assert_int_equal(out.pieces, PIECES);
    size_t sum = 0;
    double loudness = 0;
    for (int i = 0; i < PIECES; i++) {
        size_t first, end;
        assert_ok(ting_splice_trim(p.sounds[i].samples, p.sounds[i].count, &first, &end));
        assert_int_equal(out.starts[i], sum);
        /* each sounds as loud as the others: the mean in decibels of 1, 1/2, 1/4, 1/8 is 1 / 2^1.5 */
        const size_t middle = sum + (end - first) / 4;
        loudness = ting_sound_power(out.sound.samples + middle, (end - first) / 2);
        assert_true(fabs(loudness / (0.02 / 8) - 1) < 0.02);
        sum += end - first;
    }
    assert_int_equal(out.sound.count, sum);
    assert_true(fabsf(out.sound.samples[0]) < 1e-6F && fabsf(out.sound.samples[sum - 1]) < 1e-6F);
    ting_spliced_free(&out);
    free_pieces(&p);
}

static void pauses_and_overlaps_move_the_rest(void **state)
{
    (void)state;
    pieces p = {0};
    ting_spliced close = {0}, wide = {0}, tight = {0}, quiet = {0};
    ting_splice_plan plan = plain;
    ting_rng rng = ting_rng_new(1, 3);
    make_pieces(&p);
    assert_ok(ting_splice(&plain, &rng, p.list, PIECES, &tight));
    plan.pause_share = 1;
    plan.pause = (ting_range){0.25, 0.25};
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &wide));
    plan.pause_share = 0;
    plan.overlap = (ting_range){0.03, 0.03};
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &close));
    plan.overlap = (ting_range){0, 0};
    plan.edge = 0.5;
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &quiet));
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(quiet.starts[i], tight.starts[i] + 8000);
        assert_int_equal(wide.starts[i], tight.starts[i] + i * 4000);
        assert_int_equal(close.starts[i], tight.starts[i] - i * 480);
    }
    assert_int_equal(wide.sound.count, tight.sound.count + 3 * 4000);
    assert_int_equal(close.sound.count, tight.sound.count - 3 * 480);
    assert_int_equal(quiet.sound.count, tight.sound.count + 2 * 8000);
    assert_true(ting_sound_peak(quiet.sound.samples, 8000) < 4e-5F);
    assert_true(ting_sound_peak(quiet.sound.samples + quiet.sound.count - 8000, 8000) < 4e-5F);
    const float *pause = wide.sound.samples + wide.starts[1] - 4000;
    assert_true(ting_sound_peak(pause, 4000) < 4e-5F && ting_sound_peak(pause, 4000) > 2e-5F);
    ting_spliced_free(&close);
    ting_spliced_free(&wide);
    ting_spliced_free(&tight);
    ting_spliced_free(&quiet);
    free_pieces(&p);
}

static void long_syllables_become_as_short_as_running_speech(void **state)
{
    (void)state;
    pieces p = {0};
    ting_spliced out = {0}, slow = {0};
    ting_rng rng = ting_rng_new(1, 4);
    make_pieces(&p);
    ting_splice_plan plan = plain;
    plan.syllable = (ting_range){0.25, 0.25};
    plan.faster = 3;
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &out));
    assert_in_range(out.sound.count, 7 * 4000 - 4, 7 * 4000 + 4); /* seven syllables of 0.25 s, each piece rounded */
    plan.faster = 1.5; /* 0.6 s become 0.4 s at best */
    assert_ok(ting_splice(&plain, &rng, p.list, PIECES, &slow));
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &out));
    assert_true(fabs((double)slow.sound.count / (double)out.sound.count - 1.5) < 0.001);
    plan.syllable = (ting_range){0.9, 0.9}; /* nothing becomes longer than it is */
    assert_ok(ting_splice(&plan, &rng, p.list, PIECES, &out));
    assert_int_equal(out.sound.count, slow.sound.count);
    ting_spliced_free(&out);
    ting_spliced_free(&slow);
    free_pieces(&p);
}

static void the_same_numbers_make_the_same_sentence(void **state)
{
    (void)state;
    pieces p = {0};
    ting_spliced a = {0}, b = {0};
    ting_splice_plan plan;
    assert_ok(ting_splice_plan_read(NULL, &plan));
    make_pieces(&p);
    for (uint64_t seed = 0; seed < 10; seed++) {
        ting_rng one = ting_rng_new(seed, 5), two = one;
        assert_ok(ting_splice(&plan, &one, p.list, PIECES, &a));
        assert_ok(ting_splice(&plan, &two, p.list, PIECES, &b)); /* whatever b held before */
        assert_int_equal(a.sound.count, b.sound.count);
        assert_memory_equal(a.sound.samples, b.sound.samples, a.sound.count * sizeof(float));
        assert_true(ting_sound_peak(a.sound.samples, a.sound.count) <= 1);
        assert_ok(ting_splice(&plan, &one, p.list, (int)(seed % PIECES), &b));
    }
    ting_spliced_free(&a);
    ting_spliced_free(&b);
    free_pieces(&p);
}

static void hard_pieces_are_fine(void **state)
{
    (void)state;
    static const float zeros[5000], loud[3] = {1, -1, 1};
    static const int label[] = {4, 5};
    const ting_splice_piece list[] = {{zeros, 5000, label, 2}, {zeros, 0, label, 1}, {NULL, 0, NULL, 0},
                                      {loud, 3, label, 1},     {loud, 1, label, 0},  {zeros, 5000, label, 1}};
    ting_splice_plan plan;
    ting_spliced out = {0};
    assert_ok(ting_splice_plan_read(NULL, &plan));
    plan.level = 20;
    plan.pause_share = 0.5;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ting_rng rng = ting_rng_new(seed, 6);
        assert_ok(ting_splice(&plan, &rng, list, 6, &out));
        assert_int_equal(out.labels, 5);
        for (size_t i = 0; i < out.sound.count; i++)
            assert_true(fabsf(out.sound.samples[i]) <= 1);
        assert_ok(ting_splice(&plan, &rng, list + (seed + 1) % 6, 1, &out));
        assert_ok(ting_splice(&plan, &rng, NULL, 0, &out));
        assert_true(out.sound.count == 0 && out.labels == 0 && out.pieces == 0);
    }
    ting_spliced_free(&out);
}

static void recipes_of_splicing(void **state)
{
    (void)state;
    static const char good[] = "syllable: [0.1, 0.3]\nfaster: 1.5\npause: 0.2\n", bad[] = "syllables: 3\n",
                      worse[] = "pause: [0.4, 0.2]\n";
    ting_yaml_doc doc;
    ting_splice_plan p;
    assert_ok(ting_yaml_parse("r", good, sizeof good - 1, &doc));
    assert_ok(ting_splice_plan_read(doc.root, &p));
    assert_true(p.syllable.low == 0.1 && p.syllable.high == 0.3 && p.faster == 1.5 && p.pause.high == 0.2 && p.jitter == 0.15);
    ting_yaml_free(&doc);
    assert_ok(ting_yaml_parse("r", bad, sizeof bad - 1, &doc));
    assert_fails(TING_ERR_FORMAT, "r:1: the key \"syllables\"", ting_splice_plan_read(doc.root, &p));
    ting_yaml_free(&doc);
    assert_ok(ting_yaml_parse("r", worse, sizeof worse - 1, &doc));
    assert_fails(TING_ERR_FORMAT, "expected the smaller number first", ting_splice_plan_read(doc.root, &p));
    ting_yaml_free(&doc);
}

/* ---- choosing ---- */

static const int words[][4] = {{1}, {2}, {3}, {1, 2}, {2, 3}, {1, 2}, {4, 4, 4}, {4}, {3, 4, 4, 4}};
static const int lengths[] = {1, 1, 1, 2, 2, 2, 3, 1, 4};

static ting_err make_index(ting_clip_index **out)
{
    ting_clip_entry entries[10];
    for (int i = 0; i < 9; i++)
        entries[i] = (ting_clip_entry){words[i], lengths[i], 100 + i};
    entries[9] = (ting_clip_entry){words[0], 0, 999};
    return ting_clip_index_new(entries, 10, out);
}

/* What the clips say must be the sentence; returns their number. */
static int cover(const ting_clip_index *index, uint64_t seed, const int *sentence, int count, int *clips)
{
    int used, said = 0;
    ting_rng rng = ting_rng_new(seed, 7);
    assert_ok(ting_clip_index_cover(index, &rng, sentence, count, clips, &used));
    for (int i = 0; i < used; i++) {
        const int word = clips[i] - 100;
        assert_in_range(word, 0, 8);
        for (int k = 0; k < lengths[word]; k++)
            assert_int_equal(words[word][k], sentence[said++]);
    }
    assert_true(used == 0 || said == count);
    return used;
}

static void sentences_are_covered_by_the_fewest_clips(void **state)
{
    (void)state;
    static const struct {
        int count, sentence[8], fewest;
    } cases[] = {{1, {1}, 1},
                 {3, {1, 2, 3}, 2},          /* 1 23 or 12 3 */
                 {5, {1, 2, 3, 1, 2}, 3},
                 {7, {1, 2, 3, 4, 4, 4, 2}, 3}, /* 12 3444 2: the longest word first (1 23 444 2) would take 4 */
                 {5, {4, 4, 4, 4, 4}, 3},
                 {3, {1, 5, 1}, 0},          /* nobody says 5 */
                 {0, {0}, 0}};
    ting_clip_index *index;
    int clips[8];
    assert_ok(make_index(&index));
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (uint64_t seed = 0; seed < 20; seed++)
            assert_int_equal(cover(index, seed, cases[c].sentence, cases[c].count, clips), cases[c].fewest);
    ting_clip_index_free(index);
    assert_ok(ting_clip_index_new(NULL, 0, &index));
    assert_int_equal(cover(index, 1, cases[0].sentence, 1, clips), 0);
    ting_clip_index_free(index);
}

/* 1 2 3 is said by 1 23, 12 3 and another 12 3; 4 4 4 4 4 by 444 at three places: each way as often as the others. */
static void equal_ways_are_equally_likely(void **state)
{
    (void)state;
    static const int abc[] = {1, 2, 3}, fours[] = {4, 4, 4, 4, 4};
    ting_clip_index *index;
    int clips[8], split = 0, first_recording = 0, place[3] = {0};
    assert_ok(make_index(&index));
    for (uint64_t seed = 0; seed < 1200; seed++) {
        cover(index, seed, abc, 3, clips);
        split += clips[0] == 100;
        first_recording += clips[0] == 103;
        cover(index, seed, fours, 5, clips);
        place[clips[0] == 106 ? 0 : clips[1] == 106 ? 1 : 2]++;
    }
    assert_in_range(split, 600 - 87, 600 + 87);           /* five deviations of sqrt(1200 / 4) */
    assert_in_range(first_recording, 300 - 75, 300 + 75); /* of sqrt(1200 x 3 / 16) */
    for (int i = 0; i < 3; i++)
        assert_in_range(place[i], 400 - 82, 400 + 82); /* of sqrt(1200 x 2 / 9) */
    ting_clip_index_free(index);
}

/* Against trying everything: words of up to three syllables out of three, sentences of eight. */
static int try_all(const ting_clip_entry *entries, int count, const int *sentence, int length)
{
    int best = length == 0 ? 0 : 1000;
    for (int i = 0; i < count; i++)
        if (entries[i].count <= length && memcmp(entries[i].syllables, sentence, sizeof(int) * (size_t)entries[i].count) == 0) {
            const int rest = 1 + try_all(entries, count, sentence + entries[i].count, length - entries[i].count);
            best = rest < best ? rest : best;
        }
    return best;
}

static void no_cover_is_shorter(void **state)
{
    (void)state;
    enum { WORDS = 9, LENGTH = 8 };
    int possible = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        ting_rng rng = ting_rng_new(seed, 8);
        int syllables[WORDS][3], sentence[LENGTH], clips[LENGTH], used;
        ting_clip_entry entries[WORDS];
        for (int i = 0; i < WORDS; i++) {
            for (int k = 0; k < 3; k++)
                syllables[i][k] = (int)ting_rng_below(&rng, 3);
            entries[i] = (ting_clip_entry){syllables[i], 1 + (int)ting_rng_below(&rng, 3), i};
        }
        for (int k = 0; k < LENGTH; k++)
            sentence[k] = (int)ting_rng_below(&rng, 3);
        ting_clip_index *index;
        assert_ok(ting_clip_index_new(entries, WORDS, &index));
        assert_ok(ting_clip_index_cover(index, &rng, sentence, LENGTH, clips, &used));
        const int best = try_all(entries, WORDS, sentence, LENGTH);
        assert_int_equal(used, best >= 1000 ? 0 : best);
        possible += used > 0;
        ting_clip_index_free(index);
    }
    assert_in_range(possible, 30, 290); /* both answers were seen */
}

static ting_err everything_once(void *arg)
{
    ting_err err = TING_OK;
    pieces *p = arg;
    ting_clip_index *index = NULL;
    ting_spliced out = {0};
    ting_splice_plan plan;
    ting_rng rng = ting_rng_new(1, 9);
    int clips[3], used;
    static const int abc[] = {1, 2, 3};
    TRY(make_index(&index));
    TRY(ting_clip_index_cover(index, &rng, abc, 3, clips, &used));
    TRY(ting_splice_plan_read(NULL, &plan));
    TRY(ting_splice(&plan, &rng, p->list, PIECES, &out));
out:
    ting_clip_index_free(index);
    ting_spliced_free(&out);
    return err;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    pieces p = {0};
    make_pieces(&p);
    assert_true(ting_fail_each_allocation(everything_once, &p) > 10);
    free_pieces(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_at_the_ends_is_cut),
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(pauses_and_overlaps_move_the_rest),
        cmocka_unit_test(long_syllables_become_as_short_as_running_speech),
        cmocka_unit_test(the_same_numbers_make_the_same_sentence),
        cmocka_unit_test(hard_pieces_are_fine),
        cmocka_unit_test(recipes_of_splicing),
        cmocka_unit_test(sentences_are_covered_by_the_fewest_clips),
        cmocka_unit_test(equal_ways_are_equally_likely),
        cmocka_unit_test(no_cover_is_shorter),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
