/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s2s.c - see s2s.h. Steps: a sequence is cut into pieces; a beam search gives each piece's lines and alternatives; the best
 * lines of the sequence are the best sums of one line of each piece.
 */
#include "decode/s2s.h"

#include "decode/best_sums.h"
#include "decode/p2h_rescore.h"

#include <math.h>
#include <string.h>

enum { LEAST_BEAM = 4 };

/* A beginning of a line: <S> and the characters so far. */
typedef struct beginning {
    int *ids; /* [1 + length] */
    int length;
    int at;     /* its number among the hypotheses of the steps */
    double score;
    bool ended; /* has written </S> */
} beginning;

typedef struct piece { /* what was read of a part of a sequence */
    ting_p2h_line *lines;  /* [line_count] best first */
    double *scores;        /* [line_count] of them */
    int line_count;
    int *alternatives;     /* [count of line 0, options.alternatives] */
} piece;

typedef struct search { /* of one piece */
    const ting_p2h_model *model;
    const ting_p2h_options *options;
    ting_ctx *ctx;
    ting_p2h_input input; /* the piece */
    ting_tensor memory;
    ting_p2h_steps steps;
    int beam, longest;
    beginning *now, *next; /* [beam] */
    int count, next_count;
} search;

/* Whether lines have as many characters as syllables; otherwise the network writes </S>. */
static bool is_aligned(const search *s)
{
    return s->options->aligned || s->options->limit != TING_P2H_FREE;
}

/* Characters that may stand at place t: all when 0 is returned; </S> alone ends a limited line. */
static int allowed_at(const search *s, int t, const int **list)
{
    static const int end[] = {TING_P2H_END};
    if (s->options->limit == TING_P2H_FREE)
        return 0;
    if (t == s->input.count) {
        *list = end;
        return 1;
    }
    return ting_p2h_allowed(&s->model->tables, s->options->limit, s->input.syllables[t], list);
}

/* Keeps the best `beam` continuations in falling order. */
static void offer(search *s, const beginning *from, int character, double score)
{
    if (s->next_count == s->beam && s->next[s->beam - 1].score >= score)
        return;
    int at = s->next_count < s->beam ? s->next_count++ : s->beam - 1;
    int *ids = s->next[at].ids; /* the memory of the one that falls out, or of a new one */
    for (; at > 0 && s->next[at - 1].score < score; at--)
        s->next[at] = s->next[at - 1];
    s->next[at] = (beginning){.ids = ids, .length = from->length, .at = from->at, .score = score, .ended = character == TING_P2H_END};
    memcpy(ids, from->ids, ((size_t)from->length + 1) * sizeof *ids);
    if (character >= TING_P2H_FIRST)
        ids[++s->next[at].length] = character;
}

/* All continuations of one beginning from its row of logits. */
static ting_err prolong(search *s, const beginning *from, const ting_real *logits)
{
    const int *list = NULL;
    int count = allowed_at(s, from->length, &list);
    const bool all = count == 0, may_end = all && !is_aligned(s);
    if (all)
        count = s->model->tables.characters - TING_P2H_FIRST + may_end;
    double most = -INFINITY, sum = 0;
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < count; i++) {
            int character = !all ? list[i] : may_end && i + 1 == count ? TING_P2H_END : TING_P2H_FIRST + i;
            double logit = (double)logits[character];
            if (pass == 0)
                most = fmax(most, logit);
            else if (pass == 1)
                sum += exp(logit - most);
            else
                offer(s, from, character, from->score + logit - most - log(sum));
        }
    return isfinite(most) && isfinite(sum)
               ? TING_OK
               : ting_fail(TING_ERR_NUMERIC, "the pinyin-to-hanzi network gives values that are not finite");
}

/* One more character for every beginning that has not ended. */
static ting_err step(search *s)
{
    ting_err err = TING_OK;
    ting_arena_mark mark = ting_arena_tell(s->ctx->arena);
    int *ids = ting_ctx_ints(s->ctx, s->count), *parents = ting_ctx_ints(s->ctx, s->count), active = 0;
    TRY(s->ctx->err);
    for (int b = 0; b < s->count; b++) {
        if (s->now[b].ended)
            continue;
        ids[active] = s->now[b].ids[s->now[b].length];
        parents[active] = s->now[b].at;
        s->now[b].at = active++;
    }
    const ting_tensor hidden = ting_p2h_step(s->ctx, &s->steps, ids, parents, active);
    const ting_tensor logits = ting_p2h_decoder_logits(s->ctx, s->model, hidden);
    TRY(s->ctx->err);
    s->next_count = active = 0;
    for (int b = 0; b < s->count; b++) {
        if (s->now[b].ended)
            offer(s, &s->now[b], TING_P2H_END, s->now[b].score);
        else
            TRY(prolong(s, &s->now[b], ting_row(logits, active++)));
    }
    beginning *kept = s->now;
    s->now = s->next;
    s->next = kept;
    s->count = s->next_count;
out:
    ting_arena_rewind(s->ctx->arena, mark);
    return err;
}

