/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - small settings files: a YAML document as a tree whose nodes know their line.
 *
 * Maps, lists and scalars; anchors, aliases and tags are refused (a settings file that needs them is a
 * program). Every getter marks its key as read; ting_yaml_done then names the first key nobody asked
 * for, so a misspelt key is an error with its line, never silently ignored.
 *
 *     TRY(ting_yaml_load(path, &doc));
 *     TRY(ting_yaml_int(doc.root, "layers", 1, 64, &layers));      absent: keeps the default in `layers`
 *     TRY(ting_yaml_done(doc.root));
 */
#ifndef TING_BASE_YAML_H
#define TING_BASE_YAML_H

#include "base/arena.h"
#include "base/err.h"
#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ting_yaml_kind { TING_YAML_SCALAR, TING_YAML_LIST, TING_YAML_MAP } ting_yaml_kind;

typedef struct ting_yaml {
    ting_yaml_kind kind;
    int line;          /* from 1 */
    const char *key;   /* in a map; else NULL */
    const char *text;  /* scalar */
    struct ting_yaml *first, *next; /* children, siblings */
    const char *path;               /* of the file, or the assignment, for messages */
    bool read;
} ting_yaml;

typedef struct ting_yaml_doc {
    ting_yaml *root; /* a map */
    ting_arena *arena;
} ting_yaml_doc;

/* Reads a file whose top is a map. Free with ting_yaml_free. Errors: io; format, naming path and line. */
ting_err ting_yaml_load(const char *path, ting_yaml_doc *out);

/* The same from memory; `label` stands for the path. Copies. */
ting_err ting_yaml_parse(const char *label, const void *bytes, size_t count, ting_yaml_doc *out);
void ting_yaml_free(ting_yaml_doc *doc);

/* Gives one value to a document that was read: "train.steps=5", "model.dims=[32, 64]", "data.train.0.weight=2". The path
 * goes through keys and, in lists, the numbers of items that are there; groups on its way are made; the value is YAML on
 * one line, also a list or a group. Whether such a key is known is seen as always, by ting_yaml_done, whose message then
 * names the assignment. Copies. Errors: argument (no "=", no such item, a value in the way); format (the value);
 * memory. */
ting_err ting_yaml_set(ting_yaml_doc *doc, const char *assignment);

/* The child with this key, marked as read; NULL when absent. */
ting_yaml *ting_yaml_find(ting_yaml *map, const char *key);

/* Getters leave *out alone when the key is absent. Errors: format (wrong type, out of range, twice). Text
 * borrows from the document. */
ting_err ting_yaml_int(ting_yaml *map, const char *key, long low, long high, int *out);
ting_err ting_yaml_real(ting_yaml *map, const char *key, double low, double high, double *out);
ting_err ting_yaml_real_into(ting_yaml *map, const char *key, double low, double high, ting_real *out);

/* A list of 1 to `most` numbers, or one without brackets. After an error out[] is not to be used. */
ting_err ting_yaml_reals(ting_yaml *map, const char *key, double low, double high, int most, double *out, int *count);

ting_err ting_yaml_bool(ting_yaml *map, const char *key, bool *out);
ting_err ting_yaml_text(ting_yaml *map, const char *key, const char **out);

/* One of `count` words; *out gets its index. */
ting_err ting_yaml_word(ting_yaml *map, const char *key, int count, const char *const *words, int *out);

/* The child must be a map (or list) when it is there; *out is NULL when it is not. */
ting_err ting_yaml_child(ting_yaml *map, const char *key, ting_yaml_kind kind, ting_yaml **out);

/* Of a node and all below it, keys and texts in their order: the same for documents that say the same (base/hash.h). */
uint64_t ting_yaml_fingerprint(const ting_yaml *node);

/* Fails on the first key of the map that no getter asked for. */
ting_err ting_yaml_done(const ting_yaml *map);

#endif
