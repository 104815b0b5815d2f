/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - libyaml's events to the tree of yaml.h, and the typed getters. */
#include "base/yaml.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 16 };

typedef struct builder {
    ting_arena *arena;
    const char *path;
    ting_yaml *open[DEPTH_MAX];
    ting_yaml *last[DEPTH_MAX]; /* the youngest child of open[i] */
    const char *key;            /* read, its value not yet */
    int key_line;
    int depth;
    ting_yaml *root;
} builder;

static const char *keep_text(builder *b, const char *text, size_t length)
{
    char *copy = ting_arena_take(b->arena, length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static ting_err add_node(builder *b, ting_yaml_kind kind, int line, const char *text, size_t length)
{
    ting_err err = TING_OK;
    ting_yaml *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    if (kind == TING_YAML_SCALAR && parent != NULL && parent->kind == TING_YAML_MAP && b->key == NULL) {
        for (const ting_yaml *other = parent->first; other != NULL; other = other->next)
            if (strlen(other->key) == length && memcmp(other->key, text, length) == 0)
                FAIL(TING_ERR_FORMAT, "%s:%d: the key \"%s\" stands here a second time, first on line %d", b->path,
                     line, other->key, other->line);
        b->key = keep_text(b, text, length);
        b->key_line = line;
        return b->key != NULL ? TING_OK : TING_ERR_MEMORY;
    }
    if (parent != NULL && parent->kind == TING_YAML_MAP && b->key == NULL)
        FAIL(TING_ERR_FORMAT, "%s:%d: a key must be a word", b->path, line);
    ting_yaml *node = ting_arena_take_zeroed(b->arena, 1, sizeof *node);
    if (node == NULL)
        return TING_ERR_MEMORY;
    node->kind = kind;
    node->line = b->key != NULL ? b->key_line : line;
    node->path = b->path;
    node->key = b->key;
    b->key = NULL;
    if (kind == TING_YAML_SCALAR && (node->text = keep_text(b, text, length)) == NULL)
        return TING_ERR_MEMORY;
    if (parent == NULL)
        b->root = node;
    else if (parent->first == NULL)
        parent->first = node;
    else
        b->last[b->depth - 1]->next = node;
    if (parent != NULL)
        b->last[b->depth - 1] = node;
    if (kind != TING_YAML_SCALAR) {
        if (b->depth == DEPTH_MAX)
            FAIL(TING_ERR_FORMAT, "%s:%d: nested deeper than %d levels", b->path, line, (int)DEPTH_MAX);
        b->open[b->depth++] = node;
    }
out:
    return err;
}

/* "&name" or "!tag" before a value of any kind. */
static bool is_marked(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    default: return false;
    }
}

static ting_err take_event(builder *b, const yaml_event_t *event)
{
    int line = (int)event->start_mark.line + 1;
    if (is_marked(event))
        return ting_fail(TING_ERR_FORMAT, "%s:%d: anchors and tags are not understood here: write the value itself",
                         b->path, line);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_node(b, TING_YAML_SCALAR, line, (const char *)event->data.scalar.value,
                        event->data.scalar.length);
    case YAML_MAPPING_START_EVENT:
        return add_node(b, TING_YAML_MAP, line, NULL, 0);
    case YAML_SEQUENCE_START_EVENT:
        return add_node(b, TING_YAML_LIST, line, NULL, 0);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return TING_OK;
    case YAML_ALIAS_EVENT:
        return ting_fail(TING_ERR_FORMAT, "%s:%d: aliases are not understood here", b->path, line);
    case YAML_DOCUMENT_START_EVENT:
        if (b->root != NULL)
            return ting_fail(TING_ERR_FORMAT, "%s:%d: a second document", b->path, line);
        return TING_OK;
    default:
        return TING_OK;
    }
}

/* A text whose top is a map, into the arena. */
static ting_err parse_into(ting_arena *arena, const char *label, const void *bytes, size_t count, ting_yaml **root)
{
    ting_err err = TING_OK;
    yaml_parser_t parser;
    builder b = {.arena = arena};
    if (!yaml_parser_initialize(&parser))
        return ting_fail(TING_ERR_MEMORY, "%s: no memory for the YAML parser", label);
    yaml_parser_set_input_string(&parser, bytes, count);
    if ((b.path = keep_text(&b, label, strlen(label))) == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event))
            FAIL(TING_ERR_FORMAT, "%s:%zu: %s", label, parser.problem_mark.line + 1,
                 parser.problem != NULL ? parser.problem : "not YAML");
        more = event.type != YAML_STREAM_END_EVENT;
        err = take_event(&b, &event);
        yaml_event_delete(&event);
        if (err != TING_OK)
            goto out;
    }
    if (b.root == NULL || b.root->kind != TING_YAML_MAP)
        FAIL(TING_ERR_FORMAT, "%s: expected \"key: value\" lines", label);
    *root = b.root;
out:
    yaml_parser_delete(&parser);
    return err;
}

