/* SPDX-License-Identifier: Apache-2.0 */
/* pronounce.c - see pronounce.h. */
#include "engine/pronounce.h"

#include "base/logsum.h"
#include "base/mem.h"
#include "decode/predictor_cache.h" /* how a context begins and goes on */
#include "decode/substitute.h"
#include "engine/result.h"
#include "engine/spell.h"

#include <math.h>
#include <string.h>

enum {
    NOTHING = TING_PINYIN_NONE, /* the syllable of the path without tokens */
    WAYS = TING_PINYIN_COUNT + 1,
    REACH = 12,                    /* rows before and behind the syllable's own tokens where no neighbour is nearer: half a second */
    LIKELIEST = 32,                /* ways that are looked at exactly, beside the best of each initial, final and tone */
    ASPECT_MOST = TING_FINAL_COUNT /* there are more finals than initials or tones */
};

typedef enum aspect { INITIAL, FINAL, TONE, ASPECTS } aspect;

struct ting_pronouncer {
    const ting_am *am;
    ting_align_path paths[WAYS]; /* [count] all that may be said */
    int syllables[WAYS];         /* [count] NOTHING: of the path without tokens, the first */
    double bounds[WAYS];         /* [count] at the place at hand */
    int count;
    ting_align_path chosen[WAYS]; /* [chosen_count] those that are looked at exactly */
    int chosen_syllables[WAYS];
    double log_probs[WAYS];
    int chosen_count;
};

ting_err ting_pronouncer_new(const ting_am *am, ting_pronouncer **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_pronouncer *p = ting_alloc(1, sizeof *p);
    if (p == NULL)
        return TING_ERR_MEMORY;
    p->am = am;
    p->syllables[p->count++] = NOTHING;
    for (int id = 0; id < TING_PINYIN_COUNT; id++) {
        const ting_align_path path = ting_spell(am, id);
        if (path.count == 0)
            continue;
        p->paths[p->count] = path;
        p->syllables[p->count++] = id;
    }
    if (p->count == 1)
        FAIL(TING_ERR_UNSUPPORTED, "pronunciation is scored by a model whose tokens are pinyin, but this one writes characters");
    *out = p;
    p = NULL;
out:
    ting_pronouncer_free(p);
    return err;
}

void ting_pronouncer_free(ting_pronouncer *pronouncer)
{
    ting_free(pronouncer);
}

/* Which initial, final or tone a syllable has. */
static int value_of(aspect a, int syllable)
{
    return a == INITIAL ? (int)ting_pinyin_initial(syllable)
           : a == FINAL ? (int)ting_pinyin_final(syllable)
                        : ting_pinyin_tone(syllable);
}

/* The syllable that emissions first .. end - 1 make; NOTHING: none. */
static int syllable_of(const ting_am *am, const ting_emission *emissions, int first, int end)
{
    const ting_piece *last = &am->pieces[emissions[end - 1].token], *before = &am->pieces[emissions[first].token];
    if (last->kind == TING_PIECE_SYLLABLE)
        return last->syllable;
    if (last->kind != TING_PIECE_FINAL)
        return NOTHING;
    return ting_pinyin_join(end - first > 1 ? before->initial : TING_INITIAL_none, last->final, last->tone);
}

/* The rows between the neighbours of emissions first .. end - 1. */
static ting_window window_of(const ting_am_net *net, bool ctc, const ting_forced_alignment *a, int first, int end, int rows)
{
    ting_window w = {.first = (int)a->emissions[first].row - REACH, .end = (int)a->emissions[end - 1].row + 1 + REACH, .after = -1};
    if (w.first < 0)
        w.first = 0;
    if (w.end > rows)
        w.end = rows;
    if (ctc) {
        w.before[0] = -1;
    } else {
        ting_predictor_start(net->transducer, net->config.transducer.blank, w.before);
        for (int i = first < TING_TRANSDUCER_MAX_CONTEXT ? 0 : first - TING_TRANSDUCER_MAX_CONTEXT; i < first; i++)
            ting_predictor_push(net->transducer, a->emissions[i].token, w.before);
    }
    if (first > 0 && a->emissions[first - 1].row >= w.first) {
        w.first = (int)a->emissions[first - 1].row + 1;
        if (ctc)
            w.before[0] = a->emissions[first - 1].token;
    }
    if (end < a->count && a->emissions[end].row <= w.end) {
        w.end = (int)a->emissions[end].row;
        w.after = a->emissions[end].token;
    }
    return w;
}

static void choose(ting_pronouncer *p, int way)
{
    for (int i = 0; i < p->chosen_count; i++)
        if (p->chosen_syllables[i] == p->syllables[way])
            return;
    p->chosen[p->chosen_count] = p->paths[way];
    p->chosen_syllables[p->chosen_count++] = p->syllables[way];
}

