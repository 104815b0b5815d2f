/* SPDX-License-Identifier: Apache-2.0 */
/* test_align.c - edit distance with backtracking against a plain reference, ties, and long inputs. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "text/align.h"
#include "text/pinyin.h"

/* The textbook recurrence with two rows. */
static int distance(const int *a, int n, const int *b, int m)
{
    int *row = ting_alloc((size_t)m + 1, sizeof *row);
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    int result = row[m];
    ting_free(row);
    return result;
}

/* Each unit of both sides is used once and in order, kinds are true, and the sums are right. */
static void assert_valid(const int *a, int n, const int *b, int m, const ting_alignment *out)
{
    int i = 0, j = 0, sums[4] = {0};
    for (int k = 0; k < out->count; k++) {
        ting_edit e = out->edits[k];
        sums[e.kind]++;
        assert_int_equal(e.ref, e.kind == TING_EDIT_INSERT ? -1 : i);
        assert_int_equal(e.hyp, e.kind == TING_EDIT_DELETE ? -1 : j);
        if (e.kind == TING_EDIT_MATCH || e.kind == TING_EDIT_SUBSTITUTE)
            assert_int_equal(a[i] == b[j], e.kind == TING_EDIT_MATCH);
        i += e.kind != TING_EDIT_INSERT;
        j += e.kind != TING_EDIT_DELETE;
    }
    assert_true(i == n && j == m);
    assert_true(sums[0] == out->matches && sums[1] == out->substitutions && sums[2] == out->deletions &&
                sums[3] == out->insertions);
}

static void random_pairs_have_the_edit_distance(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(7, 1);
    ting_alignment out = {0};
    for (int round = 0; round < 3000; round++) {
        int a[24], b[24], n = (int)ting_rng_below(&rng, 25), m = (int)ting_rng_below(&rng, 25);
        uint32_t alphabet = 1 + ting_rng_below(&rng, 5);
        for (int i = 0; i < n; i++)
            a[i] = (int)ting_rng_below(&rng, alphabet);
        for (int j = 0; j < m; j++)
            b[j] = (int)ting_rng_below(&rng, alphabet);
        assert_ok(ting_align((ting_sequence){a, NULL, n}, (ting_sequence){b, NULL, m}, &out));
        assert_valid(a, n, b, m, &out);
        assert_int_equal(out.substitutions + out.deletions + out.insertions, distance(a, n, b, m));
    }
    ting_alignment_free(&out);
}

/* Longer than one piece (2048 x 2048), so that it is cut; also one unit against very many. */
static void long_pairs_have_the_edit_distance(void **state)
{
    (void)state;
    enum { LONG = 5000, FEW = 3000 };
    ting_rng rng = ting_rng_new(8, 1);
    ting_alignment out = {0};
    int *a = ting_alloc(LONG, sizeof *a), *b = ting_alloc(LONG, sizeof *b);
    for (int alphabet = 2; alphabet <= 2000; alphabet *= 30) {
        int n = LONG, m = 0;
        for (int i = 0; i < n; i++) { /* b is a with one error in five */
            a[i] = (int)ting_rng_below(&rng, (uint32_t)alphabet);
            uint32_t luck = ting_rng_below(&rng, 15);
            if (luck != 0 && m < LONG)
                b[m++] = luck == 1 ? alphabet : a[i];
            if (luck == 2 && m < LONG)
                b[m++] = alphabet + 1;
        }
        assert_ok(ting_align((ting_sequence){a, NULL, n}, (ting_sequence){b, NULL, m}, &out));
        assert_valid(a, n, b, m, &out);
        assert_int_equal(out.substitutions + out.deletions + out.insertions, distance(a, n, b, m));
    }
    int one = a[FEW];
    assert_ok(ting_align((ting_sequence){&one, NULL, 1}, (ting_sequence){a, NULL, LONG}, &out));
    assert_valid(&one, 1, a, LONG, &out);
    assert_int_equal(out.matches, 1);
    ting_free(a);
    ting_free(b);
    ting_alignment_free(&out);
}

/* A single unit against more than 4 million: more cells than one piece may have, and nothing to cut. */
static void one_unit_against_millions(void **state)
{
    (void)state;
    enum { MANY = 2048 * 2048 };
    int one = 5, *many = ting_alloc(MANY, sizeof *many);
    many[MANY - 3] = 5;
    ting_alignment out = {0};
    assert_ok(ting_align((ting_sequence){&one, NULL, 1}, (ting_sequence){many, NULL, MANY}, &out));
    assert_valid(&one, 1, many, MANY, &out);
    assert_true(out.matches == 1 && out.insertions == MANY - 1);
    assert_ok(ting_align((ting_sequence){many, NULL, 0}, (ting_sequence){many, NULL, MANY}, &out));
    assert_int_equal(out.insertions, MANY);
    ting_alignment_free(&out);
    ting_free(many);
}