static ting_err take_beam(search *s)
{
    beginning *both[2];
    for (int k = 0; k < 2; k++) {
        both[k] = ting_arena_take_zeroed(s->ctx->arena, (size_t)s->beam, sizeof **both);
        for (int b = 0; b < s->beam && both[k] != NULL; b++)
            both[k][b].ids = ting_arena_take(s->ctx->arena, ((size_t)s->longest + 2) * sizeof(int));
    }
    if (ting_arena_failed(s->ctx->arena))
        return TING_ERR_MEMORY;
    s->now = both[0];
    s->next = both[1];
    s->now[0].ids[0] = TING_P2H_BEGIN;
    s->count = 1;
    return TING_OK;
}

/* The search itself: s->now holds the lines afterwards. */
static ting_err run(search *s)
{
    ting_err err = TING_OK;
    const int memory_start[] = {0, s->input.count};
    TRY(take_beam(s));
    if (s->input.count == 0)
        return TING_OK;
    s->memory = ting_p2h_encode(s->ctx, s->model, s->input.syllables, (ting_segments){1, memory_start});
    TRY(s->ctx->err);
    TRY(ting_p2h_steps_begin(s->ctx, s->model, s->memory, (ting_segments){1, memory_start}, s->beam, s->longest + 1, &s->steps));
    bool going = true;
    for (int t = 0; going && t < s->longest; t++) {
        TRY(step(s));
        going = false;
        for (int b = 0; b < s->count; b++)
            going |= !s->now[b].ended;
    }
out:
    ting_p2h_steps_end(&s->steps);
    return err;
}

/* Other characters for each place of a line: one pass with the line itself as the past. */
static ting_err list_alternatives(search *s, const ting_p2h_line *line, int *alternatives)
{
    ting_err err = TING_OK;
    const int width = s->options->alternatives, start[] = {0, line->count}, memory_start[] = {0, s->memory.rows};
    if (line->count == 0 || width == 0)
        return TING_OK;
    int *ids = ting_ctx_ints(s->ctx, line->count + 1);
    TRY(s->ctx->err);
    ids[0] = TING_P2H_BEGIN;
    memcpy(ids + 1, line->characters, (size_t)line->count * sizeof *ids);
    ting_tensor hidden = ting_p2h_run_decoder(s->ctx, s->model, s->memory, (ting_segments){1, memory_start}, ids,
                                         (ting_segments){1, start}, NULL);
    ting_tensor logits = ting_p2h_decoder_logits(s->ctx, s->model, hidden);
    TRY(s->ctx->err);
    for (int t = 0; t < line->count; t++) {
        const int *list = NULL;
        int *row = alternatives + (size_t)t * (size_t)width;
        int count = allowed_at(s, t, &list), used = 0;
        const bool all = count == 0;
        if (all)
            count = s->model->tables.characters - TING_P2H_FIRST;
        for (int i = 0; i < count; i++) { /* insertion into a short falling list */
            int character = all ? TING_P2H_FIRST + i : list[i], at = used;
            const ting_real *score = ting_row(logits, t);
            if (character == line->characters[t] || (used == width && score[row[width - 1]] >= score[character]))
                continue;
            at = used < width ? used++ : width - 1;
            for (; at > 0 && score[row[at - 1]] < score[character]; at--)
                row[at] = row[at - 1];
            row[at] = character;
        }
        while (used < width)
            row[used++] = -1;
    }
out:
    return err;
}

