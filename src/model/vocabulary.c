/* SPDX-License-Identifier: Apache-2.0 */
/* vocabulary.c - see vocabulary.h. A hash table with open places. */
#include "model/vocabulary.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/ngram_table.h"
#include "text/plain.h"

#include <string.h>

struct ting_vocabulary {
    const ting_texts *words;
    uint32_t *places; /* [size] id + 1; 0: free */
    size_t size;      /* a power of two, more than twice the words */
    size_t longest;   /* bytes */
};

static size_t place_of(const ting_vocabulary *v, const char *word, size_t length)
{
    size_t at = (size_t)ting_hash_bytes(word, length) & (v->size - 1);
    for (; v->places[at] != 0; at = (at + 1) & (v->size - 1)) {
        const char *there = v->words->items[v->places[at] - 1];
        if (strlen(there) == length && memcmp(there, word, length) == 0)
            break;
    }
    return at;
}

static const char *const specials[TING_NGRAM_SPECIALS] = {"<unk>", "<s>", "</s>"};

void ting_vocabulary_begin(ting_str *block)
{
    for (int i = 0; i < TING_NGRAM_SPECIALS; i++)
        ting_str_add_bytes(block, specials[i], strlen(specials[i]) + 1);
}

bool ting_vocabulary_is_special(const char *word, size_t length)
{
    for (int i = 0; i < TING_NGRAM_SPECIALS; i++)
        if (strlen(specials[i]) == length && memcmp(specials[i], word, length) == 0)
            return true;
    return false;
}

static ting_err fill(ting_vocabulary *v)
{
    ting_err err = TING_OK;
    for (size_t i = 0; i < TING_NGRAM_SPECIALS; i++)
        if (v->words->count <= i || strcmp(v->words->items[i], specials[i]) != 0)
            FAIL(TING_ERR_FORMAT, "word %zu is \"%s\", expected \"%s\"", i, i < v->words->count ? v->words->items[i] : "", specials[i]);
    for (size_t i = TING_NGRAM_SPECIALS; i < v->words->count; i++) {
        const char *word = v->words->items[i];
        const size_t length = strlen(word), at = place_of(v, word, length);
        if (length == 0 || v->places[at] != 0 || ting_vocabulary_is_special(word, length))
            FAIL(TING_ERR_FORMAT, length == 0 ? "word %zu is empty" : "word %zu, \"%s\", stands twice", i, word);
        v->places[at] = (uint32_t)i + 1;
        v->longest = length > v->longest ? length : v->longest;
    }
out:
    return err;
}

ting_err ting_vocabulary_new(const ting_texts *words, ting_vocabulary **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_vocabulary *v = ting_alloc(1, sizeof *v);
    if (v == NULL)
        return TING_ERR_MEMORY;
    v->words = words;
    for (v->size = 64; v->size < 2 * words->count + 2;)
        v->size *= 2;
    v->places = ting_alloc(v->size, sizeof *v->places);
    TRY(v->places != NULL ? fill(v) : TING_ERR_MEMORY);
    *out = v;
    v = NULL;
out:
    ting_vocabulary_free(v);
    return err;
}

void ting_vocabulary_free(ting_vocabulary *v)
{
    if (v == NULL)
        return;
    ting_free(v->places);
    ting_free(v);
}

bool ting_vocabulary_has_hanzi(const ting_texts *words)
{
    bool found = false;
    for (size_t i = 0; i < words->count && !found; i++) {
        uint32_t point = 0;
        const size_t length = strlen(words->items[i]);
        found = length > 0 && ting_utf8_decode(words->items[i], length, &point) == (int)length && ting_utf8_is_hanzi(point);
    }
    return found;
}

uint32_t ting_vocabulary_find(const ting_vocabulary *v, const char *word, size_t length)
{
    const uint32_t there = v->places[place_of(v, word, length)];
    return there != 0 ? there - 1 : TING_NGRAM_UNKNOWN;
}

/* The longest word at the beginning of the text; *length gets its bytes, those of a character for <unk>. */
static uint32_t longest_word(const ting_vocabulary *v, const char *text, size_t left, size_t *length)
{
    uint32_t point, found = TING_NGRAM_UNKNOWN;
    const int first = ting_utf8_decode(text, left, &point);
    *length = first > 0 ? (size_t)first : 1;
    for (size_t end = *length; end <= left && end <= v->longest;) {
        const uint32_t id = ting_vocabulary_find(v, text, end);
        if (id != TING_NGRAM_UNKNOWN) {
            found = id;
            *length = end;
        }
        const int next = end < left ? ting_utf8_decode(text + end, left - end, &point) : 0;
        end += next > 0 ? (size_t)next : 1;
    }
    return found;
}

ting_err ting_vocabulary_cut(const ting_vocabulary *v, const char *text, size_t length, ting_cut *out)
{
    ting_err err = TING_OK;
    ting_str_clear(&out->plain);
    out->count = out->unknown = out->characters = 0;
    TRY(ting_text_plain(text, length, &out->plain));
    for (size_t at = 0, bytes = 0; at < out->plain.length; at += bytes) {
        const char *here = out->plain.text + at;
        if (*here == ' ') {
            bytes = 1;
            continue;
        }
        const uint32_t id = longest_word(v, here, out->plain.length - at, &bytes);
        TRY(ting_reserve(&out->ids, out->count, 1, &out->room, sizeof *out->ids));
        out->ids[out->count++] = id;
        out->unknown += id == TING_NGRAM_UNKNOWN;
        const long characters = ting_utf8_count(here, bytes);
        out->characters += characters > 0 ? (size_t)characters : 1;
    }
out:
    return err;
}

void ting_cut_free(ting_cut *cut)
{
    ting_free(cut->ids);
    ting_str_free(&cut->plain);
    *cut = (ting_cut){0};
}
