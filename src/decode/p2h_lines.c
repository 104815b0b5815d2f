/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_lines.c - see p2h_lines.h. */
#include "decode/p2h_lines.h"

#include "decode/best_sums.h"
#include "decode/p2h_rescore.h"

#include <math.h>
#include <string.h>

static bool same_line(const ting_p2h_line *a, const ting_p2h_line *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->characters, b->characters,
                                                            (size_t)a->count * sizeof(int)) == 0);
}

int ting_p2h_lines_sort(ting_p2h_line *lines, int count, int nbest)
{
    for (int i = 1; i < count; i++) {
        ting_p2h_line line = lines[i];
        int at = i;
        for (; at > 0 && lines[at - 1].score < line.score; at--)
            lines[at] = lines[at - 1];
        lines[at] = line;
    }
    int kept = 0;
    for (int i = 0; i < count && kept < nbest; i++) {
        bool known = false;
        for (int k = 0; k < kept; k++)
            known |= same_line(&lines[k], &lines[i]);
        if (!known)
            lines[kept++] = lines[i];
    }
    return kept;
}

/* The characters of a hotword behind those that are there. */
static void add_hotword(const ting_hotword *word, const ting_hotword_match *match, ting_p2h_line *out)
{
    for (int i = 0; i < word->count; i++) {
        out->characters[out->count] = word->characters[i];
        out->places[out->count] = match->places[i];
        out->origins[out->count] = match->origins[i];
        out->origins[out->count].hotword = match->number + 1;
        out->origins[out->count++].part = i;
    }
}

/* The line of the choices made at each place, without the empty places; of sequence `input` where the places are of one alone. */
static ting_err make_line(ting_arena *arena, const ting_hotwords *hotwords, const ting_p2h_row *from, int input, const int *choices,
                          double score, ting_p2h_line *out)
{
    const size_t most = (size_t)from->count * (hotwords != NULL ? 2 : 1); /* of a hotword one syllable may have no place, two have one */
    *out = (ting_p2h_line){.input = input, .score = score};
    out->characters = ting_arena_take(arena, most * sizeof *out->characters);
    out->origins = ting_arena_take(arena, most * sizeof *out->origins);
    out->places = ting_arena_take(arena, most * sizeof *out->places);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (int t = 0; t < from->count; t++) {
        if (choices[t] < 0) {
            const ting_hotword_match *match = &from->matches.items[-1 - choices[t]];
            add_hotword(ting_hotwords_at(hotwords, match->number), match, out);
            t = match->end - 1;
            continue;
        }
        const ting_p2h_place *place = &from->places[t];
        if (place->characters[choices[t]] == TING_P2H_NOTHING)
            continue;
        out->characters[out->count] = place->characters[choices[t]];
        out->places[out->count] = t;
        out->origins[out->count++] = place->origins != NULL ? place->origins[choices[t]]
                                                            : (ting_p2h_origin){.input = input, .place = t, .other = -1};
    }
    return TING_OK;
}

/* The best lines of the places alone: all that are among the sums. */
static ting_err add_up(ting_arena *arena, const ting_p2h_options *options, const ting_p2h_row *from, int input, ting_p2h_page *out)
{
    ting_err err = TING_OK;
    ting_sums sums;
    ting_sum_list *lists = ting_arena_take(arena, (size_t)from->count * sizeof *lists);
    int *choices = ting_arena_take(arena, (size_t)from->count * sizeof *choices);
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
    for (int t = 0; t < from->count; t++)
        lists[t] = (ting_sum_list){from->places[t].log_probs, from->places[t].count};
    TRY(ting_sums_find(arena, lists, from->count, ting_sums_possible(lists, from->count, options->nbest), from->heard, &sums));
    for (int i = 0; i < sums.count; i++) {
        ting_sums_choices(&sums, i, choices);
        TRY(make_line(arena, NULL, from, input, choices, ting_sums_score(&sums, i), &out->lines[out->line_count++]));
    }
out:
    return err;
}

/* The best lines for network and language model together. */
static ting_err weigh(ting_arena *arena, const ting_p2h_options *options, const ting_p2h_row *from, int input, ting_p2h_page *out)
{
    ting_err err = TING_OK;
    int count;
    int *choices = ting_arena_take(arena, (size_t)options->nbest * (size_t)from->count * sizeof *choices);
    double *scores = ting_arena_take(arena, (size_t)options->nbest * sizeof *scores);
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
    TRY(ting_p2h_lm_search(options->lm, arena, from->places, from->count, options->hotwords, &from->matches, options->nbest,
                           choices, scores, &count));
    for (int i = 0; i < count; i++)
        TRY(make_line(arena, options->hotwords, from, input, choices + i * from->count, from->heard + scores[i],
                      &out->lines[out->line_count++]));
out:
    return err;
}

/* What else may stand where the best line has its characters. */
static ting_err list_alternatives(ting_arena *arena, int width, const ting_p2h_row *from, ting_p2h_page *out)
{
    const ting_p2h_line *line = &out->lines[0];
    out->alternatives = ting_arena_take(arena, (size_t)line->count * (size_t)width * sizeof(int));
    if (out->alternatives == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < line->count; i++) {
        int used = 0, *others = out->alternatives + (size_t)i * (size_t)width;
        const ting_p2h_place *place = &from->places[line->places[i]];
        for (int k = 0; k < place->count && used < width; k++)
            if (place->characters[k] != line->characters[i] && place->characters[k] != TING_P2H_NOTHING)
                others[used++] = place->characters[k];
        while (used < width)
            others[used++] = -1;
    }
    return TING_OK;
}

