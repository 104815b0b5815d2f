/* SPDX-License-Identifier: Apache-2.0 */
/* hanzi_p2h.c - see hanzi_p2h.h. */
#include "engine/hanzi_p2h.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "decode/p2h_rescore.h"
#include "engine/hotword_text.h"
#include "engine/lm.h"
#include "engine/result.h"
#include "model/vocabulary.h"
#include "text/pinyin.h"

#include <math.h>
#include <string.h>

struct ting_hanzi_p2h {
    ting_p2h_model model;
    int syllable[TING_PINYIN_COUNT]; /* pinyin id -> table id */
};

ting_err ting_hanzi_p2h_open(const char *path, ting_precision precision, ting_hanzi_p2h **out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    *out = NULL;
    ting_hanzi_p2h *p2h = ting_alloc(1, sizeof *p2h);
    if (p2h == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_p2h_model_open(&file, ting_kern_select(ting_cpu_detect()), precision, &p2h->model));
    for (int id = 0; id < TING_PINYIN_COUNT; id++) {
        char name[TING_PINYIN_ROOM];
        size_t length = ting_pinyin_write(id, TING_PINYIN_NUMBERED, name);
        p2h->syllable[id] = ting_p2h_syllable(&p2h->model.tables, name, length);
    }
    *out = p2h;
    p2h = NULL;
out:
    ting_gguf_close(&file);
    ting_hanzi_p2h_close(p2h);
    return err;
}

void ting_hanzi_p2h_close(ting_hanzi_p2h *p2h)
{
    if (p2h != NULL)
        ting_p2h_model_close(&p2h->model);
    ting_free(p2h);
}

int ting_hanzi_p2h_syllable(const ting_hanzi_p2h *p2h, int pinyin)
{
    return pinyin >= 0 && pinyin < TING_PINYIN_COUNT ? p2h->syllable[pinyin] : TING_P2H_UNKNOWN;
}

const ting_p2h_model *ting_hanzi_p2h_model(const ting_hanzi_p2h *p2h)
{
    return &p2h->model;
}

static void put_character(const ting_hanzi_p2h *p2h, int id, char out[TING_HANZI_TEXT])
{
    int length = id >= TING_P2H_FIRST ? ting_utf8_encode(p2h->model.tables.character[id], out) : 0;
    out[length] = '\0';
}

/* Syllables of text/pinyin.h as the network's. */
static ting_err take_inputs(const ting_hanzi_p2h *p2h, const ting_hanzi_input *inputs, int count, ting_arena *arena, ting_p2h_input **out)
{
    ting_p2h_input *taken = *out = ting_arena_take(arena, (size_t)count * sizeof *taken);
    for (int i = 0; i < count && taken != NULL; i++) {
        int *ids = ting_arena_take(arena, (size_t)inputs[i].count * sizeof *ids);
        for (int k = 0; k < inputs[i].count && ids != NULL; k++)
            ids[k] = ting_hanzi_p2h_syllable(p2h, inputs[i].syllables[k]);
        ting_confusion_other *others = ting_arena_take(arena, (size_t)inputs[i].other_count * sizeof *others);
        for (int k = 0; k < inputs[i].other_count && others != NULL; k++) {
            others[k] = inputs[i].others[k];
            others[k].symbol = ting_hanzi_p2h_syllable(p2h, others[k].symbol);
        }
        taken[i] = (ting_p2h_input){.syllables = ids, .starts = inputs[i].starts, .count = inputs[i].count, .score = inputs[i].score,
                                    .others = others, .other_count = inputs[i].other_count};
    }
    return ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK;
}

/* What stands at place i of a line. */
static const char *written(const ting_hanzi_p2h_use *use, const ting_p2h_line *line, int i, ting_arena *arena)
{
    char text[TING_HANZI_TEXT];
    if (line->characters[i] == TING_P2H_FOREIGN)
        return ting_arena_text(arena, ting_hotword_list_part(use->hotwords, line->origins[i].hotword - 1, line->origins[i].part));
    put_character(use->p2h, line->characters[i], text);
    return ting_arena_text(arena, text);
}

/* The pinyin of a hotword's syllable; of no hotword none. */
static int said(const ting_hanzi_p2h_use *use, const ting_p2h_origin *origin)
{
    if (origin->hotword == 0)
        return TING_PINYIN_NONE;
    const ting_hotword *word = ting_hotwords_at(use->hotwords->hotwords, origin->hotword - 1);
    const char *name = use->p2h->model.tables.syllable[word->syllables[origin->part]];
    return ting_pinyin_read(name, strlen(name));
}

/* Of a line that was read from one sequence, a character a syllable. */
static ting_p2h_origin *in_order(ting_arena *arena, int input, int count)
{
    ting_p2h_origin *origins = ting_arena_take(arena, (size_t)count * sizeof *origins);
    for (int i = 0; i < count && origins != NULL; i++)
        origins[i] = (ting_p2h_origin){.input = input, .place = i, .other = -1};
    return origins;
}

