/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexicon.c - see lexicon.h.
 *
 *     pages [0x32400 / 256]   code point >> 8  -> page number + 1
 *     slots [page][256]       code point       -> character number + 1
 *     characters              readings (list in the pool), node in the tree
 *     edges (open hash)       node << 21 | code point -> node
 *     nodes                   offset of the phrase's syllables in the pool + 1, or 0
 *
 * Lists of readings are at most TING_READINGS_MAX long and are rewritten at the end of the pool when
 * they grow; the few bytes left behind do not matter.
 */
#include "text/lexicon.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "text/pinyin.h"

#include <string.h>

enum { PAGES = 0x110000 / 256, PAGE = 256 };

typedef struct character {
    uint32_t first; /* readings at pool[first] */
    uint8_t count, common;
    uint32_t node; /* 0: no phrase begins with it */
} character;

typedef struct edge {
    uint64_t key; /* 0: free */
    uint32_t node;
} edge;

struct ting_lexicon {
    uint16_t pages[PAGES];
    uint32_t *slots;
    size_t page_count;
    character *characters;
    size_t character_count, character_room;
    uint16_t *pool;
    size_t pool_count, pool_room;
    edge *edges;
    size_t edge_count, edge_room; /* room is a power of two, at most half full */
    uint32_t *nodes;              /* nodes[0] is not used */
    size_t node_count, node_room;
};

ting_lexicon *ting_lexicon_new(void)
{
    ting_lexicon *lexicon = ting_alloc(1, sizeof *lexicon);
    if (lexicon != NULL)
        lexicon->node_count = 1;
    return lexicon;
}

void ting_lexicon_free(ting_lexicon *lexicon)
{
    if (lexicon == NULL)
        return;
    ting_free(lexicon->slots);
    ting_free(lexicon->characters);
    ting_free(lexicon->pool);
    ting_free(lexicon->edges);
    ting_free(lexicon->nodes);
    ting_free(lexicon);
}

/* ---- growing ---- */

static ting_err pool_add(ting_lexicon *lexicon, const uint16_t *ids, size_t count, uint32_t *first)
{
    ting_err err = TING_OK;
    if (lexicon->pool_count + count >= UINT32_MAX)
        return ting_fail(TING_ERR_MEMORY, "lexicon of more than %u syllables", UINT32_MAX);
    TRY(ting_reserve(&lexicon->pool, lexicon->pool_count, count, &lexicon->pool_room, sizeof *lexicon->pool));
    memcpy(lexicon->pool + lexicon->pool_count, ids, count * sizeof *ids);
    *first = (uint32_t)lexicon->pool_count;
    lexicon->pool_count += count;
out:
    return err;
}

static character *character_find(const ting_lexicon *lexicon, uint32_t code_point)
{
    unsigned page = code_point < 0x110000 ? lexicon->pages[code_point / PAGE] : 0;
    uint32_t slot = page == 0 ? 0 : lexicon->slots[(page - 1) * (size_t)PAGE + code_point % PAGE];
    return slot == 0 ? NULL : &lexicon->characters[slot - 1];
}

/* The character's entry, made if need be. */
static ting_err character_get(ting_lexicon *lexicon, uint32_t code_point, character **out)
{
    ting_err err = TING_OK;
    *out = character_find(lexicon, code_point);
    if (*out != NULL)
        return TING_OK;
    uint16_t *page = &lexicon->pages[code_point / PAGE];
    if (*page == 0) {
        size_t old = lexicon->page_count * PAGE;
        uint32_t *slots = ting_grow(lexicon->slots, old, old + PAGE, sizeof *slots);
        if (slots == NULL)
            return TING_ERR_MEMORY;
        lexicon->slots = slots;
        *page = (uint16_t)++lexicon->page_count;
    }
    TRY(ting_reserve(&lexicon->characters, lexicon->character_count, 1, &lexicon->character_room, sizeof(character)));
    *out = &lexicon->characters[lexicon->character_count++];
    **out = (character){0};
    lexicon->slots[(*page - 1) * (size_t)PAGE + code_point % PAGE] = (uint32_t)lexicon->character_count;
out:
    return err;
}

/* ---- the tree ---- */

static size_t edge_place(const ting_lexicon *lexicon, uint64_t key)
{
    size_t mask = lexicon->edge_room - 1;
    size_t at = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (lexicon->edges[at].key != 0 && lexicon->edges[at].key != key)
        at = (at + 1) & mask;
    return at;
}

static uint32_t edge_find(const ting_lexicon *lexicon, uint32_t node, uint32_t code_point)
{
    if (lexicon->edge_room == 0)
        return 0;
    return lexicon->edges[edge_place(lexicon, (uint64_t)node << 21 | code_point)].node;
}

static ting_err edges_double(ting_lexicon *lexicon)
{
    size_t old_room = lexicon->edge_room, room = old_room == 0 ? 4096 : 2 * old_room;
    edge *old = lexicon->edges, *edges = ting_alloc(room, sizeof *edges);
    if (edges == NULL)
        return TING_ERR_MEMORY;
    lexicon->edges = edges;
    lexicon->edge_room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i].key != 0)
            edges[edge_place(lexicon, old[i].key)] = old[i];
    ting_free(old);
    return TING_OK;
}

