/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_batch.c - the order of an epoch and the content of a batch; see p2h_batch.h. */
#include "data/p2h_batch.h"

#include "base/mem.h"
#include "data/epoch.h"
#include "data/p2h_confuse.h"

struct ting_p2h_sampler {
    const ting_p2h_corpus *corpus;
    ting_p2h_sampler_options options;
    ting_epoch_group *groups; /* [group_count]: the sources to learn from */
    int group_count;
    ting_p2h_confuser *confuser;
    int *reading_start, *readings; /* [characters + 1], by character: its syllables */
    ting_epoch epoch;
};

/* The tables' choices seen from the character. */
static bool turn_readings(ting_p2h_sampler *s)
{
    const ting_p2h_tables *t = &s->corpus->tables;
    size_t pairs = (size_t)t->choice_start[t->syllables];
    s->reading_start = ting_alloc((size_t)t->characters + 2, sizeof *s->reading_start);
    s->readings = ting_alloc(pairs, sizeof *s->readings);
    if (s->reading_start == NULL || s->readings == NULL)
        return false;
    int *next = s->reading_start + 1; /* counts, then running places: ends as the starts */
    for (size_t i = 0; i < pairs; i++)
        next[t->choices[i] + 1]++;
    for (int c = 0; c < t->characters; c++)
        next[c + 1] += next[c];
    for (int syllable = 0; syllable < t->syllables; syllable++)
        for (int i = t->choice_start[syllable]; i < t->choice_start[syllable + 1]; i++)
            s->readings[next[t->choices[i]]++] = syllable;
    return true;
}

ting_p2h_sampler *ting_p2h_sampler_new(const ting_p2h_corpus *corpus, const ting_p2h_sampler_options *options)
{
    ting_p2h_sampler *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->corpus = corpus;
    s->options = *options;
    s->groups = ting_alloc((size_t)corpus->sources, sizeof *s->groups);
    s->confuser = ting_p2h_confuser_new(&corpus->tables);
    if (s->groups == NULL || s->confuser == NULL || !turn_readings(s)) {
        ting_p2h_sampler_free(s);
        return NULL;
    }
    for (int i = 0; i < corpus->sources; i++) {
        const ting_p2h_source *source = &corpus->source[i];
        if (source->kind == TING_P2H_TRAIN)
            s->groups[s->group_count++] = (ting_epoch_group){source->first, source->count, options->weight[i]};
    }
    s->options.weight = NULL; /* lent for this call only */
    return s;
}

void ting_p2h_sampler_free(ting_p2h_sampler *s)
{
    if (s == NULL)
        return;
    ting_epoch_free(&s->epoch);
    ting_free(s->groups);
    ting_p2h_confuser_free(s->confuser);
    ting_free(s->reading_start);
    ting_free(s->readings);
    ting_free(s);
}

static uint32_t length_of(const void *self, uint32_t sentence)
{
    const ting_p2h_corpus *corpus = self;
    return corpus->start[sentence + 1] - corpus->start[sentence];
}

ting_err ting_p2h_sampler_epoch(ting_p2h_sampler *s, int epoch)
{
    const ting_epoch_plan plan = {.groups = s->groups,
                                  .group_count = s->group_count,
                                  .length = length_of,
                                  .self = s->corpus,
                                  .budget = (size_t)s->options.tokens,
                                  .window = (size_t)s->options.window,
                                  .seed = s->options.seed};
    return ting_epoch_make(&plan, epoch, &s->epoch);
}

size_t ting_p2h_sampler_batches(const ting_p2h_sampler *sampler)
{
    return sampler->epoch.batches;
}

size_t ting_p2h_sampler_tokens(const ting_p2h_sampler *sampler)
{
    return sampler->epoch.total;
}

static ting_err take_batch(ting_arena *arena, int sentences, int tokens, int **start, ting_p2h_batch *out)
{
    *start = ting_arena_take(arena, ((size_t)sentences + 1) * sizeof **start);
    *out = (ting_p2h_batch){.segments = {sentences, *start}, .tokens = tokens};
    out->spoken = ting_arena_take(arena, (size_t)tokens * sizeof *out->spoken);
    out->written = ting_arena_take(arena, (size_t)tokens * sizeof *out->written);
    out->choices = ting_arena_take(arena, (size_t)tokens * sizeof *out->choices);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    (*start)[0] = 0;
    return TING_OK;
}

static void copy_sentence(const ting_p2h_corpus *corpus, size_t sentence, int at, ting_p2h_batch *batch)
{
    const uint32_t first = corpus->start[sentence], count = corpus->start[sentence + 1] - first;
    for (uint32_t i = 0; i < count; i++) {
        batch->spoken[at + (int)i] = corpus->spoken[first + i];
        int written = corpus->written[first + i];
        batch->written[at + (int)i] = written == TING_P2H_UNKNOWN ? -1 : written;
    }
}

