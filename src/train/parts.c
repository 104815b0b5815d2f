/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c - see parts.h. */
#include "train/parts.h"

#include <string.h>

static ting_err add(const ting_yaml *node, const char *prefix, double rate, ting_train_parts *parts)
{
    ting_err err = TING_OK;
    for (int i = 0; i < parts->count; i++)
        if (strcmp(parts->item[i].prefix, prefix) == 0)
            FAIL(TING_ERR_FORMAT, "%s:%d: \"%s\" stands in freeze or groups a second time", node->path, node->line,
                 prefix);
    if (parts->count == TING_MOST_PARTS)
        FAIL(TING_ERR_FORMAT, "%s:%d: more than %d prefixes in freeze and groups", node->path, node->line,
             TING_MOST_PARTS);
    parts->item[parts->count++] =
        (ting_train_part){.prefix = prefix, .path = node->path, .line = node->line, .rate = rate};
out:
    return err;
}

static ting_err read_group(ting_yaml *node, ting_train_parts *parts)
{
    ting_err err = TING_OK;
    const char *prefix = NULL;
    double rate = -1;
    if (node->kind != TING_YAML_MAP)
        FAIL(TING_ERR_FORMAT, "%s:%d: expected {prefix: NAME, rate: FACTOR}", node->path, node->line);
    TRY(ting_yaml_text(node, "prefix", &prefix));
    TRY(ting_yaml_real(node, "rate", 1e-6, 1e6, &rate));
    TRY(ting_yaml_done(node));
    if (prefix == NULL || rate < 0)
        FAIL(TING_ERR_FORMAT, "%s:%d: expected {prefix: NAME, rate: FACTOR}", node->path, node->line);
    TRY(add(node, prefix, rate, parts));
out:
    return err;
}

ting_err ting_train_parts_read(ting_yaml *map, ting_train_parts *parts)
{
    ting_err err = TING_OK;
    ting_yaml *list;
    TRY(ting_yaml_child(map, "freeze", TING_YAML_LIST, &list));
    for (ting_yaml *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        if (node->kind != TING_YAML_SCALAR)
            FAIL(TING_ERR_FORMAT, "%s:%d: freeze lists names of parameters, or how they begin", node->path, node->line);
        TRY(add(node, node->text, 0, parts));
    }
    TRY(ting_yaml_child(map, "groups", TING_YAML_LIST, &list));
    for (ting_yaml *node = list != NULL ? list->first : NULL; node != NULL; node = node->next)
        TRY(read_group(node, parts));
out:
    return err;
}

static bool names(const char *prefix, const char *name)
{
    const size_t length = strlen(prefix);
    return length > 0 && strncmp(name, prefix, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

int ting_train_part_of(const ting_train_parts *parts, ting_params *params, int index)
{
    const char *name = ting_params_at(params, index)->name;
    int best = -1;
    for (int i = 0; i < parts->count; i++)
        if (names(parts->item[i].prefix, name) &&
            (best < 0 || strlen(parts->item[i].prefix) > strlen(parts->item[best].prefix)))
            best = i;
    return best;
}

ting_err ting_train_parts_freeze(const ting_train_parts *parts, ting_params *params)
{
    ting_err err = TING_OK;
    int named[TING_MOST_PARTS] = {0}, learning = 0;
    for (int i = 0; i < ting_params_count(params); i++) {
        ting_param *p = ting_params_at(params, i);
        const int part = ting_train_part_of(parts, params, i);
        for (int k = 0; k < parts->count; k++)
            named[k] += names(parts->item[k].prefix, p->name);
        p->frozen = p->frozen || (part >= 0 && parts->item[part].rate == 0);
        learning += !p->frozen;
    }
    for (int k = 0; k < parts->count; k++)
        if (named[k] == 0)
            FAIL(TING_ERR_FORMAT, "%s:%d: no parameter of the network is called \"%s\" or \"%s.(...)\"",
                 parts->item[k].path, parts->item[k].line, parts->item[k].prefix, parts->item[k].prefix);
    if (learning == 0)
        FAIL(TING_ERR_FORMAT, "%s:%d: everything is frozen: nothing is left to train", parts->item[0].path,
             parts->item[0].line);
out:
    return err;
}
