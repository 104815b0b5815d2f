/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_prepare.c - see p2h_prepare.h. */
#include "data/p2h_prepare.h"

#include "base/mem.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "data/lines.h"
#include "data/p2h_layout.h"
#include "base/yaml.h"
#include "text/g2p.h"

#include <limits.h>

enum format { FORMAT_TEXT, FORMAT_PAIRS, FORMAT_WORDS, FORMAT_PHRASES };

struct source {
    const char *name, *file, *licence;
    int format, leave_every, drop_last, only_last;
    int pinyin_column, text_column; /* of pairs without a header line, from 1; 0: the header line tells */
    bool measure;
};

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

static ting_err read_exclusions(struct maker *m, ting_yaml *item)
{
    ting_err err = TING_OK;
    const char *file = NULL, *name = "text", *where = NULL, *is = NULL, *line;
    char *path = NULL;
    ting_lines lines = {0};
    ting_tsv fields;
    size_t length;
    long usable = 0;
    TRY(ting_yaml_text(item, "file", &file));
    TRY(ting_yaml_text(item, "column", &name));
    TRY(ting_yaml_text(item, "where", &where));
    TRY(ting_yaml_text(item, "is", &is));
    TRY(ting_yaml_done(item));
    if (file == NULL || (where == NULL) != (is == NULL))
        FAIL(TING_ERR_FORMAT, "%s:%d: an exclusion needs \"file\", and \"where\" together with \"is\"", item->path,
             item->line);
    path = ting_path_under(m->base, file);
    TRY(path != NULL ? ting_lines_open(path, &lines) : TING_ERR_MEMORY);
    int text_column = -1, where_column = -1;
    while (ting_lines_next(&lines, &line, &length)) {
        ting_tsv_cut((ting_view){line, length}, &fields);
        if (lines.number == 1) {
            text_column = ting_tsv_find(&fields, name);
            where_column = where != NULL ? ting_tsv_find(&fields, where) : 0;
            if (text_column < 0 || where_column < 0)
                FAIL(TING_ERR_FORMAT, "%s: the header line has no column \"%s\"", path,
                     text_column < 0 ? name : where);
            continue;
        }
        if (where != NULL && !ting_view_is(ting_tsv_at(&fields, where_column), is))
            continue;
        int count = keep_hanzi(m, ting_tsv_at(&fields, text_column));
        if (count > 0)
            ting_p2h_builder_exclude(m->builder, count, m->text);
        usable += count > 0;
    }
    TRY(lines.err);
    if (usable == 0)
        FAIL(TING_ERR_FORMAT, "%s: no text to exclude was found in it (column \"%s\"): nothing would be held out", path, name);
out:
    ting_lines_close(&lines);
    ting_free(path);
    return err;
}

static ting_err read_source(ting_yaml *item, struct source *s)
{
    static const char *const formats[] = {"text", "pairs", "words", "phrases"};
    ting_err err = TING_OK;
    *s = (struct source){.licence = ""};
    TRY(ting_yaml_text(item, "name", &s->name));
    TRY(ting_yaml_text(item, "file", &s->file));
    TRY(ting_yaml_text(item, "licence", &s->licence));
    TRY(ting_yaml_word(item, "format", 4, formats, &s->format));
    TRY(ting_yaml_int(item, "leave_every", 2, INT_MAX, &s->leave_every));
    TRY(ting_yaml_int(item, "drop_last", 1, INT_MAX, &s->drop_last));
    TRY(ting_yaml_int(item, "only_last", 1, INT_MAX, &s->only_last));
    TRY(ting_yaml_int(item, "pinyin_column", 1, TING_TSV_MOST, &s->pinyin_column));
    TRY(ting_yaml_int(item, "text_column", 1, TING_TSV_MOST, &s->text_column));
    TRY(ting_yaml_bool(item, "measure", &s->measure));
    TRY(ting_yaml_done(item));
    if (s->name == NULL || s->file == NULL)
        FAIL(TING_ERR_FORMAT, "%s:%d: a source needs \"name\" and \"file\"", item->path, item->line);
    if ((s->pinyin_column > 0) != (s->text_column > 0) || (s->text_column > 0 && s->format != FORMAT_PAIRS))
        FAIL(TING_ERR_FORMAT, "%s:%d: \"pinyin_column\" and \"text_column\" go together, with pairs that have no header line",
             item->path, item->line);
out:
    return err;
}

