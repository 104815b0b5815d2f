/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_batch.c - the order of an epoch and the content of a batch; see p2h_batch.h. */
#include "data/p2h_batch.h"

#include "base/mem.h"
#include "data/p2h_confuse.h"
#include "data/p2h_layout.h"

#include <stdlib.h>
#include <string.h>

enum { PURPOSE_ORDER = 0x6F726472, PURPOSE_SPOIL = 0x73706F6C };

struct ting_p2h_sampler {
    const ting_p2h_corpus *corpus;
    ting_p2h_sampler_options options;
    double *weight;
    ting_p2h_confuser *confuser;
    int *reading_start, *readings; /* [characters + 1], by character: its syllables */
    int epoch;
    uint32_t *order; /* sentences of the epoch, batch after batch */
    size_t *cut;     /* [batches + 1] into order */
    uint32_t *turn;  /* [batches] the batch at each place */
    size_t sentences, batches, tokens;
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
    s->weight = ting_alloc((size_t)corpus->sources, sizeof *s->weight);
    s->confuser = ting_p2h_confuser_new(&corpus->tables);
    if (s->weight == NULL || s->confuser == NULL || !turn_readings(s)) {
        ting_p2h_sampler_free(s);
        return NULL;
    }
    for (int i = 0; i < corpus->sources; i++)
        s->weight[i] = options->weight[i];
    s->options.weight = s->weight;
    return s;
}

static void drop_epoch(ting_p2h_sampler *s)
{
    ting_free(s->order);
    ting_free(s->cut);
    ting_free(s->turn);
    s->order = s->turn = NULL;
    s->cut = NULL;
    s->sentences = s->batches = s->tokens = 0;
}

void ting_p2h_sampler_free(ting_p2h_sampler *s)
{
    if (s == NULL)
        return;
    drop_epoch(s);
    ting_free(s->weight);
    ting_p2h_confuser_free(s->confuser);
    ting_free(s->reading_start);
    ting_free(s->readings);
    ting_free(s);
}

static void shuffle(uint32_t *list, size_t count, ting_rng *rng)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = ting_rng_below(rng, (uint32_t)i);
        uint32_t kept = list[i - 1];
        list[i - 1] = list[j];
        list[j] = kept;
    }
}

/* Copies of a sentence in this epoch. */
static int copies(double weight, ting_rng *rng)
{
    int whole = (int)weight;
    return whole + (ting_rng_uniform(rng) < weight - whole);
}

static ting_err choose_sentences(ting_p2h_sampler *s, ting_rng *rng)
{
    size_t room = 0;
    for (int i = 0; i < s->corpus->sources; i++)
        if (s->corpus->source[i].kind == TING_P2H_TRAIN)
            room += (size_t)s->corpus->source[i].count * ((size_t)s->weight[i] + 1);
    if (room >= UINT32_MAX)
        return ting_fail(TING_ERR_ARGUMENT, "an epoch of more than %u sentences: lower the weights", UINT32_MAX);
    s->order = ting_alloc(room, sizeof *s->order);
    if (s->order == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < s->corpus->sources; i++) {
        const ting_p2h_source *source = &s->corpus->source[i];
        for (uint64_t k = 0; source->kind == TING_P2H_TRAIN && k < source->count; k++)
            for (int n = copies(s->weight[i], rng); n > 0; n--)
                s->order[s->sentences++] = (uint32_t)(source->first + k);
    }
    if (s->sentences == 0)
        return ting_fail(TING_ERR_ARGUMENT, "the weights of the sources leave no sentence to train on");
    return TING_OK;
}

static uint32_t length_of(const ting_p2h_sampler *s, uint32_t sentence)
{
    return s->corpus->start[sentence + 1] - s->corpus->start[sentence];
}

