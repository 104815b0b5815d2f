/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_lines.c - the lines of a table, a list or a file of JSON objects to clips; see manifest.h. */
#include "data/manifest_parts.h"

#include "base/number.h"
#include "data/lines.h"

#include <jansson.h>
#include <string.h>

/* ---- tables ---- */

typedef struct columns {
    bool named;                  /* the first line names them */
    int field[TING_CLIP_FIELDS]; /* -1: not there */
    int only[TING_MOST_CHOICES];
} columns;

static ting_err find_columns(const ting_manifest_reader *r, ting_view line, columns *out)
{
    ting_err err = TING_OK;
    ting_tsv header;
    ting_tsv_cut(line, &header);
    for (int f = 0; f < TING_CLIP_FIELDS; f++) {
        out->field[f] = -1;
        for (int n = 0; n < TING_CLIP_NAMES && ting_clip_names[f][n] != NULL && out->field[f] < 0; n++)
            out->field[f] = ting_tsv_find(&header, ting_clip_names[f][n]);
    }
    out->named = out->field[TING_CLIP_PATH] >= 0;
    if (!out->named && out->field[TING_CLIP_ID] >= 0 && out->field[TING_CLIP_TEXT] >= 0)
        FAIL(TING_ERR_FORMAT, "%s: the first line names no column \"path\"; it is \"%.*s\"", r->name,
             (int)(line.length < 200 ? line.length : 200), line.text);
    for (int i = 0; i < r->choices; i++) {
        out->only[i] = out->named ? ting_tsv_find(&header, r->column[i]) : -1;
        if (out->only[i] < 0)
            FAIL(TING_ERR_ARGUMENT, "%s: no column \"%s\"; the first line is \"%.*s\"", r->name, r->column[i],
                 (int)(line.length < 200 ? line.length : 200), line.text);
    }
    if (!out->named) { /* a list */
        for (int f = 0; f < TING_CLIP_FIELDS; f++)
            out->field[f] = -1;
        out->field[TING_CLIP_PATH] = 0;
        out->field[TING_CLIP_TEXT] = 1;
    }
out:
    return err;
}

static ting_err read_row(ting_manifest_reader *r, const columns *c, ting_view line)
{
    ting_tsv row;
    ting_clip_views views;
    ting_tsv_cut(line, &row);
    for (int i = 0; i < r->choices; i++)
        if (!ting_view_is(ting_tsv_at(&row, c->only[i]), r->value[i]))
            return TING_OK;
    for (int f = 0; f < TING_CLIP_FIELDS; f++)
        views.fields[f] = ting_tsv_at(&row, c->field[f]);
    return ting_manifest_add(r, &views);
}

/* ---- JSON ---- */

enum { NUMBER_ROOM = 40 };

/* The value as text: a string itself, a number written into room. Empty where the key is not there, or null. */
static ting_err view_of(const ting_manifest_reader *r, const json_t *object, const char *key, char room[NUMBER_ROOM],
                        ting_view *out)
{
    ting_err err = TING_OK;
    const json_t *value = json_object_get(object, key);
    *out = (ting_view){"", 0};
    if (json_is_string(value)) {
        *out = ting_view_trim((ting_view){json_string_value(value), json_string_length(value)});
    } else if (json_is_number(value)) {
        int length = json_is_integer(value)
                         ? snprintf(room, NUMBER_ROOM, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                         : ting_number_print(room, NUMBER_ROOM, "%.17g", json_real_value(value));
        *out = (ting_view){room, (size_t)length};
    } else if (value != NULL && !json_is_null(value)) {
        FAIL(TING_ERR_FORMAT, "%s:%ld: \"%s\" is neither text nor a number", r->name, r->line, key);
    }
out:
    return err;
}

static ting_err read_keys(ting_manifest_reader *r, const json_t *object)
{
    ting_err err = TING_OK;
    char room[TING_CLIP_FIELDS][NUMBER_ROOM], other[NUMBER_ROOM];
    ting_clip_views views;
    ting_view chosen;
    if (!json_is_object(object))
        FAIL(TING_ERR_FORMAT, "%s:%ld: expected a JSON object", r->name, r->line);
    for (int i = 0; i < r->choices; i++) {
        TRY(view_of(r, object, r->column[i], other, &chosen));
        if (!ting_view_is(chosen, r->value[i]))
            return TING_OK;
    }
    for (int f = 0; f < TING_CLIP_FIELDS; f++) {
        views.fields[f] = (ting_view){"", 0};
        for (int n = 0; n < TING_CLIP_NAMES && ting_clip_names[f][n] != NULL && views.fields[f].length == 0; n++)
            TRY(view_of(r, object, ting_clip_names[f][n], room[f], &views.fields[f]));
    }
    TRY(ting_manifest_add(r, &views));
out:
    return err;
}

static ting_err read_object(ting_manifest_reader *r, ting_view line)
{
    ting_err err = TING_OK;
    json_error_t why;
    json_t *object = json_loadb(line.text, line.length, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL)
        FAIL(json_error_code(&why) == json_error_out_of_memory ? TING_ERR_MEMORY : TING_ERR_FORMAT,
             "%s:%ld: not JSON: %s (byte %d)", r->name, r->line, why.text, why.position);
    TRY(read_keys(r, object));
out:
    json_decref(object);
    return err;
}

/* ---- both ---- */

ting_err ting_manifest_read_lines(ting_manifest_reader *r)
{
    ting_err err = TING_OK;
    ting_lines lines;
    const char *text;
    size_t length;
    bool first = true, json = false;
    columns c = {0};
    TRY(ting_lines_open(r->name, &lines));
    while (ting_lines_next(&lines, &text, &length)) {
        const ting_view line = {text, length};
        r->line = lines.number;
        if (ting_view_trim(line).length == 0)
            continue;
        if (first) {
            json = ting_view_trim(line).text[0] == '{';
            TRY(json ? TING_OK : find_columns(r, line, &c));
            first = false;
            if (c.named)
                continue;
        }
        TRY(ting_manifest_settle(r, json ? read_object(r, line) : read_row(r, &c, line)));
    }
    err = lines.err;
out:
    ting_lines_close(&lines);
    return err;
}