/* The characters of a syllable and the place of the right one among them. */
static ting_choice choice_of(const ting_p2h_tables *t, int syllable, int character)
{
    ting_choice choice = {.classes = NULL, .target = -1};
    choice.count = ting_p2h_allowed(t, TING_P2H_EXACT, syllable, &choice.classes);
    for (int low = 0, high = choice.count; low < high;) {
        int middle = low + (high - low) / 2;
        if (choice.classes[middle] == character) {
            choice.target = middle;
            break;
        }
        if (choice.classes[middle] < character)
            low = middle + 1;
        else
            high = middle;
    }
    return choice;
}

/* Tone, initial and final may all change. */
static int spoil(const ting_p2h_sampler *s, int syllable, ting_rng *rng)
{
    const ting_p2h_spoil *p = &s->options.spoil;
    if (ting_rng_uniform(rng) < p->initial)
        syllable = ting_p2h_confuse(s->confuser, TING_CONFUSE_INITIAL, syllable, rng);
    if (ting_rng_uniform(rng) < p->final)
        syllable = ting_p2h_confuse(s->confuser, TING_CONFUSE_FINAL, syllable, rng);
    if (ting_rng_uniform(rng) < p->tone)
        syllable = ting_p2h_confuse(s->confuser, TING_CONFUSE_TONE, syllable, rng);
    return syllable;
}

static int other_reading(const ting_p2h_sampler *s, int syllable, int character, ting_rng *rng)
{
    if (character < 0 || ting_rng_uniform(rng) >= s->options.spoil.reading)
        return syllable;
    int first = s->reading_start[character], count = s->reading_start[character + 1] - first;
    return count > 0 ? s->readings[first + (int)ting_rng_below(rng, (uint32_t)count)] : syllable;
}

/* The own share of a batch's sentences, and for each the stream of what is done to it, which begins with whether it is
 * spoiled. */
typedef struct hand {
    uint32_t sentence;
    ting_rng rng;
    bool spoiled;
} hand;

static ting_err deal(const ting_p2h_sampler *s, size_t batch, ting_arena *arena, hand **out, int *count)
{
    ting_err err = TING_OK;
    const ting_epoch *e = &s->epoch;
    const uint32_t *order = e->order + e->cut[batch];
    const size_t whole = e->cut[batch + 1] - e->cut[batch];
    const ting_rng chance = ting_rng_for(s->options.seed, TING_RNG_BATCH, (uint64_t)e->number, batch);
    uint32_t *lengths = ting_arena_take(arena, whole * sizeof *lengths);
    int *owners = ting_arena_take(arena, whole * sizeof *owners);
    hand *hands = ting_arena_take(arena, whole * sizeof *hands);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < whole; i++)
        lengths[i] = length_of(s->corpus, order[i]);
    TRY(ting_deal(lengths, whole, s->options.share.parts > 0 ? s->options.share.parts : 1, owners));
    *out = hands;
    *count = 0;
    for (size_t i = 0; i < whole; i++) {
        if (owners[i] != s->options.share.part)
            continue;
        hand *h = &hands[(*count)++];
        *h = (hand){.sentence = order[i], .rng = ting_rng_for(chance.key, TING_RNG_ITEM, i, 0)};
        h->spoiled = ting_rng_uniform(&h->rng) < s->options.spoil.share;
    }
out:
    return err;
}

ting_err ting_p2h_sampler_batch(ting_p2h_sampler *s, size_t place, ting_arena *arena, ting_p2h_batch *out)
{
    ting_err err = TING_OK;
    hand *hands;
    int count, tokens = 0, used = 0, sentence = 0, *start;
    TRY(deal(s, s->epoch.turn[place], arena, &hands, &count));
    for (int i = 0; i < count; i++)
        tokens += (int)length_of(s->corpus, hands[i].sentence);
    TRY(take_batch(arena, count, tokens, &start, out));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            hand *h = &hands[i];
            if (h->spoiled != (pass == 1))
                continue;
            const int end = used + (int)length_of(s->corpus, h->sentence);
            copy_sentence(s->corpus, h->sentence, used, out);
            for (; used < end; used++) {
                int *syllable = &out->spoken[used];
                *syllable =
                    pass == 1 ? spoil(s, *syllable, &h->rng) : other_reading(s, *syllable, out->written[used], &h->rng);
                if (pass == 0)
                    out->choices[used] = choice_of(&s->corpus->tables, *syllable, out->written[used]);
            }
            start[++sentence] = used;
        }
        if (pass == 0)
            out->exact_tokens = used;
    }
out:
    return err;
}

ting_err ting_p2h_plain_batch(const ting_p2h_corpus *corpus, size_t first, size_t count, ting_arena *arena,
                              ting_p2h_batch *out)
{
    ting_err err = TING_OK;
    int *start;
    TRY(take_batch(arena, (int)count, (int)(corpus->start[first + count] - corpus->start[first]), &start, out));
    for (size_t i = 0; i < count; i++) {
        copy_sentence(corpus, first + i, start[i], out);
        start[i + 1] = start[i] + (int)(corpus->start[first + i + 1] - corpus->start[first + i]);
    }
    for (int t = 0; t < out->tokens; t++)
        out->choices[t] = choice_of(&corpus->tables, out->spoken[t], out->written[t]);
    out->exact_tokens = out->tokens;
out:
    return err;
}
