/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_builder.c - collecting sentences in memory and writing the corpus file of p2h_corpus.h.
 *
 * Lines are kept as code points and pinyin ids until the character table is known, since the cut needs
 * all counts: six bytes a token.
 */
#include "data/p2h_corpus.h"

#include "base/hash.h"
#include "base/mem.h"
#include "data/p2h_layout.h"
#include "text/pinyin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS = 0x110000 };

typedef struct reading {
    uint32_t character;
    int syllable;
} reading;

struct ting_p2h_builder {
    uint32_t *characters; /* [tokens] */
    uint16_t *syllables;  /* [tokens] pinyin ids */
    uint32_t *starts;     /* [sentences], then tokens */
    reading *readings;
    uint64_t *excluded; /* hashes, sorted before the first line */
    ting_p2h_layout_source *sources;
    uint32_t *uses; /* [CODE_POINTS] in TRAIN lines */
    unsigned char *trusted; /* [CODE_POINTS] */
    size_t tokens, token_room, sentences, sentence_room, reading_count, reading_room, excluded_count, excluded_room,
        source_count, source_room, dropped;
    bool sorted;
    ting_err err; /* sticky */
};

ting_p2h_builder *ting_p2h_builder_new(void)
{
    ting_p2h_builder *b = ting_alloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->uses = ting_alloc(CODE_POINTS, sizeof *b->uses);
    b->trusted = ting_alloc(CODE_POINTS, 1);
    if (b->uses == NULL || b->trusted == NULL) {
        ting_p2h_builder_free(b);
        return NULL;
    }
    return b;
}

void ting_p2h_builder_free(ting_p2h_builder *b)
{
    if (b == NULL)
        return;
    ting_free(b->characters);
    ting_free(b->syllables);
    ting_free(b->starts);
    ting_free(b->readings);
    ting_free(b->excluded);
    ting_free(b->sources);
    ting_free(b->uses);
    ting_free(b->trusted);
    ting_free(b);
}

/* Room for `more` elements behind `count`; false and the sticky error when there is none. */
static bool make_room(ting_p2h_builder *b, void *list, size_t count, size_t more, size_t *room, size_t size)
{
    if (b->err == TING_OK)
        b->err = ting_reserve(list, count, more, room, size);
    return b->err == TING_OK;
}

void ting_p2h_builder_reading(ting_p2h_builder *b, uint32_t character, int syllable)
{
    if (character >= CODE_POINTS || syllable < 0 || syllable >= TING_PINYIN_COUNT)
        return;
    if (make_room(b, &b->readings, b->reading_count, 1, &b->reading_room, sizeof *b->readings))
        b->readings[b->reading_count++] = (reading){character, syllable};
}

