/* SPDX-License-Identifier: Apache-2.0 */
/* label.c - see label.h. */
#include "data/label.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/pinyin.h"
#include "text/plain.h"
#include "text/syllable.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 2 }; /* tokens of a syllable, at most */

struct ting_labeller {
    const ting_lexicon *lexicon;
    const char **sorted; /* [tokens.count] the table in order of its bytes */
    int *id;             /* [tokens.count] of sorted */
    size_t count;
    int (*syllable)[PARTS]; /* [TING_PINYIN_COUNT]: its tokens, -1 where there are fewer */
    bool characters;        /* the table has hanzi and no syllables */
    ting_words words; /* of the pinyin at hand */
    ting_g2p_line line;
    ting_str plain; /* of the text at hand */
};

/* ---- tables ---- */

/* Adds the token if it is new. Offsets first: the block may move while it grows. */
static void add_token(ting_str *block, size_t *offsets, size_t *count, const char *token, size_t length)
{
    for (size_t i = 0; i < *count; i++)
        if (strlen(block->text + offsets[i]) == length && memcmp(block->text + offsets[i], token, length) == 0)
            return;
    offsets[(*count)++] = block->length;
    ting_str_add_bytes(block, token, length);
    ting_str_add_bytes(block, "", 1);
}

static void add_syllable(ting_token_table kind, int id, ting_str *block, size_t *offsets, size_t *count)
{
    char text[TING_PINYIN_ROOM];
    const size_t length =
        ting_pinyin_write(id, kind == TING_TOKENS_PARTS ? TING_PINYIN_TOKENS : TING_PINYIN_NUMBERED, text);
    const char *space = kind == TING_TOKENS_PARTS ? memchr(text, ' ', length) : NULL;
    const size_t first = space != NULL ? (size_t)(space - text) : length;
    add_token(block, offsets, count, text, first);
    if (space != NULL)
        add_token(block, offsets, count, space + 1, length - first - 1);
}

ting_err ting_token_table_make(ting_token_table kind, ting_texts *out)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    size_t count = 0;
    *out = (ting_texts){0};
    size_t *offsets = ting_alloc(PARTS * TING_PINYIN_COUNT + 1, sizeof *offsets);
    if (offsets == NULL)
        return TING_ERR_MEMORY;
    add_token(&block, offsets, &count, "<blk>", 5);
    for (int id = 0; id < TING_PINYIN_COUNT && ting_str_ok(&block); id++)
        if (ting_pinyin_usage(id) != TING_PINYIN_UNUSED)
            add_syllable(kind, id, &block, offsets, &count);
    out->items = ting_alloc(count, sizeof *out->items);
    out->block = ting_alloc(block.length, 1);
    if (!ting_str_ok(&block) || out->items == NULL || out->block == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a table of tokens");
    memcpy(out->block, block.text, block.length);
    for (; out->count < count; out->count++)
        out->items[out->count] = out->block + offsets[out->count];
out:
    if (err != TING_OK)
        ting_texts_free(out);
    ting_str_free(&block);
    ting_free(offsets);
    return err;
}

/* ---- the labeller ---- */

typedef struct entry {
    const char *text;
    int id;
} entry;

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order != 0 ? order : x->id - y->id;
}

static ting_err sort_tokens(ting_labeller *l, const ting_texts *tokens)
{
    entry *entries = ting_alloc(tokens->count, sizeof *entries);
    l->sorted = ting_alloc(tokens->count, sizeof *l->sorted);
    l->id = ting_alloc(tokens->count, sizeof *l->id);
    if (entries == NULL || l->sorted == NULL || l->id == NULL) {
        ting_free(entries);
        return TING_ERR_MEMORY;
    }
    for (size_t i = 0; i < tokens->count; i++)
        entries[i] = (entry){tokens->items[i], (int)i};
    qsort(entries, tokens->count, sizeof *entries, by_text);
    for (size_t i = 0; i < tokens->count; i++) {
        l->sorted[i] = entries[i].text;
        l->id[i] = entries[i].id;
    }
    l->count = tokens->count;
    ting_free(entries);
    return TING_OK;
}

/* The id of a token of `length` bytes; -1: none. */
static int find(const ting_labeller *l, const char *token, size_t length)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        int order = strncmp(l->sorted[middle], token, length);
        if (order == 0 && l->sorted[middle][length] != '\0')
            order = 1;
        if (order == 0)
            return l->id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Tokens of one syllable; false: the table cannot write it. */
static bool spell(const ting_labeller *l, int id, int out[PARTS])
{
    static const ting_pinyin_notation whole[] = {TING_PINYIN_NUMBERED, TING_PINYIN_MARKED};
    char text[TING_PINYIN_ROOM];
    out[1] = -1;
    const size_t length = ting_pinyin_write(id, TING_PINYIN_TOKENS, text);
    const char *space = memchr(text, ' ', length);
    if (space != NULL) {
        out[0] = find(l, text, (size_t)(space - text));
        out[1] = find(l, space + 1, length - (size_t)(space - text) - 1);
        if (out[0] >= 0 && out[1] >= 0)
            return true;
    }
    out[1] = -1;
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++) {
        out[0] = find(l, text, ting_pinyin_write(id, whole[k], text));
        if (out[0] >= 0)
            return true;
    }
    return false;
}

static bool is_hanzi(const char *token)
{
    uint32_t point = 0;
    const size_t length = strlen(token);
    return ting_utf8_decode(token, length, &point) == (int)length && ting_utf8_is_hanzi(point);
}

