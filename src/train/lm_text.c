/* SPDX-License-Identifier: Apache-2.0 */
/* lm_text.c - see lm_text.h. */
#include "train/lm_text.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/ngram_table.h"
#include "text/plain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 0x110000, ASKED = 4096 };

/* ---- what is held out ---- */

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t hash_of(const ting_str *plain)
{
    return ting_hash_bytes(plain->text, plain->length);
}

static bool is_held(const ting_lm_text *t, const ting_str *plain)
{
    const uint64_t hash = hash_of(plain);
    return t->held_count > 0 && bsearch(&hash, t->held, t->held_count, sizeof hash, compare_hashes) != NULL;
}

static bool hold(void *self, ting_view text)
{
    ting_lm_text *t = self;
    ting_str_clear(&t->cut.plain);
    if (t->failed == TING_OK)
        t->failed = ting_text_plain(text.text, text.length, &t->cut.plain);
    if (t->failed == TING_OK)
        t->failed = ting_reserve(&t->held, t->held_count, 1, &t->held_room, sizeof *t->held);
    if (t->failed != TING_OK || t->cut.plain.length == 0)
        return false;
    t->held[t->held_count++] = hash_of(&t->cut.plain);
    return true;
}

static bool should_stop(const ting_lm_text *t)
{
    return t->stop != NULL && t->stop(t->self) != 0;
}

/* Calls `see` with every line of a source. */
static ting_err each_line(ting_lm_text *t, const ting_text_source *source,
                          ting_err (*see)(ting_lm_text *t, void *self, ting_text_line line), void *self)
{
    ting_err err = TING_OK;
    ting_text_reader reader;
    TRY(ting_text_reader_open(source, t->base, &reader));
    for (long i = 0;; i++) {
        ting_text_line line;
        bool more;
        if (i % ASKED == ASKED - 1 && should_stop(t))
            FAIL(TING_ERR_CANCELLED, "%s: stopped after %ld lines", source->name, i);
        TRY(ting_text_reader_next(&reader, &line, &more));
        if (!more)
            break;
        TRY(see(t, self, line));
    }
out:
    ting_text_reader_close(&reader);
    return err;
}

static ting_err hold_line(ting_lm_text *t, void *self, ting_text_line line)
{
    (void)self;
    hold(t, line.text);
    return t->failed;
}

static ting_err hold_out(ting_lm_text *t, ting_yaml *exclude)
{
    ting_err err = TING_OK;
    for (ting_yaml *item = exclude != NULL ? exclude->first : NULL; item != NULL; item = item->next)
        TRY(ting_text_exclusions(item, t->base, hold, t));
    for (int s = 0; s < t->sources; s++)
        if (t->source[s].measure)
            TRY(each_line(t, &t->source[s], hold_line, NULL));
    TRY(t->failed);
    if (t->held_count > 0)
        qsort(t->held, t->held_count, sizeof *t->held, compare_hashes);
out:
    return err;
}

/* ---- words ---- */

typedef struct word { /* a character as it is counted */
    uint32_t point;
    uint64_t count;
} word;

static int compare_words(const void *a, const void *b)
{
    const word *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : (x->point > y->point) - (x->point < y->point);
}

static ting_err count_line(ting_lm_text *t, void *self, ting_text_line line)
{
    ting_err err = TING_OK;
    uint64_t *counts = self;
    ting_str *plain = &t->cut.plain;
    ting_str_clear(plain);
    TRY(ting_text_plain(line.text.text, line.text.length, plain));
    if (is_held(t, plain))
        goto out;
    for (size_t at = 0; at < plain->length;) {
        uint32_t point = 0;
        const int bytes = ting_utf8_decode(plain->text + at, plain->length - at, &point);
        at += bytes > 0 ? (size_t)bytes : 1;
        counts[bytes > 0 ? point : 0]++;
    }
out:
    return err;
}

/* The characters of what is trained on, the commonest first. */
static ting_err count_characters(ting_lm_text *t, int rare)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    word *words = NULL;
    size_t count = 0;
    uint64_t *counts = ting_alloc(POINTS, sizeof *counts);
    TRY(counts != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = 0; s < t->sources; s++)
        if (!t->source[s].measure)
            TRY(each_line(t, &t->source[s], count_line, counts));
    words = ting_alloc(POINTS, sizeof *words);
    TRY(words != NULL ? TING_OK : TING_ERR_MEMORY);
    for (uint32_t point = 1; point < POINTS; point++)
        if (point != ' ' && point != 0xFFFD && counts[point] > 0 && counts[point] >= (uint64_t)rare)
            words[count++] = (word){point, counts[point]};
    qsort(words, count, sizeof *words, compare_words);
    ting_vocabulary_begin(&block);
    for (size_t i = 0; i < count; i++) {
        char text[5] = "";
        const int bytes = ting_utf8_encode(words[i].point, text);
        ting_str_add_bytes(&block, text, (size_t)bytes + 1);
    }
    TRY(ting_str_ok(&block) ? ting_texts_make(block.text, block.length, count + TING_NGRAM_SPECIALS, &t->words) : TING_ERR_MEMORY);
out:
    ting_str_free(&block);
    ting_free(counts);
    ting_free(words);
    return err;
}

