/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - sentences in an arena, and results as lists of them; see result.h and tingxie.h. */
#include "engine/result.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

struct ting_result {
    ting_arena *arena;
    const ting_sentence **sentences; /* [room] */
    int count;
    size_t room;
    double duration;
    int partial;
    ting_str text; /* all sentences together */
};

const char *ting_arena_text(ting_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = ting_arena_take(arena, size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void *copy_array(ting_arena *arena, const void *items, int count, size_t size)
{
    void *copy = ting_arena_take_zeroed(arena, count > 0 ? (size_t)count : 1, size);
    if (copy != NULL && count > 0)
        memcpy(copy, items, (size_t)count * size);
    return copy;
}

static bool copy_one(ting_arena *arena, ting_char *c)
{
    const char **alternatives = copy_array(arena, c->alternatives, c->alternative_count, sizeof *alternatives);
    if (alternatives == NULL)
        return false;
    for (int i = 0; i < c->alternative_count; i++)
        alternatives[i] = ting_arena_text(arena, alternatives[i]);
    c->alternatives = alternatives;
    c->text = ting_arena_text(arena, c->text);
    c->pinyin = ting_arena_text(arena, c->pinyin);
    if (c->pronunciation == NULL)
        return true;
    ting_pronunciation *pronunciation = copy_array(arena, c->pronunciation, 1, sizeof *pronunciation);
    if (pronunciation == NULL)
        return false;
    pronunciation->expected = ting_arena_text(arena, pronunciation->expected);
    pronunciation->heard = ting_arena_text(arena, pronunciation->heard);
    c->pronunciation = pronunciation;
    return true;
}

static ting_char *copy_chars(ting_arena *arena, const ting_char *from, int count)
{
    ting_char *chars = copy_array(arena, from, count, sizeof *chars);
    for (int i = 0; i < count && chars != NULL; i++)
        if (!copy_one(arena, &chars[i]))
            return NULL;
    return chars;
}

const ting_sentence *ting_sentence_copy(ting_arena *arena, const ting_sentence *sentence)
{
    const struct ting_sentence_parts *from = sentence->parts;
    ting_sentence *copy = copy_array(arena, sentence, 1, sizeof *copy);
    struct ting_sentence_parts *parts = ting_arena_take(arena, sizeof *parts);
    ting_char *chars = copy_chars(arena, from->chars, sentence->char_count);
    ting_token *tokens = copy_array(arena, from->tokens, sentence->token_count, sizeof *tokens);
    ting_hypothesis *hypotheses =
        copy_array(arena, from->hypotheses, sentence->hypothesis_count, sizeof *hypotheses);
    const ting_char **of_hypotheses = ting_arena_take_zeroed(arena, (size_t)sentence->hypothesis_count, sizeof *of_hypotheses);
    if (copy == NULL || parts == NULL || chars == NULL || tokens == NULL || hypotheses == NULL || of_hypotheses == NULL)
        return NULL;
    for (int i = 0; i < sentence->token_count; i++)
        tokens[i].text = ting_arena_text(arena, tokens[i].text);
    for (int i = 0; i < sentence->hypothesis_count; i++) {
        hypotheses[i].text = ting_arena_text(arena, hypotheses[i].text);
        hypotheses[i].pinyin = ting_arena_text(arena, hypotheses[i].pinyin);
        if (i > 0 && from->hypothesis_chars != NULL)
            of_hypotheses[i] = copy_chars(arena, from->hypothesis_chars[i], hypotheses[i].char_count);
    }
    *parts = (struct ting_sentence_parts){chars, tokens, hypotheses, of_hypotheses};
    copy->parts = parts;
    copy->text = ting_arena_text(arena, sentence->text);
    copy->pinyin = ting_arena_text(arena, sentence->pinyin);
    return ting_arena_failed(arena) ? NULL : copy;
}

const ting_char *ting_sentence_char(const ting_sentence *sentence, int index)
{
    return index >= 0 && index < sentence->char_count ? &sentence->parts->chars[index] : NULL;
}

const ting_token *ting_sentence_token(const ting_sentence *sentence, int index)
{
    return index >= 0 && index < sentence->token_count ? &sentence->parts->tokens[index] : NULL;
}

const ting_hypothesis *ting_sentence_hypothesis(const ting_sentence *sentence, int index)
{
    return index >= 0 && index < sentence->hypothesis_count ? &sentence->parts->hypotheses[index] : NULL;
}

const ting_char *ting_hypothesis_char(const ting_sentence *sentence, int hypothesis, int index)
{
    if (hypothesis == 0)
        return ting_sentence_char(sentence, index);
    const ting_hypothesis *h = ting_sentence_hypothesis(sentence, hypothesis);
    return h != NULL && index >= 0 && index < h->char_count ? &sentence->parts->hypothesis_chars[hypothesis][index] : NULL;
}

ting_result *ting_result_new(void)
{
    ting_result *result = ting_alloc(1, sizeof *result);
    if (result == NULL)
        return NULL;
    result->arena = ting_arena_new(16384);
    ting_str_add(&result->text, "");
    if (result->arena == NULL || !ting_str_ok(&result->text)) {
        ting_result_free(result);
        return NULL;
    }
    return result;
}

void ting_result_free(ting_result *result)
{
    if (result == NULL)
        return;
    ting_arena_free(result->arena);
    ting_str_free(&result->text);
    ting_free(result->sentences);
    ting_free(result);
}

/* Hanzi follow each other directly; Latin words, numbers and pinyin get a space. */
static void join(ting_str *text, const char *next)
{
    if (text->length > 0 && ting_ascii_is_alnum(text->text[text->length - 1]) &&
        ting_ascii_is_alnum(next[0]))
        ting_str_add(text, " ");
    ting_str_add(text, next);
}

ting_err ting_result_add(ting_result *result, const ting_sentence *sentence)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&result->sentences, (size_t)result->count, 1, &result->room, sizeof *result->sentences));
    const ting_sentence *copy = ting_sentence_copy(result->arena, sentence);
    if (copy == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", sentence->char_count);
    result->sentences[result->count++] = copy;
    join(&result->text, copy->text);
    if (!ting_str_ok(&result->text))
        err = TING_ERR_MEMORY;
out:
    return err;
}

void ting_result_set_duration(ting_result *result, double seconds)
{
    result->duration = seconds;
}

int ting_result_sentence_count(const ting_result *result)
{
    return result != NULL ? result->count : 0;
}

const ting_sentence *ting_result_sentence(const ting_result *result, int index)
{
    return result != NULL && index >= 0 && index < result->count ? result->sentences[index] : NULL;
}

const char *ting_result_text(const ting_result *result)
{
    return result != NULL ? result->text.text : "";
}

void ting_result_set_partial(ting_result *result)
{
    result->partial = 1;
}

int ting_result_partial(const ting_result *result)
{
    return result != NULL && result->partial;
}

double ting_result_duration(const ting_result *result)
{
    return result != NULL ? result->duration : 0;
}
