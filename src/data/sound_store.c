/* SPDX-License-Identifier: Apache-2.0 */
/* sound_store.c - see sound_store.h. */
#include "data/sound_store.h"

#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct kept {
    int16_t *samples; /* NULL: not yet */
    size_t count;
} kept;

struct ting_sound_store {
    kept *kept; /* [count] */
    size_t count, room, memory_left;
    pthread_mutex_t mutex; /* of what is kept */
};

ting_err ting_sound_store_new(size_t memory, ting_sound_store **out)
{
    *out = ting_alloc(1, sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    (*out)->memory_left = memory;
    pthread_mutex_init(&(*out)->mutex, NULL);
    return TING_OK;
}

void ting_sound_store_free(ting_sound_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        ting_free(s->kept[i].samples);
    pthread_mutex_destroy(&s->mutex);
    ting_free(s->kept);
    ting_free(s);
}

ting_err ting_sound_store_reserve(ting_sound_store *s, size_t count)
{
    ting_err err = TING_OK;
    if (count <= s->count)
        return TING_OK;
    TRY(ting_reserve(&s->kept, s->count, count - s->count, &s->room, sizeof *s->kept));
    s->count = count;
out:
    return err;
}

static int16_t quantise(float x)
{
    const float scaled = rintf(x * 32768);
    return (int16_t)fminf(32767, fmaxf(-32768, scaled));
}

/* Keeps a decoded sound if there is memory for it. */
static void keep(ting_sound_store *s, size_t at, const ting_sound *sound)
{
    const size_t bytes = sound->count * sizeof(int16_t);
    pthread_mutex_lock(&s->mutex);
    const bool fits = s->kept[at].samples == NULL && bytes <= s->memory_left;
    s->memory_left -= fits ? bytes : 0;
    pthread_mutex_unlock(&s->mutex);
    if (!fits)
        return;
    int16_t *copy = ting_alloc(sound->count, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < sound->count; i++)
        copy[i] = quantise(sound->samples[i]);
    pthread_mutex_lock(&s->mutex);
    if (copy != NULL && s->kept[at].samples == NULL) {
        s->kept[at] = (kept){copy, sound->count};
        copy = NULL;
    } else { /* another thread was first */
        s->memory_left += bytes;
    }
    pthread_mutex_unlock(&s->mutex);
    ting_free(copy);
}

ting_err ting_sound_store_load(ting_sound_store *s, size_t at, const ting_clip *clip, size_t longest, ting_sound *sound)
{
    ting_err err = TING_OK;
    pthread_mutex_lock(&s->mutex);
    const kept there = s->kept[at]; /* never freed before the store is */
    pthread_mutex_unlock(&s->mutex);
    if (there.samples == NULL) {
        TRY(ting_sound_load_piece(clip->path, clip->start, clip->seconds, longest + 1, sound));
        if (sound->count > longest)
            FAIL(TING_ERR_FORMAT, "%s: it lasts more than the %.2f s that were expected", clip->path, (double)longest / TING_SOUND_RATE);
        for (size_t i = 0; i < sound->count; i++) /* the same values the first time as later */
            sound->samples[i] = (float)quantise(sound->samples[i]) / 32768;
        keep(s, at, sound);
        return TING_OK;
    }
    TRY(ting_sound_reserve(sound, there.count));
    for (size_t i = 0; i < there.count; i++)
        sound->samples[i] = (float)there.samples[i] / 32768;
    sound->count = there.count;
out:
    return err;
}
