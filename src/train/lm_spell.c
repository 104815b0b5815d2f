/* SPDX-License-Identifier: Apache-2.0 */
/* lm_spell.c - see lm_spell.h. */
#include "train/lm_spell.h"

#include "base/mem.h"
#include "data/label.h"
#include "engine/tables.h"
#include "model/ngram_table.h"
#include "model/tokens.h"
#include "text/plain.h"
#include "train/am_tokens.h"

#include <string.h>

struct ting_lm_speller {
    ting_texts tokens;
    uint32_t *word; /* [tokens.count] of each token */
    ting_lexicon *lexicon;
    ting_labeller *labeller;
    ting_labels labels;
    ting_str text, pinyin; /* at hand, each ended by a zero byte */
};

static ting_err make_words(ting_lm_speller *s, ting_texts *words)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    size_t count = TING_NGRAM_SPECIALS;
    ting_vocabulary_begin(&block);
    s->word = ting_alloc(s->tokens.count, sizeof *s->word);
    TRY(s->word != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t t = 0; t < s->tokens.count; t++) {
        const char *token = s->tokens.items[t];
        s->word[t] = TING_NGRAM_UNKNOWN;
        if (ting_token_is_special(token))
            continue;
        s->word[t] = (uint32_t)count++;
        ting_str_add_bytes(&block, token, strlen(token) + 1);
    }
    TRY(ting_str_ok(&block) ? ting_texts_make(block.text, block.length, count, words) : TING_ERR_MEMORY);
out:
    ting_str_free(&block);
    return err;
}

ting_err ting_lm_speller_new(const char *model, ting_texts *words, ting_lm_speller **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    *words = (ting_texts){0};
    ting_lm_speller *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_am_tokens_of(model, &s->tokens));
    TRY(make_words(s, words));
    TRY(ting_tables_lexicon(NULL, NULL, 0, false, &s->lexicon));
    TRY_IN(ting_labeller_new(&s->tokens, s->lexicon, &s->labeller), "%s", model);
    *out = s;
    s = NULL;
out:
    ting_lm_speller_free(s);
    return err;
}

void ting_lm_speller_free(ting_lm_speller *s)
{
    if (s == NULL)
        return;
    ting_labeller_free(s->labeller);
    ting_lexicon_free(s->lexicon);
    ting_labels_free(&s->labels);
    ting_texts_free(&s->tokens);
    ting_str_free(&s->text);
    ting_str_free(&s->pinyin);
    ting_free(s->word);
    ting_free(s);
}

static const char *keep(ting_str *to, ting_view text)
{
    ting_str_clear(to);
    ting_str_add_bytes(to, text.text, text.length);
    ting_str_add_bytes(to, "", 1);
    return to->text;
}

ting_err ting_lm_spell(ting_lm_speller *s, ting_view text, ting_view pinyin, ting_cut *out, bool *spelled)
{
    ting_err err = TING_OK;
    const char *own_text = keep(&s->text, text), *own_pinyin = keep(&s->pinyin, pinyin);
    TRY(ting_str_ok(&s->text) && ting_str_ok(&s->pinyin) ? TING_OK : TING_ERR_MEMORY);
    ting_str_clear(&out->plain);
    out->count = out->unknown = out->characters = 0;
    TRY(ting_text_plain(text.text, text.length, &out->plain));
    s->labels.count = 0;
    err = out->plain.length > 0 ? ting_label_append(s->labeller, own_text, own_pinyin, &s->labels) : TING_OK;
    *spelled = err == TING_OK;
    if (err == TING_ERR_MEMORY || !*spelled)
        return err == TING_ERR_MEMORY ? err : TING_OK;
    for (size_t at = 0; at < out->plain.length; at++) /* UTF-8: bytes that begin a character */
        out->characters += out->plain.text[at] != ' ' && ((unsigned char)out->plain.text[at] & 0xC0) != 0x80;
    TRY(ting_reserve(&out->ids, 0, s->labels.count, &out->room, sizeof *out->ids));
    for (; out->count < s->labels.count; out->count++)
        out->ids[out->count] = s->word[s->labels.ids[out->count]];
out:
    return err;
}