static ting_err write_page(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                           ting_hanzi_page *out)
{
    ting_err err = TING_OK;
    const ting_hanzi_p2h_use *use = self;
    ting_p2h_input *taken;
    ting_p2h_page page;
    *out = (ting_hanzi_page){0};
    TRY(take_inputs(use->p2h, inputs, input_count, arena, &taken));
    TRY(ting_p2h_decode(&use->p2h->model, use->kern, use->pool, arena,
                        &(ting_p2h_options){.limit = use->limit, .aligned = use->aligned, .nbest = nbest,
                                            .alternatives = alternatives, .spell = use->spell, .other_tone = use->other_tone, .lm = use->lm,
                                            .input_weight = use->heard_weight, .bonus = use->bonus,
                                            .hotwords = use->hotwords != NULL ? use->hotwords->hotwords : NULL,
                                            .rescorer = use->rescorer},
                        taken, input_count, &page));
    const size_t others = (size_t)page.lines[0].count * (size_t)alternatives; /* lines may be of another length than ours */
    out->line_count = page.line_count;
    out->shares = page.shares;
    out->lines = ting_arena_take_zeroed(arena, (size_t)page.line_count, sizeof *out->lines);
    out->alternatives = ting_arena_take_zeroed(arena, others, sizeof *out->alternatives);
    for (int l = 0; l < page.line_count && !ting_arena_failed(arena); l++) {
        ting_hanzi_line *line = &out->lines[l];
        const ting_p2h_line *from = &page.lines[l];
        line->count = from->count;
        line->score = from->score;
        line->origins = from->origins;
        if (line->origins == NULL && from->count == inputs[from->input].count)
            line->origins = in_order(arena, from->input, from->count);
        line->characters = ting_arena_take(arena, (size_t)line->count * sizeof *line->characters);
        if (use->hotwords != NULL && from->origins != NULL)
            line->said = ting_arena_take(arena, (size_t)line->count * sizeof *line->said);
        for (int i = 0; i < line->count && !ting_arena_failed(arena); i++) {
            line->characters[i] = written(use, from, i, arena);
            if (line->said != NULL)
                line->said[i] = said(use, &from->origins[i]);
        }
    }
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < others; i++)
        put_character(use->p2h, page.alternatives[i], out->alternatives[i]);
    if (use->seen != NULL)
        *use->seen = (ting_hanzi_seen){page, *out};
out:
    return err;
}

enum { BEAM = 32 };

/* [characters] the word of each character of the network's table; *unknown: log p of one of those that have none. A model that knows no
 * hanzi among them, such as one over an acoustic model's tokens, would weigh nothing but lengths. */
static ting_err find_words(const ting_hanzi_p2h *p2h, const ting_texts *known, const ting_vocabulary *vocabulary, uint32_t **out,
                           double *unknown)
{
    ting_err err = TING_OK;
    const size_t characters = (size_t)p2h->model.tables.characters;
    uint32_t *words = *out = ting_alloc(characters, sizeof *words), point = 0;
    size_t without = 0, hanzi = 0;
    TRY(words != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t c = TING_P2H_FIRST; c < characters; c++) {
        char text[TING_HANZI_TEXT];
        put_character(p2h, (int)c, text);
        words[c] = ting_vocabulary_find(vocabulary, text, strlen(text));
        without += words[c] == TING_NGRAM_UNKNOWN;
        hanzi += words[c] != TING_NGRAM_UNKNOWN && ting_utf8_decode(text, strlen(text), &point) > 0 && ting_utf8_is_hanzi(point);
    }
    *unknown = without > 0 ? -log((double)without) : 0;
    if (hanzi == 0)
        FAIL(TING_ERR_UNSUPPORTED,
             "a language model of %zu words such as \"%s\", none of which is a hanzi that the pinyin-to-hanzi network writes: expected one "
             "over characters; one over an acoustic model's tokens is for fuse_lm (--fuse-lm)", known->count - TING_NGRAM_SPECIALS,
             known->count > TING_NGRAM_SPECIALS ? known->items[TING_NGRAM_SPECIALS] : "");
out:
    return err;
}

ting_err ting_hanzi_p2h_weigh(const ting_hanzi_p2h *p2h, const ting_ngram *ngram, double weight, ting_p2h_lm **out)
{
    ting_err err = TING_OK;
    ting_vocabulary *vocabulary = NULL;
    uint32_t *words = NULL;
    double unknown;
    ting_p2h_lm *lm = ting_alloc(1, sizeof *lm);
    *out = NULL;
    TRY(lm != NULL ? ting_vocabulary_new(ting_ngram_words(ngram), &vocabulary) : TING_ERR_MEMORY);
    TRY(find_words(p2h, ting_ngram_words(ngram), vocabulary, &words, &unknown));
    *lm = (ting_p2h_lm){.ngram = ngram, .word = words, .unknown = unknown, .weight = weight, .beam = BEAM};
    *out = lm;
    lm = NULL;
    words = NULL;
out:
    ting_vocabulary_free(vocabulary);
    ting_free(words);
    ting_free(lm);
    return err;
}

void ting_hanzi_p2h_lm_free(ting_p2h_lm *lm)
{
    if (lm == NULL)
        return;
    ting_free((void *)(uintptr_t)lm->word);
    ting_free(lm);
}

ting_err ting_hanzi_p2h_rescore(const ting_hanzi_p2h *p2h, const ting_lm *lm, double weight, int lines, ting_p2h_rescorer **out)
{
    ting_err err = TING_OK;
    uint32_t *words = NULL;
    double unknown;
    ting_p2h_rescorer *rescorer = *out = ting_alloc(1, sizeof *rescorer);
    TRY(rescorer != NULL ? find_words(p2h, lm->words, lm->vocabulary, &words, &unknown) : TING_ERR_MEMORY);
    *rescorer = (ting_p2h_rescorer){
        .net = lm->net.net, .ngram = lm->ngram, .word = words, .unknown = unknown, .weight = weight, .lines = lines};
out:
    if (err != TING_OK) {
        ting_free(words);
        ting_free(rescorer);
        *out = NULL;
    }
    return err;
}

void ting_hanzi_p2h_rescorer_free(ting_p2h_rescorer *rescorer)
{
    if (rescorer == NULL)
        return;
    ting_free((void *)(uintptr_t)rescorer->word);
    ting_free(rescorer);
}

ting_hanzi_writer ting_hanzi_p2h_writer(ting_hanzi_p2h_use *use)
{
    return (ting_hanzi_writer){.write = write_page, .self = use};
}
