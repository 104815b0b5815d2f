/* SPDX-License-Identifier: Apache-2.0 */
/* spell.c - see spell.h. */
#include "engine/spell.h"

static int find_piece(const ting_am *am, ting_piece want)
{
    const int vocab = ting_am_vocab(&am->net->config);
    for (int i = 0; i < vocab; i++) {
        const ting_piece *p = &am->pieces[i];
        if (p->kind == want.kind && (want.kind != TING_PIECE_SYLLABLE || p->syllable == want.syllable) &&
            (want.kind != TING_PIECE_INITIAL || p->initial == want.initial) &&
            (want.kind != TING_PIECE_FINAL || (p->final == want.final && p->tone == want.tone)))
            return i;
    }
    return -1;
}

ting_align_path ting_spell(const ting_am *am, int syllable)
{
    ting_align_path path = {.count = 0};
    const int whole = find_piece(am, (ting_piece){.kind = TING_PIECE_SYLLABLE, .syllable = syllable});
    const ting_piece initial = {.kind = TING_PIECE_INITIAL, .initial = ting_pinyin_initial(syllable)};
    const ting_piece final = {.kind = TING_PIECE_FINAL, .final = ting_pinyin_final(syllable), .tone = ting_pinyin_tone(syllable)};
    if (whole >= 0)
        return (ting_align_path){{whole}, 1};
    if (initial.initial != TING_INITIAL_none)
        path.tokens[path.count++] = find_piece(am, initial);
    path.tokens[path.count++] = find_piece(am, final);
    for (int i = 0; i < path.count; i++)
        if (path.tokens[i] < 0)
            return (ting_align_path){.count = 0};
    return path;
}