static void ties_are_decided_by_rule(void **state)
{
    (void)state;
    ting_alignment out = {0};
    /* "ab" -> "b": the deletion could only be of a. "aa" -> "a": from the end the match comes first, so the
     * first a is deleted. "ab" -> "ba": two substitutions, not delete, match, insert. */
    const int ab[] = {1, 2}, ba[] = {2, 1}, aa[] = {1, 1}, a[] = {1};
    assert_ok(ting_align((ting_sequence){aa, NULL, 2}, (ting_sequence){a, NULL, 1}, &out));
    assert_true(out.edits[0].kind == TING_EDIT_DELETE && out.edits[1].kind == TING_EDIT_MATCH);
    assert_ok(ting_align((ting_sequence){a, NULL, 1}, (ting_sequence){aa, NULL, 2}, &out));
    assert_true(out.edits[0].kind == TING_EDIT_INSERT && out.edits[1].kind == TING_EDIT_MATCH);
    assert_ok(ting_align((ting_sequence){ab, NULL, 2}, (ting_sequence){ba, NULL, 2}, &out));
    assert_true(out.substitutions == 2 && out.count == 2);
    /* "ab" -> "c": without sounds the last is substituted; if c sounds like a, the first */
    const int c[] = {3};
    assert_ok(ting_align((ting_sequence){ab, NULL, 2}, (ting_sequence){c, NULL, 1}, &out));
    assert_true(out.edits[0].kind == TING_EDIT_DELETE && out.edits[1].kind == TING_EDIT_SUBSTITUTE);
    const int ma1 = ting_pinyin_id(TING_BASE_ma, 1), ma3 = ting_pinyin_id(TING_BASE_ma, 3), guo2 = ting_pinyin_id(TING_BASE_guo, 2);
    const int ab_sounds[] = {ma1, guo2}, c_sounds[] = {ma3};
    assert_ok(ting_align((ting_sequence){ab, ab_sounds, 2}, (ting_sequence){c, c_sounds, 1}, &out));
    assert_true(out.edits[0].kind == TING_EDIT_SUBSTITUTE && out.edits[1].kind == TING_EDIT_DELETE);
    ting_alignment_free(&out);
}

/* The sum of ting_pinyin_distance over the substitutions is the least that any alignment with as few errors
 * has: all alignments of short sequences are tried. */
static void least(const int *a, const int *sa, int n, const int *b, const int *sb, int m, int errors, int sounds, int *best)
{
    if (n == 0 && m == 0) {
        if (errors < best[0] || (errors == best[0] && sounds < best[1])) {
            best[0] = errors;
            best[1] = sounds;
        }
        return;
    }
    if (n > 0 && m > 0)
        least(a + 1, sa + 1, n - 1, b + 1, sb + 1, m - 1, errors + (*a != *b),
              sounds + (*a != *b ? ting_pinyin_distance(*sa, *sb) : 0), best);
    if (n > 0)
        least(a + 1, sa + 1, n - 1, b, sb, m, errors + 1, sounds, best);
    if (m > 0)
        least(a, sa, n, b + 1, sb + 1, m - 1, errors + 1, sounds, best);
}

static void substitutions_sound_most_alike(void **state)
{
    (void)state;
    const int syllables[] = {TING_PINYIN_NONE, ting_pinyin_id(TING_BASE_ma, 1), ting_pinyin_id(TING_BASE_ma, 3),
                             ting_pinyin_id(TING_BASE_mang, 1), ting_pinyin_id(TING_BASE_na, 1), ting_pinyin_id(TING_BASE_guo, 2)};
    ting_rng rng = ting_rng_new(9, 1);
    ting_alignment out = {0};
    for (int round = 0; round < 1000; round++) {
        int a[5], b[5], sa[5], sb[5], n = (int)ting_rng_below(&rng, 6), m = (int)ting_rng_below(&rng, 6), sounds = 0;
        for (int i = 0; i < n; i++)
            sa[i] = syllables[a[i] = (int)ting_rng_below(&rng, 6)];
        for (int j = 0; j < m; j++)
            sb[j] = syllables[b[j] = (int)ting_rng_below(&rng, 6)];
        int best[2] = {100, 0};
        least(a, sa, n, b, sb, m, 0, 0, best);
        assert_ok(ting_align((ting_sequence){a, sa, n}, (ting_sequence){b, sb, m}, &out));
        for (int k = 0; k < out.count; k++)
            if (out.edits[k].kind == TING_EDIT_SUBSTITUTE)
                sounds += ting_pinyin_distance(sa[out.edits[k].ref], sb[out.edits[k].hyp]);
        assert_int_equal(out.substitutions + out.deletions + out.insertions, best[0]);
        assert_int_equal(sounds, best[1]);
    }
    ting_alignment_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_pairs_have_the_edit_distance),
        cmocka_unit_test(long_pairs_have_the_edit_distance),
        cmocka_unit_test(one_unit_against_millions),
        cmocka_unit_test(ties_are_decided_by_rule),
        cmocka_unit_test(substitutions_sound_most_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
