/* SPDX-License-Identifier: Apache-2.0 */
/* tsv.c - see tsv.h. */
#include "base/tsv.h"

#include <string.h>

bool ting_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool ting_view_is(ting_view view, const char *word)
{
    return view.length == strlen(word) && memcmp(view.text, word, view.length) == 0;
}

ting_view ting_view_trim(ting_view view)
{
    while (view.length > 0 && ting_is_space(view.text[0])) {
        view.text++;
        view.length--;
    }
    while (view.length > 0 && ting_is_space(view.text[view.length - 1]))
        view.length--;
    return view;
}

void ting_tsv_cut(ting_view line, ting_tsv *out)
{
    out->count = 0;
    while (out->count < TING_TSV_MOST) {
        const char *tab = line.length == 0 ? NULL : memchr(line.text, '\t', line.length);
        size_t length = tab == NULL ? line.length : (size_t)(tab - line.text);
        out->fields[out->count++] = ting_view_trim((ting_view){line.text, length});
        if (tab == NULL)
            break;
        line = (ting_view){tab + 1, line.length - length - 1};
    }
}

int ting_tsv_find(const ting_tsv *header, const char *name)
{
    for (int i = 0; i < header->count; i++)
        if (ting_view_is(header->fields[i], name))
            return i;
    return -1;
}

ting_view ting_tsv_at(const ting_tsv *line, int index)
{
    return index >= 0 && index < line->count ? line->fields[index] : (ting_view){"", 0};
}
