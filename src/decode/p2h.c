/* SPDX-License-Identifier: Apache-2.0 */
/* p2h.c - see p2h.h. */
#include "decode/p2h.h"

#include "decode/p2h_join.h"
#include "decode/p2h_lines.h"
#include "decode/p2h_read.h"
#include "decode/p2h_rescore.h"
#include "decode/s2s.h"

#include <math.h>

enum {
    RANKED_MAX = 64, /* characters of a place that are worth ranking */
    LEAST = 32,      /* lines to look for with a language model, which makes places depend on each other */
};

static const double behind = 8; /* a sequence whose weighed score is so far behind the best is not read: no line makes that good */

/* How many of the sequences there are up to the last one that is worth reading. */
static int worth_reading(const ting_p2h_options *options, const ting_p2h_input *inputs, int count)
{
    double best = inputs[0].score;
    for (int i = 1; i < count; i++)
        best = fmax(best, inputs[i].score);
    while (count > 1 && options->input_weight * (best - inputs[count - 1].score) > behind)
        count--;
    return count;
}

/* A row of places for each sequence. */
static ting_err read_rows(const ting_p2h_reader *reader, const ting_p2h_options *options, const ting_p2h_input *inputs, int count,
                          ting_p2h_row **out)
{
    ting_err err = TING_OK;
    ting_p2h_sequence *items = ting_arena_take(reader->arena, (size_t)count * sizeof *items);
    ting_p2h_place **places = ting_arena_take(reader->arena, (size_t)count * sizeof *places);
    ting_p2h_row *rows = *out = ting_arena_take(reader->arena, (size_t)count * sizeof *rows);
    TRY(ting_arena_failed(reader->arena) ? TING_ERR_MEMORY : TING_OK);
    for (int i = 0; i < count; i++)
        items[i] = (ting_p2h_sequence){inputs[i].syllables, inputs[i].count};
    TRY(ting_p2h_read(reader, items, count, places));
    for (int i = 0; i < count; i++)
        rows[i] = (ting_p2h_row){.places = places[i], .count = inputs[i].count, .heard = options->input_weight * inputs[i].score};
out:
    return err;
}

/* One row for all sequences; *count becomes 1. */
static ting_err join_rows(const ting_p2h_reader *reader, const ting_p2h_options *options, const ting_p2h_input *inputs, int *count,
                          ting_p2h_row **out)
{
    ting_err err = TING_OK;
    ting_p2h_place *places;
    ting_p2h_row *row = *out = ting_arena_take_zeroed(reader->arena, 1, sizeof *row);
    TRY(row != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(ting_p2h_join(reader, options, inputs, *count, &row->network, &places));
    row->places = places;
    row->count = row->network.count;
    if (options->hotwords != NULL)
        TRY(ting_hotwords_find(options->hotwords, reader->arena, &row->network, options->input_weight, options->bonus, &row->matches));
    *count = 1;
out:
    return err;
}

ting_err ting_p2h_decode(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool,
                         ting_arena *arena, const ting_p2h_options *options,
                         const ting_p2h_input *inputs, int input_count, ting_p2h_page *out)
{
    ting_err err = TING_OK;
    ting_p2h_row *rows;
    *out = (ting_p2h_page){0};
    if (input_count < 1 || options->nbest < 1 || options->alternatives < 0)
        FAIL(TING_ERR_ARGUMENT,
             "pinyin to hanzi: %d sequences, %d lines and %d alternatives wanted", input_count,
             options->nbest, options->alternatives);
    input_count = worth_reading(options, inputs, input_count);
    ting_p2h_options searched = *options; /* more lines, for a rescorer to choose from or to tell how sure the best one is */
    const int lines = options->rescorer != NULL ? options->rescorer->lines : 1, anew = lines > options->nbest ? lines : options->nbest;
    searched.nbest = options->lm != NULL && anew < LEAST ? LEAST : anew;
    if (model->net == NULL) {
        TRY(ting_s2s_search(model, kern, pool, arena, &searched, inputs, input_count, out));
    } else {
        const int ranked = searched.nbest > options->alternatives + 1 ? searched.nbest : options->alternatives + 1;
        const ting_p2h_reader reader = {.model = model, .kern = kern, .pool = pool, .arena = arena, .limit = options->limit,
                                        .other_tone = options->other_tone,
                                        .keep = options->lm != NULL || ranked > RANKED_MAX ? RANKED_MAX : ranked};
        const bool several = input_count > 1 || inputs[0].other_count > 0 || options->hotwords != NULL;
        if (options->lm != NULL && several)
            TRY(join_rows(&reader, &searched, inputs, &input_count, &rows));
        else
            TRY(read_rows(&reader, options, inputs, input_count, &rows));
        TRY(ting_p2h_lines_find(&(ting_ctx){.arena = arena, .pool = pool, .kern = kern}, &searched, rows, input_count, anew, out));
    }
    out->line_count = out->line_count < options->nbest ? out->line_count : options->nbest;
out:
    return err;
}
