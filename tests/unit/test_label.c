/* SPDX-License-Identifier: Apache-2.0 */
/* test_label.c - tables of tokens, and text and pinyin to tokens of each kind of table. */
#include "support/support.h"

#include "base/mem.h"
#include "data/label.h"
#include "text/pinyin.h"

#include <string.h>

static const char lexicon_text[] = "我\two3\n不\tbu4\n一\tyi1\n是\tshi4\n个\tge4\n银行\tyin2 hang2\n行\txing2 hang2\n";

static ting_lexicon *make_lexicon(void)
{
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_ok(ting_lexicon_add_text(lexicon, "test", lexicon_text, sizeof lexicon_text - 1, TING_LEXICON_COMMON));
    return lexicon;
}

/* The tokens of a label with single spaces between. */
static void assert_tokens(const ting_texts *tokens, const ting_labels *labels, const char *want)
{
    char got[256] = "";
    for (size_t i = 0; i < labels->count; i++) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, tokens->items[labels->ids[i]]);
    }
    assert_string_equal(got, want);
}

static void every_syllable_has_tokens(void **state)
{
    (void)state;
    for (int kind = TING_TOKENS_PARTS; kind <= TING_TOKENS_SYLLABLES; kind++) {
        ting_texts tokens;
        ting_labeller *labeller;
        assert_ok(ting_token_table_make((ting_token_table)kind, &tokens));
        assert_string_equal(tokens.items[0], "<blk>");
        for (size_t i = 0; i < tokens.count; i++)
            for (size_t k = i + 1; k < tokens.count; k++)
                assert_string_not_equal(tokens.items[i], tokens.items[k]);
        assert_ok(ting_labeller_new(&tokens, NULL, &labeller));
        ting_labels labels = {0};
        for (int id = 0; id < TING_PINYIN_COUNT; id++) {
            char text[TING_PINYIN_ROOM], spelled[64] = "";
            if (ting_pinyin_usage(id) == TING_PINYIN_UNUSED)
                continue;
            ting_pinyin_write(id, TING_PINYIN_NUMBERED, text);
            labels.count = 0;
            assert_ok(ting_label_append(labeller, NULL, text, &labels));
            assert_in_range(labels.count, 1, 2);
            for (size_t i = 0; i < labels.count; i++) { /* the tokens are the syllable in one of its notations */
                strcat(spelled, i > 0 ? " " : "");
                strcat(spelled, tokens.items[labels.ids[i]]);
            }
            assert_int_equal(ting_pinyin_read(spelled, strlen(spelled)), id);
        }
        ting_labels_free(&labels);
        ting_labeller_free(labeller);
        ting_texts_free(&tokens);
    }
}

static void text_is_read_as_it_is_spoken(void **state)
{
    (void)state;
    ting_texts tokens;
    ting_labeller *labeller;
    ting_labels labels = {0};
    ting_lexicon *lexicon = make_lexicon();
    assert_ok(ting_token_table_make(TING_TOKENS_PARTS, &tokens));
    assert_ok(ting_labeller_new(&tokens, lexicon, &labeller));
    assert_ok(ting_label_append(labeller, "我不是，一个银行。", "", &labels));
    assert_tokens(&tokens, &labels, "w ǒ b ú sh ì y í g è y ín h áng");
    labels.count = 0;
    assert_ok(ting_label_append(labeller, "我", "  ni3\thǎo ", &labels)); /* given pinyin wins */
    assert_tokens(&tokens, &labels, "n ǐ h ǎo");
    labels.count = 0; /* the notation of tokens: an initial and a final are a syllable */
    assert_ok(ting_label_append(labeller, NULL, "zh ōng guó", &labels));
    const size_t apart = labels.count;
    assert_ok(ting_label_append(labeller, NULL, "zhong1 guo2", &labels));
    assert_true(apart > 0 && labels.count == 2 * apart);
    assert_memory_equal(labels.ids, labels.ids + apart, apart * sizeof *labels.ids);
    const size_t before = labels.count;
    assert_fails(TING_ERR_FORMAT, "\"xyz9\" is no syllable", ting_label_append(labeller, NULL, "ni3 xyz9", &labels));
    assert_fails(TING_ERR_FORMAT, "\"猫\" has no reading", ting_label_append(labeller, "我猫", NULL, &labels));
    assert_fails(TING_ERR_FORMAT, "has no reading", ting_label_append(labeller, "我 A 是", NULL, &labels));
    assert_fails(TING_ERR_FORMAT, "\"%\" has no reading", ting_label_append(labeller, "我是％", NULL, &labels));
    assert_fails(TING_ERR_FORMAT, "not UTF-8", ting_label_append(labeller, "我\xFF", NULL, &labels));
    assert_fails(TING_ERR_ARGUMENT, "neither", ting_label_append(labeller, "", NULL, &labels));
    assert_int_equal(labels.count, before); /* a failure appends nothing */
    ting_labels_free(&labels);
    ting_labeller_free(labeller);
    ting_texts_free(&tokens);
    ting_lexicon_free(lexicon);
}

static void characters_are_their_own_tokens(void **state)
{
    (void)state;
    static const char *items[] = {"<blk>", "我", "是", "A"};
    const ting_texts tokens = {.items = items, .count = 4};
    static const char *letters[] = {"<blk>", "B", "C"};
    const ting_texts useless = {.items = letters, .count = 3};
    ting_labeller *labeller;
    ting_labels labels = {0};
    ting_lexicon *lexicon = make_lexicon();
    assert_ok(ting_labeller_new(&tokens, lexicon, &labeller));
    assert_ok(ting_label_append(labeller, "我是A。我", "wo3", &labels));
    assert_tokens(&tokens, &labels, "我 是 A 我");
    labels.count = 0;
    assert_ok(ting_label_append(labeller, "「Ａ 我」A  A~", NULL, &labels)); /* full width, and a space between words */
    assert_tokens(&tokens, &labels, "A 我 A A");
    assert_fails(TING_ERR_FORMAT, "has no &", ting_label_append(labeller, "我&", NULL, &labels));
    assert_fails(TING_ERR_FORMAT, "has no 不", ting_label_append(labeller, "我不", NULL, &labels));
    ting_labeller_free(labeller);
    assert_fails(TING_ERR_MODEL, "none of the 3 tokens", ting_labeller_new(&useless, lexicon, &labeller));
    assert_null(labeller);
    ting_labels_free(&labels);
    ting_lexicon_free(lexicon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_syllable_has_tokens),
        cmocka_unit_test(text_is_read_as_it_is_spoken),
        cmocka_unit_test(characters_are_their_own_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
