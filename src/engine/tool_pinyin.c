/* SPDX-License-Identifier: Apache-2.0 */
/* tool_pinyin.c - see tool_pinyin.h. A line becomes pieces (a syllable or a text without one); pieces become output. */
#include "engine/tool_pinyin.h"

#include "base/mem.h"
#include "engine/tables.h"
#include "text/g2p.h"
#include "text/syllable.h"

typedef struct piece {
    const char *text; /* in the line */
    size_t length;
    int id;
    ting_g2p_source source;
    bool blank; /* white space */
} piece;

struct ting_tool_pinyin {
    ting_tool_pinyin_options options;
    ting_lexicon *lexicon;
    ting_g2pm *model;
    ting_polyphone polyphone;
    ting_g2p_line line;
    ting_words words;
    piece *pieces;
    int count, room;
    ting_str scratch; /* of a JSON line */
    ting_tool_pinyin_counts counts;
};

ting_err ting_tool_pinyin_open(const ting_tool_pinyin_options *options, ting_tool_pinyin **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_tool_pinyin *tool = ting_alloc(1, sizeof *tool);
    if (tool == NULL)
        return TING_ERR_MEMORY;
    tool->options = *options;
    if (!options->convert) {
        TRY(ting_tables_lexicon(options->lexicon, options->first, options->first_count,
                                options->sandhi == TING_TOOL_SANDHI_TABLE, &tool->lexicon));
        if (options->polyphones != NULL)
            TRY(ting_tables_g2pm(options->polyphones[0] == '\0' ? NULL : options->polyphones, &tool->model));
        if (options->polyphones == NULL && options->no_phrases)
            FAIL(TING_ERR_ARGUMENT, "without phrases the polyphone model reads: ask for it");
        if (tool->model != NULL)
            tool->polyphone = ting_g2pm_polyphone(tool->model);
    }
    *out = tool;
    tool = NULL;
out:
    ting_tool_pinyin_close(tool);
    return err;
}

void ting_tool_pinyin_close(ting_tool_pinyin *tool)
{
    if (tool == NULL)
        return;
    ting_lexicon_free(tool->lexicon);
    ting_g2pm_free(tool->model);
    ting_g2p_line_free(&tool->line);
    ting_words_free(&tool->words);
    ting_free(tool->pieces);
    ting_str_free(&tool->scratch);
    ting_free(tool);
}

/* ---- line -> pieces ---- */

static ting_err make_room(ting_tool_pinyin *tool, int count)
{
    if (count <= tool->room)
        return TING_OK;
    piece *pieces = ting_alloc((size_t)count, sizeof *pieces);
    if (pieces == NULL)
        return TING_ERR_MEMORY;
    ting_free(tool->pieces);
    tool->pieces = pieces;
    tool->room = count;
    return TING_OK;
}

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000;
}

static ting_err read_text(ting_tool_pinyin *tool, const char *line, size_t length)
{
    ting_err err = TING_OK;
    const ting_tool_pinyin_options *o = &tool->options;
    const ting_g2p_options options = {.model = tool->model != NULL ? &tool->polyphone : NULL,
                                      .model_only = o->no_phrases, .sandhi = o->sandhi == TING_TOOL_SANDHI_SPOKEN};
    TRY(ting_g2p_read(tool->lexicon, &options, line, length, &tool->line));
    TRY(make_room(tool, tool->line.count));
    ting_tool_pinyin_counts *counts = &tool->counts;
    for (int i = 0; i < tool->line.count; i++) {
        const ting_g2p_item *item = &tool->line.items[i];
        tool->pieces[tool->count++] = (piece){line + item->offset, (size_t)item->length, item->id, item->source,
                                              is_space(item->code_point)};
        counts->syllables += item->id != TING_PINYIN_NONE;
        counts->others += item->source == TING_G2P_OTHER && !is_space(item->code_point);
        counts->unknown += item->source == TING_G2P_UNKNOWN;
        counts->malformed += item->source == TING_G2P_MALFORMED;
        counts->phrase += item->source == TING_G2P_PHRASE;
        counts->single += item->source == TING_G2P_SINGLE;
        counts->commonest += item->source == TING_G2P_COMMONEST;
        counts->model += item->source == TING_G2P_MODEL;
    }
out:
    return err;
}

static ting_err read_pinyin(ting_tool_pinyin *tool, const char *line, size_t length)
{
    ting_err err = TING_OK;
    TRY(ting_words_read(line, length, &tool->words));
    TRY(make_room(tool, 2 * tool->words.count));
    for (int i = 0; i < tool->words.count; i++) {
        ting_word word = tool->words.items[i];
        if (i > 0) /* words stay apart */
            tool->pieces[tool->count++] = (piece){" ", 1, TING_PINYIN_NONE, TING_G2P_OTHER, true};
        ting_g2p_source source = word.id != TING_PINYIN_NONE ? TING_G2P_SINGLE : TING_G2P_OTHER;
        tool->pieces[tool->count++] = (piece){line + word.offset, word.length, word.id, source, false};
        tool->counts.syllables += word.id != TING_PINYIN_NONE;
        tool->counts.others += word.id == TING_PINYIN_NONE;
    }
out:
    return err;
}

