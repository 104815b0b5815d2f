/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsv.h - tab-separated lines: a line as fields, and the column that a header line gives a name.
 *
 *     ting_tsv_cut((ting_view){line, length}, &header);
 *     text = ting_tsv_find(&header, "text");
 *     ...
 *     ting_tsv_cut((ting_view){line, length}, &fields);
 *     value = ting_tsv_at(&fields, text);
 *
 * A field is what stands between tabs, without the white space around it. There is no quoting.
 */
#ifndef TING_BASE_TSV_H
#define TING_BASE_TSV_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_view { /* borrowed text */
    const char *text;      /* not ended by '\0' */
    size_t length;
} ting_view;

bool ting_is_space(char c); /* space, tab, \r, \n */
bool ting_view_is(ting_view view, const char *word);

/* Without the white space at both ends. */
ting_view ting_view_trim(ting_view view);

enum { TING_TSV_MOST = 64 };

typedef struct ting_tsv { /* borrows the line */
    ting_view fields[TING_TSV_MOST];
    int count; /* at least 1; fields beyond TING_TSV_MOST are left out */
} ting_tsv;

void ting_tsv_cut(ting_view line, ting_tsv *out);
int ting_tsv_find(const ting_tsv *header, const char *name); /* index, or -1 */
ting_view ting_tsv_at(const ting_tsv *line, int index);      /* empty where there is none */

#endif