ting_err ting_yaml_parse(const char *label, const void *bytes, size_t count, ting_yaml_doc *out)
{
    *out = (ting_yaml_doc){.arena = ting_arena_new(1 << 14)};
    ting_err err = out->arena != NULL ? parse_into(out->arena, label, bytes, count, &out->root) : TING_ERR_MEMORY;
    if (err != TING_OK)
        ting_yaml_free(out);
    return err;
}

ting_err ting_yaml_load(const char *path, ting_yaml_doc *out)
{
    ting_file file = {0};
    *out = (ting_yaml_doc){0};
    ting_err err = ting_file_map(path, &file);
    if (err == TING_OK)
        err = ting_yaml_parse(path, file.data != NULL ? file.data : (const unsigned char *)"", file.size, out);
    ting_file_unmap(&file);
    return err;
}

void ting_yaml_free(ting_yaml_doc *doc)
{
    ting_arena_free(doc->arena);
    *doc = (ting_yaml_doc){0};
}

/* ---- a value from outside ---- */

/* The child that a part of a path names. A map that lacks it gets an empty group. */
static ting_err step_down(ting_arena *arena, ting_yaml *parent, const char *part, size_t length, const char *label,
                          ting_yaml **out)
{
    ting_err err = TING_OK;
    size_t index = 0;
    ting_yaml **link = &parent->first;
    if (parent->kind == TING_YAML_SCALAR)
        FAIL(TING_ERR_ARGUMENT, "%s: \"%s\" is one value, nothing stands in it", label,
             parent->key != NULL ? parent->key : parent->text);
    for (; *link != NULL; link = &(*link)->next, index++) {
        char number[24];
        const char *name = parent->kind == TING_YAML_MAP ? (*link)->key : number;
        snprintf(number, sizeof number, "%zu", index);
        if (strlen(name) == length && memcmp(name, part, length) == 0) {
            *out = *link;
            return TING_OK;
        }
    }
    if (parent->kind == TING_YAML_LIST)
        FAIL(TING_ERR_ARGUMENT, "%s: the list has no item %.*s; they count from 0", label, (int)length, part);
    *out = *link = ting_arena_take_zeroed(arena, 1, sizeof **link);
    char *key = *out != NULL ? ting_arena_take_zeroed(arena, length + 1, 1) : NULL;
    if (key == NULL)
        return TING_ERR_MEMORY;
    memcpy(key, part, length);
    **out = (ting_yaml){.kind = TING_YAML_MAP, .line = 1, .key = key, .path = label};
out:
    return err;
}

/* "a.b=[1, 2]" as the document {value: [1, 2]}. */
static ting_err read_value(ting_arena *arena, const char *assignment, const char *text, ting_yaml **out)
{
    ting_err err = TING_OK;
    const size_t length = strlen(text);
    char *line = ting_arena_take_zeroed(arena, length + 8, 1);
    if (line == NULL)
        return TING_ERR_MEMORY;
    memcpy(line, "value: ", 7);
    memcpy(line + 7, text, length);
    TRY(parse_into(arena, assignment, line, length + 7, out));
    *out = (*out)->first;
    if (*out == NULL || (*out)->next != NULL)
        FAIL(TING_ERR_FORMAT, "%s: expected one value", assignment);
out:
    return err;
}

ting_err ting_yaml_set(ting_yaml_doc *doc, const char *assignment)
{
    ting_err err = TING_OK;
    ting_yaml *node = doc->root, *value;
    const size_t end = strcspn(assignment, "=");
    if (assignment[end] == '\0' || strpbrk(assignment, "\r\n") != NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: expected a key, \"=\" and a value on one line", assignment);
    TRY(read_value(doc->arena, assignment, assignment + end + 1, &value));
    int depth = 0;
    for (size_t at = 0, length; at <= end; at += length + 1) {
        length = strcspn(assignment + at, ".=");
        if (length == 0 || ++depth == DEPTH_MAX)
            FAIL(TING_ERR_ARGUMENT, "%s: expected 1 to %d keys with dots between before the \"=\"", assignment,
                 DEPTH_MAX - 1);
        TRY(step_down(doc->arena, node, assignment + at, length, value->path, &node));
    }
    *node = (ting_yaml){.kind = value->kind,
                        .line = 1,
                        .key = node->key,
                        .text = value->text,
                        .first = value->first,
                        .next = node->next,
                        .path = value->path};
out:
    return err;
}

ting_yaml *ting_yaml_find(ting_yaml *map, const char *key)
{
    for (ting_yaml *child = map->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0) {
            child->read = true;
            return child;
        }
    return NULL;
}

static ting_err find_scalar(ting_yaml *map, const char *key, ting_yaml **out)
{
    *out = ting_yaml_find(map, key);
    if (*out != NULL && (*out)->kind != TING_YAML_SCALAR)
        return ting_fail(TING_ERR_FORMAT, "%s:%d: \"%s\" must be one value", (*out)->path, (*out)->line, key);
    return TING_OK;
}

ting_err ting_yaml_int(ting_yaml *map, const char *key, long low, long high, int *out)
{
    ting_err err = TING_OK;
    ting_yaml *node;
    TRY(find_scalar(map, key, &node));
    if (node == NULL)
        return TING_OK;
    char *end;
    errno = 0;
    long value = strtol(node->text, &end, 10);
    if (end == node->text || *end != '\0' || errno != 0 || value < low || value > high)
        FAIL(TING_ERR_FORMAT, "%s:%d: \"%s\" is \"%s\", expected a whole number from %ld to %ld", node->path,
             node->line, key, node->text, low, high);
    *out = (int)value;
out:
    return err;
}

