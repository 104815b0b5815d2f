/* SPDX-License-Identifier: Apache-2.0 */
/* lm_batch.c - see lm_batch.h. */
#include "train/lm_batch.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/ngram_table.h"

#include <string.h>

ting_err ting_lm_sentences_add(ting_lm_sentences *s, const ting_cut *sentence)
{
    ting_err err = TING_OK;
    const size_t places = sentence->count + 1, first = s->count, most = s->most > 0 ? (size_t)s->most : places;
    TRY(ting_reserve(&s->ids, s->count, places + 1, &s->room, sizeof *s->ids));
    TRY(ting_reserve(&s->pieces, s->piece_count, places / most + 1, &s->piece_room, sizeof *s->pieces));
    if (s->piece_count + places / most + 1 > UINT32_MAX || places > INT32_MAX)
        FAIL(TING_ERR_UNSUPPORTED, "more than 2^32 sentences, or one of more than 2^31 words");
    s->ids[s->count++] = TING_NGRAM_BEGIN;
    memcpy(s->ids + s->count, sentence->ids, sentence->count * sizeof *s->ids);
    s->count += sentence->count;
    s->ids[s->count++] = TING_NGRAM_END;
    for (size_t at = 0; at < places; at += most)
        s->pieces[s->piece_count++] = (ting_lm_piece){first + at, (uint32_t)(places - at < most ? places - at : most)};
out:
    return err;
}

void ting_lm_sentences_free(ting_lm_sentences *s)
{
    ting_free(s->ids);
    ting_free(s->pieces);
    *s = (ting_lm_sentences){0};
}

uint64_t ting_lm_sentences_hash(const ting_lm_sentences *s)
{
    const uint64_t parts[] = {ting_fingerprint(s->ids, s->count * sizeof *s->ids), s->piece_count, (uint64_t)s->most};
    return ting_fingerprint(parts, sizeof parts);
}

uint32_t ting_lm_piece_length(const void *self, uint32_t item)
{
    const ting_lm_sentences *s = self;
    return s->pieces[item].places;
}

ting_err ting_lm_batch_of(const ting_lm_sentences *s, const uint32_t *items, size_t count, bool whole, ting_arena *arena,
                          ting_lm_batch *out)
{
    int rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += (int)s->pieces[items[i]].places + whole;
    int *start = ting_arena_take(arena, (count + 1) * sizeof *start);
    *out = (ting_lm_batch){.segments = {(int)count, start},
                           .ids = ting_arena_take(arena, ((size_t)rows + 1) * sizeof *out->ids),
                           .targets = ting_arena_take(arena, ((size_t)rows + 1) * sizeof *out->targets)};
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    start[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const ting_lm_piece *p = &s->pieces[items[i]];
        int at = start[i];
        for (uint32_t t = 0; t < p->places; t++, at++) {
            out->ids[at] = (int)s->ids[p->first + t];
            out->targets[at] = (int)s->ids[p->first + t + 1];
        }
        if (whole) {
            out->ids[at] = (int)s->ids[p->first + p->places];
            out->targets[at++] = -1;
        }
        out->places += (int)p->places;
        start[i + 1] = at;
    }
    return TING_OK;
}

ting_err ting_lm_batch_plain(const ting_lm_sentences *s, size_t first, int budget, bool whole, ting_arena *arena, ting_lm_batch *out,
                             size_t *count)
{
    size_t places = s->pieces[first].places;
    *count = 1;
    while (first + *count < s->piece_count && places + s->pieces[first + *count].places <= (size_t)budget)
        places += s->pieces[first + (*count)++].places;
    uint32_t *items = ting_arena_take(arena, *count * sizeof *items);
    if (items == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < *count; i++)
        items[i] = (uint32_t)(first + i);
    return ting_lm_batch_of(s, items, *count, whole, arena, out);
}

ting_err ting_lm_batch_take(const ting_lm_sentences *s, const ting_epoch *epoch, size_t place, ting_share share, bool whole,
                            ting_arena *arena, ting_lm_batch *out)
{
    ting_err err = TING_OK;
    const size_t batch = epoch->turn[place], all = epoch->cut[batch + 1] - epoch->cut[batch];
    const uint32_t *order = epoch->order + epoch->cut[batch];
    uint32_t *lengths = ting_arena_take(arena, all * sizeof *lengths), *own = ting_arena_take(arena, all * sizeof *own);
    int *owners = ting_arena_take(arena, all * sizeof *owners);
    size_t count = 0;
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < all; i++)
        lengths[i] = s->pieces[order[i]].places;
    TRY(ting_deal(lengths, all, share.parts > 0 ? share.parts : 1, owners));
    for (size_t i = 0; i < all; i++)
        if (owners[i] == share.part)
            own[count++] = order[i];
    TRY(ting_lm_batch_of(s, own, count, whole, arena, out));
out:
    return err;
}
