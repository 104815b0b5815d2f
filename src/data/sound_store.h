/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sound_store.h - recordings that are needed again and again: decoded once and kept as 16-bit samples as far as the memory for
 * them reaches, decoded anew beyond that.
 *
 *     TRY(ting_sound_store_new(64 << 20, &store));
 *     TRY(ting_sound_store_reserve(store, count));
 *     TRY(ting_sound_store_load(store, i, clip, longest, &sound));      i < count, any thread
 *
 * A sound has the same values whether it was kept or not: it is rounded to 16 bits in any case.
 */
#ifndef TING_DATA_SOUND_STORE_H
#define TING_DATA_SOUND_STORE_H

#include "data/manifest.h"
#include "data/sound.h"

typedef struct ting_sound_store ting_sound_store;

/* memory: bytes for what is kept. Returns owned in *out, free with ting_sound_store_free. Errors: memory. */
ting_err ting_sound_store_new(size_t memory, ting_sound_store **out);
void ting_sound_store_free(ting_sound_store *store);

/* Places for sounds 0 .. count - 1, at least; while nobody loads. Errors: memory. */
ting_err ting_sound_store_reserve(ting_sound_store *store, size_t count);

/* Sound `at`, the piece of a file that the clip is, in place of what *sound holds. Any thread. Errors: those of
 * ting_sound_load_piece; format, when it has more than `longest` samples: they are not decoded. */
ting_err ting_sound_store_load(ting_sound_store *store, size_t at, const ting_clip *clip, size_t longest, ting_sound *sound);

#endif
