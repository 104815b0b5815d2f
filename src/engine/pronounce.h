/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pronounce.h - an aligned text -> how well each of its syllables was said (goodness of pronunciation; Witt and Young 2000, with the
 * best rival in place of all others as Hu et al. 2015, summed over alignments as Cao et al. 2024).
 *
 *     place of the text, window between its neighbours
 *       -> decode/substitute.h: log-probability of every Mandarin syllable there, and of nothing: 40 to 100 of them exactly
 *       -> sums over the syllables that share the initial, the final, the tone
 *       -> of each the expected one against its best rival: a log-ratio, and a score
 *
 * Whoever says shi4 as si4 is right in final and tone: si4 counts for both.
 */
#ifndef TING_ENGINE_PRONOUNCE_H
#define TING_ENGINE_PRONOUNCE_H

#include "base/arena.h"
#include "decode/forced_align.h"
#include "engine/am.h"

typedef struct ting_pronouncer ting_pronouncer;

/* Returns owned in *out, free with ting_pronouncer_free; borrows the model. Errors: unsupported (its tokens are not pinyin), memory.
 */
ting_err ting_pronouncer_new(const ting_am *am, ting_pronouncer **out);
void ting_pronouncer_free(ting_pronouncer *pronouncer);

/* Place number `place` of the `places` that were aligned by the CTC head or the transducer; rows [T, dim] as then. *out lives in
 * `arena`, another one than the context's; NULL: what stands there is no syllable. Errors: numeric, memory. */
ting_err ting_pronounce(ting_pronouncer *pronouncer, ting_ctx *ctx, ting_tensor rows, const ting_forced_alignment *alignment,
                        bool ctc, int place, int places, ting_arena *arena, const ting_pronunciation **out);

#endif
