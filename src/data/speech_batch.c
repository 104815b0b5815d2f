/* SPDX-License-Identifier: Apache-2.0 */
/* speech_batch.c - see speech_batch.h. */
#include "data/speech_batch.h"

#include "base/mem.h"
#include "data/loader.h"
#include "loss/ctc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 256 };

typedef struct features { /* of one view, grows */
    float *values;
    size_t count, room;
} features;

typedef struct slot { /* a batch and its memory */
    ting_speech_batch batch;
    features view[TING_MOST_VIEWS], clean;
    int *starts; /* [views utterances + 1] */
    size_t start_room;
    int *label_starts; /* [labelled + 1] */
    size_t label_start_room;
    int *label_ids;
    size_t label_room;
    uint32_t *items;
    size_t item_room;
    uint32_t *lengths; /* of all items of the batch, also other shares' */
    size_t length_room;
    int *owners;
    size_t owner_room;
    char why[WHY];
} slot;

typedef struct scratch { /* of a thread of the loader */
    ting_sound voice, spoiled;
} scratch;

struct ting_speech_batches {
    ting_speech *speech;
    ting_speech_batches_options options;
    ting_epoch_group *groups;
    ting_epoch epoch;
    bool begun;       /* the loader makes batches of this epoch, */
    size_t next;      /* this one next */
    slot *slots;      /* [ahead] */
    scratch *scratch; /* [threads] */
    ting_loader *loader;
};

/* ---- one utterance ---- */

/* Features of a sound behind those that are there; *frames gets their number. */
static ting_err add_features(const ting_speech_batches *b, const ting_sound *sound, features *out, int *frames)
{
    ting_err err = TING_OK;
    float *values = NULL;
    size_t count = 0;
    const size_t dim = (size_t)ting_feature_dim(&b->options.features);
    TRY(ting_feature_compute(&b->options.features, b->options.cmvn, sound->samples, sound->count, &values, &count));
    TRY(ting_reserve(&out->values, out->count, count * dim, &out->room, sizeof *out->values));
    memcpy(out->values + out->count, values, count * dim * sizeof *values);
    out->count += count * dim;
    *frames = (int)count;
out:
    ting_free(values);
    return err;
}

static ting_err mask(const ting_speech_batches *b, ting_rng *rng, ting_rng warp, float *x, int frames)
{
    const int dim = ting_feature_dim(&b->options.features);
    return b->options.views == 1 ? ting_augment_features(b->options.augment, rng, b->options.timing, x, frames, dim)
                                 : ting_augment_view(b->options.augment, rng, warp, b->options.timing, x, frames, dim);
}

/* Appends all views of an item's sound; *frames gets the length of each. On an error what was appended stays behind the
 * counts that the caller knows. */
static ting_err hear(const ting_speech_batches *b, scratch *s, size_t item, ting_rng *rng, slot *out, int *frames)
{
    ting_err err = TING_OK;
    const ting_augment *augment = b->options.augment;
    TRY(ting_speech_load(b->speech, item, &s->voice));
    if (augment != NULL)
        TRY(ting_augment_voice(augment, rng, &s->voice));
    if (b->options.clean == TING_CLEAN_VOICE)
        TRY(add_features(b, &s->voice, &out->clean, frames));
    const ting_rng warp = *rng;
    ting_rng_next(rng);
    for (int v = 0; v < b->options.views; v++) {
        const size_t before = out->view[v].count;
        TRY(ting_sound_set(&s->spoiled, s->voice.samples, s->voice.count));
        if (augment != NULL)
            TRY(ting_augment_line(augment, rng, &s->spoiled));
        if (b->options.clean == TING_CLEAN_LINE && v == 0)
            TRY(add_features(b, &s->spoiled, &out->clean, frames));
        if (augment != NULL)
            ting_augment_level(augment, rng, &s->spoiled);
        TRY(add_features(b, &s->spoiled, &out->view[v], frames));
        if (augment != NULL)
            TRY(mask(b, rng, warp, out->view[v].values + before, *frames));
    }
out:
    return err;
}

static ting_err check_rows(const ting_speech_batches *b, const ting_speech_item *item, int frames)
{
    const int rows = b->options.rows(b->options.rows_self, frames);
    const int needed = item->labelled ? ting_ctc_frames(ting_speech_labels(b->speech) + item->label, (int)item->label_count) : 1;
    if (rows < 1 || rows < needed)
        return ting_fail(TING_ERR_FORMAT, "its %d frames give %d rows, its tokens need %d", frames, rows,
                         needed < 1 ? 1 : needed);
    return TING_OK;
}

static ting_err append_labels(const ting_speech_batches *b, const ting_speech_item *item, slot *out)
{
    ting_err err = TING_OK;
    ting_speech_batch *batch = &out->batch;
    const size_t have = (size_t)out->label_starts[batch->labelled];
    TRY(ting_reserve(&out->label_ids, have, item->label_count, &out->label_room, sizeof *out->label_ids));
    if (item->label_count > 0)
        memcpy(out->label_ids + have, ting_speech_labels(b->speech) + item->label, item->label_count * sizeof(int));
    out->label_starts[++batch->labelled] = (int)(have + item->label_count);
out:
    return err;
}

