/* SPDX-License-Identifier: Apache-2.0 */
/* pinyin_line.c - see pinyin_line.h. */
#include "engine/pinyin_line.h"

#include "base/mem.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "engine/model.h"
#include "text/pinyin.h"

#include <string.h>

enum { WORDS_MAX = 1 << 16, MOST_LINES = 64 };

/* Words of the line to syllables in the arena. */
static ting_err read_syllables(ting_arena *arena, const char *line, size_t length, int **out, int *count)
{
    int words = 0;
    for (size_t i = 0; i < length; i++)
        words += !ting_is_space(line[i]) && (i == 0 || ting_is_space(line[i - 1]));
    if (words > WORDS_MAX)
        return ting_fail(TING_ERR_FORMAT, "%d syllables in one line, expected at most %d", words, (int)WORDS_MAX);
    *count = 0;
    *out = ting_arena_take(arena, (size_t)words * sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && !ting_is_space(line[end]))
            end++;
        if (end > at) {
            int id = ting_pinyin_read(line + at, end - at);
            if (id == TING_PINYIN_NONE) {
                bool readable = ting_utf8_count(line + at, end - at) >= 0;
                return ting_fail(TING_ERR_FORMAT, "word %d, \"%.*s\", is not a pinyin syllable", *count + 1,
                                 readable ? (int)(end - at < 40 ? end - at : 40) : 0, line + at);
            }
            (*out)[(*count)++] = id;
        }
        at = end + 1;
    }
    return TING_OK;
}

ting_err ting_pinyin_line_write(ting_hanzi_p2h_use *use, const char *line, size_t length, int nbest, ting_arena *arena,
                                ting_hanzi_page *out)
{
    ting_err err = TING_OK;
    int *syllables = NULL, count = 0;
    const ting_hanzi_writer writer = ting_hanzi_p2h_writer(use);
    TRY(read_syllables(arena, line, length, &syllables, &count));
    TRY(writer.write(writer.self, &(ting_hanzi_input){.syllables = syllables, .count = count}, 1, nbest, 0, arena, out));
out:
    return err;
}

static size_t text_length(const ting_hanzi_line *line)
{
    size_t length = 0;
    for (int i = 0; i < line->count; i++)
        length += strlen(line->characters[i]);
    return length;
}

/* The lines, with their texts behind them, as one block. */
static ting_written *copy_lines(const ting_hanzi_page *page)
{
    const size_t lines = (size_t)page->line_count;
    size_t bytes = lines * sizeof(ting_written) + lines;
    for (int l = 0; l < page->line_count; l++)
        bytes += text_length(&page->lines[l]);
    ting_written *out = ting_alloc(bytes, 1);
    if (out == NULL)
        return NULL;
    char *text = (char *)(out + lines);
    for (int l = 0; l < page->line_count; l++) {
        const ting_hanzi_line *line = &page->lines[l];
        out[l] = (ting_written){.text = text, .score = line->score};
        for (int i = 0; i < line->count; i++) {
            const size_t length = strlen(line->characters[i]);
            memcpy(text, line->characters[i], length);
            text += length;
        }
        *text++ = '\0';
    }
    return out;
}

ting_err ting_write_pinyin(const ting_model *model, const char *line, size_t length, int nbest, ting_written **out, int *count)
{
    ting_err err = TING_OK;
    ting_hanzi_page page;
    ting_arena *arena = NULL;
    *out = NULL;
    *count = 0;
    if (model == NULL || line == NULL)
        FAIL(TING_ERR_ARGUMENT, "no %s to write in hanzi", model == NULL ? "model" : "line");
    if (nbest < 1 || nbest > MOST_LINES)
        FAIL(TING_ERR_ARGUMENT, "nbest is %d: 1 to %d", nbest, (int)MOST_LINES);
    if (model->writing.p2h == NULL)
        FAIL(TING_ERR_MODEL, "the model was opened without a pinyin-to-hanzi network");
    arena = ting_arena_new(1 << 20);
    TRY(arena != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_hanzi_p2h_use use = {.p2h = model->writing.p2h, .kern = ting_kern_select(ting_cpu_detect()), .limit = TING_P2H_EXACT,
                              .lm = model->weighing.lm, .rescorer = model->ranking.rescorer};
    TRY(ting_pinyin_line_write(&use, line, length, nbest, arena, &page));
    *out = copy_lines(&page);
    TRY(*out != NULL ? TING_OK : TING_ERR_MEMORY);
    *count = page.line_count;
out:
    ting_arena_free(arena);
    return err;
}

void ting_written_free(ting_written *lines)
{
    ting_free(lines);
}
