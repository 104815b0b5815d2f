/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_choices.c - the best line taken apart: what the sound, the pinyin-to-hanzi network, the language model and hotwords gave
 * each of its characters, and what the line would lose with a rival in its place; see explain.h.
 *
 * A rival changes what the language model says of the words behind it too, so its difference is that of whole lines. The terms of the
 * chosen ones add up to the score of the line.
 */
#include "engine/explain.h"

#include "base/utf8.h"
#include "decode/p2h_rescore.h"
#include "engine/hotword_text.h"

#include <math.h>
#include <string.h>

enum { NEIGHBOURS_MOST = 64 }; /* syllables of a line whose attention is shown: what the network reads at once */

typedef struct spot { /* a character of the best line, or a place of it that is empty */
    int place;
    int character;    /* TING_P2H_NOTHING: it is empty */
    int index;        /* in the line; -1: it is empty */
    int hotword;      /* number in the list, from 1; 0: none */
    int first, end;   /* spots of the hotword */
    double log_prob;  /* the language model's, of the character */
    double lift;      /* in a hotword's first spot */
} spot;

typedef struct taken_apart { /* a sentence's best line */
    const ting_hanzi_p2h_use *use;
    const ting_p2h_page *page;
    const ting_p2h_line *line;
    const ting_p2h_tables *tables;
    spot *spots; /* [count] */
    int count;
} taken_apart;

/* Empty places within a hotword are its too. */
static void mark_hotwords(taken_apart *t)
{
    int first = 0;
    for (int i = 0; i < t->count; i++) {
        const int k = t->spots[i].index;
        const ting_p2h_origin *origin = k >= 0 ? &t->line->origins[k] : NULL;
        if (origin == NULL || origin->hotword == 0)
            continue;
        first = origin->part == 0 ? i : first;
        for (int within = first; within <= i; within++) {
            spot *own = &t->spots[within];
            *own = (spot){own->place, own->character, own->index, origin->hotword, first, i + 1, 0, 0};
        }
    }
}