/* Appends an item to the batch, or leaves it out and says why. Errors: memory. */
static ting_err append(const ting_speech_batches *b, scratch *s, uint32_t at, ting_rng rng, slot *out)
{
    ting_err err = TING_OK;
    size_t count;
    const ting_speech_item *item = &ting_speech_items(b->speech, &count)[at];
    ting_speech_batch *batch = &out->batch;
    size_t before[TING_MOST_VIEWS];
    const size_t clean_before = out->clean.count;
    for (int v = 0; v < TING_MOST_VIEWS; v++)
        before[v] = out->view[v].count;
    int frames = 0;
    TRY(hear(b, s, at, &rng, out, &frames));
    TRY(check_rows(b, item, frames));
    if (item->labelled)
        TRY(append_labels(b, item, out));
    out->items[batch->utterances++] = at;
    out->starts[batch->utterances] = out->starts[batch->utterances - 1] + frames;
    batch->seconds += (double)s->voice.count / TING_SOUND_RATE;
out:
    if (err == TING_OK || err == TING_ERR_MEMORY)
        return err;
    for (int v = 0; v < TING_MOST_VIEWS; v++)
        out->view[v].count = before[v];
    out->clean.count = clean_before;
    batch->left_out++;
    snprintf(out->why, sizeof out->why, "%s: %s", item->clip->id, ting_error_message());
    batch->why = out->why;
    return TING_OK;
}

/* ---- one batch ---- */

static ting_err make_room(slot *out, size_t items, int views)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&out->starts, 0, (size_t)views * items + 1, &out->start_room, sizeof *out->starts));
    TRY(ting_reserve(&out->label_starts, 0, items + 1, &out->label_start_room, sizeof *out->label_starts));
    TRY(ting_reserve(&out->items, 0, items, &out->item_room, sizeof *out->items));
    out->starts[0] = out->label_starts[0] = 0;
    out->clean.count = 0;
    for (int v = 0; v < TING_MOST_VIEWS; v++)
        out->view[v].count = 0;
out:
    return err;
}

/* The views one after the other, and the pointers that a reader sees. */
static ting_err finish(const ting_speech_batches *b, slot *out)
{
    ting_err err = TING_OK;
    ting_speech_batch *batch = &out->batch;
    features *first = &out->view[0];
    const int each = batch->utterances, views = batch->views, total = out->starts[each];
    for (int v = 1; v < views; v++) {
        const features *view = &out->view[v];
        TRY(ting_reserve(&first->values, first->count, view->count, &first->room, sizeof *first->values));
        if (view->count > 0)
            memcpy(first->values + first->count, view->values, view->count * sizeof *view->values);
        first->count += view->count;
        for (int u = 0; u < each; u++)
            out->starts[v * each + u + 1] = v * total + out->starts[u + 1];
    }
    batch->frames = (ting_segments){views * each, out->starts};
    batch->heard = first->values;
    batch->clean = b->options.clean ? out->clean.values : NULL;
    batch->labels = (ting_segments){batch->labelled, out->label_starts};
    batch->label_ids = out->label_ids;
    batch->items = out->items;
out:
    return err;
}

/* Frames of 10 ms, the unit of the budget. */
static uint32_t frames_of(const void *self, uint32_t item)
{
    size_t count;
    const ting_speech *speech = self;
    return ting_speech_items(speech, &count)[item].samples / (TING_SOUND_RATE / 100);
}

/* Who works on each item of a batch. */
static ting_err deal(const ting_speech_batches *b, const uint32_t *order, size_t count, slot *out)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&out->lengths, 0, count, &out->length_room, sizeof *out->lengths));
    TRY(ting_reserve(&out->owners, 0, count, &out->owner_room, sizeof *out->owners));
    for (size_t i = 0; i < count; i++)
        out->lengths[i] = frames_of(b->speech, order[i]);
    TRY(ting_deal(out->lengths, count, b->options.share.parts > 0 ? b->options.share.parts : 1, out->owners));
out:
    return err;
}

static ting_err make_batch(void *self, int worker, int epoch, size_t place, void *memory)
{
    ting_err err = TING_OK;
    const ting_speech_batches *b = self;
    slot *out = memory;
    size_t count;
    const ting_speech_item *items = ting_speech_items(b->speech, &count);
    const size_t turn = b->epoch.turn[place], first = b->epoch.cut[turn], each = b->epoch.cut[turn + 1] - first;
    const uint32_t *order = b->epoch.order + first;
    const ting_rng rng = ting_rng_for(b->options.seed, TING_RNG_BATCH, (uint64_t)epoch, place);
    out->batch = (ting_speech_batch){.views = b->options.views, .chance = rng};
    TRY(make_room(out, each, b->options.views));
    TRY(deal(b, order, each, out));
    for (int labelled = 1; labelled >= 0; labelled--)
        for (size_t i = 0; i < each; i++)
            if (items[order[i]].labelled == (labelled == 1) && out->owners[i] == b->options.share.part)
                TRY(append(b, &b->scratch[worker], order[i], ting_rng_for(rng.key, TING_RNG_ITEM, i, 0), out));
    TRY(finish(b, out));
out:
    return err;
}

