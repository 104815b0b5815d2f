/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.c - see yaml_text.h. */
#include "base/yaml_text.h"

#include <stdio.h>
#include <string.h>

void ting_yaml_print(const ting_yaml *node, ting_str *out)
{
    if (node->kind == TING_YAML_SCALAR) {
        ting_str_add_json(out, node->text);
        return;
    }
    ting_str_add(out, node->kind == TING_YAML_MAP ? "{" : "[");
    for (const ting_yaml *child = node->first; child != NULL; child = child->next) {
        if (child->key != NULL) {
            ting_str_add_json(out, child->key);
            ting_str_add(out, ":");
        }
        ting_yaml_print(child, out);
        ting_str_add(out, child->next != NULL ? "," : "");
    }
    ting_str_add(out, node->kind == TING_YAML_MAP ? "}" : "]");
}

enum { PATH = 512 }; /* a longer path is cut, in a remark only */

typedef struct comparison {
    void (*differs)(void *self, const char *key, const char *before, const char *after);
    void *self;
    char path[PATH];
} comparison;

static const ting_yaml *child_of(const ting_yaml *parent, const char *key, int index)
{
    const ting_yaml *child = parent != NULL ? parent->first : NULL;
    for (; child != NULL; child = child->next, index--)
        if (key != NULL ? child->key != NULL && strcmp(child->key, key) == 0 : child->key == NULL && index == 0)
            return child;
    return NULL;
}

static bool is_leaf(const ting_yaml *node)
{
    return node->first == NULL;
}

/* "" for an empty group. */
static const char *text_of(const ting_yaml *node)
{
    return node == NULL ? NULL : node->text != NULL ? node->text : "";
}

static void compare(comparison *c, const ting_yaml *before, const ting_yaml *after);

/* The children of `in`; with `only_new` those that `other` lacks. */
static void compare_children(comparison *c, const ting_yaml *in, const ting_yaml *other, bool in_is_before, bool only_new)
{
    const size_t end = strlen(c->path);
    int index = 0;
    for (const ting_yaml *child = in->first; child != NULL; child = child->next, index++) {
        const ting_yaml *twin = child_of(other, child->key, index);
        if (only_new && twin != NULL)
            continue;
        const char *dot = end > 0 ? "." : "";
        if (child->key != NULL)
            snprintf(c->path + end, PATH - end, "%s%s", dot, child->key);
        else
            snprintf(c->path + end, PATH - end, "%s%d", dot, index);
        compare(c, in_is_before ? child : twin, in_is_before ? twin : child);
        c->path[end] = '\0';
    }
}

static void compare(comparison *c, const ting_yaml *before, const ting_yaml *after)
{
    const bool leaf_before = before != NULL && is_leaf(before), leaf_after = after != NULL && is_leaf(after);
    if (leaf_before || leaf_after) {
        const char *was = leaf_before ? text_of(before) : NULL, *is = leaf_after ? text_of(after) : NULL;
        if (was == NULL || is == NULL || strcmp(was, is) != 0)
            c->differs(c->self, c->path, was, is);
    }
    if (before != NULL)
        compare_children(c, before, after, true, false);
    if (after != NULL)
        compare_children(c, after, before, false, true);
}

void ting_yaml_compare(const ting_yaml *before, const ting_yaml *after,
                       void (*differs)(void *self, const char *key, const char *before, const char *after), void *self)
{
    comparison c = {.differs = differs, .self = self};
    compare(&c, before, after);
}
