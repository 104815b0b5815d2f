/* SPDX-License-Identifier: Apache-2.0 */
/* transcript.c - see transcript.h. */
#include "text/transcript.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

enum { MOST_UTTERANCES = 1 << 28 };

typedef struct names { /* open hash of names to the first utterance that has it */
    int *slots;        /* [room] index + 1, 0: free */
    size_t room;       /* power of two, at least twice the utterances */
} names;

typedef enum key { KEY_ID, KEY_PATH, KEY_STEM, KEY_COUNT } key;

struct ting_transcript {
    ting_utterance *items;
    int *next_stem; /* [count] the next utterance with the same stem, or -1 */
    int count;
    size_t room;
    names names[KEY_COUNT];
};

/* ---- views ---- */

static bool same(ting_view a, ting_view b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

ting_view ting_view_stem(ting_view path)
{
    enum { LONGEST_EXTENSION = 5 };
    for (size_t i = path.length; i > 0; i--)
        if (path.text[i - 1] == '/') {
            path = (ting_view){path.text + i, path.length - i};
            break;
        }
    for (size_t i = path.length; i > 1 && path.length - i <= LONGEST_EXTENSION; i--) {
        char c = path.text[i - 1];
        if (c == '.' && i < path.length)
            return (ting_view){path.text, i - 1};
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            break;
    }
    return path;
}

/* True when b is the end of a, beginning at a folder's border. */
static bool ends_with_path(ting_view a, ting_view b)
{
    if (b.length > a.length || b.length == 0 || memcmp(a.text + a.length - b.length, b.text, b.length) != 0)
        return false;
    return a.length == b.length || a.text[a.length - b.length - 1] == '/';
}

/* ---- names ---- */

static ting_view key_of(const ting_utterance *u, key k)
{
    return k == KEY_ID ? u->id : k == KEY_PATH ? u->path : ting_view_stem(u->path.length > 0 ? u->path : u->id);
}

static size_t place_of(const ting_transcript *t, key k, ting_view name)
{
    const names *table = &t->names[k];
    size_t at = (size_t)ting_hash_bytes(name.text, name.length) & (table->room - 1);
    while (table->slots[at] != 0 && !same(key_of(&t->items[table->slots[at] - 1], k), name))
        at = (at + 1) & (table->room - 1);
    return at;
}

static ting_err index_names(ting_transcript *t)
{
    size_t room = 16;
    while (room < 2 * (size_t)t->count + 2)
        room *= 2;
    t->next_stem = ting_alloc((size_t)t->count, sizeof *t->next_stem);
    if (t->next_stem == NULL)
        return TING_ERR_MEMORY;
    for (int k = 0; k < KEY_COUNT; k++) {
        t->names[k] = (names){ting_alloc(room, sizeof(int)), room};
        if (t->names[k].slots == NULL)
            return TING_ERR_MEMORY;
    }
    for (int i = t->count - 1; i >= 0; i--) { /* backwards: the first of several stays, the chain is in order */
        for (int k = 0; k < KEY_COUNT; k++) {
            int *slot = &t->names[k].slots[place_of(t, (key)k, key_of(&t->items[i], (key)k))];
            if (k == KEY_STEM)
                t->next_stem[i] = *slot - 1;
            *slot = i + 1;
        }
    }
    return TING_OK;
}

int ting_transcript_find(const ting_transcript *t, ting_view id)
{
    if (id.length == 0)
        return TING_MATCH_NONE;
    for (int k = KEY_ID; k <= KEY_PATH; k++) {
        int slot = t->names[k].slots[place_of(t, (key)k, id)];
        if (slot != 0)
            return slot - 1;
    }
    int first = t->names[KEY_STEM].slots[place_of(t, KEY_STEM, ting_view_stem(id))] - 1;
    if (first < 0 || t->next_stem[first] < 0)
        return first < 0 ? TING_MATCH_NONE : first;
    int found = TING_MATCH_AMBIGUOUS;
    for (int i = first; i >= 0; i = t->next_stem[i]) {
        ting_view path = t->items[i].path.length > 0 ? t->items[i].path : t->items[i].id;
        if (!ends_with_path(id, path) && !ends_with_path(path, id))
            continue;
        if (found != TING_MATCH_AMBIGUOUS)
            return TING_MATCH_AMBIGUOUS;
        found = i;
    }
    return found;
}

/* ---- reading ---- */

typedef struct columns {
    bool manifest, tabs;
    int id, path, text, pinyin, confidence; /* -1: none */
} columns;

typedef struct lines { /* walks over a text line by line */
    ting_view rest;
    long number;
} lines;

static bool next_line(lines *in, ting_view *line)
{
    while (in->rest.length > 0) {
        const char *newline = memchr(in->rest.text, '\n', in->rest.length);
        size_t length = newline == NULL ? in->rest.length : (size_t)(newline - in->rest.text);
        size_t used = newline == NULL ? length : length + 1;
        *line = (ting_view){in->rest.text, length};
        in->rest = (ting_view){in->rest.text + used, in->rest.length - used};
        in->number++;
        while (line->length > 0 && line->text[line->length - 1] == '\r')
            line->length--;
        if (ting_view_trim(*line).length > 0)
            return true;
    }
    return false;
}

static ting_err find_columns(const char *name, ting_view first, const char *column, columns *out)
{
    ting_err err = TING_OK;
    ting_tsv header;
    ting_tsv_cut(first, &header);
    *out = (columns){.id = ting_tsv_find(&header, "id"), .path = ting_tsv_find(&header, "path"),
                     .text = ting_tsv_find(&header, column != NULL ? column : "text"),
                     .pinyin = ting_tsv_find(&header, "pinyin"),
                     .confidence = ting_tsv_find(&header, "confidence")};
    bool named = out->id >= 0 || out->path >= 0;
    out->manifest = header.count > 1 && named &&
                    (out->text >= 0 || out->pinyin >= 0 || ting_tsv_find(&header, "text") >= 0);
    if (column != NULL && (!out->manifest || out->text < 0))
        FAIL(TING_ERR_ARGUMENT, "%s: no column \"%s\"; its first line is \"%.*s\"", name, column,
             (int)(first.length > 200 ? 200 : first.length), first.text);
    if (!out->manifest)
        return TING_OK;
    if (out->text < 0)
        out->text = out->pinyin;
    if (out->id < 0)
        out->id = out->path;
out:
    return err;
}

static ting_utterance read_utterance(const columns *c, ting_view line)
{
    ting_utterance u = {.id = {"", 0}, .path = {"", 0}, .text = {"", 0}, .pinyin = {"", 0}, .confidences = {"", 0}};
    ting_tsv fields;
    if (c->manifest) {
        ting_tsv_cut(line, &fields);
        u.id = ting_tsv_at(&fields, c->id);
        u.path = ting_tsv_at(&fields, c->path);
        u.text = ting_tsv_at(&fields, c->text);
        u.pinyin = ting_tsv_at(&fields, c->pinyin);
        u.confidences = ting_tsv_at(&fields, c->confidence);
    } else if (c->tabs) {
        ting_tsv_cut(line, &fields);
        u.id = ting_tsv_at(&fields, 0);
        u.text = ting_tsv_at(&fields, 1);
        u.confidences = ting_tsv_at(&fields, 2);
    } else {
        line = ting_view_trim(line);
        size_t end = 0;
        while (end < line.length && !ting_is_space(line.text[end]))
            end++;
        u.id = (ting_view){line.text, end};
        u.text = ting_view_trim((ting_view){line.text + end, line.length - end});
    }
    if (u.id.length == 0)
        u.id = u.path;
    return u;
}

static ting_err add_utterance(const char *name, ting_transcript *t, ting_utterance u)
{
    ting_err err = TING_OK;
    if (u.id.length == 0)
        FAIL(TING_ERR_FORMAT, "%s:%ld: no id at the beginning of the line", name, u.line);
    if (t->count == MOST_UTTERANCES)
        FAIL(TING_ERR_FORMAT, "%s: more than %d utterances", name, MOST_UTTERANCES);
    TRY(ting_reserve(&t->items, (size_t)t->count, 1, &t->room, sizeof *t->items));
    t->items[t->count++] = u;
out:
    return err;
}

ting_err ting_transcript_read(const char *name, const char *bytes, size_t size, const char *column,
                              ting_transcript **out)
{
    ting_err err = TING_OK;
    ting_transcript *t = NULL;
    const size_t mark = ting_utf8_mark(bytes, size);
    lines in = {.rest = {bytes + mark, size - mark}};
    ting_view line;
    columns c;
    *out = NULL;
    lines again = in;
    if (!next_line(&in, &line))
        FAIL(TING_ERR_FORMAT, "%s: empty, expected one utterance a line: id and text", name);
    TRY(find_columns(name, line, column, &c));
    c.tabs = size > 0 && memchr(bytes, '\t', size) != NULL;
    if (!c.manifest)
        in = again;
    t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    while (next_line(&in, &line)) {
        ting_utterance u = read_utterance(&c, line);
        u.line = in.number;
        TRY(add_utterance(name, t, u));
    }
    TRY(index_names(t));
    *out = t;
    t = NULL;
out:
    ting_transcript_free(t);
    return err;
}

void ting_transcript_free(ting_transcript *t)
{
    if (t == NULL)
        return;
    for (int k = 0; k < KEY_COUNT; k++)
        ting_free(t->names[k].slots);
    ting_free(t->next_stem);
    ting_free(t->items);
    ting_free(t);
}

int ting_transcript_count(const ting_transcript *t)
{
    return t->count;
}

const ting_utterance *ting_transcript_at(const ting_transcript *t, int index)
{
    return &t->items[index];
}
