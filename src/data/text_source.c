/* SPDX-License-Identifier: Apache-2.0 */
/* text_source.c - see text_source.h. */
#include "data/text_source.h"

#include "base/file.h"
#include "base/mem.h"

#include <limits.h>

ting_err ting_text_source_read(ting_yaml *item, ting_text_source *s)
{
    static const char *const formats[] = {"text", "pairs", "words", "phrases"}; /* in the order of ting_text_format */
    ting_err err = TING_OK;
    int format = 0;
    *s = (ting_text_source){.licence = ""};
    TRY(ting_yaml_text(item, "name", &s->name));
    TRY(ting_yaml_text(item, "file", &s->file));
    TRY(ting_yaml_text(item, "licence", &s->licence));
    TRY(ting_yaml_word(item, "format", 4, formats, &format));
    s->format = (ting_text_format)format;
    TRY(ting_yaml_int(item, "leave_every", 2, INT_MAX, &s->leave_every));
    TRY(ting_yaml_int(item, "only_every", 2, INT_MAX, &s->only_every));
    TRY(ting_yaml_int(item, "drop_last", 1, INT_MAX, &s->drop_last));
    TRY(ting_yaml_int(item, "only_last", 1, INT_MAX, &s->only_last));
    TRY(ting_yaml_int(item, "pinyin_column", 1, TING_TSV_MOST, &s->pinyin_column));
    TRY(ting_yaml_int(item, "text_column", 1, TING_TSV_MOST, &s->text_column));
    TRY(ting_yaml_bool(item, "measure", &s->measure));
    TRY(ting_yaml_done(item));
    if (s->name == NULL || s->file == NULL)
        FAIL(TING_ERR_FORMAT, "%s:%d: a source needs \"name\" and \"file\"", item->path, item->line);
    if ((s->pinyin_column > 0) != (s->text_column > 0) || (s->text_column > 0 && s->format != TING_TEXT_PAIRS))
        FAIL(TING_ERR_FORMAT, "%s:%d: \"pinyin_column\" and \"text_column\" go together, with pairs that have no header line",
             item->path, item->line);
out:
    return err;
}

ting_err ting_text_sources_apart(ting_yaml *list, const char *base, const char *output)
{
    ting_err err = TING_OK;
    char *path = NULL;
    for (ting_yaml *item = list != NULL ? list->first : NULL; item != NULL; item = item->next) {
        const char *file = NULL;
        if (item->kind == TING_YAML_MAP)
            TRY(ting_yaml_text(item, "file", &file));
        if (file == NULL)
            continue; /* said where it is read in earnest */
        ting_free(path);
        path = ting_path_under(base, file);
        TRY(path != NULL ? ting_file_apart(path, output) : TING_ERR_MEMORY);
    }
out:
    ting_free(path);
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

static ting_err read_header(ting_text_reader *r)
{
    ting_err err = TING_OK;
    ting_tsv header;
    const char *line;
    size_t length;
    if (!ting_lines_next(&r->lines, &line, &length))
        return r->lines.err;
    ting_tsv_cut((ting_view){line, length}, &header);
    r->columns[0] = ting_tsv_find(&header, "pinyin");
    r->columns[1] = ting_tsv_find(&header, "text");
    if (r->columns[0] < 0 || r->columns[1] < 0)
        FAIL(TING_ERR_FORMAT, "%s: the header line has no columns \"pinyin\" and \"text\"", r->path);
out:
    return err;
}

ting_err ting_text_reader_open(const ting_text_source *s, const char *base, ting_text_reader *r)
{
    ting_err err = TING_OK;
    long total;
    *r = (ting_text_reader){.source = s, .path = ting_path_under(base, s->file), .last = LONG_MAX, .columns = {1, 0}};
    if (r->path == NULL)
        return TING_ERR_MEMORY;
    if (s->text_column > 0) {
        r->columns[0] = s->pinyin_column - 1;
        r->columns[1] = s->text_column - 1;
    }
    if (s->drop_last > 0 || s->only_last > 0) {
        TRY(count_lines(r->path, &total));
        r->first = s->only_last > 0 ? total - s->only_last : 0;
        r->last = s->drop_last > 0 ? total - s->drop_last : total;
    }
    TRY(ting_lines_open(r->path, &r->lines));
    if (s->format == TING_TEXT_PAIRS && s->text_column == 0)
        TRY(read_header(r));
out:
    return err;
}

static bool is_taken(const ting_text_reader *r, long number)
{
    const ting_text_source *s = r->source;
    return number > r->first && number <= r->last && (s->leave_every == 0 || number % s->leave_every != 0) &&
           (s->only_every == 0 || number % s->only_every == 0);
}

ting_err ting_text_reader_next(ting_text_reader *r, ting_text_line *out, bool *more)
{
    const char *line;
    size_t length;
    *more = false;
    while (ting_lines_next(&r->lines, &line, &length)) {
        ting_tsv fields;
        if (!is_taken(r, r->lines.number))
            continue;
        const ting_err err = ting_lines_check(&r->lines, line, length);
        if (err != TING_OK)
            return err;
        *more = true;
        *out = (ting_text_line){.text = {line, length}};
        if (r->source->format == TING_TEXT_PLAIN)
            return TING_OK;
        ting_tsv_cut((ting_view){line, length}, &fields);
        out->text = ting_tsv_at(&fields, r->columns[1]);
        if (r->source->format != TING_TEXT_WORDS)
            out->pinyin = ting_tsv_at(&fields, r->columns[0]);
        return TING_OK;
    }
    return r->lines.err;
}

void ting_text_reader_close(ting_text_reader *r)
{
    ting_lines_close(&r->lines);
    ting_free(r->path);
    r->path = NULL;
}

ting_err ting_text_exclusions(ting_yaml *item, const char *base, bool (*each)(void *self, ting_view text), void *self)
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
    path = ting_path_under(base, file);
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
        const ting_view text = ting_tsv_at(&fields, text_column);
        if (where != NULL && !ting_view_is(ting_tsv_at(&fields, where_column), is))
            continue;
        TRY(ting_lines_check(&lines, text.text, text.length));
        usable += each(self, text);
    }
    TRY(lines.err);
    if (usable == 0)
        FAIL(TING_ERR_FORMAT, "%s: no text to exclude was found in it (column \"%s\"): nothing would be held out", path, name);
out:
    ting_lines_close(&lines);
    ting_free(path);
    return err;
}