static ting_err node_new(ting_lexicon *lexicon, uint32_t *node)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&lexicon->nodes, lexicon->node_count, 1, &lexicon->node_room, sizeof *lexicon->nodes));
    *node = (uint32_t)lexicon->node_count++;
out:
    return err;
}

static ting_err child_get(ting_lexicon *lexicon, uint32_t node, uint32_t code_point, uint32_t *child)
{
    ting_err err = TING_OK;
    *child = edge_find(lexicon, node, code_point);
    if (*child != 0)
        return TING_OK;
    if (2 * (lexicon->edge_count + 1) > lexicon->edge_room)
        TRY(edges_double(lexicon));
    TRY(node_new(lexicon, child));
    uint64_t key = (uint64_t)node << 21 | code_point;
    lexicon->edges[edge_place(lexicon, key)] = (edge){key, *child};
    lexicon->edge_count++;
out:
    return err;
}

/* ---- entries ---- */

static ting_err add_readings(ting_lexicon *lexicon, uint32_t hanzi, const uint16_t *ids, int count,
                             ting_lexicon_trust trust)
{
    ting_err err = TING_OK;
    character *c;
    TRY(character_get(lexicon, hanzi, &c));
    uint16_t all[TING_READINGS_MAX];
    int n = c->count;
    if (n > 0)
        memcpy(all, lexicon->pool + c->first, (size_t)n * sizeof *all);
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (k < n && all[k] != ids[i])
            k++;
        if (k == n && n < TING_READINGS_MAX)
            all[n++] = ids[i];
    }
    if (n > c->count)
        TRY(pool_add(lexicon, all, (size_t)n, &c->first));
    c->count = (uint8_t)n;
    if (trust == TING_LEXICON_COMMON)
        c->common = (uint8_t)n;
out:
    return err;
}

static ting_err add_phrase(ting_lexicon *lexicon, const uint32_t *text, const uint16_t *ids, int count)
{
    ting_err err = TING_OK;
    character *c;
    uint32_t node, first;
    TRY(character_get(lexicon, text[0], &c));
    if (c->node == 0)
        TRY(node_new(lexicon, &c->node));
    node = c->node;
    for (int i = 1; i < count; i++)
        TRY(child_get(lexicon, node, text[i], &node));
    if (lexicon->nodes[node] == 0) {
        TRY(pool_add(lexicon, ids, (size_t)count, &first));
        lexicon->nodes[node] = first + 1;
    }
out:
    return err;
}

/* ---- tables ---- */

typedef struct line_reader {
    ting_lexicon *lexicon;
    const char *name;
    long number;
    ting_lexicon_trust trust;
    bool plain_tones; /* 一 and 不 get their dictionary tones */
} line_reader;

static int plain_tone(uint32_t hanzi, int id)
{
    static const struct {
        uint32_t hanzi;
        int base, tone;
    } rows[] = {{0x4E00, TING_BASE_yi, 1}, {0x4E0D, TING_BASE_bu, 4}};
    for (int i = 0; i < 2; i++)
        if (rows[i].hanzi == hanzi && ting_pinyin_base(id) == rows[i].base)
            return ting_pinyin_with_tone(id, rows[i].tone);
    return id;
}

/* Syllables separated by spaces. */
static ting_err read_syllables(const line_reader *in, const char *text, size_t length, uint16_t *ids, int *count)
{
    ting_err err = TING_OK;
    *count = 0;
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && text[end] != ' ')
            end++;
        if (end > at) {
            int id = ting_pinyin_read(text + at, end - at);
            if (id == TING_PINYIN_NONE)
                FAIL(TING_ERR_FORMAT, "%s:%ld: \"%.*s\" is no syllable", in->name, in->number,
                     (int)(end - at > 40 ? 40 : end - at), text + at);
            if (*count == TING_PHRASE_MAX)
                FAIL(TING_ERR_FORMAT, "%s:%ld: more than %d syllables", in->name, in->number, TING_PHRASE_MAX);
            ids[(*count)++] = (uint16_t)id;
        }
        at = end + 1;
    }
    if (*count == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: no syllable, expected hanzi, a tab and pinyin", in->name, in->number);
out:
    return err;
}

