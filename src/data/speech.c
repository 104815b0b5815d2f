/* SPDX-License-Identifier: Apache-2.0 */
/* speech.c - see speech.h. */
#include "data/speech.h"

#include "audio/audio.h"
#include "base/hash.h"
#include "base/mem.h"
#include "data/sound_store.h"

#include <math.h>
#include <string.h>

enum { SAID = 5, ASKED = 256 }; /* utterances left out that are named, a source; between two questions whether to stop */

struct ting_speech {
    ting_speech_options options;
    ting_speech_item *items;
    size_t count, room;
    ting_labels labels;
    ting_sound_store *store;
};

ting_err ting_speech_new(const ting_speech_options *options, ting_speech **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_speech *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->options = *options;
    TRY(ting_sound_store_new(options->memory, &s->store));
    *out = s;
    s = NULL;
out:
    ting_speech_free(s);
    return err;
}

void ting_speech_free(ting_speech *s)
{
    if (s == NULL)
        return;
    ting_sound_store_free(s->store);
    ting_free(s->items);
    ting_labels_free(&s->labels);
    ting_free(s);
}

/* ---- items ---- */

/* Seconds of a clip: what the manifest says, else the file's header. */
static ting_err length_of(const ting_clip *clip, double *seconds)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    *seconds = clip->seconds;
    if (clip->seconds > 0)
        return TING_OK;
    TRY(ting_audio_open(clip->path, &(ting_audio_options){.rate = TING_SOUND_RATE}, &audio));
    const int64_t expected = ting_audio_describe(audio)->expected;
    if (expected < 0)
        FAIL(TING_ERR_FORMAT, "%s: its header does not tell how long it is: put the seconds into the manifest",
             clip->path);
    *seconds = (double)expected / TING_SOUND_RATE - fmax(clip->start, 0);
out:
    ting_audio_close(audio);
    return err;
}

static ting_err add_clip(ting_speech *s, const ting_clip *clip)
{
    ting_err err = TING_OK;
    double seconds = 0;
    const bool given =
        (clip->text != NULL && clip->text[0] != '\0') || (clip->pinyin != NULL && clip->pinyin[0] != '\0');
    const size_t first = s->labels.count;
    if (!given && !s->options.unlabelled_too)
        FAIL(TING_ERR_FORMAT, "it has neither text nor pinyin");
    bool labelled = given && s->options.labeller != NULL;
    if (labelled)
        err = ting_label_append(s->options.labeller, clip->text, clip->pinyin, &s->labels);
    if (err == TING_ERR_MEMORY || (err != TING_OK && !s->options.unlabelled_too))
        goto out;
    labelled = labelled && err == TING_OK; /* other languages, for a teacher's ears alone */
    TRY(length_of(clip, &seconds));
    if (!(seconds >= s->options.shortest && seconds <= s->options.longest))
        FAIL(TING_ERR_FORMAT, "it lasts %.2f s, expected %g to %g s", seconds, s->options.shortest, s->options.longest);
    TRY(ting_reserve(&s->items, s->count, 1, &s->room, sizeof *s->items));
    TRY(ting_sound_store_reserve(s->store, s->count + 1));
    s->items[s->count++] = (ting_speech_item){.clip = clip,
                                              .samples = (uint32_t)(seconds * TING_SOUND_RATE),
                                              .labelled = labelled,
                                              .label = first,
                                              .label_count = (uint32_t)(s->labels.count - first)};
out:
    if (err != TING_OK)
        s->labels.count = first;
    return err;
}

ting_err ting_speech_add(ting_speech *s, const ting_manifest *manifest, const char *name)
{
    const size_t clips = ting_manifest_count(manifest), before = s->count;
    size_t left_out = 0;
    for (size_t i = 0; i < clips; i++) {
        const ting_clip *clip = ting_manifest_at(manifest, i);
        if (i % ASKED == ASKED - 1 && s->options.stop != NULL && s->options.stop(s->options.self) != 0)
            return ting_fail(TING_ERR_CANCELLED, "%s: stopped after %zu of %zu utterances", name, i, clips);
        const ting_err err = add_clip(s, clip);
        if (err == TING_ERR_MEMORY)
            return err;
        if (err != TING_OK && left_out++ < SAID)
            ting_log_write(s->options.log, TING_LOG_WARNING, "%s: left out %s: %s", name, clip->id,
                           ting_error_message());
    }
    if (left_out > SAID)
        ting_log_write(s->options.log, TING_LOG_WARNING, "%s: left out %zu of %zu utterances in all", name, left_out,
                       clips);
    if (s->count == before)
        return ting_fail(TING_ERR_ARGUMENT, "%s: none of its %zu utterances can be used", name, clips);
    return TING_OK;
}

const ting_speech_item *ting_speech_items(const ting_speech *speech, size_t *count)
{
    *count = speech->count;
    return speech->items;
}

const int *ting_speech_labels(const ting_speech *speech)
{
    return speech->labels.ids;
}

uint64_t ting_speech_hash(const ting_speech *s)
{
    uint64_t hash = ting_fingerprint(s->labels.ids, s->labels.count * sizeof *s->labels.ids);
    for (size_t i = 0; i < s->count; i++) {
        const ting_speech_item *item = &s->items[i];
        const uint64_t parts[] = {hash, ting_hash_bytes(item->clip->id, strlen(item->clip->id)), item->samples,
                                  item->label_count, (uint64_t)llround(1000 * fmax(0, item->clip->start))};
        const bool piece = item->clip->start >= 0;
        hash = ting_fingerprint(parts, piece ? sizeof parts : sizeof parts - sizeof parts[0]);
    }
    return hash;
}

/* ---- sound ---- */

ting_err ting_speech_load(ting_speech *s, size_t at, ting_sound *sound)
{
    ting_err err = TING_OK;
    const ting_speech_item *item = &s->items[at];
    const double said = (double)item->samples / TING_SOUND_RATE, slack = ting_sound_slack(said);
    /* Not hours of it where seconds were promised: a batch of that would end the training. */
    TRY(ting_sound_store_load(s->store, at, item->clip, (size_t)((said + slack) * TING_SOUND_RATE), sound));
    const double is = (double)sound->count / TING_SOUND_RATE;
    if (is < said - slack)
        FAIL(TING_ERR_FORMAT, "%s: %.2f s of sound, expected %.2f: it was cut off, or is another one", item->clip->path, is, said);
out:
    return err;
}
