/* SPDX-License-Identifier: Apache-2.0 */
/* tool_hanzi.c - see tool_hanzi.h. */
#include "engine/tool_hanzi.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "engine/model.h"
#include "text/pinyin.h"

enum { WORDS_MAX = 1 << 16 };

struct ting_tool_hanzi {
    ting_model *model;
    ting_hanzi_p2h_use use;
    ting_pool *pool;
    ting_arena *arena;
};

ting_err ting_tool_hanzi_new(const ting_tool_hanzi_options *options, ting_tool_hanzi **out)
{
    static const ting_p2h_limit limits[] = {TING_P2H_EXACT, TING_P2H_TONELESS, TING_P2H_FREE};
    ting_err err = TING_OK;
    ting_model_options how;
    *out = NULL;
    ting_tool_hanzi *h = ting_alloc(1, sizeof *h);
    if (h == NULL)
        return TING_ERR_MEMORY;
    ting_model_options_defaults(&how, sizeof how);
    how.precision = options->precision;
    how.lm = options->lm;
    how.lm_weight = options->lm_weight;
    if (options->rescore_lm != NULL) {
        how.rescore_lm = options->rescore_lm;
        how.rescore_weight = options->rescore_weight;
        how.rescore_lines = options->rescore_lines;
    }
    TRY(ting_model_open_writing(options->model, &how, &h->model));
    h->pool = ting_pool_new(options->threads > 0 ? options->threads : ting_cpu_count());
    h->arena = ting_arena_new(1 << 20);
    if (h->pool == NULL)
        FAIL(TING_ERR_MEMORY, "%d threads could not be started: ask for fewer",
             options->threads > 0 ? options->threads : ting_cpu_count());
    if (h->arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for lines of pinyin");
    h->use = (ting_hanzi_p2h_use){.p2h = h->model->writing.p2h,
                                  .kern = ting_kern_select(ting_cpu_detect()),
                                  .pool = h->pool,
                                  .limit = limits[options->limit],
                                  .other_tone = options->other_tone,
                                  .lm = h->model->weighing.lm,
                                  .rescorer = h->model->ranking.rescorer};
    *out = h;
    h = NULL;
out:
    ting_tool_hanzi_free(h);
    return err;
}

void ting_tool_hanzi_free(ting_tool_hanzi *hanzi)
{
    if (hanzi == NULL)
        return;
    ting_model_free(hanzi->model);
    ting_pool_free(hanzi->pool);
    ting_arena_free(hanzi->arena);
    ting_free(hanzi);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Words of the line to syllables in the arena. */
static ting_err read_syllables(ting_arena *arena, const char *line, size_t length, int **out, int *count)
{
    int words = 0;
    for (size_t i = 0; i < length; i++)
        words += !is_space(line[i]) && (i == 0 || is_space(line[i - 1]));
    if (words > WORDS_MAX)
        return ting_fail(TING_ERR_FORMAT, "%d syllables in one line, expected at most %d", words, (int)WORDS_MAX);
    *count = 0;
    *out = ting_arena_take(arena, (size_t)words * sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && !is_space(line[end]))
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

ting_err ting_tool_hanzi_line(ting_tool_hanzi *hanzi, const char *line, size_t length, int nbest, ting_str *out)
{
    ting_err err = TING_OK;
    int *syllables = NULL, count = 0;
    ting_hanzi_page page;
    ting_arena_reset(hanzi->arena);
    TRY(read_syllables(hanzi->arena, line, length, &syllables, &count));
    ting_hanzi_writer writer = ting_hanzi_p2h_writer(&hanzi->use);
    TRY(writer.write(writer.self, &(ting_hanzi_input){.syllables = syllables, .count = count}, 1, nbest, 0, hanzi->arena, &page));
    for (int l = 0; l < page.line_count; l++) {
        if (nbest > 1)
            ting_str_addf(out, "%d\t%.4f\t", l + 1, page.lines[l].score);
        for (int i = 0; i < page.lines[l].count; i++)
            ting_str_add(out, page.lines[l].characters[i]);
        ting_str_add(out, "\n");
    }
    err = ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}