/* Counting sort by length: stable, so the order stays a function of the shuffle. */
static void sort_window(const ting_p2h_sampler *s, uint32_t *list, size_t count, uint32_t *scratch)
{
    size_t place[TING_P2H_LINE_MAX + 2] = {0};
    for (size_t i = 0; i < count; i++)
        place[length_of(s, list[i]) + 1]++;
    for (int n = 0; n <= TING_P2H_LINE_MAX; n++)
        place[n + 1] += place[n];
    for (size_t i = 0; i < count; i++)
        scratch[place[length_of(s, list[i])]++] = list[i];
    memcpy(list, scratch, count * sizeof *list);
}

/* Cuts the ordered sentences into batches of the token budget. */
static ting_err cut_batches(ting_p2h_sampler *s)
{
    s->cut = ting_alloc(s->sentences + 1, sizeof *s->cut);
    if (s->cut == NULL)
        return TING_ERR_MEMORY;
    size_t used = 0;
    for (size_t i = 0; i < s->sentences; i++) {
        size_t length = length_of(s, s->order[i]);
        s->tokens += length;
        if (i > 0 && (used + length > (size_t)s->options.tokens || i % (size_t)s->options.window == 0)) {
            s->cut[++s->batches] = i;
            used = 0;
        }
        used += length;
    }
    s->cut[++s->batches] = s->sentences;
    return TING_OK;
}

ting_err ting_p2h_sampler_epoch(ting_p2h_sampler *s, int epoch)
{
    ting_err err = TING_OK;
    ting_rng rng = ting_rng_new(s->options.seed, PURPOSE_ORDER + ((uint64_t)epoch << 32));
    uint32_t *scratch = NULL;
    drop_epoch(s);
    s->epoch = epoch;
    TRY(choose_sentences(s, &rng));
    shuffle(s->order, s->sentences, &rng);
    size_t window = (size_t)s->options.window;
    scratch = ting_alloc(window, sizeof *scratch);
    if (scratch == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t first = 0; first < s->sentences; first += window)
        sort_window(s, s->order + first, s->sentences - first < window ? s->sentences - first : window, scratch);
    TRY(cut_batches(s));
    s->turn = ting_alloc(s->batches, sizeof *s->turn);
    if (s->turn == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < s->batches; i++)
        s->turn[i] = (uint32_t)i;
    shuffle(s->turn, s->batches, &rng);
out:
    ting_free(scratch);
    if (err != TING_OK)
        drop_epoch(s);
    return err;
}

size_t ting_p2h_sampler_batches(const ting_p2h_sampler *sampler)
{
    return sampler->batches;
}

size_t ting_p2h_sampler_tokens(const ting_p2h_sampler *sampler)
{
    return sampler->tokens;
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

ting_err ting_p2h_sampler_batch(ting_p2h_sampler *s, size_t place, ting_arena *arena, ting_p2h_batch *out)
{
    ting_err err = TING_OK;
    const size_t batch = s->turn[place], first = s->cut[batch], count = s->cut[batch + 1] - first;
    ting_rng rng = ting_rng_new(s->options.seed, PURPOSE_SPOIL ^ ((uint64_t)s->epoch << 40) ^ ((uint64_t)batch << 8));
    int tokens = 0, used = 0, sentence = 0, *start;
    for (size_t i = first; i < first + count; i++)
        tokens += (int)length_of(s, s->order[i]);
    TRY(take_batch(arena, (int)count, tokens, &start, out));
    bool *spoiled = ting_arena_take(arena, count * sizeof *spoiled);
    if (spoiled == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        spoiled[i] = ting_rng_uniform(&rng) < s->options.spoil.share;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            if (spoiled[i] != (pass == 1))
                continue;
            const int end = used + (int)length_of(s, s->order[first + i]);
            copy_sentence(s->corpus, s->order[first + i], used, out);
            for (; used < end; used++) {
                int *syllable = &out->spoken[used];
                *syllable = pass == 1 ? spoil(s, *syllable, &rng)
                                      : other_reading(s, *syllable, out->written[used], &rng);
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