static ting_err read_real(const ting_yaml *node, const char *key, double low, double high, double *out)
{
    char *end;
    double value = ting_number_read(node->text, &end);
    if (end == node->text || *end != '\0' || !isfinite(value) || value < low || value > high)
        return ting_fail(TING_ERR_FORMAT, "%s:%d: \"%s\" is \"%s\", expected a number from %g to %g", node->path,
                         node->line, key, node->text, low, high);
    *out = value;
    return TING_OK;
}

ting_err ting_yaml_real(ting_yaml *map, const char *key, double low, double high, double *out)
{
    ting_yaml *node;
    ting_err err = find_scalar(map, key, &node);
    return err == TING_OK && node != NULL ? read_real(node, key, low, high, out) : err;
}

ting_err ting_yaml_real_into(ting_yaml *map, const char *key, double low, double high, ting_real *out)
{
    double value = (double)*out;
    const ting_err err = ting_yaml_real(map, key, low, high, &value);
    *out = (ting_real)value;
    return err;
}

ting_err ting_yaml_reals(ting_yaml *map, const char *key, double low, double high, int most, double *out, int *count)
{
    ting_err err = TING_OK;
    int got = 0;
    ting_yaml *node = ting_yaml_find(map, key);
    if (node == NULL)
        return TING_OK;
    if (node->kind == TING_YAML_SCALAR) {
        *count = 1;
        return read_real(node, key, low, high, out);
    }
    for (const ting_yaml *item = node->first; item != NULL; item = item->next) {
        if (node->kind != TING_YAML_LIST || item->kind != TING_YAML_SCALAR || got == most)
            FAIL(TING_ERR_FORMAT, "%s:%d: \"%s\" must be a number or a list of at most %d", item->path, item->line, key,
                 most);
        TRY(read_real(item, key, low, high, &out[got++]));
    }
    if (got == 0)
        FAIL(TING_ERR_FORMAT, "%s:%d: \"%s\" is empty, expected a number or a list of at most %d", node->path,
             node->line, key, most);
    *count = got;
out:
    return err;
}

ting_err ting_yaml_bool(ting_yaml *map, const char *key, bool *out)
{
    int index = *out ? 1 : 0;
    ting_err err = ting_yaml_word(map, key, 2, (const char *const[]){"false", "true"}, &index);
    *out = index == 1;
    return err;
}

ting_err ting_yaml_text(ting_yaml *map, const char *key, const char **out)
{
    ting_yaml *node;
    ting_err err = find_scalar(map, key, &node);
    if (err == TING_OK && node != NULL)
        *out = node->text;
    return err;
}

ting_err ting_yaml_word(ting_yaml *map, const char *key, int count, const char *const *words, int *out)
{
    ting_err err = TING_OK;
    ting_yaml *node;
    TRY(find_scalar(map, key, &node));
    if (node == NULL)
        return TING_OK;
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], node->text) == 0) {
            *out = i;
            return TING_OK;
        }
    char list[256] = "";
    for (int i = 0; i < count; i++)
        if (strlen(list) + strlen(words[i]) + 3 < sizeof list) {
            strcat(list, i > 0 ? ", " : "");
            strcat(list, words[i]);
        }
    FAIL(TING_ERR_FORMAT, "%s:%d: \"%s\" is \"%s\", expected one of: %s", node->path, node->line, key, node->text,
         list);
out:
    return err;
}

ting_err ting_yaml_child(ting_yaml *map, const char *key, ting_yaml_kind kind, ting_yaml **out)
{
    *out = ting_yaml_find(map, key);
    if (*out != NULL && (*out)->kind != kind)
        return ting_fail(TING_ERR_FORMAT, "%s:%d: \"%s\" must be a %s", (*out)->path, (*out)->line, key,
                         kind == TING_YAML_MAP ? "group of \"key: value\" lines" : "list");
    return TING_OK;
}

static uint64_t of_text(const char *text)
{
    return text != NULL ? ting_fingerprint(text, strlen(text)) : 0;
}

uint64_t ting_yaml_fingerprint(const ting_yaml *node)
{
    const uint64_t own[] = {(uint64_t)node->kind, of_text(node->key), of_text(node->text)};
    uint64_t hash = ting_fingerprint(own, sizeof own);
    for (const ting_yaml *child = node->first; child != NULL; child = child->next) {
        const uint64_t parts[] = {hash, ting_yaml_fingerprint(child)};
        hash = ting_fingerprint(parts, sizeof parts);
    }
    return hash;
}

ting_err ting_yaml_done(const ting_yaml *map)
{
    for (const ting_yaml *child = map->first; child != NULL; child = child->next)
        if (!child->read)
            return ting_fail(TING_ERR_FORMAT, "%s:%d: the key \"%s\" is not known here", child->path, child->line,
                             child->key);
    return TING_OK;
}