/* The ways that have a say: nothing, the expected one, the best of each initial, final and tone, and the likeliest. */
static void choose_all(ting_pronouncer *p, int expected)
{
    p->chosen_count = 0;
    choose(p, 0);
    for (aspect a = INITIAL; a < ASPECTS; a++) {
        int best[ASPECT_MOST + 1];
        for (int v = 0; v <= ASPECT_MOST; v++)
            best[v] = -1;
        for (int i = 1; i < p->count; i++) {
            const int v = value_of(a, p->syllables[i]);
            if (best[v] < 0 || p->bounds[i] > p->bounds[best[v]])
                best[v] = i;
        }
        for (int v = 0; v <= ASPECT_MOST; v++)
            if (best[v] >= 0)
                choose(p, best[v]);
    }
    for (int i = 1; i < p->count; i++)
        if (p->syllables[i] == expected)
            choose(p, i);
    for (int k = 0; k < LIKELIEST; k++) {
        int best = 0;
        for (int i = 1; i < p->count; i++)
            if (p->bounds[i] > p->bounds[best] || best == 0)
                best = i;
        choose(p, best);
        p->bounds[best] = -INFINITY;
    }
}

/* What is left of a log-ratio where one side has no probability at all: less than any float's. */
static double bounded(double log_ratio)
{
    return fmin(fmax(log_ratio, -100), 100);
}

static ting_grade grade_of(double expected, double rival)
{
    const double log_ratio = expected == -INFINITY && rival == -INFINITY ? 0 : bounded(expected - rival);
    return (ting_grade){100 / (1 + exp(-log_ratio)), log_ratio};
}

/* The expected initial, final or tone against the best of the others, and against nothing. */
static ting_grade grade_aspect(const ting_pronouncer *p, aspect a, int expected)
{
    double sums[ASPECT_MOST + 1], rival = p->log_probs[0];
    for (int v = 0; v <= ASPECT_MOST; v++)
        sums[v] = -INFINITY;
    for (int i = 1; i < p->chosen_count; i++) {
        double *sum = &sums[value_of(a, p->chosen_syllables[i])];
        *sum = ting_log_add(*sum, p->log_probs[i]);
    }
    const int wanted = value_of(a, expected);
    for (int v = 0; v <= ASPECT_MOST; v++)
        if (v != wanted)
            rival = fmax(rival, sums[v]);
    return grade_of(sums[wanted], rival);
}

static const char *write(ting_arena *arena, int syllable)
{
    char room[TING_PINYIN_ROOM] = "";
    if (syllable != NOTHING)
        ting_pinyin_write(syllable, TING_PINYIN_NUMBERED, room);
    return ting_arena_text(arena, room);
}

static ting_err grade(const ting_pronouncer *p, int expected, ting_arena *arena, const ting_pronunciation **out)
{
    ting_err err = TING_OK;
    double own = -INFINITY, rival = -INFINITY;
    int heard = 0;
    for (int i = 0; i < p->chosen_count; i++) {
        if (p->log_probs[i] > p->log_probs[heard])
            heard = i;
        if (p->chosen_syllables[i] == expected)
            own = p->log_probs[i];
        else
            rival = fmax(rival, p->log_probs[i]);
    }
    ting_pronunciation *made = ting_arena_take_zeroed(arena, 1, sizeof *made);
    if (made == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a pronunciation");
    *made = (ting_pronunciation){.expected = write(arena, expected),
                                 .heard = write(arena, p->chosen_syllables[heard]),
                                 .syllable = grade_of(own, rival),
                                 .initial = grade_aspect(p, INITIAL, expected),
                                 .final = grade_aspect(p, FINAL, expected),
                                 .tone = grade_aspect(p, TONE, expected)};
    if (ting_arena_failed(arena))
        FAIL(TING_ERR_MEMORY, "out of memory for a pronunciation");
    *out = made;
out:
    return err;
}

ting_err ting_pronounce(ting_pronouncer *p, ting_ctx *ctx, ting_tensor rows, const ting_forced_alignment *alignment, bool ctc,
                        int place, int places, ting_arena *arena, const ting_pronunciation **out)
{
    ting_err err = TING_OK;
    const ting_am_net *net = p->am->net;
    const int first = alignment->firsts[place], end = place + 1 < places ? alignment->firsts[place + 1] : alignment->count;
    const int expected = syllable_of(p->am, alignment->emissions, first, end);
    *out = NULL;
    if (expected == NOTHING)
        goto out;
    const ting_window w = window_of(net, ctc, alignment, first, end, rows.rows);
    TRY(ting_substitute(ctx, net, ctc, rows, &w, p->paths, p->count, TING_SUBSTITUTE_BOUND, p->bounds));
    choose_all(p, expected);
    TRY(ting_substitute(ctx, net, ctc, rows, &w, p->chosen, p->chosen_count, TING_SUBSTITUTE_EXACT, p->log_probs));
    TRY(grade(p, expected, arena, out));
out:
    return err;
}