/* The syllable that a line has at a place. */
static int syllable_at(const ting_p2h_page *page, const ting_hotwords *hotwords, int place, const ting_p2h_origin *origin)
{
    if (origin->hotword > 0)
        return ting_hotwords_at(hotwords, origin->hotword - 1)->syllables[origin->part];
    if (page->network.count == 0)
        return TING_P2H_UNKNOWN; /* of one sequence: the same in all lines */
    const ting_confusion_place *p = &page->network.places[place];
    int c = 0;
    while (c < p->count && !(p->choices[c].input == origin->input && p->choices[c].place == origin->place &&
                             p->choices[c].other == origin->other))
        c++;
    return c < p->count ? p->choices[c].symbol : TING_P2H_UNKNOWN;
}

static bool agree(const ting_p2h_page *page, const ting_p2h_options *options, const ting_p2h_line *a, int i, const ting_p2h_line *b, int k)
{
    if (!options->spell)
        return a->characters[i] == b->characters[k];
    return syllable_at(page, options->hotwords, a->places[i], &a->origins[i]) ==
           syllable_at(page, options->hotwords, b->places[k], &b->origins[k]);
}

/* How many of the lines, by probability, agree with the best one at each of its places. */
static void share_lines(const ting_p2h_page *page, const ting_p2h_options *options)
{
    const ting_p2h_line *best = &page->lines[0];
    double sum = 0;
    for (int l = 0; l < page->line_count; l++) {
        const ting_p2h_line *line = &page->lines[l];
        const double probability = exp(line->score - best->score);
        sum += probability;
        for (int i = 0, k = 0; i < best->count; i++) {
            while (k < line->count && line->places[k] < best->places[i])
                k++;
            bool has = false; /* a hotword may have several at one place */
            for (int same = k; same < line->count && line->places[same] == best->places[i] && !has; same++)
                has = agree(page, options, best, i, line, same);
            page->shares[i] += has ? probability : 0;
        }
    }
    for (int i = 0; i < best->count; i++)
        page->shares[i] /= sum;
}

/* Without a language model places do not depend on each other: all lines agree as often as the place says. */
static void share_places(const ting_p2h_page *page)
{
    const ting_p2h_line *best = &page->lines[0];
    for (int i = 0; i < best->count; i++) {
        const ting_p2h_place *place = &page->places[best->places[i]];
        for (int k = 0; k < place->count; k++)
            if (place->characters[k] == best->characters[i])
                page->shares[i] = exp(place->log_probs[k]);
    }
}

/* The first lines are ranked anew; those behind them lose as much as the one of these that loses most, so that they stay behind. */
static ting_err rank(ting_ctx *ctx, const ting_p2h_rescorer *rescorer, int ranked, ting_p2h_page *page, int nbest)
{
    ting_err err = TING_OK;
    page->line_count = ting_p2h_lines_sort(page->lines, page->line_count, nbest);
    const int count = rescorer == NULL ? 0 : ranked < page->line_count ? ranked : page->line_count;
    double least = INFINITY;
    double *before = ting_arena_take(ctx->arena, ((size_t)count + 1) * sizeof *before);
    TRY(before != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int l = 0; l < count; l++)
        before[l] = page->lines[l].score;
    TRY(ting_p2h_rescore(ctx, rescorer, page->lines, count));
    for (int l = 0; l < count; l++)
        least = fmin(least, page->lines[l].score - before[l]);
    for (int l = count; l < page->line_count && count > 0; l++)
        page->lines[l].score += least;
    page->line_count = ting_p2h_lines_sort(page->lines, page->line_count, nbest);
out:
    return err;
}

ting_err ting_p2h_lines_find(ting_ctx *ctx, const ting_p2h_options *options, const ting_p2h_row *rows, int count, int ranked,
                             ting_p2h_page *out)
{
    ting_err err = TING_OK;
    out->lines = ting_arena_take_zeroed(ctx->arena, (size_t)options->nbest * (size_t)count, sizeof *out->lines);
    TRY(out->lines != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int i = 0; i < count; i++)
        if (options->lm != NULL && rows[i].count > 0)
            TRY(weigh(ctx->arena, options, &rows[i], i, out));
        else
            TRY(add_up(ctx->arena, options, &rows[i], i, out));
    TRY(rank(ctx, options->rescorer, ranked, out, options->nbest));
    const ting_p2h_row *from = &rows[out->lines[0].input];
    TRY(list_alternatives(ctx->arena, options->alternatives, from, out));
    out->places = from->places;
    out->place_count = from->count;
    out->network = from->network;
    out->matches = from->matches;
    if (options->spell && options->lm == NULL) /* nothing tells which other syllables there were */
        goto out;
    out->shares = ting_arena_take_zeroed(ctx->arena, (size_t)out->lines[0].count, sizeof *out->shares);
    TRY(out->shares != NULL ? TING_OK : TING_ERR_MEMORY);
    if (options->lm != NULL)
        share_lines(out, options);
    else
        share_places(out);
out:
    return err;
}