static ting_err read_hanzi(const line_reader *in, const char *text, size_t length, uint32_t *hanzi, int *count)
{
    ting_err err = TING_OK;
    *count = 0;
    while (length > 0) {
        uint32_t c;
        int bytes = ting_utf8_decode(text, length, &c);
        if (bytes < 0)
            FAIL(TING_ERR_FORMAT, "%s:%ld: not UTF-8", in->name, in->number);
        if (*count == TING_PHRASE_MAX)
            FAIL(TING_ERR_FORMAT, "%s:%ld: phrase of more than %d characters", in->name, in->number,
                 TING_PHRASE_MAX);
        hanzi[(*count)++] = c;
        text += bytes;
        length -= (size_t)bytes;
    }
    if (*count == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: nothing before the tab, expected hanzi", in->name, in->number);
out:
    return err;
}

static ting_err read_line(const line_reader *in, const char *line, size_t length)
{
    ting_err err = TING_OK;
    uint32_t hanzi[TING_PHRASE_MAX];
    uint16_t ids[TING_PHRASE_MAX];
    int characters, syllables;
    ting_tsv fields;
    ting_tsv_cut((ting_view){line, length}, &fields);
    if ((fields.count == 1 && fields.fields[0].length == 0) || line[0] == '#')
        return TING_OK;
    if (fields.count == 1)
        FAIL(TING_ERR_FORMAT, "%s:%ld: no tab, expected hanzi, a tab and pinyin", in->name, in->number);
    TRY(read_hanzi(in, fields.fields[0].text, fields.fields[0].length, hanzi, &characters));
    TRY(read_syllables(in, fields.fields[1].text, fields.fields[1].length, ids, &syllables));
    if (characters == 1) {
        err = add_readings(in->lexicon, hanzi[0], ids, syllables, in->trust);
        goto out;
    }
    if (characters != syllables)
        FAIL(TING_ERR_FORMAT, "%s:%ld: %d characters but %d syllables", in->name, in->number, characters,
             syllables);
    for (int i = 0; i < characters && in->plain_tones; i++)
        ids[i] = (uint16_t)plain_tone(hanzi[i], ids[i]);
    TRY(add_phrase(in->lexicon, hanzi, ids, characters));
out:
    return err;
}

static ting_err read_table(line_reader *in, const char *text, size_t size)
{
    ting_err err = TING_OK;
    const size_t mark = ting_utf8_mark(text, size);
    text += mark;
    size -= mark;
    while (size > 0) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline == NULL ? size : (size_t)(newline - text);
        in->number++;
        TRY(read_line(in, text, length));
        size_t used = newline == NULL ? length : length + 1;
        text += used;
        size -= used;
    }
out:
    return err;
}

ting_err ting_lexicon_add_text(ting_lexicon *lexicon, const char *name, const char *text, size_t size,
                               ting_lexicon_trust trust)
{
    line_reader in = {.lexicon = lexicon, .name = name, .trust = trust};
    return read_table(&in, text, size);
}

static ting_err add_file(ting_lexicon *lexicon, const char *path, ting_lexicon_trust trust, bool plain_tones)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    line_reader in = {.lexicon = lexicon, .name = path, .trust = trust, .plain_tones = plain_tones};
    TRY(ting_file_map(path, &file));
    TRY(read_table(&in, (const char *)file.data, file.size));
out:
    ting_file_unmap(&file);
    return err;
}

ting_err ting_lexicon_add(ting_lexicon *lexicon, const char *path, ting_lexicon_trust trust)
{
    return add_file(lexicon, path, trust, false);
}

static ting_err add_folder(ting_lexicon *lexicon, const char *folder, bool plain_tones)
{
    static const struct {
        const char *name;
        ting_lexicon_trust trust;
    } tables[] = {
        {"char-pinyin-8105.tsv", TING_LEXICON_COMMON},
        {"char-pinyin-freq.tsv", TING_LEXICON_COMMON},
        {"phrase-pinyin.tsv", TING_LEXICON_COMMON},
        {"char-pinyin.tsv", TING_LEXICON_RARE},
    };
    ting_err err = TING_OK;
    char *path = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        path = ting_path_join(folder, tables[i].name);
        if (path == NULL)
            return TING_ERR_MEMORY;
        TRY(add_file(lexicon, path, tables[i].trust, plain_tones));
        ting_free(path);
        path = NULL;
    }
out:
    ting_free(path);
    return err;
}

ting_err ting_lexicon_add_folder(ting_lexicon *lexicon, const char *folder)
{
    return add_folder(lexicon, folder, true);
}

ting_err ting_lexicon_add_folder_as_written(ting_lexicon *lexicon, const char *folder)
{
    return add_folder(lexicon, folder, false);
}

/* ---- looking up ---- */

ting_readings ting_lexicon_readings(const ting_lexicon *lexicon, uint32_t hanzi)
{
    const character *c = character_find(lexicon, hanzi);
    if (c == NULL || c->count == 0)
        return (ting_readings){NULL, 0, 0};
    return (ting_readings){lexicon->pool + c->first, c->count, c->common};
}

int ting_lexicon_match(const ting_lexicon *lexicon, const uint32_t *text, int count, const uint16_t **ids)
{
    int longest = 0;
    const character *c = count > 1 ? character_find(lexicon, text[0]) : NULL;
    uint32_t node = c == NULL ? 0 : c->node;
    for (int i = 1; i < count && node != 0; i++) {
        node = edge_find(lexicon, node, text[i]);
        if (node != 0 && lexicon->nodes[node] != 0) {
            longest = i + 1;
            *ids = lexicon->pool + lexicon->nodes[node] - 1;
        }
    }
    return longest;
}
