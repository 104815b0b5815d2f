/* SPDX-License-Identifier: Apache-2.0 */
/* curves_samples.c - what was said above what was heard, token by token, with what differs marked. */
#include "train/curves_parts.h"

#include "base/hash.h"
#include "base/mem.h"
#include "text/align.h"

#include <string.h>

typedef struct words { /* of a line's part; text borrows */
    const char **text;
    int *length, *unit;
    int count;
    size_t room[3];
} words;

static ting_err split(const char *text, size_t length, words *w)
{
    ting_err err = TING_OK;
    w->count = 0;
    for (size_t at = 0; at < length;) {
        const size_t end = at + strcspn(text + at, " \t\n");
        const size_t stop = end < length ? end : length;
        if (stop > at) {
            const size_t n = (size_t)w->count;
            TRY(ting_reserve(&w->text, n, 1, &w->room[0], sizeof *w->text));
            TRY(ting_reserve(&w->length, n, 1, &w->room[1], sizeof *w->length));
            TRY(ting_reserve(&w->unit, n, 1, &w->room[2], sizeof *w->unit));
            w->text[n] = text + at;
            w->length[n] = (int)(stop - at);
            w->unit[n] = (int)(ting_fingerprint(text + at, stop - at) & 0x7FFFFFFF);
            w->count++;
        }
        at = stop + 1;
    }
out:
    return err;
}

static void drop(words *w)
{
    ting_free(w->text);
    ting_free(w->length);
    ting_free(w->unit);
}

static void add_word(ting_str *out, const words *w, int index)
{
    ting_str word = {0};
    if (index >= 0)
        ting_str_add_bytes(&word, w->text[index], (size_t)w->length[index]);
    else
        ting_str_add(&word, "\xC2\xB7");
    ting_str_add_xml(out, word.text != NULL ? word.text : "");
    ting_str_free(&word);
}

static void add_pairs(ting_str *out, const words *said, const words *heard, const ting_alignment *alignment)
{
    static const char *const classes[] = {[TING_EDIT_MATCH] = "",
                                          [TING_EDIT_SUBSTITUTE] = " class='x'",
                                          [TING_EDIT_DELETE] = " class='d'",
                                          [TING_EDIT_INSERT] = " class='i'"};
    for (int i = 0; i < alignment->count; i++) {
        const ting_edit *edit = &alignment->edits[i];
        ting_str_addf(out, "<span%s><b>", classes[edit->kind]);
        add_word(out, said, edit->ref);
        ting_str_add(out, "</b><b>");
        add_word(out, heard, edit->hyp);
        ting_str_add(out, "</b></span>");
    }
}

ting_err ting_samples_draw(ting_str *out, const char *samples)
{
    ting_err err = TING_OK;
    words said = {0}, heard = {0};
    ting_alignment alignment = {0};
    for (const char *line = samples, *next; *line != '\0'; line = next) {
        const size_t length = strcspn(line, "\n"), name = strcspn(line, "\t\n");
        next = line + length + (line[length] == '\n');
        if (name == length)
            continue;
        const char *first = line + name + 1;
        const size_t middle = strcspn(first, "\t\n");
        const char *second = first[middle] == '\t' ? first + middle + 1 : first + middle;
        TRY(split(first, middle, &said));
        TRY(split(second, (size_t)(line + length - second), &heard));
        TRY(ting_align((ting_sequence){.units = said.unit, .count = said.count},
                       (ting_sequence){.units = heard.unit, .count = heard.count}, &alignment));
        ting_str id = {0};
        ting_str_add_bytes(&id, line, name);
        ting_str_add(out, "<section><h3>");
        ting_str_add_xml(out, id.text != NULL ? id.text : "");
        ting_str_addf(out, " <small>%d of %d wrong</small></h3><p>",
                      alignment.substitutions + alignment.deletions + alignment.insertions, said.count);
        ting_str_free(&id);
        add_pairs(out, &said, &heard, &alignment);
        ting_str_add(out, "</p></section>\n");
    }
out:
    drop(&said);
    drop(&heard);
    ting_alignment_free(&alignment);
    return err;
}
