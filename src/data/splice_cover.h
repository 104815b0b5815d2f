/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice_cover.h - which clips say a sentence: as few as there can be, so that as much as possible was really said
 * together.
 *
 *     TRY(ting_clip_index_new(entries, count, &index));               the clips of one speaker
 *     TRY(ting_clip_index_cover(index, &rng, sentence, n, clips, &used));
 *     if (used > 0) ... clips[0 .. used) say it ...
 *     ting_clip_index_free(index);
 *
 * An index does not change once it is made and is shared by threads.
 */
#ifndef TING_DATA_SPLICE_COVER_H
#define TING_DATA_SPLICE_COVER_H

#include "base/err.h"
#include "base/rng.h"

typedef struct ting_clip_entry { /* borrows */
    const int *syllables;        /* what is said */
    int count;
    int clip; /* the caller's number; several clips may say the same */
} ting_clip_entry;

typedef struct ting_clip_index ting_clip_index;

/* Copies. Entries without syllables are left out. Returns owned in *out, free with ting_clip_index_free; NULL on
 * failure. Error: memory. */
ting_err ting_clip_index_new(const ting_clip_entry *entries, int count, ting_clip_index **out);
void ting_clip_index_free(ting_clip_index *index);

/*
 * The numbers of the fewest clips that say `sentence` one after the other, in clips[count], and how many in *used; 0
 * when they cannot say it all (or count is 0). Each way with the fewest pieces is as likely as any other, and so is
 * each clip of a piece. Error: memory.
 */
ting_err ting_clip_index_cover(const ting_clip_index *index, ting_rng *rng, const int *sentence, int count, int *clips,
                               int *used);

#endif