void ting_p2h_builder_exclude(ting_p2h_builder *b, int count, const uint32_t *characters)
{
    if (!make_room(b, &b->excluded, b->excluded_count, 1, &b->excluded_room, sizeof *b->excluded))
        return;
    b->excluded[b->excluded_count++] = ting_fingerprint(characters, (size_t)count * sizeof *characters);
    b->sorted = false;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_excluded(ting_p2h_builder *b, int count, const uint32_t *characters)
{
    if (!b->sorted && b->excluded_count > 0)
        qsort(b->excluded, b->excluded_count, sizeof *b->excluded, compare_hashes);
    b->sorted = true;
    uint64_t hash = ting_fingerprint(characters, (size_t)count * sizeof *characters);
    return b->excluded_count > 0 &&
           bsearch(&hash, b->excluded, b->excluded_count, sizeof hash, compare_hashes) != NULL;
}

void ting_p2h_builder_source(ting_p2h_builder *b, const char *name, const char *licence, ting_p2h_kind kind)
{
    if (!make_room(b, &b->sources, b->source_count, 1, &b->source_room, sizeof *b->sources))
        return;
    ting_p2h_layout_source *source = &b->sources[b->source_count];
    *source = (ting_p2h_layout_source){.first = b->sentences, .kind = (uint64_t)kind};
    if (strlen(name) >= sizeof source->name || strlen(licence) >= sizeof source->licence) {
        b->err = ting_fail(TING_ERR_ARGUMENT, "source \"%s\": names have at most %zu bytes, licences %zu", name,
                           sizeof source->name - 1, sizeof source->licence - 1);
        return;
    }
    memcpy(source->name, name, strlen(name));
    memcpy(source->licence, licence, strlen(licence));
    b->source_count++;
}

void ting_p2h_builder_line(ting_p2h_builder *b, int count, const uint32_t *characters, const int *syllables,
                           int trusted)
{
    if (b->err != TING_OK || count < 1 || count > TING_P2H_LINE_MAX || b->source_count == 0)
        return;
    bool measure = b->sources[b->source_count - 1].kind == TING_P2H_MEASURE;
    if (!measure && is_excluded(b, count, characters)) {
        b->dropped++;
        return;
    }
    size_t n = (size_t)count, room = b->token_room;
    if (b->tokens + n >= UINT32_MAX) {
        b->err = ting_fail(TING_ERR_UNSUPPORTED, "more than %u tokens in one corpus", UINT32_MAX);
        return;
    }
    if (!make_room(b, &b->characters, b->tokens, n, &room, sizeof *b->characters) ||
        !make_room(b, &b->syllables, b->tokens, n, &b->token_room, sizeof *b->syllables) ||
        !make_room(b, &b->starts, b->sentences, 2, &b->sentence_room, sizeof *b->starts))
        return;
    for (size_t i = 0; i < n; i++) {
        b->characters[b->tokens + i] = characters[i];
        b->syllables[b->tokens + i] = (uint16_t)syllables[i];
        if (measure)
            continue;
        b->uses[characters[i]]++;
        if (trusted) {
            b->trusted[characters[i]] = 1;
            ting_p2h_builder_reading(b, characters[i], syllables[i]);
        }
    }
    b->starts[b->sentences++] = (uint32_t)b->tokens;
    b->tokens += n;
    b->starts[b->sentences] = (uint32_t)b->tokens;
}

/* What write computes before it writes. */
typedef struct plan {
    int *syllable_id;  /* [TING_PINYIN_COUNT] pinyin id -> table id */
    char (*name)[TING_PINYIN_ROOM]; /* [TING_PINYIN_COUNT] in table order */
    uint16_t *character_id;         /* [CODE_POINTS] */
    uint32_t *character;            /* [characters] */
    uint16_t (*reading)[2];
    uint32_t characters;
    size_t readings;
} plan;

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static ting_err plan_syllables(plan *p)
{
    p->syllable_id = ting_alloc(TING_PINYIN_COUNT, sizeof *p->syllable_id);
    p->name = ting_alloc(TING_PINYIN_COUNT, sizeof *p->name);
    if (p->syllable_id == NULL || p->name == NULL)
        return TING_ERR_MEMORY;
    for (int id = 0; id < TING_PINYIN_COUNT; id++)
        ting_pinyin_write(id, TING_PINYIN_NUMBERED, p->name[id]);
    qsort(p->name, TING_PINYIN_COUNT, sizeof *p->name, compare_names);
    for (int i = 0; i < TING_PINYIN_COUNT; i++)
        p->syllable_id[ting_pinyin_read(p->name[i], strlen(p->name[i]))] = TING_P2H_FIRST + i;
    return TING_OK;
}

static ting_err plan_characters(plan *p, const ting_p2h_builder *b, int cut)
{
    p->character_id = ting_alloc(CODE_POINTS, sizeof *p->character_id);
    p->character = ting_alloc(UINT16_MAX, sizeof *p->character);
    if (p->character_id == NULL || p->character == NULL)
        return TING_ERR_MEMORY;
    for (uint32_t c = 0; c < CODE_POINTS; c++) {
        p->character_id[c] = TING_P2H_UNKNOWN;
        if (b->uses[c] == 0 || (b->uses[c] < (uint32_t)cut && !b->trusted[c]))
            continue;
        if (p->characters + TING_P2H_FIRST >= UINT16_MAX)
            return ting_fail(TING_ERR_UNSUPPORTED, "more than %d different characters", UINT16_MAX);
        p->character_id[c] = (uint16_t)(TING_P2H_FIRST + p->characters);
        p->character[p->characters++] = c;
    }
    return TING_OK;
}

static int compare_readings(const void *a, const void *b)
{
    return memcmp(a, b, 2 * sizeof(uint16_t));
}

static ting_err plan_readings(plan *p, const ting_p2h_builder *b)
{
    p->reading = ting_alloc(b->reading_count, sizeof *p->reading);
    if (p->reading == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < b->reading_count; i++) {
        uint16_t id = p->character_id[b->readings[i].character];
        if (id == TING_P2H_UNKNOWN)
            continue;
        p->reading[p->readings][0] = id;
        p->reading[p->readings++][1] = (uint16_t)p->syllable_id[b->readings[i].syllable];
    }
    qsort(p->reading, p->readings, sizeof *p->reading, compare_readings);
    size_t kept = 0;
    for (size_t i = 0; i < p->readings; i++)
        if (i == 0 || compare_readings(p->reading[i], p->reading[kept - 1]) != 0)
            memmove(p->reading[kept++], p->reading[i], sizeof *p->reading);
    p->readings = kept;
    return TING_OK;
}

static size_t padded(size_t bytes)
{
    return bytes + (8 - bytes % 8) % 8;
}

static void put(FILE *stream, const void *bytes, size_t count)
{
    static const char zeros[8] = {0};
    if (count > 0)
        fwrite(bytes, 1, count, stream);
    fwrite(zeros, 1, padded(count) - count, stream);
}

static void put_tokens(FILE *stream, const ting_p2h_builder *b, const plan *p, bool written, size_t *rare)
{
    uint16_t block[4096];
    size_t used = 0;
    for (size_t i = 0; i < b->tokens; i++) {
        block[used++] = written ? p->character_id[b->characters[i]] : (uint16_t)p->syllable_id[b->syllables[i]];
        *rare += written && block[used - 1] == TING_P2H_UNKNOWN;
        if (used == sizeof block / sizeof block[0] || i + 1 == b->tokens) {
            fwrite(block, sizeof block[0], used, stream);
            used = 0;
        }
    }
    fwrite("\0\0\0\0\0\0\0", 1, padded(b->tokens * 2) - b->tokens * 2, stream);
}

static ting_err write_file(const ting_p2h_builder *b, const plan *p, const char *path, ting_p2h_counts *counts)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    TRY(ting_file_create(path, &writer));
    ting_p2h_layout_header header = {.syllables = TING_PINYIN_COUNT,
                                     .characters = p->characters,
                                     .sources = (uint32_t)b->source_count,
                                     .readings = p->readings,
                                     .sentences = b->sentences,
                                     .tokens = b->tokens};
    memcpy(header.magic, TING_P2H_LAYOUT_MAGIC, 8);
    header.bytes = sizeof header + padded(b->source_count * sizeof *b->sources) +
                   (size_t)TING_PINYIN_COUNT * TING_P2H_SYLLABLE_MAX + padded(p->characters * sizeof(uint32_t)) +
                   padded(p->readings * sizeof *p->reading) + padded((b->sentences + 1) * sizeof(uint32_t)) +
                   2 * padded(b->tokens * sizeof(uint16_t));
    put(writer.stream, &header, sizeof header);
    put(writer.stream, b->sources, b->source_count * sizeof *b->sources);
    for (int i = 0; i < TING_PINYIN_COUNT; i++)
        put(writer.stream, p->name[i], TING_P2H_SYLLABLE_MAX);
    put(writer.stream, p->character, p->characters * sizeof(uint32_t));
    put(writer.stream, p->reading, p->readings * sizeof *p->reading);
    put(writer.stream, b->starts, (b->sentences + 1) * sizeof(uint32_t));
    size_t rare = 0;
    put_tokens(writer.stream, b, p, false, &rare);
    put_tokens(writer.stream, b, p, true, &rare);
    TRY(ting_file_commit(&writer));
    *counts = (ting_p2h_counts){.sentences = b->sentences,
                                .tokens = b->tokens,
                                .excluded = b->dropped,
                                .rare = rare,
                                .readings = p->readings,
                                .characters = (int)p->characters,
                                .syllables = TING_PINYIN_COUNT};
out:
    ting_file_abandon(&writer);
    return err;
}

ting_err ting_p2h_builder_write(ting_p2h_builder *b, const char *path, int cut, ting_p2h_counts *counts)
{
    ting_err err = b->err;
    plan p = {0};
    if (err != TING_OK)
        return err;
    if (b->sentences == 0)
        return ting_fail(TING_ERR_ARGUMENT, "%s: no sentence to write", path);
    TRY(plan_syllables(&p));
    TRY(plan_characters(&p, b, cut));
    TRY(plan_readings(&p, b));
    TRY(write_file(b, &p, path, counts));
out:
    ting_free(p.syllable_id);
    ting_free(p.name);
    ting_free(p.character_id);
    ting_free(p.character);
    ting_free(p.reading);
    return err;
}