static ting_err read_words(ting_lm_text *t, const char *file)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    ting_lines lines = {0};
    const char *line;
    size_t length, count = TING_NGRAM_SPECIALS;
    char *path = ting_path_under(t->base, file);
    TRY(path != NULL ? ting_lines_open(path, &lines) : TING_ERR_MEMORY);
    ting_vocabulary_begin(&block);
    while (ting_lines_next(&lines, &line, &length)) {
        ting_tsv fields; /* what follows a tab, such as counts, is nobody's word */
        ting_tsv_cut((ting_view){line, length}, &fields);
        const ting_view text = ting_tsv_at(&fields, 0);
        if (text.length == 0 || ting_vocabulary_is_special(text.text, text.length)) /* lists of SRILM and KenLM have them */
            continue;
        TRY(ting_lines_check(&lines, text.text, text.length));
        ting_str_add_bytes(&block, text.text, text.length);
        ting_str_add_bytes(&block, "", 1);
        count++;
    }
    TRY(lines.err);
    TRY(ting_str_ok(&block) ? ting_texts_make(block.text, block.length, count, &t->words) : TING_ERR_MEMORY);
out:
    ting_lines_close(&lines);
    ting_str_free(&block);
    ting_free(path);
    return err;
}

static ting_err copy_words(ting_lm_text *t, const ting_texts *words)
{
    ting_str block = {0};
    for (size_t i = 0; i < words->count; i++)
        ting_str_add_bytes(&block, words->items[i], strlen(words->items[i]) + 1);
    const ting_err err = ting_str_ok(&block) ? ting_texts_make(block.text, block.length, words->count, &t->words) : TING_ERR_MEMORY;
    ting_str_free(&block);
    return err;
}

static bool are_same(const ting_texts *a, const ting_texts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static ting_err make_words(ting_lm_text *t, ting_yaml *tokens, const ting_texts *words)
{
    ting_err err = TING_OK;
    int rare = 2;
    const char *file = NULL, *of = NULL;
    char *model = NULL;
    if (tokens != NULL) {
        TRY(ting_yaml_int(tokens, "rare", 1, INT_MAX, &rare));
        TRY(ting_yaml_text(tokens, "file", &file));
        TRY(ting_yaml_text(tokens, "of", &of));
        TRY(ting_yaml_done(tokens));
        if (file != NULL && of != NULL)
            FAIL(TING_ERR_FORMAT, "%s:%d: the tokens are those of a file or \"of\" a model, not both", tokens->path, tokens->line);
    }
    model = of != NULL ? ting_path_under(t->base, of) : NULL;
    if (of != NULL)
        TRY(model != NULL ? ting_lm_speller_new(model, &t->words, &t->speller) : TING_ERR_MEMORY);
    else
        TRY(words != NULL ? copy_words(t, words) : file != NULL ? read_words(t, file) : count_characters(t, rare));
    if (words != NULL && !are_same(words, &t->words))
        FAIL(TING_ERR_MODEL, "%s: its tokens are other words than those of the network that the training begins with", of);
    TRY_IN(ting_vocabulary_new(&t->words, &t->vocabulary), "%s", of != NULL ? of : file != NULL ? file : "characters of the texts");
out:
    ting_free(model);
    return err;
}

/* ---- all of it ---- */

ting_err ting_lm_text_open(ting_yaml *map, const char *base, const ting_texts *words, int (*stop)(void *self), void *self, ting_lm_text *t)
{
    ting_err err = TING_OK;
    ting_yaml *tokens, *exclude, *sources;
    *t = (ting_lm_text){.base = base, .stop = stop, .self = self};
    TRY(ting_yaml_child(map, "tokens", TING_YAML_MAP, &tokens));
    TRY(ting_yaml_child(map, "exclude", TING_YAML_LIST, &exclude));
    TRY(ting_yaml_child(map, "sources", TING_YAML_LIST, &sources));
    if (sources == NULL)
        FAIL(TING_ERR_FORMAT, "%s: a list of \"sources\" is needed", map->path);
    for (ting_yaml *item = sources->first; item != NULL; item = item->next) {
        if (item->kind != TING_YAML_MAP || t->sources == TING_LM_MOST_SOURCES)
            FAIL(TING_ERR_FORMAT, "%s:%d: a source is a group of \"key: value\" lines, and there are at most %d", item->path, item->line,
                 (int)TING_LM_MOST_SOURCES);
        TRY(ting_text_source_read(item, &t->source[t->sources++]));
    }
    TRY(hold_out(t, exclude));
    TRY(make_words(t, tokens, words));
out:
    return err;
}

void ting_lm_text_free(ting_lm_text *t)
{
    ting_vocabulary_free(t->vocabulary);
    ting_lm_speller_free(t->speller);
    ting_texts_free(&t->words);
    ting_free(t->held);
    ting_cut_free(&t->cut);
    *t = (ting_lm_text){0};
}

typedef struct giving { /* to whom a sentence goes */
    ting_err (*take)(void *self, const ting_cut *sentence);
    void *self;
    bool measure;
    ting_lm_text_counts *counts;
} giving;

static ting_err give(ting_lm_text *t, void *self, ting_text_line line)
{
    ting_err err = TING_OK;
    giving *g = self;
    bool spelled = true;
    if (t->speller != NULL)
        TRY(ting_lm_spell(t->speller, line.text, line.pinyin, &t->cut, &spelled));
    else
        TRY(ting_vocabulary_cut(t->vocabulary, line.text.text, line.text.length, &t->cut));
    if (!g->measure && is_held(t, &t->cut.plain)) {
        g->counts->excluded++;
        goto out;
    }
    g->counts->unspelled += !spelled;
    if (t->cut.count == 0)
        goto out;
    g->counts->sentences++;
    g->counts->characters += t->cut.characters;
    g->counts->unknown += t->cut.unknown;
    TRY(g->take(g->self, &t->cut));
out:
    return err;
}

ting_err ting_lm_text_each(ting_lm_text *t, int source, ting_err (*take)(void *self, const ting_cut *sentence), void *self,
                           ting_lm_text_counts *counts)
{
    giving g = {take, self, t->source[source].measure, counts};
    return each_line(t, &t->source[source], give, &g);
}
