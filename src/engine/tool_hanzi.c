/* SPDX-License-Identifier: Apache-2.0 */
/* tool_hanzi.c - see tool_hanzi.h. */
#include "engine/tool_hanzi.h"

#include "base/mem.h"
#include "engine/model.h"
#include "engine/pinyin_line.h"

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

ting_err ting_tool_hanzi_line(ting_tool_hanzi *hanzi, const char *line, size_t length, int nbest, ting_str *out)
{
    ting_err err = TING_OK;
    ting_hanzi_page page;
    ting_arena_reset(hanzi->arena);
    TRY(ting_pinyin_line_write(&hanzi->use, line, length, nbest, hanzi->arena, &page));
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