ting_err ting_labeller_new(const ting_texts *tokens, const ting_lexicon *lexicon, ting_labeller **out)
{
    ting_err err = TING_OK;
    int spelled = 0;
    *out = NULL;
    ting_labeller *l = ting_alloc(1, sizeof *l);
    if (l == NULL)
        return TING_ERR_MEMORY;
    l->lexicon = lexicon;
    l->syllable = ting_alloc(TING_PINYIN_COUNT, sizeof *l->syllable);
    if (l->syllable == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for labels");
    TRY(sort_tokens(l, tokens));
    for (int id = 0; id < TING_PINYIN_COUNT; id++) {
        if (spell(l, id, l->syllable[id]))
            spelled++;
        else
            l->syllable[id][0] = -1;
    }
    for (size_t i = 0; i < tokens->count && spelled == 0; i++)
        l->characters = l->characters || is_hanzi(tokens->items[i]);
    if (spelled == 0 && !l->characters)
        FAIL(TING_ERR_MODEL,
             "none of the %zu tokens is a syllable, a part of one or a hanzi: nothing can be labelled with them",
             tokens->count);
    *out = l;
    l = NULL;
out:
    ting_labeller_free(l);
    return err;
}

void ting_labeller_free(ting_labeller *l)
{
    if (l == NULL)
        return;
    ting_words_free(&l->words);
    ting_g2p_line_free(&l->line);
    ting_str_free(&l->plain);
    ting_free(l->syllable);
    ting_free(l->sorted);
    ting_free(l->id);
    ting_free(l);
}

void ting_labels_free(ting_labels *labels)
{
    ting_free(labels->ids);
    *labels = (ting_labels){0};
}

/* ---- utterances ---- */

static ting_err append_syllable(const ting_labeller *l, int id, ting_labels *labels)
{
    ting_err err = TING_OK;
    char text[TING_PINYIN_ROOM];
    if (l->syllable[id][0] < 0) {
        ting_pinyin_write(id, TING_PINYIN_NUMBERED, text);
        FAIL(TING_ERR_FORMAT, "the table of tokens has nothing for the syllable %s", text);
    }
    TRY(ting_reserve(&labels->ids, labels->count, PARTS, &labels->room, sizeof *labels->ids));
    for (int k = 0; k < PARTS && l->syllable[id][k] >= 0; k++)
        labels->ids[labels->count++] = l->syllable[id][k];
out:
    return err;
}

static ting_err append_pinyin(ting_labeller *l, const char *pinyin, ting_labels *labels)
{
    ting_err err = TING_OK;
    TRY(ting_words_read(pinyin, strlen(pinyin), &l->words));
    for (int i = 0; i < l->words.count; i++) {
        const ting_word *word = &l->words.items[i];
        if (word->id == TING_PINYIN_NONE)
            FAIL(TING_ERR_FORMAT, "\"%.*s\" is no syllable of Mandarin", word->length < 32 ? (int)word->length : 32,
                 pinyin + word->offset);
        TRY(append_syllable(l, word->id, labels));
    }
out:
    return err;
}

/* A space between two words of Latin letters is a token only where the table has one. */
static ting_err append_character(const ting_labeller *l, const ting_g2p_item *item, ting_labels *labels)
{
    ting_err err = TING_OK;
    const char *text = l->plain.text + item->offset;
    const int id = find(l, text, (size_t)item->length);
    if (id < 0 && item->code_point == ' ')
        return TING_OK;
    if (id < 0)
        FAIL(TING_ERR_FORMAT, "the table of tokens has no %.*s", item->length, text);
    TRY(ting_reserve(&labels->ids, labels->count, 1, &labels->room, sizeof *labels->ids));
    labels->ids[labels->count++] = id;
out:
    return err;
}

static ting_err append_text(ting_labeller *l, const char *text, ting_labels *labels)
{
    ting_err err = TING_OK;
    const size_t size = strlen(text);
    if (ting_utf8_count(text, size) < 0)
        FAIL(TING_ERR_FORMAT, "the text is not UTF-8");
    ting_str_clear(&l->plain);
    TRY(ting_text_plain(text, size, &l->plain));
    TRY(ting_g2p_read(l->lexicon, &(ting_g2p_options){.sandhi = true}, l->plain.text != NULL ? l->plain.text : "",
                      l->plain.length, &l->line));
    for (int i = 0; i < l->line.count; i++) {
        const ting_g2p_item *item = &l->line.items[i];
        if (l->characters)
            TRY(append_character(l, item, labels));
        else if (item->id != TING_PINYIN_NONE)
            TRY(append_syllable(l, item->id, labels));
        else if (item->code_point != ' ')
            FAIL(TING_ERR_FORMAT, "\"%.*s\" has no reading in pinyin", item->length, l->plain.text + item->offset);
    }
out:
    return err;
}

ting_err ting_label_append(ting_labeller *l, const char *text, const char *pinyin, ting_labels *labels)
{
    ting_err err = TING_OK;
    const size_t before = labels->count;
    if (pinyin != NULL && pinyin[0] != '\0' && !l->characters)
        TRY(append_pinyin(l, pinyin, labels));
    else if (text == NULL || text[0] == '\0')
        FAIL(TING_ERR_ARGUMENT, "neither text nor pinyin is given");
    else if (l->lexicon == NULL)
        FAIL(TING_ERR_ARGUMENT, "text cannot be read without a lexicon");
    else
        TRY(append_text(l, text, labels));
out:
    if (err != TING_OK)
        labels->count = before;
    return err;
}