/* Searches one piece; what is not returned is given back. */
static ting_err read_piece(search *s, piece *out)
{
    ting_err err = TING_OK;
    ting_arena *arena = s->ctx->arena;
    const size_t nbest = (size_t)s->options->nbest, width = (size_t)s->options->alternatives;
    s->longest = is_aligned(s) ? s->input.count : 2 * s->input.count + 8;
    out->lines = ting_arena_take_zeroed(arena, nbest, sizeof *out->lines);
    out->scores = ting_arena_take(arena, nbest * sizeof *out->scores);
    int *characters = ting_arena_take(arena, nbest * (size_t)s->longest * sizeof *characters);
    out->alternatives = ting_arena_take(arena, (size_t)s->longest * width * sizeof *out->alternatives);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    ting_arena_mark mark = ting_arena_tell(arena);
    TRY(run(s));
    for (int b = 0; b < s->count && b < s->options->nbest; b++, characters += s->longest) {
        out->lines[b] = (ting_p2h_line){.characters = characters, .count = s->now[b].length};
        out->scores[b] = s->now[b].score;
        if (s->now[b].length > 0)
            memcpy(characters, s->now[b].ids + 1, (size_t)s->now[b].length * sizeof *characters);
        out->line_count++;
    }
    TRY(list_alternatives(s, &out->lines[0], out->alternatives));
    ting_arena_rewind(arena, mark);
out:
    return err;
}

static int piece_count(int syllables)
{
    return syllables <= TING_S2S_PIECE ? 1 : (syllables + TING_S2S_PIECE - 1) / TING_S2S_PIECE;
}

/* The best lines of a sequence from those of its pieces, behind those that are there. */
static ting_err join_pieces(const search *s, const ting_p2h_input *input, int number, const piece *pieces,
                            ting_p2h_line *lines, int *line_count)
{
    ting_err err = TING_OK;
    ting_arena *arena = s->ctx->arena;
    const int count = piece_count(input->count);
    ting_sums sums;
    ting_sum_list *lists = ting_arena_take(arena, (size_t)count * sizeof *lists);
    int *choices = ting_arena_take(arena, (size_t)count * sizeof *choices);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (int k = 0; k < count; k++)
        lists[k] = (ting_sum_list){pieces[k].scores, pieces[k].line_count};
    TRY(ting_sums_find(arena, lists, count, s->options->nbest, s->options->input_weight * input->score, &sums));
    for (int i = 0; i < sums.count; i++) {
        ting_p2h_line *line = &lines[(*line_count)++];
        *line = (ting_p2h_line){.input = number, .score = ting_sums_score(&sums, i)};
        ting_sums_choices(&sums, i, choices);
        for (int k = 0; k < count; k++)
            line->count += pieces[k].lines[choices[k]].count;
        line->characters = ting_arena_take(arena, (size_t)line->count * sizeof *line->characters);
        if (line->characters == NULL)
            return TING_ERR_MEMORY;
        int *to = line->characters;
        for (int k = 0; k < count; k++) {
            const ting_p2h_line *part = &pieces[k].lines[choices[k]];
            memcpy(to, part->characters, (size_t)part->count * sizeof *to);
            to += part->count;
        }
    }
out:
    return err;
}

static ting_err read_sequence(search *s, const ting_p2h_input *input, int number, piece **pieces, ting_p2h_line *lines,
                              int *line_count)
{
    ting_err err = TING_OK;
    const int count = piece_count(input->count);
    *pieces = ting_arena_take_zeroed(s->ctx->arena, (size_t)count, sizeof **pieces);
    if (*pieces == NULL)
        return TING_ERR_MEMORY;
    for (int k = 0; k < count; k++) { /* of equal length */
        int from = (int)((long long)input->count * k / count), to = (int)((long long)input->count * (k + 1) / count);
        s->input = (ting_p2h_input){.syllables = input->syllables + from, .count = to - from};
        TRY(read_piece(s, &(*pieces)[k]));
    }
    TRY(join_pieces(s, input, number, *pieces, lines, line_count));
out:
    return err;
}

/* Whether a line is the first lines of the pieces, one behind the other. */
static bool is_first(const ting_p2h_line *line, const piece *pieces, int count)
{
    int at = 0;
    for (int k = 0; k < count; k++) {
        const ting_p2h_line *part = &pieces[k].lines[0];
        if (part->count > line->count - at ||
            (part->count > 0 && memcmp(line->characters + at, part->characters, (size_t)part->count * sizeof *part->characters) != 0))
            return false;
        at += part->count;
    }
    return at == line->count;
}

/* Those of the pieces of the best line's sequence, whose first line is the first line of each piece, unless a rescorer found another one
 * better: then none are known. */
