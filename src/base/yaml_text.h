/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_text.h - a document of settings as text again, and what two of them differ in. */
#ifndef TING_BASE_YAML_TEXT_H
#define TING_BASE_YAML_TEXT_H

#include "base/str.h"
#include "base/yaml.h"

/* Appends the node and all below it as one line of JSON, every scalar a string: ting_yaml_parse reads the same document from it. */
void ting_yaml_print(const ting_yaml *node, ting_str *out);

/* Calls `differs` for each value that is not the same in both, with its path as ting_yaml_set takes it ("data.train.0.weight");
 * NULL for the side that lacks it. Texts are valid during the call. Groups differ by their order in lists alone. */
void ting_yaml_compare(const ting_yaml *before, const ting_yaml *after,
                       void (*differs)(void *self, const char *key, const char *before, const char *after), void *self);

#endif