/* ---- all of them ---- */

static ting_err start_loader(ting_speech_batches *b)
{
    ting_err err = TING_OK;
    const size_t ahead = (size_t)b->options.ahead;
    void **slots = ting_alloc(ahead, sizeof *slots);
    b->slots = ting_alloc(ahead, sizeof *b->slots);
    b->scratch = ting_alloc((size_t)b->options.threads, sizeof *b->scratch);
    if (slots == NULL || b->slots == NULL || b->scratch == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for batches");
    for (size_t i = 0; i < ahead; i++)
        slots[i] = &b->slots[i];
    TRY(ting_loader_new(
        &(ting_loader_plan){
            .self = b, .slots = slots, .ahead = b->options.ahead, .threads = b->options.threads, .make = make_batch},
        &b->loader));
out:
    ting_free(slots);
    return err;
}

ting_err ting_speech_batches_new(ting_speech *speech, const ting_speech_batches_options *options,
                                 ting_speech_batches **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    if (options->views < 1 || options->views > TING_MOST_VIEWS || options->window < 1 || !(options->seconds > 0))
        return ting_fail(TING_ERR_ARGUMENT, "batches of %g s in %d views, %d utterances sorted together",
                         options->seconds, options->views, options->window);
    ting_speech_batches *b = ting_alloc(1, sizeof *b);
    if (b == NULL)
        return TING_ERR_MEMORY;
    b->speech = speech;
    b->options = *options;
    b->groups = ting_alloc((size_t)options->group_count, sizeof *b->groups);
    if (b->groups == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for batches");
    memcpy(b->groups, options->groups, (size_t)options->group_count * sizeof *b->groups);
    TRY(start_loader(b));
    *out = b;
    b = NULL;
out:
    ting_speech_batches_free(b);
    return err;
}

static void free_slot(slot *s)
{
    for (int v = 0; v < TING_MOST_VIEWS; v++)
        ting_free(s->view[v].values);
    ting_free(s->clean.values);
    ting_free(s->starts);
    ting_free(s->label_starts);
    ting_free(s->label_ids);
    ting_free(s->items);
    ting_free(s->lengths);
    ting_free(s->owners);
}

void ting_speech_batches_free(ting_speech_batches *b)
{
    if (b == NULL)
        return;
    ting_loader_free(b->loader);
    for (int i = 0; b->slots != NULL && i < b->options.ahead; i++)
        free_slot(&b->slots[i]);
    for (int i = 0; b->scratch != NULL && i < b->options.threads; i++) {
        ting_sound_free(&b->scratch[i].voice);
        ting_sound_free(&b->scratch[i].spoiled);
    }
    ting_free(b->slots);
    ting_free(b->scratch);
    ting_epoch_free(&b->epoch);
    ting_free(b->groups);
    ting_free(b);
}

ting_err ting_speech_batches_epoch(ting_speech_batches *b, int epoch, size_t *count)
{
    ting_err err = TING_OK;
    const ting_epoch_plan plan = {.groups = b->groups,
                                  .group_count = b->options.group_count,
                                  .length = frames_of,
                                  .self = b->speech,
                                  .budget = (size_t)(b->options.seconds * 100),
                                  .window = (size_t)b->options.window,
                                  .seed = b->options.seed};
    ting_loader_begin(b->loader, epoch, 0, 0); /* nobody reads the old order any more */
    b->begun = false;
    TRY(ting_epoch_make(&plan, epoch, &b->epoch));
    *count = b->epoch.batches;
out:
    return err;
}

size_t ting_speech_batches_largest(const ting_speech_batches *b)
{
    enum { EQUAL = 4000 }; /* frames at which an utterance's attention takes about as much as all the rest */
    size_t largest = 0;
    double most = 0;
    for (size_t place = 0; place < b->epoch.batches; place++) {
        const size_t turn = b->epoch.turn[place];
        double sum = 0;
        for (size_t i = b->epoch.cut[turn]; i < b->epoch.cut[turn + 1]; i++) {
            const double frames = frames_of(b->speech, b->epoch.order[i]);
            sum += frames * (frames + EQUAL);
        }
        largest = sum > most ? place : largest;
        most = fmax(most, sum);
    }
    return largest;
}

ting_err ting_speech_batches_take(ting_speech_batches *b, size_t place, const ting_speech_batch **out)
{
    ting_err err = TING_OK;
    void *taken = NULL;
    *out = NULL;
    if (place >= b->epoch.batches)
        FAIL(TING_ERR_INTERNAL, "batch %zu of an epoch of %zu", place, b->epoch.batches);
    if (!b->begun || place != b->next)
        ting_loader_begin(b->loader, b->epoch.number, place, b->epoch.batches);
    b->begun = true;
    b->next = place + 1;
    TRY(ting_loader_take(b->loader, &taken));
    const slot *s = taken;
    *out = &s->batch;
out:
    return err;
}
