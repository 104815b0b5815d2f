/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_prepare.c - see p2h_prepare.h. */
#include "data/p2h_prepare.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/p2h_layout.h"
#include "data/text_source.h"
#include "text/g2p.h"

#include <limits.h>

struct maker {
    const char *base;
    const ting_log *log;
    ting_lexicon *lexicon;
    ting_g2p_line line;
    ting_p2h_builder *builder;
    uint32_t text[TING_P2H_LINE_MAX];
    int syllables[TING_P2H_LINE_MAX];
};

/* Code points of a text of hanzi; 0 when it is anything else or too long. */
static int read_hanzi(struct maker *m, ting_view text)
{
    int count = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t point;
        int bytes = ting_utf8_decode(text.text + at, text.length - at, &point);
        if (bytes <= 0 || !ting_utf8_is_hanzi(point) || count == TING_P2H_LINE_MAX)
            return 0;
        m->text[count++] = point;
        at += (size_t)bytes;
    }
    return count;
}

/* The hanzi of a text, whatever stands between them; those behind the longest line of a corpus do not count. */
static int keep_hanzi(struct maker *m, ting_view text)
{
    int count = 0;
    for (size_t at = 0; at < text.length && count < TING_P2H_LINE_MAX;) {
        uint32_t point;
        int bytes = ting_utf8_decode(text.text + at, text.length - at, &point);
        if (bytes > 0 && ting_utf8_is_hanzi(point))
            m->text[count++] = point;
        at += bytes > 0 ? (size_t)bytes : 1;
    }
    return count;
}

/* Syllables separated by spaces; -1 when one is not pinyin or there are too many. */
static int read_pinyin(struct maker *m, ting_view text)
{
    int count = 0;
    for (size_t at = 0; at < text.length;) {
        size_t end = at;
        while (end < text.length && text.text[end] != ' ')
            end++;
        if (end > at) {
            int id = ting_pinyin_read(text.text + at, end - at);
            if (id == TING_PINYIN_NONE || count == TING_P2H_LINE_MAX)
                return -1;
            m->syllables[count++] = id;
        }
        at = end + 1;
    }
    return count;
}

static bool exclude_text(void *self, ting_view text)
{
    struct maker *m = self;
    const int count = keep_hanzi(m, text);
    if (count > 0)
        ting_p2h_builder_exclude(m->builder, count, m->text);
    return count > 0;
}

/* Text and syllables of one line into m->text and m->syllables; *count 0: skip it. */
static ting_err read_line(struct maker *m, const ting_text_source *s, const ting_text_line *line, int *count)
{
    *count = read_hanzi(m, line->text);
    if (*count == 0)
        return TING_OK;
    if (s->format == TING_TEXT_PAIRS || s->format == TING_TEXT_PHRASES) {
        *count = read_pinyin(m, line->pinyin) == *count ? *count : 0;
        return TING_OK;
    }
    ting_err err = ting_g2p_read(m->lexicon, &(ting_g2p_options){0}, line->text.text, line->text.length, &m->line);
    for (int i = 0; err == TING_OK && i < m->line.count; i++) {
        m->syllables[i] = m->line.items[i].id;
        if (m->line.items[i].id == TING_PINYIN_NONE)
            *count = 0;
    }
    return err;
}

static ting_err add_source(struct maker *m, const ting_text_source *s)
{
    ting_err err = TING_OK;
    ting_text_reader reader;
    long taken = 0, skipped = 0;
    TRY(ting_text_reader_open(s, m->base, &reader));
    ting_p2h_builder_source(m->builder, s->name, s->licence, s->measure ? TING_P2H_MEASURE : TING_P2H_TRAIN);
    for (;;) {
        ting_text_line line;
        bool more;
        int count;
        TRY(ting_text_reader_next(&reader, &line, &more));
        if (!more)
            break;
        TRY(read_line(m, s, &line, &count));
        skipped += count == 0;
        taken += count > 0;
        if (count == 0)
            continue;
        if (s->measure)
            ting_p2h_builder_exclude(m->builder, count, m->text);
        for (int i = 0; s->format == TING_TEXT_PHRASES && i < count; i++)
            ting_p2h_builder_reading(m->builder, m->text[i], m->syllables[i]);
        ting_p2h_builder_line(m->builder, count, m->text, m->syllables, s->format == TING_TEXT_PAIRS);
    }
    ting_log_write(m->log, TING_LOG_INFO, "%s: %ld lines taken, %ld skipped", s->name, taken, skipped);
out:
    ting_text_reader_close(&reader);
    return err;
}

/* Each known character's readings; phrases add theirs as lines. */
static void add_readings(struct maker *m)
{
    for (uint32_t point = 0x3000; point < 0x32000; point++) {
        if (!ting_utf8_is_hanzi(point))
            continue;
        ting_readings readings = ting_lexicon_readings(m->lexicon, point);
        for (int i = 0; i < readings.count; i++)
            ting_p2h_builder_reading(m->builder, point, readings.ids[i]);
    }
}

static ting_err add_sources(struct maker *m, ting_yaml *list, bool measure)
{
    ting_err err = TING_OK;
    for (ting_yaml *item = list->first; item != NULL; item = item->next) {
        ting_text_source source;
        if (item->kind != TING_YAML_MAP)
            FAIL(TING_ERR_FORMAT, "%s:%d: a source is a group of \"key: value\" lines", item->path, item->line);
        TRY(ting_text_source_read(item, &source));
        if (source.measure == measure)
            TRY(add_source(m, &source));
    }
out:
    return err;
}

ting_err ting_p2h_prepare(const ting_p2h_files *files, const ting_log *log, ting_p2h_counts *counts)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    ting_yaml *sources = NULL, *exclude = NULL;
    int cut = 2;
    struct maker *m = ting_alloc(1, sizeof *m);
    if (m == NULL)
        return TING_ERR_MEMORY;
    *m = (struct maker){.base = files->base, .log = log, .lexicon = ting_lexicon_new(), .builder = ting_p2h_builder_new()};
    if (m->lexicon == NULL || m->builder == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_yaml_load(files->settings, &doc));
    TRY(ting_yaml_int(doc.root, "cut", 1, INT_MAX, &cut));
    TRY(ting_yaml_child(doc.root, "sources", TING_YAML_LIST, &sources));
    TRY(ting_yaml_child(doc.root, "exclude", TING_YAML_LIST, &exclude));
    TRY(ting_yaml_done(doc.root));
    if (sources == NULL)
        FAIL(TING_ERR_FORMAT, "%s: a list of \"sources\" is needed", files->settings);
    TRY(ting_lexicon_add_folder(m->lexicon, files->lexicon));
    add_readings(m);
    for (ting_yaml *item = exclude != NULL ? exclude->first : NULL; item != NULL; item = item->next)
        TRY(ting_text_exclusions(item, m->base, exclude_text, m));
    TRY(add_sources(m, sources, true));
    TRY(add_sources(m, sources, false));
    TRY(ting_p2h_builder_write(m->builder, files->output, cut, counts));
out:
    ting_yaml_free(&doc);
    ting_g2p_line_free(&m->line);
    ting_lexicon_free(m->lexicon);
    ting_p2h_builder_free(m->builder);
    ting_free(m);
    return err;
}
