/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_corpus.c - opening and checking the file of p2h_corpus.h. */
#include "data/p2h_corpus.h"

#include "base/hash.h"
#include "base/mem.h"
#include "data/p2h_layout.h"

#include <string.h>

/* Hands out sections of the mapped file in order; a section past the end is NULL. */
typedef struct cursor {
    const unsigned char *data;
    size_t size, at;
} cursor;

static const void *take(cursor *c, uint64_t count, size_t size)
{
    if (count > (c->size - c->at) / size)
        return NULL;
    const unsigned char *section = c->data + c->at;
    size_t bytes = (size_t)count * size;
    size_t padded = bytes + (8 - bytes % 8) % 8;
    c->at = padded > c->size - c->at ? c->size : c->at + padded;
    return section;
}

static ting_err read_sources(const char *path, ting_p2h_corpus *out, const ting_p2h_layout_source *stored)
{
    for (int i = 0; i < out->sources; i++) {
        ting_p2h_source *source = &out->source[i];
        memcpy(source->name, stored[i].name, sizeof source->name);
        memcpy(source->licence, stored[i].licence, sizeof source->licence);
        uint64_t end = i + 1 < out->sources ? stored[i + 1].first : out->sentences;
        if (source->name[sizeof source->name - 1] != '\0' || source->licence[sizeof source->licence - 1] != '\0' ||
            stored[i].kind > TING_P2H_MEASURE || stored[i].first > end || end > out->sentences ||
            (i == 0 && stored[i].first != 0))
            return ting_fail(TING_ERR_FORMAT, "%s: source %d of the corpus is damaged", path, i);
        source->first = stored[i].first;
        source->count = end - stored[i].first;
        source->kind = (ting_p2h_kind)stored[i].kind;
    }
    return TING_OK;
}

static ting_err read_tables(const char *path, ting_p2h_corpus *out, const ting_p2h_layout_header *header,
                            const char *names, const uint32_t *characters, const uint16_t *readings)
{
    ting_err err = TING_OK;
    const char **syllables = ting_alloc(header->syllables, sizeof *syllables);
    ting_p2h_pair *pairs = ting_alloc((size_t)header->readings, sizeof *pairs);
    if (syllables == NULL || pairs == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (uint32_t i = 0; i < header->syllables; i++) {
        syllables[i] = names + (size_t)i * TING_P2H_SYLLABLE_MAX;
        if (memchr(syllables[i], '\0', TING_P2H_SYLLABLE_MAX) == NULL)
            FAIL(TING_ERR_FORMAT, "%s: syllable %u of the corpus has no end", path, (unsigned)i);
    }
    for (uint64_t i = 0; i < header->readings; i++)
        pairs[i] = (ting_p2h_pair){readings[2 * i], readings[2 * i + 1]};
    err = ting_p2h_tables_make(&out->tables, (int)header->syllables, syllables, (int)header->characters, characters,
                               (size_t)header->readings, pairs);
    if (err != TING_OK)
        ting_fail_in(err, "%s", path);
out:
    ting_free(syllables);
    ting_free(pairs);
    return err;
}

static ting_err check_sentences(const char *path, const ting_p2h_corpus *c)
{
    if (c->start[0] != 0 || c->start[c->sentences] != c->tokens)
        return ting_fail(TING_ERR_FORMAT, "%s: sentences cover tokens %u to %u, expected 0 to %zu", path,
                         (unsigned)c->start[0], (unsigned)c->start[c->sentences], c->tokens);
    for (size_t i = 0; i < c->sentences; i++)
        if (c->start[i + 1] <= c->start[i] || c->start[i + 1] - c->start[i] > TING_P2H_LINE_MAX)
            return ting_fail(TING_ERR_FORMAT, "%s: sentence %zu begins at token %u and ends at %u, expected 1 to %d tokens",
                             path, i, (unsigned)c->start[i], (unsigned)c->start[i + 1], (int)TING_P2H_LINE_MAX);
    int spoken_most = 0, written_most = 0, least = TING_P2H_UNKNOWN;
    for (size_t i = 0; i < c->tokens; i++) {
        spoken_most = c->spoken[i] > spoken_most ? c->spoken[i] : spoken_most;
        written_most = c->written[i] > written_most ? c->written[i] : written_most;
        least = c->spoken[i] < least ? c->spoken[i] : least;
        least = c->written[i] < least ? c->written[i] : least;
    }
    if (spoken_most >= c->tables.syllables || written_most >= c->tables.characters || least < TING_P2H_UNKNOWN)
        return ting_fail(TING_ERR_FORMAT, "%s: a sentence uses an id outside of the tables", path);
    return TING_OK;
}

ting_err ting_p2h_corpus_open(const char *path, ting_p2h_corpus *out)
{
    ting_err err = TING_OK;
    ting_p2h_layout_header header;
    *out = (ting_p2h_corpus){0};
    TRY(ting_file_map(path, &out->file));
    if (out->file.size < sizeof header || memcmp(out->file.data, TING_P2H_LAYOUT_MAGIC, 8) != 0)
        FAIL(TING_ERR_FORMAT, "%s: not a pinyin-to-hanzi corpus (make one with `tingxie data p2h`)", path);
    memcpy(&header, out->file.data, sizeof header);
    if (header.bytes != out->file.size)
        FAIL(TING_ERR_FORMAT, "%s: %zu bytes, its header says %llu: the file is truncated or was changed", path,
             out->file.size, (unsigned long long)header.bytes);
    if (header.syllables > UINT16_MAX || header.characters > UINT16_MAX || header.sentences >= UINT32_MAX ||
        header.tokens >= UINT32_MAX || header.sources > 4096 || header.readings > (1u << 24))
        FAIL(TING_ERR_FORMAT, "%s: the header's counts are out of range", path);
    cursor c = {out->file.data, out->file.size, sizeof header};
    const ting_p2h_layout_source *sources = take(&c, header.sources, sizeof *sources);
    const char *names = take(&c, header.syllables, TING_P2H_SYLLABLE_MAX);
    const uint32_t *characters = take(&c, header.characters, sizeof *characters);
    const uint16_t *readings = take(&c, header.readings, 2 * sizeof *readings);
    out->start = take(&c, header.sentences + 1, sizeof *out->start);
    out->spoken = take(&c, header.tokens, sizeof *out->spoken);
    out->written = take(&c, header.tokens, sizeof *out->written);
    if (sources == NULL || names == NULL || characters == NULL || readings == NULL || out->start == NULL ||
        out->spoken == NULL || out->written == NULL || c.at != c.size)
        FAIL(TING_ERR_FORMAT, "%s: %zu bytes do not hold the %llu sentences of its header", path, out->file.size,
             (unsigned long long)header.sentences);
    out->sentences = (size_t)header.sentences;
    out->tokens = (size_t)header.tokens;
    out->sources = (int)header.sources;
    out->source = ting_alloc(header.sources, sizeof *out->source);
    if (out->source == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(read_sources(path, out, sources));
    TRY(read_tables(path, out, &header, names, characters, readings));
    TRY(check_sentences(path, out));
    out->hash = ting_fingerprint(out->file.data, out->file.size);
out:
    if (err != TING_OK)
        ting_p2h_corpus_close(out);
    return err;
}

void ting_p2h_corpus_close(ting_p2h_corpus *corpus)
{
    ting_p2h_tables_free(&corpus->tables);
    ting_free(corpus->source);
    ting_file_unmap(&corpus->file);
    *corpus = (ting_p2h_corpus){0};
}