static ting_err count_lines(const char *path, long *count)
{
    ting_err err = TING_OK;
    ting_lines lines;
    const char *line;
    size_t length;
    TRY(ting_lines_open(path, &lines));
    while (ting_lines_next(&lines, &line, &length))
        ;
    *count = lines.number;
    err = lines.err;
    ting_lines_close(&lines);
out:
    return err;
}

/* Text and syllables of one line into m->text and m->syllables; *count 0: skip it. */
static ting_err read_line(struct maker *m, const struct source *s, const int columns[2], ting_view line, int *count)
{
    bool has_pinyin = s->format == FORMAT_PAIRS || s->format == FORMAT_PHRASES;
    ting_view text = line;
    ting_tsv fields;
    if (s->format != FORMAT_TEXT) {
        ting_tsv_cut(line, &fields);
        text = ting_tsv_at(&fields, columns[1]);
    }
    *count = read_hanzi(m, text);
    if (*count == 0)
        return TING_OK;
    if (has_pinyin) {
        *count = read_pinyin(m, ting_tsv_at(&fields, columns[0])) == *count ? *count : 0;
        return TING_OK;
    }
    ting_err err = ting_g2p_read(m->lexicon, &(ting_g2p_options){0}, text.text, text.length, &m->line);
    for (int i = 0; err == TING_OK && i < m->line.count; i++) {
        m->syllables[i] = m->line.items[i].id;
        if (m->line.items[i].id == TING_PINYIN_NONE)
            *count = 0;
    }
    return err;
}

static ting_err add_source(struct maker *m, const struct source *s)
{
    ting_err err = TING_OK;
    char *path = ting_path_under(m->base, s->file);
    ting_lines lines = {0};
    const char *line;
    size_t length;
    long first = 0, last = LONG_MAX, total = 0, taken = 0, skipped = 0;
    const bool headed = s->format == FORMAT_PAIRS && s->text_column == 0;
    int columns[2] = {1, 0}; /* pinyin, text */
    if (s->text_column > 0) {
        columns[0] = s->pinyin_column - 1;
        columns[1] = s->text_column - 1;
    }
    if (path == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (s->drop_last > 0 || s->only_last > 0) {
        TRY(count_lines(path, &total));
        first = s->only_last > 0 ? total - s->only_last : 0;
        last = s->drop_last > 0 ? total - s->drop_last : total;
    }
    TRY(ting_lines_open(path, &lines));
    ting_p2h_builder_source(m->builder, s->name, s->licence, s->measure ? TING_P2H_MEASURE : TING_P2H_TRAIN);
    while (ting_lines_next(&lines, &line, &length)) {
        int count;
        if (headed && lines.number == 1) {
            ting_tsv header;
            ting_tsv_cut((ting_view){line, length}, &header);
            columns[0] = ting_tsv_find(&header, "pinyin");
            columns[1] = ting_tsv_find(&header, "text");
            if (columns[0] < 0 || columns[1] < 0)
                FAIL(TING_ERR_FORMAT, "%s: the header line has no columns \"pinyin\" and \"text\"", path);
            continue;
        }
        if (lines.number <= first || lines.number > last ||
            (s->leave_every > 0 && lines.number % s->leave_every == 0))
            continue;
        TRY(read_line(m, s, columns, (ting_view){line, length}, &count));
        skipped += count == 0;
        taken += count > 0;
        if (count == 0)
            continue;
        if (s->measure)
            ting_p2h_builder_exclude(m->builder, count, m->text);
        for (int i = 0; s->format == FORMAT_PHRASES && i < count; i++)
            ting_p2h_builder_reading(m->builder, m->text[i], m->syllables[i]);
        ting_p2h_builder_line(m->builder, count, m->text, m->syllables, s->format == FORMAT_PAIRS);
    }
    TRY(lines.err);
    ting_log_write(m->log, TING_LOG_INFO, "%s: %ld lines taken, %ld skipped", s->name, taken, skipped);
out:
    ting_lines_close(&lines);
    ting_free(path);
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
        struct source source;
        if (item->kind != TING_YAML_MAP)
            FAIL(TING_ERR_FORMAT, "%s:%d: a source is a group of \"key: value\" lines", item->path, item->line);
        TRY(read_source(item, &source));
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
        TRY(read_exclusions(m, item));
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
