/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_word_lattice.c - the paths of a lattice are the hypotheses, with their scores, and nothing else; the file says the same.
 */
#include "support/support.h"

#include "base/rng.h"
#include "engine/word_lattice.h"
#include "engine/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 24, LONGEST = 8, TEXT = 4 * LONGEST + 1 };

typedef struct said { /* a sentence that owns what it points to */
    ting_char chars[WAYS][LONGEST];
    char texts[WAYS][TEXT];
    ting_hypothesis hypotheses[WAYS];
    const ting_char *lines[WAYS];
    struct ting_sentence_parts parts;
    ting_sentence sentence;
} said;

static const char *const alphabet[] = {"公", "工", "安", "在", "再"};

/* Digits of `spelt` are places in the alphabet. Times and sounds of equal characters differ from way to way. */
static void add_way(said *s, const char *spelt, double score, ting_rng *rng)
{
    const int h = s->sentence.hypothesis_count++, count = (int)strlen(spelt);
    assert_true(h < WAYS && count <= LONGEST);
    s->texts[h][0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *text = alphabet[spelt[i] - '0'];
        const double start = 0.2 * i + 0.5 * ting_rng_uniform(rng);
        s->chars[h][i] = (ting_char){.text = text, .start = start, .end = start + 0.1, .pinyin = "",
                                     .log_prob = (float)-ting_rng_uniform(rng)};
        strcat(s->texts[h], text);
    }
    s->hypotheses[h] = (ting_hypothesis){s->texts[h], "", score, count};
    s->lines[h] = s->chars[h];
    s->parts = (struct ting_sentence_parts){s->chars[0], NULL, s->hypotheses, s->lines};
    s->sentence.text = s->texts[0];
    s->sentence.pinyin = "";
    s->sentence.char_count = s->hypotheses[0].char_count;
    s->sentence.end = 3;
    s->sentence.parts = &s->parts;
}

typedef struct paths {
    const said *said;
    const ting_word_lattice *lattice;
    int found[WAYS];
    int count;
} paths;

/* Every path from `node` on, behind a text with these sums. */
static void follow(paths *p, int node, const char *text, double sum, double least_share)
{
    const ting_word_lattice *l = p->lattice;
    if (node == l->node_count - 1) {
        for (int h = 0; h < p->said->sentence.hypothesis_count; h++)
            if (strcmp(text, p->said->texts[h]) == 0) { /* the first of equal ones */
                assert_true(fabs(sum - p->said->hypotheses[h].score) < 1e-9);
                assert_true(least_share > 0);
                p->found[h]++;
                p->count++;
                return;
            }
        fail_msg("a path reads %s, which no hypothesis does", text);
    }
    for (int k = 0; k < l->link_count; k++) {
        const ting_word_link *link = &l->links[k];
        if (link->from != node)
            continue;
        char longer[2 * TEXT];
        snprintf(longer, sizeof longer, "%s%s", text, link->word != NULL ? link->word->text : "");
        assert_true(link->to > node && l->times[link->to] >= l->times[node] && strlen(longer) < TEXT);
        follow(p, link->to, longer, sum + link->acoustic + link->other, fmin(least_share, link->share));
    }
}

static int different(const said *s)
{
    int count = 0;
    for (int h = 0; h < s->sentence.hypothesis_count; h++) {
        bool known = false;
        for (int k = 0; k < h; k++)
            known = known || strcmp(s->texts[k], s->texts[h]) == 0;
        count += !known;
    }
    return count;
}

/* Shares flow: what comes into a node goes out of it, 1 in all. */
static void assert_shares_flow(const ting_word_lattice *l)
{
    for (int node = 0; node < l->node_count; node++) {
        double in = node == 0, out = node == l->node_count - 1;
        for (int k = 0; k < l->link_count; k++) {
            in += l->links[k].to == node ? l->links[k].share : 0;
            out += l->links[k].from == node ? l->links[k].share : 0;
        }
        assert_true(fabs(in - out) < 1e-9);
    }
}