static ting_err take_apart(ting_arena *arena, const ting_explained_sentence *s, taken_apart *t)
{
    ting_err err = TING_OK;
    const ting_p2h_page *page = &s->seen.page;
    *t = (taken_apart){.use = s->use, .page = page, .line = &page->lines[0]};
    t->tables = &ting_hanzi_p2h_model(s->use->p2h)->tables;
    t->spots = ting_arena_take(arena, ((size_t)page->place_count + (size_t)t->line->count) * sizeof *t->spots);
    if (t->spots == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    for (int p = 0, k = 0; p < page->place_count; p++) {
        if (k == t->line->count || t->line->places[k] > p)
            t->spots[t->count++] = (spot){.place = p, .character = TING_P2H_NOTHING, .index = -1};
        for (; k < t->line->count && t->line->places[k] == p; k++) /* a hotword may have several at one place */
            t->spots[t->count++] = (spot){.place = p, .character = t->line->characters[k], .index = k};
    }
    mark_hotwords(t);
out:
    return err;
}

/* ---- the language model ---- */

/* log p of a character, as the search has it: within a hotword those that the model does not know don't share the probability of <unk>. */
static double say(const taken_apart *t, int character, bool in_hotword, ting_ngram_state *state)
{
    const ting_p2h_lm *lm = t->use->lm;
    if (character == TING_P2H_NOTHING)
        return 0;
    const uint32_t word = character == TING_P2H_FOREIGN ? TING_NGRAM_UNKNOWN : lm->word[character];
    const double shared = word == TING_NGRAM_UNKNOWN && !in_hotword ? lm->unknown : 0;
    return ting_ngram_score(lm->ngram, state, word, state) + shared;
}

/* log p of the line with `character` in spot `at`, which is no hotword's (-1: as it is, which is noted in the spots). A hotword's is not
 * less than the list says. *end: of the sentence's end, part of the sum. */
static double say_line(taken_apart *t, int at, int character, double *end)
{
    ting_ngram_state state = ting_ngram_begin(t->use->lm->ngram);
    double sum = 0;
    for (int p = 0; p < t->count;) {
        const int first = p, hotword = t->spots[p].hotword;
        double said = 0;
        do {
            const double log_prob = say(t, p == at ? character : t->spots[p].character, hotword > 0, &state);
            if (at < 0)
                t->spots[p].log_prob = log_prob;
            said += log_prob;
            p++;
        } while (hotword > 0 && p < t->spots[first].end);
        if (hotword > 0) {
            const double least = ting_hotwords_at(t->use->hotwords->hotwords, hotword - 1)->log_prob;
            if (at < 0)
                t->spots[first].lift = fmax(least - said, 0);
            said = fmax(said, least);
        }
        sum += said;
    }
    *end = ting_ngram_score(t->use->lm->ngram, &state, TING_NGRAM_END, &state);
    return sum + *end;
}

/* The second language model's terms for the line and for those with characters[i] in a spot: terms [1 + count]. */
static ting_err rank_lines(const taken_apart *t, ting_ctx *ctx, int at, const int *characters, int count, double *terms)
{
    ting_err err = TING_OK;
    ting_p2h_line lines[1 + TING_CHOICE_RIVALS] = {{NULL}};
    for (int l = 0; l <= count; l++) {
        lines[l].characters = ting_ctx_ints(ctx, t->count);
        TRY(ctx->err);
        for (int p = 0; p < t->count; p++) {
            const int here = l > 0 && p == at ? characters[l - 1] : t->spots[p].character;
            if (here != TING_P2H_NOTHING)
                lines[l].characters[lines[l].count++] = here;
        }
    }
    TRY(ting_p2h_rescore(ctx, t->use->rescorer, lines, 1 + count));
    for (int l = 0; l <= count; l++)
        terms[l] = lines[l].score;
out:
    return err;
}

/* ---- the other terms ---- */

/* The syllable in the network of places that an origin stands for; NULL: sequences did not compete. */
static const ting_confusion_choice *heard_as(const taken_apart *t, int place, const ting_p2h_origin *origin)
{
    if (t->page->network.count == 0 || origin == NULL)
        return NULL;
    const ting_confusion_place *p = &t->page->network.places[place];
    for (int i = 0; i < p->count; i++)
        if (origin->input == p->choices[i].input && origin->place == p->choices[i].place && origin->other == p->choices[i].other)
            return &p->choices[i];
    return NULL;
}

static void write_syllable(const taken_apart *t, int syllable, ting_choice *c)
{
    if (syllable >= TING_P2H_FIRST)
        memcpy(c->pinyin, t->tables->syllable[syllable], sizeof c->pinyin);
}

/* Number `i` of what may stand at a place, without the language model's term. */
static ting_choice look_at(const taken_apart *t, int place, int i)
{
    ting_choice c = {.text = ""};
    const ting_p2h_place *p = &t->page->places[place];
    const ting_confusion_choice *heard = heard_as(t, place, p->origins != NULL ? &p->origins[i] : NULL);
    const bool empty = p->characters[i] == TING_P2H_NOTHING;
    if (!empty)
        c.text[ting_utf8_encode(t->tables->character[p->characters[i]], c.text)] = '\0';
    if (heard != NULL) {
        c.sound = t->use->heard_weight * heard->log_prob;
        c.length = empty ? 0 : t->use->bonus;
        write_syllable(t, heard->symbol, &c);
    }
    c.network = p->log_probs[i] - c.sound - c.length;
    return c;
}

/* A hotword's syllable: the network is not asked. What other tones and empty places lost is the first one's. */
static ting_choice look_at_hotword(const taken_apart *t, int at, const char *written)
{
    ting_choice c = {.text = ""};
    const spot *own = &t->spots[at];
    if (strlen(written) < sizeof c.text) /* of what is written otherwise, such as Latin words, the card tells */
        memcpy(c.text, written, strlen(written) + 1);
    if (own->index < 0)
        return c;
    const ting_confusion_choice *heard = heard_as(t, own->place, &t->line->origins[own->index]);
    if (heard != NULL) {
        c.sound = t->use->heard_weight * heard->log_prob;
        write_syllable(t, heard->symbol, &c);
    }
    c.length = t->use->bonus;
    if (at != own->first)
        return c;
    const int first = own->place, end = t->spots[own->end - 1].place + 1;
    for (int m = 0; m < t->page->matches.count; m++) {
        const ting_hotword_match *match = &t->page->matches.items[m];
        if (match->number + 1 != own->hotword || match->first != first || match->end != end)
            continue;
        double parts = 0;
        for (int i = own->first; i < own->end; i++) {
            const spot *other = &t->spots[i];
            const ting_confusion_choice *as = other->index >= 0 ? heard_as(t, other->place, &t->line->origins[other->index]) : NULL;
            parts += as != NULL ? t->use->heard_weight * as->log_prob + t->use->bonus : 0;
        }
        c.sound += match->score - parts;
        break;
    }
    return c;
}

/* ---- decisions ---- */

/* Which of those at its place the line has in a spot; -1: none of them, a hotword's. */
static int chosen_at(const taken_apart *t, int at)
{
    const ting_p2h_place *p = &t->page->places[t->spots[at].place];
    for (int i = 0; i < p->count && t->spots[at].hotword == 0; i++)
        if (p->characters[i] == t->spots[at].character)
            return i;
    return -1;
}

/* characters: of the rivals, in their order. */
static void add_rival(ting_decision *d, int *characters, ting_choice rival, int character)
{
    if (d->rival_count == TING_CHOICE_RIVALS && d->rivals[TING_CHOICE_RIVALS - 1].total >= rival.total)
        return;
    int at = d->rival_count < TING_CHOICE_RIVALS ? d->rival_count++ : TING_CHOICE_RIVALS - 1;
    for (; at > 0 && d->rivals[at - 1].total < rival.total; at--) {
        d->rivals[at] = d->rivals[at - 1];
        characters[at] = characters[at - 1];
    }
    d->rivals[at] = rival;
    characters[at] = character;
}

/* The rivals by the search; then in the order in which the second language model leaves them. */
static ting_err find_rivals(taken_apart *t, ting_ctx *ctx, int at, int chosen, double language, ting_decision *d)
{
    ting_err err = TING_OK;
    const int place = t->spots[at].place;
    const ting_p2h_place *p = &t->page->places[place];
    const ting_choice own = look_at(t, place, chosen);
    int characters[TING_CHOICE_RIVALS];
    double end, terms[1 + TING_CHOICE_RIVALS];
    for (int i = 0; i < p->count; i++) {
        if (i == chosen)
            continue;
        ting_choice c = look_at(t, place, i);
        c.sound -= own.sound;
        c.network -= own.network;
        c.length -= own.length;
        if (t->use->lm != NULL)
            c.language = t->use->lm->weight * (say_line(t, at, p->characters[i], &end) - language);
        c.total = c.sound + c.network + c.length + c.language;
        add_rival(d, characters, c, p->characters[i]);
    }
    if (t->use->rescorer == NULL)
        goto out;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    TRY(rank_lines(t, ctx, at, characters, d->rival_count, terms));
    ting_arena_rewind(ctx->arena, mark);
    const ting_decision found = *d;
    d->rival_count = 0;
    for (int r = 0; r < found.rival_count; r++) {
        ting_choice c = found.rivals[r];
        c.ranking = terms[1 + r] - terms[0];
        c.total += c.ranking;
        add_rival(d, characters, c, characters[r]);
    }
out:
    return err;
}

static const char *written_at(const ting_explained_sentence *s, const spot *own)
{
    return own->index >= 0 ? s->seen.written.lines[0].characters[own->index] : "";
}

ting_err ting_explain_decisions(ting_explained *e, int sentence, ting_decisions *out)
{
    ting_err err = TING_OK;
    const ting_explained_sentence *s = &e->sentences[sentence];
    taken_apart t;
    ting_ctx ctx = {.arena = NULL, .kern = ting_kern_select(ting_cpu_detect())};
    double language = 0, ranking = 0, end = 0, sum = 0;
    *out = (ting_decisions){.count = 0};
    if (s->use == NULL || s->seen.page.place_count == 0 || s->seen.page.lines[0].places == NULL)
        goto out;
    TRY(take_apart(e->arena, s, &t));
    ting_decision *items = ting_arena_take_zeroed(e->arena, (size_t)t.count, sizeof *items);
    ctx.arena = ting_arena_new(1 << 16);
    if (items == NULL || ctx.arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    if (t.use->lm != NULL)
        language = say_line(&t, -1, 0, &end);
    if (t.use->rescorer != NULL)
        TRY(rank_lines(&t, &ctx, -1, NULL, 0, &ranking));
    for (int p = 0; p < t.count; p++) {
        ting_decision *d = &items[p];
        const spot *own = &t.spots[p];
        const int chosen = chosen_at(&t, p);
        d->chosen = chosen >= 0 ? look_at(&t, own->place, chosen) : look_at_hotword(&t, p, written_at(s, own));
        d->place = own->place;
        d->hotword = own->hotword;
        d->part = own->index >= 0 ? t.line->origins[own->index].part : 0;
        if (t.use->lm != NULL) {
            d->chosen.language = t.use->lm->weight * own->log_prob;
            d->lift = t.use->lm->weight * own->lift;
        }
        d->chosen.total = d->chosen.sound + d->chosen.network + d->chosen.length + d->chosen.language + d->lift;
        sum += d->chosen.total;
        if (chosen >= 0)
            TRY(find_rivals(&t, &ctx, p, chosen, language, d));
    }
    *out = (ting_decisions){.items = items, .count = t.count, .score = t.line->score, .weighed = t.use->lm != NULL,
                            .ranked = t.use->rescorer != NULL, .competed = t.page->network.count > 0, .ranking = ranking};
    out->end = out->weighed ? t.use->lm->weight * end : 0;
    out->heard = out->competed ? 0 : out->score - sum - out->end - ranking;
out:
    ting_arena_free(ctx.arena);
    return err;
}

/* ---- who looks at whom ---- */

ting_err ting_explain_neighbours(ting_explained *e, int sentence, const float **weights, int *count)
{
    ting_err err = TING_OK;
    const ting_explained_sentence *s = &e->sentences[sentence];
    ting_attention_maps maps = {0};
    const ting_tap tap = ting_attention_maps_tap(&maps);
    ting_ctx ctx = {.arena = NULL, .kern = ting_kern_select(ting_cpu_detect()), .tap = &tap};
    const ting_p2h_line *line = s->use != NULL && s->seen.page.line_count > 0 ? &s->seen.page.lines[0] : NULL;
    const ting_p2h_net *net = s->use != NULL ? ting_hanzi_p2h_model(s->use->p2h)->net : NULL;
    const int starts[2] = {0, line != NULL ? line->count : 0};
    int ids[NEIGHBOURS_MOST];
    *weights = NULL;
    *count = 0;
    if (line == NULL || net == NULL || line->count < 2 || line->count > NEIGHBOURS_MOST || line->count != s->sentence->char_count)
        goto out;
    for (int k = 0; k < line->count; k++) {
        const char *pinyin = ting_sentence_char(s->sentence, k)->pinyin;
        ids[k] = ting_p2h_syllable(&ting_hanzi_p2h_model(s->use->p2h)->tables, pinyin, strlen(pinyin));
    }
    ctx.arena = ting_arena_new(1 << 20);
    if (ctx.arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    ting_p2h_net_forward(&ctx, net, ids, (ting_segments){1, starts});
    TRY(ctx.err);
    TRY(maps.err);
    float *mean = ting_arena_take_zeroed(e->arena, (size_t)line->count * (size_t)line->count, sizeof *mean);
    if (mean == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    for (int m = 0; m < maps.count; m++)
        for (int r = 0; r < maps.items[m].count; r++) {
            const ting_attention_map *map = &maps.items[m];
            const ting_attention_look *row = &map->rows[r];
            for (int i = 0; i < map->heads * row->keys; i++)
                mean[row->row * line->count + row->row + row->lag + i % row->keys] +=
                    map->weights[row->at + (size_t)i] / (float)(map->heads * maps.count);
        }
    *weights = mean;
    *count = line->count;
out:
    ting_attention_maps_free(&maps);
    ting_arena_free(ctx.arena);
    return err;
}