static ting_err join_alternatives(const search *s, const piece *pieces, int count, ting_p2h_page *out)
{
    const size_t width = (size_t)s->options->alternatives;
    int *to = ting_arena_take(s->ctx->arena, (size_t)out->lines[0].count * width * sizeof *to);
    if (to == NULL)
        return TING_ERR_MEMORY;
    out->alternatives = to;
    if (!is_first(&out->lines[0], pieces, count)) {
        for (size_t i = 0; i < (size_t)out->lines[0].count * width; i++)
            to[i] = -1;
        return TING_OK;
    }
    for (int k = 0; k < count; k++) {
        const size_t part = (size_t)pieces[k].lines[0].count * width;
        if (part > 0)
            memcpy(to, pieces[k].alternatives, part * sizeof *to);
        to += part;
    }
    return TING_OK;
}

ting_err ting_s2s_search(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool, ting_arena *arena,
                         const ting_p2h_options *options, const ting_p2h_input *inputs, int input_count,
                         ting_p2h_page *out)
{
    ting_err err = TING_OK;
    ting_ctx ctx = {.arena = arena, .pool = pool, .kern = kern};
    search s = {.model = model, .options = options, .ctx = &ctx,
                .beam = options->nbest > LEAST_BEAM ? options->nbest : LEAST_BEAM};
    piece **pieces = ting_arena_take_zeroed(arena, (size_t)input_count, sizeof *pieces);
    out->lines = ting_arena_take_zeroed(arena, (size_t)input_count * (size_t)options->nbest, sizeof *out->lines);
    if (pieces == NULL || out->lines == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < input_count; i++)
        TRY(read_sequence(&s, &inputs[i], i, &pieces[i], out->lines, &out->line_count));
    TRY(ting_p2h_rescore(&ctx, options->rescorer, out->lines, out->line_count));
    out->line_count = ting_p2h_lines_sort(out->lines, out->line_count, options->nbest);
    const int best = out->lines[0].input;
    TRY(join_alternatives(&s, pieces[best], piece_count(inputs[best].count), out));
out:
    return err;
}

/* The best of the characters that each syllable may be, behind those before it. */
static void choose(const ting_p2h_model *model, const int *ids, ting_tensor logits, const int *places, int *characters)
{
    for (int a = 0; a < logits.rows; a++) {
        const int place = places[a], *list = NULL;
        const int count = ting_p2h_allowed(&model->tables, TING_P2H_EXACT, ids[place], &list);
        characters[place] = -1;
        for (int i = 0; i < count; i++)
            if (characters[place] < 0 || ting_row(logits, a)[list[i]] > ting_row(logits, a)[characters[place]])
                characters[place] = list[i];
    }
}

ting_err ting_s2s_greedy(ting_ctx *ctx, const ting_p2h_model *model, const int *ids, ting_segments segments, int *characters)
{
    ting_err err = TING_OK;
    ting_p2h_steps steps = {0};
    const int count = segments.count;
    int *past = ting_ctx_ints(ctx, count), *parents = ting_ctx_ints(ctx, count), *places = ting_ctx_ints(ctx, count),
        *at = ting_ctx_ints(ctx, count), longest = 0; /* at: each segment among the hypotheses */
    ting_tensor memory = ting_p2h_encode(ctx, model, ids, segments);
    TRY(ctx->err);
    for (int s = 0; s < count; s++) {
        at[s] = s;
        longest = segments.start[s + 1] - segments.start[s] > longest ? segments.start[s + 1] - segments.start[s] : longest;
    }
    TRY(ting_p2h_steps_begin(ctx, model, memory, segments, count, longest + 1, &steps));
    for (int t = 0; t < longest; t++) {
        ting_arena_mark mark = ting_arena_tell(ctx->arena);
        int active = 0;
        for (int s = 0; s < count; s++) {
            const int place = segments.start[s] + t;
            if (place >= segments.start[s + 1])
                continue;
            past[active] = t == 0 ? TING_P2H_BEGIN : characters[place - 1] < 0 ? TING_P2H_UNKNOWN : characters[place - 1];
            parents[active] = at[s];
            places[active] = place;
            at[s] = active++;
        }
        const ting_tensor logits = ting_p2h_decoder_logits(ctx, model, ting_p2h_step(ctx, &steps, past, parents, active));
        TRY(ctx->err);
        choose(model, ids, logits, places, characters);
        ting_arena_rewind(ctx->arena, mark);
    }
out:
    ting_p2h_steps_end(&steps);
    return err;
}