static void check(const said *s, ting_arena *arena, ting_word_lattice *lattice)
{
    assert_ok(ting_word_lattice_make(&s->sentence, arena, lattice));
    paths p = {.said = s, .lattice = lattice};
    follow(&p, 0, "", 0, 1);
    assert_int_equal(p.count, different(s));
    for (int h = 0; h < WAYS; h++)
        assert_true(p.found[h] <= 1);
    assert_shares_flow(lattice);
}

static void paths_are_the_hypotheses(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 12);
    ting_rng rng = ting_rng_new(3, 0);
    ting_word_lattice lattice;
    said one = {0}, s = {0};
    add_way(&one, "023", -4, &rng);
    check(&one, arena, &lattice);
    assert_int_equal(lattice.link_count, 3);
    assert_true(lattice.links[0].share == 1 && lattice.times[0] == 0 && lattice.times[3] == 3);
    add_way(&s, "0231", -1, &rng);
    add_way(&s, "1231", -2, &rng);  /* another beginning, the same end */
    add_way(&s, "0241", -2.5, &rng); /* both the same */
    add_way(&s, "02", -6, &rng);    /* begins as others do, and ends there */
    add_way(&s, "02312", -3, &rng);
    add_way(&s, "0231", -9, &rng); /* there already */
    check(&s, arena, &lattice);
    assert_true(lattice.link_count < 4 + 4 + 4 + 2 + 5);
    ting_arena_free(arena);
}

static void any_hypotheses_do(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 12);
    ting_rng rng = ting_rng_new(4, 0);
    for (int round = 0; round < 300; round++) {
        said s = {0};
        ting_word_lattice lattice;
        const int ways = 1 + (int)ting_rng_below(&rng, WAYS);
        for (int h = 0; h < ways; h++) {
            char spelt[LONGEST + 1] = "";
            const int length = 1 + (int)ting_rng_below(&rng, LONGEST);
            for (int i = 0; i < length; i++)
                spelt[i] = (char)('0' + ting_rng_below(&rng, round % 2 == 0 ? 2 : 5));
            add_way(&s, spelt, -10 * ting_rng_uniform(&rng), &rng);
        }
        ting_arena_reset(arena);
        check(&s, arena, &lattice);
    }
    ting_arena_free(arena);
}

/* The file of two sentences: as many nodes and links as it says, one path through the first sentence with the score of its line. */
static void the_file_is_a_chain_of_lattices(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(5, 0);
    said first = {0}, second = {0};
    add_way(&first, "02", -1, &rng);
    add_way(&first, "12", -1, &rng);
    add_way(&second, "3", -2, &rng);
    second.chars[0][0].text = "it's \"a\\b\"";
    ting_result *result = ting_result_new();
    assert_ok(ting_result_add(result, &first.sentence));
    assert_ok(ting_result_add(result, &second.sentence));
    char *text;
    assert_ok(ting_result_format(result, TING_FORMAT_SLF, "my talk", &text));
    assert_non_null(strstr(text, "VERSION=1.0\nUTTERANCE=my_talk\n"));
    assert_non_null(strstr(text, "N=5 L=5\nI=0 t=0.000\n"));
    assert_non_null(strstr(text, "S=2 E=3 W=!NULL"));
    assert_non_null(strstr(text, "S=3 E=4 W=it\\'s_\\\"a\\\\b\\\" a="));
    int number, from, to, read = 0;
    double sum = 0, a, l, p;
    char word[32];
    for (const char *line = strstr(text, "\nJ="); line != NULL; line = strstr(line + 1, "\nJ=")) {
        assert_int_equal(sscanf(line, "\nJ=%d S=%d E=%d W=%31s a=%lf l=%lf p=%lf", &number, &from, &to, word, &a, &l, &p), 7);
        assert_int_equal(number, read++);
        sum += from == 0 || from == 1 ? a + l : 0;
        assert_true(from != 0 || fabs(p - 0.5) < 1e-3);
    }
    assert_int_equal(read, 5);
    const double shared = (double)first.chars[0][1].log_prob; /* once, of two ways with -1 each */
    assert_true(fabs(sum - (-2 - shared)) < 1e-3);
    ting_text_free(text);
    ting_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_the_hypotheses),
        cmocka_unit_test(any_hypotheses_do),
        cmocka_unit_test(the_file_is_a_chain_of_lattices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