/* ---- pieces -> output ---- */

static void add_syllable(const ting_tool_pinyin *tool, int id, ting_str *out)
{
    static const ting_pinyin_notation notations[] = {TING_PINYIN_NUMBERED, TING_PINYIN_MARKED, TING_PINYIN_TOKENS,
                                                     TING_PINYIN_PLAIN};
    char name[TING_PINYIN_ROOM];
    ting_str_add_bytes(out, name, ting_pinyin_write(id, notations[tool->options.notation], name));
}

/* Malformed bytes never reach the output. */
static void add_other(const piece *p, ting_str *out)
{
    if (p->source == TING_G2P_MALFORMED)
        ting_str_add(out, "\xEF\xBF\xBD");
    else
        ting_str_add_bytes(out, p->text, p->length);
}

/* Syllables, and what stands between them, with single spaces between. */
static void add_line(const ting_tool_pinyin *tool, ting_str *out)
{
    bool space = false, glued = false; /* a space is due; the last piece was an "other" without a space behind */
    for (int i = 0; i < tool->count; i++) {
        const piece *p = &tool->pieces[i];
        bool other = p->id == TING_PINYIN_NONE;
        if (other && (tool->options.other == TING_TOOL_DROP || p->blank)) {
            glued = false;
            continue;
        }
        bool together = other && glued && tool->options.other == TING_TOOL_KEEP;
        if (space && !together)
            ting_str_add_bytes(out, " ", 1);
        if (!other)
            add_syllable(tool, p->id, out);
        else if (tool->options.other == TING_TOOL_MARK)
            ting_str_add(out, "?");
        else
            add_other(p, out);
        space = true;
        glued = other;
    }
}

static void add_tsv(const ting_tool_pinyin *tool, ting_str *out)
{
    for (int i = 0; i < tool->count; i++) {
        const piece *p = &tool->pieces[i];
        if (p->blank)
            continue;
        add_other(p, out);
        ting_str_add(out, "\t");
        if (p->id != TING_PINYIN_NONE)
            add_syllable(tool, p->id, out);
        ting_str_addf(out, "\t%s\n", ting_g2p_source_name(p->source));
    }
}

static void add_json_char(ting_tool_pinyin *tool, const piece *p, ting_str *out)
{
    ting_str *one = &tool->scratch;
    ting_str_clear(one);
    add_other(p, one);
    ting_str_add(out, "{\"text\": ");
    ting_str_add_json(out, ting_str_ok(one) ? one->text : "");
    ting_str_add(out, ", \"pinyin\": ");
    if (p->id != TING_PINYIN_NONE) {
        ting_str_clear(one);
        add_syllable(tool, p->id, one);
        ting_str_add_json(out, ting_str_ok(one) ? one->text : "");
    } else {
        ting_str_add(out, "null");
    }
    ting_str_addf(out, ", \"source\": \"%s\"}", ting_g2p_source_name(p->source));
}

static void add_json(ting_tool_pinyin *tool, ting_str *out)
{
    ting_str *line = &tool->scratch;
    ting_str_clear(line);
    ting_str_add(line, "");
    for (int i = 0; i < tool->count; i++)
        add_other(&tool->pieces[i], line);
    ting_str_add(out, "{\"text\": ");
    ting_str_add_json(out, ting_str_ok(line) ? line->text : "");
    ting_str_clear(line);
    ting_str_add(line, "");
    add_line(tool, line);
    ting_str_add(out, ", \"pinyin\": ");
    ting_str_add_json(out, ting_str_ok(line) ? line->text : "");
    ting_str_add(out, ", \"chars\": [");
    const char *between = "";
    for (int i = 0; i < tool->count; i++) {
        if (tool->pieces[i].blank)
            continue;
        ting_str_add(out, between);
        add_json_char(tool, &tool->pieces[i], out);
        between = ", ";
    }
    ting_str_add(out, "]}");
}

ting_err ting_tool_pinyin_line(ting_tool_pinyin *tool, const char *line, size_t length, ting_str *out)
{
    ting_err err = TING_OK;
    tool->count = 0;
    TRY(tool->options.convert ? read_pinyin(tool, line, length) : read_text(tool, line, length));
    tool->counts.lines++;
    switch (tool->options.format) {
    case TING_TOOL_PINYIN_TSV: add_tsv(tool, out); break;
    case TING_TOOL_PINYIN_JSON: add_json(tool, out); break;
    case TING_TOOL_PINYIN_TEXT: add_line(tool, out); break;
    }
    ting_str_add(out, "\n");
    if (!ting_str_ok(out))
        FAIL(TING_ERR_MEMORY, "no memory for a line of %zu bytes", length);
out:
    return err;
}

ting_tool_pinyin_counts ting_tool_pinyin_counts_so_far(const ting_tool_pinyin *tool)
{
    return tool->counts;
}
